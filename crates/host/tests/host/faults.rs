//! Faults injected between the host calls of a guest.

use std::sync::Arc;
use std::sync::Mutex;

use perennial_host::{Call, FaultHook, Hooks, Moment, Point, Verdict};
use serde_json::json;

use crate::support::{PROBE, Setup};

/// Traps at one moment of one call, once.
#[derive(Default)]
struct TrapOnce {
    at: Mutex<Option<(Moment, u64)>>,
    seen: Mutex<Vec<String>>,
}

impl FaultHook for TrapOnce {
    fn at(&self, component: &str, point: Point<'_>) -> Verdict {
        let call = match point.call {
            Call::Sqlite { statement } => statement.to_owned(),
            Call::Redis { command } => command.to_owned(),
            Call::Http { uri } => uri.to_owned(),
            _ => String::new(),
        };
        self.seen.lock().unwrap().push(format!("{component} {:?} {} {call}", point.moment, point.index));
        let mut at = self.at.lock().unwrap();
        if *at == Some((point.moment, point.index)) {
            *at = None;
            return Verdict::Trap;
        }
        Verdict::Continue
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_between_statements_leaves_what_was_committed_and_nothing_else() {
    let faults = Arc::new(TrapOnce::default());
    let mut setup = Setup::new(PROBE);
    setup.hooks = Hooks { faults: Some(faults.clone()), ..Hooks::default() };
    let host = setup.start().await;
    host.sql(json!([["CREATE TABLE t (a)"]])).await;
    let script =
        json!({ "statements": [["BEGIN IMMEDIATE"], ["INSERT INTO t VALUES (1)"], ["COMMIT"]] }).to_string();
    for (moment, index, rows) in
        [(Moment::Before, 1, 0), (Moment::After, 1, 0), (Moment::Before, 2, 0), (Moment::After, 2, 1)]
    {
        *faults.at.lock().unwrap() = Some((moment, index));
        let reply = host.send(http::Request::post("/sql"), script.clone()).await;
        assert_eq!(reply.status, 500, "{moment:?} {index}");
        assert_eq!(host.rows("SELECT count(*) FROM t").await, json!([[rows]]), "{moment:?} {index}");
    }
    let seen = faults.seen.lock().unwrap();
    assert!(seen.contains(&"probe After 1 INSERT INTO t VALUES (1)".to_owned()), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_commands_are_fault_points_too() {
    let faults = Arc::new(TrapOnce::default());
    let app = format!(
        "{PROBE}allowed_outbound_hosts = [\"http://self\", \"redis://127.0.0.1:6379\"]\n[variables]\nredis_url = {{ default = \"redis://127.0.0.1:6379\" }}\n"
    );
    let mut setup = Setup::new(&app);
    setup.hooks = Hooks { faults: Some(faults.clone()), ..Hooks::default() };
    let host = setup.start().await;
    let fetch = json!({ "url": "http://self.alt/seen" }).to_string();
    let publish =
        json!({ "address": "redis://127.0.0.1:6379", "commands": [["publish", "c", "x"]] }).to_string();
    for (path, body) in [("/fetch", fetch), ("/redis", publish)] {
        for moment in [Moment::Before, Moment::After] {
            *faults.at.lock().unwrap() = Some((moment, 0));
            let reply = host.send(http::Request::post(path), body.clone()).await;
            assert_eq!(reply.status, 500, "{path} {moment:?}");
            assert_eq!(host.send(http::Request::post(path), body.clone()).await.status, 200);
        }
    }
}
