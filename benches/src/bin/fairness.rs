//! `make bench-fairness`: BACKLOG (1,000,000) due alarms of one user, and how late another's work then is. PROBES (20)
//! times: a reminder, its webhook, the next occurrence of a series that was done, and of a stack that is due. Ends with an error if any is over 5 s late.

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
const KINDS: [&str; 4] = ["reminder", "webhook", "next occurrence", "next of a stack"];

/// How late each of [`KINDS`] came, in seconds.
type Lateness = [f64; 4];

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
    let document = |_| task(due, Some("PT0S"), Value::Null);
    // Created before it was due: a reminder that was late already when it was set never fires.
    let created = Timestamp::from(due - TimeDelta::days(1));
    let start = Instant::now();
    seed(&service.database(), &Seed { users: &[busy.id], count: backlog, at: created, document: &document });
    eprintln!("{backlog} due alarms of one user in {:.1} s", start.elapsed().as_secs_f64());
    other.token
}

fn task(due: DateTime<Utc>, trigger: Option<&str>, recurrence: Value) -> Value {
    let local = due.format("%Y-%m-%dT%H:%M:%S").to_string();
    let reminders: Vec<Value> = trigger.iter().map(|trigger| json!({ "trigger": trigger })).collect();
    let due = json!({ "local": local, "tz": "UTC" });
    json!({ "title": "Probe", "due": due, "reminders": reminders, "recurrence": recurrence })
}

/// Asks for a reminder and a stack two to three seconds ahead, completes an occurrence, and waits for what follows.
fn probe(client: &Client, receiver: &Receiver) -> Lateness {
    let due = (Utc::now() + TimeDelta::seconds(3)).trunc_subsecs(0);
    let id = |task: &Value| task["id"].as_str().unwrap().to_owned();
    let reminded = id(&client.create(&task(due, Some("PT0S"), Value::Null)));
    let stack = id(&client.create(&task(due, None, json!({ "rrule": "FREQ=DAILY", "overlap": "stack" }))));
    let series = client.create(&task(due, None, json!({ "rrule": "FREQ=DAILY" })));
    let (series, first) = (id(&series), series["occurrence"]["recurrence_id"].as_str().unwrap().to_owned());
    client.complete(&series, &first).ok(StatusCode::OK);
    let completed = Instant::now();

    let waited = || (Utc::now() - due).as_seconds_f64();
    let look = |kind: usize| match kind {
        0 => some(&client.get(format!("/v1/notifications?task={reminded}")), 1).then(waited),
        1 => {
            let deliveries = receiver.deliveries();
            let ours =
                deliveries.iter().find(|delivery| delivery.json()["data"]["task_id"] == reminded.as_str());
            ours.map(|delivery| waited() - delivery.at.elapsed().as_secs_f64())
        }
        2 => {
            let open = client.get(format!("/v1/tasks/{series}"))["occurrence"].is_object();
            open.then(|| completed.elapsed().as_secs_f64())
        }
        _ => some(&client.get(format!("/v1/tasks/{stack}/occurrences")), 2).then(waited),
    };
    let mut late = [f64::INFINITY; KINDS.len()];
    while waited() < GIVEN_UP && late.contains(&f64::INFINITY) {
        for (kind, late) in late.iter_mut().enumerate().filter(|(_, late)| late.is_infinite()) {
            *late = look(kind).unwrap_or(f64::INFINITY);
        }
        sleep(LOOK);
    }
    late
}

/// Whether a list has at least so many items.
fn some(list: &Value, count: usize) -> bool {
    list["items"].as_array().is_some_and(|items| items.len() >= count)
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
