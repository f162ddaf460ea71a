//! The engine beside the `rrule` crate, in every class of rules that the crate gets right.
//!
//! Where it is wrong (`docs/recurrence.md` lists how each case is read), a rule is left out by the name of the case,
//! and each such case is shown to differ: should the crate mend one, its test fails and the case goes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop anywhere"
)]

#[path = "differential/random.rs"]
mod random;

use chrono::{DateTime, NaiveDateTime};
use perennial_recurrence::{Frequency, Parts, Rule, RuleSet, Skip, Start};
use random::Random;
use rrule::{NWeekday, RRule, RRuleSet, Tz};
use std::collections::BTreeMap;

/// Occurrences compared of each rule.
const LIMIT: u16 = 25;

fn instant(local: NaiveDateTime) -> DateTime<Tz> {
    local.and_utc().with_timezone(&Tz::UTC)
}

/// The crate's occurrences, in UTC. The rule is built field by field: its parser is no part of what is compared.
fn theirs(parts: &Parts, start: NaiveDateTime) -> Option<Vec<NaiveDateTime>> {
    let frequency = match parts.frequency {
        Frequency::Secondly => rrule::Frequency::Secondly,
        Frequency::Minutely => rrule::Frequency::Minutely,
        Frequency::Hourly => rrule::Frequency::Hourly,
        Frequency::Daily => rrule::Frequency::Daily,
        Frequency::Weekly => rrule::Frequency::Weekly,
        Frequency::Monthly => rrule::Frequency::Monthly,
        Frequency::Yearly => rrule::Frequency::Yearly,
    };
    let weekday =
        |day: &perennial_recurrence::WeekdayNum| NWeekday::new(day.ordinal.map(i16::from), day.weekday);
    let months = parts.by_month.iter().filter_map(|&month| chrono::Month::try_from(month).ok());
    let mut rule = RRule::new(frequency)
        .interval(u16::try_from(parts.interval).ok()?)
        .week_start(parts.week_start.unwrap_or(chrono::Weekday::Mon))
        .by_month(&months.collect::<Vec<_>>())
        .by_week_no(parts.by_week_no.clone())
        .by_year_day(parts.by_year_day.clone())
        .by_month_day(parts.by_month_day.clone())
        .by_weekday(parts.by_day.iter().map(weekday).collect())
        .by_hour(parts.by_hour.clone())
        .by_minute(parts.by_minute.clone())
        .by_second(parts.by_second.clone())
        .by_set_pos(parts.by_set_pos.iter().copied().map(i32::from).collect());
    match parts.end {
        perennial_recurrence::End::Count(count) => rule = rule.count(count),
        perennial_recurrence::End::Until(perennial_recurrence::Until::Utc(until)) => {
            rule = rule.until(until.with_timezone(&Tz::UTC));
        }
        _ => {}
    }
    let rule = rule.validate(instant(start)).ok()?;
    let result = RRuleSet::new(instant(start)).rrule(rule).limit().all(LIMIT);
    Some(result.dates.iter().map(DateTime::naive_utc).collect())
}

fn ours(rule: &Rule, start: NaiveDateTime) -> Vec<NaiveDateTime> {
    let zone = perennial_recurrence::Zone::utc();
    let set = RuleSet::new(Start::Zoned(start, zone), Some(rule.clone()), vec![], vec![]).unwrap();
    let page = set.expand(None, LIMIT.into()).unwrap();
    page.occurrences.iter().map(|one| one.local).collect()
}

