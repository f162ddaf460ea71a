//! What clients ask for, drawn at random.

use std::ops::Range;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use fastrand::Rng;
use http::Method;
use serde_json::{Value, json};

use super::door::{Door, Gone, read};
use super::ledger::{Entry, Ledger, Request, Says};

const RULES: [&str; 4] =
    ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=YEARLY"];
const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "Asia/Kolkata"];

/// What clients are used to.
#[derive(Debug, Clone)]
pub struct Habits {
    /// How many equal requests they send at once, now and then.
    pub equal: usize,
    /// In how many milliseconds what reminds is to do so.
    pub soon: Range<i64>,
    /// When what is worked on falls due, local to a zone that is drawn.
    pub due: Vec<String>,
}

/// Whose request is drawn, and for whom what is there is read.
pub(super) struct Asks<'a> {
    pub door: &'a dyn Door,
    pub token: &'a str,
    pub habits: &'a Habits,
}

/// The next request of a client, or `None` where there is nothing to ask for yet. `key` is used by no other request.
pub(super) fn draw(
    rng: &mut Rng,
    key: String,
    ledger: &mut Ledger,
    asks: &Asks<'_>,
) -> Result<Option<Request>, Gone> {
    let choice = rng.u8(..20);
    if choice < 6 {
        return Ok(Some(create(rng, key, asks.door.now(), asks.habits)));
    }
    let Some(entry) = some_series(rng, ledger) else { return Ok(None) };
    let task = format!("/v1/tasks/{}", ledger.tasks[entry].id);
    let found = match choice {
        6..12 => named(&mut ledger.tasks[entry], asks)?.map(|open| {
            let body = json!({ "recurrence_id": open });
            (Method::POST, format!("{task}/complete"), Some(body), Says::Completed(entry, open))
        }),
        12..15 => {
            let description = format!("As {key} says");
            let body = json!({ "description": description });
            Some((Method::PATCH, task, Some(body), Says::Changed(entry, description)))
        }
        15..17 => named(&mut ledger.tasks[entry], asks)?.map(|open| {
            let title = format!("Called {key}");
            let body = json!({ "recurrence_id": open, "title": title });
            (Method::POST, format!("{task}/override"), Some(body), Says::Overridden(entry, open, title))
        }),
        17..19 => planned(&ledger.tasks[entry], asks)?.map(|later| {
            let body = json!({ "recurrence_id": later, "changes": { "title": key } });
            (Method::POST, format!("{task}/split"), Some(body), Says::Split(entry))
        }),
        _ => Some((Method::DELETE, task, None, Says::Deleted(entry))),
    };
    let Some((method, path, body, says)) = found else { return Ok(None) };
    if matches!(says, Says::Completed(..)) {
        ledger.tasks[entry].open = None;
    }
    let equal = if rng.u8(..5) == 0 { asks.habits.equal } else { 1 };
    Ok(Some(Request { key, method, path, body, equal, says }))
}

fn create(rng: &mut Rng, key: String, now: DateTime<Utc>, habits: &Habits) -> Request {
    let soon = now + TimeDelta::milliseconds(rng.i64(habits.soon.clone()));
    let mut body = match rng.u8(..4) {
        // A single task that reminds at an instant.
        0 => {
            json!({ "tags": ["reminds"], "reminders": [{ "trigger": soon.to_rfc3339_opts(SecondsFormat::Millis, true) }] })
        }
        // A series that reminds in a moment and again every day, and is left alone.
        1 => json!({
            "tags": ["reminds"], "recurrence": { "rrule": "FREQ=DAILY" }, "reminders": [{ "trigger": "PT0S" }],
            "due": { "local": (soon + TimeDelta::seconds(1)).format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
        }),
        // A series that is worked on again and again.
        _ => json!({
            "tags": ["series"],
            "due": { "local": rng.choice(&habits.due), "tz": rng.choice(ZONES) },
            "recurrence": { "rrule": rng.choice(RULES), "anchor": rng.choice(["due", "completion"]) },
            "reminders": [{ "trigger": "-P1D" }],
        }),
    };
    body["title"] = Value::from(key.clone());
    let equal = if rng.u8(..5) == 0 { habits.equal } else { 1 };
    let path = "/v1/tasks".to_owned();
    Request { key, method: Method::POST, path, body: Some(body), equal, says: Says::Created }
}

fn some_series(rng: &mut Rng, ledger: &Ledger) -> Option<usize> {
    let alive = ledger.tasks.iter().enumerate().filter(|(_, entry)| entry.series && !entry.deleted);
    rng.choice(alive.map(|(index, _)| index).collect::<Vec<_>>())
}

/// The open occurrence of a series, where there is one now.
fn named(entry: &mut Entry, asks: &Asks<'_>) -> Result<Option<String>, Gone> {
    if entry.open.is_none() {
        let task = read(asks.door, asks.token, &format!("/v1/tasks/{}", entry.id))?;
        entry.open = task["occurrence"]["recurrence_id"].as_str().map(str::to_owned);
    }
    Ok(entry.open.clone())
}

/// An occurrence of a series that is still to come, where it can be split there.
fn planned(entry: &Entry, asks: &Asks<'_>) -> Result<Option<String>, Gone> {
    if !entry.by_calendar || entry.ends {
        return Ok(None);
    }
    let span = "from=2026-11-01T00:00:00Z&to=2037-01-01T00:00:00Z&limit=200";
    let list = read(asks.door, asks.token, &format!("/v1/tasks/{}/occurrences?{span}", entry.id))?;
    let planned = list["items"].as_array().unwrap().iter().filter(|one| one["status"] == "planned");
    Ok(planned.take(3).last().map(|one| one["recurrence_id"].as_str().unwrap().to_owned()))
}
