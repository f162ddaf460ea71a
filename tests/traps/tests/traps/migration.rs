//! A migration that is cut goes on where it was.

use perennial_traps::House;
use serde_json::Value;

use crate::{MOMENTS, bins, created};

/// More calls than all migrations make.
const CALLS: u64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_trapped_anywhere_is_finished_by_the_next_request() {
    let mut traps = 0;
    for index in 0..CALLS {
        let house = House::start_empty().await;
        house.switch.arm("task-api", MOMENTS[usize::try_from(index % 2).unwrap()], index);
        house.call("GET", "/readyz", &Value::Null).await;
        let trapped = house.switch.disarm().is_some();
        created(&house, &bins(&house)).await;
        house.assert_whole(&format!("at call {index} of a migration"));
        house.stop().await;
        if !trapped {
            break;
        }
        traps += 1;
        assert!(traps < CALLS, "a migration makes more calls than this test traps");
    }
    println!("migration: trapped at {traps} points");
    assert!(traps > 20, "trapped at {traps} points only");
}
