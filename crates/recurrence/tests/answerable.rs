//! Every rule that passes the check made when a series is made can be asked about any point, within the budget.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop anywhere"
)]

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "differential/random.rs"]
mod random;
#[path = "answerable/rules.rs"]
mod rules;

use perennial_recurrence::limits::{MAX_PAGE, MAX_STEPS};
use perennial_recurrence::{Exhausted, Moment, Rule, RuleSet, Start, Unanswerable, Zone};
use random::Random;

fn zoned(start: &str, zone: &str, rule: &str) -> RuleSet {
    let start = Start::Zoned(start.parse().unwrap(), Zone::parse(zone).unwrap());
    RuleSet::new(start, Some(Rule::parse(rule).unwrap()), vec![], vec![]).unwrap()
}

fn at(text: &str) -> Moment {
    Moment::Local(text.parse().unwrap())
}

/// The start, the ends of time, some points in between, and one at random.
fn points(random: &mut Random, start: &str) -> Vec<Moment> {
    let start: chrono::NaiveDateTime = start.parse().unwrap();
    let later = start + chrono::TimeDelta::seconds(random.range(0, 4_000_000_000));
    let fixed = ["1970-01-01T00:00:00", "2026-11-24T23:00:00", "2100-03-01T00:00:00", "9999-12-31T23:59:59"];
    fixed.iter().map(|text| at(text)).chain([start.into(), later.into()]).collect()
}

/// Every question about a point, and how many it answered.
fn ask(set: &RuleSet, point: &Moment, limit: usize) -> Result<(), Exhausted> {
    set.next_after(point)?;
    set.previous(point)?;
    set.contains(point)?;
    assert!(set.expand(Some(point), limit)?.steps <= MAX_STEPS);
    set.between(&set_start(set), point, limit)?;
    Ok(())
}

fn set_start(set: &RuleSet) -> Moment {
    match set.start() {
        Start::Zoned(local, _) | Start::Floating(local) => Moment::Local(local),
        Start::Date(date) => Moment::Date(date),
    }
}

