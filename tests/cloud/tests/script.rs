//! What users do, and what is to come of it: the same, whatever happens on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use fastrand::Rng;
use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, Receiver, until};
use serde_json::{Value, json};

/// How long an effect may take, and a call that meets what is just being started again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Most occurrences that a user completes one right after the other.
const BURST: usize = 4;

/// Between two tries of a call that was not answered.
const AGAIN: Duration = Duration::from_millis(50);

/// Between two looks for what follows: so much longer each time, up to so many times, or those who wait would be most of the load.
const LOOK: Duration = Duration::from_millis(20);
const MOST_LOOKS: u32 = 10;

/// How the titles of tasks begin that do not come back.
const REMINDER: &str = "Reminder";

/// What a user does next; tasks are named by their number.
#[derive(Debug, Clone)]
enum Step {
    Create(usize),
    Change(usize),
    /// Of different series, one right after the other: what follows is waited for afterwards.
    Complete(Vec<usize>),
    Delete(usize),
    Remind(usize),
}

/// A user: what speaks for them to the API and to the audit, and what takes their webhooks.
#[derive(Debug)]
pub(crate) struct Actor {
    api: Client,
    audit: Client,
    receiver: Receiver,
}

impl Actor {
    /// A user who is notified by a webhook from now on.
    pub(crate) fn new(api: Client, audit: Client) -> Self {
        let receiver = Receiver::start();
        let channel = json!({ "type": "webhook", "url": receiver.url() });
        api.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
        Self { api, audit, receiver }
    }

    /// Whether nothing is to be delivered any more, and each reminder has been told of.
    pub(crate) fn is_notified(&self) -> bool {
        let reminders = self.api.all("/v1/tasks").iter().filter(|task| task["recurrence"].is_null()).count();
        let notified = self.api.all("/v1/notifications");
        notified.len() == reminders && notified.iter().all(|one| one["state"] == "delivered")
    }

    /// That nothing came that is not notified of, and that all came that is.
    pub(crate) fn was_notified(&self) {
        let ids = |notifications: Vec<Value>| -> BTreeSet<String> {
            notifications.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        let came: Vec<String> =
            self.receiver.deliveries().iter().map(|one| one.header("webhook-id").to_owned()).collect();
        let all = ids(self.api.all("/v1/notifications"));
        assert_eq!(came.iter().cloned().collect::<BTreeSet<_>>(), all, "each at least once, under its id");
    }

    /// That the chain of what was noted is sealed and whole.
    pub(crate) fn was_noted(&self) {
        let verified = until("each entry is sealed, once", PATIENCE, || {
            let noted = self.audit.all("/v1/audit").len();
            let verified = self.audit.get("/v1/audit/verify");
            (verified["complete"] == true && verified["sealed"].as_u64() == u64::try_from(noted).ok())
                .then_some(verified)
        });
        assert_eq!((&verified["wrong"], &verified["verified_to"]), (&Value::Null, &verified["sealed"]));
    }

    /// How often a webhook came again.
    pub(crate) fn repeated(&self) -> usize {
        let came = self.receiver.deliveries();
        let ids: BTreeSet<&str> = came.iter().map(|one| one.header("webhook-id")).collect();
        came.len() - ids.len()
    }
}

/// The changes that one user makes, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    steps: Vec<Step>,
}

/// Holds users back, so that what they do lasts as long as something else does, or is no more than so many changes a second.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How much of that is done, and how much it is.
    done: AtomicUsize,
    parts: usize,
    acknowledged: AtomicUsize,
    per_second: Option<u32>,
    begun: Instant,
    /// Changes that were begun.
    taken: AtomicUsize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            done: AtomicUsize::default(),
            parts: 0,
            acknowledged: AtomicUsize::default(),
            per_second: None,
            begun: Instant::now(),
            taken: AtomicUsize::default(),
        }
    }
}

impl Pace {
    /// For something in so many parts.
    pub(crate) fn of(parts: usize) -> Self {
        Self { parts, ..Self::default() }
    }

