//! What a client was told, and what it is still waiting to hear.

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::Answer;

/// What one client knows to be so, because the service acknowledged it.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Tasks whose creation was acknowledged, deleted ones too.
    pub tasks: Vec<Entry>,
    /// A request that was cut: it is sent again, with the same key, until it is answered.
    pub unsure: Option<Request>,
    /// How many requests of each kind were acknowledged.
    pub acknowledged: [usize; KINDS.len()],
    /// Each of them.
    pub noted: Vec<Noted>,
}

/// A request that was acknowledged.
#[derive(Debug)]
pub struct Noted {
    /// Its kind, by its place in [`KINDS`].
    pub kind: usize,
    /// Its `Change-Id`.
    pub change: String,
}

/// The kinds of requests, as they are counted.
pub const KINDS: [&str; 6] = ["creates", "completions", "changes", "overrides", "splits", "deletions"];

/// A write that is to be carried out once, however often it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its `Idempotency-Key`.
    pub key: String,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Option<Value>,
    /// How many equal ones are sent at once.
    pub equal: usize,
    /// What its answer says.
    pub says: Says,
}

/// What is so once a request was answered. Entries are named by their place in the ledger.
#[derive(Debug, Clone)]
pub enum Says {
    /// There is a task.
    Created,
    /// An occurrence is done.
    Completed(usize, String),
    /// A task has this description.
    Changed(usize, String),
    /// An occurrence has this title.
    Overridden(usize, String, String),
    /// A series ends, and there is another.
    Split(usize),
    /// A task is gone.
    Deleted(usize),
}

/// A task that was created.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its title, which no other task has.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Whether it is a series that is worked on.
    pub series: bool,
    /// Whether its occurrences follow the calendar, so that it can be split.
    pub by_calendar: bool,
    /// Whether its reminder comes due during the test and is never cancelled.
    pub reminds: bool,
    /// When it does.
    pub fires_at: Option<DateTime<Utc>>,
    /// When its creation was acknowledged.
    pub acknowledged_at: DateTime<Utc>,
    /// Whether it was split: then it has an end.
    pub ends: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The occurrence to complete next, where it is known.
    pub open: Option<String>,
    /// Completions that were acknowledged, each with the answer's body.
    pub completed: Vec<(String, String)>,
    /// Occurrences that were given a title of their own.
    pub titled: Vec<(String, String)>,
}

impl Ledger {
    /// Notes what an answer says that came at this time.
    pub fn note(&mut self, says: Says, answer: &Answer, at: DateTime<Utc>) {
        let (kind, expected) = match &says {
            Says::Created => (0, StatusCode::CREATED),
            Says::Completed(..) => (1, StatusCode::OK),
            Says::Changed(..) => (2, StatusCode::OK),
            Says::Overridden(..) => (3, StatusCode::OK),
            Says::Split(_) => (4, StatusCode::CREATED),
            Says::Deleted(_) => (5, StatusCode::NO_CONTENT),
        };
        let told = answer.ok(expected);
        self.acknowledged[kind] += 1;
        self.noted.push(Noted { kind, change: answer.header("change-id").to_owned() });
        match says {
            Says::Created => self.tasks.push(Entry::new(&told, at)),
            Says::Completed(entry, recurrence_id) => {
                self.tasks[entry].completed.push((recurrence_id, answer.body.clone()));
            }
            Says::Changed(entry, description) => {
                assert_eq!(told["description"], description);
                self.tasks[entry].description = description;
            }
            Says::Overridden(entry, recurrence_id, title) => {
                assert_eq!(told["title"], title);
                let titled = &mut self.tasks[entry].titled;
                titled.retain(|(other, _)| *other != recurrence_id);
                titled.push((recurrence_id, title));
            }
            Says::Split(entry) => {
                self.tasks[entry].ends = true;
                self.tasks.push(Entry::new(&told, at));
            }
            Says::Deleted(entry) => self.tasks[entry].deleted = true,
        }
    }
}

impl Entry {
    /// The entry for a task as it was answered.
    fn new(task: &Value, at: DateTime<Utc>) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let series = task["tags"][0] == "series";
        Self {
            id: text(&task["id"]).expect("a task has an id"),
            title: text(&task["title"]).expect("a task has a title"),
            description: text(&task["description"]).expect("a task has a description"),
            series,
            by_calendar: task["recurrence"]["anchor"] == "due",
            reminds: task["tags"][0] == "reminds",
            fires_at: fires_at(task),
            acknowledged_at: at,
            ends: false,
            deleted: false,
            open: if series { text(&task["occurrence"]["recurrence_id"]) } else { None },
            completed: Vec::new(),
            titled: Vec::new(),
        }
    }
}

/// When the first reminder of a task fires: at an instant, or where its occurrence falls due.
fn fires_at(task: &Value) -> Option<DateTime<Utc>> {
    let at = |value: &Value| value.as_str()?.parse().ok();
    at(&task["reminders"][0]["trigger"]).or_else(|| at(&task["occurrence"]["due_at"]))
}
