//! Which times of day, in words.

use super::words::{and, numbers};
use crate::rule::{Frequency, Parts};

/// Up to this many times of day are listed one by one.
const LISTED: usize = 8;

/// ` at 09:00 and 17:00`, or which hours, minutes and seconds.
pub(super) fn times(parts: &Parts) -> String {
    let (hours, minutes, seconds) = (&parts.by_hour, &parts.by_minute, &parts.by_second);
    let count = hours.len().saturating_mul(minutes.len()).saturating_mul(seconds.len());
    if parts.frequency >= Frequency::Daily && (1..=LISTED).contains(&count) {
        let with_seconds = seconds.as_slice() != [0];
        let of_minute = |hour: u8, minute: u8| {
            seconds.iter().map(move |second| match with_seconds {
                true => format!("{hour:02}:{minute:02}:{second:02}"),
                false => format!("{hour:02}:{minute:02}"),
            })
        };
        let of_hour =
            |hour: u8| minutes.iter().flat_map(move |&minute| of_minute(hour, minute)).collect::<Vec<_>>();
        return format!(" at {}", and(&hours.iter().flat_map(|&hour| of_hour(hour)).collect::<Vec<_>>()));
    }
    let mut clauses = Vec::new();
    let with_seconds = parts.frequency < Frequency::Daily || seconds.as_slice() != [0];
    for (name, values, shown) in
        [("second", seconds, with_seconds), ("minute", minutes, true), ("hour", hours, true)]
    {
        if !values.is_empty() && shown {
            let plural = if values.len() > 1 { "s" } else { "" };
            clauses.push(format!("{name}{plural} {}", numbers(values)));
        }
    }
    if clauses.is_empty() { String::new() } else { format!(" at {}", clauses.join(" of ")) }
}
