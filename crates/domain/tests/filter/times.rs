//! What words for times mean, by zone, clock change and first day of the week.

use perennial_domain::filter::{self, Bounds, Clock, Condition, Test};
use perennial_domain::{Due, Timestamp};
use perennial_recurrence::Zone;
use perennial_recurrence::chrono::Weekday::{self, Fri, Mon, Sat, Sun};

use super::{at, clock};

/// The stretch that a time is.
fn stretch(word: &str, clock: &Clock) -> Result<(Timestamp, Timestamp), String> {
    match filter::parse(&format!("due = {word}"), clock) {
        Ok(Condition::Test(Test::Within(_, Bounds::Between(from, to)))) => {
            Ok((Timestamp::from_millis(from), Timestamp::from_millis(to)))
        }
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn days_and_weeks_are_those_of_the_zone_and_of_the_user() {
    let friday_evening = "2026-11-28T01:30:00Z"; // in New York; Saturday in Europe and Asia
    let cases: &[(&str, &str, Weekday, &str, &str, &str)] = &[
        ("America/New_York", friday_evening, Mon, "today", "2026-11-27T05:00:00Z", "2026-11-28T05:00:00Z"),
        ("Europe/Berlin", friday_evening, Mon, "today", "2026-11-27T23:00:00Z", "2026-11-28T23:00:00Z"),
        ("Asia/Tokyo", friday_evening, Mon, "today", "2026-11-27T15:00:00Z", "2026-11-28T15:00:00Z"),
        ("Asia/Tokyo", friday_evening, Mon, "tomorrow", "2026-11-28T15:00:00Z", "2026-11-29T15:00:00Z"),
        (
            "America/New_York",
            friday_evening,
            Mon,
            "yesterday",
            "2026-11-26T05:00:00Z",
            "2026-11-27T05:00:00Z",
        ),
        ("America/New_York", friday_evening, Mon, "friday", "2026-12-04T05:00:00Z", "2026-12-05T05:00:00Z"),
        ("Europe/Berlin", friday_evening, Mon, "friday", "2026-12-03T23:00:00Z", "2026-12-04T23:00:00Z"),
        ("Europe/Berlin", friday_evening, Mon, "last friday", "2026-11-26T23:00:00Z", "2026-11-27T23:00:00Z"),
        (
            "America/New_York",
            friday_evening,
            Mon,
            "last friday",
            "2026-11-20T05:00:00Z",
            "2026-11-21T05:00:00Z",
        ),
        // The week around Sunday, 29 November 2026, by its first day.
        ("UTC", "2026-11-29T12:00:00Z", Mon, "this week", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
        ("UTC", "2026-11-29T12:00:00Z", Sun, "this week", "2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"),
        ("UTC", "2026-11-29T12:00:00Z", Sat, "this week", "2026-11-28T00:00:00Z", "2026-12-05T00:00:00Z"),
        ("UTC", "2026-11-29T12:00:00Z", Fri, "next week", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z"),
        ("UTC", "2026-11-29T12:00:00Z", Mon, "next week", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"),
        ("UTC", "2026-11-29T12:00:00Z", Sun, "last week", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"),
        // Ends of months and years.
        ("UTC", "2027-01-31T12:00:00Z", Mon, "+1mo", "2027-02-28T00:00:00Z", "2027-03-01T00:00:00Z"),
        ("UTC", "2027-03-31T12:00:00Z", Mon, "-1mo", "2027-02-28T00:00:00Z", "2027-03-01T00:00:00Z"),
        ("UTC", "2028-02-29T12:00:00Z", Mon, "+1y", "2029-02-28T00:00:00Z", "2029-03-01T00:00:00Z"),
        ("UTC", "2027-01-31T12:00:00Z", Mon, "next month", "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"),
        ("UTC", "2027-01-31T12:00:00Z", Mon, "last month", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("UTC", "2027-01-31T12:00:00Z", Mon, "this month", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        ("UTC", "2027-12-31T12:00:00Z", Mon, "this year", "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"),
        ("UTC", "2027-12-31T12:00:00Z", Mon, "next year", "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z"),
        ("UTC", "2027-12-31T12:00:00Z", Mon, "last year", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("UTC", "2027-12-31T12:00:00Z", Mon, "-2w", "2027-12-17T00:00:00Z", "2027-12-18T00:00:00Z"),
    ];
    for (zone, now, week_start, word, from, to) in cases {
        let found = stretch(word, &clock(zone, now, *week_start));
        assert_eq!(found, Ok((at(from), at(to))), "{word} in {zone} at {now}, weeks from {week_start}");
    }
}

#[test]
fn a_day_on_which_the_clocks_change_is_as_long_as_it_is() {
    let cases: &[(&str, &str, &str, &str)] = &[
        // 23 and 25 hours.
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        // Half an hour, at Lord Howe.
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
        // Midnight is skipped: the day begins with its first instant.
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        ("Asia/Beirut", "2026-03-28", "2026-03-27T22:00:00Z", "2026-03-28T22:00:00Z"),
        // Midnight comes twice: the day begins with the first.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"),
        // A day that never was.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
    ];
    for (zone, day, from, to) in cases {
        let clock = clock(zone, "2026-06-01T12:00:00Z", Mon);
        assert_eq!(stretch(day, &clock), Ok((at(from), at(to))), "{day} in {zone}");
        // A task that is due on the whole of that day is due at its beginning.
        let due = Due::from_stored(day, None).unwrap();
        assert_eq!(due.instant(&Zone::parse(zone).unwrap()), at(from), "{day} in {zone}");
        // And the condition is printed so that it is read again.
        let text = format!("due = {day}");
        let condition = filter::parse(&text, &clock).unwrap();
        assert_eq!(filter::parse(&condition.to_string(), &clock).as_ref(), Ok(&condition), "{condition}");
    }
}

#[test]
fn a_local_time_that_is_skipped_or_repeated_is_that_of_a_due_date() {
    for (zone, local, instant) in [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00Z"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00Z"),
        ("America/New_York", "2026-11-01T01:30:15", "2026-11-01T05:30:15Z"),
        ("Asia/Tokyo", "2026-11-01T09:00", "2026-11-01T00:00:00Z"),
    ] {
        let found = stretch(local, &clock(zone, "2026-06-01T12:00:00Z", Mon));
        assert_eq!(found, Ok((at(instant), at(instant).plus_millis(1))), "{local} in {zone}");
        let due = Due::from_stored(local, Some(zone)).unwrap();
        assert_eq!(due.instant(&Zone::utc()), at(instant));
    }
}

#[test]
fn hours_are_exact_and_days_are_those_of_the_calendar() {
    // Half a day before the clocks of New York go forward.
    let clock = clock("America/New_York", "2026-03-07T17:00:00.250Z", Sun);
    for (word, from, to) in [
        ("now", "2026-03-07T17:00:00.250Z", "2026-03-07T17:00:00.251Z"),
        ("+24h", "2026-03-08T17:00:00.250Z", "2026-03-08T17:00:00.251Z"),
        ("-90min", "2026-03-07T15:30:00.250Z", "2026-03-07T15:30:00.251Z"),
        ("+1d", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("+2d", "2026-03-09T04:00:00Z", "2026-03-10T04:00:00Z"),
        ("+0d", "2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z"),
        ("today..+1w", "2026-03-07T05:00:00Z", "2026-03-15T04:00:00Z"),
    ] {
        assert_eq!(stretch(word, &clock), Ok((at(from), at(to))), "{word}");
    }
}

#[test]
fn what_lies_outside_of_the_calendar_is_refused() {
    let first = clock("UTC", "1970-01-01T12:00:00Z", Mon);
    let last = clock("UTC", "9998-12-31T12:00:00Z", Mon);
    for (clock, word) in [
        (&first, "yesterday"),
        (&first, "last week"),
        (&first, "this week"),
        (&first, "last year"),
        (&first, "-1y"),
        (&first, "-9999h"),
        (&last, "tomorrow"),
        (&last, "next week"),
        (&last, "next month"),
        (&last, "next year"),
        (&last, "friday"),
        (&last, "+1d"),
        (&last, "+9999mo"),
        (&last, "+9999h"),
    ] {
        let refused = stretch(word, clock).unwrap_err();
        assert!(refused.contains("lies outside of the years 1970 to 9998"), "{word}: {refused}");
    }
    for (clock, word) in [(&first, "today"), (&first, "this month"), (&last, "today"), (&last, "this year")] {
        assert!(stretch(word, clock).is_ok(), "{word}");
    }
    for millis in [i64::MIN, i64::MAX, -1_000_000_000_000_000, 400_000_000_000_000] {
        let lost = Clock { now: Timestamp::from_millis(millis), ..first };
        for word in ["now", "today", "+1h", "-1d", "this week", "next year", "monday", "last monday"] {
            assert!(stretch(word, &lost).is_err(), "{word} at {millis}");
        }
        assert!(filter::parse("overdue", &lost).is_err());
    }
}
