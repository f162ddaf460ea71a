//! The times of day a rule names: every combination of its hours, minutes and seconds, or some of them.
#![expect(clippy::arithmetic_side_effects, reason = "at most 86 400 times of day")]

/// Hours, minutes and seconds, sorted and without repetition; none of the lists is empty.
#[derive(Clone, Debug)]
pub(super) struct Times {
    hours: Vec<u8>,
    minutes: Vec<u8>,
    seconds: Vec<u8>,
    /// With BYSETPOS in a DAILY rule: the seconds of the day that are chosen.
    chosen: Option<Vec<i64>>,
}

impl Times {
    /// Lists that are empty take the start's own hour, minute or second.
    pub(super) fn new(hours: &[u8], minutes: &[u8], seconds: &[u8], start: i64) -> Times {
        let own = |value: i64| u8::try_from(value).unwrap_or(0);
        Times {
            hours: sorted(hours, own(start / 3_600)),
            minutes: sorted(minutes, own(start / 60 % 60)),
            seconds: sorted(seconds, own(start % 60)),
            chosen: None,
        }
    }

    /// The times at these places only.
    pub(super) fn only(self, places: &[i64]) -> Times {
        let chosen = places.iter().map(|&place| self.nth(place)).collect();
        Times { chosen: Some(chosen), ..self }
    }

    /// How many times of day there are, at most 86 400; 0 only if none was chosen.
    pub(super) fn count(&self) -> i64 {
        if let Some(chosen) = &self.chosen {
            return i64::try_from(chosen.len()).unwrap_or(0);
        }
        i64::try_from(self.hours.len() * self.minutes.len() * self.seconds.len()).unwrap_or(1)
    }

    /// The n-th time, in seconds of the day; `n` is below [`Times::count`].
    pub(super) fn nth(&self, n: i64) -> i64 {
        let n = usize::try_from(n).unwrap_or(0);
        if let Some(chosen) = &self.chosen {
            return chosen.get(n).copied().unwrap_or(0);
        }
        let seconds = self.seconds.len().max(1);
        let minutes = self.minutes.len().max(1);
        let value = |list: &[u8], at: usize| list.get(at).copied().map_or(0, i64::from);
        value(&self.hours, n / (minutes * seconds)) * 3_600
            + value(&self.minutes, n / seconds % minutes) * 60
            + value(&self.seconds, n % seconds)
    }

    /// The place of the first time not before a second of the day; the count if there is none.
    pub(super) fn on_or_after(&self, second: i64) -> i64 {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = (low + high) / 2;
            if self.nth(middle) < second { low = middle + 1 } else { high = middle }
        }
        low
    }
}

fn sorted(values: &[u8], default: u8) -> Vec<u8> {
    let mut list = if values.is_empty() { vec![default] } else { values.to_vec() };
    list.sort_unstable();
    list.dedup();
    list
}
