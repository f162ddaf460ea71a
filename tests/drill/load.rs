//! Clients that write, one write after the other, and note what they were told.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, SOON, until};
use serde_json::{Value, json};

/// Before what was not answered is asked again.
const AGAIN: Duration = Duration::from_millis(20);

/// A task whose creation was acknowledged.
#[derive(Debug, Clone)]
pub struct Write {
    /// Whose it is.
    pub client: usize,
    /// Its title, which no other has.
    pub title: String,
    /// When the answer came.
    pub at: Instant,
}

/// What was acknowledged so far, in the order of the answers.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Write>>);

impl Ledger {
    /// All of it.
    pub fn so_far(&self) -> Vec<Write> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many more are acknowledged.
    pub fn wait_for(&self, more: usize) {
        let enough = self.0.lock().unwrap().len() + more;
        let limit = SOON + Duration::from_millis(100) * u32::try_from(more).unwrap();
        until("writes are acknowledged", limit, || (self.0.lock().unwrap().len() >= enough).then_some(()));
    }
}

/// Lets every user write until `work` is done; what they were told, and what it gives. `round` is in every title.
pub fn under_load<T>(users: &[Client], round: &str, work: impl FnOnce(&Ledger) -> T) -> (Vec<Write>, T) {
    let (ledger, over) = (Ledger::default(), AtomicBool::new(false));
    let done = thread::scope(|scope| {
        let _over = Over(&over);
        for (client, user) in users.iter().enumerate() {
            let (ledger, over) = (&ledger, &over);
            scope.spawn(move || write(user, client, round, ledger, over));
        }
        work(&ledger)
    });
    (ledger.so_far(), done)
}

/// Ends the load, also where its work has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn write(user: &Client, client: usize, round: &str, ledger: &Ledger, over: &AtomicBool) {
    for number in 0.. {
        let title = format!("{round}-{client}-{number}");
        let task = loop {
            if over.load(Ordering::Relaxed) {
                return;
            }
            match create(user, &title, number) {
                Some(task) => break task,
                None => thread::sleep(AGAIN),
            }
        };
        ledger.0.lock().unwrap().push(Write { client, title, at: Instant::now() });
        // What comes of it is of no account: it is there so that the store has some of everything.
        match number % 4 {
            1 => drop(complete(user, &task)),
            2 => drop(change(user, &task)),
            _ => {}
        }
    }
}

/// Asks for a task, under a key that is its title; `None` where that is not acknowledged.
fn create(user: &Client, title: &str, number: usize) -> Option<Value> {
    let mut task = json!({ "title": title, "tags": ["drill"] });
    if number % 4 == 1 {
        task["due"] = json!({ "local": "2031-03-03T09:00:00", "tz": "Europe/Berlin" });
        task["recurrence"] = json!({ "rrule": "FREQ=DAILY" });
        task["reminders"] = json!([{ "trigger": "-PT1H" }]);
    }
    let answer = user.post("/v1/tasks").json(&task).header("idempotency-key", title).send().ok()?;
    (answer.status == StatusCode::CREATED).then(|| answer.json())
}

fn complete(user: &Client, task: &Value) -> Option<Answer> {
    let (id, which) = (task["id"].as_str()?, &task["occurrence"]["recurrence_id"]);
    user.post(format!("/v1/tasks/{id}/complete")).json(&json!({ "recurrence_id": which })).send().ok()
}

fn change(user: &Client, task: &Value) -> Option<Answer> {
    let path = format!("/v1/tasks/{}", task["id"].as_str()?);
    user.call(Method::PATCH, path).json(&json!({ "description": "as it is now" })).send().ok()
}

/// What of the writes is not there: how many, and how long before `end` the first of them was acknowledged. Of each client they must be
/// the last.
pub fn lost(writes: &[Write], there: &HashSet<String>, end: Instant) -> (usize, Duration) {
    let mut without: HashSet<usize> = HashSet::new();
    let mut lost: Vec<&Write> = Vec::new();
    for write in writes {
        if !there.contains(&write.title) {
            without.insert(write.client);
            lost.push(write);
        } else {
            assert!(
                !without.contains(&write.client),
                "{} is there, and what came before is not",
                write.title
            );
        }
    }
    let since = lost.iter().map(|write| end.saturating_duration_since(write.at)).max();
    (lost.len(), since.unwrap_or_default())
}
