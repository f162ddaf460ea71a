//! A write operation trapped at each of its calls.

use perennial_traps::House;
use serde_json::Value;

use crate::operations::{Case, WRITES, case};
use crate::{MANY, MOMENTS, bins, completed, created};

/// A request of a kind, and everything that it needs.
async fn prepared(house: &House, kind: &str) -> Case {
    let word = house.fresh().to_string();
    let id = match kind {
        "create" => String::new(),
        "channel" => {
            // There is a limit to them.
            house.write_any("UPDATE channel_v2 SET deleted_at = 1 WHERE deleted_at IS NULL");
            String::new()
        }
        "no channel" => {
            let Case { method, path, body, status, .. } = case("channel", "", &word);
            let (answered, channel) = house.call(method, &path, &body).await;
            assert_eq!(answered, status, "{channel}");
            channel["id"].as_str().unwrap().to_owned()
        }
        _ => created(house, &bins(house)).await,
    };
    match kind {
        "reopen" => completed(house, &id).await,
        "retry" => return retry(house, &id).await,
        _ => {}
    }
    case(kind, &id, &word)
}

/// What follows a completed occurrence of this task is parked, and is to be tried again.
async fn retry(house: &House, id: &str) -> Case {
    house.switch.deafen(&["recurrence-scheduler-redis"]);
    completed(house, id).await;
    house.switch.deafen(&[]);
    house.write(&format!(
        "UPDATE work SET wake_at = NULL, parked_at = 1, reason = 'a test' WHERE task_id = '{id}' AND kind = 'successor'"
    ));
    let (_, parked) = house.call("GET", "/v1/parked", &Value::Null).await;
    let item = parked["items"][0]["id"].as_str().unwrap();
    Case {
        method: "POST",
        path: format!("/v1/parked/{item}/retry"),
        body: Value::Null,
        status: 204,
        effect: format!("work WHERE task_id = '{id}' AND kind = 'successor' AND parked_at IS NULL"),
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
    for kind in WRITES.into_iter().chain(["retry"]) {
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
