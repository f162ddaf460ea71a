//! More days than one, and days that are said by another one: `5 to 7 Dec`, `the day before 5 Dec`, `Friday week`. A task is due
//! on one day, and none is counted out; what says one of these is refused.

use super::doubt::{NOT_COUNTED, refused};
use super::grammar::{Read, ends, is_last, plain_day};
use super::meaning::{Day, Meaning};
use super::names::{clock, is_digits};
use super::ordinal::{is_month, is_ordinal};
use super::words::Line;

const MORE_DAYS: &str = "is more than one day: name one, or put it in quotation marks";
/// Between two days.
const BETWEEN: [&str; 14] =
    ["to", "and", "&", "or", "until", "till", "through", "thru", "-", "–", "—", "+", "before", "after"];
/// What may be said to come before or after a day.
const SPANS: &str = "day week month year weekend weekday workday morning afternoon evening night eve";

/// `5`, `5th`, of a day of the month.
fn is_day(word: &str) -> bool {
    let figures =
        if is_ordinal(word) { word.get(..word.len().saturating_sub(2)).unwrap_or("") } else { word };
    is_digits(figures) && figures.len() <= 2 && figures.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day))
}

/// `5-7`, `5+6`, `5th/6th`.
fn is_glued(word: &str) -> bool {
    let mut parts = 0_usize;
    word.split(['-', '–', '/', '+', '&']).all(|part| {
        parts = parts.saturating_add(1);
        is_day(part)
    }) && parts > 1
}

/// Days of one month: `5 to 7 Dec`, `5,6 Dec`, `5-7 Dec`, `Dec 5-7`.
pub(super) fn days(line: &Line<'_>, at: usize) -> Option<Read> {
    let (word, next) = (line.core(at), at.saturating_add(1));
    let after = next.saturating_add(1);
    if is_month(word) {
        // "March 5-7 miles".
        let is_verb = word.starts_with("mar") || word == "may";
        let is_range = is_glued(line.core(next)) && (!is_verb || is_last(line, after));
        return if is_range && !line.open(at).is_empty() { refused(MORE_DAYS, after) } else { None };
    }
    if is_glued(word) && !line.open(at).is_empty() {
        let month = next.saturating_add(usize::from(line.open(next) == "of"));
        let then = month.saturating_add(1);
        // "Rooms 5-7 Dec 3" names the day after its month.
        let is_of = is_month(line.core(month)) && line.sentence.day_of_month(line.start(month)).is_none();
        return if is_of { refused(MORE_DAYS, then) } else { None };
    }
    if !is_day(word) {
        return None;
    }
    let listed = line.open(at).is_empty() && line.start(next) == line.end_before(next) && line.goes_on(at);
    let from = match line.open(next) {
        _ if listed => next,
        joint if BETWEEN.contains(&joint) && !line.open(at).is_empty() => {
            after.saturating_add(usize::from(line.open(after) == "the"))
        }
        _ => return None,
    };
    let (_, end) = line.sentence.day_of_month(line.start(from))?;
    // "5 to Dec 7" names no day before its month.
    if is_month(line.core(from)) { None } else { refused(MORE_DAYS, line.word_from(end)) }
}

/// `the day before 5 Dec`, `the week of 7 Dec`, `the week after next`.
pub(super) fn counted(line: &Line<'_>, at: usize) -> Option<Read> {
    let from = at.saturating_add(usize::from(line.open(at) == "the"));
    let (span, next) = (line.open(from), from.saturating_add(1));
    if !SPANS.split(' ').any(|name| name == span) {
        return None;
    }
    let then = next.saturating_add(1);
    let is_counted = match line.open(next) {
        "after" if line.core(then) == "next" => return refused(NOT_COUNTED, then.saturating_add(1)),
        "before" | "after" | "following" => true,
        "of" => matches!(span, "week" | "weekend" | "eve"),
        _ => false,
    };
    let (_, end) = if is_counted { plain_day(line, then, true)? } else { return None };
    refused(NOT_COUNTED, end)
}

/// What stands right after a day as if it named another one with it: `to 7` after "5 Dec", `week` after "Friday".
pub(super) fn after_day(line: &Line<'_>, day: Day, at: usize) -> Option<Read> {
    let (word, next) = (line.core(at), at.saturating_add(1));
    let after = next.saturating_add(1);
    let is_date = |day: Day| matches!(day, Day::Of(_) | Day::Yearless(..));
    let is_near = matches!(day, Day::Weekday(_) | Day::This(_) | Day::Next(_) | Day::Ahead(0 | 1));
    if is_near && line.run(at, &["after", "next"]) {
        return refused(NOT_COUNTED, after);
    }
    if is_near && matches!(word, "week" | "fortnight") && ends(line, next) {
        return refused(NOT_COUNTED, next);
    }
    if !BETWEEN.contains(&line.open(at)) {
        return None;
    }
    let from = next.saturating_add(usize::from(line.open(next) == "the"));
    let (word, after) = (line.core(from), from.saturating_add(1));
    let follows = if line.open(from).is_empty() { "" } else { line.core(after) };
    if is_date(day) && is_day(word) && clock(word, follows).is_none() && ends(line, after) {
        return refused(MORE_DAYS, after);
    }
    let why = if matches!(line.open(at), "before" | "after") { NOT_COUNTED } else { MORE_DAYS };
    // Beside its date the name of a day would be taken for that of the same day.
    match plain_day(line, next, true)? {
        (Meaning::Day(Day::Weekday(_)), end) if is_date(day) => refused(why, end),
        (Meaning::Day(other), end) if is_date(other) && matches!(day, Day::Weekday(_)) => refused(why, end),
        _ => None,
    }
}
