//! `make bench-fairness`: BACKLOG (1,000,000) due alarms of one user, and how late another's work then is. PROBES (20)
//! times: a reminder, its webhook, and the next occurrence of a series. Ends with an error if any is over 5 s late.

use std::process::ExitCode;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use http::StatusCode;
use perennial_benches::{Clock, Seed, Service, median, number, scratch, seed, table};
use perennial_domain::Timestamp;
use perennial_tests::{Client, Receiver};
use serde_json::{Value, json};

/// The most that another user's work may be late, in seconds.
const LATE: f64 = 5.0;

/// What has not come after so many seconds is not waited for.
const GIVEN_UP: f64 = 30.0;

/// The time between two probes.
const BETWEEN: Duration = Duration::from_millis(700);

/// How often a probe looks.
const LOOK: Duration = Duration::from_millis(200);

/// What another user waits for.
const KINDS: [&str; 3] = ["reminder", "webhook", "next occurrence"];

/// How late each of [`KINDS`] came, in seconds.
type Lateness = [f64; 3];

fn main() -> ExitCode {
    let (backlog, probes) = (number("BACKLOG", 1_000_000_usize), number("PROBES", 20_usize));
    let scratch = scratch();
    let state_dir = scratch.path().join("state");
    let receiver = Receiver::start();
    let token = prepare(&state_dir, backlog, &receiver);

    let service = Service::start(&state_dir, Clock::Runs);
    let client = service.client(Some(&token));
    let all: Vec<Lateness> = scope(|scope| {
        let running: Vec<_> = (0..probes)
            .map(|_| {
                sleep(BETWEEN);
                scope.spawn(|| probe(&client, &receiver))
            })
            .collect();
        running.into_iter().map(|probe| probe.join().unwrap()).collect()
    });
    report(backlog, &all)
}

/// A store in which one user has a backlog and another a webhook; gives the other's token.
fn prepare(state_dir: &std::path::Path, backlog: usize, receiver: &Receiver) -> String {
    let service = Service::start(state_dir, Clock::Stands);
    let (busy, other) = (service.user("busy"), service.user("other"));
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    service.client(Some(&other.token)).post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);

    let due = Utc::now() - TimeDelta::hours(1);
    let document = |_| task(due, Some("PT0S"), None);
    // Created before it was due: a reminder that was late already when it was set never fires.
    let created = Timestamp::from(due - TimeDelta::days(1));
    let start = Instant::now();
    seed(&service.database(), &Seed { users: &[busy.id], count: backlog, at: created, document: &document });
    eprintln!("{backlog} due alarms of one user in {:.1} s", start.elapsed().as_secs_f64());
    other.token
}

fn task(due: DateTime<Utc>, trigger: Option<&str>, rule: Option<&str>) -> Value {
    let local = due.format("%Y-%m-%dT%H:%M:%S").to_string();
    let reminders: Vec<Value> = trigger.iter().map(|trigger| json!({ "trigger": trigger })).collect();
    let mut task =
        json!({ "title": "Probe", "due": { "local": local, "tz": "UTC" }, "reminders": reminders });
    if let Some(rule) = rule {
        task["recurrence"] = json!({ "rrule": rule });
    }
    task
}

/// Asks for a reminder two to three seconds ahead and completes an occurrence, and waits for what follows.
fn probe(client: &Client, receiver: &Receiver) -> Lateness {
    let due = (Utc::now() + TimeDelta::seconds(3)).trunc_subsecs(0);
    let reminded = client.create(&task(due, Some("PT0S"), None));
    let reminded = reminded["id"].as_str().unwrap();

    let series = client.create(&task(due, None, Some("FREQ=DAILY")));
    let (series, first) =
        (series["id"].as_str().unwrap(), series["occurrence"]["recurrence_id"].as_str().unwrap());
    client.complete(series, first).ok(StatusCode::OK);
    let completed = Instant::now();

    let [mut reminder, mut webhook, mut next] = [f64::INFINITY; 3];
    let waited = || (Utc::now() - due).as_seconds_f64();
    while waited() < GIVEN_UP && [reminder, webhook, next].contains(&f64::INFINITY) {
        if next.is_infinite() && client.get(format!("/v1/tasks/{series}"))["occurrence"].is_object() {
            next = completed.elapsed().as_secs_f64();
        }
        if reminder.is_infinite() && waited() > 0.0 {
            let made = client.get(format!("/v1/notifications?task={reminded}"));
            if made["items"].as_array().is_some_and(|items| !items.is_empty()) {
                reminder = waited();
            }
        }
        if webhook.is_infinite() && waited() > 0.0 {
            let deliveries = receiver.deliveries();
            let ours = deliveries.iter().find(|delivery| delivery.json()["data"]["task_id"] == reminded);
            if let Some(delivery) = ours {
                webhook = waited() - delivery.at.elapsed().as_secs_f64();
            }
        }
        sleep(LOOK);
    }
    [reminder, webhook, next]
}

fn report(backlog: usize, all: &[Lateness]) -> ExitCode {
    let shown = |late: f64| if late.is_finite() { format!("{late:.2}") } else { format!("> {GIVEN_UP}") };
    let mut rows = Vec::new();
    let mut line = serde_json::Map::new();
    let mut too_late = 0;
    for (kind, name) in KINDS.into_iter().enumerate() {
        let values: Vec<f64> = all.iter().map(|late| late[kind]).collect();
        let within = values.iter().filter(|&&late| late <= LATE).count();
        let worst = values.iter().copied().fold(0.0, f64::max);
        too_late += values.len() - within;
        rows.push(vec![
            name.to_owned(),
            shown(median(&values)),
            shown(worst),
            format!("{within} of {}", values.len()),
        ]);
        // JSON has no infinity: null = given up.
        line.insert(name.replace(' ', "_"), json!({ "late_s": values, "within": within }));
    }
    println!("{}", table(&["late, in seconds", "median", "worst", "in 5 s"], &rows));
    println!(
        "behind {backlog} due alarms of another user, at most {LATE} s late: {}",
        if too_late == 0 { "held" } else { "BROKEN" }
    );
    println!("BENCH {}", json!({ "bench": "fairness", "backlog": backlog, "probes": line }));
    ExitCode::from(u8::from(too_late > 0))
}
