//! Days by their number or their place, without all that would say which: `Friday the 13th`, `the last Friday of the month`.
//! None is counted out, since people would argue about each; what says one is refused.

use super::doubt::{NOT_COUNTED, refused};
use super::grammar::{LEADS, Read, ends, is_last};
use super::meaning::{Day, Meaning};
use super::names::{clock, is_digits, short_weekday, weekday, year};
use super::range;
use super::words::Line;

const PLACES: &str = "first second third fourth fifth last penultimate";
const ORDINALS: &str = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth";
const MONTHS: &str = "january february march april may june july august september october november december";

/// `13th`.
pub(super) fn is_ordinal(word: &str) -> bool {
    ["st", "nd", "rd", "th"].iter().any(|end| word.strip_suffix(end).is_some_and(is_digits))
}

/// Why a day of each month is refused where it is not said as a recurrence.
pub(super) const IN_EACH_MONTH: &str =
    "is no day of each month as it is read here: write \"every month on the 15th\" or the like";

/// `seventh`.
pub(super) fn is_spelt(word: &str) -> bool {
    ORDINALS.split(' ').any(|name| name == word)
}

/// `december`, `dec`.
pub(super) fn is_month(word: &str) -> bool {
    word == "sept" || MONTHS.split(' ').any(|name| name == word || name.get(..3) == Some(word))
}

/// `the month`, `December`, `next week`: the word after it.
pub(super) fn period(line: &Line<'_>, at: usize) -> Option<usize> {
    let which = ["the", "this", "next", "each", "every"].contains(&line.open(at));
    let at = at.saturating_add(usize::from(which));
    let word = line.core(at);
    let is_period = matches!(word, "month" | "year" | "quarter" | "week") || is_month(word);
    is_period.then(|| at.saturating_add(1))
}

/// `the last Friday of the month`, `first Monday in May`, `the last workday of the year`.
pub(super) fn of_period(line: &Line<'_>, at: usize) -> Option<Read> {
    let is_place =
        |word: &str| PLACES.split(' ').any(|place| place == word) || is_ordinal(word) || is_spelt(word);
    let first = line.core(at);
    if is_digits(first) && first.len() <= 2 {
        return of_each_month(line, at.saturating_add(1));
    }
    if first != "the" && !is_place(first) {
        return None;
    }
    let article = usize::from(first == "the");
    let from = at.saturating_add(article);
    // "The 7th, Monday" names as little as "Monday the 7th".
    let place = if article > 0 && is_ordinal(line.core(from)) { line.core(from) } else { line.open(from) };
    if !is_place(place) {
        return None;
    }
    let (kind, next) = (from.saturating_add(1), from.saturating_add(2));
    let word = line.core(kind);
    let of = !line.open(kind).is_empty() && matches!(line.open(next), "of" | "in");
    let whole = if of { period(line, next.saturating_add(1)) } else { None };
    let is_kind = matches!(word, "day" | "workday" | "weekday" | "weekend") || short_weekday(word).is_some();
    let named = weekday(word).is_some() && (place != "last" || article > 0 || of);
    match whole {
        Some(next) if is_kind || named => refused(NOT_COUNTED, next),
        _ if named => refused(NOT_COUNTED, next),
        _ => by_number(line, from, article > 0),
    }
}

/// A day of a period that is named by its number alone: `the 15th of next month`, `the fifth of December`, `15th of every month`,
/// `the 15th monthly`. One of a month is read where its number is in figures.
fn by_number(line: &Line<'_>, at: usize, led: bool) -> Option<Read> {
    let next = at.saturating_add(1);
    if let Some(refused) = of_each_month(line, next) {
        return Some(refused);
    }
    let then = next.saturating_add(1);
    let after = then.saturating_add(1);
    let is_monthly = match line.core(next) {
        "monthly" => is_last(line, then),
        "every" | "each" => line.core(then) == "month",
        _ => false,
    };
    if is_monthly && (led || is_ordinal(line.core(at))) {
        return refused(IN_EACH_MONTH, if line.core(next) == "monthly" { then } else { after });
    }
    let is_read = line.sentence.day_of_month(line.start(at)).is_some();
    let end = period(line, then).filter(|_| line.open(next) == "of" && !is_read)?;
    // "The Third of May" may be a painting.
    let may_be_title = is_spelt(line.core(at)) && !is_last(line, end) && !LEADS.contains(&line.open(end));
    if may_be_title {
        return None;
    }
    refused(NOT_COUNTED, end)
}

