//! BYYEARDAY as bits, cut into months.
#![expect(clippy::arithmetic_side_effects, reason = "days of a year")]

use crate::calendar::{day_number, month_length, year_length};

/// Bit n = day n of the year (1–366), counted from its start and from its end.
#[derive(Clone, Debug, Default)]
pub(super) struct YearDays {
    from_start: [u64; 6],
    from_end: [u64; 6],
}

impl YearDays {
    pub(super) fn new(days: &[i16]) -> YearDays {
        let mut set = YearDays::default();
        for &day in days {
            let list = if day > 0 { &mut set.from_start } else { &mut set.from_end };
            let day = usize::from(day.unsigned_abs());
            if let Some(word) = list.get_mut(day / 64) {
                *word |= 1 << (day % 64);
            }
        }
        set
    }

    /// The named days of a month: bit n = day n + 1.
    pub(super) fn month(&self, year: i64, month: i64) -> u32 {
        let before = day_number(year, month, 1) - day_number(year, 1, 1);
        let length = year_length(year);
        let has = |list: &[u64; 6], day: i64| {
            let word = usize::try_from(day / 64).ok().and_then(|at| list.get(at));
            word.is_some_and(|word| word & (1 << (day % 64)) != 0)
        };
        let mut days = 0;
        for bit in 0..month_length(year, month) {
            let day = before + bit + 1;
            if has(&self.from_start, day) || has(&self.from_end, length + 1 - day) {
                days |= 1 << bit;
            }
        }
        days
    }
}
