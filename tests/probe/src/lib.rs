//! A guest that does what it is told and says what came of it. The tests of the embedded host ask it.
#![expect(
    unsafe_code,
    clippy::indexing_slicing,
    reason = "the SDK's macros generate unsafe code; indexing JSON cannot panic"
)]

mod cron;
mod outgoing;
mod pg;
mod reply;
mod sql;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component, variables};

/// Counts the requests this instance has seen: always one, if every request has a fresh instance.
static SEEN: AtomicU32 = AtomicU32::new(0);

#[http_component]
async fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let uri = request.uri();
    let path_and_query = request.path_with_query().unwrap_or_default();
    let (path, query) = path_and_query.split_once('?').unwrap_or((&path_and_query, ""));
    let action = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let query = query.to_owned();
    let headers = request.headers().entries();
    let method = request.method().to_string();
    let answer = match action.as_str() {
        "headers" => json!({ "uri": uri, "method": method, "headers": lines(headers) }),
        "seen" => json!({ "seen": SEEN.fetch_add(1, Ordering::Relaxed).saturating_add(1) }),
        "clock" => json!({ "seconds": now() }),
        "env" => json!(std::env::vars().collect::<std::collections::BTreeMap<_, _>>()),
        "variable" => variable(&query),
        "length" => json!({ "length": request.into_body().await.map(|body| body.len()).unwrap_or_default() }),
        "sql" => sql::run(&body(request).await),
        "sql-trap" => {
            let _held = sql::open_and_run(&body(request).await);
            trap()
        }
        "pg" => pg::run(&body(request).await),
        "pg-trap" => {
            let _held = pg::open_and_run(&body(request).await);
            trap()
        }
        "redis" => outgoing::redis(&body(request).await),
        "fetch" => outgoing::fetch(&body(request).await).await,
        "trap" => trap(),
        "print" => {
            println!("to stdout: {query}");
            eprintln!("to stderr: {query}");
            json!({})
        }
        "spin" => {
            let mut n = 0u64;
            loop {
                n = std::hint::black_box(n.wrapping_add(1));
            }
        }
        "memory" => {
            json!({ "bytes": vec![1u8; number(&query)].iter().map(|byte| usize::from(*byte)).sum::<usize>() })
        }
        "naps" => {
            for _ in 0..number(&query) {
                std::thread::sleep(Duration::from_millis(15));
            }
            json!({})
        }
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number(&query) as u64));
            json!({})
        }
        "silent" => {
            drop(out);
            return;
        }
        "after" => {
            let script = body(request).await;
            reply::send(out, &json!({ "answered": true })).await;
            std::thread::sleep(Duration::from_millis(script["sleep"].as_u64().unwrap_or_default()));
            sql::run(&script);
            return;
        }
        "trap-after" => {
            reply::send(out, &json!({ "answered": true })).await;
            trap()
        }
        "flood" => return reply::flood(out, number(&query)).await,
        "stream" => return reply::stream(out, number(&query)).await,
        _ => json!({ "path": path }),
    };
    reply::send(out, &answer).await;
}

#[redis_component]
fn on_message(message: Vec<u8>) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(&message).into_owned();
    match text.as_str() {
        "trap" => trap(),
        "fail" => anyhow::bail!("told to fail"),
        _ => {}
    }
    if let Some(millis) = text.strip_prefix("sleep ") {
        std::thread::sleep(Duration::from_millis(millis.parse()?));
    }
    sql::note("message", &text)
}

#[expect(clippy::panic, reason = "trapping is what it is for")]
fn trap() -> ! {
    panic!("told to trap")
}

async fn body(request: IncomingRequest) -> Value {
    let body = request.into_body().await.unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or_default()
}

fn lines(headers: Vec<(String, Vec<u8>)>) -> Vec<String> {
    headers.into_iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(&value))).collect()
}

fn variable(name: &str) -> Value {
    match variables::get(name) {
        Ok(value) => json!({ "value": value }),
        Err(variables::Error::InvalidName(why)) => json!({ "invalid-name": why }),
        Err(variables::Error::Undefined(why)) => json!({ "undefined": why }),
        Err(variables::Error::Provider(why)) => json!({ "provider": why }),
        Err(variables::Error::Other(why)) => json!({ "other": why }),
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_default()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
