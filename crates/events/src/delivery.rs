//! What arrives at a callback route: one event, as every bus of ours sends it, or several in one of Dapr's envelopes; and the
//! answer (Dapr API reference, "Pub/sub", "Expected HTTP response").
//!
//! A sidecar is told not to read what it delivers (`rawPayload`): what is no JSON object would then never arrive, and what stands behind
//! it in its partition would not either. It encodes a message whole, in base64 (Dapr, "Publishing & subscribing messages without
//! CloudEvents"): one as the `data_base64` of an event of its own (CloudEvents 1.0 JSON format §3.1), several as texts in its envelope.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{CloudEvent, EVENT_MEDIA_TYPE};

/// Longest delivery read, in bytes: as much as a sidecar takes from us. A message is a third longer in it than it is. Of what is longer
/// only so much is read.
pub const MAX_DELIVERY: usize = 4 * 1024 * 1024;

/// Events read of one delivery. The others come again.
pub const MAX_DELIVERED: usize = 100;

/// What is to become of an event that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It is done with.
    Success,
    /// It should come again.
    Retry,
    /// It goes to the dead letters.
    Drop,
}

/// One event, or several at once.
#[derive(Debug)]
pub enum Delivery<'a> {
    /// An event by itself.
    One(Cow<'a, [u8]>),
    /// Several, each with the name by which its status is told.
    Many(Vec<Entry<'a>>),
}

/// One of several events.
#[derive(Debug)]
pub struct Entry<'a> {
    id: String,
    event: Cow<'a, [u8]>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    entries: Vec<Enclosed<'a>>,
}

#[derive(Deserialize)]
struct Enclosed<'a> {
    #[serde(rename = "entryId")]
    id: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// A message within an event of the sidecar's.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    data_base64: Cow<'a, str>,
}

#[derive(Serialize)]
struct Statuses<'a> {
    statuses: Vec<OfEntry<'a>>,
}

#[derive(Serialize)]
struct OfEntry<'a> {
    #[serde(rename = "entryId")]
    id: &'a str,
    status: Status,
}

#[derive(Serialize)]
struct OfOne {
    status: Status,
}

impl<'a> From<Enclosed<'a>> for Entry<'a> {
    fn from(Enclosed { id, event }: Enclosed<'a>) -> Self {
        let text = event.get();
        let message =
            serde_json::from_str::<Cow<'_, str>>(text).ok().and_then(|text| STANDARD.decode(&*text).ok());
        Self { id, event: message.map_or(Cow::Borrowed(text.as_bytes()), Cow::Owned) }
    }
}

impl<'a> Delivery<'a> {
    /// Reads a delivery. What is no envelope is taken for an event: whoever reads it says what is wrong with it.
    pub fn read(media_type: &str, body: &'a [u8]) -> Self {
        if media_type.starts_with(EVENT_MEDIA_TYPE) {
            return Self::One(unwrapped(body));
        }
        match serde_json::from_slice::<Envelope<'a>>(body) {
            Ok(envelope) => Self::Many(envelope.entries.into_iter().map(Entry::from).collect()),
            Err(_) => Self::One(Cow::Borrowed(body)),
        }
    }

    /// The events, in order.
    pub fn events(&self) -> impl Iterator<Item = &[u8]> {
        let (one, many) = match self {
            Self::One(event) => (Some(&**event), [].as_slice()),
            Self::Many(entries) => (None, entries.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|entry| &*entry.event)).take(MAX_DELIVERED)
    }

    /// What becomes of each event where it is but a hint. What is no event hints at nothing: it goes to the dead letters, not to be lost.
    pub fn taken_for_hints(&self) -> Vec<Status> {
        let status = |event| if CloudEvent::parse(event).is_ok() { Status::Success } else { Status::Drop };
        self.events().map(status).collect()
    }

    /// The answer, from a status for each event in turn. What has none comes again.
    pub fn answer(&self, statuses: impl IntoIterator<Item = Status>) -> Vec<u8> {
        let mut statuses = statuses.into_iter().chain(std::iter::repeat(Status::Retry));
        let mut next = || statuses.next().unwrap_or(Status::Retry);
        let answer = match self {
            Self::One(_) => serde_json::to_vec(&OfOne { status: next() }),
            Self::Many(entries) => {
                let statuses =
                    entries.iter().map(|entry| OfEntry { id: &entry.id, status: next() }).collect();
                serde_json::to_vec(&Statuses { statuses })
            }
        };
        answer.unwrap_or_default()
    }
}

