//! What things cost: full syncs, statements and guests, counted by the host.

use std::collections::BTreeMap;

use perennial_fixture::sqlite_only;
use perennial_host::Counts;
use perennial_traps::House;
use serde_json::{Value, json};

use crate::{FIRST, bins, created};

const HANDLERS: [&str; 4] =
    ["recurrence-scheduler-redis", "recurrence-scheduler-cron", "notifier-redis", "notifier-cron"];

/// What all components have cost since `before`, and each of them.
async fn since(house: &House, before: &BTreeMap<String, Counts>) -> (Counts, BTreeMap<String, Counts>) {
    let after = house.counts().await;
    let each: BTreeMap<_, _> =
        after.into_iter().map(|(id, cost)| (id.clone(), cost.since(before[&id]))).collect();
    (each.values().copied().sum(), each)
}

/// A quiet house, whose guests have all run before.
async fn house() -> House {
    let house = House::start().await;
    created(&house, &bins(&house)).await;
    house.settle().await;
    house
}

/// How many of the calls since it was asked last begin like this.
fn calls(house: &House, start: &str) -> usize {
    house.switch.calls().iter().filter(|(_, call)| call.starts_with(start)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_with_a_key_costs_one_full_sync_and_at_most_five_statements() {
    sqlite_only!();
    let house = house().await;
    for number in 0..10 {
        let before = house.counts().await;
        created(&house, &bins(&house)).await;
        let (cost, each) = since(&house, &before).await;
        if number == 0 {
            println!("create: {cost:?}");
        }
        assert_eq!(cost.synced_commits, 1, "{each:?}");
        assert!(cost.statements <= 5, "{each:?}");
        assert_eq!(cost.guests, 1, "no handler hears of it: {each:?}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_costs_two_full_syncs_up_to_its_successor() {
    sqlite_only!();
    let house = house().await;
    let id = created(&house, &bins(&house)).await;
    let path = format!("/v1/tasks/{id}");
    for number in 0..10 {
        let (_, task) = house.call("GET", &path, &Value::Null).await;
        let open = task["occurrence"]["recurrence_id"].clone();
        let before = house.counts().await;
        let body = json!({ "recurrence_id": open });
        assert_eq!(house.call("POST", &format!("{path}/complete"), &body).await.0, 200);
        let (cost, each) = since(&house, &before).await;
        if number == 0 {
            println!("complete, up to the successor: {cost:?}");
        }
        let (_, task) = house.call("GET", &path, &Value::Null).await;
        assert!(task["occurrence"].is_object() && task["occurrence"]["recurrence_id"] != open, "{task}");
        assert!(cost.synced_commits <= 2, "{each:?}");
        assert_eq!(cost.guests, 2, "the door and the planner: {each:?}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_with_nothing_due_asks_little_and_writes_nothing() {
    sqlite_only!();
    let house = house().await;
    for clock in ["recurrence-scheduler-cron", "notifier-cron"] {
        let before = house.counts().await;
        house.tick(clock).await;
        let (cost, each) = since(&house, &before).await;
        println!("idle tick of {clock}: {cost:?}");
        assert_eq!((cost.synced_commits, cost.unsynced_commits, cost.guests), (0, 0, 1), "{each:?}");
        assert!(cost.statements <= 3, "{each:?}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_marked_by_the_batch() {
    sqlite_only!();
    let house = house().await;
    for number in 0..20 {
        let due = house.due_in(60 + number);
        created(&house, &json!({ "title": "Soon", "due": due, "reminders": [{ "trigger": "-PT1S" }] })).await;
    }
    house.switch.deafen(&["notifier-redis"]);
    house.pass(120);
    house.switch.calls();
    let before = house.counts().await;
    house.tick("recurrence-scheduler-cron").await;
    let (cost, each) = since(&house, &before).await;
    println!("a tick that fires 20 reminders: {:?}", each["recurrence-scheduler-cron"]);
    assert_eq!(house.number("SELECT count(*) FROM alarm WHERE state = 'fired'"), 20);
    assert!(cost.synced_commits <= 2, "one statement fires all of a round: {each:?}");
    assert_eq!(house.number("SELECT count(*) FROM stream WHERE sequence > published"), 0);
    assert_eq!(calls(&house, "UPDATE stream SET published"), 1);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_no_handler_hears_start_no_guest() {
    sqlite_only!();
    let house = house().await;
    let id = created(&house, &bins(&house)).await;
    let path = format!("/v1/tasks/{id}");
    let before = house.counts().await;
    for (method, suffix, body) in [
        ("PATCH", "", json!({ "title": "Other" })),
        ("POST", "/override", json!({ "recurrence_id": FIRST, "title": "Once" })),
        ("DELETE", "", Value::Null),
    ] {
        let (status, answer) = house.call(method, &format!("{path}{suffix}"), &body).await;
        assert!(status < 300, "{answer}");
    }
    let (_, each) = since(&house, &before).await;
    for handler in HANDLERS {
        assert_eq!(each[handler].guests, 0, "{handler} was woken");
    }
    assert_eq!(
        house.number("SELECT count(*) FROM stream WHERE sequence > published"),
        0,
        "all are published"
    );
    house.stop().await;
}
