//! What guests cost, as tests of others count it.

use perennial_host::Counts;
use serde_json::{Value, json};

use crate::support::{Host, PROBE, Setup};

/// What `script` costs, the guest that runs it included.
async fn cost(host: &Host, script: Value) -> Counts {
    let before = host.running.counts()["probe"];
    host.sql(script).await;
    host.running.idle().await;
    host.running.counts()["probe"].since(before)
}

async fn host() -> Host {
    let host = Host::probe().await;
    host.sql(json!([["PRAGMA journal_mode = WAL"], ["CREATE TABLE t (a INTEGER PRIMARY KEY)"]])).await;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_and_its_statements_are_counted() {
    let cost = cost(&host().await, json!([["SELECT 1"], ["SELECT 2"], ["nonsense"]])).await;
    assert_eq!((cost.guests, cost.statements), (1, 3));
    assert_eq!((cost.synced_commits, cost.unsynced_commits), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_counted_by_how_it_was_made() {
    let host = host().await;
    let full = cost(&host, json!([["INSERT INTO t VALUES (1)"], ["INSERT INTO t VALUES (2)"]])).await;
    assert_eq!((full.synced_commits, full.unsynced_commits), (2, 0));
    let normal = cost(&host, json!([["PRAGMA Synchronous = normal"], ["INSERT INTO t VALUES (3)"]])).await;
    assert_eq!((normal.synced_commits, normal.unsynced_commits), (0, 1));
    let again = cost(&host, json!([["INSERT INTO t VALUES (4)"]])).await;
    assert_eq!((again.synced_commits, again.unsynced_commits), (1, 0), "the setting went with its guest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_one_commit_and_none_if_it_wrote_nothing() {
    let host = host().await;
    let three = [["BEGIN"], ["INSERT INTO t VALUES (1)"], ["INSERT INTO t VALUES (2)"], ["COMMIT"]];
    assert_eq!(cost(&host, json!(three)).await.synced_commits, 1);
    let nothing = json!([
        ["INSERT OR IGNORE INTO t VALUES (1)"],
        ["INSERT INTO t VALUES (1)"],
        ["UPDATE t SET a = 9 WHERE a = 8"],
        ["BEGIN IMMEDIATE"],
        ["COMMIT"],
        ["BEGIN"],
        ["INSERT INTO t VALUES (3)"],
        ["ROLLBACK"],
    ]);
    let nothing = cost(&host, nothing).await;
    assert_eq!((nothing.synced_commits, nothing.unsynced_commits), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_kept_by_component_and_can_be_summed() {
    let other =
        PROBE.replace("probe]", "other]").replace("\"probe\"", "\"other\"").replace("/...", "/other/...");
    let host = Setup::new(&format!("{PROBE}{other}")).start().await;
    host.get("/seen").await;
    host.get("/other/seen").await;
    host.get("/other/seen").await;
    host.running.idle().await;
    let counts = host.running.counts();
    assert_eq!((counts["probe"].guests, counts["other"].guests), (1, 2));
    assert_eq!(counts.into_values().sum::<Counts>().guests, 3);
}
