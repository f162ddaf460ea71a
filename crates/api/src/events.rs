//! The caller's events, read from the store: for whoever has no bus, or has missed something on it.

use http::StatusCode;
use perennial_events::CloudEvent;
use perennial_http_api::{Caller, PageQuery, Problem, Query, Response, answer};
use perennial_store::Store;
use serde::Serialize;

use crate::view::EventView;

/// Events of the caller, in the order of their stream.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct EventsView {
    /// The history of the store that their sequences are of: after a restore it is another, and reading begins anew.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    epoch: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    items: Vec<EventView>,
    /// What to send as `after` next.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    next_after: i64,
    /// The sequence of the oldest event that is kept; where none is, that of the next to come.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    oldest: i64,
}

/// What came after a place in the caller's stream, which is asked for as often as the caller likes.
pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let limit = u32::try_from(PageQuery::read(query)?.limit()).unwrap_or(u32::MAX);
    let after = query.get("after").map(sequence).transpose()?;
    let page = store.events(&caller.user.id, after.unwrap_or_default(), limit)?;
    if query.get("epoch").is_some_and(|epoch| epoch != page.epoch) {
        let detail =
            format!("the store was restored: its epoch is {} now, begin anew without `after`", page.epoch);
        return Err(Problem::gone(detail));
    }
    let before_oldest = page.oldest.saturating_sub(1);
    if after.is_some_and(|after| after < before_oldest) {
        let detail = format!(
            "the oldest event that is kept is {}: what comes before it cannot be read; go on after {before_oldest}",
            page.oldest
        );
        return Err(Problem::gone(detail));
    }
    let last = page.events.last().map(|event| event.sequence);
    Ok(answer(
        StatusCode::OK,
        &EventsView {
            epoch: page.epoch,
            next_after: last.unwrap_or(after.unwrap_or(before_oldest)),
            oldest: page.oldest,
            items: page.events.into_iter().map(|event| EventView(CloudEvent::from(event))).collect(),
        },
    ))
}

/// Figures of a sequence.
const FIGURES: usize = 20;

/// A place in a stream, as events have it or without the noughts before it. No stream is as long as some that can be written.
fn sequence(text: &str) -> Result<i64, Problem> {
    let is_one = (1..=FIGURES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_one
        .then(|| text.parse().unwrap_or(i64::MAX))
        .ok_or_else(|| Problem::malformed("after must be the sequence of an event"))
}
