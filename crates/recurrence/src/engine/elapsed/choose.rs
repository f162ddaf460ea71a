//! BYSETPOS in a period that lies across hours (or minutes) of the wall clock, or in which the clock changes.
#![expect(clippy::arithmetic_side_effects, reason = "instants up to the year 10 000")]

use super::Elapsed;
use super::walk::{First, Stretch};
use crate::calendar::{DAY, split};
use crate::engine::positions::places;
use crate::limits::{Exhausted, Steps};

/// A part of a period within one day and one offset.
struct Piece {
    /// The wall clock's midnight as an instant.
    midnight: i64,
    /// How many times of that day pass before the piece.
    before: i64,
    /// How many pass in it.
    size: i64,
}

impl Elapsed<'_> {
    /// Chooses from the next period that has any candidate, and moves past it. What has to be listed may end at once:
    /// then it moves to where days can be told by their phase again.
    pub(super) fn choose(&mut self, steps: &mut Steps) -> Result<(), Exhausted> {
        let Some(first) = self.candidate(steps)? else { return Ok(()) };
        let begin = first - (first - self.plan.base).rem_euclid(self.plan.unit);
        let end = begin + self.plan.unit;
        let pieces = self.pieces(begin, end);
        let size = pieces.iter().map(|piece| piece.size).sum();
        let at = |mut place: i64| {
            for piece in &pieces {
                if place < piece.size {
                    return Some(piece.midnight + self.plan.wall.nth(piece.before + place));
                }
                place -= piece.size;
            }
            None
        };
        let mut chosen: Vec<i64> = places(&self.plan.positions, size).into_iter().filter_map(at).collect();
        chosen.retain(|&at| at >= self.from);
        chosen.reverse();
        self.chosen = chosen;
        self.from = end;
        Ok(())
    }

    /// The first instant from `from` on that lies in a period, within the offset's span; if there is none, `from` is
    /// moved on.
    fn candidate(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        let span = self.clock.span(self.from);
        let stretch = Stretch { end: span.end.min(self.until + 1), offset: span.offset };
        let plan = self.plan;
        if plan.is_aligned(span.offset) {
            // The period the clock changes in; or none of the rule's, and then the change is passed over.
            let first = self.next_period(self.from);
            let begin = self.from - (self.from - plan.base).rem_euclid(plan.unit);
            if first < begin + plan.unit {
                return Ok(Some(first));
            }
            self.from = begin + plan.unit;
            return Ok(None);
        }
        std::mem::swap(&mut self.days, &mut self.listed);
        let found = self.walk_days(stretch, &mut First, steps);
        std::mem::swap(&mut self.days, &mut self.listed);
        let found = found?;
        if found.is_none() {
            self.from = stretch.end;
        }
        Ok(found)
    }

    fn pieces(&mut self, begin: i64, end: i64) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = begin;
        while at < end {
            let span = self.clock.span(at);
            let (day, second) = split(at + span.offset);
            let midnight = day * DAY - span.offset;
            let stop = end.min(span.end).min(midnight + DAY);
            let stretch = Stretch { end: stop, offset: span.offset };
            let (first, passing) = self.month(at, stretch);
            if passing >> (day - first) & 1 == 1 {
                let before = self.plan.wall.before(second);
                pieces.push(Piece {
                    midnight,
                    before,
                    size: self.plan.wall.before(stop - midnight) - before,
                });
            }
            at = stop;
        }
        pieces
    }
}
