//! "This and following": a series that goes on differently from one occurrence on.

use chrono::TimeDelta;
use perennial_recurrence::limits::MAX_PAGE;
use perennial_recurrence::{End, Moment, Until};

use super::{RRULE, RecurrenceInput, Series, nominal};
use crate::commit::ExpectTask;
use crate::task::{Task, TaskInput, TaskStatus, settle};
use crate::{
    Commit, Context, Due, EventType, Invalid, Occurrence, OccurrenceStatus, RecurrenceId, SeriesState,
    Succession, create_task,
};

/// Pages of occurrences counted, where a COUNT is to be divided.
const MAX_PAGES: usize = 50;

/// What the following occurrences would be if nothing else changed: the task with its series starting at `id`.
pub(crate) fn following(task: &Task, id: &RecurrenceId) -> Result<TaskInput, Invalid> {
    let (series, due) = series_of(task)?;
    if !series.has(due, id)? {
        return Err(Invalid::at("/recurrence_id", format!("{id} is no occurrence of this series")));
    }
    let start = due.moved_to(nominal(id)?);
    let mut input = TaskInput::from(&task.spec);
    input.due = Some((&start).into());
    for reminder in &mut input.reminders {
        reminder.id = None;
    }
    let rrule = match series.rule.count() {
        None => series.input.rrule.clone(),
        Some(count) => {
            let before = series.count_before(due, id)?;
            series.rule.with_end(End::Count(count.saturating_sub(before))).text().to_owned()
        }
    };
    let from = |date: &String| date.as_str() >= id.nominal();
    input.recurrence = Some(RecurrenceInput {
        rrule,
        rdate: series.input.rdate.iter().filter(|date| from(date)).cloned().collect(),
        exdate: series.input.exdate.iter().filter(|date| from(date)).cloned().collect(),
        ..series.input.clone()
    });
    Ok(input)
}

/// Ends a series before the occurrence `id` and starts another with what `change` makes of the following ones.
pub fn split_series(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    id: &RecurrenceId,
    change: impl FnOnce(TaskInput) -> Result<TaskInput, Invalid>,
) -> Result<(Commit, Task, Occurrence), Invalid> {
    let task = &state.task;
    let (series, due) = series_of(task)?;
    let input = change(following(task, id)?)?;
    let split = nominal(id)?;
    if split <= series.first(due)?.wall() {
        return Err(Invalid::at("/recurrence_id", "is the first one: change the task itself"));
    }
    let (mut commit, new, first) = create_task(ctx, &input).map_err(|wrong| wrong.under("/changes"))?;

    let mut old = task.next(ctx.now);
    old.spec.series = Some(series.ending_before(due, id)?);
    let follows = |o: &&Occurrence| nominal(&o.recurrence_id).is_ok_and(|at| at >= split);
    let (gone, left): (Vec<_>, Vec<_>) = state.open.iter().partition(follows);
    for occurrence in &gone {
        let given_up = state.given_up(occurrence);
        commit.occurrences.push((&given_up).into());
        settle(ctx, &mut commit, &given_up, &task.spec.reminders, Some(state));
    }
    // What precedes those that are gone is the last now. One that waits for its successor learns it when it is planned.
    let newest = left.iter().copied().chain(&state.last_closed).max_by_key(|other| other.ordinal);
    let newest = newest.filter(|newest| !gone.is_empty() && newest.succession == Succession::Planned);
    if let Some(last) = newest {
        let last = if last.status == OccurrenceStatus::Open { last.on_zone(&ctx.zone) } else { last.clone() };
        commit.occurrences.push((&Occurrence { succession: Succession::Ended, ..last.clone() }).into());
        settle(ctx, &mut commit, &last, &task.spec.reminders, Some(state));
    }
    let owed = state.last_closed.as_ref().is_some_and(|last| last.succession.is_owed());
    if left.is_empty() && !gone.is_empty() && !owed {
        old.status = TaskStatus::Done;
        old.completed_at = Some(ctx.now);
    }
    commit.expect.tasks.push(ExpectTask { id: task.id, version: task.version });
    commit.tasks.push((&old).into());
    let data = serde_json::json!({ "task": TaskInput::from(&old.spec), "recurrence_id": null, "split_into": new.id });
    commit.events.push(ctx.event(EventType::TaskUpdated, &task.id.to_string(), data));
    commit.audit.action = "series.split".to_owned();
    Ok((commit, new, first))
}

fn series_of(task: &Task) -> Result<(&Series, &Due), Invalid> {
    match (&task.spec.series, &task.spec.due) {
        (Some(series), Some(due)) => Ok((series, due)),
        _ => Err(Invalid::at("/recurrence_id", "the task does not recur")),
    }
}

impl Series {
    /// How many nominal occurrences of the rule lie before the one named.
    fn count_before(&self, due: &Due, id: &RecurrenceId) -> Result<u32, Invalid> {
        let plain = Self {
            input: RecurrenceInput { rdate: Vec::new(), exdate: Vec::new(), ..self.input.clone() },
            rule: self.rule.clone(),
        };
        let set = plain.set(due)?;
        let end = Moment::Local(nominal(id)?);
        let exhausted = |error: perennial_recurrence::Exhausted| Invalid::at(RRULE, error.to_string());
        let mut from = Moment::Local(due.wall());
        let mut count: u32 = 0;
        for _ in 0..MAX_PAGES {
            let page = set.between(&from, &end, MAX_PAGE).map_err(exhausted)?;
            count = count.saturating_add(u32::try_from(page.occurrences.len()).unwrap_or(u32::MAX));
            match page.occurrences.last() {
                Some(last) if !page.complete => {
                    from = match set.next_after(&last.moment()).map_err(exhausted)? {
                        Some(next) => next.moment(),
                        None => return Ok(count),
                    };
                }
                _ => return Ok(count),
            }
        }
        Err(Invalid::at("/recurrence_id", "is too far from the start of a rule with COUNT"))
    }

    /// The same series without the occurrence named and those after it.
    fn ending_before(&self, due: &Due, id: &RecurrenceId) -> Result<Self, Invalid> {
        let at = due.moved_to(nominal(id)?);
        let second = TimeDelta::seconds(1);
        let until = match &at {
            Due::Date(date) => date.pred_opt().map(Until::Date),
            Due::Floating(local) => local.checked_sub_signed(second).map(Until::Local),
            Due::Zoned(local, zone) => zone.instant(*local).checked_sub_signed(second).map(Until::Utc),
        };
        let until = until.ok_or_else(|| Invalid::at("/recurrence_id", "is at the beginning of time"))?;
        let rule = self.rule.with_end(End::Until(until));
        let before = |date: &String| date.as_str() < id.nominal();
        let input = RecurrenceInput {
            rrule: rule.text().to_owned(),
            rdate: self.input.rdate.iter().filter(|date| before(date)).cloned().collect(),
            exdate: self.input.exdate.iter().filter(|date| before(date)).cloned().collect(),
            ..self.input.clone()
        };
        Ok(Self { input, rule })
    }
}
