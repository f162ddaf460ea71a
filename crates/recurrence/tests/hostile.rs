//! Rules written to hurt: each is answered or refused within the bounds of `limits`, none panics.
//!
//! `cargo test -p perennial-recurrence --test hostile -- --nocapture` prints what each cost.

#![expect(clippy::unwrap_used, reason = "a test may stop anywhere")]

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/memory.rs"]
mod memory;

use perennial_recurrence::limits::{MAX_QUESTION_BYTES, MAX_STEPS};
use perennial_recurrence::{Moment, Rule, RuleSet, Start, Zone};
use std::time::{Duration, Instant};

struct Cost {
    time: Duration,
    bytes: usize,
    steps: u32,
    rule: String,
    outcome: &'static str,
}

/// Everything one can ask of a rule; the steps of the dearest listing.
fn ask(text: &str, start: Start) -> (&'static str, u32) {
    let Ok(rule) = Rule::parse(text) else { return ("refused by the parser", 0) };
    let Ok(set) = RuleSet::new(start, Some(rule), vec![], vec![]) else {
        return ("refused with its start", 0);
    };
    let Ok(page) = set.expand(None, 20) else { return ("exhausted", MAX_STEPS) };
    let later = Moment::Instant("2090-06-01T00:00:00Z".parse().unwrap());
    let rest = set.expand(Some(&later), 5).map_or(MAX_STEPS, |page| page.steps);
    let _ = (set.previous(&later), set.contains(&later), set.describe());
    let outcome = if page.occurrences.is_empty() { "no occurrence" } else { "answered" };
    (outcome, page.steps.max(rest))
}

#[test]
fn every_hostile_rule_is_answered_or_refused_within_the_bounds() {
    let rules = corpus::rules();
    assert!(rules.len() >= 200, "{}", rules.len());
    let new_york = Zone::parse("America/New_York").unwrap();
    let apia = Zone::parse("Pacific/Apia").unwrap();
    let starts = [
        Start::Zoned("2024-02-29T23:59:59".parse().unwrap(), new_york),
        Start::Zoned("2011-12-30T00:00:00".parse().unwrap(), apia),
        Start::Floating("1970-01-01T00:00:00".parse().unwrap()),
        Start::Date("9999-12-31".parse().unwrap()),
    ];
    let mut costs = Vec::new();
    for (text, start) in rules.iter().flat_map(|text| starts.iter().map(move |start| (text, *start))) {
        let begun = Instant::now();
        memory::reset();
        let (outcome, steps) = ask(text, start);
        let (time, bytes) = (begun.elapsed(), memory::peak());
        assert!(steps <= MAX_STEPS, "{steps} steps: {text}");
        assert!(bytes <= MAX_QUESTION_BYTES, "{bytes} bytes: {text}");
        costs.push(Cost { time, bytes, steps, rule: text.chars().take(90).collect(), outcome });
    }
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.time));
    for Cost { time, bytes, steps, rule, outcome } in &costs {
        println!("{:>10.1?} {bytes:>9} B {steps:>8} steps  {outcome:<22} {rule}", time);
    }
    let total: Duration = costs.iter().map(|cost| cost.time).sum();
    println!("{} rules from {} starts each, {total:.1?} together", rules.len(), starts.len());
}

#[test]
fn a_daily_rule_is_as_cheap_from_1970_as_from_yesterday() {
    let zone = Zone::parse("America/New_York").unwrap();
    let after = Moment::Instant("2090-06-01T00:00:00Z".parse().unwrap());
    for text in
        ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=YEARLY", "FREQ=SECONDLY"]
    {
        let steps = |start: &str| {
            let rule = Some(Rule::parse(text).unwrap());
            let set = RuleSet::new(Start::Zoned(start.parse().unwrap(), zone), rule, vec![], vec![]).unwrap();
            set.expand(Some(&after), 1).unwrap().steps
        };
        let (old, new) = (steps("1970-01-31T09:00:00"), steps("2090-05-31T09:00:00"));
        assert!(old <= new + 12, "{text}: {old} steps against {new}");
    }
}

#[test]
fn a_question_beyond_the_budget_is_refused_with_its_name() {
    // `check_answerable` refuses it: under half an offset, every hour has to be looked at.
    let rule = Rule::parse("FREQ=HOURLY;BYMINUTE=15;BYSETPOS=2").unwrap();
    let lord_howe = Zone::parse("Australia/Lord_Howe").unwrap();
    let start = Start::Zoned("2024-05-01T00:00:00".parse().unwrap(), lord_howe);
    let set = RuleSet::new(start, Some(rule), vec![], vec![]).unwrap();
    let refused = set.first().unwrap_err();
    assert_eq!(refused.limit, MAX_STEPS);
    assert_eq!(
        refused.to_string(),
        "no answer within 250000 steps: the rule is too sparse or too large to search"
    );
}
