//! What arrives at a callback route: one event, as every bus of ours sends it, or several in one of Dapr's envelopes; and the
//! answer (Dapr API reference, "Pub/sub", "Expected HTTP response").

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::EVENT_MEDIA_TYPE;

/// Longest delivery read, in bytes: as much as a sidecar takes from us. An event may be six times as long in it as we wrote it, where a
/// sidecar writes `<` as `\u003c`; subscriptions that take several at once are for topics whose events are short.
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
    One(&'a [u8]),
    /// Several, each with the name by which its status is told.
    Many(Vec<Entry<'a>>),
}

/// One of several events.
#[derive(Debug, Deserialize)]
pub struct Entry<'a> {
    #[serde(rename = "entryId")]
    id: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
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

impl<'a> Delivery<'a> {
    /// Reads a delivery. What is no envelope is taken for an event: whoever reads it says what is wrong with it.
    pub fn read(media_type: &str, body: &'a [u8]) -> Self {
        if media_type.starts_with(EVENT_MEDIA_TYPE) {
            return Self::One(body);
        }
        serde_json::from_slice::<Envelope<'a>>(body)
            .map_or(Self::One(body), |envelope| Self::Many(envelope.entries))
    }

    /// The events, in order.
    pub fn events(&self) -> impl Iterator<Item = &'a [u8]> {
        let (one, many) = match self {
            Self::One(event) => (Some(*event), [].as_slice()),
            Self::Many(entries) => (None, entries.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|entry| entry.event.get().as_bytes())).take(MAX_DELIVERED)
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
        assert_eq!(text(delivery.events()), [r#"{"id":1}"#, r#""bm90IGFuIGV2ZW50""#, r#"{"id":3}"#]);
        let expected = json!({ "statuses": [
            { "entryId": "a", "status": "SUCCESS" },
            { "entryId": "b", "status": "DROP" },
            { "entryId": "c", "status": "RETRY" },
        ] });
        assert_eq!(answer(&delivery, &[Status::Success, Status::Drop]), expected);
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
