//! A sub-daily rule together with its start, and what can be known of it without walking.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants up to the year 10 000; INTERVAL at most 2^32 hours"
)]

use crate::calendar::{DAY, gcd, split};
use crate::engine::filter::Filter;
use crate::engine::plan::filter;
use crate::engine::positions::{places, positions};
use crate::engine::wallclock::{WallClock, bits};
use crate::rule::{Frequency, Parts};
use crate::zone::Clock;

/// A sub-daily rule together with its start.
#[derive(Clone, Debug)]
pub(crate) struct ElapsedPlan {
    /// Seconds in a period and from one period to the next one counted.
    pub(super) unit: i64,
    pub(super) step: i64,
    /// Where the start's period begins, and where the start is.
    pub(super) base: i64,
    pub(super) start: i64,
    pub(super) days: Filter,
    pub(super) wall: WallClock,
    /// Whether a period has one candidate only.
    pub(super) single: bool,
    pub(super) positions: Vec<i64>,
    /// With BYSETPOS: what passes of a period that is one whole hour or minute of the wall clock.
    pub(super) chosen: Option<WallClock>,
    /// Whether it is certain that nothing ever passes.
    pub(super) empty: bool,
    /// Whether it is certain that every candidate passes.
    pub(super) plain: bool,
}

impl ElapsedPlan {
    /// `start` in seconds of its wall clock.
    pub(crate) fn new(parts: &Parts, start: i64, clock: &mut Clock) -> ElapsedPlan {
        let (unit, expands) = match parts.frequency {
            Frequency::Hourly => (3_600, !(parts.by_minute.is_empty() && parts.by_second.is_empty())),
            Frequency::Minutely => (60, !parts.by_second.is_empty()),
            _ => (1, false),
        };
        let own = |value: i64, list: &[u8]| match list.is_empty() && expands {
            true => 1 << value,
            false => bits(list),
        };
        let wall = WallClock {
            hours: bits(&parts.by_hour),
            minutes: match parts.frequency {
                Frequency::Hourly => own(start.div_euclid(60).rem_euclid(60), &parts.by_minute),
                _ => bits(&parts.by_minute),
            },
            seconds: own(start.rem_euclid(60), &parts.by_second),
            of_hour: None,
        };
        let at = clock.instant(start);
        let mut positions = positions(parts);
        let mut empty = false;
        if !expands && !positions.is_empty() {
            // The one candidate of a period is its first and its last.
            empty = !positions.iter().any(|place| place.abs() == 1);
            positions.clear();
        }
        // A clock that is set back may show the same times twice within a period, but no more often.
        let hour = WallClock { hours: u64::MAX, ..wall.clone() };
        let most = 2 * hour.before(3_600);
        empty |= !positions.is_empty() && positions.iter().all(|place| place.abs() > most);
        let chosen = (!positions.is_empty()).then(|| chosen(&wall, unit, &positions));
        let days = filter(parts, split(start).0, 0);
        let mut plan = ElapsedPlan {
            unit,
            step: unit * i64::from(parts.interval),
            base: at - start.rem_euclid(unit),
            start: at,
            days,
            wall,
            single: !expands,
            positions,
            chosen,
            empty,
            plain: false,
        };
        plan.empty |= !plan.reaches_a_time(start, clock, at);
        plan.plain = plan.single && !plan.empty && plan.wall.is_open() && plan.days.names_every_day();
        plan
    }

    /// Whether some period can come to a time of day that passes: under one of the zone's offsets, periods come
    /// round to times of day that differ by multiples of what divides both the step and the day.
    fn reaches_a_time(&self, start: i64, clock: &mut Clock, at: i64) -> bool {
        let (first, length) = match self.single {
            true => (start, 1),
            false => (start - start.rem_euclid(self.unit), self.unit),
        };
        let stride = gcd(self.step, DAY);
        let own = clock.span(at).offset;
        clock.offsets(at).into_iter().any(|offset| {
            let phase = (first + offset - own).rem_euclid(stride);
            (0..DAY / stride).map(|round| phase + round * stride).any(|second| {
                let straddles = second + length > DAY;
                straddles || self.wall.on_or_after(second).is_some_and(|time| time < second + length)
            })
        })
    }

    /// The instant of the `count`-th occurrence, where that is plain arithmetic.
    pub(crate) fn nth(&self, count: u32) -> Option<i64> {
        self.plain.then(|| self.start.saturating_add(self.step.saturating_mul(i64::from(count) - 1)))
    }

    /// Whether BYSETPOS chooses from periods that are whole hours or minutes of the wall clock under an offset.
    pub(super) fn is_aligned(&self, offset: i64) -> bool {
        (self.base + offset).rem_euclid(self.unit) == 0
    }

    /// Whether, from the start on, there are offsets under which a period that BYSETPOS chooses from lies across two
    /// hours (or minutes) of the wall clock: then there is no telling what it has but by looking at each.
    pub(crate) fn straddles(&self, clock: &Clock) -> bool {
        self.chosen.is_some() && clock.offsets(self.start).iter().any(|&offset| !self.is_aligned(offset))
    }

    /// Whether every day that passes and that periods come to is sure to have an occurrence, also where periods lie
    /// across two hours (or minutes): all such have as many times as a whole one, but for one across midnight.
    pub(crate) fn is_dense(&self) -> bool {
        let every_hour = self.wall.hours == u64::MAX && (self.unit == 3_600 || self.wall.minutes == u64::MAX);
        let not_midnight_alone = self.days.names_every_day() || self.step <= DAY / 2;
        let most = self.wall.before(self.unit);
        every_hour && not_midnight_alone && self.positions.iter().any(|place| place.abs() <= most)
    }
}

/// What BYSETPOS chooses of each whole hour or minute.
fn chosen(wall: &WallClock, unit: i64, positions: &[i64]) -> WallClock {
    let every = WallClock { hours: u64::MAX, ..wall.clone() };
    if unit == 3_600 {
        let of_hour = places(positions, every.before(3_600)).iter().map(|&place| every.nth(place)).collect();
        return WallClock { of_hour: Some(of_hour), ..wall.clone() };
    }
    let every = WallClock { minutes: u64::MAX, ..every };
    let seconds =
        places(positions, every.before(60)).iter().fold(0, |bits, &place| bits | 1 << every.nth(place));
    WallClock { seconds, ..wall.clone() }
}
