//! A client that creates and completes tasks for as long as it is answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use fastrand::Rng;
use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, until};
use serde_json::{Value, json};

use crate::ledger::{Creation, Entry, Ledger};

const RULES: [&str; 4] =
    ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=YEARLY"];
const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "Asia/Kolkata"];

/// One client of the load, who outlives the service it talks to.
#[derive(Debug)]
pub struct Worker {
    number: usize,
    token: String,
    rng: Rng,
    created: usize,
    /// What it was told.
    pub ledger: Ledger,
}

/// A request was not answered: the service is gone.
struct Gone;

impl Worker {
    /// A client of this user, with its own random choices.
    pub fn new(number: usize, user: &Client, seed: u64) -> Self {
        let token = user.token().expect("a user has a token").to_owned();
        Self { number, token, rng: Rng::with_seed(seed), created: 0, ledger: Ledger::default() }
    }

    /// This client at the service as it is now.
    pub fn client(&self, service: &Client) -> Client {
        service.with_token(Some(&self.token))
    }

    /// First repeats what was cut the last time, then makes new requests until `stop` or until nobody answers.
    pub fn work(&mut self, service: &Client, stop: &AtomicBool) {
        let client = self.client(service);
        if self.repeat_what_was_cut(&client).is_err() {
            return;
        }
        while !stop.load(Ordering::Relaxed) {
            let done = match self.rng.u8(..10) {
                0..3 => self.create(&client),
                3..9 => self.complete(&client),
                _ => self.complete_again(&client),
            };
            if done.is_err() {
                return;
            }
        }
    }

    /// Repeats what was cut the last time; now everything is answered.
    pub fn settle(&mut self, service: &Client) {
        let client = self.client(service);
        until("what was cut is answered", Duration::from_secs(60), || self.repeat_what_was_cut(&client).ok());
    }

    fn repeat_what_was_cut(&mut self, client: &Client) -> Result<(), Gone> {
        while let Some(creation) = self.ledger.unsure.last().cloned() {
            let answer = post(client, &creation)?;
            self.ledger.unsure.pop();
            self.ledger.tasks.push(Entry::new(&answer.ok(StatusCode::CREATED)));
        }
        Ok(())
    }

    fn create(&mut self, client: &Client) -> Result<(), Gone> {
        let creation = self.next_task();
        self.ledger.unsure.push(creation);
        self.repeat_what_was_cut(client)
    }

    fn next_task(&mut self) -> Creation {
        self.created += 1;
        let key = format!("client {} task {}", self.number, self.created);
        let soon = Utc::now() + TimeDelta::milliseconds(self.rng.i64(300..2_000));
        let mut body = match self.rng.u8(..4) {
            // A single task that reminds at an instant.
            0 => {
                json!({ "tags": ["reminds"], "reminders": [{ "trigger": soon.to_rfc3339_opts(SecondsFormat::Millis, true) }] })
            }
            // A series that reminds in a moment and again every day, and is left alone.
            1 => json!({
                "tags": ["reminds"], "recurrence": { "rrule": "FREQ=DAILY" }, "reminders": [{ "trigger": "PT0S" }],
                "due": { "local": (soon + TimeDelta::seconds(1)).format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
            }),
            // A series that is completed again and again.
            _ => json!({
                "tags": ["series"],
                "due": { "local": "2026-11-30T09:00:00", "tz": self.rng.choice(ZONES) },
                "recurrence": { "rrule": self.rng.choice(RULES), "anchor": self.rng.choice(["due", "completion"]) },
                "reminders": [{ "trigger": "-P1D" }],
            }),
        };
        body["title"] = Value::from(key.clone());
        Creation { key, body }
    }

    /// Completes the open occurrence of some series, after asking which it is.
    fn complete(&mut self, client: &Client) -> Result<(), Gone> {
        let Some(entry) = some_series(&mut self.rng, &mut self.ledger) else { return Ok(()) };
        let Some(open) = entry.open.clone() else {
            let call = client.call(Method::GET, format!("/v1/tasks/{}", entry.id));
            let task = call.send().map_err(|_| Gone)?.ok(StatusCode::OK);
            entry.open = task["occurrence"]["recurrence_id"].as_str().map(str::to_owned);
            return Ok(());
        };
        // Cut here, it is simply asked again next time: completing is idempotent by its recurrence id.
        let answer = close(client, &entry.id, &open)?;
        entry.completed.push((open, answer.body));
        entry.open = None;
        Ok(())
    }

    /// Asks again for what was acknowledged before: the answer must be the same.
    fn complete_again(&mut self, client: &Client) -> Result<(), Gone> {
        let Some(entry) = some_series(&mut self.rng, &mut self.ledger) else { return Ok(()) };
        let Some((recurrence_id, body)) = self.rng.choice(&entry.completed) else { return Ok(()) };
        assert_eq!(&close(client, &entry.id, recurrence_id)?.body, body, "the same answer as before");
        Ok(())
    }
}

fn some_series<'a>(rng: &mut Rng, ledger: &'a mut Ledger) -> Option<&'a mut Entry> {
    let series: Vec<&mut Entry> =
        ledger.tasks.iter_mut().filter(|entry| entry.recurs && !entry.reminds).collect();
    rng.choice(series)
}

fn post(client: &Client, creation: &Creation) -> Result<Answer, Gone> {
    let call = client.post("/v1/tasks").header("idempotency-key", &creation.key.replace(' ', "-"));
    call.json(&creation.body).send().map_err(|_| Gone)
}

fn close(client: &Client, task: &str, recurrence_id: &str) -> Result<Answer, Gone> {
    let body = json!({ "recurrence_id": recurrence_id });
    let answer = client.post(format!("/v1/tasks/{task}/complete")).json(&body).send().map_err(|_| Gone)?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    Ok(answer)
}
