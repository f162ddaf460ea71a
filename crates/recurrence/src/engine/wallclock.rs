//! The wall-clock test of sub-daily rules: which times of day their BY parts let through.
#![expect(clippy::arithmetic_side_effects, reason = "seconds of a day, bits of small numbers")]

/// What the time of day must show. Unused parts let everything through.
#[derive(Clone, Debug)]
pub(in crate::engine) struct WallClock {
    pub(in crate::engine) hours: u64,
    pub(in crate::engine) minutes: u64,
    pub(in crate::engine) seconds: u64,
    /// Seconds of the hour instead of minutes and seconds, sorted.
    pub(in crate::engine) of_hour: Option<Vec<i64>>,
}

/// A list as bits; all 60 if empty.
pub(in crate::engine) fn bits(values: &[u8]) -> u64 {
    if values.is_empty() {
        return u64::MAX;
    }
    values.iter().fold(0, |bits, &value| bits | 1 << value)
}

/// How many of the bits below `end` are set.
fn below(bits: u64, end: i64) -> i64 {
    i64::from((bits & !(u64::MAX << end)).count_ones())
}

impl WallClock {
    /// Whether everything passes.
    pub(in crate::engine) fn is_open(&self) -> bool {
        let every = u64::MAX;
        self.hours == every && self.minutes == every && self.seconds == every && self.of_hour.is_none()
    }

    /// The first passing second of a day at or after `second`, which is below a day.
    pub(in crate::engine) fn on_or_after(&self, second: i64) -> Option<i64> {
        let (hour, of_hour) = (second / 3_600, second % 3_600);
        let in_hour = if self.hours >> hour & 1 == 1 { self.in_hour(of_hour) } else { None };
        if let Some(found) = in_hour {
            return Some(hour * 3_600 + found);
        }
        let first = self.in_hour(0)?;
        from(self.hours, hour + 1, 24).map(|hour| hour * 3_600 + first)
    }

    /// The first passing second of an hour at or after one, the hour itself not regarded.
    fn in_hour(&self, second: i64) -> Option<i64> {
        if let Some(list) = &self.of_hour {
            return list.get(list.partition_point(|&listed| listed < second)).copied();
        }
        let (minute, of_minute) = (second / 60, second % 60);
        if self.minutes >> minute & 1 == 1
            && let Some(found) = from(self.seconds, of_minute, 60)
        {
            return Some(minute * 60 + found);
        }
        let first = from(self.seconds, 0, 60)?;
        from(self.minutes, minute + 1, 60).map(|minute| minute * 60 + first)
    }

    /// How many seconds of the day pass before one of them (or before the day's end).
    pub(in crate::engine) fn before(&self, second: i64) -> i64 {
        let (hour, of_hour) = (second / 3_600, second % 3_600);
        let own = if hour < 24 && self.hours >> hour & 1 == 1 { self.before_in_hour(of_hour) } else { 0 };
        below(self.hours, hour) * self.before_in_hour(3_600) + own
    }

    fn before_in_hour(&self, second: i64) -> i64 {
        if let Some(list) = &self.of_hour {
            return i64::try_from(list.partition_point(|&listed| listed < second)).unwrap_or(0);
        }
        let (minute, of_minute) = (second / 60, second % 60);
        let own =
            if minute < 60 && self.minutes >> minute & 1 == 1 { below(self.seconds, of_minute) } else { 0 };
        below(self.minutes, minute) * below(self.seconds, 60) + own
    }

    /// The n-th passing second of the day, from 0.
    pub(in crate::engine) fn nth(&self, n: i64) -> i64 {
        let (mut low, mut high) = (0, 86_399);
        while low < high {
            let middle = (low + high) / 2;
            if self.before(middle + 1) > n { high = middle } else { low = middle + 1 }
        }
        low
    }
}

/// The first set bit from `low` on and below `end`.
fn from(bits: u64, low: i64, end: i64) -> Option<i64> {
    let place = if low < end { i64::from((bits & (u64::MAX << low)).trailing_zeros()) } else { end };
    (place < end).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_finds_the_seconds_that_pass() {
        let wall = WallClock {
            hours: bits(&[0, 7, 23]),
            minutes: bits(&[0, 30, 59]),
            seconds: bits(&[1, 59]),
            of_hour: None,
        };
        let listed = WallClock { of_hour: Some(vec![0, 61, 3_599]), ..wall.clone() };
        for wall in [wall, listed] {
            let all: Vec<i64> =
                (0..86_400).filter(|&second| wall.on_or_after(second) == Some(second)).collect();
            assert_eq!(all.len() as i64, wall.before(86_400));
            for (n, &second) in all.iter().enumerate() {
                assert_eq!(wall.nth(n as i64), second);
                assert_eq!(wall.before(second), n as i64);
            }
            for second in (0..86_400).step_by(13) {
                assert_eq!(wall.on_or_after(second), all.iter().copied().find(|&found| found >= second));
            }
        }
    }
}
