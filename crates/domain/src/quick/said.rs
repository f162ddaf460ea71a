//! What a line says of each thing, once: what is said twice is refused.

use std::ops::Range;

use chrono::NaiveTime;
use perennial_recurrence::{Found, Zone};

use super::meaning::{Day, Meaning};
use crate::Priority;

/// Bytes of the line.
pub(super) type Place = Range<usize>;
/// What is wrong, and where.
pub(super) type Wrong = (Place, String);

/// What was said, and where.
#[derive(Debug, Default)]
pub(super) struct Said<'s> {
    pub day: Option<(Place, Day)>,
    /// The name of that day, where it was said as well.
    pub weekday: Option<(Place, chrono::Weekday)>,
    pub time: Option<(Place, NaiveTime)>,
    pub later: Option<(Place, i64)>,
    pub recurrence: Option<(Place, &'s Found)>,
    pub zone: Option<(Place, Zone)>,
    pub priority: Option<(Place, Priority)>,
    pub tags: Vec<(Place, &'s str)>,
    pub reminders: Vec<(Place, &'s str)>,
}

impl<'s> Said<'s> {
    pub(super) fn gather(items: &'s [(Place, Meaning)], wrong: &mut Vec<Wrong>) -> Self {
        let mut said = Self::default();
        for (at, meaning) in items {
            let taken = match meaning {
                Meaning::Title(..) => None,
                Meaning::Refused(why) => Some(why.clone()),
                Meaning::Day(day) => {
                    let timed = matches!(day, Day::At(_)) && said.is_timed();
                    said.day(at, *day).or_else(|| twice(timed, "time of day")).or_else(|| said.exact())
                }
                Meaning::Time(time, _) => twice(said.is_timed(), "time of day")
                    .or_else(|| put(&mut said.time, at, *time, "time of day"))
                    .or_else(|| said.exact()),
                Meaning::Later(minutes) => {
                    let dated = said.day.is_some() || said.is_timed() || said.recurrence.is_some();
                    twice(dated, "day or time").or_else(|| put(&mut said.later, at, *minutes, "time"))
                }
                Meaning::Recurrence(found) => said.recurs(at, found),
                Meaning::Zone(zone) => {
                    twice(said.is_zoned(), "zone").or_else(|| put(&mut said.zone, at, *zone, "zone"))
                }
                Meaning::Priority(priority) => put(&mut said.priority, at, *priority, "priority"),
                Meaning::Tag(tag) => {
                    said.tags.push((at.clone(), tag));
                    None
                }
                Meaning::Reminder(trigger) => {
                    said.reminders.push((at.clone(), trigger));
                    None
                }
            };
            wrong.extend(taken.map(|why| (at.clone(), why)));
        }
        said
    }

    /// A day, of which the name may be said beside its date: "Monday, 14 December".
    fn day(&mut self, at: &Place, day: Day) -> Option<String> {
        let is_date = |day: Day| matches!(day, Day::Of(_) | Day::Yearless(..) | Day::At(_));
        match (self.day.take(), day) {
            (Some((place, Day::Weekday(weekday))), day) if is_date(day) && self.weekday.is_none() => {
                self.weekday = Some((place, weekday));
                put(&mut self.day, at, day, "day")
            }
            (Some((place, date)), Day::Weekday(weekday)) if is_date(date) && self.weekday.is_none() => {
                self.day = Some((place, date));
                put(&mut self.weekday, at, weekday, "day")
            }
            (before, day) => {
                self.day = before;
                put(&mut self.day, at, day, "day")
            }
        }
    }

    fn recurs(&mut self, at: &Place, found: &'s Found) -> Option<String> {
        let parts = found.phrase.rule.parts();
        let timed = found.phrase.time.is_some() || has_times(parts);
        twice(timed && self.is_timed(), "time of day")
            .or_else(|| twice(found.zone.is_some() && self.is_zoned(), "zone"))
            .or_else(|| put(&mut self.recurrence, at, found, "recurrence"))
            .or_else(|| self.exact())
    }

    /// Whether a time of day was said.
    fn is_timed(&self) -> bool {
        let recurs = self.recurrence.as_ref().map(|(_, found)| &found.phrase);
        self.time.is_some()
            || matches!(self.day, Some((_, Day::At(_))))
            || recurs.is_some_and(|phrase| phrase.time.is_some() || has_times(phrase.rule.parts()))
    }

    fn is_zoned(&self) -> bool {
        self.zone.is_some() || self.recurrence.as_ref().is_some_and(|(_, found)| found.zone.is_some())
    }

    fn exact(&self) -> Option<String> {
        twice(self.later.is_some(), "day or time")
    }
}

/// Whether a rule has times of day of its own.
pub(super) fn has_times(parts: &perennial_recurrence::Parts) -> bool {
    !(parts.by_hour.is_empty() && parts.by_minute.is_empty() && parts.by_second.is_empty())
}

fn twice(is: bool, what: &str) -> Option<String> {
    is.then(|| format!("is a second {what}: put one of them in quotation marks if it is a part of the title"))
}

fn put<T>(place: &mut Option<(Place, T)>, at: &Place, value: T, what: &str) -> Option<String> {
    if place.is_some() {
        return twice(true, what);
    }
    *place = Some((at.clone(), value));
    None
}
