//! Our own times for `compare/run.py`, one JSON object a line: nanoseconds to parse a rule and find its first
//! occurrence, to find the next one after a later day, and to list a thousand.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop anywhere and prints its result"
)]

use perennial_recurrence::{Moment, Rule, RuleSet, Start, Zone};
use std::hint::black_box;
use std::time::Instant;

/// The best of five rounds, in nanoseconds a call.
fn time(calls: u32, mut call: impl FnMut()) -> u128 {
    let round = |call: &mut dyn FnMut()| {
        let begun = Instant::now();
        (0..calls).for_each(|_| call());
        begun.elapsed().as_nanos().checked_div(u128::from(calls)).unwrap()
    };
    (0..5).map(|_| round(&mut call)).min().unwrap()
}

fn main() {
    let zone = Zone::parse("America/New_York").unwrap();
    let start = Start::Zoned("2024-01-02T09:00:00".parse().unwrap(), zone);
    let after = Moment::Instant("2026-06-01T00:00:00Z".parse().unwrap());
    let build = |text: &str| RuleSet::new(start, Some(Rule::parse(text).unwrap()), vec![], vec![]).unwrap();
    for text in include_str!("compare/rules.txt").lines() {
        let set = build(text);
        let first = time(2_000, || {
            let _ = black_box(build(black_box(text)).first());
        });
        let next = time(2_000, || {
            let _ = black_box(set.next_after(black_box(&after)));
        });
        let thousand = time(50, || drop(black_box(set.expand(None, 1_000))));
        let parse = time(5_000, || drop(black_box(Rule::parse(black_box(text)))));
        let rule = Rule::parse(text).unwrap();
        let new = time(5_000, || drop(black_box(RuleSet::new(start, Some(rule.clone()), vec![], vec![]))));
        let check = time(2_000, || {
            let _ = black_box(set.clone().check_answerable());
        });
        let describe = time(2_000, || drop(black_box(set.describe())));
        let series = format!("\"parse\":{parse},\"build\":{new},\"check\":{check},\"describe\":{describe}");
        println!(
            "{{\"rule\":\"{text}\",{series},\"first\":{first},\"next\":{next},\"thousand\":{thousand}}}"
        );
    }
}
