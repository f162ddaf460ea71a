//! Occurrences: complete one, list them.

use http::StatusCode;
use perennial_domain::{
    Bound, Completion, Context, Invalid, Occurrence, Override, OverrideInput, Projection, RecurrenceId,
    Reopening, SeriesState, Skipping, SnoozeInput, TaskId, TaskInput, Timestamp, complete as decide,
    leave_unchanged, override_occurrence, project, skip as skip_one, snooze as put_off, split_series,
};
use perennial_http_api::{Caller, Items, PageQuery, Problem, Query, Request, Response, answer, json};
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::command::{Command, Target};
use crate::tasks::{created, merge, on_task, target};
use crate::view::{CompletedView, OccurrenceView, OverrideView, SnoozedView};

/// Which occurrence is meant.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedInput {
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: Option<String>,
}

/// Which occurrence is skipped.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SkipInput {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 200)))]
    recurrence_id: String,
}

pub(crate) fn complete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let command = Command::Complete(target(request, id)?, name(request)?);
    api.command(caller, request, &command)
}

pub(crate) fn decide_complete(
    store: &impl Store,
    ctx: &mut Context<'_>,
    target: &Target,
    input: &NamedInput,
) -> Result<Decision, Problem> {
    let (state, asked) = named(store, ctx, target, input, "complete")?;
    match decide(ctx, &state)? {
        Completion::AlreadyClosed => Ok(Decision::nothing(leave_unchanged(ctx, &state), show(&asked))),
        Completion::Closes(commit, closed) => {
            target.if_match.check(state.task.version)?;
            Ok(Decision::write(*commit, show(&closed)))
        }
    }
}

/// Opens a done occurrence again.
pub(crate) fn reopen<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let command = Command::Reopen(target(request, id)?, name(request)?);
    api.command(caller, request, &command)
}

pub(crate) fn decide_reopen(
    store: &impl Store,
    ctx: &mut Context<'_>,
    target: &Target,
    input: &NamedInput,
) -> Result<Decision, Problem> {
    let (state, asked) = named(store, ctx, target, input, "reopen")?;
    match perennial_domain::reopen(ctx, &state)? {
        Reopening::AlreadyOpen => Ok(Decision::nothing(leave_unchanged(ctx, &state), show(&asked))),
        Reopening::Opens(commit, open) => {
            target.if_match.check(state.task.version)?;
            Ok(Decision::write(*commit, show(&open)))
        }
    }
}

/// Has an occurrence of a series not take place.
pub(crate) fn skip<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let command = Command::Skip(target(request, id)?, json(request, &["application/json"])?);
    api.command(caller, request, &command)
}

pub(crate) fn decide_skip(
    store: &impl Store,
    ctx: &mut Context<'_>,
    target: &Target,
    input: &SkipInput,
) -> Result<Decision, Problem> {
    let asked = RecurrenceId::from_text(input.recurrence_id.as_str());
    let state = store.series(&ctx.user, target.id, Some(&asked))?.ok_or_else(Problem::not_found)?;
    let show = |change: &Override| answer(StatusCode::OK, &OverrideView::new(target.id, change));
    match skip_one(ctx, &state, &input.recurrence_id)? {
        Skipping::AlreadySkipped(change) => {
            Ok(Decision::nothing(leave_unchanged(ctx, &state), show(&change)))
        }
        Skipping::Skips(commit, change) => {
            target.if_match.check(state.task.version)?;
            Ok(Decision::write(*commit, show(&change)))
        }
    }
}

/// Puts a reminder of an open occurrence off.
pub(crate) fn snooze<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let input: SnoozeInput = json(request, &["application/json"])?;
    let named = input.recurrence_id.as_deref().filter(|name| !name.is_empty());
    let asked = named.map_or_else(RecurrenceId::single, RecurrenceId::from_text);
    on_task(api, caller, request, (id, Some(&asked)), |_, ctx, state| {
        let (commit, until) = put_off(ctx, state, &input)?;
        let view = SnoozedView::new(id, named, input.reminder, until);
        Ok(Decision::write(commit, answer(StatusCode::OK, &view)))
    })
}

/// Which occurrence a request names, if it does.
fn name(request: &Request) -> Result<NamedInput, Problem> {
    match request.body().is_empty() {
        true => Ok(NamedInput::default()),
        false => json(request, &["application/json"]),
    }
}

/// The occurrence that a client names, and its task. A series wants a name: a call that is repeated must not meet the next
/// one.
fn named(
    store: &impl Store,
    ctx: &Context<'_>,
    target: &Target,
    input: &NamedInput,
    verb: &str,
) -> Result<(SeriesState, Occurrence), Problem> {
    const FIELD: &str = "/recurrence_id";
    let name = input.recurrence_id.as_deref().filter(|name| !name.is_empty());
    let asked = name.map_or_else(RecurrenceId::single, RecurrenceId::from_text);
    let state = store.series(&ctx.user, target.id, Some(&asked))?.ok_or_else(Problem::not_found)?;
    if name.is_none() && state.task.spec.series.is_some() {
        let hint = match state.open.first() {
            Some(open) => {
                format!("name the occurrence to {verb}; the open one is {:?}", open.recurrence_id.as_str())
            }
            None => format!("name the occurrence to {verb}; the next one follows in a moment"),
        };
        return Err(Invalid::at(FIELD, hint).into());
    }
    let Some(occurrence) = state.asked.clone() else {
        let detail = format!("{:?} is no occurrence of this task", asked.as_str());
        return Err(Invalid::at(FIELD, detail).into());
    };
    Ok((state, occurrence))
}

