//! `make bench-postgres`: durable creates over CLIENTS (32) connections beside pgbench with as many that runs the very statement which one
//! create sends, in turn; and a list of fifty of a user with TASKS (10,000), alone in the database and among OTHERS (1,000,000).
//! ROUNDS (7), SECONDS (2) of each measure in a round.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use perennial_benches::{
    Clock, Home, Load, Requests, Seed, Service, User, drive, median, number, quantile, scratch, server,
    table, task_document,
};
use perennial_domain::{Timestamp, UserId};
use perennial_postgres::Server;
use serde_json::json;

/// Creates a second, as a share of what pgbench comes to.
const GOAL: f64 = 0.3;

/// The most that the 99th percentile of a list may grow by OTHERS.
const GROWTH: f64 = 2.0;

/// Tasks on a page.
const PAGE: usize = 50;

/// Clients that read lists.
const READERS: usize = 4;

fn main() {
    let scratch = scratch();
    let creates = creates(scratch.path());
    let lists = lists(scratch.path());
    println!("BENCH {}", json!({ "bench": "postgres", "creates": creates, "lists": lists }));
}

/// Rounds of creates and of the statement alone.
fn creates(folder: &Path) -> serde_json::Value {
    let clients: usize = number("CLIENTS", 32);
    let document = document(folder);
    let server = server(&[]);
    let home = Home::new(folder.join("creates"), Some(&server));
    let service = home.start(Clock::Runs);
    let users: Vec<User> = (0..clients).map(|n| service.user(&format!("user {n}"))).collect();
    let script = script(folder, &document, &users);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..number("ROUNDS", 7_usize) {
        for turn in 0..2 {
            service.calm();
            match (round + turn) % 2 {
                0 => bare.push(pgbench(&server, home.database().unwrap(), &script, clients)),
                _ => ours.push(create(&service, &users)),
            }
        }
        eprintln!("round {}", round + 1);
    }
    let rates: Vec<f64> = ours.iter().map(|load| load.per_second).collect();
    let ratio = median(&rates.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect::<Vec<_>>());
    let latencies: Vec<f64> = ours.iter().flat_map(|load| load.latencies.iter().copied()).collect();
    let (p50, p99) = (quantile(&latencies, 0.5), quantile(&latencies, 0.99));
    println!(
        "{clients} connections: {:.0} creates/s (p50 {p50:.1} ms, p99 {p99:.1} ms), pgbench {:.0}/s: ratio {ratio:.2}, goal {GOAL}: {}",
        median(&rates),
        median(&bare),
        word(ratio >= GOAL),
    );
    json!({ "per_second": median(&rates), "pgbench": median(&bare), "ratio": ratio, "p50_ms": p50, "p99_ms": p99 })
}

/// The document that one create sends to the database, as a server that logs every statement has it, and whose it is.
fn document(folder: &Path) -> (String, UserId) {
    let server = server(&["log_statement=all", "log_parameter_max_length=-1"]);
    let service = Home::new(folder.join("logged"), Some(&server)).start(Clock::Stands);
    let user = service.user("writer");
    let before = server.log().len();
    create_one(&service, &user);
    let log = server.log().split_off(before);
    let line = log.lines().find(|line| line.contains("parameters: $1 = '[") && line.contains("task.create"));
    let line = line.unwrap_or_else(|| panic!("no create in the log:\n{log}"));
    let (_, parameters) = line.split_once("$1 = '").unwrap();
    let (document, _) = parameters.split_once("', $2 = ").unwrap();
    (document.replace("''", "'"), user.id)
}

fn create_one(service: &Service, user: &User) {
    service.client(Some(&user.token)).create(&task_document(1));
}

/// A script for pgbench that writes the document as another task of the user of its connection.
fn script(folder: &Path, (document, writer): &(String, UserId), users: &[User]) -> PathBuf {
    let mut text = document.replace('\'', "''").replace(writer.as_str(), "~user~");
    // Every other id is new each time, and the same wherever it stands.
    let mut ids: Vec<String> = Vec::new();
    while let Some(id) = first_id(&text) {
        text = text.replace(&id, &format!("~{}~", ids.len()));
        ids.push(id);
    }
    // pgbench takes a colon with a letter or a digit behind it for a variable, also within a text.
    let text = text.replace("\":", "\"\n").replace(':', "\\u003a").replace("\"\n", "\": ");
    let mut value = format!("'{text}'");
    for number in 0..ids.len() {
        value = format!("replace({value}, '~{number}~', gen_random_uuid()::text)");
    }
    let all: Vec<String> = users.iter().map(|user| format!("'{}'", user.id)).collect();
    let user = format!("(ARRAY[{}])[:client_id + 1]", all.join(","));
    let file = folder.join("create.sql");
    let statement = format!(
        "SELECT ix, answered, lease, counted, later FROM perennial_apply(replace({value}, '~user~', {user})::jsonb, 'all', 2000::bigint, NULL::bigint);"
    );
    fs::write(&file, statement).unwrap();
    file
}

