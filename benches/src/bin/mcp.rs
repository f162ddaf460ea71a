//! `make bench-mcp`: how long an answer of `/mcp` takes beside one of the API. Each is the first of its guest, since each guest is new.
//! ROUNDS (200). Ends with an error where a request is not answered as it should be.

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use http::StatusCode;
use perennial_benches::{Clock, Service, median, number, quantile, scratch, table};
use perennial_tests::{Client, repository};
use serde_json::{Value, json};

/// The revision that is spoken.
const REVISION: &str = "2026-07-28";

/// What is asked.
enum Asked {
    Api(&'static str),
    Mcp(&'static str, Value),
}

impl Asked {
    fn name(&self) -> String {
        match self {
            Self::Api(path) => format!("GET {path}"),
            Self::Mcp(method, params) => match params["name"].as_str() {
                Some(tool) => format!("/mcp {method} {tool}"),
                None => format!("/mcp {method}"),
            },
        }
    }

    /// Asks once; what came of it, where that is not what it should be.
    fn ask(&self, client: &Client) -> Result<(), String> {
        let answer = match self {
            Self::Api(path) => client.call(http::Method::GET, *path),
            Self::Mcp(method, params) => {
                let mut params = params.clone();
                params["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": REVISION,
                    "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
                let call = client
                    .post("/mcp")
                    .header("accept", "application/json, text/event-stream")
                    .header("mcp-protocol-version", REVISION)
                    .header("mcp-method", method)
                    .json(&message);
                match params["name"].as_str() {
                    Some(tool) => call.header("mcp-name", tool),
                    None => call,
                }
            }
        }
        .answer();
        if answer.status == StatusCode::OK && !answer.body.contains("\"error\":{") {
            return Ok(());
        }
        Err(format!("{}: {} {}", self.name(), answer.status, answer.body))
    }
}

fn main() -> ExitCode {
    let rounds = number("ROUNDS", 200_usize);
    let scratch = scratch();
    let service = Service::start(&scratch.path().join("state"), Clock::Stands);
    let client = service.client(Some(&service.user("bench").token));
    for number in 0..50 {
        client.create(&perennial_benches::task_document(number));
    }
    let cases = [
        Asked::Api("/healthz"),
        Asked::Api("/v1/me"),
        Asked::Mcp("server/discover", json!({})),
        Asked::Mcp("tools/list", json!({})),
        Asked::Api("/v1/tasks?limit=50"),
        Asked::Mcp("tools/call", json!({ "name": "find_tasks", "arguments": { "limit": 50 } })),
    ];
    let mut times = vec![Vec::with_capacity(rounds); cases.len()];
    for round in 0..rounds + 3 {
        for turn in 0..cases.len() {
            // There in one round and back in the next, so that what drifts weighs on none.
            let at = if round % 2 == 0 { turn } else { cases.len() - 1 - turn };
            let began = Instant::now();
            if let Err(why) = cases[at].ask(&client) {
                eprintln!("{why}");
                return ExitCode::FAILURE;
            }
            // The first find the service's own caches cold.
            if round >= 3 {
                times[at].push(began.elapsed().as_secs_f64() * 1_000.0);
            }
        }
    }
    report(&cases, &times, rounds);
    ExitCode::SUCCESS
}

fn report(cases: &[Asked], times: &[Vec<f64>], rounds: usize) {
    let me = median(&times[1]);
    let mut line = serde_json::Map::new();
    let rows: Vec<Vec<String>> = cases
        .iter()
        .zip(times)
        .map(|(case, times)| {
            let (middle, late) = (median(times), quantile(times, 0.99));
            line.insert(case.name(), json!({ "p50_ms": middle, "p99_ms": late, "ratio": middle / me }));
            vec![case.name(), format!("{middle:.2}"), format!("{late:.2}"), format!("{:.2}", middle / me)]
        })
        .collect();
    println!("{}", table(&["an answer of a new guest", "p50, ms", "p99, ms", "beside /v1/me"], &rows));
    let size = |name: &str| {
        let file = repository().join("target/wasm32-wasip2/guest").join(name);
        fs::metadata(file).map(|file| file.len()).unwrap_or_default()
    };
    let (mcp, api) = (size("mcp.wasm"), size("task_api.wasm"));
    println!("wasm: mcp {mcp} bytes, task-api {api} bytes\n");
    let bytes = json!({ "mcp": mcp, "task_api": api });
    println!("BENCH {}", json!({ "bench": "mcp", "rounds": rounds, "answers": line, "wasm_bytes": bytes }));
}
