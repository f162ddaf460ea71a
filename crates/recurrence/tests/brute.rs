//! The engine beside a brute-force expansion of random rules: nothing missing, nothing too much.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop anywhere"
)]

#[path = "oracle/brute.rs"]
mod brute;
#[path = "oracle/by_parts.rs"]
mod by_parts;
#[path = "differential/random.rs"]
mod random;

use chrono::TimeDelta;
use perennial_recurrence::{Frequency, Rule, RuleSet, Start, Zone};
use random::Random;

fn rule(text: &str) -> Rule {
    Rule::parse(text).unwrap().without_end()
}

#[test]
fn daily_to_yearly_rules_equal_a_brute_force_expansion() {
    let mut random = Random(21);
    let mut compared = 0;
    while compared < 800 {
        let case = random::case(&mut random);
        let rule = rule(&case.rrule);
        if rule.frequency() < Frequency::Daily {
            continue;
        }
        let years = if rule.frequency() == Frequency::Yearly { 25 } else { 5 };
        let expected = brute::expand(rule.parts(), case.dtstart, years);
        let set = RuleSet::new(Start::Floating(case.dtstart), Some(rule.clone()), vec![], vec![]).unwrap();
        let end = case.dtstart + TimeDelta::days(years * 366 - 400);
        let found = set.between(&case.dtstart.into(), &end.into(), 10_000).unwrap();
        let found: Vec<_> = found.occurrences.iter().map(|occurrence| occurrence.local).collect();
        let expected: Vec<_> = expected.into_iter().filter(|&local| local < end).take(10_000).collect();
        assert_eq!(found, expected, "{} {}", case.dtstart, rule);
        compared += 1;
    }
}

#[test]
fn sub_daily_rules_equal_a_brute_force_expansion_across_clock_changes() {
    let mut random = Random(22);
    let zones = ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
        .map(|name| Zone::parse(name).unwrap());
    let mut compared = 0;
    while compared < 150 {
        let case = random::case(&mut random);
        let rule = rule(&case.rrule);
        let zone = zones[compared % zones.len()];
        let seconds = match rule.frequency() {
            Frequency::Hourly => 4 * 86_400,
            Frequency::Minutely => 2 * 86_400,
            Frequency::Secondly => 86_400,
            _ => continue,
        };
        let begin = zone.instant(case.dtstart);
        let wall = |at: i64| zone.local(begin + TimeDelta::seconds(at));
        let mut expected = brute::expand_elapsed(rule.parts(), case.dtstart, seconds, wall);
        expected.retain(|&at| at < seconds);
        let set = RuleSet::new(Start::Zoned(case.dtstart, zone), Some(rule.clone()), vec![], vec![]).unwrap();
        let page = set.between(&begin.into(), &(begin + TimeDelta::seconds(seconds)).into(), 10_000).unwrap();
        let found: Vec<i64> =
            page.occurrences.iter().map(|one| (one.instant.unwrap() - begin).num_seconds()).collect();
        expected.truncate(10_000);
        assert_eq!(found, expected, "{} {zone} {}", case.dtstart, rule);
        compared += 1;
    }
}
