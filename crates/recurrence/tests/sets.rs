//! Sets: RDATE, EXDATE, UNTIL in its forms, dates and floating times, gaps and overlaps, SKIP.

#![expect(clippy::unwrap_used, reason = "a test may stop anywhere")]

use perennial_recurrence::{Moment, Rule, RuleSet, SetError, Start, Zone};

fn start(text: &str, zone: &str) -> Start {
    match (text.contains('T'), zone) {
        (false, _) => Start::Date(text.parse().unwrap()),
        (true, "") => Start::Floating(text.parse().unwrap()),
        (true, zone) => Start::Zoned(text.parse().unwrap(), Zone::parse(zone).unwrap()),
    }
}

fn moment(text: &str) -> Moment {
    match (text.strip_suffix('Z'), text.contains('T')) {
        (Some(_), _) => Moment::Instant(text.parse().unwrap()),
        (None, true) => Moment::Local(text.parse().unwrap()),
        (None, false) => Moment::Date(text.parse().unwrap()),
    }
}

fn build(
    dtstart: &str,
    zone: &str,
    rule: &str,
    rdate: &[&str],
    exdate: &[&str],
) -> Result<RuleSet, SetError> {
    let rule = (!rule.is_empty()).then(|| Rule::parse(rule).unwrap());
    let list = |moments: &[&str]| moments.iter().map(|text| moment(text)).collect();
    RuleSet::new(start(dtstart, zone), rule, list(rdate), list(exdate))
}

/// The first occurrences: instants where there is a zone, else wall times, else dates.
fn shown(set: &RuleSet, limit: usize) -> Vec<String> {
    let page = set.expand(None, limit).unwrap();
    let dates = matches!(set.start(), Start::Date(_));
    let show = |one: &perennial_recurrence::Occurrence| match one.instant {
        Some(at) => at.format("%Y-%m-%dT%H:%MZ").to_string(),
        None if dates => one.local.date().to_string(),
        None => one.local.format("%Y-%m-%dT%H:%M").to_string(),
    };
    page.occurrences.iter().map(show).collect()
}

fn expect(set: Result<RuleSet, SetError>, expected: &[&str]) {
    let set = set.unwrap();
    assert_eq!(shown(&set, expected.len().saturating_add(1).min(8)), expected, "{}", set.describe());
}

#[test]
fn a_series_of_dates_stays_dates() {
    expect(
        build("2024-01-31", "", "FREQ=MONTHLY;COUNT=3", &[], &[]),
        &["2024-01-31", "2024-03-31", "2024-05-31"],
    );
    expect(
        build("2024-02-28", "", "FREQ=DAILY;UNTIL=20240301", &["2024-06-01"], &["2024-02-29"]),
        &["2024-02-28", "2024-03-01", "2024-06-01"],
    );
    // RFC 5545 §3.3.10: BYHOUR, BYMINUTE and BYSECOND MUST be ignored beside a date.
    expect(build("2024-02-28", "", "FREQ=DAILY;COUNT=2;BYHOUR=1,2", &[], &[]), &["2024-02-28", "2024-02-29"]);
}

#[test]
fn floating_times_know_no_gap() {
    expect(
        build("2024-03-10T02:30:00", "", "FREQ=DAILY;COUNT=2", &[], &[]),
        &["2024-03-10T02:30", "2024-03-11T02:30"],
    );
    expect(
        build("2024-03-10T01:00:00", "", "FREQ=HOURLY;UNTIL=20240310T030000", &[], &[]),
        &["2024-03-10T01:00", "2024-03-10T02:00", "2024-03-10T03:00"],
    );
}

#[test]
fn without_a_rule_the_start_and_the_added_dates_are_the_series() {
    let set = build(
        "2024-05-01T09:00:00",
        "Europe/Paris",
        "",
        &["2024-04-01T09:00:00", "2024-05-01T07:00:00Z"],
        &[],
    );
    expect(set, &["2024-04-01T07:00Z", "2024-05-01T07:00Z"]);
}