/// The first id in the form of RFC 9562 in a text.
fn first_id(text: &str) -> Option<String> {
    let is_id = |id: &[u8]| {
        id.iter().enumerate().all(|(at, sign)| match at {
            8 | 13 | 18 | 23 => *sign == b'-',
            _ => sign.is_ascii_hexdigit(),
        })
    };
    text.as_bytes().windows(36).find(|id| is_id(id)).map(|id| String::from_utf8_lossy(id).into_owned())
}

/// Statements a second, as pgbench tells them.
fn pgbench(server: &Server, database: &str, script: &Path, clients: usize) -> f64 {
    let seconds = number("SECONDS", 2.0_f64).ceil();
    let told = Command::new(server.installed().program("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .args([format!("--client={clients}"), format!("--time={seconds}")])
        .arg("--file")
        .arg(script)
        .arg(database)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let line = line.unwrap_or_else(|| panic!("pgbench:\n{text}{}", String::from_utf8_lossy(&told.stderr)));
    line.split(' ').next().unwrap().parse().unwrap()
}

fn create(service: &Service, users: &[User]) -> Load {
    let requests = Requests { host: service.address.to_string() };
    let (tokens, body) =
        (users.iter().map(|user| user.token.clone()).collect::<Vec<_>>(), task_document(1).to_string());
    let next = Cell::new(0);
    drive(service.address, users.len(), Duration::from_secs_f64(number("SECONDS", 2.0)), 201, move || {
        next.set((next.get() + 1) % tokens.len());
        requests.create(&tokens[next.get()], &body)
    })
}

/// Rounds of lists, alone and among others.
fn lists(folder: &Path) -> serde_json::Value {
    let (tasks, others): (usize, usize) = (number("TASKS", 10_000), number("OTHERS", 1_000_000));
    let server = server(&[]);
    let stock = |name: &str| {
        let home = Home::new(folder.join(name), Some(&server));
        let service = home.start(Clock::Stands);
        let user = service.user("reader");
        put(&home, std::slice::from_ref(&user.id), tasks);
        (home, service, user)
    };
    let (alone, among) = (stock("alone"), stock("among"));
    let crowd: Vec<UserId> = (0..100).map(|n| among.1.user(&format!("user {n}")).id).collect();
    put(&among.0, &crowd, others);
    let stocks = [&alone, &among].map(|(_, service, user)| (service, pages(service, user)));
    let mut latencies = [Vec::new(), Vec::new()];
    for round in 0..number("ROUNDS", 7_usize) + 1 {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            let (service, pages) = &stocks[at];
            let (pages, next) = (pages.clone(), Cell::new(0));
            let load = drive(
                service.address,
                READERS,
                Duration::from_secs_f64(number("SECONDS", 2.0)),
                200,
                move || {
                    next.set((next.get() + 7) % pages.len());
                    Arc::clone(&pages[next.get()])
                },
            );
            // The first round finds caches cold.
            if round > 0 {
                latencies[at].extend(load.latencies);
            }
        }
    }
    let row = |at: usize, name: String| {
        let of = |share| format!("{:.1}", quantile(&latencies[at], share));
        vec![name, of(0.5), of(0.9), of(0.99)]
    };
    let rows = [row(0, format!("{tasks} tasks")), row(1, format!("+ {others} of others"))];
    println!("{}", table(&["a list of 50", "p50 ms", "p90 ms", "p99 ms"], &rows));
    let [alone, among] = latencies.map(|all| quantile(&all, 0.99));
    let ratio = among / alone;
    println!("p99 among others {ratio:.2} times that alone, at most {GROWTH}: {}", word(ratio <= GROWTH));
    json!({ "alone_p99_ms": alone, "among_p99_ms": among, "ratio": ratio })
}

fn put(home: &Home, users: &[UserId], count: usize) {
    let at = Timestamp::from_millis(chrono::Utc::now().timestamp_millis());
    home.seed(&Seed { users, count, at, document: &task_document });
}

/// Requests for the pages of the user's list.
fn pages(service: &Service, user: &User) -> Vec<Arc<[u8]>> {
    let requests = Requests { host: service.address.to_string() };
    let client = service.client(Some(&user.token));
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/tasks?limit={PAGE}{cursor}");
        all.push(requests.get(&path, Some(&user.token)));
        match client.get(&path)["next_cursor"].as_str() {
            Some(next) if all.len() < 100 => cursor = format!("&cursor={next}"),
            _ => return all,
        }
    }
}

fn word(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}