/// The message that a sidecar has wrapped; anything else as it is.
fn unwrapped(body: &[u8]) -> Cow<'_, [u8]> {
    let message = match serde_json::from_slice::<Wrapped<'_>>(body) {
        Ok(wrapped) => STANDARD.decode(&*wrapped.data_base64).ok(),
        Err(_) => beginning(body),
    };
    message.map_or(Cow::Borrowed(body), Cow::Owned)
}

/// The beginning of a message, from the beginning of what a sidecar has wrapped it in: it writes its members in the order of their
/// names.
fn beginning(body: &[u8]) -> Option<Vec<u8>> {
    let text = body.strip_prefix(br#"{"data_base64":""#)?;
    let end = text.iter().position(|byte| *byte == b'"').unwrap_or(text.len());
    let whole = end.saturating_sub(end % 4);
    STANDARD.decode(text.get(..whole)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn text(events: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<String> {
        events.map(|event| String::from_utf8(event.as_ref().to_vec()).unwrap()).collect()
    }

    fn answer(delivery: &Delivery<'_>, statuses: &[Status]) -> Value {
        serde_json::from_slice(&delivery.answer(statuses.iter().copied())).unwrap()
    }

    #[test]
    fn one_event_has_one_status() {
        let event = br#"{"id":"x","entries":[]}"#;
        let delivery = Delivery::read("application/cloudevents+json; charset=utf-8", event);
        assert_eq!(text(delivery.events()), [r#"{"id":"x","entries":[]}"#]);
        assert_eq!(answer(&delivery, &[Status::Success]), json!({ "status": "SUCCESS" }));
        assert_eq!(answer(&delivery, &[Status::Drop]), json!({ "status": "DROP" }));
        assert_eq!(answer(&delivery, &[]), json!({ "status": "RETRY" }));
    }

    #[test]
    fn each_of_several_events_has_its_own_status() {
        let body = json!({
            "id": "bulk", "topic": "t", "pubsubname": "pubsub", "metadata": { "pubsubName": "pubsub" },
            "entries": [
                { "entryId": "a", "event": { "id": 1 }, "contentType": "application/cloudevents+json", "metadata": { "__key": "k" } },
                { "entryId": "b", "event": "bm90IGFuIGV2ZW50", "contentType": "application/octet-stream", "metadata": null },
                { "entryId": "c", "event": { "id": 3 }, "contentType": "application/cloudevents+json" },
            ],
        })
        .to_string();
        let delivery = Delivery::read("application/json", body.as_bytes());
        assert_eq!(text(delivery.events()), [r#"{"id":1}"#, "not an event", r#"{"id":3}"#]);
        let expected = json!({ "statuses": [
            { "entryId": "a", "status": "SUCCESS" },
            { "entryId": "b", "status": "DROP" },
            { "entryId": "c", "status": "RETRY" },
        ] });
        assert_eq!(answer(&delivery, &[Status::Success, Status::Drop]), expected);
    }

    /// A message as daprd 1.16 posts it by itself where it is told not to read it.
    fn wrapped(message: &[u8]) -> Vec<u8> {
        let body = json!({
            "data_base64": STANDARD.encode(message), "datacontenttype": "application/octet-stream",
            "id": "2f0d1a3c-0000-4000-8000-000000000000", "pubsubname": "pubsub", "source": "Dapr", "specversion": "1.0",
            "topic": "task-events-dlq", "type": "com.dapr.event.sent",
        });
        serde_json::to_vec(&body).unwrap()
    }

    #[test]
    fn what_a_sidecar_wraps_is_read_as_it_was_sent() {
        let inner = wrapped(b"{}");
        for message in [&b"hello"[..], b"[]", b"", b"null", b"\xff\0\xff", br#"{"id":"x","data":{}}"#, &inner]
        {
            let body = wrapped(message);
            let delivery = Delivery::read(EVENT_MEDIA_TYPE, &body);
            assert_eq!(delivery.events().collect::<Vec<_>>(), [message]);
            assert_eq!(answer(&delivery, &[Status::Success]), json!({ "status": "SUCCESS" }));

            let many =
                json!({ "entries": [{ "entryId": "a", "event": STANDARD.encode(message) }] }).to_string();
            let many = Delivery::read("application/json", many.as_bytes());
            assert_eq!(many.events().collect::<Vec<_>>(), [message]);
        }
    }

    #[test]
    fn what_only_looks_wrapped_is_the_message_itself() {
        for message in [
            r#"{"data_base64":"no base64"}"#,
            r#"{"data_base64":7}"#,
            r#"{"data":{},"id":"x"}"#,
            r#"["data_base64"]"#,
        ] {
            let delivery = Delivery::read(EVENT_MEDIA_TYPE, message.as_bytes());
            assert_eq!(text(delivery.events()), [message]);
        }
        let many = r#"{"entries":[{"entryId":"a","event":"no base64"}]}"#;
        let many = Delivery::read("application/json", many.as_bytes());
        assert_eq!(text(many.events()), [r#""no base64""#]);
    }

    #[test]
    fn of_what_is_cut_off_the_beginning_is_read() {
        let message = br#"{"id":"x","data":{"long":"#.repeat(1_000);
        let body = wrapped(&message);
        for end in [1_000, 1_001, 1_002, 1_003, 20_000] {
            let delivery = Delivery::read(EVENT_MEDIA_TYPE, &body[..end]);
            let read: Vec<&[u8]> = delivery.events().collect();
            assert!(read[0].len() > (end - 20) / 4 * 3 && message.starts_with(read[0]), "{end}");
        }
    }

    #[test]
    fn where_events_are_hints_what_is_none_goes_to_the_dead_letters() {
        let golden = include_bytes!("../tests/golden/1.0-reminder.fired.json");
        let entry = |id: &str, message: &[u8]| json!({ "entryId": id, "event": STANDARD.encode(message) });
        let many =
            json!({ "entries": [entry("a", golden), entry("b", b"hello"), entry("c", golden)] }).to_string();
        let many = Delivery::read("application/json", many.as_bytes());
        assert_eq!(many.taken_for_hints(), [Status::Success, Status::Drop, Status::Success]);
    }

    #[test]
    fn no_more_than_a_bounded_number_is_read_and_the_others_come_again() {
        let entries: Vec<Value> =
            (0..=MAX_DELIVERED).map(|id| json!({ "entryId": id.to_string(), "event": {} })).collect();
        let body = json!({ "entries": entries }).to_string();
        let delivery = Delivery::read("application/json", body.as_bytes());
        assert_eq!(delivery.events().count(), MAX_DELIVERED);
        let answer = answer(&delivery, &[Status::Success; MAX_DELIVERED]);
        let statuses = answer["statuses"].as_array().unwrap();
        assert_eq!(statuses.len(), MAX_DELIVERED + 1);
        assert_eq!(statuses[MAX_DELIVERED]["status"], "RETRY");
    }

    #[test]
    fn what_cannot_be_read_is_one_event() {
        for body in ["", "no JSON", "[]", "{}", r#"{"entries":[{"event":{}}]}"#] {
            let delivery = Delivery::read("application/json", body.as_bytes());
            assert_eq!(text(delivery.events()), [body]);
            assert_eq!(answer(&delivery, &[Status::Success]), json!({ "status": "SUCCESS" }));
        }
    }
}
