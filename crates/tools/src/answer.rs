//! What a tool tells.

use perennial_http_api::{Problem, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::call::{Called, Question};
use crate::door::Door;
use crate::moment::Clock;

/// Longest text of a failure, in characters.
pub(crate) const MAX_WRONG: usize = 1_000;
/// Most failures of an answer.
pub(crate) const MAX_FAILURES: usize = 50;

/// When and where an answer is read.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Context {
    /// The user's local time, with its offset.
    #[cfg_attr(feature = "schema", schemars(length(max = 40)))]
    pub now: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 9)))]
    pub weekday: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    pub tz: String,
    /// Its first and last day.
    #[cfg_attr(feature = "schema", schemars(length(max = 40)))]
    pub week: String,
}

/// What was refused, and why.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Failure {
    /// Which of the items that were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Where in the arguments, as a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    pub at: Option<String>,
    /// What is wrong, and what would be right.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_WRONG)))]
    pub wrong: String,
}

/// What a tool comes to.
pub(crate) struct Told {
    /// Its own members; those that every answer has come to them.
    pub own: Value,
    /// Whether anything of what was asked for was done.
    pub done: bool,
    pub question: Option<Question>,
}

impl Told {
    /// An answer.
    pub(crate) fn new(own: &impl Serialize, done: bool) -> Self {
        Self { own: serde_json::to_value(own).unwrap_or_default(), done, question: None }
    }
}

/// The answer of a call.
pub(crate) fn called<S>(door: Door<'_, '_, S>, told: Result<Told, Problem>) -> Called {
    let clock = Clock::new(door.caller, door.api.now);
    let Door { wrote, mut failures, mut failed, .. } = door;
    let Told { own, done, question } = told.unwrap_or_else(|problem| {
        if problem.cause().is_some() {
            failed = Some(problem.clone());
        }
        failures.insert(0, failure(None, &document(problem), &[]));
        Told { own: Value::Null, done: false, question: None }
    });
    let is_error = !done && !failures.is_empty();
    failures.sort_by_key(|failure| failure.index);
    failures.truncate(MAX_FAILURES);
    let mut members = match own {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.insert("context".to_owned(), json!(clock.context()));
    if !failures.is_empty() {
        members.insert("failures".to_owned(), json!(failures));
    }
    Called { structured: Value::Object(members), is_error, wrote, needs_confirmation: question, failed }
}

/// A problem as its document.
pub(crate) fn document(problem: Problem) -> Value {
    serde_json::from_slice(Response::from(problem).body()).unwrap_or_default()
}

/// What a problem says of an item, in the words of the tool: members that have other names there are told by those.
pub(crate) fn failure(index: Option<usize>, problem: &Value, names: &[(&str, &str)]) -> Failure {
    let detail = problem.get("detail").and_then(Value::as_str).unwrap_or_default();
    let errors = problem.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let errors: Vec<(String, &str)> = errors
        .iter()
        .filter_map(|error| {
            let pointer = error.get("pointer")?.as_str()?;
            Some((renamed(pointer, names), error.get("detail")?.as_str()?))
        })
        .collect();
    match errors.as_slice() {
        [] => Failure { index, at: None, wrong: cut(detail, MAX_WRONG) },
        [(pointer, why)] => Failure { index, at: at(pointer), wrong: cut(why, MAX_WRONG) },
        [(pointer, _), ..] => {
            let said: Vec<String> = errors.iter().map(|(pointer, why)| format!("{pointer}: {why}")).collect();
            Failure { index, at: at(pointer), wrong: cut(&said.join("; "), MAX_WRONG) }
        }
    }
}

fn at(pointer: &str) -> Option<String> {
    (!pointer.is_empty()).then(|| cut(pointer, 200))
}

/// A pointer into a request of ours as one into what was sent.
fn renamed(pointer: &str, names: &[(&str, &str)]) -> String {
    let mut rest = pointer;
    if let Some(operation) = pointer.strip_prefix("/operations/") {
        rest = operation.find('/').and_then(|slash| operation.get(slash..)).unwrap_or_default();
        rest = rest.strip_prefix("/body").unwrap_or(rest);
    }
    for (theirs, ours) in names {
        if let Some(after) = rest.strip_prefix(theirs)
            && (after.is_empty() || after.starts_with('/'))
        {
            return format!("{ours}{after}");
        }
    }
    rest.to_owned()
}

/// A text, or its beginning with a sign that it goes on.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}