    /// So many changes a second, of all users together; as many as they can, where nothing is said.
    pub(crate) fn at(per_second: Option<u32>) -> Self {
        Self { per_second, ..Self::default() }
    }

    /// One more part is done.
    pub(crate) fn go_on(&self) {
        self.done.fetch_add(1, Ordering::SeqCst);
    }

    /// How many steps have been taken.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until a step of so many may be taken, of so many changes.
    fn wait(&self, step: usize, steps: usize, changes: usize) {
        let taken = self.taken.fetch_add(changes, Ordering::SeqCst);
        if let Some(per_second) = self.per_second {
            let at = Duration::from_secs(taken as u64) / per_second;
            thread::sleep(at.saturating_sub(self.begun.elapsed()));
        }
        while step * self.parts > (self.done.load(Ordering::SeqCst) + 1) * steps {
            thread::sleep(AGAIN);
        }
    }
}

/// A task as its user knows it.
#[derive(Debug)]
struct Known {
    id: String,
    current: String,
}

impl Step {
    fn changes(&self) -> usize {
        if let Self::Complete(tasks) = self { tasks.len() } else { 1 }
    }
}

impl Script {
    /// So many changes, drawn by chance: most of them completions of series.
    pub(crate) fn draw(rng: &mut Rng, changes: usize) -> Self {
        let mut steps = vec![Step::Create(0)];
        let (mut made, mut open, mut count) = (1, vec![0], 1);
        while count < changes {
            let one = open[rng.usize(..open.len())];
            let step = match rng.usize(..22) {
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
                5 | 6 => Step::Remind(steps.len()),
                _ => {
                    rng.shuffle(&mut open);
                    Step::Complete(open.iter().copied().take(rng.usize(1..=BURST)).collect())
                }
            };
            count += step.changes();
            steps.push(step);
        }
        Self { steps }
    }

    /// Without what the clock alone brings about.
    pub(crate) fn without_reminders(&self) -> Self {
        let steps = self.steps.iter().filter(|step| !matches!(step, Step::Remind(_)));
        Self { steps: steps.cloned().collect() }
    }

    /// Carries it out; gives how long each completion took until the next occurrence was there. A call that is not answered is made
    /// again under its key.
    pub(crate) fn carry_out(&self, actor: &Actor, pace: &Pace) -> Vec<Duration> {
        let user = &actor.api;
        let mut tasks: BTreeMap<usize, Known> = BTreeMap::new();
        let mut took = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let key = format!("step-{number}");
            pace.wait(number, self.steps.len(), step.changes());
            match step {
                Step::Create(task) => {
                    let body = series(*task);
                    let made =
                        call(user, &key, Method::POST, "/v1/tasks", Some(&body)).ok(StatusCode::CREATED);
                    let text = |value: &Value| value.as_str().unwrap().to_owned();
                    let known =
                        Known { id: text(&made["id"]), current: text(&made["occurrence"]["recurrence_id"]) };
                    tasks.insert(*task, known);
                }
                Step::Change(task) => {
                    let path = format!("/v1/tasks/{}", tasks[task].id);
                    let body = json!({ "description": format!("changed by step {number}") });
                    call(user, &key, Method::PATCH, &path, Some(&body)).ok(StatusCode::OK);
                }
                Step::Complete(several) => {
                    let begun: Vec<Instant> = several
                        .iter()
                        .map(|task| {
                            let known = &tasks[task];
                            let path = format!("/v1/tasks/{}/complete", known.id);
                            let body = json!({ "recurrence_id": known.current });
                            let key = format!("{key}-{task}");
                            call(user, &key, Method::POST, &path, Some(&body)).ok(StatusCode::OK);
                            Instant::now()
                        })
                        .collect();
                    for (task, begun) in several.iter().zip(begun) {
                        let known = tasks.get_mut(task).unwrap();
                        known.current = known.next(user);
                        took.push(begun.elapsed());
                    }
                }
                Step::Remind(task) => {
                    call(user, &key, Method::POST, "/v1/tasks", Some(&reminded(*task)))
                        .ok(StatusCode::CREATED);
                }
                Step::Delete(task) => {
                    let path = format!("/v1/tasks/{}", tasks[task].id);
                    call(user, &key, Method::DELETE, &path, None).ok(StatusCode::NO_CONTENT);
                }
            }
            pace.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        took
    }
}

