//! Tasks in full.

use perennial_domain::{Plain, Timestamp};
use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};

use crate::answer::{Told, cut};
use crate::arguments::{Each, Id};
use crate::door::{Door, address};
use crate::moment::due;
use crate::names::Page;
use crate::shown::{Detail, OccurrenceDoc, Task, TaskDoc};

/// Most tasks of a call, and most of what is included of one.
const MOST: usize = 20;
const MOST_OF_ONE: usize = 20;
/// From when to when occurrences are told, in milliseconds from now: 30 days back, 60 ahead.
const BACK: i64 = -30 * 86_400_000;
const AHEAD: i64 = 60 * 86_400_000;

/// Which tasks.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct GetTasks {
    ids: Each<Id, MOST>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 2)))]
    include: Vec<Plain<Include>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
enum Include {
    Occurrences,
    Notifications,
}

/// The tasks, and what was included of them.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Got {
    #[cfg_attr(feature = "schema", schemars(length(max = MOST)))]
    tasks: Vec<Task>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 400)))]
    occurrences: Vec<OccurrenceTold>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 400)))]
    notifications: Vec<NotificationTold>,
}

/// An occurrence as told.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OccurrenceTold {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    task: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    occurrence: Option<String>,
    #[cfg_attr(feature = "schema", schemars(length(max = 9)))]
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    completed: Option<String>,
}

/// A notification as told.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct NotificationTold {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    task: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    channel: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 9)))]
    state: String,
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    error: Option<String>,
}

/// A notification, as the API tells it.
#[derive(Deserialize)]
struct NotificationDoc {
    channel: String,
    state: String,
    created_at: String,
    delivered_at: Option<String>,
    last_error: Option<String>,
}

pub(super) fn get<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: GetTasks,
) -> Result<Told, Problem> {
    let includes = |what: Include| asked.include.iter().any(|include| include.0 == what);
    let (occurring, told) = (includes(Include::Occurrences), includes(Include::Notifications));
    let mut found: Vec<TaskDoc> = Vec::new();
    for (index, id) in asked.ids.0.into_iter().enumerate() {
        match id.and_then(|id| door.task(&id.0, "")) {
            Ok(task) if found.iter().any(|other| other.id == task.id) => {}
            Ok(task) => found.push(task),
            Err(problem) => door.refused(Some(index), problem, &[]),
        }
    }
    let (mut occurrences, mut notifications) = (Vec::new(), Vec::new());
    for task in &found {
        if occurring {
            occurrences.extend(occurrences_of(door, &task.id)?);
        }
        if told {
            notifications.extend(notifications_of(door, &task.id)?);
        }
    }
    let any = !found.is_empty();
    let tasks = door.show(found, Detail::Full)?;
    Ok(Told::new(&Got { tasks, occurrences, notifications }, any))
}

fn occurrences_of<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    task: &str,
) -> Result<Vec<OccurrenceTold>, Problem> {
    let clock = door.clock();
    let bound = |millis: i64| -> Timestamp { clock.now.plus_millis(millis) };
    let (from, to) = (bound(BACK).to_string(), bound(AHEAD).to_string());
    let query = [("from", Some(from.as_str())), ("to", Some(to.as_str())), ("limit", Some("20"))];
    let page: Among = door.get(&address(&format!("/v1/tasks/{task}/occurrences"), &query))?;
    let told = |one: OccurrenceDoc| OccurrenceTold {
        task: task.to_owned(),
        occurrence: one.recurrence_id,
        status: one.status,
        due: one.due.as_ref().map(due),
        completed: one.completed_at.as_deref().map(|at| clock.told(at)),
    };
    Ok(page.items.into_iter().take(MOST_OF_ONE).map(told).collect())
}

/// Occurrences of a span of time.
#[derive(Deserialize)]
struct Among {
    items: Vec<OccurrenceDoc>,
}

fn notifications_of<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    task: &str,
) -> Result<Vec<NotificationTold>, Problem> {
    let clock = door.clock();
    let query = [("task", Some(task)), ("limit", Some("20"))];
    let page: Page<NotificationDoc> = door.get(&address("/v1/notifications", &query))?;
    let told = |one: NotificationDoc| NotificationTold {
        task: task.to_owned(),
        channel: one.channel,
        at: clock.told(one.delivered_at.as_deref().unwrap_or(&one.created_at)),
        state: one.state,
        error: one.last_error.map(|error| cut(&error, 200)),
    };
    Ok(page.items.into_iter().take(MOST_OF_ONE).map(told).collect())
}
