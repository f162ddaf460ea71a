//! Dead letters: what a consumer or a broker gave up on, as it is kept and as it is shown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use perennial_domain::{ErrorClass, LetterStatus, Topic};
use perennial_store::{KeptLetter, Letter};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{CONSUMERS, CloudEvent, MAX_EVENT, hearing, lane_stream};

/// Longest reason kept, in characters.
const MAX_REASON: usize = 500;

/// Longest id, type, subject or stream kept of an event, in characters.
const MAX_NAME: usize = 100;

/// The topic of what came from none of ours.
pub const OTHER_TOPIC: &str = "other";

/// What is said of an event that a broker gave up on.
const BY_THE_BROKER: &str = "given up on by the broker after its retries";

/// Who keeps letters.
const INSTANCE: &str = concat!("perennial/", env!("CARGO_PKG_VERSION"));

/// The topic of this name, if it is one of ours.
pub fn topic_named(name: &str) -> &'static str {
    let topics = [Topic::TaskEvents, Topic::Reminders, Topic::TaskUpdates].map(Topic::name);
    topics.into_iter().find(|topic| *topic == name).unwrap_or(OTHER_TOPIC)
}

/// A message that a consumer can never apply, and why.
pub fn unusable(topic: &str, consumer: &'static str, message: &[u8], reason: &str) -> Letter {
    let letter = letter(topic, message, reason, ErrorClass::Permanent);
    Letter { consumer: Some(consumer), consumers: Vec::new(), hearers: BTreeMap::new(), ..letter }
}

/// A message that a broker has given up to deliver: of whoever acts upon it and has not applied it.
pub fn given_up_by_broker(topic: &str, message: &[u8]) -> Letter {
    match CloudEvent::parse(message) {
        Ok(_) => letter(topic, message, BY_THE_BROKER, ErrorClass::Transient),
        Err(error) => letter(topic, message, &error.to_string(), ErrorClass::Permanent),
    }
}

fn letter(topic: &str, message: &[u8], reason: &str, class: ErrorClass) -> Letter {
    let topic = topic_named(topic);
    // What came from no topic of ours can be sent again to none.
    let event =
        CloudEvent::parse(message).ok().filter(|event| !event.kind.is_empty() && topic != OTHER_TOPIC);
    let blank = Letter {
        topic: topic.to_owned(),
        event_id: digest(message),
        consumer: None,
        consumers: Vec::new(),
        hearers: hearers(topic),
        user: String::new(),
        stream: String::new(),
        sequence: 0,
        kind: String::new(),
        subject: String::new(),
        event: text(message),
        error: reason_of(&match message.len() > MAX_EVENT {
            true => Cow::Owned(format!("{reason}: its first {MAX_EVENT} bytes are kept")),
            false => Cow::Borrowed(reason),
        }),
        error_class: class,
        instance: INSTANCE,
    };
    let Some(event) = event else { return blank };
    let consumers = hearing(topic, &event.kind).map(|consumer| consumer.name).collect();
    // Streams are sent again in turn: a user has one, and its lanes, whatever a message says.
    let lane = lane_stream(&event.userid, &event.subject);
    let stream = if event.stream == lane { &event.stream } else { &event.userid };
    let is_id = (1..=MAX_NAME).contains(&event.id.chars().count());
    Letter {
        event_id: if is_id { event.id } else { blank.event_id },
        consumers,
        user: name(&event.userid),
        stream: name(stream),
        sequence: event.sequence.parse().unwrap_or_default(),
        kind: name(&event.kind),
        subject: name(&event.subject),
        ..blank
    }
}

/// Who acts upon each type of a topic.
fn hearers(topic: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut hearers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for consumer in CONSUMERS.iter().filter(|consumer| consumer.topic == topic) {
        for kind in consumer.types {
            hearers.entry(*kind).or_default().push(consumer.name);
        }
    }
    hearers
}

/// What tells a message from others.
pub(crate) fn digest(message: &[u8]) -> String {
    let digest = Sha256::digest(message);
    digest.iter().take(16).fold("sha256:".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// A message as text, no longer than an event may be. What SQL takes for the end of a text is none.
pub(crate) fn text(message: &[u8]) -> String {
    let mut text =
        String::from_utf8_lossy(message.get(..MAX_EVENT).unwrap_or(message)).replace('\0', "\u{fffd}");
    while text.len() > MAX_EVENT {
        text.pop();
    }
    text
}

fn name(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect()
}

/// A reason on one line, without what it quotes, which may be a user's words, and without who is named in an address.
pub(crate) fn reason_of(reason: &str) -> String {
    let mut said = String::new();
    for (index, part) in reason.split('"').enumerate() {
        said.push_str(if index % 2 == 0 { part } else { "\"…\"" });
    }
    let words: Vec<String> = said.split_whitespace().map(without_user).collect();
    words.join(" ").chars().take(MAX_REASON).collect()
}

/// `scheme://user:password@host` without what comes before the host.
fn without_user(word: &str) -> String {
    match word.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => word.to_owned(),
    }
}

/// A dead letter, as it is shown.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeadLetterRecord {
    #[cfg_attr(feature = "schema", schemars(length(min = 36, max = 36)))]
    dlq_id: String,
    /// The id of the event; of a message that is none, a digest of its text (`sha256:…`).
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    original_event_id: String,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    original_topic: String,
    /// The type of the event; `null` of a message that is none.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    original_type: Option<String>,
    /// The event as it was received: an object, or text where it is no JSON or was cut off. A list does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_event: Option<Value>,
    /// Whose event it is; `null` where it is nobody's.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    user: Option<String>,
    error_context: ErrorContext,
    /// When it was given up last.
    #[cfg_attr(feature = "schema", schemars(length(max = 30), extend("format" = "date-time")))]
    timestamp: String,
    status: LetterStatus,
    /// Since when it is that.
    #[cfg_attr(feature = "schema", schemars(length(max = 30), extend("format" = "date-time")))]
    status_at: String,
    /// How often it was asked to be sent again.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    replays: i64,
}

