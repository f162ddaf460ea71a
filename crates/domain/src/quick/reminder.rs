//! Reminders: how long before a task is due one is reminded of it.

use super::doubt::refused;
use super::duration::{length, no_length};
use super::grammar::{Read, ends, plain_day, when};
use super::meaning::Meaning;
use super::names::Unit;
use super::words::Line;

/// Why `remind me` alone is refused.
const BARE: &str = "does not say when: write so long before it is due, as in \"remind 1h before\", or put it in quotation marks";

/// Other words for it, which are told of and not read; and those of them that say so without "me".
const OTHERS: [&str; 10] =
    ["reminders", "notify", "notification", "alert", "alarm", "ping", "nudge", "warn", "tell", "email"];
const ALONE: usize = 6;
/// What a reminder is said to come before or after, without a number.
const SPANS: [&str; 9] =
    ["minute", "hour", "day", "week", "month", "morning", "afternoon", "evening", "night"];

/// `remind 1h before`, `remind me when due`, and after one of them `10m before` or `and 10m before`. One that names no such
/// time is refused, where it does not ask for a person to be reminded.
pub(super) fn reminder(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> Option<Read> {
    let refuse = |next: usize| {
        let why =
            "is no reminder that is read here: write so long before it is due, as in \"remind 1h before\"";
        refused(why, next.min(line.words.len()))
    };
    let second = at.saturating_add(1);
    let read = |from: usize| {
        reminded(line, from).map(|(trigger, next)| match trigger {
            Some(trigger) => (Meaning::Reminder(trigger), next),
            None => {
                (Meaning::Refused("is no reminder: months and years have no one length".to_owned()), next)
            }
        })
    };
    if OTHERS.contains(&line.open(at)) {
        let is_me = line.open(second) == "me";
        let from = second.saturating_add(usize::from(is_me));
        let end = without_verb(line, from).or_else(|| unnumbered(line, from))?;
        let is_meant =
            is_me || OTHERS.iter().take(ALONE).any(|word| line.core(at) == *word) && ends(line, end);
        return if is_meant { refuse(end) } else { None };
    }
    if !["remind", "reminder"].contains(&line.core(at)) {
        let Some(Meaning::Reminder(_)) = last else { return None };
        let is_joint = |index: usize| ["and", "&", "plus", "then", "also"].contains(&line.open(index));
        let joints = usize::from(is_joint(at));
        let from = at.saturating_add(joints).saturating_add(usize::from(joints > 0 && is_joint(second)));
        let unfinished = || length(line, from).filter(|(_, next)| ends(line, *next));
        return read(from).or_else(|| unfinished().and_then(|(_, next)| refuse(next)));
    }
    let is_me = line.core(second) == "me" && !line.open(at).is_empty();
    let from = second.saturating_add(usize::from(is_me));
    let is_verb = line.core(at) == "remind";
    let is_bare = is_verb && (is_me || at > 0) && ends(line, from);
    if line.open(from.saturating_sub(1)).is_empty() {
        return if is_bare { refused(BARE, from) } else { None };
    }
    if let Some(found) = read(from) {
        return Some(found);
    }
    if let Some(next) = length(line, from).map(|(_, next)| next).or_else(|| unnumbered(line, from)) {
        return refuse(next);
    }
    let word = line.core(from);
    let unread = no_length(line, from);
    let looks = word.starts_with(|letter: char| letter.is_ascii_digit())
        || ["at", "in", "on", "before", "after", "when"].contains(&word)
        || unread.is_some()
        || plain_day(line, from, false).is_some();
    let until = || when(line, None, from).map_or(from.saturating_add(1), |(_, next)| next);
    match looks {
        true => refuse(unread.unwrap_or_else(until)),
        false if is_bare => refused(BARE, from),
        false => None,
    }
}

/// `1h before`, `1h reminder`, that no "remind" goes before: the word after it.
pub(super) fn without_verb(line: &Line<'_>, at: usize) -> Option<usize> {
    let (_, next) = length(line, at)?;
    let is_noun = line.core(next) == "reminder" && !line.open(next.saturating_sub(1)).is_empty();
    if is_noun { Some(next.saturating_add(1)) } else { reminded(line, at).map(|(_, next)| next) }
}

/// `the day before`, `the night before`: the word after it.
fn unnumbered(line: &Line<'_>, at: usize) -> Option<usize> {
    let from = at.saturating_add(usize::from(["the", "a", "an"].contains(&line.open(at))));
    let next = from.saturating_add(1);
    let is = SPANS.contains(&line.open(from)) && ["before", "earlier", "prior"].contains(&line.core(next));
    is.then(|| next.saturating_add(1))
}

/// When one is to be reminded, as a trigger, and the word after it: `1h before`, `when due`. There is no trigger of a length
/// that is not known.
fn reminded(line: &Line<'_>, at: usize) -> Option<(Option<String>, usize)> {
    for run in [["when", "due"].as_slice(), &["at", "the", "time"], &["on", "time"]] {
        if line.run(at, run) {
            return Some((Some("PT0S".to_owned()), at.saturating_add(run.len())));
        }
    }
    let (parts, next) = length(line, at)?;
    if line.open(next.saturating_sub(1)).is_empty() {
        return None;
    }
    let sign = match line.core(next) {
        "before" | "earlier" | "beforehand" => "-",
        "after" | "later" => "",
        _ => return None,
    };
    Some((trigger(&parts).map(|trigger| format!("{sign}{trigger}")), next.saturating_add(1)))
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