/// `fifth of December`, `first of the month`, `December fifth`: the word after it.
pub(super) fn spelt_day(line: &Line<'_>, at: usize) -> Option<usize> {
    let (word, next) = (line.open(at), at.saturating_add(1));
    let then = next.saturating_add(1);
    if is_spelt(word) && line.open(next) == "of" {
        return period(line, then);
    }
    (is_month(word) && is_spelt(line.core(next))).then_some(then)
}

/// `of every month`.
fn of_each_month(line: &Line<'_>, at: usize) -> Option<Read> {
    let next = at.saturating_add(1);
    let is_each = line.open(at) == "of" && matches!(line.open(next), "every" | "each");
    refused(IN_EACH_MONTH, period(line, next).filter(|_| is_each)?)
}

/// What stands right after a day as if it said more of it: `27` after "5 Dec", or after "every year on 5 Dec"; `the 13th` after
/// "Friday".
pub(super) fn after_day(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> Option<Read> {
    let next = at.saturating_add(1);
    if let Some(Meaning::Day(day)) = last
        && let Some(refused) = range::after_day(line, *day, at)
    {
        return Some(refused);
    }
    match last? {
        Meaning::Recurrence(found) => {
            let parts = found.phrase.rule.parts();
            let is_dated = !parts.by_month.is_empty() && !parts.by_month_day.is_empty();
            let year = line.next_year;
            let why = format!(
                "does not belong to a recurrence as it is read here: write \"starting 14 December {year}\" or the like"
            );
            if is_dated && is_digits(line.core(at)) { refused(why, next) } else { None }
        }
        Meaning::Day(Day::Yearless(..)) => {
            let at = at.saturating_add(usize::from(line.open(at) == "of"));
            let (word, next) = (line.core(at), at.saturating_add(1));
            let figures = word.trim_matches(['\'', '’', '(', ')', '[', ']']);
            if is_ordinal(figures) {
                return refused("is a second day: name one, or put it in quotation marks", next);
            }
            let follows = if line.open(at).is_empty() { "" } else { line.core(next) };
            if !is_digits(figures) || clock(figures, follows).is_some() {
                return None;
            }
            if year(figures).is_some() {
                let why = "is not read as a year here: write it right after the day and the month, without any marks";
                return refused(why, next);
            }
            let next_year = line.next_year;
            let century = next_year.saturating_div(100);
            let meant =
                if figures.len() == 2 { format!("{century}{figures}") } else { next_year.to_string() };
            let why = "is no year from 1970 to 9998";
            refused(format!("{why}: write {meant} or the like, or put it in quotation marks"), next)
        }
        Meaning::Day(Day::Weekday(_) | Day::This(_) | Day::Next(_)) => {
            let number = at.saturating_add(usize::from(line.open(at) == "the"));
            let (word, next) = (line.core(number), number.saturating_add(1));
            let is_spelt = is_spelt(word) && ends(line, next);
            if is_spelt || is_ordinal(word) {
                let why = "is a day of no month: write the month as well, or put it in quotation marks";
                return refused(why, next);
            }
            let why =
                "may be a day or an hour: write it as 14 December or 14:00, or put it in quotation marks";
            let is_bare = is_digits(word) && word.len() <= 2 && ends(line, next);
            if is_bare { refused(why, next) } else { None }
        }
        _ => None,
    }
}
