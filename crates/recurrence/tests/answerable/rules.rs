//! Random rules written to be sparse, dense or far from their end, where a search that walks gets lost.

use crate::random::Random;

const FREQUENCIES: [&str; 7] = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
/// Intervals that divide a day, a week or the 400 years of the calendar, and some that divide nothing.
const INTERVALS: [u64; 28] = [
    2, 3, 5, 6, 7, 9, 11, 12, 14, 23, 24, 27, 60, 61, 168, 400, 719, 773, 1_439, 1_440, 3_599, 5_040, 20_871,
    43_201, 65_537, 86_399, 604_800, 604_801,
];
const COUNTS: [u64; 8] = [1, 7, 500, 10_007, 1_000_003, 90_000_000, 2_000_000_000, 4_294_967_295];
const STARTS: [&str; 9] = [
    "1970-01-01T01:00:00",
    "1970-01-01T00:00:00",
    "1996-02-29T02:30:00",
    "2011-12-29T12:00:07",
    "2024-02-29T23:59:59",
    "2026-03-29T02:30:00",
    "2500-07-01T09:00:00",
    "9000-01-31T09:00:00",
    "9999-12-31T00:00:00",
];
pub const ZONES: [&str; 9] = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "Asia/Tehran",
];

fn list(random: &mut Random, most: u64, low: i64, high: i64, signed: bool) -> String {
    let size = if random.one_in(6) { most } else { 1 + random.below(3) };
    let mut values: Vec<i64> = (0..size)
        .map(|_| {
            let value = random.range(low, high);
            if signed && random.one_in(3) { -value } else { value }
        })
        .collect();
    values.sort_unstable();
    values.dedup();
    values.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// A start, as a wall time, and a rule that RFC 5545 allows.
pub fn case(random: &mut Random) -> (&'static str, String) {
    let freq = random.pick(&FREQUENCIES);
    let sub_daily = matches!(freq, "SECONDLY" | "MINUTELY" | "HOURLY");
    let mut parts = vec![format!("FREQ={freq}")];
    if random.one_in(2) {
        let near = if random.one_in(2) { random.range(0, 3) } else { 0 };
        let interval = INTERVALS[random.below(INTERVALS.len() as u64) as usize] as i64 + near;
        parts.push(format!("INTERVAL={interval}"));
    }
    let before = parts.len();
    if random.one_in(3) {
        parts.push(format!("BYMONTH={}", list(random, 8, 1, 12, false)));
    }
    if freq == "YEARLY" && random.one_in(4) {
        parts.push(format!("BYWEEKNO={}", list(random, 8, 1, 53, true)));
    }
    if (freq == "YEARLY" || sub_daily) && random.one_in(6) {
        parts.push(format!("BYYEARDAY={}", list(random, 60, 1, 366, true)));
    }
    if freq != "WEEKLY" && random.one_in(3) {
        parts.push(format!("BYMONTHDAY={}", list(random, 9, 1, 31, true)));
    }
    if random.one_in(3) {
        let all = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
        let days: Vec<&str> = all.into_iter().filter(|_| random.one_in(3)).collect();
        parts.push(format!("BYDAY={}", if days.is_empty() { "SU".to_owned() } else { days.join(",") }));
    }
    if random.one_in(3) {
        parts.push(format!("BYHOUR={}", list(random, 20, 0, 23, false)));
    }
    if random.one_in(3) {
        parts.push(format!("BYMINUTE={}", list(random, 60, 0, 59, false)));
    }
    if random.one_in(3) {
        parts.push(format!("BYSECOND={}", list(random, 60, 0, 59, false)));
    }
    if parts.len() > before && random.one_in(4) {
        let most = if random.one_in(4) { 366 } else { 4 };
        parts.push(format!("BYSETPOS={}", list(random, 5, 1, most, true)));
    }
    if random.one_in(2) {
        parts.push(format!("COUNT={}", COUNTS[random.below(8) as usize]));
    } else if random.one_in(4) {
        parts.push(format!(
            "UNTIL={}",
            random.pick(&["20251231T000000Z", "21000101T000000Z", "99990101T000000Z"])
        ));
    }
    (STARTS[random.below(STARTS.len() as u64) as usize], parts.join(";"))
}

/// A rule with BYSETPOS whose periods, in a zone such as Lord Howe's, do not lie within an hour (or minute) of the clock.
pub fn straddling(random: &mut Random) -> (&'static str, String) {
    let hourly = !random.one_in(3);
    let mut parts = vec![format!("FREQ={}", if hourly { "HOURLY" } else { "MINUTELY" })];
    if random.one_in(2) {
        parts.push(format!("INTERVAL={}", INTERVALS[random.below(14) as usize]));
    }
    if random.one_in(3) {
        parts.push(format!("BYMONTHDAY={}", list(random, 9, 1, 31, true)));
    } else if random.one_in(2) {
        parts.push(format!("BYDAY={}", random.pick(&["MO", "TU,SA", "MO,TU,WE,TH,FR"])));
    }
    if random.one_in(3) {
        parts.push(format!("BYHOUR={}", list(random, 20, 0, 23, false)));
    }
    let (part, most) = if hourly { ("BYMINUTE", 20) } else { ("BYSECOND", 20) };
    parts.push(format!("{part}={}", list(random, most, 0, 59, false)));
    parts.push(format!("BYSETPOS={}", list(random, 2, 1, 3, true)));
    if random.one_in(4) {
        parts.push(format!("COUNT={}", COUNTS[random.below(8) as usize]));
    }
    (STARTS[random.below(5) as usize], parts.join(";"))
}
