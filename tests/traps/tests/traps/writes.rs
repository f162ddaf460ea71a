//! A write operation trapped at each of its calls.

use perennial_traps::House;
use serde_json::{Value, json};

use crate::{FIRST, MANY, MOMENTS, SECOND, bins, completed, created};

/// Every operation that writes.
const KINDS: [&str; 10] = [
    "create",
    "complete",
    "update",
    "delete",
    "reopen",
    "override",
    "split",
    "retry",
    "channel",
    "no channel",
];

/// One request, with what must be so once it was answered.
struct Case {
    method: &'static str,
    path: String,
    body: Value,
    status: u16,
    /// Counts what the request makes; it must make one.
    effect: String,
}

/// Everything that the request needs.
async fn prepared(house: &House, kind: &str) -> Case {
    let case =
        |method, path: String, body, status, effect: String| Case { method, path, body, status, effect };
    let tasks = |field: &str, value: &Value| format!("task WHERE {field} = '{}'", value.as_str().unwrap());
    if kind == "create" {
        let body = bins(house);
        let effect = tasks("title", &body["title"]);
        return case("POST", "/v1/tasks".into(), body, 201, effect);
    }
    if kind == "channel" {
        // There is a limit to them.
        house.write_any("UPDATE channel_v2 SET deleted_at = 1 WHERE deleted_at IS NULL");
        let url = format!("http://127.0.0.1:9/{}", house.fresh());
        let body = json!({ "type": "webhook", "url": url });
        return case(
            "POST",
            "/v1/channels".into(),
            body,
            201,
            format!("channel_v2 WHERE config ->> 'url' = '{url}'"),
        );
    }
    if kind == "no channel" {
        let body = json!({ "type": "webhook", "url": "http://127.0.0.1:9/" });
        let (status, channel) = house.call("POST", "/v1/channels", &body).await;
        assert_eq!(status, 201, "{channel}");
        let id = channel["id"].as_str().unwrap();
        let effect = format!("channel_v2 WHERE id = '{id}' AND deleted_at IS NOT NULL");
        return case("DELETE", format!("/v1/channels/{id}"), Value::Null, 204, effect);
    }
    let id = created(house, &bins(house)).await;
    let path = format!("/v1/tasks/{id}");
    let first = format!("occurrence WHERE task_id = '{id}' AND recurrence_id = '{FIRST}'");
    match kind {
        "complete" => {
            let body = json!({ "recurrence_id": FIRST });
            case("POST", format!("{path}/complete"), body, 200, format!("{first} AND status = 'done'"))
        }
        "update" => {
            let body = json!({ "due": { "local": "2027-11-23T07:00:00" }, "tags": ["x"] });
            case(
                "PATCH",
                path,
                body,
                200,
                format!("task WHERE id = '{id}' AND version = 2 AND tags = '[\"x\"]'"),
            )
        }
        "delete" => case(
            "DELETE",
            path,
            Value::Null,
            204,
            format!("task WHERE id = '{id}' AND deleted_at IS NOT NULL"),
        ),
        "reopen" => {
            completed(house, &id).await;
            let body = json!({ "recurrence_id": FIRST });
            case("POST", format!("{path}/reopen"), body, 200, format!("{first} AND status = 'open'"))
        }
        "override" => {
            let due = json!({ "local": "2027-11-22T09:00:00", "tz": "Europe/Berlin" });
            let body = json!({ "recurrence_id": FIRST, "title": "Later", "due": due });
            case("POST", format!("{path}/override"), body, 200, format!("{first} AND title = 'Later'"))
        }
        "split" => {
            let title = json!(format!("Paper {}", house.fresh()));
            let effect = tasks("title", &title);
            let body = json!({ "recurrence_id": SECOND, "changes": { "title": title } });
            case("POST", format!("{path}/split"), body, 201, effect)
        }
        _ => {
            house.switch.deafen(&["recurrence-scheduler-redis"]);
            completed(house, &id).await;
            house.switch.deafen(&[]);
            house.write(&format!(
                "UPDATE work SET wake_at = NULL, parked_at = 1, reason = 'a test' \
                 WHERE task_id = '{id}' AND kind = 'successor'"
            ));
            let (_, parked) = house.call("GET", "/v1/parked", &Value::Null).await;
            let item = parked["items"][0]["id"].as_str().unwrap();
            let effect = format!("work WHERE task_id = '{id}' AND kind = 'successor' AND parked_at IS NULL");
            case("POST", format!("/v1/parked/{item}/retry"), Value::Null, 204, effect)
        }
    }
}

/// Traps task-api at each of its calls while it carries out one kind of write, and looks at what is there.
async fn trap_writes(house: &House, kind: &str) -> u64 {
    let mut traps = 0;
    for moment in MOMENTS {
        for index in 0..MANY {
            let case = prepared(house, kind).await;
            // What a guest that was trapped before left is finished, so that this one gets as far as it can.
            house.round().await;
            let key = format!("key-{}", house.fresh());
            house.switch.arm("task-api", moment, index);
            let (status, answer) = house.keyed(case.method, &case.path, &key, &case.body).await;
            house.idle().await;
            let trapped = house.switch.disarm();
            let at = format!("{moment:?} call {index} of {kind} ({trapped:?})");
            house.assert_whole(&at);
            assert!(status == case.status || (trapped.is_some() && status == 500), "{at}: {status} {answer}");

            let effects = || house.number(&format!("SELECT count(*) FROM {}", case.effect));
            let made = effects();
            assert!(made == 1 || (status == 500 && made == 0), "{at}: {status}, and {made} effects");
            // The same request again has one effect, and the answer as if nothing had happened.
            let (again, repeated) = house.keyed(case.method, &case.path, &key, &case.body).await;
            assert_eq!(again, case.status, "{at}, then: {repeated}");
            assert!(status == 500 || repeated == answer, "{at}: {answer}, then {repeated}");
            house.idle().await;
            assert_eq!(effects(), 1, "{at}, repeated");
            house.assert_whole(&format!("{at}, repeated"));
            if trapped.is_none() {
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
    for kind in KINDS {
        let traps = trap_writes(&house, kind).await;
        println!("task-api, {kind}: trapped at {traps} points");
        // The look at the token, the read, the write; each on both sides.
        assert!(traps >= 6, "{kind} was trapped at {traps} points only");
    }
    house.settle().await;
    house.assert_whole("anywhere, once settled");
    house.assert_done("all writes");
    assert_eq!(
        house.number(
            "SELECT count(*) FROM occurrence AS o JOIN task AS t ON t.id = o.task_id \
        WHERE succession = 'pending' AND t.deleted_at IS NULL"
        ),
        0,
        "successors are still owed"
    );
    house.stop().await;
}
