//! A user with too many events for one partition, beside one who has few.

use std::collections::{BTreeMap, BTreeSet};

use perennial_cloud::{Cloud, Record, Setup};
use perennial_events::{CloudEvent, lane_stream};
use perennial_tests::{Client, SOON, until};

use crate::series::{Series, of_users};

/// Series of each user, and how often each is completed.
const SERIES: usize = 12;
const TIMES: usize = 3;

/// The owner is hot; whoever is made later is not.
const HOT: &str = "admin";

#[test]
fn the_events_of_a_hot_user_spread_over_partitions_and_each_stream_keeps_its_order() {
    let Some(cloud) = Cloud::start(Setup { clock: false, hot_users: HOT, ..Setup::default() }) else {
        return;
    };
    let users = [cloud.owner(), cloud.user("Ben")];
    // The first waits until the consumers have joined their groups.
    Series::create(&users[1], "the first").go_on(SOON);
    std::thread::scope(|scope| {
        for mut series in of_users(&users, SERIES) {
            scope.spawn(move || {
                for _ in 0..TIMES {
                    series.go_on(SOON);
                }
                series.has_been_completed(TIMES);
            });
        }
    });

    let waits = "SELECT count(*) FROM stream WHERE sequence > published";
    until("all events are published", SOON, || (cloud.database().number(waits, []) == 0).then_some(()));
    let records = cloud.topic("task-events");
    let (hot, others): (Vec<Record>, Vec<Record>) =
        records.into_iter().partition(|record| event(record).userid == HOT);
    let (lanes, streams) = (chains(&hot), chains(&others));
    let expected: BTreeSet<String> =
        hot.iter().map(|record| lane_stream(HOT, &event(record).subject)).collect();
    assert_eq!(lanes.keys().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(lanes.len() > 1 && lanes.values().collect::<BTreeSet<_>>().len() > 1, "{lanes:?}");
    assert!(
        streams.keys().all(|stream| others.iter().any(|record| event(record).userid == *stream)),
        "{streams:?}"
    );
    println!("{} events of the hot user in {} streams: {lanes:?}", hot.len(), lanes.len());

    let ids: BTreeSet<String> = hot.iter().map(|record| event(record).id).collect();
    let told: BTreeSet<String> = log(&users[0]).into_iter().map(|event| event.id).collect();
    assert_eq!(ids, told, "every event is on its topic");
    assert!(cloud.topic("task-events-dlq").is_empty(), "no event was given up");
}

/// The events of the topic, as their user reads them: in one stream.
fn log(user: &Client) -> Vec<CloudEvent> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = user.get(format!("/v1/events?limit=200&after={after}"));
        let next: Vec<CloudEvent> = serde_json::from_value(page["items"].clone()).unwrap();
        if next.is_empty() {
            return events;
        }
        assert!(next.iter().all(|event| event.stream == HOT));
        after = page["next_after"].as_i64().unwrap();
        events.extend(next);
    }
}

fn event(record: &Record) -> CloudEvent {
    CloudEvent::parse(record.value.as_bytes()).unwrap()
}

/// The partition of each stream. Its first appearances are in order, and each says which one came before it.
fn chains(records: &[Record]) -> BTreeMap<String, i32> {
    let mut last: BTreeMap<String, (i32, String)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in records {
        let event = event(record);
        assert_eq!((&record.key, &event.partitionkey), (&event.stream, &event.stream));
        if !seen.insert(event.id) {
            continue;
        }
        let now = (record.partition, event.sequence);
        let before = last.insert(event.stream.clone(), now.clone());
        assert!(
            before.as_ref().is_none_or(|before| before.0 == now.0 && before.1 < now.1),
            "{before:?}, then {now:?}"
        );
        assert_eq!(event.previous, before.map(|before| before.1), "{now:?} of {}", event.stream);
    }
    last.into_iter().map(|(stream, (partition, _))| (stream, partition)).collect()
}
