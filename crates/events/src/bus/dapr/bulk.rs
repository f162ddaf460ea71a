//! Dapr's bulk publish: a request for the first messages of a batch, and what became of them (Dapr API reference, "Pub/sub",
//! `POST /v1.0-alpha1/publish/bulk`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::failed;
use crate::EVENT_MEDIA_TYPE;
use crate::bus::{BusError, Fault, Message, document};

/// Longest request, in bytes: a sidecar takes 4 MiB.
const LONGEST: usize = 3 * 1024 * 1024;

/// Longest reason that is told, in characters.
const LONGEST_REASON: usize = 300;

/// What a sidecar or a broker says of an event that is longer than it takes.
const TOO_LONG: [&str; 2] = ["too large", "larger than"];

/// The first messages of a batch that go to one topic, as many as one request may hold.
pub(super) struct Bulk<'a> {
    /// Where they go.
    pub topic: &'a str,
    /// The request's body.
    pub body: Vec<u8>,
    /// The key of each: those of one key lie in one place.
    keys: Vec<&'a str>,
}

/// One of them. The event is text to the sidecar, which passes text on as it is: an event it would take apart and write anew, with
/// every number a float and attributes of its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    entry_id: String,
    event: String,
    content_type: &'static str,
    metadata: Metadata<'a>,
}

/// What Kafka gets beside the event: its key, and a header by which readers of CloudEvents know it (CloudEvents' Kafka protocol
/// binding 1.0, §3.3).
#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(rename = "partitionKey")]
    key: &'a str,
    #[serde(rename = "content-type")]
    content_type: &'static str,
}

impl<'a> Bulk<'a> {
    /// Puts the first messages of a batch into one request; `None` where there is no message.
    pub fn first_of(batch: &'a [Message]) -> Result<Option<Self>, BusError> {
        let Some(topic) = batch.first().map(|message| message.topic.as_str()) else { return Ok(None) };
        let mut body = vec![b'['];
        let mut keys = Vec::new();
        for message in batch.iter().take_while(|message| message.topic == topic) {
            let entry = match entry(keys.len(), message) {
                Ok(entry) => entry,
                // One that cannot go out has its turn when those before it are gone.
                Err(_) if !keys.is_empty() => break,
                Err(error) => return Err(error),
            };
            if !keys.is_empty() {
                if body.len().saturating_add(entry.len()) > LONGEST {
                    break;
                }
                body.push(b',');
            }
            body.extend_from_slice(&entry);
            keys.push(message.event.partitionkey.as_str());
        }
        body.push(b']');
        Ok(Some(Self { topic, body, keys }))
    }

    /// How many they are.
    fn count(&self) -> usize {
        self.keys.len()
    }

    /// Whether any of those that lie where one lies was taken.
    fn took_some_like(&self, index: usize, failed: &BTreeMap<usize, String>) -> bool {
        let key = self.keys.get(index);
        self.keys.iter().enumerate().any(|(other, of)| Some(of) == key && !failed.contains_key(&other))
    }

    /// How many of them were taken in order, and why the next one was not.
    pub fn outcome(&self, status: u16, answer: &[u8]) -> (usize, Option<BusError>) {
        let is_well = (200..300).contains(&status);
        let answered: Option<Answer> = match answer {
            b"" if is_well => Some(Answer::default()),
            _ => serde_json::from_slice(answer).ok(),
        };
        if is_well && answered.as_ref().is_some_and(|answered| answered.failed_entries.is_empty()) {
            return (self.count(), None);
        }
        let failed_entries: BTreeMap<usize, String> = answered
            .unwrap_or_default()
            .failed_entries
            .into_iter()
            .filter_map(|entry| {
                Some((entry.entry_id.parse::<usize>().ok()?, entry.error.unwrap_or_default()))
            })
            .filter(|(index, _)| *index < self.count())
            .collect();
        match failed_entries.first_key_value() {
            Some((index, reason)) => {
                let long = TOO_LONG.iter().any(|words| reason.contains(words));
                // Where others of its stream, which lie where it is to lie, were taken, it is none of the bus.
                let fault = match long {
                    true => Fault::Event,
                    false if self.took_some_like(*index, &failed_entries) => Fault::Stream,
                    false => Fault::Bus,
                };
                (*index, Some(failed(fault, short(reason))))
            }
            None => {
                // Alone in its request, it is what the sidecar finds too long.
                let fault = if status == 413 && self.count() == 1 { Fault::Event } else { Fault::Bus };
                let said = String::from_utf8_lossy(answer);
                (0, Some(failed(fault, format!("the sidecar answered {status}: {}", short(&said)))))
            }
        }
    }
}

