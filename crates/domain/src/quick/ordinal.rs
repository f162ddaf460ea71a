//! Days by their number or their place, without all that would say which: `Friday the 13th`, `the last Friday of the month`.
//! None is counted out, since people would argue about each; what says one is refused.

use super::doubt::{NOT_COUNTED, refused};
use super::grammar::{Read, ends};
use super::meaning::{Day, Meaning};
use super::names::{clock, is_digits, short_weekday, weekday, year};
use super::words::Line;

const PLACES: &str = "first second third fourth fifth last penultimate";
const ORDINALS: &str = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth";
const MONTHS: &str = "january february march april may june july august september october november december";

/// `13th`.
pub(super) fn is_ordinal(word: &str) -> bool {
    ["st", "nd", "rd", "th"].iter().any(|end| word.strip_suffix(end).is_some_and(is_digits))
}

/// `the month`, `December`, `next week`: the word after it.
pub(super) fn period(line: &Line<'_>, at: usize) -> Option<usize> {
    let which = ["the", "this", "next", "each", "every"].contains(&line.open(at));
    let at = at.saturating_add(usize::from(which));
    let word = line.core(at);
    let is_month = |name: &str| name == word || name.get(..3) == Some(word);
    let is_period =
        matches!(word, "month" | "year" | "quarter" | "week" | "sept") || MONTHS.split(' ').any(is_month);
    is_period.then(|| at.saturating_add(1))
}

/// `the last Friday of the month`, `first Monday in May`, `the last workday of the year`.
pub(super) fn of_period(line: &Line<'_>, at: usize) -> Option<Read> {
    let is_place = |word: &str| PLACES.split(' ').any(|place| place == word) || is_ordinal(word);
    let first = line.core(at);
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
        _ => None,
    }
}

/// What stands right after a day as if it said more of it: `27` after "5 Dec", or after "every year on 5 Dec"; `the 13th` after
/// "Friday".
pub(super) fn after_day(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> Option<Read> {
    let next = at.saturating_add(1);
    match last? {
        Meaning::Recurrence(found) => {
            let parts = found.phrase.rule.parts();
            let is_dated = !parts.by_month.is_empty() && !parts.by_month_day.is_empty();
            let why = "does not belong to a recurrence as it is read here: write \"starting 14 December 2027\" or the like";
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
            let meant = if figures.len() == 2 { format!("20{figures}") } else { "2027".to_owned() };
            let why = "is no year from 1970 to 9998";
            refused(format!("{why}: write {meant} or the like, or put it in quotation marks"), next)
        }
        Meaning::Day(Day::Weekday(_) | Day::This(_) | Day::Next(_)) => {
            let number = at.saturating_add(usize::from(line.open(at) == "the"));
            let (word, next) = (line.core(number), number.saturating_add(1));
            let is_spelt = ORDINALS.split(' ').any(|name| name == word) && ends(line, next);
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
