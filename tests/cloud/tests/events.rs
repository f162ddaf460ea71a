//! Events alone: no clock ticks, and all that must follow follows from what Kafka carries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::Duration;

use http::{Method, StatusCode};
use perennial_cloud::{App, Cloud, HANDLERS, Record, Setup, deployed};
use perennial_events::{CONSUMERS, CloudEvent, EVENT_MEDIA_TYPE};
use perennial_tests::{Client, SOON, Stream};
use serde_json::Value;

use crate::series::{Series, of_users};

/// From a completion to what follows it.
const AT_MOST: Duration = Duration::from_secs(5);

/// How often each series is completed.
const TIMES: usize = 5;

const TOPICS: [&str; 3] = ["task-events", "reminders", "task-updates"];

#[test]
fn what_must_follow_follows_from_events_alone() {
    let Some(cloud) = Cloud::start(Setup { clock: false, ..Setup::default() }) else { return };
    hears_what_consumers_hear(&cloud);
    answers_through_the_sidecars(&cloud);

    let users = ["Ada", "Ben", "Cleo", "Dan", "Eve"].map(|name| cloud.user(name));
    // The first waits until the consumers have joined their groups.
    let mut first = Series::create(&users[0], "the first");
    first.go_on(SOON);
    is_told_as_it_happens(&cloud, &users[0], &mut first);
    let mut took = thread::scope(|scope| {
        let running: Vec<_> = of_users(&users, 3)
            .into_iter()
            .map(|mut series| {
                scope.spawn(move || {
                    let took: Vec<_> = (0..TIMES).map(|_| series.go_on(AT_MOST)).collect();
                    series.has_been_completed(TIMES);
                    took
                })
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    took.sort_unstable();
    println!(
        "over Kafka alone, from a 200 to what follows: median {:?}, longest {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    );

    let records: Vec<_> = TOPICS.iter().map(|topic| (*topic, cloud.topic(topic))).collect();
    for (topic, records) in &records {
        println!("{topic}: {} messages", records.len());
        records.iter().for_each(is_the_event_itself);
        first_appearances_are_in_order(records);
    }
    let published: BTreeSet<String> =
        records.iter().flat_map(|(_, records)| records.iter().map(|record| event(record).id)).collect();
    assert_eq!(published.len() as i64, cloud.database().events(), "every event is on its topic");
    for topic in TOPICS {
        assert!(cloud.topic(&format!("{topic}-dlq")).is_empty(), "no event of {topic} was given up");
    }
}

/// What follows a completion, which Kafka alone has brought, is told on the stream of an application of its own.
fn is_told_as_it_happens(cloud: &Cloud, user: &Client, series: &mut Series) {
    let address = cloud.app("live").address();
    let address = address.strip_prefix("http://").unwrap();
    let mut stream = Stream::open(address, user.token().unwrap(), "", &[]).unwrap();
    assert_eq!((stream.status, stream.event(SOON).1.as_str()), (200, "ready"));
    series.go_on(AT_MOST);
    let told = [stream.event(SOON).1, stream.event(SOON).1];
    assert_eq!(told, ["task.completed", "occurrence.opened"]);
}

pub(crate) fn event(record: &Record) -> CloudEvent {
    CloudEvent::parse(record.value.as_bytes()).unwrap()
}

/// What the relay took from the store is what lies on Kafka, letter by letter, and a reader knows it for an event.
fn is_the_event_itself(record: &Record) {
    let event = event(record);
    assert_eq!(serde_json::to_string(&event).unwrap(), record.value);
    assert_eq!(record.key, event.partitionkey);
    assert_eq!(record.headers["content-type"], EVENT_MEDIA_TYPE);
}

fn first_appearances_are_in_order(records: &[Record]) {
    let mut last: BTreeMap<String, (i32, String)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in records {
        let event = event(record);
        if !seen.insert(event.id) {
            continue;
        }
        let now = (record.partition, event.sequence);
        if let Some(before) = last.insert(event.stream.clone(), now.clone()) {
            assert!(before.0 == now.0 && before.1 < now.1, "{}: {before:?}, then {now:?}", event.stream);
        }
    }
}

/// Topic, route and dead letter topic of what an application hears, as its sidecar tells it.
fn heard(app: &App) -> BTreeSet<(String, String, String)> {
    let metadata = app.call(Method::GET, "/v1.0/metadata").unwrap().json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let none = Vec::new();
    let subscriptions = metadata["subscriptions"].as_array().unwrap_or(&none);
    subscriptions
        .iter()
        .map(|one| {
            let [rule] = &one["rules"].as_array().unwrap()[..] else { panic!("one route each: {one}") };
            assert_eq!(text(&rule["match"]), "", "a whole topic: {one}");
            assert_eq!(one["metadata"]["rawPayload"], "true", "as it was sent: {one}");
            (text(&one["topic"]), text(&rule["path"]), text(&one["deadLetterTopic"]))
        })
        .collect()
}

/// The subscriptions are the list of consumers, and those to what was given up.
fn hears_what_consumers_hear(cloud: &Cloud) {
    let topics: Value = serde_json::from_slice(&fs::read(deployed("topics.json")).unwrap()).unwrap();
    let declared: BTreeSet<&str> =
        topics.as_array().unwrap().iter().map(|topic| topic["name"].as_str().unwrap()).collect();
    let mut expected: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
    for consumer in CONSUMERS {
        let dead_letters = format!("{}-dlq", consumer.topic);
        assert!(
            declared.contains(consumer.topic) && declared.contains(dead_letters.as_str()),
            "{consumer:?}"
        );
        // What is a hint alone leaves no dead letters.
        let dead_letters = if consumer.types.is_empty() { String::new() } else { dead_letters };
        let one = (consumer.topic.to_owned(), consumer.route.to_owned(), dead_letters);
        expected.entry(consumer.name).or_default().insert(one);
    }
    let keeper = expected.entry("recurrence-scheduler").or_default();
    for topic in TOPICS {
        keeper.insert((format!("{topic}-dlq"), format!("/events/dead-letters/{topic}"), String::new()));
    }
    for name in HANDLERS {
        assert_eq!(heard(cloud.app(name)), expected.remove(name).unwrap_or_default(), "{name}");
    }
    assert!(expected.is_empty(), "nobody runs {expected:?}");
}

fn answers_through_the_sidecars(cloud: &Cloud) {
    for name in HANDLERS {
        let answer = cloud.app(name).call(Method::GET, "/v1.0/invoke/task-api/method/healthz");
        let answer = answer.unwrap_or_else(|| panic!("{name} reaches task-api"));
        assert_eq!(answer.ok(StatusCode::OK)["status"], "ok");
    }
}
