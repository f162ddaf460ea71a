//! What is in front of the pods of an application: it leads each request to the next of those that are known to be ready.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use perennial_tests::load::{Door, Gone};
use perennial_tests::{Answer, Client, Unanswered};

/// The way to an application. Nothing is asked a second time: what fails, failed.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    begun: Instant,
    /// The pods that requests are sent to, by their labels.
    endpoints: Mutex<Vec<(String, Client)>>,
    next: AtomicUsize,
    answered: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Service {
    /// One that leads nowhere yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            begun: Instant::now(),
            endpoints: Mutex::default(),
            next: AtomicUsize::default(),
            answered: AtomicUsize::default(),
            failed: Mutex::default(),
        }
    }

    /// Sends requests to this one, too.
    pub(crate) fn put_in(&self, label: &str, client: Client) {
        self.endpoints.lock().unwrap().push((label.to_owned(), client));
    }

    /// Sends no more requests to this one.
    pub(crate) fn take_out(&self, label: &str) {
        self.endpoints.lock().unwrap().retain(|(one, _)| one != label);
    }

    /// How many requests were answered.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// What became of those that were not, or were answered 5xx.
    pub fn failed(&self) -> Vec<String> {
        self.failed.lock().unwrap().clone()
    }

    /// Notes what was not as it must be.
    pub fn note(&self, pod: &str, what: impl std::fmt::Display) {
        let at = self.begun.elapsed().as_secs_f64();
        self.failed.lock().unwrap().push(format!("{at:.2} s, {} at {pod}: {what}", self.name));
    }

    /// Whose turn it is: its label, and a client without a token.
    pub fn next(&self) -> (String, Client) {
        let endpoints = self.endpoints.lock().unwrap();
        assert!(!endpoints.is_empty(), "{} leads nowhere", self.name);
        endpoints[self.next.fetch_add(1, Ordering::Relaxed) % endpoints.len()].clone()
    }
}

impl Door for Service {
    fn ask(&self, ask: &dyn Fn(&Client) -> Result<Answer, Unanswered>) -> Result<Answer, Gone> {
        let (pod, client) = self.next();
        match ask(&client) {
            Ok(answer) if !answer.status.is_server_error() => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                return Ok(answer);
            }
            Ok(answer) => self.note(&pod, format!("{}: {}", answer.status, answer.body)),
            Err(error) => self.note(&pod, error),
        }
        Err(Gone)
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
