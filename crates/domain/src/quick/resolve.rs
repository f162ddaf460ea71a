//! When a task is due, of what a line says and of now.

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc,
};
use perennial_recurrence::{End, Frequency, Moment, Parts, Rule, RuleSet, Zone};

use super::meaning::{Day, Period};
use super::names::say;
use super::said::{Place, Said, Wrong, has_times};
use crate::due::LAST_DUE;
use crate::series::next_after;
use crate::{Due, Timestamp};

/// How days are written in answers.
const DAY: &str = "%A, %-d %B %Y (%Y-%m-%d)";

/// Why nothing is due after [`LAST_DUE`].
const BEYOND: &str = "lies beyond the year 9998";

/// When: the day that was said, and when the task is due.
#[derive(Debug, Default)]
pub(super) struct When {
    pub day: Option<NaiveDate>,
    pub due: Option<Due>,
    pub notes: Vec<Wrong>,
}

/// Now, in the zone in which the line is read.
struct Clock {
    zone: Zone,
    now: DateTime<Utc>,
    local: NaiveDateTime,
}

/// The year after the present one, for examples of what to write.
pub(super) fn next_year(zone: Zone, now: Timestamp) -> i32 {
    zone.local(now.to_utc()).year().saturating_add(1).min(LAST_DUE)
}

/// Resolves a line that is read in `zone`, unless it says another.
pub(super) fn resolve(said: &Said<'_>, zone: Zone, now: Timestamp) -> Result<When, Wrong> {
    let recurrence = said.recurrence.as_ref();
    let spoken =
        said.zone.as_ref().map(|(_, zone)| *zone).or(recurrence.and_then(|(_, found)| found.phrase.zone));
    let zone = spoken.unwrap_or(zone);
    let now = now.to_utc();
    let clock = Clock { zone, now, local: zone.local(now) };
    let mut when = When::default();
    if let Some((at, minutes)) = &said.later {
        when.due = Some(clock.later(*minutes).map_err(|why| (at.clone(), why))?);
        return Ok(when);
    }
    let day = match &said.day {
        Some((at, day)) => Some((at, *day, clock.day(*day).map_err(|why| (at.clone(), why))?)),
        None => None,
    };
    if let (Some((at, weekday)), Some((.., date))) = (&said.weekday, &day)
        && date.weekday() != *weekday
    {
        return Err((at.clone(), format!("is not the day: {}", say(*date, DAY))));
    }
    when.day = day.as_ref().map(|(.., date)| *date);
    let explicit = matches!(day, Some((_, Day::Of(_) | Day::At(_), _)));
    when.due = match (recurrence, &day, time(said)) {
        (Some((at, found)), day, time) => {
            let from = day.as_ref().map(|(.., date)| *date);
            let first =
                clock.start(said, from, time, explicit, &mut when.notes).map_err(|why| (at.clone(), why))?;
            if let Due::Zoned(local, _) = first {
                let place = time.map(|(at, _)| at).or(found.time.as_ref()).unwrap_or(at);
                // A rule of hours counts from the time that was said, not from what the clocks make of it.
                let counts = found.phrase.rule.frequency() < Frequency::Daily;
                let begun = from.zip(time).filter(|_| counts).map(|(day, (_, time))| day.and_time(time));
                match clock.comes(begun.unwrap_or(local), place, &mut when.notes) {
                    Err((at, why)) if day.is_none() => when.notes.push((at, format!("at first {why}"))),
                    came => came.map(drop)?,
                }
            }
            Some(first)
        }
        (None, Some((.., date)), None) => Some(Due::Date(*date)),
        (None, day, Some((at, time))) => {
            let date = day.as_ref().map_or(clock.local.date(), |(.., date)| *date);
            Some(clock.at(date.and_time(time), at, explicit, &mut when.notes)?)
        }
        (None, None, None) => None,
    };
    if let Some(due) = when.due.as_ref().filter(|due| due.wall().year() > LAST_DUE) {
        let of_recurrence = recurrence.map(|(at, _)| at);
        let place = of_recurrence.or(time(said).map(|(at, _)| at)).or(day.as_ref().map(|(at, ..)| *at));
        let why = format!("{BEYOND}: it is the year {}", due.wall().year());
        return Err((place.cloned().unwrap_or_default(), why));
    }
    if let (Some((at, _, date)), true) = (&day, explicit)
        && *date < clock.local.date()
    {
        when.notes.push(((*at).clone(), format!("is in the past: {}", say(*date, DAY))));
    } else if let Some((at, Day::First(_), date)) = &day {
        when.notes.push(((*at).clone(), format!("was read as {}", say(*date, DAY))));
    }
    match (&when.due, &said.zone, recurrence.and_then(|(_, found)| found.zone.as_ref())) {
        (Some(Due::Zoned(..)), ..) | (_, None, None) => Ok(when),
        (_, Some((at, _)), _) | (_, None, Some(at)) => {
            Err((at.clone(), "is the zone of no time: write a time of day as well".to_owned()))
        }
    }
}

