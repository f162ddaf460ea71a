//! Laws every series obeys, on random rules, starts and zones.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop anywhere"
)]

#[path = "oracle/by_parts.rs"]
mod by_parts;
#[path = "differential/random.rs"]
mod random;

use chrono::TimeDelta;
use perennial_recurrence::{Moment, Occurrence, Rule, RuleSet, Start, Until, Zone, zone_names};
use proptest::prelude::*;

/// A series from a random number: the generator's rules are well formed, its zones all there are.
fn series(seed: u64) -> (RuleSet, Zone) {
    let mut random = random::Random(seed);
    let case = random::case(&mut random);
    let names: Vec<&str> = zone_names().collect();
    let zone = Zone::parse(random.pick(&names)).unwrap();
    let rule = Rule::parse(&case.rrule).unwrap();
    let exdate = vec![Moment::Local(case.dtstart + TimeDelta::days(7))];
    let rdate =
        if random.one_in(3) { vec![Moment::Local(case.dtstart + TimeDelta::hours(5))] } else { vec![] };
    (RuleSet::new(Start::Zoned(case.dtstart, zone), Some(rule), rdate, exdate).unwrap(), zone)
}

fn list(set: &RuleSet, limit: usize) -> Vec<Occurrence> {
    set.expand(None, limit).map(|page| page.occurrences).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn occurrences_strictly_increase_and_stay_within_their_end(seed: u64) {
        let (set, _) = series(seed);
        let found = list(&set, 60);
        prop_assert!(found.windows(2).all(|pair| pair[0].instant < pair[1].instant));
        let rule = set.rule().unwrap();
        if let Some(count) = rule.count() {
            prop_assert!(found.len() <= count as usize + 1);
        }
        if let Some(Until::Utc(until)) = rule.until() {
            let extra = set.start_moment() + TimeDelta::hours(5);
            prop_assert!(found.iter().all(|one| one.instant.unwrap() <= until || one.local == extra));
        }
    }

    #[test]
    fn every_occurrence_satisfies_the_rules_own_by_parts(seed: u64) {
        let (set, _) = series(seed);
        let parts = set.rule().unwrap().parts().clone();
        let extra = set.start_moment() + TimeDelta::hours(5);
        for one in list(&set, 40).into_iter().filter(|one| one.local != extra) {
            prop_assert!(by_parts::day_passes(&parts, one.local.date()), "{} {}", parts, one.local);
            prop_assert!(by_parts::time_passes(&parts, one.local), "{} {}", parts, one.local);
        }
    }

    #[test]
    fn next_after_chained_equals_between(seed: u64) {
        let (set, _) = series(seed);
        let all = list(&set, 25);
        let mut chained = Vec::new();
        let mut next = if all.is_empty() { None } else { set.first().unwrap() };
        while let Some(one) = next.filter(|_| chained.len() < all.len()) {
            chained.push(one);
            next = if chained.len() < all.len() { set.next_after(&one.moment()).unwrap() } else { None };
        }
        prop_assert_eq!(&chained, &all);
        if let (Some(first), Some(last)) = (all.first(), all.last()) {
            let page = set.between(&first.moment(), &last.moment(), 100).unwrap();
            prop_assert_eq!(&page.occurrences, &all[..all.len() - 1]);
        }
    }

    #[test]
    fn previous_leads_back_and_contains_knows_each(seed: u64) {
        let (set, _) = series(seed);
        let all = list(&set, 12);
        for pair in all.windows(2) {
            prop_assert_eq!(set.previous(&pair[1].moment()).unwrap(), Some(pair[0]));
            prop_assert!(set.contains(&pair[0].moment()).unwrap());
            let between = pair[0].instant.unwrap() + TimeDelta::milliseconds(500);
            prop_assert!(!set.contains(&between.into()).unwrap());
        }
        if let Some(first) = all.first() {
            prop_assert_eq!(set.previous(&first.moment()).unwrap(), None);
        }
    }

    #[test]
    fn asking_from_the_middle_gives_what_follows_there(seed: u64, skip in 1_usize..30) {
        let (set, _) = series(seed);
        let all = list(&set, 60);
        if let Some(at) = all.get(skip) {
            let page = set.expand(Some(&at.moment()), all.len() - skip - 1).unwrap();
            prop_assert_eq!(&page.occurrences, &all[skip + 1..]);
            // By recurrence id, the same: unless the id names a time that comes twice.
            if !at.fold {
                let by_id = set.expand(Some(&Moment::Local(at.local)), all.len() - skip - 1).unwrap();
                prop_assert_eq!(&by_id.occurrences, &all[skip + 1..]);
            }
        }
    }

    #[test]
    fn the_offset_of_each_occurrence_is_the_zones(seed: u64) {
        let (set, zone) = series(seed);
        for one in list(&set, 40) {
            let at = one.instant.unwrap();
            let shown = zone.local(at);
            if shown == one.local {
                let first = zone.instant(one.local);
                prop_assert_eq!(one.fold, first != at);
            } else {
                // Skipped: later by the length of the gap, at the offset before it (RFC 5545 §3.3.5).
                prop_assert!(shown > one.local);
                let before = at - TimeDelta::seconds((shown - one.local).num_seconds());
                prop_assert_eq!(i64::from(zone.offset(before - TimeDelta::days(1))), (one.local - at.naive_utc()).num_seconds());
            }
        }
    }

    #[test]
    fn printing_and_parsing_is_the_identity(seed: u64) {
        let case = random::case(&mut random::Random(seed));
        let rule = Rule::parse(&case.rrule).unwrap();
        prop_assert_eq!(rule.text(), &case.rrule);
        let printed = Rule::from_parts(rule.parts()).unwrap();
        prop_assert_eq!(printed.parts(), rule.parts());
        let again = Rule::from_parts(printed.parts()).unwrap();
        prop_assert_eq!(again.text(), printed.text());
    }

    #[test]
    fn any_text_is_parsed_or_refused_within_itself(text in "[A-Z=;,0-9+:TZ \u{e9}-]{0,60}") {
        if let Err(refused) = Rule::parse(&text) {
            prop_assert!(refused.position <= text.len());
        }
    }
}

/// The start's wall time.
trait StartMoment {
    fn start_moment(&self) -> chrono::NaiveDateTime;
}

impl StartMoment for RuleSet {
    fn start_moment(&self) -> chrono::NaiveDateTime {
        match self.start() {
            Start::Zoned(local, _) | Start::Floating(local) => local,
            Start::Date(date) => date.into(),
        }
    }
}
