//! Lengths of time, and how long from now a task is due.

use super::doubt::{NOT_COUNTED, refused};
use super::grammar::{Read, is_last, plain_day};
use super::meaning::{Day, Meaning};
use super::names::{self, Unit, glued, number, unit};
use super::words::Line;

/// Most parts of one length of time: "1 week 2 days 3 hours 4 minutes".
const MAX_PARTS: usize = 4;
/// Words that say how many, and are no number.
const AMOUNTS: &str =
    "few couple several some many half quarter hundred thousand dozen dozens of and about around roughly";
/// Words that stand between a number and its unit.
const KINDS: &str = "business working work calendar full whole more other or to and";
/// Units that no length is counted in here.
const UNITS: &str = "second seconds sec secs fortnight fortnights quarter quarters decade decades workday workdays weekday \
    weekdays nights";

/// What looks like a length of time and is none that is read, such as `2.5 hours`, `a few days`: the word after it.
pub(super) fn no_length(line: &Line<'_>, at: usize) -> Option<usize> {
    let is = |list: &str, word: &str| list.split(' ').any(|known| known == word);
    let is_unit = |word: &str| unit(word).is_some() || is(UNITS, word);
    let mut amounts = 0_usize;
    for index in (at..line.words.len()).take(6) {
        let (word, next) = (line.core(index), index.saturating_add(1));
        if amounts > 0 && is_unit(word) {
            return Some(next);
        }
        // "½" is a number too.
        let is_digit = char::is_numeric;
        let figures = word.trim_start_matches(['-', '+', '~', '<', '>']);
        let rest = figures.trim_start_matches(|letter: char| is_digit(letter) || ".,/–-".contains(letter));
        let counts = figures.starts_with(is_digit);
        // "3-year bonds" are no three years.
        if counts && is_unit(rest.trim_end_matches(is_digit)) && !figures.contains(&format!("-{rest}")) {
            return Some(next);
        }
        let is_amount = counts && rest.is_empty() || number(word).is_some() || is(AMOUNTS, word);
        if !is_amount && (amounts == 0 || !is(KINDS, word)) {
            return None;
        }
        // A comma within figures is a part of them: "1,5".
        if line.open(index).is_empty() && line.end_before(next) != line.start(next) {
            return None;
        }
        amounts = amounts.saturating_add(1);
    }
    None
}

const NO_LENGTH: &str = "is no length of time that is read here: write it in whole minutes, hours, days, weeks, months or years, \
    as in \"3 days\" or \"1h30m\"";

/// `3 days`, `1h 30m`, `half an hour`: its parts, and the word after it.
pub(super) fn length(line: &Line<'_>, at: usize) -> Option<(Vec<(u32, Unit)>, usize)> {
    let after = |words: usize| at.saturating_add(words);
    if line.run(at, &["half", "an", "hour"]) {
        return Some((vec![(30, Unit::Minute)], after(3)));
    }
    let (mut parts, mut next) = (Vec::new(), at);
    while parts.len() < MAX_PARTS && (next == at || !line.open(next.saturating_sub(1)).is_empty()) {
        let follows = next.saturating_add(1);
        if let Some(more) = glued(line.core(next)) {
            parts.extend(more);
            next = follows;
        } else if let Some((count, unit)) = number(line.open(next)).zip(unit(line.core(follows))) {
            parts.push((count, unit));
            next = follows.saturating_add(1);
        } else {
            break;
        }
    }
    (!parts.is_empty()).then_some((parts, next))
}

/// `in 3 days`, `in 2 hours`, `in an hour`.
pub(super) fn ahead(line: &Line<'_>, at: usize) -> Option<Read> {
    let from = at.saturating_add(1);
    let Some((parts, mut next)) = length(line, from) else {
        return no_length(line, from).and_then(|next| refused(NO_LENGTH, next));
    };
    if !line.open(next.saturating_sub(1)).is_empty() && line.core(next) == "time" {
        next = next.saturating_add(1);
    }
    let goes_on = match line.core(next) {
        "and" | "or" | "to" | "plus" => {
            let word = line.core(next.saturating_add(1));
            word == "half" || number(word).is_some() || glued(word).is_some()
        }
        // "In 1 hour 30" is no hour with 30 people, and "3 hours of work" are work.
        word => {
            line.goes_on(next.saturating_sub(1))
                && (names::is_digits(word) && is_last(line, next.saturating_add(1))
                    || length(line, next).is_some_and(|(_, end)| line.core(end) != "of"))
        }
    };
    let meaning = if goes_on { None } else { from_now(&parts) };
    let why = "is too much at once: name one length of time, as in \"in 3 days\"";
    Some((meaning.unwrap_or_else(|| Meaning::Refused(why.to_owned())), next))
}

/// So long from now: hours and minutes are exact, days and months are those of the calendar.
fn from_now(parts: &[(u32, Unit)]) -> Option<Meaning> {
    if parts.iter().all(|(_, unit)| matches!(unit, Unit::Minute | Unit::Hour)) {
        let minutes = parts.iter().map(|(count, unit)| match unit {
            Unit::Hour => i64::from(*count).saturating_mul(60),
            _ => i64::from(*count),
        });
        return Some(Meaning::Later(minutes.fold(0, i64::saturating_add)));
    }
    let [(count, unit)] = parts else { return None };
    Some(Meaning::Day(match unit {
        Unit::Week => Day::Ahead(u64::from(*count).saturating_mul(7)),
        Unit::Month => Day::Months(*count),
        Unit::Year => Day::Months(count.saturating_mul(12)),
        _ => Day::Ahead(u64::from(*count)),
    }))
}

/// `3 days from now`; a day counted from another one is refused.
pub(super) fn from(line: &Line<'_>, at: usize) -> Option<Read> {
    let Some((parts, next)) = length(line, at) else {
        let next = no_length(line, at).filter(|next| line.run(*next, &["from", "now"]))?;
        return refused(NO_LENGTH, next.saturating_add(2));
    };
    let word = line.open(next);
    if !["from", "after", "before"].contains(&word) || line.open(next.saturating_sub(1)).is_empty() {
        return None;
    }
    let then = next.saturating_add(1);
    if word == "from" && line.core(then) == "now" {
        return from_now(&parts).map(|meaning| (meaning, then.saturating_add(1)));
    }
    let (_, next) = plain_day(line, then, true)?;
    refused(NOT_COUNTED, next)
}
