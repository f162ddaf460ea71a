//! An item that brings down whoever takes it is given up in the end, and holds up nobody behind it.

use perennial_fixture::sqlite_only;
use perennial_host::{Call, Moment, Point};
use perennial_tests::Receiver;
use perennial_traps::House;
use serde_json::json;

use crate::{bins, completed, created};

/// Items behind the one that brings everything down.
const OTHERS: usize = 12;

/// Traps whichever guest of `component` has claimed the item `kind` of `task`, as soon as it acts upon what it claimed: by a
/// write, or by a request to a receiver. What it decides before that is lost with it.
fn poison(house: &House, component: &'static str, kind: &str, task: &str) {
    let database = rusqlite::Connection::open(house.database()).unwrap();
    let query = format!("SELECT tries FROM work WHERE task_id = '{task}' AND kind = '{kind}'");
    let (mut seen, mut holder) = (0, None);
    house.switch.always(move |who, point: &Point<'_>| {
        if who != component {
            return false;
        }
        match point.call {
            Call::Sqlite { statement } if statement.starts_with("INSERT INTO claim_") => {
                let tries = database.query_row(&query, [], |row| row.get(0)).unwrap_or(seen);
                if point.moment == Moment::After && std::mem::replace(&mut seen, tries) < tries {
                    holder = Some(point.invocation);
                }
                false
            }
            Call::Sqlite { statement } if !statement.starts_with("INSERT INTO write_") => false,
            Call::Redis { .. } => false,
            _ => holder == Some(point.invocation) && point.moment == Moment::Before,
        }
    });
}

/// Lets rounds pass until the item is parked; gives how many, and after how many of them the others were done.
async fn rounds_until_parked(house: &House, task: &str, waiting: &str) -> (u32, u32) {
    let mut others = None;
    for round in 1..=40 {
        house.round().await;
        if others.is_none() && house.number(&format!("SELECT count(*) FROM {waiting}")) == 0 {
            others = Some(round);
        }
        if house
            .number(&format!("SELECT count(*) FROM work WHERE task_id = '{task}' AND parked_at IS NOT NULL"))
            == 1
        {
            return (round, others.unwrap_or(u32::MAX));
        }
    }
    let state = house.text(&format!("SELECT json_group_array(json_array(kind, tries, unsettled, wake_at)) FROM work WHERE task_id = '{task}'"));
    panic!("not parked after 40 rounds: {state}");
}

/// What it came to in the end.
async fn assert_given_up(house: &House, kind: &str, task: &str, (rounds, others): (u32, u32)) {
    let traps = house.switch.leave();
    println!("{kind}: others done after {others} rounds, given up after {rounds}, {traps} guests trapped");
    assert!(others <= 3, "what was behind it was done after {others} rounds only");
    assert!((5..=12).contains(&traps), "{traps} guests were trapped");
    let (status, parked) = house.call("GET", "/v1/parked", &json!(null)).await;
    assert_eq!((status, &parked["total"]), (200, &json!(1)), "{parked}");
    assert_eq!((&parked["items"][0]["kind"], &parked["items"][0]["task_id"]), (&json!(kind), &json!(task)));
    house.assert_whole("again and again");

    // What brought its handlers down is mended: tried again, it is done.
    let item = parked["items"][0]["id"].as_str().unwrap();
    assert_eq!(house.call("POST", &format!("/v1/parked/{item}/retry"), &json!(null)).await.0, 204);
    house.settle().await;
    house.assert_done("a retry");
    assert_eq!(house.number("SELECT count(*) FROM work WHERE parked_at IS NOT NULL"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_traps_its_planner_is_parked_and_those_behind_it_are_planned() {
    sqlite_only!();
    let house = House::start().await;
    house.switch.deafen(&["recurrence-scheduler-redis"]);
    let mut ids = Vec::new();
    for _ in 0..=OTHERS {
        let id = created(&house, &bins(&house)).await;
        completed(&house, &id).await;
        ids.push(id);
    }
    house.switch.deafen(&[]);
    poison(&house, "recurrence-scheduler-cron", "successor", &ids[0]);
    let waiting = format!("occurrence WHERE succession = 'pending' AND task_id <> '{}'", ids[0]);
    let rounds = rounds_until_parked(&house, &ids[0], &waiting).await;
    assert_given_up(&house, "successor", &ids[0], rounds).await;
    assert_eq!(
        house.number("SELECT count(*) FROM occurrence WHERE predecessor IS NOT NULL"),
        i64::try_from(ids.len()).unwrap()
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_traps_whoever_fires_it_is_parked_and_those_behind_it_fire() {
    sqlite_only!();
    let house = House::start().await;
    let ids = reminded(&house).await;
    poison(&house, "recurrence-scheduler-cron", "reminder", &ids[0]);
    let waiting = format!("alarm WHERE state = 'armed' AND task_id <> '{}'", ids[0]);
    let rounds = rounds_until_parked(&house, &ids[0], &waiting).await;
    assert_given_up(&house, "reminder", &ids[0], rounds).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_traps_its_notifier_is_parked_and_those_behind_it_are_delivered() {
    sqlite_only!();
    let house = House::start().await;
    let receiver = Receiver::start();
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    assert_eq!(house.call("POST", "/v1/channels", &channel).await.0, 201);
    let ids = reminded(&house).await;
    house.switch.deafen(&["notifier-redis"]);
    house.pass(3_600);
    house.tick("recurrence-scheduler-cron").await;
    poison(&house, "notifier-cron", "notification", &ids[0]);
    let waiting = format!("notification_v2 WHERE state = 'pending' AND task_id <> '{}'", ids[0]);
    let rounds = rounds_until_parked(&house, &ids[0], &waiting).await;
    assert_given_up(&house, "notification", &ids[0], rounds).await;
    let delivered = house.number("SELECT count(*) FROM notification_v2 WHERE state = 'delivered'");
    assert_eq!(delivered, i64::try_from(ids.len()).unwrap());
    house.stop().await;
}

/// Tasks whose reminders come due within the hour, the first one's first.
async fn reminded(house: &House) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..=OTHERS {
        let due = house.due_in(60 + i64::try_from(number).unwrap());
        ids.push(
            created(house, &json!({ "title": "Soon", "due": due, "reminders": [{ "trigger": "-PT1S" }] }))
                .await,
        );
    }
    ids
}