fn entry(index: usize, message: &Message) -> Result<Vec<u8>, BusError> {
    let event = document(super::NAME, message)?;
    let entry = Entry {
        entry_id: index.to_string(),
        event: String::from_utf8(event).map_err(|error| failed(Fault::Event, error.to_string()))?,
        content_type: "text/plain",
        metadata: Metadata { key: &message.event.partitionkey, content_type: EVENT_MEDIA_TYPE },
    };
    serde_json::to_vec(&entry).map_err(|error| failed(Fault::Event, error.to_string()))
}

fn short(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}

/// What a sidecar answers where not all were taken.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(rename = "failedEntries", default)]
    failed_entries: Vec<FailedEntry>,
}

#[derive(Deserialize)]
struct FailedEntry {
    #[serde(rename = "entryId")]
    entry_id: String,
    #[serde(default)]
    error: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{CloudEvent, MAX_EVENT};

    fn message(topic: &str, words: &str) -> Message {
        let event: CloudEvent = serde_json::from_value(json!({
            "specversion": "1.0", "id": "01980000-0000-7000-8000-000000000001", "source": "/perennial/task-api",
            "type": "task.created", "subject": "s", "time": "2027-01-01T00:00:00Z", "datacontenttype": "application/json",
            "dataschema": "urn:x", "userid": "ada", "stream": "ada|3", "sequence": "00000000000000000001",
            "partitionkey": "ada|3", "correlationid": "c", "data": { "title": words, "large": 12345678901234567890_u64 },
        }))
        .unwrap();
        Message { topic: topic.to_owned(), event }
    }

    fn entries(bulk: &Bulk<'_>) -> Vec<Value> {
        serde_json::from_slice(&bulk.body).unwrap()
    }

    #[test]
    fn an_event_goes_out_as_it_is_under_the_key_of_its_stream() {
        let batch = [message("task-events", "\"<é>\"")];
        let bulk = Bulk::first_of(&batch).unwrap().unwrap();
        assert_eq!((bulk.topic, bulk.count()), ("task-events", 1));
        let [entry] = &entries(&bulk)[..] else { panic!("one entry") };
        assert_eq!(entry["entryId"], "0");
        assert_eq!(entry["contentType"], "text/plain");
        assert_eq!(entry["metadata"]["partitionKey"], "ada|3");
        assert_eq!(entry["metadata"]["content-type"], EVENT_MEDIA_TYPE);
        assert_eq!(entry["event"], serde_json::to_string(&batch[0].event).unwrap());
    }

    #[test]
    fn a_request_holds_the_first_of_one_topic_and_no_more_than_a_sidecar_takes() {
        assert!(Bulk::first_of(&[]).unwrap().is_none());
        let batch = ["a", "a", "b", "a"].map(|topic| message(topic, "x"));
        let bulk = Bulk::first_of(&batch).unwrap().unwrap();
        assert_eq!((bulk.topic, bulk.count()), ("a", 2));
        let long = "x".repeat(MAX_EVENT - 1_000);
        let batch: Vec<_> = (0..20).map(|_| message("a", &long)).collect();
        let bulk = Bulk::first_of(&batch).unwrap().unwrap();
        assert_eq!(bulk.count(), 12);
        assert!(bulk.body.len() <= LONGEST + 2, "{}", bulk.body.len());
    }

