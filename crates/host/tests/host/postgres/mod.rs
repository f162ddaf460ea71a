//! PostgreSQL: real servers, asked through the probe.

mod errors;
mod hung;
mod places;
mod sessions;
mod tls;
mod values;

use perennial_postgres::{Server, number};
use serde_json::{Value, json};

use crate::support::{Host, Setup};

/// A probe that may reach the servers of this machine.
const APP: &str = r#"
[[trigger.http]]
route = "/..."
component = "probe"
[component.probe]
source = "{probe}"
sqlite_databases = ["default"]
allowed_outbound_hosts = ["postgres://127.0.0.1:*"]
"#;

/// The server that all tests share.
fn server() -> Option<&'static Server> {
    Server::shared()
}

/// Runs a script in a guest of its own.
async fn pg(host: &Host, address: &str, statements: Value) -> Value {
    let reply = host.post("/pg", &json!({ "address": address, "statements": statements })).await;
    match reply["results"].is_array() {
        true => reply["results"].clone(),
        false => reply,
    }
}

/// The value of a statement with one row of one column.
async fn one(host: &Host, address: &str, statement: &str) -> Value {
    let results = pg(host, address, json!([["query", statement]])).await;
    let value = results[0]["rows"][0][0].as_object().and_then(|value| value.values().next()).cloned();
    value.unwrap_or_else(|| panic!("{statement}: {results}"))
}

/// How many of the host's sessions with a database are in such a state.
fn sessions(address: &str, state: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'perennial' AND state LIKE '{state}'"
    );
    number(address, &query)
}

/// A host whose sessions with an address are so many.
fn with_sessions(most: usize) -> Setup {
    let mut setup = Setup::new(APP);
    setup.options.limits.postgres_sessions = most;
    setup
}
