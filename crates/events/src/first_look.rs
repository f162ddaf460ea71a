//! A first look before the inbox: a state store beside the application tells which events of a delivery were applied already (Dapr
//! API reference, "State management").
//!
//! The inbox is the truth, and this is a hint: what it knows needs no look into the database, and where it is away, slow or wrong, or
//! has lost everything, that costs time alone. What is noted of an event is a digest of its message, under its id: whatever else is
//! sent under that id is not known, and spoils no more than the note.

use std::collections::BTreeMap;

use perennial_domain::EventId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::letter::digest;
use crate::place::is_epoch;
use crate::{CloudEvent, Consumer};

/// For how long it is known what was applied, in seconds, as the state store reads it: seven days.
const KEPT: &str = "604800";

/// Keys that a sidecar looks up at once, where its store does not take them all together.
const AT_ONCE: usize = 10;

/// A state store, as the sidecar has it.
#[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
pub trait StateStore {
    /// POSTs JSON to an address below the store's; gives the status and the body of the answer, or why there is none.
    async fn post(&self, below: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), String>;
}

/// What is known of the events of a delivery before the database is asked.
pub struct FirstLook<'m, S> {
    messages: Vec<Message<'m>>,
    /// What notes those that are applied now; `None` where it was not asked, or did not answer.
    notes: Option<S>,
    failure: Option<String>,
}

struct Message<'m> {
    text: &'m [u8],
    mark: Option<Mark>,
    known: bool,
}

/// What tells that a consumer has applied an event.
struct Mark {
    key: String,
    digest: String,
}

#[derive(Serialize)]
struct Asked<'a> {
    keys: Vec<&'a str>,
    parallelism: usize,
}

/// An item of an answer; without data where nothing is known, and with an error where nobody can say.
#[derive(Deserialize)]
struct Found {
    key: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    error: String,
}

#[derive(Serialize)]
struct Noted<'a> {
    key: &'a str,
    value: &'a str,
    metadata: Kept,
}

#[derive(Serialize)]
struct Kept {
    #[serde(rename = "ttlInSeconds")]
    ttl: &'static str,
}

impl Mark {
    /// `None` where there is nothing to be spared: of what is no event, of what does not concern the consumer, and of what has no
    /// name of its own. Neither an id nor an epoch can hold what parts them in a key.
    fn of(consumer: &Consumer, message: &[u8]) -> Option<Self> {
        let event = CloudEvent::parse(message).ok()?;
        let concerns = consumer.types.is_empty() || consumer.types.contains(&event.kind.as_str());
        let id = EventId::parse(&event.id)?;
        (concerns && is_epoch(&event.epoch))
            .then(|| Self { key: format!("{}|{}|{id}", consumer.name, event.epoch), digest: digest(message) })
    }
}

impl<'m, S: StateStore> FirstLook<'m, S> {
    /// Where there is no state store: nothing is known, and nothing is noted.
    pub fn none(messages: impl IntoIterator<Item = &'m [u8]>) -> Self {
        let messages = messages.into_iter().map(|text| Message { text, mark: None, known: false });
        Self { messages: messages.collect(), notes: None, failure: None }
    }

    /// Asks, once, which of these a consumer has applied.
    pub async fn at(store: S, consumer: &Consumer, messages: impl IntoIterator<Item = &'m [u8]>) -> Self {
        let mut look = Self::none(messages);
        for message in &mut look.messages {
            message.mark = Mark::of(consumer, message.text);
        }
        if look.marks().next().is_none() {
            return look;
        }
        match look.ask(&store).await {
            Ok(found) => {
                for message in &mut look.messages {
                    let noted = message.mark.as_ref().and_then(|mark| Some((mark, found.get(&mark.key)?)));
                    message.known = noted.is_some_and(|(mark, noted)| mark.digest == *noted);
                }
                look.notes = Some(store);
            }
            Err(reason) => look.failure = Some(reason),
        }
        look
    }

    /// Why it is not known what was applied, where it was asked in vain.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// What is not known to be applied, in order.
    pub fn unknown(&self) -> Vec<&'m [u8]> {
        self.messages.iter().filter(|message| !message.known).map(|message| message.text).collect()
    }

    /// Something of each message: the same of what is known, and of what is not known in turn. Ends where that ends.
    pub fn of_each<T: Copy>(&self, known: T, of_unknown: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut of_unknown = of_unknown.into_iter();
        let one = |message: &Message<'_>| if message.known { Some(known) } else { of_unknown.next() };
        self.messages.iter().map_while(one).collect()
    }

    /// Notes what was applied of what was not known, in order; once, and not at all where it was asked in vain.
    pub async fn note(&self, applied: &[bool]) -> Result<(), String> {
        let applied = self.of_each(false, applied.iter().copied());
        let marks = self.messages.iter().zip(applied).filter(|(_, applied)| *applied);
        let noted: Vec<Noted<'_>> =
            marks.filter_map(|(message, _)| message.mark.as_ref()).map(Noted::from).collect();
        let Some(store) = self.notes.as_ref().filter(|_| !noted.is_empty()) else { return Ok(()) };
        let body = serde_json::to_vec(&noted).map_err(|error| error.to_string())?;
        accepted(store.post("", body).await?).map(|_| ())
    }

    async fn ask(&self, store: &S) -> Result<BTreeMap<String, String>, String> {
        let asked =
            Asked { keys: self.marks().map(|mark| mark.key.as_str()).collect(), parallelism: AT_ONCE };
        let body = serde_json::to_vec(&asked).map_err(|error| error.to_string())?;
        let answer = accepted(store.post("/bulk", body).await?)?;
        let found: Vec<Found> = serde_json::from_slice(&answer)
            .map_err(|error| format!("what the state store answered cannot be read: {error}"))?;
        if let Some(Found { error, .. }) = found.iter().find(|found| !found.error.is_empty()) {
            return Err(format!("the state store could not look up all of them: {error}"));
        }
        let noted = found.into_iter().filter_map(|found| match found.data {
            Value::String(digest) => Some((found.key, digest)),
            _ => None,
        });
        Ok(noted.collect())
    }

    fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.messages.iter().filter_map(|message| message.mark.as_ref())
    }
}

impl<'a> From<&'a Mark> for Noted<'a> {
    fn from(mark: &'a Mark) -> Self {
        Self { key: &mark.key, value: &mark.digest, metadata: Kept { ttl: KEPT } }
    }
}

fn accepted((status, answer): (u16, Vec<u8>)) -> Result<Vec<u8>, String> {
    match status {
        200..=299 => Ok(answer),
        _ => Err(format!("the state store answered {status}")),
    }
}
