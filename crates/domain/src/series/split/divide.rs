//! How a series is divided at one of its occurrences: the rule of what precedes it, and the task that goes on from it.

use chrono::TimeDelta;
use perennial_recurrence::limits::MAX_PAGE;
use perennial_recurrence::{End, Moment, Until};

use super::super::{Anchor, RRULE, RecurrenceInput, Series, nominal};
use super::series_of;
use crate::task::{Task, TaskInput};
use crate::{Due, DueInput, Invalid, Occurrence, RecurrenceId};

/// Pages of occurrences counted, where a COUNT is to be divided.
const MAX_PAGES: usize = 50;

/// What the following occurrences would be if nothing else changed: the task with its series starting at `id`.
/// `asked` is that occurrence, if it is there already.
pub(super) fn following(
    task: &Task,
    id: &RecurrenceId,
    asked: Option<&Occurrence>,
) -> Result<TaskInput, Invalid> {
    let (series, due) = series_of(task)?;
    if !series.has(due, id)? {
        return Err(Invalid::at("/recurrence_id", format!("{id} is no occurrence of this series")));
    }
    let start = due.moved_to(nominal(id)?);
    let mut input = TaskInput::from(&task.spec);
    input.due = Some((&start).into());
    input.start = task.spec.start_of(Some(&start)).as_ref().map(DueInput::from);
    for reminder in &mut input.reminders {
        reminder.id = None;
    }
    let rrule = match series.rule.count() {
        None => series.input.rrule.clone(),
        Some(count) => {
            let before = match (series.input.anchor, asked) {
                (Anchor::Completion, Some(asked)) => {
                    u32::try_from(asked.ordinal.saturating_sub(1)).unwrap_or(u32::MAX)
                }
                _ => series.count_before(due, id)?,
            };
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
    pub(super) fn ending_before(&self, due: &Due, id: &RecurrenceId) -> Result<Self, Invalid> {
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
