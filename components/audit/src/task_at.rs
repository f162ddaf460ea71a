//! A task as it was at a time, rebuilt from the log.

use std::collections::BTreeSet;

use http::StatusCode;
use perennial_audit::Entry;
use perennial_audit::view::{OccurrenceAtView, OccurrenceNote, TaskAtView, TaskNote};
use perennial_domain::{TaskId, Timestamp, UserId};
use perennial_http_api::{Problem, Query, Response, answer};
use perennial_store::AuditStore;

use crate::list::instant;

/// What is told of occurrences at most.
const OCCURRENCES: usize = 1_000;

pub(crate) fn task_at(
    store: &impl AuditStore,
    user: &UserId,
    task: TaskId,
    query: &Query,
    now: Timestamp,
) -> Result<Response, Problem> {
    let at = instant(query, "at")?.unwrap_or(now);
    let task = task.to_string();
    let (entries, complete) = store.audited_at(user, &task, at, OCCURRENCES)?;
    let state = entries.iter().find_map(|entry| Some((entry, note::<TaskNote>(entry).filter(is_of_task)?)));
    let (entry, noted) = state.ok_or_else(Problem::not_found)?;
    let mut seen = BTreeSet::new();
    let occurrences = entries.iter().filter_map(|entry| {
        let OccurrenceNote { recurrence_id, occurrence } = note(entry)?;
        // The newest comes first.
        seen.insert(recurrence_id.clone()).then(|| OccurrenceAtView {
            recurrence_id: Some(recurrence_id).filter(|name| !name.is_empty()),
            occurrence,
            change: entry.into(),
        })
    });
    let occurrences = occurrences.collect();
    Ok(answer(
        StatusCode::OK,
        &TaskAtView {
            at: at.to_string(),
            change: entry.into(),
            deleted: noted.deleted,
            state: TaskAtView::state_of(entry).filter(|_| !noted.deleted),
            occurrences,
            complete,
            task,
        },
    ))
}

/// Whether a note says what a task was, or that it was deleted.
fn is_of_task(note: &TaskNote) -> bool {
    note.deleted || note.task.is_some()
}

/// What an entry notes to be there after it.
fn note<T: serde::de::DeserializeOwned>(entry: &Entry) -> Option<T> {
    serde_json::from_str(entry.after.as_deref()?).ok()
}
