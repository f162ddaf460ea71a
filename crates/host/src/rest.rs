//! Addresses that failed lately, and those that are waited for.
//!
//! A Redis, or a PostgreSQL, that hangs must not hold each guest that asks for it. Until its first failure shows that it hangs, a share of the
//! instances may wait for it and no more; after that the address rests. Guests that open it are refused at once, and one
//! probe at a time, made by the host, finds out when it answers again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an address rests before it is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// How many addresses are kept: a guest may name as many as its allow list has.
const ADDRESSES: usize = 256;

/// The addresses at rest, and who waits for an address.
#[derive(Clone)]
pub(crate) struct Resting {
    /// What is there, as the log calls it.
    kind: &'static str,
    addresses: Arc<Mutex<BTreeMap<String, Rest>>>,
    waiting: Arc<Mutex<BTreeMap<String, usize>>>,
    /// How many guests may wait for one address at a time.
    places: usize,
}

enum Rest {
    Until(Instant),
    Probed,
}

/// Whether an address may be opened.
pub(crate) enum Way {
    Free,
    /// It rests.
    Closed,
    /// It has rested long enough: whoever is told this tries it, and reports.
    Probe(Probe),
}

/// A guest that waits for an address.
pub(crate) struct Place {
    waiting: Arc<Mutex<BTreeMap<String, usize>>>,
    address: String,
}

/// The one attempt on an address that rests.
pub(crate) struct Probe {
    resting: Resting,
    address: String,
    answers: bool,
}

impl Resting {
    /// Half of the instances may wait for one address.
    pub fn new(kind: &'static str, instances: u32) -> Self {
        let places = instances.div_ceil(2).max(1) as usize;
        Self { kind, addresses: Arc::default(), waiting: Arc::default(), places }
    }

    /// Room to wait for the address until this is dropped, unless too many do.
    pub fn wait(&self, address: &str) -> Option<Place> {
        let mut waiting = lock(&self.waiting);
        let count = waiting.entry(address.to_owned()).or_default();
        if *count >= self.places {
            return None;
        }
        *count = count.saturating_add(1);
        drop(waiting);
        Some(Place { waiting: self.waiting.clone(), address: address.to_owned() })
    }

    /// It did not answer, or could not be reached.
    pub fn failed(&self, address: &str) {
        let now = Instant::now();
        let until = now.checked_add(PAUSE).unwrap_or(now);
        let mut addresses = lock(&self.addresses);
        if addresses.len() >= ADDRESSES {
            addresses.retain(|_, rest| matches!(rest, Rest::Until(until) if *until > now));
        }
        let before = addresses.insert(address.to_owned(), Rest::Until(until));
        drop(addresses);
        if before.is_none() {
            tracing::warn!(
                server = server(address),
                "a {} does not answer: guests are refused it until it does",
                self.kind
            );
        }
    }

    pub fn way(&self, address: &str) -> Way {
        let mut addresses = lock(&self.addresses);
        let Some(rest) = addresses.get_mut(address) else { return Way::Free };
        if !matches!(rest, Rest::Until(until) if *until <= Instant::now()) {
            return Way::Closed;
        }
        *rest = Rest::Probed;
        Way::Probe(Probe { resting: self.clone(), address: address.to_owned(), answers: false })
    }
}

fn lock<T>(addresses: &Mutex<BTreeMap<String, T>>) -> MutexGuard<'_, BTreeMap<String, T>> {
    addresses.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = lock(&self.waiting);
        if let Some(count) = waiting.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.remove(&self.address);
            }
        }
    }
}

impl Probe {
    /// It answers.
    pub fn answers(mut self) {
        self.answers = true;
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        match self.answers {
            true => {
                lock(&self.resting.addresses).remove(&self.address);
                let kind = self.resting.kind;
                tracing::info!(server = server(&self.address), "the {kind} answers again");
            }
            false => self.resting.failed(&self.address),
        }
    }
}

/// The address without user and password.
fn server(address: &str) -> String {
    let url = url::Url::parse(address).ok();
    let host = url.as_ref().and_then(url::Url::host_str).unwrap_or_default();
    let port = url.as_ref().and_then(url::Url::port).map(|port| format!(":{port}"));
    format!("{host}{}", port.unwrap_or_default())
}