#[test]
fn an_added_date_equal_to_an_occurrence_is_one_occurrence_and_counts_for_nothing() {
    let set = build(
        "2024-05-01T09:00:00",
        "UTC",
        "FREQ=DAILY;COUNT=3",
        &["2024-05-02T09:00:00", "2024-05-02T12:00:00"],
        &["2024-05-01T09:00:00"],
    );
    expect(set, &["2024-05-02T09:00Z", "2024-05-02T12:00Z", "2024-05-03T09:00Z"]);
}

#[test]
fn until_includes_its_moment_and_a_date_includes_its_whole_day_in_the_series_zone() {
    let expected = ["2024-05-01T21:30Z", "2024-05-02T21:30Z"];
    for until in ["20240502", "20240502T233000", "20240502T213000Z", "20240503T212959Z", "20240503T232959"] {
        expect(
            build("2024-05-01T23:30:00", "Europe/Paris", &format!("FREQ=DAILY;UNTIL={until}"), &[], &[]),
            &expected,
        );
    }
    expect(
        build("2024-05-01T22:00:00", "Europe/Paris", "FREQ=HOURLY;UNTIL=20240501", &[], &[]),
        &["2024-05-01T20:00Z", "2024-05-01T21:00Z"],
    );
    expect(build("2024-05-01T22:00:00", "UTC", "FREQ=DAILY;UNTIL=20200101T000000Z", &[], &[]), &[]);
}

#[test]
fn exceptions_are_read_by_the_same_rules_as_the_start() {
    // 02:30 does not exist on 10 March 2024 and 01:30 comes twice on 3 November.
    let gap =
        build("2024-03-09T02:30:00", "America/New_York", "FREQ=DAILY;COUNT=3", &[], &["2024-03-10T02:30:00"]);
    expect(gap, &["2024-03-09T07:30Z", "2024-03-11T06:30Z"]);
    // The gap's other name for the same instant removes it too.
    let alias =
        build("2024-03-09T02:30:00", "America/New_York", "FREQ=DAILY;COUNT=3", &[], &["2024-03-10T03:30:00"]);
    expect(alias, &["2024-03-09T07:30Z", "2024-03-11T06:30Z"]);
    let overlap =
        build("2024-11-02T01:30:00", "America/New_York", "FREQ=DAILY;COUNT=3", &[], &["2024-11-03T01:30:00"]);
    expect(overlap, &["2024-11-02T05:30Z", "2024-11-04T06:30Z"]);
}

#[test]
fn two_wall_times_that_become_one_instant_are_one_occurrence_in_order() {
    let set = build(
        "2024-03-10T01:30:00",
        "America/New_York",
        "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,30;COUNT=7",
        &[],
        &[],
    );
    let expected = [
        "2024-03-10T06:30Z",
        "2024-03-10T07:00Z",
        "2024-03-10T07:30Z",
        "2024-03-11T05:00Z",
        "2024-03-11T05:30Z",
        "2024-03-11T06:00Z",
        "2024-03-11T06:30Z",
    ];
    expect(set, &expected);
    // The day Samoa skipped is the day after.
    let apia = build("2011-12-29T10:00:00", "Pacific/Apia", "FREQ=DAILY;COUNT=3", &[], &[]).unwrap();
    assert_eq!(shown(&apia, 9), ["2011-12-29T20:00Z", "2011-12-30T20:00Z", "2011-12-31T20:00Z"]);
    let names: Vec<String> =
        apia.expand(None, 9).unwrap().occurrences.iter().map(|one| one.local.date().to_string()).collect();
    assert_eq!(names, ["2011-12-29", "2011-12-31", "2012-01-01"]);
}

#[test]
fn a_time_carried_over_a_gap_is_found_when_asked_from_behind_the_gap() {
    let set = build("2024-03-09T02:45:00", "America/New_York", "FREQ=DAILY", &[], &[]).unwrap();
    let next = |text: &str| set.next_after(&moment(text)).unwrap().unwrap().instant.unwrap().to_rfc3339();
    assert_eq!(next("2024-03-10T07:30:00Z"), "2024-03-10T07:45:00+00:00");
    assert_eq!(next("2024-03-10T02:45:00"), "2024-03-11T06:45:00+00:00");
}

