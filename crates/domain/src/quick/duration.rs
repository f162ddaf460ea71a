//! Lengths of time: how long before a task is due one is reminded of it, and how long from now it is due.

use super::grammar::{Read, plain_day, when};
use super::meaning::{Day, Meaning};
use super::names::{Unit, glued, number, unit};
use super::words::Line;

/// Most parts of one length of time: "1 week 2 days 3 hours 4 minutes".
const MAX_PARTS: usize = 4;

/// `3 days`, `1h 30m`, `half an hour`: its parts, and the word after it.
fn length(line: &Line<'_>, at: usize) -> Option<(Vec<(u32, Unit)>, usize)> {
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

/// `remind 1h before`, `remind me when due`. One that names no such time is refused, where it does not ask for a person to
/// be reminded.
pub(super) fn reminder(line: &Line<'_>, at: usize) -> Option<Read> {
    if !["remind", "reminder"].contains(&line.open(at)) {
        return None;
    }
    let me = usize::from(line.open(at.saturating_add(1)) == "me").saturating_add(1);
    let from = at.saturating_add(me);
    for run in [["when", "due"].as_slice(), &["at", "the", "time"], &["on", "time"]] {
        if line.run(from, run) {
            return Some((Meaning::Reminder("PT0S".to_owned()), from.saturating_add(run.len())));
        }
    }
    let refuse = |next: usize| {
        let why =
            "is no reminder that is read here: write so long before it is due, as in \"remind 1h before\"";
        Some((Meaning::Refused(why.to_owned()), next))
    };
    let Some((parts, next)) = length(line, from) else {
        let word = line.core(from);
        let looks = word.starts_with(|letter: char| letter.is_ascii_digit())
            || ["at", "in", "on", "before", "after", "when"].contains(&word)
            || plain_day(line, from, false).is_some();
        let until = when(line, None, from).map_or(from.saturating_add(1), |(_, next)| next);
        return if looks { refuse(until.min(line.words.len())) } else { None };
    };
    let sign = match line.core(next) {
        "before" | "earlier" | "beforehand" if !line.open(next.saturating_sub(1)).is_empty() => "-",
        "after" | "later" if !line.open(next.saturating_sub(1)).is_empty() => "",
        _ => return refuse(next),
    };
    let next = next.saturating_add(1);
    match trigger(&parts) {
        Some(trigger) => Some((Meaning::Reminder(format!("{sign}{trigger}")), next)),
        None => refuse(next),
    }
}

/// A duration of RFC 5545 §3.3.6; `None` of months and years, whose length is not known.
fn trigger(parts: &[(u32, Unit)]) -> Option<String> {
    let (mut days, mut hours, mut minutes) = (0_u32, 0_u32, 0_u32);
    for (count, unit) in parts {
        let (sum, size) = match unit {
            Unit::Minute => (&mut minutes, 1),
            Unit::Hour => (&mut hours, 1),
            Unit::Day => (&mut days, 1),
            Unit::Week => (&mut days, 7),
            Unit::Month | Unit::Year => return None,
        };
        *sum = sum.saturating_add(count.saturating_mul(size));
    }
    let mut text = "P".to_owned();
    if days > 0 {
        text += &format!("{days}D");
    }
    if hours > 0 || minutes > 0 || days == 0 {
        text.push('T');
    }
    if hours > 0 {
        text += &format!("{hours}H");
    }
    if minutes > 0 || hours == 0 && days == 0 {
        text += &format!("{minutes}M");
    }
    Some(text)
}

/// `in 3 days`, `in 2 hours`, `in an hour`.
pub(super) fn ahead(line: &Line<'_>, at: usize) -> Option<Read> {
    let (parts, mut next) = length(line, at.saturating_add(1))?;
    if !line.open(next.saturating_sub(1)).is_empty() && line.core(next) == "time" {
        next = next.saturating_add(1);
    }
    let goes_on = line.core(next) == "and" && {
        let word = line.core(next.saturating_add(1));
        word == "half" || number(word).is_some() || glued(word).is_some()
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
    let (parts, next) = length(line, at)?;
    let word = line.open(next);
    if !["from", "after", "before"].contains(&word) || line.open(next.saturating_sub(1)).is_empty() {
        return None;
    }
    let then = next.saturating_add(1);
    if word == "from" && line.core(then) == "now" {
        return from_now(&parts).map(|meaning| (meaning, then.saturating_add(1)));
    }
    let (_, next) = plain_day(line, then, true)?;
    Some((Meaning::Refused("is not counted out here: write the day itself".to_owned()), next))
}
