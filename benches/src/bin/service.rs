//! `make bench-service`: what the service answers a second, beside what its disk and its host can do at most in the same
//! run. ROUNDS, SECONDS (of each measure in a round), CLIENTS and TASKS can be set; ONLY=creates takes those whose names
//! have that.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use perennial_benches::{
    Bare, Clock, Load, Requests, Seed, Service, drive, median, number, quantile, scratch, seed, table,
    task_document,
};
use perennial_domain::Timestamp;
use serde_json::{Value, json};

/// Where a disk syncs this often a second, a sync is cheap.
const CHEAP_SYNCS: f64 = 1_000.0;

/// The order of the measures, which is that of the printed rows.
const NAMES: [&str; 10] = [
    "syncs of one page",
    "bare inserts, 1 connection",
    "creates, 1 client",
    "creates, CLIENTS",
    "host's health answer, CLIENTS",
    "refusals (401), CLIENTS",
    "/healthz, CLIENTS",
    "list of 50, CLIENTS",
    "one task, CLIENTS",
    "one task, 1 client",
];

/// The measure that another is a ratio of, as indices of [`NAMES`].
const BASES: [Option<usize>; 10] =
    [None, None, Some(1), Some(1), None, Some(4), Some(4), Some(4), Some(4), None];

/// The service, and all that a measure needs.
struct Bench {
    service: Service,
    requests: Requests,
    bare: Bare,
    /// Who has the list.
    reader: String,
    /// Who creates.
    writer: String,
    /// The path of one task.
    one: String,
    /// What is created.
    body: String,
    /// The size of what is stored of it, as it is answered.
    row: usize,
    time: Duration,
    clients: usize,
}

fn main() {
    let rounds = number("ROUNDS", 7_usize);
    let busy = load_average();
    let scratch = scratch();
    let bench = Bench::prepare(scratch.path());
    let mut loads: Vec<Vec<Load>> = vec![Vec::new(); NAMES.len()];
    let only = std::env::var("ONLY").unwrap_or_default();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..NAMES.len()).filter(|one| NAMES[*one].contains(&only)).collect();
        // There and back, so that what drifts through a run weighs on none.
        if round % 2 == 1 {
            order.reverse();
        }
        for measure in order {
            bench.service.calm();
            loads[measure].push(bench.measure(measure));
        }
        eprintln!("round {} of {rounds}", round + 1);
    }
    report(&bench, &loads, busy);
}

impl Bench {
    fn prepare(folder: &Path) -> Self {
        let service = Service::start(&folder.join("state"), Clock::Runs);
        let (reader, writer) = (service.user("reader"), service.user("writer"));
        let document = task_document;
        let at = Timestamp::from_millis(chrono::Utc::now().timestamp_millis());
        let tasks = Seed { users: &[reader.id], count: number("TASKS", 10_000), at, document: &document };
        seed(&service.database(), &tasks);
        let list = service.client(Some(&reader.token)).get("/v1/tasks?limit=50");
        assert_eq!(list["items"].as_array().unwrap().len(), 50);
        let body = task_document(1).to_string();
        let task = service.client(Some(&writer.token)).create(&task_document(1));
        let row = task.to_string().len();
        Self {
            requests: Requests { host: service.address.to_string() },
            service,
            bare: Bare::new(folder, row),
            one: format!("/v1/tasks/{}", list["items"][1]["id"].as_str().unwrap()),
            reader: reader.token,
            writer: writer.token,
            body,
            row,
            time: Duration::from_secs_f64(number("SECONDS", 1.0)),
            clients: number("CLIENTS", 16),
        }
    }

    /// Takes one measure of [`NAMES`].
    fn measure(&self, measure: usize) -> Load {
        let bare = |per_second| Load { per_second, latencies: Vec::new() };
        match measure {
            0 => bare(self.bare.syncs_per_second(self.time)),
            1 => bare(self.bare.inserts_per_second(self.time)),
            2 => self.create(1),
            3 => self.create(self.clients),
            4 => self.get("/.well-known/spin/health", None, 200, self.clients),
            5 => self.get("/v1/tasks?limit=50", None, 401, self.clients),
            6 => self.get("/healthz", None, 200, self.clients),
            7 => self.get("/v1/tasks?limit=50", Some(&self.reader), 200, self.clients),
            8 => self.get(&self.one, Some(&self.reader), 200, self.clients),
            _ => self.get(&self.one, Some(&self.reader), 200, 1),
        }
    }