#[test]
fn hours_are_elapsed_hours_and_by_parts_are_read_on_the_wall() {
    let set = build("2024-03-31T00:00:00", "Europe/London", "FREQ=HOURLY;COUNT=3", &[], &[]);
    expect(set, &["2024-03-31T00:00Z", "2024-03-31T01:00Z", "2024-03-31T02:00Z"]);
    let twice =
        build("2024-10-27T00:30:00", "Europe/London", "FREQ=HOURLY;BYHOUR=1;COUNT=3", &[], &[]).unwrap();
    assert_eq!(shown(&twice, 9), ["2024-10-27T00:30Z", "2024-10-27T01:30Z", "2024-10-28T01:30Z"]);
    let folds: Vec<bool> = twice.expand(None, 9).unwrap().occurrences.iter().map(|one| one.fold).collect();
    assert_eq!(folds, [false, true, false]);
    // Lord Howe moves by half an hour: elapsed hours stay, and wall minutes are found where they come.
    let plain = build("2024-04-07T01:00:00", "Australia/Lord_Howe", "FREQ=HOURLY;COUNT=3", &[], &[]);
    expect(plain, &["2024-04-06T14:00Z", "2024-04-06T15:00Z", "2024-04-06T16:00Z"]);
    let minute =
        build("2024-04-07T01:00:00", "Australia/Lord_Howe", "FREQ=HOURLY;BYMINUTE=0;COUNT=3", &[], &[]);
    expect(minute, &["2024-04-06T14:00Z", "2024-04-06T15:30Z", "2024-04-06T16:30Z"]);
}

#[test]
fn skip_moves_a_day_the_month_does_not_have() {
    let dates = |rule: &str, expected: &[&str]| expect(build("2023-12-31", "", rule, &[], &[]), expected);
    dates(
        "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4",
        &["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"],
    );
    dates(
        "FREQ=MONTHLY;BYMONTHDAY=31;SKIP=FORWARD;COUNT=5",
        &["2023-12-31", "2024-01-31", "2024-03-01", "2024-03-31", "2024-05-01"],
    );
    dates(
        "FREQ=MONTHLY;BYMONTHDAY=30,31;SKIP=BACKWARD;COUNT=6",
        &["2023-12-31", "2024-01-30", "2024-01-31", "2024-02-29", "2024-03-30", "2024-03-31"],
    );
    dates(
        "FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD;COUNT=5",
        &["2023-12-31", "2024-01-01", "2024-01-31", "2024-02-01", "2024-03-01"],
    );
    dates("FREQ=MONTHLY;SKIP=OMIT;COUNT=3", &["2023-12-31", "2024-01-31", "2024-03-31"]);
    let leap = |skip: &str, expected: &[&str]| {
        expect(
            build("2024-02-29", "", &format!("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP={skip};COUNT=3"), &[], &[]),
            expected,
        );
    };
    leap("OMIT", &["2024-02-29", "2028-02-29", "2032-02-29"]);
    leap("BACKWARD", &["2024-02-29", "2025-02-28", "2026-02-28"]);
    leap("FORWARD", &["2024-02-29", "2025-03-01", "2026-03-01"]);
    // A day counted from the end is there or is not; there is nothing to move.
    dates("FREQ=MONTHLY;BYMONTHDAY=-31;SKIP=FORWARD;COUNT=2", &["2024-01-01", "2024-03-01"]);
    // RFC 7529 §4.3.4.
    let leap_day = build("2012-02-29", "", "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD;COUNT=5", &[], &[]);
    expect(leap_day, &["2012-02-29", "2013-03-01", "2014-03-01", "2015-03-01", "2016-02-29"]);
    // Asked from the middle, a day carried over into the month asked about is found.
    let set = build("2023-12-31", "", "FREQ=MONTHLY;BYMONTHDAY=31;SKIP=FORWARD", &[], &[]).unwrap();
    let next = set.next_after(&moment("2024-02-29T23:59:59")).unwrap().unwrap();
    assert_eq!(next.local.date().to_string(), "2024-03-01");
}

