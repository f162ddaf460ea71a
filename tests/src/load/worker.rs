//! A client that writes for as long as it is answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use http::StatusCode;
use serde_json::json;

use super::door::{Door, Gone};
use super::draw::{Asks, Habits, draw};
use super::ledger::{Ledger, Request};
use crate::{Answer, Client, at_once, until};

/// One client of the load, who outlives the service it talks to.
#[derive(Debug)]
pub struct Worker {
    number: usize,
    token: String,
    rng: Rng,
    habits: Habits,
    asked: usize,
    /// What it was told.
    pub ledger: Ledger,
}

impl Worker {
    /// A client of this user, with its own random choices.
    pub fn new(number: usize, user: &Client, seed: u64, habits: Habits) -> Self {
        let token = user.token().expect("a user has a token").to_owned();
        Self { number, token, rng: Rng::with_seed(seed), habits, asked: 0, ledger: Ledger::default() }
    }

    /// This client at the service as it is now.
    pub fn client(&self, service: &Client) -> Client {
        service.with_token(Some(&self.token))
    }

    /// First repeats what was cut the last time, then makes new requests until `stop` or until nobody answers.
    pub fn work(&mut self, door: &dyn Door, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            if self.go_on(door).is_err() {
                return;
            }
        }
    }

    /// Repeats what was cut the last time; now everything is answered.
    pub fn settle(&mut self, door: &dyn Door, limit: Duration) {
        until("what was cut is answered", limit, || self.repeat_what_was_cut(door).ok());
    }

    /// Repeats what was cut the last time, or makes a new request.
    ///
    /// # Errors
    /// Where it was not answered.
    pub fn go_on(&mut self, door: &dyn Door) -> Result<(), Gone> {
        self.repeat_what_was_cut(door)?;
        if self.rng.u8(..10) == 0 {
            return self.complete_again(door);
        }
        self.asked += 1;
        let key = format!("client-{}-request-{}", self.number, self.asked);
        let asks = Asks { door, token: &self.token, habits: &self.habits };
        self.ledger.unsure = draw(&mut self.rng, key, &mut self.ledger, &asks)?;
        self.repeat_what_was_cut(door)
    }

    fn repeat_what_was_cut(&mut self, door: &dyn Door) -> Result<(), Gone> {
        let Some(request) = self.ledger.unsure.clone() else { return Ok(()) };
        let answer = self.send(door, &request)?;
        self.ledger.note(request.says, &answer, door.now());
        self.ledger.unsure = None;
        Ok(())
    }

    /// Asks again for what was acknowledged before, without a key: the answer must be the same.
    fn complete_again(&mut self, door: &dyn Door) -> Result<(), Gone> {
        let alive = self.ledger.tasks.iter().filter(|entry| !entry.deleted && !entry.completed.is_empty());
        let Some(entry) = self.rng.choice(alive.collect::<Vec<_>>()) else { return Ok(()) };
        let Some((recurrence_id, body)) = self.rng.choice(&entry.completed) else { return Ok(()) };
        let answer = door.ask(&|client| {
            let client = self.client(client);
            let call = client.post(format!("/v1/tasks/{}/complete", entry.id));
            call.json(&json!({ "recurrence_id": recurrence_id })).send()
        })?;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, body), "the same answer as before");
        Ok(())
    }

    /// Sends a request, alone or with its equals, and gives the answer that all of them got who got one.
    fn send(&self, door: &dyn Door, request: &Request) -> Result<Answer, Gone> {
        let answers = at_once(request.equal, |_| {
            door.ask(&|client| {
                let client = self.client(client);
                let call = client.call(request.method.clone(), request.path.as_str());
                let call = call.header("idempotency-key", &request.key);
                match &request.body {
                    Some(body) => call.json(body).send(),
                    None => call.send(),
                }
            })
        });
        let mut answers = answers.into_iter().flatten();
        let first = answers.next().ok_or(Gone)?;
        for other in answers {
            let told = |answer: &Answer| (answer.status, answer.body.clone());
            assert_eq!(told(&other), told(&first), "{request:?}: equal requests get one answer");
        }
        Ok(first)
    }
}