fn show(occurrence: &Occurrence) -> Response {
    answer(StatusCode::OK, &CompletedView::new(occurrence))
}

/// The occurrences of a task: what has been opened so far, or, with `from` and `to`, what lies in a span of time.
pub(crate) fn list(
    store: &impl Store,
    caller: &Caller,
    query: &Query,
    (id, now): (TaskId, Timestamp),
) -> Result<Response, Problem> {
    let user = &caller.user.id;
    match (query.get("from"), query.get("to")) {
        (Some(from), Some(to)) => {
            let parsed = |text: &str, name: &str| {
                Bound::parse(text, name).map_err(|wrong| Problem::malformed(wrong.to_string()))
            };
            let bounds = (parsed(from, "from")?, parsed(to, "to")?);
            span(store, caller, (id, now), bounds, query)
        }
        (None, None) => {
            let page = PageQuery::of_rows(query)?;
            let occurrences = store.occurrences(user, id, &page.to_store())?;
            if occurrences.is_empty() && store.task(user, id)?.is_none() {
                return Err(Problem::not_found());
            }
            let shown = page.show(&occurrences, |place| place.id.to_string(), OccurrenceView::of_record);
            Ok(answer(StatusCode::OK, &OccurrencesView::SoFar(shown)))
        }
        _ => Err(Problem::malformed("from and to go together")),
    }
}

/// The occurrences of a task as shown.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum OccurrencesView<'a> {
    /// All that were opened, page by page.
    SoFar(Items<OccurrenceView<'a>>),
    /// Those of a span of time.
    Between(Span<'a>),
}

/// The occurrences of a span of time.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Span<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    items: Vec<OccurrenceView<'a>>,
    /// Whether these are all.
    complete: bool,
}

/// What lies in a span of time: opened occurrences that are due in it, then those still to come.
fn span(
    store: &impl Store,
    caller: &Caller,
    (id, now): (TaskId, Timestamp),
    bounds: (Bound, Bound),
    query: &Query,
) -> Result<Response, Problem> {
    if query.get("cursor").is_some() {
        return Err(Problem::malformed("a span of time has no cursor: ask for the next span"));
    }
    let page = PageQuery::read(query)?;
    let user = &caller.user;
    let task = store.series(&user.id, id, None)?.ok_or_else(Problem::not_found)?.task;
    let (last, overrides) = store.projection(&user.id, id)?;
    let Projection { occurrences: coming, complete, .. } =
        project(&task, last.as_ref(), &overrides, (&user.zone, now), bounds, page.limit())?;
    // One more tells whether these are all.
    let mut opened = store.occurrences_between(&user.id, id, bounds, page.limit().saturating_add(1))?;
    let all_opened = opened.len() <= page.limit();
    opened.truncate(page.limit());
    // What was given up is to come again.
    opened.retain(|one| !coming.iter().any(|next| next.recurrence_id == one.recurrence_id));
    let room = page.limit().saturating_sub(opened.len());
    let items: Vec<OccurrenceView> = opened
        .iter()
        .map(OccurrenceView::of_record)
        .chain(coming.iter().take(room).map(OccurrenceView::planned))
        .collect();
    let complete = all_opened && complete && coming.len() <= room;
    Ok(answer(StatusCode::OK, &OccurrencesView::Between(Span { items, complete })))
}

pub(crate) fn change<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let input: OverrideInput = json(request, &["application/json"])?;
    let named = RecurrenceId::from_text(input.recurrence_id.as_str());
    on_task(api, caller, request, (id, Some(&named)), |_, ctx, state| {
        let (commit, change) = override_occurrence(ctx, state, &input)?;
        Ok(Decision::write(commit, answer(StatusCode::OK, &OverrideView::new(id, &change))))
    })
}

/// The following occurrences, otherwise.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SplitInput {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 200)))]
    recurrence_id: String,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "TaskInput", extend("x-merge-patch" = true)))]
    changes: serde_json::Map<String, serde_json::Value>,
}

pub(crate) fn split<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let input: SplitInput = json(request, &["application/json"])?;
    let changes = serde_json::Value::Object(input.changes);
    let named = RecurrenceId::from_text(input.recurrence_id);
    on_task(api, caller, request, (id, Some(&named)), |_, ctx, state| {
        // The fields of the changes are looked at first, on the task as it is, so that errors point into the changes.
        merge(&TaskInput::from(&state.task.spec), &changes).map_err(|problem| problem.under("/changes"))?;
        let (commit, new, first) = split_series(ctx, state, &named, |following| {
            merge(&following, &changes).map_err(|_| Invalid::at("/changes", "is no change of a task"))
        })?;
        Ok(Decision::write(commit, created(&new, &first)))
    })
}
