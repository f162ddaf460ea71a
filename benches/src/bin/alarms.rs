//! `make bench-alarms`: a tick with nothing due at 1,000 and at ALARMS (1,000,000) armed alarms, then DUE (10,000) of them
//! in the same second. Ends with an error unless each fires once and none early. STORE=postgres: on a PostgreSQL, where REPLICAS (4)
//! of the service see to what is due.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use http::StatusCode;
use perennial_benches::{
    Clock, Home, Seed, Service, User, asked_server, median, number, quantile, scratch, table,
};
use perennial_domain::{Timestamp, UserId};
use serde_json::{Value, json};

/// Alarms of the small store.
const FEW: usize = 1_000;

/// The most that a tick may cost at ALARMS, as a multiple of its cost at [`FEW`].
const GROWTH: f64 = 1.5;

/// Reminders a second.
const GOAL: f64 = 5_000.0;

/// How long before they are due the alarms are all in the store.
const AHEAD: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

fn main() -> ExitCode {
    let (alarms, due) = (number("ALARMS", 1_000_000_usize), number("DUE", 10_000_usize));
    let (scratch, server) = (scratch(), asked_server());
    let home = |name: &str| Home::new(scratch.path().join(name), server.as_ref());
    let (few, many) = (home("few"), home("many"));
    fill(&few, FEW);
    let start = Instant::now();
    let users = fill(&many, alarms.saturating_sub(due));
    eprintln!("{alarms} alarms in {:.1} s", start.elapsed().as_secs_f64());
    let ticks = compare_ticks(&few, &many);
    let replicas = number("REPLICAS", if server.is_some() { 4 } else { 1 });
    let folders: Vec<_> = (0..replicas).map(|n| scratch.path().join(format!("replica{n}"))).collect();
    let fired = fire(&many, &folders, &users, due);
    println!(
        "BENCH {}",
        json!({ "bench": "alarms", "store": if server.is_some() { "postgres" } else { "sqlite" }, "alarms": alarms, "due": due, "tick": ticks, "fired": fired })
    );
    ExitCode::from(u8::from(fired["once"] != true || fired["early"] != 0))
}

/// A store with so many alarms, of USERS (100) users, all of the next years.
fn fill(home: &Home, count: usize) -> Vec<UserId> {
    let service = home.start(Clock::Stands);
    let users: Vec<UserId> = (0..number("USERS", 100))
        .map(|n| service.user(&format!("user {n}")))
        .map(|user: User| user.id)
        .collect();
    let now = Utc::now();
    let document = |n: usize| {
        let minutes = i64::try_from(n).unwrap();
        task(now + chrono::TimeDelta::days(1) + chrono::TimeDelta::minutes(minutes))
    };
    home.seed(&Seed { users: &users, count, at: at(now), document: &document });
    users
}

/// A task with a reminder at its due time.
fn task(due: DateTime<Utc>) -> Value {
    let local = due.format("%Y-%m-%dT%H:%M:%S").to_string();
    json!({ "title": "Something to remember", "due": { "local": local, "tz": "UTC" }, "reminders": [{ "trigger": "PT0S" }] })
}

/// Ticks with nothing due, in turn on one store and the other.
fn compare_ticks(few: &Home, many: &Home) -> Value {
    let services = [few.start(Clock::Stands), many.start(Clock::Stands)];
    for (home, service) in [few, many].into_iter().zip(&services) {
        seal(home, service);
    }
    let mut times = [Vec::new(), Vec::new()];
    // The first ticks find caches cold.
    for round in 0..number("TICKS", 201) + 10 {
        for turn in 0..2 {
            let store = (round + turn) % 2;
            let took = tick(&services[store]);
            // What a tick starts after its answer is to be over before the next.
            sleep(Duration::from_millis(10));
            if round >= 10 {
                times[store].push(took);
            }
        }
    }
    let armed = [few, many].map(Home::armed);
    let [small, large] = times.each_ref().map(|times| median(times));
    let ratio = large / small;
    let row = |index: usize| {
        let (p50, p90) = (median(&times[index]), quantile(&times[index], 0.9));
        vec![format!("{} armed", armed[index]), format!("{p50:.2}"), format!("{p90:.2}")]
    };
    println!("{}", table(&["a tick with nothing due", "p50 ms", "p90 ms"], &[row(0), row(1)]));
    println!("ratio {ratio:.2}, at most {GROWTH}: {}\n", word(ratio <= GROWTH));
    json!({ "few_ms": small, "many_ms": large, "ratio": ratio })
}

/// Ticks until all that was put into a store has been sealed, which each tick does some of.
fn seal(home: &Home, service: &Service) {
    let (start, entries) = (Instant::now(), home.unsealed());
    while home.unsealed() > 0 {
        tick(service);
    }
    eprintln!("{entries} entries of the audit sealed in {:.1} s", start.elapsed().as_secs_f64());
}

/// One tick, in milliseconds.
fn tick(service: &Service) -> f64 {
    let token = service.token();
    let client = service.client(None);
    let call = client.post("/internal/sweep").header("dapr-api-token", &token);
    let start = Instant::now();
    let ticked = call.answer().ok(StatusCode::OK);
    let took = start.elapsed().as_secs_f64() * 1_000.0;
    assert_eq!(ticked["fired"], 0, "something was due: {ticked}");
    took
}

/// Lets `due` alarms come due in one second, and counts what becomes of them.
fn fire(home: &Home, replicas: &[PathBuf], users: &[UserId], due: usize) -> Value {
    let when = (Utc::now() + AHEAD + chrono::TimeDelta::seconds(1)).trunc_subsecs(0);
    let document = |_| task(when);
    home.seed(&Seed { users, count: due, at: at(Utc::now()), document: &document });
    let _services: Vec<Service> = match replicas {
        [_] => vec![home.start(Clock::Runs)],
        many => many.iter().map(|folder| home.replica(folder, Clock::Runs)).collect(),
    };
    assert!(Utc::now() < when, "they came due before the service ran: use a smaller DUE");

    let deadline = Duration::from_secs(60 + due as u64 / 20);
    let mut first = None;
    let mut last = 0.0;
    let late = || (Utc::now() - when).as_seconds_f64();
    while late() < deadline.as_secs_f64() {
        let fired = home.notifications();
        if fired > 0 {
            first.get_or_insert(late());
        }
        last = late();
        if fired >= due {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    // Whoever would fire one twice has had the time for it.
    sleep(Duration::from_secs(3));

    let (made, distinct, early) = (home.notifications(), home.alarms_notified(), home.early_or_unfounded());
    let rate = distinct as f64 / last;
    let once = made == due && distinct == due;
    println!(
        "{due} alarms due in one second: {made} notifications of {distinct} alarms, {early} early or unfounded"
    );
    println!("  each once: {}", if once { "yes" } else { "NO" });
    let deadlocks = home.deadlocks();
    println!(
        "  first after {:.2} s, last after {last:.2} s, {deadlocks} deadlocks",
        first.unwrap_or_default()
    );
    println!("  {rate:.0} reminders/s from the due instant on, goal {GOAL}: {}", word(rate >= GOAL));
    json!({ "once": once, "made": made, "distinct": distinct, "early": early, "first_s": first, "last_s": last, "per_second": rate, "deadlocks": deadlocks })
}

fn at(instant: DateTime<Utc>) -> Timestamp {
    Timestamp::from(instant)
}

fn word(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}
