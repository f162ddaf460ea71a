//! A brute-force expansion: day after day, period after period, every rule of the RFC applied as written.

use super::by_parts::{day_passes, time_passes};
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Weekday};
use perennial_recurrence::{Frequency, Parts, WeekdayNum};

/// The rule with what it takes from its start written out.
fn filled(parts: &Parts, start: NaiveDateTime) -> Parts {
    let mut parts = parts.clone();
    let weekday = WeekdayNum { ordinal: None, weekday: start.weekday() };
    if parts.by_day.is_empty() && parts.by_month_day.is_empty() && parts.by_year_day.is_empty() {
        match parts.frequency {
            Frequency::Weekly => parts.by_day = vec![weekday],
            Frequency::Monthly => parts.by_month_day = vec![start.day() as i8],
            Frequency::Yearly if !parts.by_week_no.is_empty() => parts.by_day = vec![weekday],
            Frequency::Yearly => {
                parts.by_month_day = vec![start.day() as i8];
                if parts.by_month.is_empty() {
                    parts.by_month = vec![start.month() as u8];
                }
            }
            _ => {}
        }
    }
    let own = |list: &mut Vec<u8>, value: u32| {
        if list.is_empty() {
            list.push(value as u8);
        }
    };
    own(&mut parts.by_hour, start.hour());
    own(&mut parts.by_minute, start.minute());
    own(&mut parts.by_second, start.second());
    parts
}

/// A number that days of one period share and that counts the periods.
fn period(parts: &Parts, day: NaiveDate) -> i64 {
    let week = |day: NaiveDate| {
        let start = parts.week_start.unwrap_or(Weekday::Mon);
        day - Days::new(u64::from(day.weekday().days_since(start)))
    };
    match parts.frequency {
        Frequency::Yearly if !parts.by_week_no.is_empty() => i64::from((week(day) + Days::new(3)).year()),
        Frequency::Yearly => i64::from(day.year()),
        Frequency::Monthly => i64::from(day.year()) * 12 + i64::from(day.month0()),
        Frequency::Weekly => i64::from(week(day).num_days_from_ce()).div_euclid(7),
        _ => i64::from(day.num_days_from_ce()),
    }
}

/// The wall times of a DAILY or longer rule within `years` of its start, without regard to COUNT, UNTIL or zone.
pub fn expand(parts: &Parts, start: NaiveDateTime, years: i64) -> Vec<NaiveDateTime> {
    let parts = filled(parts, start);
    let own = period(&parts, start.date());
    let mut found = Vec::new();
    let mut set: Vec<NaiveDateTime> = Vec::new();
    let mut current = None;
    // From more than a year before the start, so that its own period is seen whole.
    for offset in -380..years * 366 {
        let day = start.date() + TimeDelta::days(offset);
        let number = period(&parts, day);
        if current != Some(number) {
            found.extend(choose(&parts, &set));
            set.clear();
            current = Some(number);
        }
        if (number - own).rem_euclid(i64::from(parts.interval)) == 0 && day_passes(&parts, day) {
            set.extend(times(&parts).into_iter().map(|time| day.and_time(time)));
        }
    }
    found.retain(|&local| local >= start);
    found
}

fn times(parts: &Parts) -> Vec<NaiveTime> {
    let mut all = Vec::new();
    for &hour in &parts.by_hour {
        for &minute in &parts.by_minute {
            for &second in &parts.by_second {
                all.extend(NaiveTime::from_hms_opt(hour.into(), minute.into(), second.into()));
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn choose<T: Copy + Ord>(parts: &Parts, set: &[T]) -> Vec<T> {
    if parts.by_set_pos.is_empty() {
        return set.to_vec();
    }
    let place = |&place: &i16| match place {
        1.. => set.get(place as usize - 1),
        _ => set.len().checked_sub(place.unsigned_abs().into()).and_then(|at| set.get(at)),
    };
    let mut chosen: Vec<T> = parts.by_set_pos.iter().filter_map(place).copied().collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// The instants of an HOURLY, MINUTELY or SECONDLY rule, second by second, over a number of seconds from its
/// start. `wall` tells what the wall clock shows so many seconds after the start.
pub fn expand_elapsed(
    parts: &Parts,
    start: NaiveDateTime,
    seconds: i64,
    wall: impl Fn(i64) -> NaiveDateTime,
) -> Vec<i64> {
    let unit: i64 = match parts.frequency {
        Frequency::Hourly => 3_600,
        Frequency::Minutely => 60,
        _ => 1,
    };
    let expands = match parts.frequency {
        Frequency::Hourly => !(parts.by_minute.is_empty() && parts.by_second.is_empty()),
        Frequency::Minutely => !parts.by_second.is_empty(),
        _ => false,
    };
    let full = filled(parts, start);
    let into = i64::from(start.num_seconds_from_midnight()) % unit;
    let mut found = Vec::new();
    let mut begin = -into;
    while begin < seconds {
        let passes = |&at: &i64| {
            let local = wall(at);
            let expanded = if expands {
                let hourly = parts.frequency == Frequency::Hourly;
                (!hourly || full.by_minute.contains(&(local.minute() as u8)))
                    && full.by_second.contains(&(local.second() as u8))
            } else {
                at - begin == into
            };
            expanded && day_passes(parts, local.date()) && time_passes(parts, local)
        };
        let set: Vec<i64> = (begin..begin + unit).filter(passes).collect();
        found.extend(choose(parts, &set));
        begin += unit * i64::from(parts.interval);
    }
    found.retain(|&at| at >= 0);
    found
}
