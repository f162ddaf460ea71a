//! Random well-formed rules. The generator is our own and seeded, so that a failure can be run again.

use chrono::{NaiveDate, NaiveDateTime};

/// A generator of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u64) as usize]
    }

    /// Up to `most` different values, sorted.
    fn list(&mut self, most: u64, mut value: impl FnMut(&mut Random) -> i64) -> String {
        let mut values: Vec<i64> = (0..=self.below(most)).map(|_| value(self)).collect();
        values.sort_unstable();
        values.dedup();
        values.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
    }

    fn signed(&mut self, high: i64) -> i64 {
        let value = self.range(1, high);
        if self.one_in(3) { -value } else { value }
    }

    fn days(&mut self, ordinal: Option<i64>) -> String {
        let mut days: Vec<String> = (0..=self.below(4))
            .map(|_| {
                let day = self.pick(&["MO", "TU", "WE", "TH", "FR", "SA", "SU"]);
                match ordinal {
                    Some(most) if !self.one_in(6) => format!("{}{day}", self.signed(most)),
                    _ => day.to_owned(),
                }
            })
            .collect();
        days.sort_unstable();
        days.dedup();
        days.join(",")
    }
}

/// A start, as a wall time, and a rule.
#[derive(Clone, Debug)]
pub struct Case {
    pub dtstart: NaiveDateTime,
    pub rrule: String,
}

/// A random start from 1997 to 2030, one in five just before the hours in which clocks change.
fn start(random: &mut Random) -> NaiveDateTime {
    let day = NaiveDate::from_ymd_opt(1997, 1, 1).unwrap() + chrono::TimeDelta::days(random.range(0, 12_400));
    if random.one_in(5) {
        let (month, day) =
            *random.pick(&[&(3, 8), &(3, 25), &(4, 1), &(9, 30), &(10, 18), &(10, 26), &(11, 1)]);
        let day = NaiveDate::from_ymd_opt(random.range(2005, 2030) as i32, month, day).unwrap();
        let half = random.below(2) as u32 * 30;
        return day.and_hms_opt(random.range(0, 3) as u32, half, 0).unwrap();
    }
    let minute = *random.pick(&[&0, &0, &15, &30, &30, &45, &7]);
    let second = if random.one_in(5) { 20 } else { 0 };
    day.and_hms_opt(random.range(0, 23) as u32, minute, second).unwrap()
}

/// A random rule that RFC 5545 allows.
pub fn case(random: &mut Random) -> Case {
    let dtstart = start(random);
    let freq = random.pick(&[
        "SECONDLY", "MINUTELY", "HOURLY", "DAILY", "DAILY", "WEEKLY", "WEEKLY", "WEEKLY", "MONTHLY",
        "MONTHLY", "MONTHLY", "MONTHLY", "YEARLY", "YEARLY", "YEARLY",
    ]);
    let mut parts = vec![format!("FREQ={freq}")];
    let sub_daily = matches!(freq, "SECONDLY" | "MINUTELY" | "HOURLY");
    if random.one_in(2) {
        let most = match freq {
            "SECONDLY" | "MINUTELY" => 100,
            "YEARLY" => 4,
            _ => 12,
        };
        parts.push(format!("INTERVAL={}", random.range(2, most)));
    }
    let before = parts.len();
    if random.one_in(if sub_daily { 8 } else { 4 }) {
        parts.push(format!("BYMONTH={}", random.list(4, |random| random.range(1, 12))));
    }
    let mut weeks = false;
    if freq == "YEARLY" && random.one_in(4) {
        weeks = true;
        parts.push(format!("BYWEEKNO={}", random.list(4, |random| random.signed(53))));
    }
    if freq == "YEARLY" && !weeks && random.one_in(5) {
        parts.push(format!("BYYEARDAY={}", random.list(5, |random| random.signed(366))));
    }
    if freq != "WEEKLY" && random.one_in(if sub_daily { 8 } else { 3 }) {
        parts.push(format!("BYMONTHDAY={}", random.list(6, |random| random.signed(31))));
    }
    if random.one_in(if sub_daily { 6 } else { 2 }) {
        let ordinal = match freq {
            "MONTHLY" if random.one_in(2) => Some(5),
            "YEARLY" if !weeks && random.one_in(2) => {
                Some(if parts.iter().any(|part| part.starts_with("BYMONTH=")) { 5 } else { 53 })
            }
            _ => None,
        };
        parts.push(format!("BYDAY={}", random.days(ordinal)));
    }
    if random.one_in(4) {
        parts.push(format!("BYHOUR={}", random.list(3, |random| random.range(0, 23))));
    }
    if random.one_in(5) {
        parts.push(format!("BYMINUTE={}", random.list(3, |random| random.range(0, 59))));
    }
    if random.one_in(9) {
        parts.push(format!("BYSECOND={}", random.list(3, |random| random.range(0, 59))));
    }
    if parts.len() > before && random.one_in(4) {
        parts.push(format!("BYSETPOS={}", random.list(2, |random| random.signed(4))));
    }
    if random.one_in(4) {
        parts.push(format!("WKST={}", random.pick(&["MO", "TU", "WE", "TH", "FR", "SA", "SU"])));
    }
    if random.one_in(4) {
        parts.push(format!("COUNT={}", random.range(1, 12)));
    } else if random.one_in(5) {
        let end = dtstart + chrono::TimeDelta::days(random.range(0, 900));
        parts.push(format!("UNTIL={}Z", end.format("%Y%m%dT%H%M%S")));
    }
    Case { dtstart, rrule: parts.join(";") }
}
