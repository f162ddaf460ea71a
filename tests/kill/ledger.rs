//! What a client was told, and what it is still waiting to hear.

use serde_json::Value;

/// What one client knows to be so, because the service acknowledged it.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Tasks whose creation was acknowledged.
    pub tasks: Vec<Entry>,
    /// Requests that were cut: they are sent again, with the same key, until they are answered.
    pub unsure: Vec<Creation>,
}

/// A task to be created.
#[derive(Debug, Clone)]
pub struct Creation {
    /// Its `Idempotency-Key`, and its title.
    pub key: String,
    /// The body of the request.
    pub body: Value,
}

/// A task that was created.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its title, which no other task has.
    pub title: String,
    /// Whether it comes back.
    pub recurs: bool,
    /// Whether its reminder comes due during the test and is never cancelled.
    pub reminds: bool,
    /// The occurrence to complete next, where it is known.
    pub open: Option<String>,
    /// Completions that were acknowledged, each with the answer's body.
    pub completed: Vec<(String, String)>,
}

impl Entry {
    /// The entry for a task as it was answered.
    pub fn new(task: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let recurs = task["recurrence"].is_object();
        Self {
            id: text(&task["id"]).expect("a task has an id"),
            title: text(&task["title"]).expect("a task has a title"),
            recurs,
            reminds: task["tags"][0] == "reminds",
            open: if recurs { text(&task["occurrence"]["recurrence_id"]) } else { None },
            completed: Vec::new(),
        }
    }
}
