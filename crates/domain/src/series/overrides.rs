//! One occurrence that differs from its series (RFC 5545 §3.8.4.4): moved, retitled or cancelled. It keeps its name.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::commit::OverrideRow;
use crate::event::occurrence_key;
use crate::fields::{self, MAX_TITLE};
use crate::task::{close, settle};
use crate::{
    Commit, Context, Due, DueInput, EventType, Invalid, Occurrence, OccurrenceStatus, RecurrenceId,
    SeriesState, Task, TaskId,
};

/// Most occurrences of one series that differ from it.
pub(crate) const MAX_OVERRIDES: usize = 500;

/// A change of one occurrence, as sent. What is not given is as the series says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OverrideInput {
    /// Which occurrence.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 200)))]
    pub recurrence_id: String,
    /// A title of its own.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_TITLE), regex(pattern = crate::pattern::LINE)))]
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

/// Changes one occurrence of a series, open or still to come. A second change of the same occurrence replaces the first.
pub fn override_occurrence(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    input: &OverrideInput,
) -> Result<(Commit, Override), Invalid> {
    const ID: &str = "/recurrence_id";
    let task = &state.task;
    let (Some(series), Some(series_due)) = (&task.spec.series, &task.spec.due) else {
        return Err(Invalid::at(ID, "the task does not recur: change the task itself"));
    };
    let mut invalid = Invalid::default();
    let id = RecurrenceId::from_text(input.recurrence_id.as_str());
    let occurrence = state.given_out(&id);
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
    if state.overrides.len() >= MAX_OVERRIDES
        && !state.overrides.iter().any(|other| other.recurrence_id == id)
    {
        invalid.add(ID, format!("{MAX_OVERRIDES} occurrences of this series differ from it already"));
    }
    let (Some(title), Some(due), true) = (title, due, invalid.errors.is_empty()) else { return Err(invalid) };
    let change = Override { recurrence_id: id, title, due, cancelled: input.cancelled };

    let subject = task.id.to_string();
    let mut commit = ctx.commit_on(task, "occurrence.change");
    commit.overrides.push(change.row(task.id));
    let mut ended = false;
    match occurrence.map(|occurrence| (occurrence, change.apply(ctx, task, occurrence, series_due))) {
        Some((occurrence, changed)) => {
            let changed = changed?;
            if change.cancelled {
                (_, ended) = close(ctx, &mut commit, state, occurrence, &changed);
            } else {
                commit.expect.occurrences.push(occurrence.into());
                commit.occurrences.push((&changed).into());
                commit.tasks.push((&task.next(ctx.now)).into());
                settle(ctx, &mut commit, &changed, &task.spec.reminders, Some(state));
            }
        }
        None => commit.tasks.push((&task.next(ctx.now)).into()),
    }
    let was = state.overrides.iter().find(|other| other.recurrence_id == change.recurrence_id);
    let noted = |change: &Override| json!(change.input());
    let before = was.map_or(json!({ "cancelled": false }), noted);
    let version = task.version.saturating_add(1);
    commit.notes(&change.recurrence_id, (task.version, before), (version, noted(&change)));
    if let Some(was) = occurrence.filter(|_| change.cancelled) {
        commit.notes_followed(was);
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
    if ended {
        let data = json!({ "last": change.recurrence_id });
        commit.events.push(ctx.event(EventType::SeriesEnded, &subject, data));
    }
    Ok((commit, change))
}

/// What skipping an occurrence comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Skipping {
    /// It does not take place from now on.
    Skips(Box<Commit>, Box<Override>),
    /// It was to be skipped already, whoever asks and however often.
    AlreadySkipped(Box<Override>),
}

/// Has one occurrence of a series not take place, open or still to come; the next one follows as if it were done.
///
/// # Errors
/// [`Invalid`] if there is no such occurrence, or if it is done.
pub fn skip(ctx: &mut Context<'_>, state: &SeriesState, id: &str) -> Result<Skipping, Invalid> {
    let known = state.overrides.iter().find(|other| other.recurrence_id.as_str() == id);
    let mut input = known.map_or_else(OverrideInput::default, Override::input);
    let asked = state.given_out(&RecurrenceId::from_text(id));
    let is_over = match asked.map(|asked| asked.status) {
        None | Some(OccurrenceStatus::Cancelled) => input.cancelled,
        Some(OccurrenceStatus::Open | OccurrenceStatus::Done) => false,
    };
    if let (true, Some(known)) = (is_over, known) {
        return Ok(Skipping::AlreadySkipped(Box::new(known.clone())));
    }
    (input.recurrence_id, input.cancelled) = (id.to_owned(), true);
    let (mut commit, change) = override_occurrence(ctx, state, &input)?;
    "occurrence.skip".clone_into(&mut commit.audit.action);
    Ok(Skipping::Skips(Box::new(commit), Box::new(change)))
}

impl Override {
    /// What a client would have sent for it.
    pub(crate) fn input(&self) -> OverrideInput {
        OverrideInput {
            recurrence_id: self.recurrence_id.as_str().to_owned(),
            title: self.title.clone(),
            due: self.due.as_ref().map(DueInput::from),
            cancelled: self.cancelled,
        }
    }

    /// Its row in the store.
    pub(super) fn row(&self, task_id: TaskId) -> OverrideRow {
        OverrideRow {
            task_id,
            recurrence_id: self.recurrence_id.clone(),
            title: self.title.clone(),
            due_local: self.due.as_ref().map(Due::local),
            due_tz: self.due.as_ref().and_then(Due::tz).map(str::to_owned),
            cancelled: i64::from(self.cancelled),
        }
    }

    /// An open occurrence as this change makes it. One that is cancelled still owes its series the next one.
    fn apply(
        &self,
        ctx: &Context<'_>,
        task: &Task,
        occurrence: &Occurrence,
        series_due: &Due,
    ) -> Result<Occurrence, Invalid> {
        let nominal = series_due.moved_to(super::nominal(&occurrence.recurrence_id)?);
        let due = self.due.clone().unwrap_or(nominal);
        let changed =
            Occurrence { title: self.title.clone(), ..occurrence.due_on(Some(due), &task.spec, &ctx.zone) };
        Ok(if self.cancelled { changed.closed(task, OccurrenceStatus::Cancelled) } else { changed })
    }
}
