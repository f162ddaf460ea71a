//! What no sidecar can read: it is kept, and what stands behind it in its partition arrives.

use std::collections::BTreeSet;
use std::time::Duration;

use perennial_cloud::{Cloud, Setup};
use perennial_tests::{SOON, until};
use serde_json::{Value, json};

use crate::series::Series;

/// From a message to its letter: one that the notifier is sent goes by way of its dead letter topic.
const AT_MOST: Duration = Duration::from_secs(60);

const TOPICS: [&str; 4] = ["task-events", "task-events-dlq", "reminders", "reminders-dlq"];

#[test]
fn what_no_sidecar_can_read_is_kept_and_holds_up_nothing() {
    let Some(cloud) = Cloud::start(Setup { clock: false, ..Setup::default() }) else { return };
    let user = cloud.user("Ada");
    let key = user.get("/v1/me")["id"].as_str().unwrap().to_owned();
    let mut series = Series::create(&user, "behind it");
    series.go_on(SOON);

    let mut expected = BTreeSet::new();
    for topic in TOPICS {
        let last = format!("the last on {topic}");
        let put = |message: &String| cloud.kafka.put(topic, &key, message);
        let messages = [format!("hello {topic}"), json!([topic]).to_string(), json!(topic).to_string(), last];
        let partitions: BTreeSet<i32> = messages.iter().map(put).collect();
        assert_eq!(partitions.len(), 1, "{topic}: one partition, and one behind the other");
        expected.extend(messages.map(|message| (topic.trim_end_matches("-dlq").to_owned(), shown(&message))));
    }
    // An event of the user's own comes behind them.
    series.go_on(AT_MOST);
    let events = cloud.topic("task-events");
    let place = |start: &str| events.iter().rfind(|record| record.value.starts_with(start)).unwrap();
    let (unread, event) = (place("the last"), place("{"));
    assert!(unread.partition == event.partition && unread.offset < event.offset, "{unread:?}, {event:?}");

    let owner = cloud.owner();
    let kept = || -> BTreeSet<(String, String)> {
        let letters = owner.all("/v1/dead-letters");
        let ids = letters.iter().map(|letter| letter["dlq_id"].as_str().unwrap());
        let whole = ids.map(|id| owner.get(format!("/v1/dead-letters/{id}")));
        let topic = |letter: &Value| letter["original_topic"].as_str().unwrap().to_owned();
        whole.map(|letter| (topic(&letter), letter["original_event"].to_string())).collect()
    };
    until("all of them are kept", AT_MOST, || {
        let missing: Vec<_> = expected.difference(&kept()).cloned().collect();
        missing.is_empty().then_some(())
    });
}

/// A message as its letter shows it.
fn shown(message: &str) -> String {
    serde_json::from_str(message).unwrap_or_else(|_| json!(message)).to_string()
}
