//! Builds a set: reads start, UNTIL, RDATE and EXDATE in the series' zone.

use super::{Expansion, Moment, RuleSet, SetError, Start};
use crate::calendar::{DAY, midnight, seconds};
use crate::engine::{ElapsedPlan, Hit, Plan};
use crate::limits::{MAX_EXTRA_DATES, MAX_YEAR, MIN_YEAR};
use crate::rule::{End, Frequency, Rule, Until};
use crate::zone::Clock;
use chrono::{Datelike, NaiveDateTime, Timelike};
use std::sync::OnceLock;

impl RuleSet {
    /// Puts a series together.
    ///
    /// Without a rule the start is the first occurrence; with one, only the rule's own occurrences count, and a
    /// start the rule does not name is not among them (RFC 5545 leaves that case open).
    ///
    /// # Errors
    /// [`SetError`] if rule, start and exceptions do not fit together or exceed [`crate::limits`].
    pub fn new(
        start: Start,
        rule: Option<Rule>,
        rdate: Vec<Moment>,
        exdate: Vec<Moment>,
    ) -> Result<RuleSet, SetError> {
        let (wall, mut clock) = match start {
            Start::Date(date) => (date.into(), Clock::floating()),
            Start::Floating(local) => (local, Clock::floating()),
            Start::Zoned(local, zone) => (local, Clock::new(zone)),
        };
        check(wall, "DTSTART")?;
        let local = seconds(wall);
        let mut until = (i64::MAX, i64::MAX);
        let mut left = u32::MAX;
        let dates = matches!(start, Start::Date(_));
        let plan = match &rule {
            None => Expansion::Start(Hit { at: clock.instant(local), local, fold: false }),
            Some(rule) if rule.frequency() < Frequency::Daily => {
                if dates {
                    return Err(SetError::NeedsTime { frequency: rule.frequency().name() });
                }
                Expansion::Elapsed(ElapsedPlan::new(rule.parts(), local, &mut clock))
            }
            Some(rule) => Expansion::Nominal(Plan::new(rule.parts(), local, dates)),
        };
        match rule.as_ref().map(|rule| rule.parts().end) {
            Some(End::Until(end)) => until = self::until(end, start, &plan, &mut clock)?,
            Some(End::Count(count)) => match &plan {
                Expansion::Elapsed(elapsed) if elapsed.nth(count).is_some() => {
                    until.0 = elapsed.nth(count).unwrap_or(i64::MAX);
                }
                // COUNT=4294967295 is beyond every budget and stands for no end.
                _ => left = count,
            },
            _ => {}
        }
        let mut extra = hits(&rdate, start, "RDATE", &mut clock)?;
        extra.sort_unstable();
        extra.dedup_by_key(|hit| hit.at);
        let mut except: Vec<i64> =
            hits(&exdate, start, "EXDATE", &mut clock)?.iter().map(|hit| hit.at).collect();
        except.sort_unstable();
        except.dedup();
        Ok(RuleSet {
            start,
            rule,
            plan,
            clock,
            until: until.0,
            until_local: until.1,
            left,
            counted: OnceLock::new(),
            rdate: extra,
            exdate: except,
        })
    }
}

/// The last instant and the last wall time that UNTIL admits.
fn until(end: Until, start: Start, plan: &Expansion, clock: &mut Clock) -> Result<(i64, i64), SetError> {
    let local = match end {
        Until::Utc(at) if matches!(start, Start::Zoned(..)) => return Ok((at.timestamp(), i64::MAX)),
        Until::Utc(_) => return Err(SetError::UntilNeedsZone),
        Until::Local(local) => seconds(local),
        Until::Date(date) => midnight(date).saturating_add(DAY - 1),
    };
    Ok(match plan {
        // Elapsed time has no nominal wall times: the end is the instant the wall time passes.
        Expansion::Elapsed(_) => (clock.instant(local.saturating_add(1)).saturating_sub(1), i64::MAX),
        _ => (i64::MAX, local),
    })
}

fn check(wall: NaiveDateTime, property: &'static str) -> Result<(), SetError> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&wall.year()) {
        return Err(SetError::Year { property });
    }
    if wall.nanosecond() != 0 { Err(SetError::Fraction { property }) } else { Ok(()) }
}

fn hits(
    moments: &[Moment],
    start: Start,
    property: &'static str,
    clock: &mut Clock,
) -> Result<Vec<Hit>, SetError> {
    if moments.len() > MAX_EXTRA_DATES {
        return Err(SetError::TooMany { property, given: moments.len() });
    }
    moments
        .iter()
        .map(|moment| {
            let wall = match (*moment, start) {
                (Moment::Date(date), Start::Date(_)) => date.into(),
                (Moment::Local(local), Start::Floating(_) | Start::Zoned(..)) => local,
                (Moment::Instant(at), Start::Zoned(..)) => {
                    check(at.naive_utc(), property)?;
                    let (at, local) = (at.timestamp(), clock.local(at.timestamp()));
                    return Ok(Hit { at, local, fold: clock.instant(local) != at });
                }
                (_, Start::Date(_)) => return Err(SetError::Kind { property, wanted: "a date" }),
                (_, Start::Floating(_)) => return Err(SetError::Kind { property, wanted: "a local time" }),
                (_, Start::Zoned(..)) => {
                    return Err(SetError::Kind { property, wanted: "a date with a time" });
                }
            };
            check(wall, property)?;
            let local = seconds(wall);
            Ok(Hit { at: clock.instant(local), local, fold: false })
        })
        .collect()
}
