//! How fast it is: `cargo test --release -p perennial-host -- --ignored --nocapture load`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::json;

use crate::support::Host;

/// Requests over `clients` kept connections for two seconds; prints the rate and the tail.
async fn measure(host: &Host, what: &str, clients: usize, path: &str, body: &str) {
    let until = Instant::now() + Duration::from_secs(2);
    let client = async || {
        let (mut sender, connection) = host.connect().await;
        let task = tokio::spawn(connection);
        let mut times = Vec::new();
        while Instant::now() < until {
            let request =
                http::Request::post(path).header("host", "x").body(Full::new(Bytes::from(body.to_owned())));
            sender.ready().await.unwrap();
            let began = Instant::now();
            let response = sender.send_request(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), 200);
            response.into_body().collect().await.unwrap();
            times.push(began.elapsed());
        }
        task.abort();
        times
    };
    let mut times: Vec<Duration> =
        futures_util::future::join_all((0..clients).map(|_| client())).await.concat();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{what}, {clients} clients: {}/s, p50 {:?}, p99 {:?}, max {:?}",
        times.len() / 2,
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn load() {
    let host = Host::probe().await;
    host.sql(json!([["PRAGMA journal_mode = WAL"], ["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"]]))
        .await;
    let read = json!({ "statements": [["SELECT count(*) FROM sqlite_schema"]] }).to_string();
    let write = json!({ "statements": [["INSERT INTO t (b) VALUES ('x')"]] }).to_string();
    for clients in [1, 16] {
        measure(&host, "empty guest", clients, "/seen", "").await;
        measure(&host, "one read", clients, "/sql", &read).await;
        measure(&host, "one durable write", clients, "/sql", &write).await;
    }
}
