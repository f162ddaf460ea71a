//! The envelope: CloudEvents 1.0 in JSON, with the extension attributes that order and trace an event.

use perennial_store::WaitingEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::lane_stream;

/// The media type of an event (CloudEvents JSON format 1.0, structured mode).
pub const EVENT_MEDIA_TYPE: &str = "application/cloudevents+json";

/// Version of the data of every event; additive changes only.
const SCHEMA_VERSION: &str = "1.0";

/// Longest event read, in bytes.
pub const MAX_EVENT: usize = 256 * 1024;

/// An event as it travels. Attributes that a reader does not know are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "named by CloudEvents 1.0; the extension attributes are described in docs/events.md"
)]
pub struct CloudEvent {
    pub specversion: String,
    pub id: String,
    pub source: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    pub time: String,
    pub datacontenttype: String,
    pub dataschema: String,
    pub userid: String,
    pub stream: String,
    pub sequence: String,
    /// Empty where a build sent it that knew none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    pub partitionkey: String,
    pub correlationid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotencykey: Option<String>,
    pub data: Value,
}

/// A message that is no event.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// Not a CloudEvent of ours.
    #[error("not a CloudEvent: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Too long to be one.
    #[error("longer than the {MAX_EVENT} bytes of the longest event")]
    TooLong,
}

impl CloudEvent {
    /// Reads an event from a message.
    pub fn parse(message: &[u8]) -> Result<Self, EnvelopeError> {
        if message.len() > MAX_EVENT {
            return Err(EnvelopeError::TooLong);
        }
        Ok(serde_json::from_slice(message)?)
    }

    /// Puts it into another stream, after another event.
    pub(crate) fn move_to(&mut self, stream: String, previous: Option<i64>) {
        self.partitionkey.clone_from(&stream);
        self.stream = stream;
        self.previous = previous.map(padded);
    }

    /// Puts it where it was when it was received, if that is its lane: an event is the same however often it is sent.
    pub(crate) fn where_received(mut self, received: &Self) -> Self {
        let comes_before = |previous: &String| {
            previous.len() == self.sequence.len()
                && previous.bytes().all(|byte| byte.is_ascii_digit())
                && *previous < self.sequence
        };
        if received.id == self.id
            && received.stream == lane_stream(&self.stream, &self.subject)
            && received.previous.as_ref().is_none_or(comes_before)
        {
            self.partitionkey.clone_from(&received.stream);
            self.stream.clone_from(&received.stream);
            self.previous.clone_from(&received.previous);
        }
        self
    }
}

impl From<WaitingEvent> for CloudEvent {
    fn from(event: WaitingEvent) -> Self {
        let mut data = event.data;
        if let Value::Object(members) = &mut data {
            members.insert("schema_version".to_owned(), SCHEMA_VERSION.into());
        }
        Self {
            specversion: "1.0".to_owned(),
            id: event.event_id,
            source: format!("/perennial/{}", component(&event.kind)),
            dataschema: format!("urn:perennial:event:{}:{SCHEMA_VERSION}", event.kind),
            kind: event.kind,
            subject: event.subject,
            time: event.at.to_string(),
            datacontenttype: "application/json".to_owned(),
            userid: event.user.as_str().to_owned(),
            partitionkey: event.stream.as_str().to_owned(),
            stream: event.stream.as_str().to_owned(),
            sequence: padded(event.sequence),
            epoch: event.epoch,
            previous: event.previous.map(padded),
            correlationid: event.correlation_id,
            causationid: event.causation_id,
            traceparent: event.traceparent,
            idempotencykey: event.idempotency_key,
            data,
        }
    }
}

/// The component whose work an event reports.
fn component(kind: &str) -> &'static str {
    match kind.split('.').next() {
        Some("task") => "task-api",
        Some("notification") => "notifier",
        _ => "recurrence-scheduler",
    }
}

/// Sequences are text of one length, so that readers may compare them as text.
fn padded(sequence: i64) -> String {
    format!("{sequence:020}")
}
