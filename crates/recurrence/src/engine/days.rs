//! A set of days of one period, as bits.
#![expect(clippy::arithmetic_side_effects, reason = "bit positions stay below 384")]

const WORDS: usize = 6;

/// Up to 384 days from `first` on: enough for a year of 53 weeks.
#[derive(Clone, Copy, Debug)]
pub(super) struct DaySet {
    /// The day number of bit 0.
    pub(super) first: i64,
    words: [u64; WORDS],
}

impl DaySet {
    pub(super) fn empty(first: i64) -> DaySet {
        DaySet { first, words: [0; WORDS] }
    }

    /// Adds the days of a 32-bit mask whose bit 0 is `at` days after the first; `at` may be negative. Days
    /// before the first and after the last word are dropped.
    pub(super) fn add(&mut self, mask: u32, at: i64) {
        let wide = u64::from(mask);
        if at < 0 {
            if at > -32
                && let Some(word) = self.words.first_mut()
            {
                *word |= wide >> at.unsigned_abs();
            }
            return;
        }
        let (index, shift) = (at / 64, at % 64);
        let index = usize::try_from(index).unwrap_or(WORDS);
        if let Some(word) = self.words.get_mut(index) {
            *word |= wide << shift;
        }
        if shift > 32
            && let Some(word) = self.words.get_mut(index + 1)
        {
            *word |= wide >> (64 - shift);
        }
    }

    /// Keeps only the first `length` days.
    pub(super) fn truncate(&mut self, length: i64) {
        for (word, start) in self.words.iter_mut().zip((0_i64..).step_by(64)) {
            let keep = (length - start).clamp(0, 64);
            if keep < 64 {
                *word &= (1_u64 << keep) - 1;
            }
        }
    }

    pub(super) fn count(&self) -> i64 {
        self.words.iter().map(|word| i64::from(word.count_ones())).sum()
    }

    /// How many of the days come before `day`.
    pub(super) fn before(&self, day: i64) -> i64 {
        let mut part = *self;
        part.truncate((day - self.first).max(0));
        part.count()
    }

    /// The first day on or after `day`, and its place among the days of the set.
    pub(super) fn on_or_after(&self, day: i64) -> Option<i64> {
        let from = (day - self.first).max(0);
        let mut start = 0_i64;
        for word in self.words {
            let skip = (from - start).max(0);
            if skip < 64 {
                let rest = word & (u64::MAX << skip);
                if rest != 0 {
                    return Some(self.first + start + i64::from(rest.trailing_zeros()));
                }
            }
            start += 64;
        }
        None
    }

    /// The n-th day, from 0.
    pub(super) fn nth(&self, n: i64) -> Option<i64> {
        let (mut left, mut start) = (n, self.first);
        for mut word in self.words {
            let ones = i64::from(word.count_ones());
            if left < ones {
                for _ in 0..left {
                    word &= word - 1;
                }
                return Some(start + i64::from(word.trailing_zeros()));
            }
            left -= ones;
            start += 64;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::DaySet;

    #[test]
    fn holds_what_was_added_wherever_the_words_part() {
        for at in -31..350_i64 {
            let mut set = DaySet::empty(1_000);
            set.add(0b1000_0000_0000_0000_0000_0000_0001_0011, at);
            let expected: Vec<i64> = [0, 1, 4, 31]
                .into_iter()
                .map(|bit| at + bit)
                .filter(|&bit| bit >= 0)
                .map(|bit| 1_000 + bit)
                .collect();
            let found: Vec<i64> = (0..set.count()).map_while(|n| set.nth(n)).collect();
            assert_eq!(found, expected);
            assert_eq!(set.on_or_after(expected[0] + 1), expected.get(1).copied());
            set.truncate(at + 4);
            assert_eq!(set.count(), expected.iter().filter(|&&day| day < 1_000 + at + 4).count() as i64);
        }
    }
}