#[test]
fn bysetpos_works_with_week_numbers_and_numbered_weekdays() {
    expect(
        build("2024-01-01", "", "FREQ=YEARLY;BYWEEKNO=1,20,53;BYDAY=MO,FR;BYSETPOS=2,-1;COUNT=4", &[], &[]),
        &["2024-01-05", "2024-05-17", "2025-01-03", "2025-05-16"],
    );
    expect(
        build("2024-01-01", "", "FREQ=MONTHLY;BYDAY=MO,2TU;BYSETPOS=-1,2;COUNT=4", &[], &[]),
        &["2024-01-08", "2024-01-29", "2024-02-12", "2024-02-26"],
    );
    expect(
        build("2011-01-01", "", "FREQ=YEARLY;BYWEEKNO=52;BYDAY=SA,SU;COUNT=4", &[], &[]),
        &["2011-01-01", "2011-01-02", "2011-12-31", "2012-01-01"],
    );
}

#[test]
fn week_years_are_counted_from_the_one_the_start_lies_in() {
    // 2 January 2010 is in week 53 of 2009.
    let set = build("2010-01-02", "", "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=20,53;BYDAY=SA;COUNT=3", &[], &[]);
    expect(set, &["2010-01-02", "2011-05-21", "2013-05-18"]);
}

#[test]
fn parts_that_contradict_each_other_are_refused_by_name() {
    let refused = |dtstart: &str, zone: &str, rule: &str, rdate: &[&str], exdate: &[&str]| {
        build(dtstart, zone, rule, rdate, exdate).unwrap_err().to_string()
    };
    assert_eq!(
        refused("2024-01-01", "", "FREQ=HOURLY", &[], &[]),
        "FREQ=HOURLY needs a start with a time of day, not a date"
    );
    let until =
        "UNTIL is in UTC, but the start has no time zone: write UNTIL without Z, or give the start a zone";
    assert_eq!(refused("2024-01-01T09:00:00", "", "FREQ=DAILY;UNTIL=20250101T000000Z", &[], &[]), until);
    assert_eq!(
        refused("2024-01-01", "", "FREQ=DAILY", &[], &["2024-01-02T09:00:00"]),
        "EXDATE must be a date, like the start"
    );
    assert_eq!(
        refused("2024-01-01T09:00:00", "UTC", "FREQ=DAILY", &["2024-01-02"], &[]),
        "RDATE must be a date with a time, like the start"
    );
    assert_eq!(
        refused("2024-01-01T09:00:00", "", "FREQ=DAILY", &["2024-01-02T09:00:00Z"], &[]),
        "RDATE must be a local time, like the start"
    );
    assert_eq!(
        refused("2024-01-01T09:00:00.5", "UTC", "", &[], &[]),
        "DTSTART has a fraction of a second; whole seconds are needed"
    );
    assert_eq!(
        refused("2024-01-01", "", "FREQ=DAILY", &["2024-01-02"; 1_001], &[]),
        "1001 RDATE values; at most 1000 are kept"
    );
}

#[test]
fn counting_and_looking_back() {
    let set =
        build("2024-01-31", "", "FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20251231", &[], &["2024-03-31"]).unwrap();
    assert_eq!(set.count().unwrap(), Some(13));
    assert_eq!(build("2024-01-31", "", "FREQ=MONTHLY", &[], &[]).unwrap().count().unwrap(), None);
    let before = |text: &str| set.previous(&moment(text)).unwrap().map(|one| one.local.date().to_string());
    assert_eq!(before("2024-05-31").as_deref(), Some("2024-01-31"));
    assert_eq!(before("2090-01-01").as_deref(), Some("2025-12-31"));
    assert_eq!(before("2024-01-31"), None);
    let ended = build(
        "1970-01-01T00:00:00",
        "UTC",
        "FREQ=SECONDLY;UNTIL=19700101T001000Z",
        &["1980-01-01T00:00:00"],
        &["1970-01-01T00:10:00"],
    )
    .unwrap();
    let last = |text: &str| ended.previous(&moment(text)).unwrap().unwrap().local.to_string();
    assert_eq!(last("2090-01-01T00:00:00Z"), "1980-01-01 00:00:00");
    assert_eq!(last("1980-01-01T00:00:00Z"), "1970-01-01 00:09:59");
    let leap = build("1896-02-29", "", "FREQ=YEARLY", &[], &[]).unwrap();
    assert_eq!(leap.previous(&moment("1904-02-29")).unwrap().unwrap().local.date().to_string(), "1896-02-29");
}
