//! A call of a tool, and what came of it.

use http::HeaderMap;
use perennial_api::{Api, Written};
use perennial_http_api::{Caller, Problem};
use perennial_store::{Store, SystemStore};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::door::Door;
use crate::tool::TOOLS;
use crate::{answer, verbs};

/// A call of a tool.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The name of the tool.
    pub name: &'a str,
    /// The arguments, of which nothing is taken for granted.
    pub arguments: &'a Map<String, Value>,
    /// The headers of the request that it came in: the bearer token and the trace are passed on.
    pub headers: &'a HeaderMap,
    /// The idempotency key where the arguments have none: 1 to 255 visible ASCII characters.
    pub key: Option<&'a str>,
    /// Who asks the user before anything is deleted, and what they said.
    pub confirmation: Confirmation<'a>,
}

/// Who asks the user before anything is deleted, and what they said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Confirmation<'a> {
    /// The client does: the handle comes in the arguments (`confirm`).
    #[default]
    InArguments,
    /// Whoever calls does, and has not yet: a handle in the arguments counts for nothing, and the answer shows none.
    /// [`Called::needs_confirmation`] has the question and the handle.
    Asks,
    /// Whoever calls did, and the user said yes to what this handle stands for.
    Given(&'a str),
}

/// What is to be asked of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// In words, with the titles of what would be deleted; up to 4,000 characters.
    pub question: String,
    /// What a yes stands for: these tasks at these versions, of this user and token, for ten minutes. Up to 1,000 visible ASCII characters.
    pub handle: String,
}

/// What came of a call.
#[derive(Debug)]
pub struct Called {
    /// What it tells; it is as the tool's output schema says, also where it failed.
    pub structured: Value,
    /// Whether nothing of what was asked for was done.
    pub is_error: bool,
    /// What was written: its events are to be published once the answer has gone out.
    pub wrote: Vec<Written>,
    /// What is to be asked of the user before anything is done.
    pub needs_confirmation: Option<Question>,
    /// A failure that is none of the caller's, for the log: it has a [`cause`](Problem::cause).
    pub failed: Option<Problem>,
}

/// Why no tool was called. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// There is no such tool.
    #[error("there is no tool of this name; known are {}", names())]
    Unknown,
    /// The token does not allow it.
    #[error("the token does not allow {0}: it only reads")]
    Forbidden(&'static str),
}

fn names() -> String {
    TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
}

/// Calls a tool. Whatever the arguments are, the answer is one that the tool's output schema describes.
///
/// # Errors
/// [`Refused`] if there is no such tool, or the caller may not call it.
pub fn call<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    call: &Call<'_>,
) -> Result<Called, Refused> {
    let tool = TOOLS.iter().find(|tool| tool.name == call.name).ok_or(Refused::Unknown)?;
    if !caller.scopes.contains(&tool.scope) {
        return Err(Refused::Forbidden(tool.name));
    }
    let rehearses = api.dry_run;
    let mut door = Door::new(api, caller, call);
    let told = verbs::carry_out(&mut door, tool.verb, Value::Object(call.arguments.clone()));
    let called = answer::called(door, told);
    api.dry_run = rehearses;
    Ok(called)
}
