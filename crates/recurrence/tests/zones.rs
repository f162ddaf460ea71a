//! The zone data beside another reading of the same history, and beyond the years others list.

#![expect(clippy::unwrap_used, reason = "a test may stop anywhere")]

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use perennial_recurrence::{Zone, tzdata_version, zone_names};

/// Zones whose past was corrected between the two versions: Baja California in the early 1970s.
const CORRECTED: [&str; 4] =
    ["America/Tijuana", "America/Ensenada", "America/Santa_Isabel", "Mexico/BajaNorte"];

#[test]
fn offsets_agree_with_chrono_tz_where_its_older_data_hold() {
    let mut differing = std::collections::BTreeSet::new();
    for name in zone_names().filter(|name| !CORRECTED.contains(name)) {
        let Ok(theirs) = name.parse::<chrono_tz::Tz>() else { continue };
        let ours = Zone::parse(name).unwrap();
        let mut at: DateTime<Utc> = "1970-01-01T00:00:00Z".parse().unwrap();
        while at.year() < 2023 {
            let expected = theirs.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
            if ours.offset(at) != expected {
                differing.insert(name);
            }
            at += TimeDelta::hours(59);
        }
    }
    assert!(differing.is_empty(), "{differing:?}");
}

fn instant(zone: &str, local: &str) -> String {
    let local: NaiveDateTime = local.parse().unwrap();
    Zone::parse(zone).unwrap().instant(local).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[test]
fn local_times_are_read_as_rfc_5545_says() {
    let table = [
        // §3.3.5: the RFC's own two examples.
        ("America/New_York", "2007-11-04T01:30:00", "2007-11-04T05:30:00Z"),
        ("America/New_York", "2007-03-11T02:30:00", "2007-03-11T07:30:00Z"),
        // Days without a local midnight.
        ("America/Sao_Paulo", "2018-11-04T00:30:00", "2018-11-04T03:30:00Z"),
        ("Asia/Beirut", "2024-03-31T00:15:00", "2024-03-30T22:15:00Z"),
        ("America/Santiago", "2024-09-08T00:30:00", "2024-09-08T04:30:00Z"),
        // A midnight that comes twice.
        ("America/Havana", "2023-11-05T00:30:00", "2023-11-05T04:30:00Z"),
        ("Atlantic/Azores", "2023-10-29T00:30:00", "2023-10-29T00:30:00Z"),
        // The day Samoa skipped whole.
        ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-30T20:00:00Z"),
        ("Pacific/Apia", "2011-12-31T10:00:00", "2011-12-30T20:00:00Z"),
        // A shift of half an hour, and summer time that is the standard.
        ("Australia/Lord_Howe", "2024-04-07T01:45:00", "2024-04-06T14:45:00Z"),
        ("Europe/Dublin", "2024-07-01T12:00:00", "2024-07-01T11:00:00Z"),
        // Local mean time, seconds and all.
        ("Europe/Amsterdam", "1850-01-01T00:00:00", "1849-12-31T23:42:30Z"),
    ];
    for (zone, local, expected) in table {
        assert_eq!(instant(zone, local), expected, "{zone} {local}");
    }
}

#[test]
fn after_its_listed_changes_a_zone_follows_its_own_yearly_rule() {
    let table = [
        ("America/New_York", "2100-07-01T12:00:00", "2100-07-01T16:00:00Z"),
        ("America/New_York", "9999-07-01T12:00:00", "9999-07-01T16:00:00Z"),
        ("Europe/Paris", "2500-01-15T12:00:00", "2500-01-15T11:00:00Z"),
        ("Australia/Sydney", "2400-12-25T12:00:00", "2400-12-25T01:00:00Z"),
        ("Africa/Casablanca", "2100-07-01T12:00:00", "2100-07-01T12:00:00Z"),
    ];
    for (zone, local, expected) in table {
        assert_eq!(instant(zone, local), expected, "{zone} {local}");
    }
}

#[test]
fn the_data_are_newer_than_2025b() {
    assert!(tzdata_version() > "2025b", "{}", tzdata_version());
    assert!(zone_names().count() > 590);
    // Morocco stays on +00 from September 2026; 2025b had it go back to +01 for good.
    assert_eq!(instant("Africa/Casablanca", "2026-12-01T12:00:00"), "2026-12-01T12:00:00Z");
}
