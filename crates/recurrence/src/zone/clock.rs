//! Wall times to instants and back, remembering the stretch last used: neighbouring occurrences mostly share it.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants are bounded by chrono's range, offsets by a day"
)]

use super::Zone;
use super::table::Span;
use crate::calendar::DAY;

/// A zone (or no zone: the wall clock itself) with a remembered stretch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    zone: Option<Zone>,
    span: Span,
}

/// No stretch: every question misses it.
const NOTHING: Span = Span { start: 0, end: 0, offset: 0, before: 0 };
/// Without a zone the wall clock is the only clock, with one stretch for ever.
const ALWAYS: Span = Span { start: i64::MIN / 4, end: i64::MAX / 4, offset: 0, before: 0 };

impl Clock {
    pub(crate) fn new(zone: Zone) -> Clock {
        Clock { zone: Some(zone), span: NOTHING }
    }

    /// Floating times and dates, which never pass through UTC.
    pub(crate) fn floating() -> Clock {
        Clock { zone: None, span: ALWAYS }
    }

    /// The stretch of one offset an instant lies in.
    pub(crate) fn span(&mut self, at: i64) -> Span {
        if (at < self.span.start || at >= self.span.end)
            && let Some(zone) = &self.zone
        {
            self.span = zone.span(at);
        }
        self.span
    }

    /// The wall time of an instant.
    pub(crate) fn local(&mut self, at: i64) -> i64 {
        at + self.span(at).offset
    }

    /// Every offset in force at some time from an instant on.
    pub(crate) fn offsets(&self, from: i64) -> Vec<i64> {
        self.zone.as_ref().map_or_else(|| vec![0], |zone| zone.offsets(from))
    }

    /// The instant of a wall time: the first of two, or by the offset before the gap (RFC 5545 §3.3.5).
    pub(crate) fn instant(&mut self, local: i64) -> i64 {
        let Span { start, end, offset, before } = self.span;
        let clearly_later = start == i64::MIN || local >= start.saturating_add(offset.max(before));
        if start < end && clearly_later && local < end.saturating_add(offset) {
            return local - offset;
        }
        self.search(local)
    }

    /// The earliest wall time whose instant may be `at` or later: one just skipped in a gap lands after it.
    pub(crate) fn earliest_local(&mut self, at: i64) -> i64 {
        let span = self.span(at);
        let after_gap = at < span.start.saturating_add(span.offset - span.before);
        at + if after_gap { span.before } else { span.offset }
    }

    fn search(&mut self, local: i64) -> i64 {
        // No offset is as large as a day, so the stretch a day and more before lies at or before the right one.
        let mut span = self.span(local - DAY - DAY);
        loop {
            if span.end == i64::MAX || local < span.end + span.offset {
                self.span = span;
                let in_gap = span.start != i64::MIN && local < span.start + span.offset;
                return local - if in_gap { span.before } else { span.offset };
            }
            span = self.span(span.end);
        }
    }
}
