//! The engine's work without any boundary, for `benches/compare/wasm_times.py`: a Wasm module whose functions do
//! `calls` times what `benches/native.rs` times, for the rule of a number in `benches/compare/rules.txt`.
#![expect(unsafe_code, reason = "exports need their names kept, which is an unsafe attribute")]

use perennial_recurrence::{Moment, Rule, RuleSet, Start, Zone};
use std::hint::black_box;

fn rule(number: u32) -> &'static str {
    let mut lines = include_str!("../benches/compare/rules.txt").lines();
    usize::try_from(number).ok().and_then(|number| lines.nth(number)).unwrap_or("FREQ=DAILY")
}

fn build(text: &str) -> Option<RuleSet> {
    let zone = Zone::parse("America/New_York").ok()?;
    let local = zone.local("2024-01-02T14:00:00Z".parse().ok()?);
    RuleSet::new(Start::Zoned(local, zone), Some(Rule::parse(text).ok()?), Vec::new(), Vec::new()).ok()
}

/// Parses the rule and finds its first occurrence.
#[unsafe(no_mangle)]
pub extern "C" fn first(number: u32, calls: u32) {
    for _ in 0..calls {
        let _ = black_box(build(black_box(rule(number))).map(|set| set.first()));
    }
}

/// Finds the occurrence after a later day.
#[unsafe(no_mangle)]
pub extern "C" fn next(number: u32, calls: u32) {
    let (Some(set), Ok(after)) = (build(rule(number)), "2026-06-01T00:00:00Z".parse()) else { return };
    for _ in 0..calls {
        let _ = black_box(set.next_after(black_box(&Moment::Instant(after))));
    }
}

/// Lists a thousand occurrences.
#[unsafe(no_mangle)]
pub extern "C" fn thousand(number: u32, calls: u32) {
    let Some(set) = build(rule(number)) else { return };
    for _ in 0..calls {
        let _ = black_box(set.expand(None, 1_000));
    }
}
