//! What is open first where a series goes on after a split: what is closed stays closed.

use chrono::{Days, NaiveTime};
use perennial_recurrence::Moment;

use super::super::dates::exhausted;
use super::super::{Anchor, Search, Series, nominal};
use crate::task::TaskSpec;
use crate::{Context, Due, Invalid, Occurrence, OccurrenceStatus, RecurrenceId, SeriesState};

/// The first occurrence of the following series.
pub(super) struct First {
    /// Its nominal due date.
    pub nominal: Option<Due>,
    /// Its number: those that are closed already count.
    pub ordinal: i64,
}

/// The first of what follows `id` in a task that is as `spec` says. Where `id` and others after it are closed, it is the first
/// after them, by the rule by which a changed series goes on.
pub(super) fn first(
    ctx: &Context<'_>,
    state: &SeriesState,
    id: &RecurrenceId,
    spec: &TaskSpec,
) -> Result<First, Invalid> {
    let after = closed_run(state, id)?;
    let nothing_follows = || Invalid::at("/recurrence_id", format!("{id} is closed, and nothing follows it"));
    let (Some(series), Some(due)) = (&spec.series, &spec.due) else {
        let passed = match (&after, &spec.due) {
            (Some(last), Some(due)) => due.wall().date() <= nominal(&last.recurrence_id)?.date(),
            _ => false,
        };
        return if passed {
            Err(nothing_follows())
        } else {
            Ok(First { nominal: spec.due.clone(), ordinal: 1 })
        };
    };
    // What is open from here on is given up with the split, and stands in nobody's way.
    let rest = SeriesState { last_closed: after.clone(), ..state.clone() };
    let in_changes = |wrong: Invalid| wrong.under("/changes");
    let next = series.successor(due, after.as_ref(), &Search::anew(ctx, &rest)).map_err(in_changes)?;
    let ordinal = after.as_ref().map_or(1, |last| last.ordinal.saturating_add(1));
    match next {
        Some(nominal) => Ok(First { nominal: Some(nominal), ordinal }),
        None if after.is_some() => Err(nothing_follows()),
        None => {
            let nominal = series.first(due).map_err(in_changes)?;
            Ok(First { nominal: Some(nominal), ordinal })
        }
    }
}

/// The last of the closed occurrences from `id` on, up to the first one that is open, numbered from 1 at `id`; `None` where `id`
/// itself is to be done.
fn closed_run(state: &SeriesState, id: &RecurrenceId) -> Result<Option<Occurrence>, Invalid> {
    let asked = super::asked(state, id);
    if asked.is_some_and(|asked| asked.status == OccurrenceStatus::Open) {
        return Ok(None);
    }
    let split = nominal(id)?;
    let follows = |other: &&Occurrence| nominal(&other.recurrence_id).is_ok_and(|at| at >= split);
    let last = state.last_closed.as_ref().filter(follows);
    let is_mixed =
        last.is_some_and(|last| state.open.iter().filter(follows).any(|open| open.ordinal < last.ordinal));
    let Some(last) = last.filter(|_| !is_mixed).or(asked) else { return Ok(None) };
    let begin = asked.map_or(last.ordinal, |asked| asked.ordinal);
    let ordinal = last.ordinal.saturating_sub(begin).saturating_add(1);
    Ok(Some(Occurrence { ordinal, ..last.clone() }))
}

/// The dates of the following series, later than its `first`, whose day is closed already in the series that was: they do not
/// come again.
pub(super) fn closed_later(
    state: &SeriesState,
    series: &Series,
    due: &Due,
    first: &Due,
) -> Result<Vec<String>, Invalid> {
    let mut dates = Vec::new();
    if series.input.anchor == Anchor::Completion {
        return Ok(dates);
    }
    let set = series.set(due)?;
    let is_open = |id: &RecurrenceId| state.open.iter().any(|open| open.recurrence_id == *id);
    for named in state.named.iter().filter(|named| !named.given_up && !is_open(&named.recurrence_id)) {
        let Ok(at) = nominal(&named.recurrence_id) else { continue };
        if at <= first.wall() {
            continue;
        }
        let midnight = |date: chrono::NaiveDate| Moment::Local(date.and_time(NaiveTime::MIN));
        let Some(tomorrow) = at.date().checked_add_days(Days::new(1)) else { continue };
        let page = set.between(&midnight(at.date()), &midnight(tomorrow), 2).map_err(exhausted)?;
        let same = page.occurrences.iter().find(|found| found.local == at);
        let alone = page.occurrences.first().filter(|_| page.occurrences.len() == 1);
        dates.extend(same.or(alone).map(|found| due.moved_to(found.local).local()));
    }
    Ok(dates)
}