impl Known {
    /// The occurrence that follows the current one, once it is there.
    fn next(&self, user: &Client) -> String {
        let path = format!("/v1/tasks/{}", self.id);
        let mut looks = 0;
        until(&format!("what follows {}", self.current), PATIENCE, || {
            thread::sleep(LOOK * looks);
            looks = (looks + 1).min(MOST_LOOKS);
            let answer = user.call(Method::GET, path.as_str()).send().ok()?;
            let task = (answer.status == StatusCode::OK).then(|| answer.json())?;
            let next = task["occurrence"]["recurrence_id"].as_str()?;
            (next != self.current).then(|| next.to_owned())
        })
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

/// Due in two seconds, with a reminder at that moment.
fn reminded(number: usize) -> Value {
    let due = Utc::now() + TimeDelta::seconds(2);
    json!({
        "title": format!("{REMINDER} {number}"),
        "due": { "local": due.format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }],
    })
}

/// All that is so for a user in the end, without ids and instants: tasks by their titles, with their occurrences; what was told, what
/// they were notified of, and what was noted of whom.
pub(crate) fn state(actor: &Actor) -> Value {
    let user = &actor.api;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut tasks = BTreeMap::new();
    let mut names = BTreeMap::new();
    for task in user.all("/v1/tasks") {
        let (id, title) = (text(&task["id"]), text(&task["title"]));
        let occurrences = user.all(&format!("/v1/tasks/{id}/occurrences"));
        let occurrences: Vec<Value> = occurrences.iter().map(|one| occurrence(&task, one)).collect();
        let said = json!([task["status"], task["description"], occurrences]);
        assert!(tasks.insert(title.clone(), said).is_none(), "two tasks are called {title}");
        names.insert(id, title);
    }
    for task in user.all("/v1/trash") {
        names.insert(text(&task["id"]), format!("deleted: {}", task["title"]));
    }
    let name = |id: &Value| id.as_str().and_then(|id| names.get(id)).cloned();
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
            let task = name(&event["subject"]);
            let comes_back = task.as_ref().is_some_and(|name| !name.starts_with(REMINDER));
            let which = comes_back.then(|| event["data"]["recurrence_id"].clone());
            told.push(json!([event["type"], task, which]).to_string());
        }
    }
    let notified = user.all("/v1/notifications");
    // How many reminders fire in one commit, and so have one entry, is chance; each that fired is in what was told.
    let noted = actor.audit.all("/v1/audit").into_iter().filter(|one| one["action"] != "reminder.fire");
    json!({
        "tasks": tasks,
        "deleted": sorted(names.values().filter(|name| name.starts_with("deleted")).cloned().collect()),
        "told": sorted(told),
        "notified": sorted(notified.iter().map(|one| json!([name(&one["task_id"]), one["state"]]).to_string()).collect()),
        "noted": sorted(noted.map(|one| json!([who(&one), one["action"], name(&one["subject"])]).to_string()).collect()),
    })
}

/// An occurrence; of a task that does not come back, not when it is.
fn occurrence(task: &Value, one: &Value) -> Value {
    if task["recurrence"].is_null() {
        json!(one["status"])
    } else {
        json!([one["ordinal"], one["recurrence_id"], one["status"], one["predecessor"]])
    }
}

/// Who did what an entry notes: a user by some token, or a component.
fn who(entry: &Value) -> &str {
    let actor = entry["actor"].as_str().unwrap();
    if actor.starts_with("token:") { "user" } else { actor }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts
}
