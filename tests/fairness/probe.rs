//! What another user waits for meanwhile, and how long.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use perennial_tests::{Client, Delivery, Receiver};
use serde_json::{Value, json};

/// Between two probes.
const PACE: Duration = Duration::from_secs(1);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What has not come by then is not waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// How late one kind of work was, each time.
pub struct Lateness {
    what: &'static str,
    each: Vec<Duration>,
    never: usize,
}

/// Something that is to come.
struct Awaited {
    kind: usize,
    task: String,
    at: DateTime<Utc>,
}

const KINDS: [&str; 4] =
    ["reminder", "webhook", "next occurrence of a completed one", "next occurrence of a stack"];

/// A user who looks for what is to come.
struct Watch {
    user: Client,
    receiver: Receiver,
    start: (Instant, DateTime<Utc>),
    awaited: Vec<Awaited>,
    lateness: Vec<Lateness>,
}

/// Makes so many probes, one a second, and waits for what each of them is to lead to.
pub fn measure(user: &Client, probes: usize) -> Vec<Lateness> {
    let receiver = Receiver::start();
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
    let lateness = KINDS.iter().map(|what| Lateness { what, each: Vec::new(), never: 0 }).collect();
    let start = (Instant::now(), Utc::now());
    let mut watch = Watch { user: user.clone(), receiver, start, awaited: Vec::new(), lateness };
    for _ in 0..probes {
        let next = Instant::now() + PACE;
        watch.awaited.extend(probe(user));
        while Instant::now() < next {
            watch.look();
        }
    }
    let end = Instant::now() + LIMIT;
    while !watch.awaited.is_empty() && Instant::now() < end {
        watch.look();
    }
    for missing in &watch.awaited {
        let waited = (Utc::now() - missing.at).to_std().unwrap_or_default();
        watch.lateness[missing.kind].each.push(waited);
        watch.lateness[missing.kind].never += 1;
    }
    watch.lateness
}

/// One of each kind.
fn probe(user: &Client) -> Vec<Awaited> {
    let due = (Utc::now() + TimeDelta::seconds(2)).format("%Y-%m-%dT%H:%M:%S").to_string();
    let at = due.parse::<chrono::NaiveDateTime>().unwrap().and_utc();
    let create = |due: &str, recurrence: Value, reminders: Value| {
        let due = json!({ "local": due, "tz": "UTC" });
        let task = json!({ "title": "Probe", "due": due, "recurrence": recurrence, "reminders": reminders });
        user.create(&task)["id"].as_str().unwrap().to_owned()
    };
    let reminds = create(&due, Value::Null, json!([{ "trigger": "PT0S" }]));
    let stacked = create(&due, json!({ "rrule": "FREQ=DAILY", "overlap": "stack" }), json!([]));
    let daily = create("2027-03-13T09:00:00", json!({ "rrule": "FREQ=DAILY" }), json!([]));
    let completed = Utc::now();
    user.complete(&daily, "2027-03-13T09:00:00[UTC]").ok(StatusCode::OK);
    vec![
        Awaited { kind: 0, task: reminds.clone(), at },
        Awaited { kind: 1, task: reminds, at },
        Awaited { kind: 2, task: daily, at: completed },
        Awaited { kind: 3, task: stacked, at },
    ]
}

impl Watch {
    /// Looks for what is awaited, and takes away what has come.
    fn look(&mut self) {
        let arrived = self.receiver.deliveries();
        let mut awaited = std::mem::take(&mut self.awaited);
        awaited.retain(|one| match self.came(&arrived, one) {
            Some(came) => {
                self.lateness[one.kind].each.push((came - one.at).to_std().unwrap_or_default());
                false
            }
            None => true,
        });
        self.awaited = awaited;
        thread::sleep(PAUSE);
    }

    /// When something came, if it did.
    fn came(&self, arrived: &[Delivery], one: &Awaited) -> Option<DateTime<Utc>> {
        if one.at > Utc::now() {
            return None;
        }
        match one.kind {
            0 => {
                let list = self.user.all(&format!("/v1/notifications?task={}", one.task));
                list.first()?["created_at"].as_str()?.parse().ok()
            }
            1 => {
                let webhook = arrived.iter().find(|webhook| webhook.json()["data"]["task_id"] == one.task)?;
                TimeDelta::from_std(webhook.at - self.start.0).ok().map(|after| self.start.1 + after)
            }
            _ => {
                let list = self.user.all(&format!("/v1/tasks/{}/occurrences", one.task));
                (list.len() > 1).then(Utc::now)
            }
        }
    }
}

impl Lateness {
    /// How many were measured.
    pub fn len(&self) -> usize {
        self.each.len()
    }

    /// Prints one line, and gives how many were later than `bound`.
    pub fn print(&self, bound: Duration) -> usize {
        let seconds: Vec<String> =
            self.each.iter().map(|late| format!("{:.1}", late.as_secs_f64())).collect();
        let late = self.each.iter().filter(|late| **late > bound).count();
        println!(
            "  {}: {late} of {} late, {} not there when the wait ended; seconds: {}",
            self.what,
            self.each.len(),
            self.never,
            seconds.join(" ")
        );
        late
    }
}
