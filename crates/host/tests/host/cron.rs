//! The cron trigger.

use std::sync::Arc;
use std::time::Duration;

use perennial_host::WallClock;
use serde_json::json;

use crate::support::{PROBE, Setup, eventually};

fn app() -> String {
    format!(
        "{PROBE}{}",
        r#"
[[trigger.cron]]
component = "ticker"
cron_expression = "* * * * * *"
[component.ticker]
source = "{probe}"
sqlite_databases = ["default"]
"#
    )
}

struct Noon;

impl WallClock for Noon {
    fn now(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ticks_every_second() {
    let mut setup = Setup::new(&app());
    setup.hooks.manual_cron = false;
    let host = setup.start().await;
    eventually("two ticks", async || {
        let rows = host.rows("SELECT DISTINCT text FROM notes WHERE kind = 'tick'").await;
        rows.as_array().is_some_and(|rows| rows.len() >= 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_tick_by_hand_and_move_the_clock() {
    let mut setup = Setup::new(&app());
    setup.hooks.clock = Some(Arc::new(Noon));
    let host = setup.start().await;
    host.running.tick("ticker").await.unwrap();
    assert_eq!(host.rows("SELECT kind, text FROM notes").await, json!([["tick", "1800000000"]]));
    assert_eq!(host.get("/clock").await.json()["seconds"], 1_800_000_000u64);
    assert!(host.running.tick("probe").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_is_checked_at_start() {
    for (expression, why) in [("* * * * *", "six fields"), ("61 * * * * *", ""), ("every day", "")] {
        let refusal = Setup::new(&app().replace("* * * * * *", expression)).refusal().await;
        let start = format!("line 16: invalid cron_expression {expression:?}");
        assert!(refusal.contains(&start) && refusal.contains(why), "{refusal}");
    }
}
