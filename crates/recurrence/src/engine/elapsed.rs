//! HOURLY, MINUTELY and SECONDLY rules: elapsed time, with the BY parts tested on the wall clock.
//!
//! A period is 3 600, 60 or 1 elapsed seconds; periods are counted from the one the start lies in, whatever the
//! zone does meanwhile. Parts that limit (BYMONTH to BYHOUR, …) and parts that expand (BYMINUTE in an HOURLY
//! rule, …) ask the same thing of an instant in the period: what its wall clock shows. Without a part that
//! expands, the one candidate of a period is as far into it as the start is into its own.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants up to the year 10 000; INTERVAL at most 2^32 hours"
)]

use super::mapped::Hit;
use super::plan::filter;
use super::wallclock::{WallClock, bits};
use crate::calendar::{DAY, day_number, gcd, split};
use crate::limits::{Exhausted, MAX_YEAR, Steps};
use crate::rule::{Frequency, Parts};
use crate::zone::Clock;

/// A sub-daily rule together with its start.
#[derive(Clone, Debug)]
pub(crate) struct ElapsedPlan {
    /// Seconds in a period and from one period to the next one counted.
    unit: i64,
    step: i64,
    /// Where the start's period begins, and where the start is.
    base: i64,
    start: i64,
    wall: WallClock,
    /// Whether a period has one candidate only.
    single: bool,
    positions: Vec<i64>,
    /// Whether it is certain that nothing ever passes.
    empty: bool,
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

/// The instants of a plan from some point on.
#[derive(Clone, Debug)]
pub(crate) struct Elapsed<'a> {
    plan: &'a ElapsedPlan,
    clock: Clock,
    /// The period looked at, from 0.
    period: i64,
    /// Nothing before this is given, nothing after that is looked for.
    from: i64,
    until: i64,
    /// With BYSETPOS: the chosen instants of the period still to come, last first.
    chosen: Vec<i64>,
}

impl<'a> Elapsed<'a> {
    /// All instants from `from` to `until`, and not before the plan's start.
    pub(crate) fn new(plan: &'a ElapsedPlan, clock: Clock, from: i64, until: i64) -> Elapsed<'a> {
        let from = from.max(plan.start);
        let until = until.min(day_number(i64::from(MAX_YEAR) + 1, 1, 1) * DAY - 1);
        Elapsed { plan, clock, period: (from - plan.base) / plan.step, from, until, chosen: Vec::new() }
    }

    pub(crate) fn next(&mut self, steps: &mut Steps) -> Result<Option<Hit>, Exhausted> {
        if self.plan.empty {
            return Ok(None);
        }
        let found = if !self.plan.positions.is_empty() {
            self.next_chosen(steps)?
        } else if self.plan.single {
            self.next_single(steps)?
        } else {
            self.next_within(steps)?
        };
        Ok(found.filter(|&at| at <= self.until).map(|at| {
            self.from = at + 1;
            let span = self.clock.span(at);
            let fold = span.before > span.offset && at < span.start.saturating_add(span.before - span.offset);
            Hit { at, local: at + span.offset, fold }
        }))
    }

    fn next_single(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            steps.take()?;
            let at = self.plan.start + self.period * self.plan.step;
            if at > self.until {
                return Ok(None);
            }
            if at < self.from {
                self.period += 1;
                continue;
            }
            let local = self.clock.local(at);
            if self.plan.wall.passes(local) {
                self.period += 1;
                return Ok(Some(at));
            }
            let Some(passing) = self.plan.wall.next(at, self.until, &mut self.clock, steps)? else {
                return Ok(None);
            };
            self.period = (passing - self.plan.start + self.plan.step - 1) / self.plan.step;
        }
    }

    /// The next passing instant inside a period.
    fn next_within(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            let begin = self.plan.base + self.period * self.plan.step;
            let from = begin.max(self.from);
            if from > self.until {
                return Ok(None);
            }
            let Some(passing) = self.plan.wall.next(from, self.until, &mut self.clock, steps)? else {
                return Ok(None);
            };
            if passing < begin + self.plan.unit {
                return Ok(Some(passing));
            }
            let ahead = passing - self.plan.base;
            let late = i64::from(ahead % self.plan.step >= self.plan.unit);
            self.period = (ahead / self.plan.step + late).max(self.period + 1);
        }
    }

    fn next_chosen(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            steps.take()?;
            match self.chosen.pop() {
                Some(at) if at >= self.from => return Ok(Some(at)),
                Some(_) => continue,
                None => {}
            }
            if !self.choose(steps)? {
                return Ok(None);
            }
        }
    }

    /// Lists the next period that has any candidate and picks from it; whether there is one.
    fn choose(&mut self, steps: &mut Steps) -> Result<bool, Exhausted> {
        let mut scout = Elapsed { chosen: Vec::new(), from: i64::MIN, ..self.clone() };
        let first = if self.plan.single { scout.next_single(steps)? } else { scout.next_within(steps)? };
        let Some(first) = first else { return Ok(false) };
        let period = (first - self.plan.base) / self.plan.step;
        let end = self.plan.base + period * self.plan.step + self.plan.unit;
        let mut all = vec![first];
        while !self.plan.single {
            let last = all.last().copied().unwrap_or(end);
            match self.plan.wall.next(last + 1, end, &mut self.clock, steps)? {
                Some(at) if at < end => all.push(at),
                _ => break,
            }
        }
        let size = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let places =
            self.plan.positions.iter().map(|&place| if place > 0 { place - 1 } else { size + place });
        self.chosen = places.filter_map(|place| all.get(usize::try_from(place).ok()?).copied()).collect();
        self.chosen.sort_unstable_by(|a, b| b.cmp(a));
        self.chosen.dedup();
        self.period = period + 1;
        Ok(true)
    }
}
