//! What users do, and what is to come of it: the same, whatever happens on the way.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, until};
use serde_json::{Value, json};

/// How long an effect may take, and a call that meets what is just being started again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Between two tries of a call that was not answered.
const AGAIN: Duration = Duration::from_millis(50);

/// One change by a user; tasks are named by their number.
#[derive(Debug, Clone, Copy)]
enum Step {
    Create(usize),
    Change(usize),
    Complete(usize),
    Delete(usize),
}

/// The changes that one user makes, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    steps: Vec<Step>,
}

/// A task as its user knows it.
#[derive(Debug)]
struct Known {
    id: String,
    current: String,
}

impl Script {
    /// So many changes, drawn by chance: most of them completions of series.
    pub(crate) fn draw(rng: &mut Rng, changes: usize) -> Self {
        let mut steps = vec![Step::Create(0)];
        let (mut made, mut open) = (1, vec![0]);
        while steps.len() < changes {
            let one = open[rng.usize(..open.len())];
            steps.push(match rng.usize(..20) {
                0 | 1 => {
                    open.push(made);
                    made += 1;
                    Step::Create(made - 1)
                }
                2 | 3 => Step::Change(one),
                4 if open.len() > 1 => {
                    open.retain(|kept| *kept != one);
                    Step::Delete(one)
                }
                _ => Step::Complete(one),
            });
        }
        Self { steps }
    }

    /// Carries it out; gives how long each completion took until the next occurrence was there. A call that is not answered is made
    /// again under its key.
    pub(crate) fn carry_out(&self, user: &Client) -> Vec<Duration> {
        let mut tasks: BTreeMap<usize, Known> = BTreeMap::new();
        let mut took = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let key = format!("step-{number}");
            match *step {
                Step::Create(task) => {
                    let body = series(task);
                    let made =
                        call(user, &key, Method::POST, "/v1/tasks", Some(&body)).ok(StatusCode::CREATED);
                    let text = |value: &Value| value.as_str().unwrap().to_owned();
                    let known =
                        Known { id: text(&made["id"]), current: text(&made["occurrence"]["recurrence_id"]) };
                    tasks.insert(task, known);
                }
                Step::Change(task) => {
                    let path = format!("/v1/tasks/{}", tasks[&task].id);
                    let body = json!({ "description": format!("changed by step {number}") });
                    call(user, &key, Method::PATCH, &path, Some(&body)).ok(StatusCode::OK);
                }
                Step::Complete(task) => {
                    let known = tasks.get_mut(&task).unwrap();
                    let path = format!("/v1/tasks/{}/complete", known.id);
                    let body = json!({ "recurrence_id": known.current });
                    call(user, &key, Method::POST, &path, Some(&body)).ok(StatusCode::OK);
                    let begun = Instant::now();
                    let path = format!("/v1/tasks/{}", known.id);
                    known.current = until(&format!("what follows {}", known.current), PATIENCE, || {
                        let answer = user.call(Method::GET, path.as_str()).send().ok()?;
                        let task = (answer.status == StatusCode::OK).then(|| answer.json())?;
                        let next = task["occurrence"]["recurrence_id"].as_str()?;
                        (next != known.current).then(|| next.to_owned())
                    });
                    took.push(begun.elapsed());
                }
                Step::Delete(task) => {
                    let path = format!("/v1/tasks/{}", tasks[&task].id);
                    call(user, &key, Method::DELETE, &path, None).ok(StatusCode::NO_CONTENT);
                }
            }
        }
        took
    }
}

/// Daily, far ahead: what follows does not depend on what time it is.
fn series(number: usize) -> Value {
    json!({
        "title": format!("Series {number}"),
        "due": { "local": "2031-03-13T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=DAILY" },
    })
}

/// A write, made again until it is answered by other than a failure of what is on the way.
fn call(user: &Client, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let begun = Instant::now();
    loop {
        let mut call = user.call(method.clone(), path).header("idempotency-key", key);
        if let Some(body) = body {
            call = call.json(body);
        }
        match call.send() {
            Ok(answer) if !answer.status.is_server_error() => return answer,
            other => assert!(begun.elapsed() < PATIENCE, "{method} {path}: {other:?}"),
        }
        thread::sleep(AGAIN);
    }
}

/// All that is so for a user in the end, without ids and instants: tasks by their titles, with their occurrences; what was told, and
/// what was noted.
pub(crate) fn state(user: &Client) -> Value {
    let mut tasks = BTreeMap::new();
    let mut names = BTreeMap::new();
    for task in user.all("/v1/tasks") {
        let id = task["id"].as_str().unwrap().to_owned();
        let title = task["title"].as_str().unwrap().to_owned();
        let occurrences: Vec<Value> = user
            .all(&format!("/v1/tasks/{id}/occurrences"))
            .iter()
            .map(|one| json!([one["ordinal"], one["recurrence_id"], one["status"], one["predecessor"]]))
            .collect();
        let said = json!([task["status"], task["description"], occurrences]);
        assert!(tasks.insert(title.clone(), said).is_none(), "two tasks are called {title}");
        names.insert(id, title);
    }
    for task in user.all("/v1/trash") {
        names.insert(task["id"].as_str().unwrap().to_owned(), format!("deleted: {}", task["title"]));
    }
    let mut told = Vec::new();
    let mut after = 0;
    loop {
        let page = user.get(format!("/v1/events?after={after}&limit=200"));
        let events = page["items"].as_array().unwrap();
        if events.is_empty() {
            break;
        }
        after = page["next_after"].as_i64().unwrap();
        for event in events {
            let task = names.get(event["subject"].as_str().unwrap()).cloned();
            told.push(json!([event["type"], task, event["data"]["recurrence_id"]]).to_string());
        }
    }
    told.sort_unstable();
    json!({ "tasks": tasks, "deleted": names.values().filter(|name| name.starts_with("deleted")).collect::<Vec<_>>(), "told": told })
}