    #[test]
    fn an_event_that_is_too_long_has_its_turn_alone() {
        let long = message("a", &"x".repeat(MAX_EVENT));
        let batch = [message("a", "x"), long.clone(), message("a", "y")];
        assert_eq!(Bulk::first_of(&batch).unwrap().unwrap().count(), 1);
        let Err(error) = Bulk::first_of(&batch[1..]) else { panic!("it is too long") };
        assert_eq!(error.fault, Fault::Event);
    }

    #[test]
    fn what_was_taken_in_order_is_what_comes_before_the_first_failure() {
        let batch = ["x"; 4].map(|words| message("a", words));
        let bulk = Bulk::first_of(&batch).unwrap().unwrap();
        let failures =
            |list: Value| json!({ "failedEntries": list, "errorCode": "ERR_PUBSUB_PUBLISH_MESSAGE" });
        let all_of = |why: &str| ["0", "1", "2", "3"].map(|id| json!({ "entryId": id, "error": why }));
        let large = "kafka server: Message was too large, server rejected it";
        let configured = "Attempt to produce message larger than configured Producer.MaxMessageBytes: 9 > 8";
        for (status, answer, expected) in [
            (200, json!({}), (4, None)),
            (
                500,
                failures(json!([{ "entryId": "3", "error": "x" }, { "entryId": "1", "error": large }])),
                (1, Some(Fault::Event)),
            ),
            (500, failures(json!([{ "entryId": "2", "error": configured }])), (2, Some(Fault::Event))),
            (500, failures(json!(all_of("circuit breaker is open"))), (0, Some(Fault::Bus))),
            (
                500,
                failures(json!([{ "entryId": "1", "error": "failed the validation" }])),
                (1, Some(Fault::Stream)),
            ),
            (200, failures(json!([{ "entryId": "2", "error": null }])), (2, Some(Fault::Stream))),
            (200, failures(json!([{ "entryId": "9", "error": "of no one" }])), (0, Some(Fault::Bus))),
            (200, json!("nothing that one knows"), (0, Some(Fault::Bus))),
            (500, failures(json!([{ "entryId": "9", "error": "of no one" }])), (0, Some(Fault::Bus))),
            (500, failures(json!([])), (0, Some(Fault::Bus))),
            (403, json!({ "message": "topic is not allowed" }), (0, Some(Fault::Bus))),
            (404, json!({ "message": "no such pubsub" }), (0, Some(Fault::Bus))),
            (413, json!("too long"), (0, Some(Fault::Bus))),
            (401, Value::Null, (0, Some(Fault::Bus))),
        ] {
            let (taken, error) = bulk.outcome(status, answer.to_string().as_bytes());
            assert_eq!((taken, error.map(|error| error.fault)), expected, "{status} {answer}");
        }
        assert_eq!(bulk.outcome(204, b"").0, 4);
        // Of a user with lanes some lie elsewhere: that those were taken says nothing of this one.
        let elsewhere = |number: usize| {
            let mut message = batch[number].clone();
            message.event.partitionkey = format!("ada|0{}", number % 2);
            message
        };
        let lanes = [0, 1, 2, 3].map(elsewhere);
        let bulk = Bulk::first_of(&lanes).unwrap().unwrap();
        for (failed, fault) in [(&["1", "3"][..], Fault::Bus), (&["1", "2"], Fault::Stream)] {
            let list: Vec<Value> = failed.iter().map(|id| json!({ "entryId": id, "error": "x" })).collect();
            let (taken, error) = bulk.outcome(500, failures(json!(list)).to_string().as_bytes());
            assert_eq!((taken, error.map(|error| error.fault)), (1, Some(fault)), "{failed:?}");
        }
        let alone = Bulk::first_of(&batch[3..]).unwrap().unwrap();
        assert_eq!(alone.outcome(413, b"").1.unwrap().fault, Fault::Event);
        assert_eq!(alone.outcome(500, b"not JSON").1.unwrap().fault, Fault::Bus);
    }
}