/// Why an event was given up.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorContext {
    #[cfg_attr(feature = "schema", schemars(length(max = 1000)))]
    error_message: String,
    error_class: ErrorClass,
    /// How often it was given up.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    retry_count: i64,
    #[cfg_attr(feature = "schema", schemars(length(max = 30), extend("format" = "date-time")))]
    first_attempt_at: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 30), extend("format" = "date-time")))]
    last_attempt_at: String,
    /// Who gave it up; `null` where that is not known, or it could not be published.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    consumer_service: Option<String>,
    /// Which build of it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    consumer_instance: Option<String>,
}

impl From<&KeptLetter> for DeadLetterRecord {
    fn from(letter: &KeptLetter) -> Self {
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let event = letter.event.as_deref();
        Self {
            dlq_id: letter.id.clone(),
            original_event_id: letter.event_id.clone(),
            original_topic: letter.topic.clone(),
            original_type: named(&letter.kind),
            original_event: event.map(|event| serde_json::from_str(event).unwrap_or_else(|_| event.into())),
            user: named(&letter.user_id),
            error_context: ErrorContext {
                error_message: letter.error.clone(),
                error_class: letter.error_class,
                retry_count: letter.tries,
                first_attempt_at: letter.first_at.to_string(),
                last_attempt_at: letter.last_at.to_string(),
                consumer_service: named(&letter.consumer),
                consumer_instance: named(&letter.instance),
            },
            timestamp: letter.last_at.to_string(),
            status: letter.status,
            status_at: letter.status_at.to_string(),
            replays: letter.replays,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_tells_no_secret_and_none_of_a_users_words() {
        for (reason, kept) in [
            ("missing field `id` at line 1", "missing field `id` at line 1"),
            ("invalid type: string \"my diary\", expected i64", "invalid type: string \"…\", expected i64"),
            ("an open \"quotation", "an open \"…\""),
            ("redis://me:hush@cache:6379/1 failed", "redis://cache:6379/1 failed"),
            ("two\nlines\tof it", "two lines of it"),
        ] {
            assert_eq!(reason_of(reason), kept);
        }
        assert_eq!(reason_of(&"x".repeat(9_999)).len(), MAX_REASON);
    }

    /// Letters are sent again stream by stream, in turn: whoever names many gets no more turns.
    #[test]
    fn a_letter_is_in_a_stream_of_its_user_whatever_it_says() {
        let lane = lane_stream("ada", "task");
        for (said, kept) in
            [("ada", "ada"), (lane.as_str(), lane.as_str()), ("ada|99", "ada"), ("eve", "ada"), ("", "ada")]
        {
            let event = serde_json::json!({
                "specversion": "1.0", "id": "1", "source": "/perennial/test", "type": "task.created", "subject": "task",
                "time": "2026-11-30T00:00:00Z", "datacontenttype": "application/json",
                "dataschema": "urn:perennial:event:task.created:1.0", "userid": "ada", "stream": said,
                "sequence": "00000000000000000001", "partitionkey": said, "correlationid": "c", "epoch": "e",
                "data": { "schema_version": "1.0" },
            });
            let letter = given_up_by_broker("task-events", event.to_string().as_bytes());
            assert_eq!(
                (letter.user.as_str(), letter.stream.as_str()),
                ("ada", kept),
                "{said}: {}",
                letter.error
            );
        }
    }

    #[test]
    fn a_message_that_is_no_event_is_kept_by_what_it_says() {
        for message in [&b""[..], b"no JSON", b"{}", b"\xff\0\xff", &vec![b' '; MAX_EVENT + 1]] {
            let error = CloudEvent::parse(message).unwrap_err().to_string();
            let kept = unusable("task-events", "recurrence-scheduler", message, &error);
            assert_eq!(
                (kept.kind.as_str(), kept.user.as_str(), kept.consumer),
                ("", "", Some("recurrence-scheduler"))
            );
            assert!(kept.event_id.starts_with("sha256:") && kept.event_id.len() == 39, "{}", kept.event_id);
            assert!(kept.event.len() <= MAX_EVENT && !kept.event.contains('\0'));
            assert_eq!(
                kept.error.ends_with("its first 262144 bytes are kept"),
                message.len() > MAX_EVENT,
                "{}",
                kept.error
            );
            assert_eq!(kept.event_id, given_up_by_broker("task-events", message).event_id, "the same again");
        }
        let one = unusable("task-events", "x", b"one", "");
        assert_ne!(one.event_id, unusable("task-events", "x", b"two", "").event_id);
        assert_eq!(given_up_by_broker("a topic\"} of theirs", b"").topic, OTHER_TOPIC);
    }
}
