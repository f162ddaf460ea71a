//! Setting reminders, and putting them off.

use http::Method;
use perennial_domain::Timestamp;
use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::json;

use crate::answer::Told;
use crate::arguments::{Id, Reminders, Text, said, wrong};
use crate::door::{Beside, Door, reread};
use crate::moment::{Local, local};
use crate::shown::{Done, TaskDoc, Wrote};

/// Reminders of a task.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SetReminders {
    task: Id,
    /// all of them
    #[serde(default)]
    reminders: Option<Reminders>,
    #[serde(default)]
    snooze: Option<SnoozeArg>,
    #[serde(default)]
    dry_run: bool,
}

/// A reminder that is put off.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct SnoozeArg {
    /// its id
    reminder: Id,
    /// 2026-12-01T09:00
    until: Text<40>,
    /// unless told, the open one
    #[serde(default)]
    occurrence: Option<Text<200>>,
}

/// A reminder that was put off, as the API tells it.
#[derive(Deserialize)]
struct Snoozed {
    recurrence_id: Option<String>,
    fire_at: String,
}

pub(super) fn set<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: SetReminders,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let key = door.key(None)?;
    let task = door.task(&asked.task.0, "/task")?;
    let done = match (asked.reminders, asked.snooze) {
        (Some(reminders), None) => {
            let body = Some(json!({ "reminders": reminders.0 }));
            let beside = Beside { body, key: key.as_deref(), if_match: None };
            let done = door.change(&Method::PATCH, &format!("/v1/tasks/{}", task.id), beside)?;
            let after: TaskDoc = reread(done.body)?;
            Done { change_id: done.change_id, ..Done::of(0, &after) }
        }
        (None, Some(snooze)) => put_off(door, &task, &snooze, key.as_deref())?,
        _ => return Err(wrong("", "needs either reminders or snooze")),
    };
    Ok(Told::new(&Wrote { dry_run: door.api.dry_run, done: vec![done] }, true))
}

fn put_off<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    task: &TaskDoc,
    snooze: &SnoozeArg,
    key: Option<&str>,
) -> Result<Done, Problem> {
    let clock = door.clock();
    let until = snooze.until.0.trim();
    let at: Timestamp = match (Timestamp::parse(until), local(until)) {
        (Some(at), _) => at,
        (None, Some(Local::Time(at))) => clock.zone.instant(at).into(),
        _ => {
            let why = "must be a local time such as 2026-12-01T09:00, or an instant with Z";
            return Err(wrong("/snooze/until", why));
        }
    };
    let occurrence = said(snooze.occurrence.as_ref()).or(task.open());
    let body = json!({ "recurrence_id": occurrence, "reminder": snooze.reminder, "until": at.to_string() });
    let beside = Beside { body: Some(body), key, if_match: None };
    let done = door
        .change(&Method::POST, &format!("/v1/tasks/{}/snooze", task.id), beside)
        .map_err(|problem| problem.under("/snooze"))?;
    let snoozed: Snoozed = reread(done.body)?;
    let told = Done {
        occurrence: snoozed.recurrence_id,
        change_id: done.change_id,
        ..Done { id: task.id.clone(), title: Some(task.title.clone()), ..Done::default() }
    };
    Ok(told.with_notes(vec![format!("reminds {}", clock.told(&snoozed.fire_at))]))
}
