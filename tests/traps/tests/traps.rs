//! Whichever call to its host a handler is trapped at, before or after the call has had its effect: the write is there
//! whole or not at all, the next request does not notice, and the work is finished by itself.

use perennial_host::Moment;
use perennial_traps::House;
use serde_json::{Value, json};

/// More calls than any handler makes.
const MANY: u64 = 200;

const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

/// What must be so after every single trap, whatever was under way.
fn assert_whole(house: &House, at: &str) {
    for (broken, query) in [
        (
            "a task without an occurrence",
            "task AS t WHERE NOT EXISTS (SELECT 1 FROM occurrence WHERE task_id = t.id)",
        ),
        (
            "a task without its event",
            "task AS t WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE subject = t.id AND type = 'task.created')",
        ),
        (
            "a completion without its event",
            "occurrence AS o WHERE status = 'done' AND NOT EXISTS (SELECT 1 FROM outbox WHERE subject = o.task_id \
             AND type = 'task.completed' AND data ->> 'recurrence_id' = o.recurrence_id)",
        ),
        (
            "a fired alarm without its notification",
            "alarm AS a WHERE state = 'fired' AND NOT EXISTS (SELECT 1 FROM notification_v2 AS n WHERE \
             (n.task_id, n.recurrence_id, n.reminder_id) = (a.task_id, a.recurrence_id, a.reminder_id))",
        ),
        (
            "a planned successor that is not there",
            "occurrence AS o WHERE succession = 'planned' AND NOT EXISTS (SELECT 1 FROM occurrence AS s \
             WHERE s.task_id = o.task_id AND s.predecessor = o.recurrence_id)",
        ),
        (
            "an occurrence with two successors",
            "(SELECT 1 FROM occurrence WHERE predecessor IS NOT NULL \
             GROUP BY task_id, predecessor HAVING count(*) > 1)",
        ),
        (
            "a gap in a stream",
            "stream AS s WHERE sequence <> (SELECT count(*) FROM outbox WHERE stream_id = s.id)",
        ),
        (
            "an event without its audit entry",
            "(SELECT 1 WHERE (SELECT count(*) FROM audit) < \
             (SELECT count(DISTINCT correlation_id) FROM outbox))",
        ),
    ] {
        assert_eq!(house.number(&format!("SELECT count(*) FROM {query}")), 0, "{broken}, after a trap {at}");
    }
}

fn bins(house: &House) -> Value {
    json!({
        "title": format!("Bins {}", house.fresh()),
        "due": { "local": "2026-11-23T07:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=WEEKLY" },
        "reminders": [{ "trigger": "-PT30M" }],
    })
}

async fn created(house: &House) -> String {
    let (status, task) = house.call("POST", "/v1/tasks", &bins(house)).await;
    assert_eq!(status, 201, "{task}");
    house.idle().await;
    task["id"].as_str().unwrap().to_owned()
}

const FIRST: &str = "2026-11-23T07:00:00[Europe/Berlin]";

