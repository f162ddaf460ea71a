//! Wall times laid on the zone's instants, in the order of the instants.
//!
//! A wall time in a gap takes the offset before the gap and so lands after times that follow it by name; two
//! wall times that land on one instant are one occurrence, named by the wall time that exists.

use super::nominal::Nominal;
use crate::limits::{Exhausted, Steps};
use crate::zone::Clock;
use std::collections::VecDeque;

/// One occurrence inside the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// What occurrences are ordered by: Unix seconds, or seconds of the wall clock where there is no zone.
    pub(crate) at: i64,
    /// The nominal wall time in seconds.
    pub(crate) local: i64,
    /// Whether it is the second pass of a repeated wall time.
    pub(crate) fold: bool,
}

/// A nominal stream read through a zone.
#[derive(Clone, Debug)]
pub(crate) struct Mapped<'a> {
    nominal: Nominal<'a>,
    clock: Clock,
    /// Times that fell into a gap, with their instants, waiting for their turn: at most a day of seconds.
    shifted: VecDeque<(i64, i64)>,
    /// The next time that exists.
    ahead: Option<Hit>,
    ended: bool,
    last: i64,
}

impl<'a> Mapped<'a> {
    pub(crate) fn new(nominal: Nominal<'a>, clock: Clock) -> Mapped<'a> {
        Mapped { nominal, clock, shifted: VecDeque::new(), ahead: None, ended: false, last: i64::MIN }
    }

    pub(crate) fn next(&mut self, steps: &mut Steps) -> Result<Option<Hit>, Exhausted> {
        loop {
            while self.ahead.is_none() && !self.ended {
                self.read(steps)?;
            }
            let waiting = self.shifted.front().map(|&(at, local)| Hit { at, local, fold: false });
            let first = match (waiting, self.ahead) {
                (Some(waiting), Some(ahead)) if waiting.at >= ahead.at => self.ahead.take(),
                (None, _) => self.ahead.take(),
                _ => {
                    self.shifted.pop_front();
                    waiting
                }
            };
            match first {
                Some(hit) if hit.at <= self.last => {}
                Some(hit) => {
                    self.last = hit.at;
                    return Ok(Some(hit));
                }
                None => return Ok(None),
            }
        }
    }

    fn read(&mut self, steps: &mut Steps) -> Result<(), Exhausted> {
        match self.nominal.next(steps)? {
            Some(local) => {
                let at = self.clock.instant(local);
                let hit = Hit { at, local, fold: false };
                if self.clock.local(at) == local {
                    self.ahead = Some(hit);
                } else {
                    self.shifted.push_back((at, local));
                }
            }
            None => self.ended = true,
        }
        Ok(())
    }
}
