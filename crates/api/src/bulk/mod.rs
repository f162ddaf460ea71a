//! Many commands on tasks in one request: all of them or none, or each by itself.

mod all;
mod each;
mod input;
mod item;
mod told;

use http::StatusCode;
use perennial_domain::{Commit, Context, Invalid, note_bulk};
use perennial_http_api::{Caller, IdempotencyKey, Problem, Request, Response, answer, json};
use perennial_store::{Store, SystemStore};

use crate::api::{Answered, Written};
use crate::operation::Class;
use crate::{Api, Limits};

pub(crate) use input::BulkInput;
#[cfg(test)]
pub(crate) use input::MOST;
use input::Mode;
pub(crate) use told::BulkView;
use told::Told;

/// Longest body, in bytes.
pub(crate) const MAX_BULK: usize = 1024 * 1024;

/// Carries out what a request asks for, in the order sent.
pub(crate) fn post<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let key = IdempotencyKey::parse(request)?;
    let input: BulkInput = json(request, &["application/json"])?;
    let mode = input.mode;
    let items = input.items(request, key.as_ref())?;
    let cost = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if let Some(policy) = api.limits.writes.filter(|policy| cost > policy.limit) {
        let detail = format!("may be {} in one request: that is the limit on writes", policy.limit);
        return api.stored_or(caller, key.as_ref(), Invalid::at("/operations", detail).into());
    }
    let given = || Ok(key.clone());
    api.counted(caller, (Class::Writes, cost), given, |api| match mode {
        Mode::All => all::carry_out(api, (caller, request), &items, key.as_ref()),
        Mode::Each => each::carry_out(api, (caller, request), &items, key.as_ref()),
    })
}

/// Holds the commits of a request to the limits. The one that keeps its key is counted only where nothing else is written.
fn hold(limits: &Limits<'_>, caller: &Caller, commits: &mut [Commit], kept: usize) {
    let alone = commits.len() == kept;
    for (index, commit) in commits.iter_mut().enumerate() {
        if index >= kept || alone {
            limits.hold(caller, commit);
        }
    }
}

/// The commit that keeps a request's key. It comes first, and those of the commands expect it: under a key that was used
/// before, none of them is applied, be it for this request or for another.
fn keeper(ctx: &mut Context<'_>, key: &IdempotencyKey, response: &Response) -> Result<Commit, Problem> {
    let mut commit = note_bulk(ctx);
    commit.idempotency = Some(key.record(response, false)?);
    Ok(commit)
}

/// The answer of a request of which something was carried out.
fn shown(results: Vec<Told>) -> Response {
    answer(StatusCode::OK, &BulkView { results })
}

/// Of several writes, the one that took the right to publish for all of them, or any.
fn last(wrote: Vec<Written>) -> Option<Written> {
    let mut one = None;
    for written in wrote {
        if one.is_none() || written.own.is_some() {
            one = Some(written);
        }
    }
    one
}
