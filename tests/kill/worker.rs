//! A client that writes for as long as it is answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use http::StatusCode;
use perennial_tests::{Answer, Client, at_once, until};
use serde_json::json;

use crate::ledger::{Ledger, Request};
use crate::load::{Gone, draw};

/// One client of the load, who outlives the service it talks to.
#[derive(Debug)]
pub struct Worker {
    number: usize,
    token: String,
    rng: Rng,
    asked: usize,
    /// What it was told.
    pub ledger: Ledger,
}

impl Worker {
    /// A client of this user, with its own random choices.
    pub fn new(number: usize, user: &Client, seed: u64) -> Self {
        let token = user.token().expect("a user has a token").to_owned();
        Self { number, token, rng: Rng::with_seed(seed), asked: 0, ledger: Ledger::default() }
    }

    /// This client at the service as it is now.
    pub fn client(&self, service: &Client) -> Client {
        service.with_token(Some(&self.token))
    }

    /// First repeats what was cut the last time, then makes new requests until `stop` or until nobody answers.
    pub fn work(&mut self, service: &Client, stop: &AtomicBool) {
        let client = self.client(service);
        while !stop.load(Ordering::Relaxed) {
            if self.go_on(&client).is_err() {
                return;
            }
        }
    }

    /// Repeats what was cut the last time; now everything is answered.
    pub fn settle(&mut self, service: &Client) {
        let client = self.client(service);
        until("what was cut is answered", Duration::from_secs(60), || self.repeat_what_was_cut(&client).ok());
    }

    fn go_on(&mut self, client: &Client) -> Result<(), Gone> {
        self.repeat_what_was_cut(client)?;
        if self.rng.u8(..10) == 0 {
            return self.complete_again(client);
        }
        self.asked += 1;
        let key = format!("client-{}-request-{}", self.number, self.asked);
        self.ledger.unsure = draw(&mut self.rng, key, &mut self.ledger, client)?;
        self.repeat_what_was_cut(client)
    }

    fn repeat_what_was_cut(&mut self, client: &Client) -> Result<(), Gone> {
        let Some(request) = self.ledger.unsure.clone() else { return Ok(()) };
        let answer = send(client, &request)?;
        self.ledger.note(request.says, &answer);
        self.ledger.unsure = None;
        Ok(())
    }

    /// Asks again for what was acknowledged before, without a key: the answer must be the same.
    fn complete_again(&mut self, client: &Client) -> Result<(), Gone> {
        let alive = self.ledger.tasks.iter().filter(|entry| !entry.deleted && !entry.completed.is_empty());
        let Some(entry) = self.rng.choice(alive.collect::<Vec<_>>()) else { return Ok(()) };
        let Some((recurrence_id, body)) = self.rng.choice(&entry.completed) else { return Ok(()) };
        let call = client.post(format!("/v1/tasks/{}/complete", entry.id));
        let answer = call.json(&json!({ "recurrence_id": recurrence_id })).send().map_err(|_| Gone)?;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, body), "the same answer as before");
        Ok(())
    }
}

/// Sends a request, alone or with its equals, and gives the answer that all of them got who got one.
fn send(client: &Client, request: &Request) -> Result<Answer, Gone> {
    let answers = at_once(request.equal, |_| {
        let call = client.call(request.method.clone(), request.path.as_str());
        let call = call.header("idempotency-key", &request.key);
        match &request.body {
            Some(body) => call.json(body).send(),
            None => call.send(),
        }
    });
    let mut answers = answers.into_iter().flatten();
    let first = answers.next().ok_or(Gone)?;
    for other in answers {
        let told = |answer: &Answer| (answer.status, answer.body.clone());
        assert_eq!(told(&other), told(&first), "{request:?}: equal requests get one answer");
    }
    Ok(first)
}
