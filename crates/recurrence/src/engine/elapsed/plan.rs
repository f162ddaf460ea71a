//! A sub-daily rule together with its start, and what can be known of it without walking.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants up to the year 10 000; INTERVAL at most 2^32 hours"
)]

use crate::calendar::{DAY, gcd, split};
use crate::engine::plan::filter;
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
    pub(super) wall: WallClock,
    /// Whether a period has one candidate only.
    pub(super) single: bool,
    pub(super) positions: Vec<i64>,
    /// Whether it is certain that nothing ever passes.
    pub(super) empty: bool,
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
            days: filter(parts, split(start).0, 0),
            hours: bits(&parts.by_hour),
            minutes: match parts.frequency {
                Frequency::Hourly => own(start.div_euclid(60).rem_euclid(60), &parts.by_minute),
                _ => bits(&parts.by_minute),
            },
            seconds: own(start.rem_euclid(60), &parts.by_second),
        };
        let at = clock.instant(start);
        let mut plan = ElapsedPlan {
            unit,
            step: unit * i64::from(parts.interval),
            base: at - start.rem_euclid(unit),
            start: at,
            wall,
            single: !expands,
            positions: parts.by_set_pos.iter().map(|&place| i64::from(place)).collect(),
            empty: false,
        };
        plan.empty = !(plan.reaches_a_place() && plan.reaches_a_time(start, clock, at));
        plan
    }

    /// Whether a period is large enough for one of the places BYSETPOS asks for.
    fn reaches_a_place(&self) -> bool {
        let minutes = if self.unit == 3_600 { self.wall.minutes.count_ones() } else { 1 };
        let most = if self.single { 1 } else { i64::from(minutes * self.wall.seconds.count_ones()) };
        self.positions.is_empty() || self.positions.iter().any(|place| place.abs() <= most)
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
                straddles || self.wall.time_on_or_after(second).is_some_and(|time| time < second + length)
            })
        })
    }

    /// The instant of the `count`-th occurrence, where that is plain arithmetic.
    pub(crate) fn nth(&self, count: u32) -> Option<i64> {
        let plain = self.single && self.wall.is_open() && self.positions.is_empty();
        plain.then(|| self.start.saturating_add(self.step.saturating_mul(i64::from(count) - 1)))
    }
}