/// Asks everything about rules that pass; the share in a hundred that does not.
fn refused(
    random: &mut Random,
    cases: u32,
    case: fn(&mut Random) -> (&'static str, String),
    zones: &[&str],
) -> u32 {
    let (mut asked, mut refused) = (0, 0);
    while asked < cases {
        let (start, text) = case(random);
        let zone = random.pick(zones);
        if Rule::parse(&text).is_err() {
            continue;
        }
        asked += 1;
        let set = zoned(start, zone, &text);
        if set.check_answerable().is_err() {
            refused += 1;
            continue;
        }
        for point in points(random, start) {
            let limit = if random.one_in(20) { MAX_PAGE } else { 50 };
            let answer = ask(&set, &point, limit);
            assert_eq!(answer, Ok(()), "{text} from {start} {zone} at {point:?}");
        }
    }
    refused * 100 / cases
}

/// `SEED` and `CASES` choose other rules and more of them.
fn setting(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}

#[test]
fn random_rules_that_pass_the_check_are_answered_about_any_point() {
    let mut random = Random(setting("SEED", 1).into());
    assert!(refused(&mut random, setting("CASES", 400), rules::case, &rules::ZONES) < 2);
}

#[test]
fn so_are_those_that_choose_by_place_where_the_clock_keeps_no_whole_hours() {
    let mut random = Random(setting("SEED", 1).into());
    let zones = ["Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Monrovia", "Asia/Tehran"];
    let refused = refused(&mut random, setting("CASES", 150), rules::straddling, &zones);
    assert!((1..60).contains(&refused), "{refused} % refused");
}

#[test]
fn the_hostile_rules_are_answered_about_any_point() {
    let mut random = Random(2);
    for text in corpus::rules() {
        let Ok(rule) = Rule::parse(&text) else { continue };
        let new_york = Zone::parse("America/New_York").unwrap();
        let starts = [
            Start::Zoned("1970-01-01T01:00:00".parse().unwrap(), new_york),
            Start::Floating("2024-02-29T23:59:59".parse().unwrap()),
        ];
        for start in starts {
            let set = RuleSet::new(start, Some(rule.clone()), vec![], vec![]);
            let Ok(set) = set else { continue };
            assert_eq!(set.check_answerable(), Ok(()), "{text}");
            for point in points(&mut random, "1970-01-01T01:00:00") {
                assert_eq!(ask(&set, &point, 50), Ok(()), "{text} at {point:?}");
            }
        }
    }
}

/// The rule that stopped every user's planning: a minute of 56 years ago, counted up to now.
#[test]
fn a_rule_of_half_a_century_ago_is_answered_now_in_a_few_steps() {
    let set = zoned("1970-01-01T01:00:00", "UTC", "FREQ=MINUTELY;COUNT=2000000000;BYHOUR=1");
    set.check_answerable().unwrap();
    let now = at("2026-11-24T23:24:23");
    assert_eq!(set.previous(&now).unwrap().unwrap().local, "2026-11-24T01:59:00".parse().unwrap());
    assert_eq!(set.next_after(&now).unwrap().unwrap().local, "2026-11-25T01:00:00".parse().unwrap());
    assert!(set.expand(Some(&now), 10).unwrap().steps < 100);
}

#[test]
fn what_cannot_be_answered_is_refused_with_what_to_change() {
    // Under half an offset, each hour is looked at for a second quarter past that it has only when clocks go back.
    let halves = "FREQ=HOURLY;BYMINUTE=15;BYSETPOS=2";
    let moved = "FREQ=MONTHLY;BYMONTHDAY=1,31;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,30;BYSETPOS=1,2,3,4,5,6,7,8;SKIP=FORWARD";
    for (text, why) in [
        (halves.to_owned(), Unanswerable::Straddles),
        (format!("{moved};COUNT=700000"), Unanswerable::Counting),
    ] {
        let set = zoned("2024-01-01T00:00:00", "Australia/Lord_Howe", &text);
        let refused = set.check_answerable().unwrap_err();
        assert_eq!(refused, why, "{text}");
        assert!(refused.to_string().contains("BYSETPOS"), "{refused}");
        // Nothing is refused that could be answered.
        assert!(ask(&set, &at("9999-06-01T00:00:00"), 50).is_err(), "{text}");
    }
    // In a zone of whole hours, or soon over, they are answered.
    for (zone, text) in [
        ("Australia/Sydney", halves.to_owned()),
        ("Australia/Lord_Howe", format!("{halves};UNTIL=20260101T000000Z")),
        ("Australia/Lord_Howe", "FREQ=HOURLY;BYMINUTE=15,45;BYSETPOS=2".to_owned()),
        ("Australia/Lord_Howe", format!("{moved};COUNT=500")),
        ("Australia/Lord_Howe", moved.to_owned()),
    ] {
        let set = zoned("2024-01-01T00:00:00", zone, &text);
        assert_eq!(set.check_answerable(), Ok(()), "{text}");
        for point in ["2024-01-01T00:00:00", "2030-05-01T00:00:00", "9999-06-01T00:00:00"] {
            assert_eq!(ask(&set, &at(point), 50), Ok(()), "{text}");
        }
    }
}

/// COUNT as listing the rule without it says.
#[test]
fn a_count_ends_where_counting_one_by_one_ends() {
    let mut random = Random(3);
    let mut compared = 0;
    while compared < 600 {
        let usual = random.one_in(2);
        let (start, text) = if usual {
            let case = random::case(&mut random);
            (case.dtstart.format("%Y-%m-%dT%H:%M:%S").to_string(), case.rrule)
        } else {
            let (start, text) = rules::case(&mut random);
            (start.to_owned(), text)
        };
        let zone = random.pick(&rules::ZONES);
        let Ok(rule) = Rule::parse(&text) else { continue };
        let endless = zoned(&start, zone, rule.without_end().text());
        // Every 25th to its 20 000th occurrence, beyond where the calendar repeats.
        let most = if random.one_in(25) { 20_000 } else { 1_500 };
        let mut all = Vec::new();
        while let Ok(page) = endless
            .expand(all.last().map(perennial_recurrence::Occurrence::moment).as_ref(), MAX_PAGE.min(most))
        {
            all.extend(page.occurrences);
            if page.complete || all.len() >= most {
                break;
            }
        }
        if all.is_empty() {
            continue;
        }
        compared += 1;
        let mut counts = vec![all.len(), 1];
        counts.extend((0..4).map(|_| 1 + random.below(all.len() as u64) as usize));
        for count in counts {
            let text = rule.with_end(perennial_recurrence::End::Count(count as u32)).text().to_owned();
            let set = zoned(&start, zone, &text);
            let last = all[count - 1];
            assert_eq!(
                set.previous(&at("9999-12-31T23:59:59")),
                Ok(Some(last)),
                "{text} from {start} {zone}"
            );
            assert_eq!(set.next_after(&last.moment()), Ok(None), "{text} from {start} {zone}");
            assert_eq!(set.contains(&last.moment()), Ok(true), "{text} from {start} {zone}");
            if count > 1 {
                let before = set.next_after(&all[count - 2].moment());
                assert_eq!(before, Ok(Some(last)), "{text} from {start} {zone}");
            }
        }
    }
}

/// Wall times that a gap makes one count once (New York in March, Apia's 30 December 2011, which did not happen).
#[test]
fn a_count_is_right_on_either_side_of_every_gap() {
    let rules = [
        ("America/New_York", "2001-01-01T00:30:00", "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,30"),
        (
            "America/New_York",
            "2001-04-01T02:30:00",
            "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2,3;BYMINUTE=0,15,30;BYSECOND=0,59",
        ),
        (
            "America/New_York",
            "2001-01-01T02:30:00",
            "FREQ=MONTHLY;BYMONTH=3;BYDAY=SU;BYHOUR=2,3;BYSETPOS=3,4,5",
        ),
        (
            "America/New_York",
            "2001-01-01T02:30:00",
            "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8,9,10,11,12,13,14;BYHOUR=1,2,3",
        ),
        ("Australia/Lord_Howe", "2001-01-01T02:00:00", "FREQ=DAILY;INTERVAL=3;BYHOUR=2;BYMINUTE=0,10,30,40"),
        ("Pacific/Apia", "2011-12-01T09:00:00", "FREQ=DAILY"),
        ("Pacific/Apia", "2011-12-01T09:00:00", "FREQ=DAILY;BYHOUR=0,9,23;BYSETPOS=1,-1"),
        ("Pacific/Apia", "2011-12-30T09:00:00", "FREQ=HOURLY;BYMINUTE=0,30"),
        ("Africa/Monrovia", "1971-12-01T09:00:00", "FREQ=HOURLY;BYMINUTE=0,30"),
        ("America/New_York", "2001-01-31T02:30:00", "FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD"),
    ];
    for (zone, start, rule) in rules {
        let all = zoned(start, zone, rule).expand(None, 1_000).unwrap().occurrences;
        for count in 1..=all.len() {
            let set = zoned(start, zone, &format!("{rule};COUNT={count}"));
            let last = set.previous(&at("9999-12-31T23:59:59")).unwrap();
            assert_eq!(last, Some(all[count - 1]), "{rule};COUNT={count} {zone}");
        }
    }
}
