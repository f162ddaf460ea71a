//! `make bench-events`: from the answer to a completion until the next occurrence is there, over each bus; IN_FLIGHT (1,000) of them
//! at once; and EVENTS (100,000) that wait to be published, beside Kafka's own producer. Ends with an error when an effect is missing
//! or doubled.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use perennial_benches::{
    Burst, Bus, Completions, Look, Paced, Running, Seed, number, quantile, scratch, seed_events, table,
    task_document,
};
use perennial_cloud::{Cloud, Setup as CloudSetup};
use perennial_domain::Timestamp;
use perennial_tests::{Redis, Service, Setup};
use serde_json::{Map, Value, json};

/// How long clients call that wait for what follows, before it is measured and while it is.
const WARMING: Duration = Duration::from_secs(2);
const CLOSED: Duration = Duration::from_secs(5);

/// The share of what a bus keeps up with at which it is measured how long it takes.
const LOAD: f64 = 0.5;

/// From the answer to the next occurrence at [`LOAD`], in milliseconds.
const GOALS: [f64; 2] = [20.0, 100.0];

/// Users whose events wait.
const WRITERS: usize = 50;

/// What waits longer to be published is not waited for.
const GIVEN_UP: Duration = Duration::from_secs(600);

/// Between two looks at what waits.
const PAUSE: Duration = Duration::from_millis(5);

/// What one bus came to.
struct Figures {
    bus: Bus,
    closed: f64,
    paced: Paced,
    burst: Burst,
    completions: usize,
}

/// How fast what waited went out.
struct Drained {
    over: &'static str,
    per_second: f64,
    /// Times that an event lies on its topic more than once.
    repeated: Option<usize>,
}

fn main() {
    let scratch = scratch();
    // The cloud's set is to lie on the same disk.
    tempfile::env::override_temp_dir(scratch.path()).unwrap();
    let buses = Bus::ALL.into_iter().filter_map(|bus| measure(bus, &scratch.path().join(bus.name())));
    let buses: Vec<Figures> = buses.collect();
    let told = tell(&buses);
    let drained = drain(scratch.path());
    println!("BENCH {}", json!({ "bench": "events", "buses": told, "drain": drained }));
}

/// Measures one bus, if it is on this machine.
fn measure(bus: Bus, state_dir: &Path) -> Option<Figures> {
    let clients = number("CLIENTS", 16_usize);
    let (series, in_flight) = (number("SERIES", 200_usize), number("IN_FLIGHT", 1_000_usize));
    let running = bus.start(state_dir)?;
    let users = running.users(number("USERS", 20));
    let mut completions = Completions::prepare(&running, &users, series.max(in_flight));
    completions.closed(series, clients, WARMING);
    let closed = completions.closed(series, clients, CLOSED);
    let seconds = Duration::from_secs_f64(number("SECONDS", 10.0));
    let paced = completions.paced(series, closed * LOAD, seconds);
    let burst = completions.burst(in_flight, clients);
    let completions = completions.check(&running.database());
    eprintln!("{}: {completions} completions, each with one successor", bus.name());
    Some(Figures { bus, closed, paced, burst, completions })
}

/// Prints what came of the buses, beside the first.
fn tell(buses: &[Figures]) -> Value {
    let first = &buses[0];
    let times = |value: f64, of: f64| format!("{:.2}", value / of);
    let mut rows = Vec::new();
    let mut line = Map::new();
    for Figures { bus, closed, paced, burst, completions } in buses {
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| quantile(&paced.latencies, share));
        let [local_p50, local_p99] = [0.5, 0.99].map(|share| quantile(&first.paced.latencies, share));
        rows.push(vec![
            bus.name().to_owned(),
            format!("{closed:.0}"),
            times(*closed, first.closed),
            format!("{:.0}", paced.per_second),
            format!("{p50:.1}"),
            times(p50, local_p50),
            format!("{p99:.1}"),
            times(p99, local_p99),
            format!("{longest:.1}"),
            burst.in_flight.to_string(),
            format!("{:.2}", burst.sent_s),
            format!("{:.2}", burst.after_s),
        ]);
        let told = json!({
            "completions": completions, "closed_per_second": closed, "open_per_second": paced.per_second, "held_up": paced.held_up,
            "p50_ms": p50, "p99_ms": p99, "longest_ms": longest,
            "in_flight": { "sent_s": burst.sent_s, "missing_at_last_answer": burst.in_flight, "after_s": burst.after_s },
        });
        line.insert(bus.name().to_owned(), told);
        if paced.held_up > 0 {
            println!("{}: {} completions waited for a series to complete", bus.name(), paced.held_up);
        }
    }
    let head = [
        "",
        "closed: per s",
        "ratio",
        "open: per s",
        "p50 ms",
        "ratio",
        "p99 ms",
        "ratio",
        "longest",
        "in flight",
        "sent in s",
        "all after s",
    ];
    println!("{}", table(&head, &rows));
    println!("goals at half load: p50 {} ms, p99 {} ms\n", GOALS[0], GOALS[1]);
    line.into()
}

