//! The clock alone: nobody hears an event, and all that is due or owed is found by the jobs of the Dapr Scheduler.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use http::StatusCode;
use perennial_cloud::{Cloud, Setup};
use perennial_tests::{Receiver, SOON};
use serde_json::json;

use crate::series::of_users;

/// From a completion to what follows it: a tick comes every second.
const AT_MOST: Duration = Duration::from_secs(5);

/// How late a webhook may come.
const LATE: Duration = Duration::from_secs(5);

#[test]
fn the_clock_alone_finds_what_is_due_and_owed() {
    let Some(cloud) = Cloud::start(Setup { events: false, ..Setup::default() }) else { return };
    // Said again, it is said once.
    cloud.begin_clock();
    let users = ["Ada", "Ben"].map(|name| cloud.user(name));
    let receiver = Receiver::start();
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    users[0].post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
    let due = Utc::now() + TimeDelta::seconds(3);
    users[0].create(&json!({
        "title": "Water the plants",
        "due": { "local": due.format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }],
    }));

    let mut series = of_users(&users, 3);
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        series.iter().for_each(|one| one.complete());
        for one in &mut series {
            longest = longest.max(one.wait_for_next(AT_MOST));
        }
    }
    series.iter().for_each(|one| one.has_been_completed(3));
    println!("by the clock alone, to what follows: longest {longest:?}");

    receiver.wait_for(1, SOON);
    let late = (Utc::now() - due).to_std().unwrap_or_default();
    println!("by the clock alone, a webhook: {late:?} at most after it was due");
    assert!(late < LATE + longest * 3, "{late:?}");
    assert_eq!(receiver.deliveries().len(), 1);
}