/// The case of a rule that the crate reads in another way, or gives up on.
fn exception(parts: &Parts) -> Option<&'static str> {
    let plain = parts.by_day.iter().any(|day| day.ordinal.is_none());
    let numbered = parts.by_day.iter().any(|day| day.ordinal.is_some());
    let by_hour = !parts.by_hour.is_empty();
    let by_day = !(parts.by_month.is_empty() && parts.by_month_day.is_empty() && parts.by_day.is_empty());
    let by_minute = !(parts.by_minute.is_empty() && parts.by_second.is_empty());
    if parts.skip != Skip::Omit {
        Some("SKIP is unknown to it")
    } else if plain && numbered {
        Some("BYDAY=MO,2TU is an intersection")
    } else if parts.by_day.iter().any(|day| day.ordinal.is_some_and(|n| !(-4..=5).contains(&n))) {
        Some("numbered weekdays below -4 and above 5 are refused or miscounted")
    } else if !parts.by_week_no.is_empty() {
        Some("BYWEEKNO is wrong without BYDAY, at the year's edges and with INTERVAL")
    } else if parts.frequency == Frequency::Weekly && !parts.by_set_pos.is_empty() {
        Some("BYSETPOS takes the week from the start on instead of the whole one")
    } else if parts.frequency < Frequency::Hourly && by_hour {
        Some("MINUTELY and SECONDLY with BYHOUR skip hours")
    } else if parts.frequency < Frequency::Hourly && by_minute && (by_day || parts.interval > 1) {
        Some(
            "MINUTELY and SECONDLY with BYMINUTE or BYSECOND, and INTERVAL or days, leave the grid and skip days",
        )
    } else {
        None
    }
}

#[test]
fn agrees_with_the_rrule_crate_in_every_class_it_gets_right() {
    let mut random = Random(11);
    let mut classes: BTreeMap<(String, bool, bool), usize> = BTreeMap::new();
    let (mut compared, mut sparse) = (0, 0);
    let mut wrong = Vec::new();
    while compared < 3_000 {
        let case = random::case(&mut random);
        let rule = Rule::parse(&case.rrule).unwrap();
        if exception(rule.parts()).is_some() {
            continue;
        }
        let expected = ours(&rule, case.dtstart);
        let Some(found) = theirs(rule.parts(), case.dtstart) else {
            sparse += 1;
            continue;
        };
        // It gives up after a number of silent rounds: what it found until then has to be right.
        let same = if found.len() < expected.len() {
            sparse += 1;
            expected.starts_with(&found)
        } else {
            expected == found
        };
        if !same {
            wrong.push(format!("{} {}\n ours   {expected:?}\n theirs {found:?}", case.dtstart, case.rrule));
        }
        let parts = rule.parts();
        *classes
            .entry((parts.frequency.name().to_owned(), parts.interval > 1, parts.by_set_pos.is_empty()))
            .or_default() += 1;
        compared += 1;
    }
    println!("{compared} compared, {sparse} refused or cut short by the crate; {classes:?}");
    assert!(wrong.is_empty(), "{} of {compared}: {}", wrong.len(), wrong.join("\n"));
    assert!(sparse * 20 < compared, "{sparse} not compared");
    assert_eq!(classes.len(), 13 * 2, "every frequency, with INTERVAL and without: {classes:?}");
}

/// One rule of each case left out; where the crate answers at all, it answers otherwise than RFC 5545 as we read it.
#[test]
fn each_case_left_out_is_one_in_which_the_crate_differs() {
    let start: NaiveDateTime = "2024-01-03T09:20:00".parse().unwrap();
    for text in [
        "FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD",
        "FREQ=MONTHLY;BYDAY=MO,2TU",
        "FREQ=MONTHLY;BYDAY=-5MO",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=WEEKLY;BYDAY=MO,TU,FR;BYSETPOS=1",
        "FREQ=MINUTELY;INTERVAL=22;BYHOUR=6,11",
        "FREQ=SECONDLY;INTERVAL=63;BYMINUTE=0,5",
    ] {
        let rule = Rule::parse(text).unwrap();
        assert!(exception(rule.parts()).is_some(), "{text}");
        let theirs = theirs(rule.parts(), start);
        assert_ne!(theirs, Some(ours(&rule, start)), "{text}");
    }
}
