//! The ways in which the two engines may differ: each a predicate over rule and zone, with the RFC's words for
//! our side. A difference outside them is a failure.

use super::random::Case;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use perennial_recurrence::{Frequency, Parts, Rule, Skip, Zone};

/// One named class.
pub struct Class {
    pub name: &'static str,
    /// RFC 5545 on our side.
    pub words: &'static str,
    pub holds: fn(&Parts, &Case, Zone) -> bool,
}

pub const CLASSES: [Class; 8] = [
    Class {
        name: "year days with other days",
        words: "§3.3.10, BYDAY in a YEARLY rule: \"Limit if BYYEARDAY or BYMONTHDAY is present\"; the other engine \
                adds BYDAY or BYMONTHDAY to the set, or ignores it",
        holds: |parts, _, _| {
            yearly(parts)
                && !parts.by_year_day.is_empty()
                && !(parts.by_day.is_empty() && parts.by_month_day.is_empty())
        },
    },
    Class {
        name: "week numbers with days of the month",
        words: "§3.3.10: \"Information, not contained in the rule, necessary to determine the various recurrence \
                instance start time and dates are derived from the Start Time\": BYMONTHDAY is contained in the rule; \
                the other engine ignores it beside BYWEEKNO",
        holds: |parts, _, _| yearly(parts) && !parts.by_week_no.is_empty() && !parts.by_month_day.is_empty(),
    },
    Class {
        name: "numbered weekdays of the year with days of the month",
        words: "§3.3.10, BYDAY in a YEARLY rule: \"Limit if BYYEARDAY or BYMONTHDAY is present\"; the other engine \
                drops BYMONTHDAY",
        holds: |parts, _, _| yearly(parts) && ordinals(parts) > 0 && !parts.by_month_day.is_empty(),
    },
    Class {
        name: "plain and numbered weekdays of the year",
        words: "§3.3.10, BYDAY: \"Each BYDAY value can also be preceded by a positive (+n) or negative (-n) integer\": \
                the values are a list, so MO,2TU is every Monday and the second Tuesday; the other engine drops the \
                plain ones",
        holds: |parts, _, _| yearly(parts) && ordinals(parts) > 0 && ordinals(parts) < parts.by_day.len(),
    },
    Class {
        name: "the 53rd weekday of a year that has 52",
        words: "§3.3.10: \"Recurrence rules may generate recurrence instances with an invalid date … such recurrence \
                instances MUST be ignored\"; the other engine runs on into the next year",
        holds: |parts, _, _| {
            yearly(parts) && parts.by_day.iter().any(|day| day.ordinal.is_some_and(|n| n.abs() == 53))
        },
    },
    Class {
        name: "a local time that the zone skips",
        words: "§3.3.5: \"If the local time described does not occur (when changing from standard to daylight time), \
                the DATE-TIME value is interpreted using the UTC offset before the gap\"; the other engine leaves \
                such times out, and moves a whole series whose start is one",
        holds: |parts, case, zone| {
            parts.frequency >= Frequency::Daily && names_a_skipped_time(parts, case, zone)
        },
    },
    Class {
        name: "hours, minutes or seconds across a change of offset",
        words: "§3.3.6: \"nominal durations (weeks and days) and accurate durations (hours, minutes, and seconds)\": \
                an HOURLY rule is every elapsed hour, both passes of a repeated hour included; the other engine \
                leaves out the second pass",
        holds: |parts, case, zone| parts.frequency < Frequency::Daily && changes_offset(case, zone),
    },
    Class {
        name: "every n-th week-year from a start in a week of the year before or after",
        words: "§3.8.5.3: \"The DTSTART property defines the first instance in the recurrence set\": week-years are \
                counted from the one the start lies in; the other engine counts from the start's calendar year and \
                loses the start",
        holds: |parts, case, _| {
            let date = case.dtstart.date();
            let begins = parts.week_start.unwrap_or(Weekday::Mon);
            let week = date - TimeDelta::days(date.weekday().days_since(begins).into());
            !parts.by_week_no.is_empty()
                && parts.interval > 1
                && (week + TimeDelta::days(3)).year() != date.year()
        },
    },
];

fn yearly(parts: &Parts) -> bool {
    assert_eq!(parts.skip, Skip::Omit);
    parts.frequency == Frequency::Yearly
}

fn ordinals(parts: &Parts) -> usize {
    parts.by_day.iter().filter(|day| day.ordinal.is_some()).count()
}

/// Whether one of the rule's times of day, on some day within 60 years of the start, does not occur.
fn names_a_skipped_time(parts: &Parts, case: &Case, zone: Zone) -> bool {
    use chrono::Timelike;
    let own = |list: &[u8], value: u32| {
        if list.is_empty() { vec![value] } else { list.iter().map(|&v| v.into()).collect() }
    };
    let start = case.dtstart.time();
    let mut times = Vec::new();
    for hour in own(&parts.by_hour, start.hour()) {
        for minute in own(&parts.by_minute, start.minute()) {
            for second in own(&parts.by_second, start.second()) {
                times.extend(NaiveTime::from_hms_opt(hour, minute, second));
            }
        }
    }
    let skipped = |local: NaiveDateTime| zone.local(zone.instant(local)) != local;
    let days = (0..60 * 366).map(|day| case.dtstart.date() + TimeDelta::days(day));
    days.into_iter().any(|day: NaiveDate| times.iter().any(|&time| skipped(day.and_time(time))))
}

/// Whether the zone changes its offset within two years of the start.
fn changes_offset(case: &Case, zone: Zone) -> bool {
    let start = zone.instant(case.dtstart);
    (0..730).any(|day| zone.offset(start) != zone.offset(start + TimeDelta::days(day)))
}

/// The class a case belongs to.
pub fn class_of(case: &Case, zone: &str) -> Option<&'static Class> {
    let rule = Rule::parse(&case.rrule).unwrap();
    let zone = Zone::parse(zone).unwrap();
    CLASSES.iter().find(|class| (class.holds)(rule.parts(), case, zone))
}
