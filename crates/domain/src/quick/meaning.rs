//! What words of a line can mean, before it is known when "today" is.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use perennial_recurrence::{Found, Zone};

use crate::Priority;

/// What some words mean.
#[derive(Debug)]
pub(super) enum Meaning {
    /// They are part of the title, which they read so; whether they were to be taken as they stand.
    Title(String, bool),
    /// A day.
    Day(Day),
    /// A time of day; whether it was said by its hour alone.
    Time(NaiveTime, bool),
    /// So many minutes from now.
    Later(i64),
    /// A recurrence, perhaps with its time of day and its zone.
    Recurrence(Box<Found>),
    /// A zone.
    Zone(Zone),
    /// A tag.
    Tag(String),
    /// A priority.
    Priority(Priority),
    /// A reminder, by its trigger.
    Reminder(String),
    /// They look like something that they cannot be, for this reason.
    Refused(String),
}

/// A day as people say it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Day {
    /// So many days from today.
    Ahead(u64),
    /// So many months from today.
    Months(u32),
    /// The next of these weekdays after today.
    Weekday(Weekday),
    /// The one of this week.
    This(Weekday),
    /// "Next Friday": the one that comes next, if it is that of next week as well.
    Next(Weekday),
    /// The first day of the next week, month or year.
    First(Period),
    /// A day of the calendar.
    Of(NaiveDate),
    /// A day without its year.
    Yearless(u32, u32),
    /// A local time of the calendar.
    At(NaiveDateTime),
}

/// A period that has a first day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Period {
    Week,
    Month,
    Year,
}
