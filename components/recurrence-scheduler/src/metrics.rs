//! `GET /metrics`: what a look at the store finds, in the text format of Prometheus (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use perennial_domain::{Timestamp, Topic};
use perennial_events::CONSUMERS;
use perennial_http_api::{Head, Problem, Response, has_token};
use perennial_recurrence::tzdata_version;
use perennial_store::Metrics;

/// The address.
pub const PATH: &str = "/metrics";

/// The media type of the answer.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Lets a request in: only with the token, and nobody where there is none. All is seen by its head.
pub fn admit(head: &Head, token: &str) -> Result<(), Problem> {
    if token.is_empty() {
        return Err(Problem::not_found());
    }
    if ![Method::GET, Method::HEAD].contains(&head.method) {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    if !has_token(&head.headers, token) {
        return Err(Problem::unauthenticated(
            "the metrics need the header Authorization: Bearer <metrics_token>",
        ));
    }
    Ok(())
}

/// The answer; nothing but its head to HEAD.
pub fn answer(method: &Method, metrics: &Metrics, now: Timestamp) -> Response {
    let text = if *method == Method::HEAD { String::new() } else { text(metrics, now) };
    let mut response = Response::new(text.into_bytes());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}

/// A gauge: its name, what it is, and its values by their labels.
struct Gauge {
    name: &'static str,
    help: &'static str,
    values: Vec<(String, f64)>,
}

/// All of them.
pub fn text(metrics: &Metrics, now: Timestamp) -> String {
    let mut text = String::new();
    for Gauge { name, help, values } in gauges(metrics, now) {
        head(&mut text, name, help, "gauge");
        for (labels, value) in values {
            line(&mut text, &format!("{name}{labels}"), value);
        }
    }
    let mut family = "";
    let counters = counters(metrics);
    for (name, value) in &counters {
        let of = name.split('{').next().unwrap_or_default();
        if of != family {
            head(&mut text, of, counted(of), "counter");
            family = of;
        }
        line(&mut text, name, number(*value));
    }
    text
}

fn gauges(metrics: &Metrics, now: Timestamp) -> Vec<Gauge> {
    let age = |since: Option<Timestamp>| {
        let millis = since.map_or(0, |since| now.as_millis().saturating_sub(since.as_millis()).max(0));
        number(millis) / 1_000.0
    };
    let gauge = |name, help, values| Gauge { name, help, values };
    let one = |name, help, value| gauge(name, help, vec![(String::new(), value)]);
    let kind = |kind: &String| format!("{{kind=\"{kind}\"}}");
    let due = |of: &str| metrics.due.get(of).and_then(|due| due.since);
    let info = format!(
        "{{version=\"{}\",schema=\"{}\",tzdata=\"{}\"}}",
        env!("CARGO_PKG_VERSION"),
        metrics.schema,
        tzdata_version()
    );
    let lag = [
        ("audit", metrics.unsealed_since),
        ("notifier", due("notification")),
        ("recurrence-scheduler", due("successor")),
    ];
    vec![
        gauge(
            "perennial_info",
            "The versions of the application, of the schema and of the zone data.",
            vec![(info, 1.0)],
        ),
        one(
            "outbox_oldest_age_seconds",
            "Age of the oldest event that waits to be published, of the streams that are tried next and of those that have failed most often.",
            age(metrics.outbox_since),
        ),
        one(
            "outbox_waiting_streams",
            "Streams whose events wait to be published; 10000 stands for that many or more.",
            number(metrics.streams),
        ),
        gauge(
            "work_due",
            "Work that is due and not held back, by kind; 10000 stands for that many or more.",
            metrics.due.iter().map(|(name, due)| (kind(name), number(due.count))).collect(),
        ),
        gauge(
            "work_oldest_due_age_seconds",
            "How late the oldest work is that is due and not held back, by kind.",
            metrics.due.iter().map(|(name, due)| (kind(name), age(due.since))).collect(),
        ),
        gauge(
            "work_parked",
            "Work that was given up, by kind, among the first 10000.",
            metrics.parked.iter().map(|(name, count)| (kind(name), number(*count))).collect(),
        ),
        one(
            "dead_letters_open",
            "Dead letters that nobody has seen to; 10000 stands for that many or more.",
            number(metrics.letters),
        ),
        gauge(
            "consumer_lag_seconds",
            "How long the oldest of what a consumer owes by the store has waited for it.",
            lag.map(|(name, since)| (format!("{{consumer=\"{name}\"}}"), age(since))).into(),
        ),
        one(
            "audit_oldest_unsealed_age_seconds",
            "Age of the oldest audit entry that is not sealed, of the chains that are sealed next and of those that could not be most often.",
            age(metrics.unsealed_since),
        ),
    ]
}

/// What was counted; what has not happened yet is there as 0.
fn counters(metrics: &Metrics) -> BTreeMap<String, i64> {
    let mut counters = BTreeMap::new();
    for topic in [Topic::TaskEvents, Topic::Reminders, Topic::TaskUpdates] {
        counters.insert(format!("dlq_events_total{{topic=\"{}\"}}", topic.name()), 0);
    }
    for consumer in CONSUMERS {
        counters.insert(format!("duplicate_events_total{{consumer=\"{}\"}}", consumer.name), 0);
    }
    for state in ["cancelled", "delivered", "failed"] {
        counters.insert(format!("notifications_total{{state=\"{state}\"}}"), 0);
    }
    counters.extend(metrics.tally.iter().map(|(name, value)| (name.clone(), *value)));
    counters
}

/// What a counter counts.
fn counted(name: &str) -> &'static str {
    match name {
        "dlq_dropped_total" => {
            "Messages that were given up and belong to nobody, which were not kept: too many were."
        }
        "dlq_events_total" => {
            "Events that became dead letters, once more where they did so after having been sent again."
        }
        "duplicate_events_total" => "Events that a consumer was handed and had applied before.",
        "notifications_total" => "Notifications that came to an end, by how.",
        _ => "What has happened so often since the store was made.",
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, value: f64) {
    let _ = writeln!(text, "{name} {value}");
}

/// A number as Prometheus has them: exact up to 2^53.
fn number(value: i64) -> f64 {
    value as f64
}