/// The time of day that was said outside of a recurrence.
fn time<'a>(said: &'a Said<'_>) -> Option<(&'a Place, NaiveTime)> {
    match (&said.time, &said.day) {
        (Some((at, time)), _) => Some((at, *time)),
        (None, Some((at, Day::At(local)))) => Some((at, local.time())),
        _ => None,
    }
}

impl Clock {
    fn day(&self, day: Day) -> Result<NaiveDate, String> {
        let today = self.local.date();
        let ahead = |days: u64| today.checked_add_days(Days::new(days));
        let to = |weekday: chrono::Weekday| u64::from(weekday.days_since(today.weekday()));
        let monday = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())));
        let in_week = |weeks: u64, weekday: chrono::Weekday| {
            let days = u64::from(weekday.num_days_from_monday()).saturating_add(weeks.saturating_mul(7));
            monday.and_then(|monday| monday.checked_add_days(Days::new(days)))
        };
        let found = match day {
            Day::Ahead(days) => ahead(days),
            Day::Months(months) => today.checked_add_months(Months::new(months)),
            Day::Weekday(weekday) if to(weekday) == 0 => ahead(7),
            Day::Weekday(weekday) => ahead(to(weekday)),
            Day::This(weekday) => {
                let date = in_week(0, weekday);
                if date.is_some_and(|date| date < today) {
                    return Err("has passed this week".to_owned());
                }
                date
            }
            Day::Next(weekday) => {
                let soon = self.day(Day::Weekday(weekday))?;
                let later = in_week(1, weekday);
                if let Some(later) = later.filter(|later| *later != soon) {
                    return Err(format!("may be {} or {}: write the date", say(soon, DAY), say(later, DAY)));
                }
                later
            }
            Day::First(Period::Week) => in_week(1, chrono::Weekday::Mon),
            Day::First(Period::Month) => {
                today.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)))
            }
            Day::First(Period::Year) => NaiveDate::from_ymd_opt(today.year().saturating_add(1), 1, 1),
            Day::Of(date) => Some(date),
            Day::At(local) => Some(local.date()),
            Day::Yearless(day, month) => return self.this_year(day, month),
        };
        let found = found.filter(|date| date.year() <= LAST_DUE);
        found.ok_or_else(|| BEYOND.to_owned())
    }

    fn this_year(&self, day: u32, month: u32) -> Result<NaiveDate, String> {
        let year = self.local.year();
        let date = NaiveDate::from_ymd_opt(year, month, day)
            .ok_or_else(|| format!("is no day of {year}: write the year as well"))?;
        match date < self.local.date() {
            true => Err(format!("has passed this year ({}): write the year as well", say(date, "%Y-%m-%d"))),
            false => Ok(date),
        }
    }

    /// So many minutes from now, to the second.
    fn later(&self, minutes: i64) -> Result<Due, String> {
        let now = self.now.with_nanosecond(0).unwrap_or(self.now);
        let beyond = || BEYOND.to_owned();
        let then = TimeDelta::try_minutes(minutes)
            .and_then(|length| now.checked_add_signed(length))
            .ok_or_else(beyond)?;
        let local = self.zone.local(then);
        if local.year() > LAST_DUE {
            return Err(beyond());
        }
        if self.zone.instant(local) != then {
            let zone = self.zone.name();
            return Err(format!(
                "is a time that comes twice in {zone}, and the second cannot be told from the first"
            ));
        }
        Ok(Due::Zoned(local, self.zone))
    }

    /// A time of a day. One that the clocks skip, or that has passed, is no time that anything could be due at.
    fn at(
        &self,
        local: NaiveDateTime,
        at: &Place,
        explicit: bool,
        notes: &mut Vec<Wrong>,
    ) -> Result<Due, Wrong> {
        let instant = self.comes(local, at, notes)?;
        if instant <= self.now && !explicit {
            let (now, zone) = (self.local.format("%H:%M on %Y-%m-%d"), self.zone.name());
            return Err((at.clone(), format!("has passed: it is {now} in {zone}; write the day as well")));
        }
        Ok(Due::Zoned(local, self.zone))
    }

    /// When a local time comes: one that the clocks skip does not, one that comes twice is the first.
    fn comes(
        &self,
        local: NaiveDateTime,
        at: &Place,
        notes: &mut Vec<Wrong>,
    ) -> Result<DateTime<Utc>, Wrong> {
        let (instant, zone) = (self.zone.instant(local), self.zone.name());
        let shown = local.format("%H:%M on %Y-%m-%d");
        if self.zone.local(instant) != local {
            return Err((at.clone(), format!("does not come: the clocks of {zone} skip {shown}")));
        }
        let later = instant.checked_add_signed(TimeDelta::hours(3)).unwrap_or(instant);
        let back = i64::from(self.zone.offset(instant)).saturating_sub(i64::from(self.zone.offset(later)));
        let second = instant.checked_add_signed(TimeDelta::try_seconds(back).unwrap_or_default());
        if back > 0 && second.is_some_and(|second| self.zone.local(second) == local) {
            notes.push((at.clone(), format!("comes twice in {zone}: the first {shown} was read")));
        }
        Ok(instant)
    }

    /// Where a series starts: its first date from the day that was said on, or else from now on. A count of periods begins
    /// there, so that "every 2 weeks on Monday" starts on the next Monday.
    fn start(
        &self,
        said: &Said<'_>,
        from: Option<NaiveDate>,
        time: Option<(&Place, NaiveTime)>,
        explicit: bool,
        notes: &mut Vec<Wrong>,
    ) -> Result<Due, String> {
        let Some((at, found)) = &said.recurrence else { return Err("is no recurrence".to_owned()) };
        let parts = found.phrase.rule.parts();
        let elapsed = parts.frequency < Frequency::Daily;
        let day = from.unwrap_or(self.local.date());
        let start = match time.map(|(_, time)| time).or(found.phrase.time) {
            Some(time) => Due::Zoned(day.and_time(time), self.zone),
            None if elapsed && from.is_none() => {
                let minute = self.local.with_second(0).and_then(|local| local.with_nanosecond(0));
                let next = minute.and_then(|minute| minute.checked_add_signed(TimeDelta::minutes(1)));
                let next = next.unwrap_or(self.local);
                let note = format!(
                    "starts at {}: write \"from 09:00\" or the like for another time",
                    next.format("%H:%M")
                );
                notes.push((at.clone(), note));
                Due::Zoned(next, self.zone)
            }
            None if elapsed || has_times(parts) => Due::Zoned(day.and_time(NaiveTime::MIN), self.zone),
            None => Due::Date(day),
        };
        let interval = if elapsed { parts.interval } else { 1 };
        let parts = Parts { interval, end: End::Never, ..parts.clone() };
        let rule = Rule::from_parts(&parts).map_err(|error| error.message)?;
        let set = RuleSet::new(start.start(), Some(rule), Vec::new(), Vec::new())
            .map_err(|error| error.to_string())?;
        let passed = matches!(start, Due::Zoned(local, zone) if zone.instant(local) <= self.now);
        let first = if passed && !explicit {
            let found = next_after(&set, &start, Moment::Instant(self.now));
            found.map_err(|wrong| wrong.errors.into_iter().map(|error| error.detail).collect::<String>())?
        } else {
            set.first().map_err(|error| error.to_string())?.map(|first| start.moved_to(first.local))
        };
        first.ok_or_else(|| "has no date".to_owned())
    }
}