/// Traps task-api at each of its calls while it carries out one kind of write, and lets `check` look at what is there.
async fn trap_writes(house: &House, kind: &str) -> u64 {
    let mut traps = 0;
    for moment in MOMENTS {
        for index in 0..MANY {
            let (method, suffix, body) = match kind {
                "create" => ("POST", "", bins(house)),
                "complete" => ("POST", "/complete", json!({ "recurrence_id": FIRST })),
                "update" => {
                    ("PATCH", "", json!({ "due": { "local": "2026-11-24T07:00:00" }, "tags": ["x"] }))
                }
                _ => ("DELETE", "", Value::Null),
            };
            let id = if kind == "create" { None } else { Some(created(house).await) };
            let path = id.as_ref().map_or("/v1/tasks".to_owned(), |id| format!("/v1/tasks/{id}{suffix}"));
            let tasks_before = house.number("SELECT count(*) FROM task");

            // What a guest that was trapped before left is finished, so that this one gets as far as it can.
            house.settle().await;
            house.switch.arm("task-api", moment, index);
            let (status, answer) = house.call(method, &path, &body).await;
            house.idle().await;
            let trapped = house.switch.disarm();
            let at = format!("{moment:?} call {index} of {kind}");
            assert_whole(house, &at);
            assert!(status < 300 || (trapped && status == 500), "{at}: {status} {answer}");

            if kind == "create" {
                let made = house.number("SELECT count(*) FROM task") - tasks_before;
                assert!(made == 1 || (status == 500 && made == 0), "{at}: {status}, and {made} tasks");
            }
            // The next request is not touched by it, and gives the same answer as if nothing had happened.
            if let Some(id) = &id {
                let (again, answer) = house.call(method, &path, &body).await;
                let expected: &[u16] = if method == "DELETE" { &[204, 404] } else { &[200] };
                assert!(expected.contains(&again), "{at}, then: {again} {answer}");
                let (status, _) = house.call("GET", &format!("/v1/tasks/{id}"), &Value::Null).await;
                assert_eq!(status, if method == "DELETE" { 404 } else { 200 }, "{at}");
            } else {
                created(house).await;
            }
            if !trapped {
                break;
            }
            traps += 1;
            assert!(index + 1 < MANY, "{kind} makes more calls than this test traps");
        }
    }
    traps
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_trapped_anywhere_is_whole_or_not_there() {
    let house = House::start().await;
    for kind in ["create", "complete", "update", "delete"] {
        let traps = trap_writes(&house, kind).await;
        println!("task-api, {kind}: trapped at {traps} points");
        assert!(traps >= 14, "{kind} was trapped at {traps} points only");
    }
    house.settle().await;
    assert_whole(&house, "anywhere, once settled");
    let owed = house.number("SELECT count(*) FROM occurrence WHERE succession = 'pending'");
    assert_eq!(owed, 0, "successors are still owed");
    assert_eq!(
        house.number("SELECT count(*) FROM stream WHERE sequence > published"),
        0,
        "events still wait"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_events_and_of_the_clock_may_be_trapped_anywhere() {
    let house = House::start().await;
    let mut traps = 0;
    for component in
        ["recurrence-scheduler-redis", "recurrence-scheduler-cron", "notifier-redis", "notifier-cron"]
    {
        for moment in MOMENTS {
            for index in 0..MANY {
                // Something to do for each: a completion, a reminder that comes due, a notification.
                let id = created(&house).await;
                house.settle().await;
                house.switch.arm(component, moment, index);
                let done = json!({ "recurrence_id": FIRST });
                let (status, _) = house.call("POST", &format!("/v1/tasks/{id}/complete"), &done).await;
                assert_eq!(status, 200);
                house.idle().await;
                let at = format!("{moment:?} call {index} of {component}");
                assert_whole(&house, &at);
                let soon = json!({ "title": "Now", "due": { "local": "2026-11-21T12:00:00", "tz": "UTC" } });
                house.call("POST", "/v1/tasks", &soon).await;
                house.tick("recurrence-scheduler-cron").await;
                house.tick("notifier-cron").await;
                assert_whole(&house, &at);
                let trapped = house.switch.disarm();
                house.settle().await;
                assert_whole(&house, &format!("{at}, once settled"));
                if !trapped {
                    break;
                }
                traps += 1;
            }
        }
    }
    println!("events and clocks: trapped at {traps} points");
    assert!(traps > 20, "trapped at {traps} points only");
    let owed = house.number("SELECT count(*) FROM occurrence WHERE succession = 'pending'");
    assert_eq!(owed, 0, "successors are still owed");
    assert_eq!(
        house.number("SELECT count(*) FROM stream WHERE sequence > published"),
        0,
        "events still wait"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_trapped_anywhere_is_finished_by_the_next_request() {
    let mut traps = 0;
    for index in 0..MANY {
        let house = House::start_empty().await;
        house.switch.arm("task-api", MOMENTS[usize::try_from(index % 2).unwrap()], index);
        house.call("GET", "/readyz", &Value::Null).await;
        let trapped = house.switch.disarm();
        created(&house).await;
        assert_whole(&house, &format!("at call {index} of a migration"));
        house.stop().await;
        if !trapped {
            break;
        }
        traps += 1;
    }
    println!("migration: trapped at {traps} points");
    assert!(traps > 20, "trapped at {traps} points only");
}
