//! The rule a zone follows after its last listed change (the footer of its TZif file), for ever.
#![expect(clippy::arithmetic_side_effects, reason = "years stay within ±300 000, offsets within a day")]

use super::table::Span;
use crate::calendar::{DAY, civil, day_number, month_length};

/// "On the `week`th `weekday` of `month`, `utc_seconds` after that day's midnight UTC, the offset becomes …".
#[derive(Clone, Copy)]
struct Change {
    month: i64,
    /// 1–4, or 5 for the last.
    week: i64,
    /// Sunday = 0.
    weekday: i64,
    utc_seconds: i64,
    offset: i64,
}

#[derive(Clone, Copy)]
pub(super) struct Yearly([Change; 2]);

impl Yearly {
    pub(super) fn read(bytes: &[u8], offsets: &[[u8; 4]]) -> Option<Yearly> {
        let (first, rest) = bytes.split_first_chunk()?;
        let second = rest.first_chunk()?;
        Some(Yearly([Change::read(*first, offsets)?, Change::read(*second, offsets)?]))
    }

    pub(super) fn offsets(&self) -> [i64; 2] {
        [self.0[0].offset, self.0[1].offset]
    }

    /// The stretch around `at`, given the last listed stretch, which has no end of its own.
    pub(super) fn span(&self, at: i64, last: Span) -> Span {
        let (year, _, _) = civil(at.div_euclid(DAY));
        let mut found = last;
        let mut changes = [(0, 0); 6];
        let years = [year - 1, year, year + 1];
        let each =
            years.iter().flat_map(|&year| self.0.iter().map(move |change| (change.at(year), change.offset)));
        changes.iter_mut().zip(each).for_each(|(slot, change)| *slot = change);
        changes.sort_unstable();
        for (time, offset) in changes.into_iter().filter(|&(time, _)| time > last.start) {
            if time > at {
                return Span { end: time, ..found };
            }
            found = Span { start: time, end: i64::MAX, offset, before: found.offset };
        }
        found
    }
}

impl Change {
    fn read(bytes: [u8; 8], offsets: &[[u8; 4]]) -> Option<Change> {
        let [month, week, weekday, kind, time @ ..] = bytes;
        Some(Change {
            month: i64::from(month),
            week: i64::from(week),
            weekday: i64::from(weekday),
            utc_seconds: i64::from(i32::from_be_bytes(time)),
            offset: i64::from(i32::from_be_bytes(*offsets.get(usize::from(kind))?)),
        })
    }

    fn at(&self, year: i64) -> i64 {
        let first = day_number(year, self.month, 1);
        // 1970-01-01 was a Thursday, 4 when Sunday is 0.
        let ahead = (self.weekday - (first + 4)).rem_euclid(7);
        let mut day = ahead + (self.week - 1) * 7;
        if day >= month_length(year, self.month) {
            day -= 7;
        }
        (first + day) * DAY + self.utc_seconds
    }
}
