//! `make bench-clients`: CLIENTS (1,000) at once for SECONDS (10) on the embedded host, four reads to one write, each client
//! PAUSE (0) milliseconds after it was answered. Ends with an error when any answer is not the expected one.

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use perennial_benches::{
    Clock, Connection, Requests, Seed, Service, User, median, number, quantile, scratch, seed, table,
    task_document,
};
use perennial_domain::{Timestamp, UserId};
use serde_json::json;
use tokio::task::JoinSet;

/// How long 95 of 100 reads may take, in milliseconds.
const GOAL: f64 = 200.0;

/// Users, who share the clients, and the tasks of each.
const USERS: usize = 20;
const TASKS: usize = 500;

/// Requests of a round of one client: the first writes.
const ROUND: usize = 5;

/// What a client sends in turn, and what it is answered.
struct Script {
    requests: Requests,
    token: String,
    /// Lists and one task, as requests.
    reads: Vec<Arc<[u8]>>,
    pause: Duration,
}

/// What came of all.
#[derive(Default)]
struct Figures {
    reads: Vec<f64>,
    writes: Vec<f64>,
    failures: Vec<String>,
}

impl Figures {
    fn note(&mut self, write: bool, took: f64) {
        if write { self.writes.push(took) } else { self.reads.push(took) }
    }
}

fn main() -> ExitCode {
    let (clients, seconds) = (number("CLIENTS", 1_000_usize), number("SECONDS", 10.0));
    let scratch = scratch();
    let service = Service::start(&scratch.path().join("state"), Clock::Runs);
    let scripts = prepare(&service);
    service.calm();
    let start = Instant::now();
    let figures = run(&service, &scripts, clients, Duration::from_secs_f64(seconds));
    report(&figures, clients, start.elapsed().as_secs_f64(), &service)
}

/// Users with tasks, and what their clients send.
fn prepare(service: &Service) -> Vec<Rc<Script>> {
    let users: Vec<User> = (0..USERS).map(|number| service.user(&format!("user {number}"))).collect();
    let ids: Vec<UserId> = users.iter().map(|user| user.id.clone()).collect();
    let at = Timestamp::from_millis(chrono::Utc::now().timestamp_millis());
    seed(&service.database(), &Seed { users: &ids, count: USERS * TASKS, at, document: &task_document });
    let requests = Requests { host: service.address.to_string() };
    let pause = Duration::from_millis(number("PAUSE", 0));
    let script = |user: User| {
        let list = service.client(Some(&user.token)).get("/v1/tasks?limit=1");
        let one = format!("/v1/tasks/{}", list["items"][0]["id"].as_str().unwrap());
        let paths =
            [one.as_str(), "/v1/tasks?limit=50", "/v1/tasks?limit=20&status=open&sort=due", one.as_str()];
        let reads = paths.map(|path| requests.get(path, Some(&user.token))).to_vec();
        Rc::new(Script { requests: requests.clone(), token: user.token, reads, pause })
    };
    users.into_iter().map(script).collect()
}

/// Lets all call as fast as they are answered, each on a connection of its own, on this thread alone.
fn run(service: &Service, scripts: &[Rc<Script>], clients: usize, time: Duration) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let figures = Rc::new(RefCell::new(Figures::default()));
    let address = service.address;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut running = JoinSet::new();
        let start = Instant::now();
        for number in 0..clients {
            let (script, figures) = (scripts[number % scripts.len()].clone(), figures.clone());
            running.spawn_local(async move {
                if let Err(why) = call(&script, address, (number, clients), start + time, &figures).await {
                    figures.borrow_mut().failures.push(why);
                }
            });
        }
        running.join_all().await;
    });
    figures.take()
}

/// One client, until its time is over or an answer is not the expected one.
async fn call(
    script: &Script,
    address: std::net::SocketAddr,
    (number, clients): (usize, usize),
    end: Instant,
    figures: &RefCell<Figures>,
) -> Result<(), String> {
    let mut connection = Connection::open(address).await.map_err(|error| format!("connect: {error}"))?;
    // Not all write at the same time, nor begin at the same time where they pause.
    let mut turn = number;
    tokio::time::sleep(script.pause.mul_f64(number as f64 / clients as f64)).await;
    while Instant::now() < end {
        let write = turn % ROUND == 0;
        let (request, expected) = match write {
            true => (script.requests.create(&script.token, &task_document(turn).to_string()), 201),
            false => (script.reads[turn % ROUND - 1].clone(), 200),
        };
        turn += 1;
        let sent = Instant::now();
        let status = connection.call(&request).await.map_err(|error| format!("call: {error}"))?;
        let took = sent.elapsed().as_secs_f64() * 1_000.0;
        if status != expected {
            return Err(format!("{status} {}", String::from_utf8_lossy(connection.body())));
        }
        figures.borrow_mut().note(write, took);
        tokio::time::sleep(script.pause).await;
    }
    Ok(())
}

fn report(figures: &Figures, clients: usize, seconds: f64, service: &Service) -> ExitCode {
    let row = |name: &str, times: &[f64]| {
        let milliseconds = |value: f64| format!("{value:.1}");
        vec![
            name.to_owned(),
            times.len().to_string(),
            format!("{:.0}", times.len() as f64 / seconds),
            milliseconds(median(times)),
            milliseconds(quantile(times, 0.95)),
            milliseconds(quantile(times, 1.0)),
        ]
    };
    let rows = [row("reads", &figures.reads), row("writes", &figures.writes)];
    println!(
        "{}",
        table(&[&format!("{clients} clients"), "answers", "per s", "p50 ms", "p95 ms", "max ms"], &rows)
    );
    let p95 = quantile(&figures.reads, 0.95);
    let reached = if p95 < GOAL { "reached" } else { "missed" };
    println!("95 of 100 reads within {p95:.0} ms, goal {GOAL}: {reached}");
    println!("host process: at most {:.0} MiB; {} failures", service.memory().1, figures.failures.len());
    for failure in figures.failures.iter().take(5) {
        eprintln!("{failure}");
    }
    let told = |times: &[f64]| json!({ "count": times.len(), "p50_ms": median(times), "p95_ms": quantile(times, 0.95), "max_ms": quantile(times, 1.0) });
    let line = json!({ "bench": "clients", "clients": clients, "pause_ms": number("PAUSE", 0), "seconds": seconds, "reads": told(&figures.reads),
        "writes": told(&figures.writes), "failures": figures.failures.len() });
    println!("BENCH {line}");
    ExitCode::from(u8::from(!figures.failures.is_empty() || figures.reads.is_empty()))
}
