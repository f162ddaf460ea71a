//! Dates and rules, as a person reads them.

use chrono::{NaiveDate, NaiveDateTime};

use crate::api::{Due, Occurrence, Recurrence, Task};

/// `Thu 2026-12-31 09:00 Europe/Berlin`.
pub fn due(due: Option<&Due>) -> String {
    let Some(due) = due else { return "any time".to_owned() };
    let date = due.local.parse::<NaiveDate>().map(|date| date.format("%a %Y-%m-%d").to_string());
    let time = due.local.parse::<NaiveDateTime>().map(|at| at.format("%a %Y-%m-%d %H:%M").to_string());
    let local = date.or(time).unwrap_or_else(|_| due.local.clone());
    match &due.tz {
        Some(tz) => format!("{local} {tz}"),
        None => local,
    }
}

/// The same with its instant: local times stay, and the instants follow the clocks of their zone.
pub fn occurrence(occurrence: &Occurrence) -> String {
    let at = occurrence.due_at.as_deref().unwrap_or("no instant");
    format!("{:<38} {at}", due(occurrence.due.as_ref()))
}

/// `FREQ=DAILY;INTERVAL=10, from completion`.
pub fn recurrence(recurrence: Option<&Recurrence>) -> String {
    match recurrence {
        None => "once".to_owned(),
        Some(rule) if rule.anchor == "completion" => format!("{}, from completion", rule.rrule),
        Some(rule) => rule.rrule.clone(),
    }
}

/// One line of a task.
pub fn task(mark: char, task: &Task) -> String {
    let rule = recurrence(task.recurrence.as_ref());
    format!("   {mark} {:<30} {:<38} {rule}", task.title, due(task.due.as_ref()))
}
