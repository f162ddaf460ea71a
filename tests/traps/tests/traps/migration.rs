//! A migration that is cut goes on where it was.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use perennial_fixture::sqlite_only;
use perennial_host::{Call, Moment, Point};
use perennial_traps::House;
use serde_json::Value;

use crate::{MOMENTS, bins, created};

/// More requests than it takes to trap one at each statement of all migrations, before and after.
const REQUESTS: usize = 2_000;

/// How many databases are cut once and then finished by one request.
const SAMPLES: u64 = 12;

async fn is_whole(house: &House, at: &str) {
    created(house, &bins(house)).await;
    house.assert_whole(&format!("{at} of a migration"));
}

/// Each request is trapped at the first statement that none before it was trapped at: before it is executed, and the next one
/// after it is, before it is remembered. So each step is done again by the next request, and the cost is linear.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_trapped_again_and_again_is_finished_in_the_end() {
    sqlite_only!();
    let house = House::start_empty().await;
    let met = Arc::new(Mutex::new(HashSet::new()));
    let meet = met.clone();
    house.switch.always(move |who, point: &Point<'_>| match point.call {
        // To be cut beside a mark is to be cut beside the step before it or after it.
        Call::Sqlite { statement }
            if who == "task-api" && !statement.starts_with("INSERT INTO schema_step") =>
        {
            meet.lock().unwrap().insert((statement.to_owned(), point.moment == Moment::Before))
        }
        _ => false,
    });
    let mut traps = 0;
    loop {
        let before = met.lock().unwrap().len();
        house.call("GET", "/readyz", &Value::Null).await;
        house.idle().await;
        if met.lock().unwrap().len() == before {
            break;
        }
        traps += 1;
        assert!(traps < REQUESTS, "a migration makes more calls than this test traps");
    }
    assert_eq!(house.switch.leave(), traps, "each request was trapped once");
    // Texts that two versions share are met once.
    let steps = usize::try_from(house.number("SELECT count(*) FROM schema_step")).unwrap();
    println!("migration: trapped at {traps} points of {steps} steps");
    assert!(traps + 10 > 2 * steps, "trapped at {traps} points only, of {steps} steps");
    is_whole(&house, "at each statement").await;
    house.stop().await;
}

/// Makes a database anew, trapped at one call; whether it was.
async fn trapped_once(moment: Moment, index: u64) -> bool {
    let house = House::start_empty().await;
    house.switch.arm("task-api", moment, index);
    house.call("GET", "/readyz", &Value::Null).await;
    let trapped = house.switch.disarm().is_some();
    is_whole(&house, &format!("at call {index}")).await;
    house.stop().await;
    trapped
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_trapped_anywhere_is_finished_by_the_next_request() {
    sqlite_only!();
    let house = House::start_empty().await;
    house.call("GET", "/readyz", &Value::Null).await;
    house.idle().await;
    let calls = u64::try_from(house.switch.calls().len()).unwrap();
    house.stop().await;
    assert!(calls > 200, "{calls} calls only");
    // Every second call remembers a step: an odd stride meets both kinds.
    let stride = usize::try_from(calls / SAMPLES).unwrap() | 1;
    for (index, moment) in (0..calls).step_by(stride).zip(MOMENTS.into_iter().cycle()) {
        assert!(trapped_once(moment, index).await, "no call {index} of {calls}");
    }
}