/// Lets what waits go out over Redis and over Kafka, where they are on this machine, and Kafka's own producer send as much.
fn drain(folder: &Path) -> Value {
    let events = number("EVENTS", 100_000_usize);
    let mut all = Vec::new();
    all.extend(drain_redis(&folder.join("drained"), events));
    let mut producer = None;
    for (over, heard) in [("kafka", true), ("kafka, nobody hears", false)] {
        let Some((drained, rate)) = drain_kafka(over, heard, events) else { break };
        all.push(drained);
        producer = rate.or(producer);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut line = Map::new();
    let ratio = |rate: f64| producer.map(|(producer, _)| rate / producer);
    for Drained { over, per_second, repeated } in &all {
        let ratio = ratio(*per_second);
        let shown = ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
        let twice = repeated.map(|repeated| repeated.to_string()).unwrap_or_default();
        rows.push(vec![(*over).to_owned(), format!("{per_second:.0}"), shown, twice]);
        line.insert(
            (*over).to_owned(),
            json!({ "per_second": per_second, "ratio": ratio, "repeated": repeated }),
        );
    }
    if let Some((rate, bytes)) = producer {
        rows.push(vec![
            format!("Kafka's producer, {bytes} bytes"),
            format!("{rate:.0}"),
            String::new(),
            String::new(),
        ]);
        line.insert("producer".to_owned(), json!({ "per_second": rate, "bytes": bytes }));
    }
    println!("{}", table(&[&format!("{events} events that waited"), "per s", "ratio", "repeated"], &rows));
    json!({ "events": events, "over": line })
}

fn drain_redis(state_dir: &Path, events: usize) -> Option<Drained> {
    let redis = Redis::start()?;
    // Nothing relays: no clock ticks, and no user writes.
    let components = vec!["task-api", "recurrence-scheduler", "notifier"];
    let variables = vec![("bus", "local".to_owned())];
    let setup = Setup { state_dir: Some(state_dir.to_owned()), variables, components, ..Setup::default() };
    let quiet = Running::One(Service::with(setup), None);
    fill(&quiet, events);
    let database = quiet.database();
    drop(quiet);
    let drained = watch(&database, || Running::over(redis, state_dir));
    Some(Drained { over: "redis", per_second: drained.1, repeated: None })
}

/// Where nobody hears, Kafka's own producer sends as much as went out; gives its rate, and how long its records are.
fn drain_kafka(over: &'static str, heard: bool, events: usize) -> Option<(Drained, Option<(f64, usize)>)> {
    let cloud = Cloud::start(CloudSetup { events: heard, clock: false, ..CloudSetup::default() })?;
    let running = Running::cloud(cloud);
    let bytes = fill(&running, events);
    let Running::Many(cloud) = &running else { unreachable!("that is what was started") };
    let (_, per_second) = watch(&running.database(), || cloud.begin_clock());
    if heard {
        return Some((Drained { over, per_second, repeated: None }, None));
    }
    let records = cloud.topic("task-events");
    let id = |record: &perennial_cloud::Record| {
        let event: Value = serde_json::from_str(&record.value).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    let published: std::collections::BTreeSet<String> = records.iter().map(id).collect();
    assert_eq!(published.len(), events, "events on their topic");
    let repeated = Some(records.len() - events);
    let producer = cloud.kafka.produce("task-events", events, bytes);
    Some((Drained { over, per_second, repeated }, Some((producer, bytes))))
}

/// So many events that wait; gives how long one is, in bytes.
fn fill(running: &Running, events: usize) -> usize {
    running.users(WRITERS);
    let (look, start) = (Look::at(&running.database()), Instant::now());
    let at = Timestamp::from_millis(chrono::Utc::now().timestamp_millis());
    let tasks = Seed { users: &look.members(), count: events, at, document: &task_document };
    let bytes = seed_events(&running.database(), &tasks);
    eprintln!("{events} events of {bytes} bytes in {:.1} s", start.elapsed().as_secs_f64());
    assert_eq!(look.unpublished(), events, "events that wait");
    bytes
}

/// Does what makes them go out, and waits until none waits; gives how many went out a second, from the first look that
/// misses some.
fn watch<T>(database: &Path, begin: impl FnOnce() -> T) -> (T, f64) {
    let look = Look::at(database);
    let all = look.unpublished();
    let watching = thread::spawn(move || {
        let (begun, mut first) = (Instant::now(), None);
        loop {
            let left = look.unpublished();
            if left < all && first.is_none() {
                first = Some((left, Instant::now()));
            }
            match first {
                Some((left, since)) if look.unpublished() == 0 => {
                    return left as f64 / since.elapsed().as_secs_f64();
                }
                _ => assert!(begun.elapsed() < GIVEN_UP, "{left} of {all} still wait after {GIVEN_UP:?}"),
            }
            thread::sleep(PAUSE);
        }
    });
    let begun = begin();
    let per_second = watching.join().unwrap();
    assert_eq!(Look::at(database).dead_letters(), 0, "dead letters");
    (begun, per_second)
}