    fn create(&self, clients: usize) -> Load {
        let (requests, writer, body) = (self.requests.clone(), self.writer.clone(), self.body.clone());
        drive(self.service.address, clients, self.time, 201, move || requests.create(&writer, &body))
    }

    fn get(&self, path: &str, token: Option<&str>, expected: u16, clients: usize) -> Load {
        let request = self.requests.get(path, token);
        drive(self.service.address, clients, self.time, expected, move || Arc::clone(&request))
    }
}

fn report(bench: &Bench, loads: &[Vec<Load>], busy: f64) {
    let per_second =
        |measure: usize| -> Vec<f64> { loads[measure].iter().map(|load| load.per_second).collect() };
    let mut rows = Vec::new();
    let mut line = serde_json::Map::new();
    for (measure, name) in NAMES.iter().enumerate().filter(|(measure, _)| !loads[*measure].is_empty()) {
        let name = name.replace("CLIENTS", &format!("{} clients", bench.clients));
        let rate = median(&per_second(measure));
        // The ratio of each round, of measures that were taken moments apart; then the middle one.
        let base = BASES[measure].filter(|base| !loads[*base].is_empty());
        let ratio = base.map(|base| {
            let pairs = per_second(measure).into_iter().zip(per_second(base));
            median(&pairs.map(|(value, base)| value / base).collect::<Vec<_>>())
        });
        let latencies: Vec<f64> =
            loads[measure].iter().flat_map(|load| load.latencies.iter().copied()).collect();
        let (p50, p99) = (quantile(&latencies, 0.5), quantile(&latencies, 0.99));
        let milliseconds =
            |value: f64| if latencies.is_empty() { String::new() } else { format!("{value:.1}") };
        rows.push(vec![
            name.clone(),
            format!("{rate:.0}"),
            ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default(),
            base.map(|base| NAMES[base].split(',').next().unwrap().to_owned()).unwrap_or_default(),
            milliseconds(p50),
            milliseconds(p99),
        ]);
        let told = json!({ "per_second": rate, "ratio": ratio, "p50_ms": p50, "p99_ms": p99 });
        line.insert(name, if latencies.is_empty() { json!({ "per_second": rate }) } else { told });
    }
    let (now, peak) = bench.service.memory();
    println!("{}", table(&["", "per s", "ratio", "of", "p50 ms", "p99 ms"], &rows));
    println!(
        "host process: {now:.0} MiB, at most {peak:.0} MiB; rows of {} bytes in the bare loop",
        bench.row
    );
    if [0, 1, 3].iter().all(|measure| !loads[*measure].is_empty()) {
        println!("{}", goals(bench, loads));
    }
    if busy > 1.0 {
        println!(
            "the machine was busy before (load {busy}): a loop that waits for each sync loses more by that than 16 clients do"
        );
    }
    line.insert("host_mib".to_owned(), json!({ "now": now, "peak": peak }));
    println!(
        "BENCH {}",
        json!({ "bench": "service", "rounds": loads.iter().map(Vec::len).max(), "load_before": busy, "measures": Value::Object(line) })
    );
}

/// How many others wanted to compute in the last minute.
fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// The goals for creates: which one stands depends on the disk.
fn goals(bench: &Bench, loads: &[Vec<Load>]) -> String {
    let syncs = median(&loads[0].iter().map(|load| load.per_second).collect::<Vec<_>>());
    let ratios = loads[3].iter().zip(&loads[1]).map(|(create, bare)| create.per_second / bare.per_second);
    let ratio = median(&ratios.collect::<Vec<_>>());
    let p99 = median(&loads[3].iter().map(|load| load.within(0.99)).collect::<Vec<_>>());
    let goal = if syncs < CHEAP_SYNCS { 0.8 } else { 0.5 };
    let word = |reached: bool| if reached { "reached" } else { "missed" };
    format!(
        "goals at {} clients: creates {ratio:.2} of the bare loop, {goal} at {syncs:.0} syncs/s: {}; \
         p99 {p99:.1} ms, below 50 ms: {}",
        bench.clients,
        word(ratio >= goal),
        word(p99 < 50.0),
    )
}
