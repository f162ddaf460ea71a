//! Days and times are those of the zone, at the request's now.

use perennial_domain::{QuickInput, Timestamp, read_quick};
use perennial_recurrence::Zone;

use super::{read_at, told};

/// What a line comes to: the due date, or why it is refused.
fn due(text: &str, zone: &str, now: &str) -> String {
    match read_at(text, zone, now) {
        Ok(reading) => told(&reading).split(" · ").skip(1).collect::<Vec<_>>().join(" · "),
        Err(invalid) => invalid.errors[0].detail.clone(),
    }
}

#[test]
fn today_is_the_day_in_the_zone_of_the_line_of_the_request_or_of_the_user() {
    // Wednesday evening in New York, Thursday morning in Tokyo.
    let now = "2026-11-26T01:30:00Z";
    for (text, zone, expected) in [
        ("x today", "America/New_York", "due 2026-11-25"),
        ("x today", "Asia/Tokyo", "due 2026-11-26"),
        ("x today at 11am", "Asia/Tokyo", "due 2026-11-26T11:00:00 Asia/Tokyo"),
        ("x today at 11am Tokyo time", "America/New_York", "due 2026-11-26T11:00:00 Asia/Tokyo"),
        ("x every Thursday at 9am", "Asia/Tokyo", "due 2026-11-26T09:00:00 Asia/Tokyo"),
        ("x in 2 hours", "Asia/Tokyo", "due 2026-11-26T12:30:00 Asia/Tokyo"),
    ] {
        let found = due(text, zone, if text.contains("every") { "2026-11-25T23:59:59Z" } else { now });
        assert!(found.starts_with(expected), "{text}, {zone}: {found}");
    }
    let input = QuickInput { text: "x today".to_owned(), tz: Some("Asia/Tokyo".to_owned()), dry_run: true };
    let read = |input: &QuickInput| read_quick(input, &Zone::utc(), Timestamp::parse(now).unwrap());
    assert_eq!(read(&input).unwrap().input.due.unwrap().local, "2026-11-26");
    let wrong = QuickInput { tz: Some("Mars/Olympus".to_owned()), ..input };
    assert_eq!(read(&wrong).unwrap_err().errors[0].pointer, "/tz");
}

#[test]
fn next_friday_is_refused_where_people_would_argue() {
    let wednesday = "2026-11-25T11:00:00Z";
    assert_eq!(
        due("x next Friday", "UTC", wednesday),
        "\"next Friday\" may be Friday, 27 November 2026 (2026-11-27) or Friday, 4 December 2026 (2026-12-04): write the date"
    );
    assert_eq!(due("x next Tuesday", "UTC", wednesday), "due 2026-12-01");
    assert_eq!(due("x Wednesday", "UTC", wednesday), "due 2026-12-02");
    assert_eq!(due("x this Wednesday", "UTC", wednesday), "due 2026-11-25");
    assert_eq!(due("x this Friday", "UTC", wednesday), "due 2026-11-27");
}

#[test]
fn the_years_of_advice_are_to_come() {
    for (text, expected) in [
        ("x 5 Dec 31", "write 2131 or the like"),
        ("x 5 Dec 1931", "write 2131 or the like"),
        ("x every year on 5 Dec 31", "\"starting 14 December 2131\""),
        ("x every day until Friday", "\"until 31 December 2131\""),
    ] {
        let found = due(text, "UTC", "2130-11-21T12:00:00Z");
        assert!(found.contains(expected), "{text}: {found}");
    }
}

/// Also where it is said by nothing but a time of day or a recurrence; the words are named.
#[test]
fn nothing_is_due_after_the_last_year() {
    let (end, last) = ("9999-12-31T23:30:00Z", "9998-12-31T23:30:00Z");
    for text in ["x at 23:45", "x today at 23:45", "x every day at 23:45", "x every month", "x in 2 hours"] {
        for (zone, now) in [("UTC", end), ("Pacific/Kiritimati", end), ("Pacific/Kiritimati", last)] {
            let found = due(text, zone, now);
            assert!(found.starts_with('"'), "{text}, {zone}, {now}: {found}");
        }
    }
}

#[test]
fn a_series_starts_with_its_next_date_and_counts_from_there() {
    let saturday_noon = "2026-11-21T12:00:00Z";
    for (text, expected) in [
        ("x every 2 weeks on Monday at 9am", "due 2026-11-23T09:00:00"),
        ("x every day at 9am", "due 2026-11-22T09:00:00"),
        ("x every day at 12:00", "due 2026-11-22T12:00:00"),
        ("x every day at 12:01", "due 2026-11-21T12:01:00"),
        ("x every week at 9am", "due 2026-11-28T09:00:00"),
        ("x every month at 9am", "due 2026-12-21T09:00:00"),
        ("x every 3 months on the last workday", "due 2026-11-30"),
        ("x every day at 9am from tomorrow", "due 2026-11-22T09:00:00"),
    ] {
        let found = due(text, "UTC", saturday_noon);
        assert!(found.starts_with(expected), "{text}: {found}");
    }
}

#[test]
fn a_time_that_the_clocks_skip_or_repeat_is_not_taken_for_another() {
    let before_the_gap = "2027-03-27T23:30:00Z";
    let skipped = due("x at 2:30", "Europe/Berlin", before_the_gap);
    assert_eq!(skipped, "\"at 2:30\" does not come: the clocks of Europe/Berlin skip 02:30 on 2027-03-28");
    assert_eq!(due("x in 90 minutes", "Europe/Berlin", before_the_gap), "due 2027-03-28T03:00:00");
    // A series whose first date is named is refused as well; one that only happens to begin there says so.
    let named = due("x every day at 2:30 starting 28 March 2027", "Europe/Berlin", "2026-11-21T11:00:00Z");
    assert_eq!(named, skipped);
    let daily = read_at("x every day at 2:30am", "Europe/Berlin", before_the_gap).unwrap();
    let notes: Vec<&str> = daily.notes.iter().map(|note| note.detail.as_str()).collect();
    assert_eq!(
        notes,
        ["\"at 2:30am\" at first does not come: the clocks of Europe/Berlin skip 02:30 on 2027-03-28"]
    );
    // 00:30 UTC is 02:30 for the first time, 01:30 UTC is 02:30 again.
    let before_the_fold = "2027-10-31T00:00:00Z";
    assert_eq!(due("x in 30 minutes", "Europe/Berlin", before_the_fold), "due 2027-10-31T02:30:00");
    let again = due("x in 90 minutes", "Europe/Berlin", before_the_fold);
    assert!(again.contains("comes twice in Europe/Berlin"), "{again}");
    assert!(due("x at 2:30", "Europe/Berlin", "2027-10-31T00:45:00Z").contains("has passed"));
}
