//! One occurrence that differs from its series (RFC 5545 §3.8.4.4): moved, retitled or cancelled. It keeps its name.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::commit::OverrideRow;
use crate::event::occurrence_key;
use crate::fields::{self, MAX_TITLE};
use crate::task::{arm, cancel};
use crate::{
    Commit, Context, Due, DueInput, EventType, Invalid, Occurrence, OccurrenceStatus, RecurrenceId,
    Succession, Task,
};

/// Most occurrences of one series that differ from it.
const MAX_OVERRIDES: usize = 500;

/// A change of one occurrence, as sent. What is not given is as the series says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideInput {
    /// Which occurrence.
    pub recurrence_id: String,
    /// A title of its own.
    #[serde(default)]
    pub title: Option<String>,
    /// A due date of its own.
    #[serde(default)]
    pub due: Option<DueInput>,
    /// Whether it does not take place.
    #[serde(default)]
    pub cancelled: bool,
}

/// A change of one occurrence.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Which occurrence.
    pub recurrence_id: RecurrenceId,
    /// A title of its own.
    pub title: Option<String>,
    /// A due date of its own.
    pub due: Option<Due>,
    /// Whether it does not take place.
    pub cancelled: bool,
}

/// Changes one occurrence of a series, open or still to come. `occurrence` is it, if it has been opened. A second change of
/// the same occurrence replaces the first.
pub fn override_occurrence(
    ctx: &mut Context<'_>,
    task: &Task,
    occurrence: Option<&Occurrence>,
    known: &[Override],
    input: &OverrideInput,
) -> Result<(Commit, Override), Invalid> {
    const ID: &str = "/recurrence_id";
    let (Some(series), Some(series_due)) = (&task.spec.series, &task.spec.due) else {
        return Err(Invalid::at(ID, "the task does not recur: change the task itself"));
    };
    let mut invalid = Invalid::default();
    let id = RecurrenceId::from_text(input.recurrence_id.as_str());
    let title = invalid.keep(input.title.as_ref().map(|t| fields::line(t, MAX_TITLE, "/title")).transpose());
    let due = invalid.keep(input.due.as_ref().map(|due| Due::parse(due, "/due")).transpose());
    match occurrence.map(|occurrence| occurrence.status) {
        Some(OccurrenceStatus::Open) => {}
        Some(_) => invalid.add(ID, format!("{id} is closed and cannot change any more")),
        None if !series.has(series_due, &id)? => {
            invalid.add(ID, format!("{id} is no occurrence of this series"))
        }
        None => {}
    }
    if known.len() >= MAX_OVERRIDES && !known.iter().any(|other| other.recurrence_id == id) {
        invalid.add(ID, format!("{MAX_OVERRIDES} occurrences of this series differ from it already"));
    }
    let (Some(title), Some(due), true) = (title, due, invalid.errors.is_empty()) else { return Err(invalid) };
    let change = Override { recurrence_id: id, title, due, cancelled: input.cancelled };

    let subject = task.id.to_string();
    let mut commit = ctx.commit_on(task, "occurrence.change");
    commit.tasks.push((&task.next(ctx.now)).into());
    commit.overrides.push(OverrideRow {
        task_id: task.id,
        recurrence_id: change.recurrence_id.clone(),
        title: change.title.clone(),
        due_local: change.due.as_ref().map(Due::local),
        due_tz: change.due.as_ref().and_then(Due::tz).map(str::to_owned),
        cancelled: i64::from(change.cancelled),
    });
    if let Some(occurrence) = occurrence {
        let changed = change.apply(ctx, occurrence, series_due)?;
        commit.expect.occurrences.push(occurrence.into());
        commit.occurrences.push((&changed).into());
        commit.alarms = match changed.status {
            OccurrenceStatus::Open => arm(ctx, &changed, &task.spec.reminders),
            _ => cancel(ctx, &changed, &task.spec.reminders),
        };
    }
    let data = json!({
        "recurrence_id": change.recurrence_id,
        "title": change.title,
        "due": change.due.as_ref().map(DueInput::from),
        "cancelled": change.cancelled,
    });
    let mut event = ctx.event(EventType::OccurrenceChanged, &subject, data);
    event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &change.recurrence_id));
    commit.events.push(event);
    Ok((commit, change))
}

impl Override {
    /// An open occurrence as this change makes it. One that is cancelled still owes its series the next one.
    fn apply(
        &self,
        ctx: &Context<'_>,
        occurrence: &Occurrence,
        series_due: &Due,
    ) -> Result<Occurrence, Invalid> {
        let nominal = series_due.moved_to(super::nominal(&occurrence.recurrence_id)?);
        let due = self.due.clone().unwrap_or(nominal);
        let mut changed = Occurrence {
            title: self.title.clone(),
            due_at: Some(due.instant(&ctx.zone)),
            due: Some(due),
            ..occurrence.clone()
        };
        if self.cancelled {
            changed.status = OccurrenceStatus::Cancelled;
            changed.succession = occurrence.succession.once_closed();
        }
        Ok(changed)
    }
}

impl Succession {
    /// What is owed once an occurrence of a series is closed.
    pub(crate) fn once_closed(self) -> Self {
        match self {
            Self::Planned | Self::Ended => self,
            Self::None | Self::Due | Self::Pending => Self::Pending,
        }
    }
}
