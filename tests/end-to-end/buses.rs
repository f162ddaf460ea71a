//! A bus that hangs, and events that are large, cost nobody anything.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use perennial_tests::{Client, Receiver, Redis, SOON, Service, Setup, flood, until};
use serde_json::json;

use crate::path::{channel, due_in, next_occurrence};

/// More writes than guests may run at once: none may be held by the one before it.
const WRITES: usize = 1_200;

/// What one write may take beside a bus that hangs. On an idle machine it takes milliseconds; a bus that is waited for
/// takes its whole time limit.
const FULL_SPEED: Duration = Duration::from_secs(2);

#[test]
fn a_redis_that_hangs_costs_neither_answers_nor_reminders() {
    let Some(redis) = Redis::start() else { return };
    let variables = vec![("redis_url", redis.url()), ("redis_host", redis.url())];
    let service = Service::with(Setup { variables, ..Setup::default() });
    let user = service.user("Ada");
    let receiver = Receiver::start();
    channel(&user, &receiver);
    redis.hang();

    let mut taken = flood(WRITES, |number| {
        let start = Instant::now();
        user.create(&json!({ "title": format!("Task {number}") }));
        start.elapsed()
    });
    taken.sort_unstable();
    println!("beside a hung Redis: median {:?}, longest {:?}", taken[WRITES / 2], taken[WRITES - 1]);
    assert!(taken[WRITES / 2] < FULL_SPEED, "half of the writes took longer than {:?}", taken[WRITES / 2]);

    let task = user.create(&due_in(2));
    receiver.wait_for(1, SOON);
    let first = task["occurrence"]["recurrence_id"].as_str().unwrap();
    let id = task["id"].as_str().unwrap();
    user.complete(id, first).ok(StatusCode::OK);
    next_occurrence(&user, id, first);
}

/// How long Redis is away, and how long there are writes before and after.
const AWAY: Duration = Duration::from_secs(30);
const BESIDE: Duration = Duration::from_secs(4);
const BETWEEN: Duration = Duration::from_millis(100);

#[test]
fn a_redis_that_is_away_for_half_a_minute_loses_nothing() {
    let Some(mut redis) = Redis::start() else { return };
    let variables = vec![("redis_url", redis.url()), ("redis_host", redis.url())];
    let service = Service::with(Setup { variables, ..Setup::default() });
    let user = service.user("Ada");
    let receiver = Receiver::start();
    channel(&user, &receiver);
    let series = json!({
        "title": "Daily", "due": { "local": "2031-03-13T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=DAILY" },
    });
    let series = user.create(&series)["id"].as_str().unwrap().to_owned();

    let (mut completions, mut reminders, mut longest) = (0, 0, Duration::ZERO);
    let mut writes = |limit: Duration| {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            user.create(&due_in(1));
            let open = user.get(format!("/v1/tasks/{series}"))["occurrence"]["recurrence_id"].clone();
            let open = open.as_str().unwrap();
            let completed = Instant::now();
            user.complete(&series, open).ok(StatusCode::OK);
            next_occurrence(&user, &series, open);
            longest = longest.max(completed.elapsed());
            (completions, reminders) = (completions + 1, reminders + 1);
            thread::sleep(BETWEEN);
        }
    };
    writes(BESIDE);
    redis.stop();
    writes(AWAY);
    let database = service.database();
    let waiting = || database.number("SELECT coalesce(sum(sequence - published), 0) FROM stream", []);
    assert!(waiting() > 100, "what was committed meanwhile waits for Redis");
    redis.start_again();
    writes(BESIDE);
    println!("{completions} completions, what follows after {longest:?} at most; {reminders} reminders");

    until("every event is published", SOON, || (waiting() == 0).then_some(()));
    receiver.wait_for(reminders, SOON);
    until("nothing waits to be delivered", SOON, || {
        user.all("/v1/notifications").iter().all(|one| one["state"] == "delivered").then_some(())
    });
    let came = receiver.deliveries();
    let ids: BTreeSet<&str> = came.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!((came.len(), ids.len()), (reminders, reminders), "each reminder once");
    assert_eq!(user.all(&format!("/v1/tasks/{series}/occurrences")).len(), completions + 1);
    assert_eq!(database.number("SELECT count(*) FROM dead_letter", []), 0);
}

/// A task as large as its limits allow, in characters of four bytes: its event is larger than the request was.
fn large(user: &Client) -> String {
    let task = json!({
        "title": "🌱".repeat(350), "description": "🌱".repeat(16_000),
        "due": { "local": "2027-03-13T09:00:00", "tz": "UTC" }, "recurrence": { "rrule": "FREQ=DAILY" },
    });
    let size = task.to_string().len();
    assert!((65_400..65_536).contains(&size), "{size} bytes");
    user.create(&task)["id"].as_str().unwrap().to_owned()
}

/// Large events, then a small one behind them: all of them are published, and the clock is well.
fn large_events_do_not_block_their_stream(setup: Setup) {
    let service = Service::with(setup);
    let user = service.user("Ada");
    let receiver = Receiver::start();
    channel(&user, &receiver);
    let id = large(&user);
    let path = format!("/v1/tasks/{id}");
    user.call(Method::PATCH, &path).json(&json!({ "priority": "high" })).answer().ok(StatusCode::OK);
    user.create(&due_in(1));

    let database = service.database();
    until("every event is published", SOON, || {
        (database.number("SELECT count(*) FROM stream WHERE sequence > published", []) == 0).then_some(())
    });
    service.sweep().ok(StatusCode::OK);
    receiver.wait_for(1, SOON);
    let first = "2027-03-13T09:00:00[UTC]";
    user.complete(&id, first).ok(StatusCode::OK);
    next_occurrence(&user, &id, first);
}

#[test]
fn large_events_do_not_block_their_stream_on_the_in_process_bus() {
    large_events_do_not_block_their_stream(Setup::default());
}

#[test]
fn large_events_do_not_block_their_stream_on_the_applications_own_routes() {
    let variables = vec![("bus", "local".to_owned())];
    large_events_do_not_block_their_stream(Setup { variables, ..Setup::default() });
}
