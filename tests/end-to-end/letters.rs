//! Dead letters: what can never be applied, or was given up by a broker, is kept with its reasons, seen, sent again and put away.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use perennial_tests::{Client, SOON, Service, Setup, until};
use serde_json::{Value, json};

const EVENTS: &str = "/events/recurrence-scheduler/task-events";
const GIVEN_UP: &str = "/events/dead-letters/task-events";
const METRICS_TOKEN: &str = "watching";

fn started(setup: Setup) -> Service {
    let mut variables = setup.variables.clone();
    variables.push(("metrics_token", METRICS_TOKEN.to_owned()));
    Service::with(Setup { variables, ..setup })
}

/// Hands a message to a callback route, as a bus would.
pub(crate) fn hand(service: &Service, path: &str, message: &str) {
    let anyone = service.anyone();
    let callback = anyone.post(path).header("dapr-api-token", &service.token());
    let answer = callback.body("application/cloudevents+json", message).answer();
    assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body);
}

/// An event of the owner's that nobody can ever apply, another each time: the id of its letter.
pub(crate) fn one_given_up(service: &Service) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let id = format!("01980000-0000-7000-9000-{:012}", NUMBER.fetch_add(1, Ordering::Relaxed));
    hand(service, EVENTS, &event(&json!("admin"), &json!({ "id": id, "data": {} })));
    let kept = service.owner().all("/v1/dead-letters");
    let letter = kept.iter().find(|letter| letter["original_event_id"] == id).unwrap();
    letter["dlq_id"].as_str().unwrap().to_owned()
}

/// A figure of the metrics.
fn metric(service: &Service, name: &str) -> f64 {
    let watcher = service.anyone().with_token(Some(METRICS_TOKEN));
    let answer = watcher.call(Method::GET, "/metrics").answer();
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"), "{:?}", answer.headers);
    let line = answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{}", answer.body)).parse().unwrap()
}

fn letters(owner: &Client, query: &str) -> Vec<Value> {
    owner.all(&format!("/v1/dead-letters{query}"))
}

fn statuses(owner: &Client) -> Vec<String> {
    letters(owner, "").iter().map(|letter| letter["status"].as_str().unwrap().to_owned()).collect()
}

/// An event of the user's that says what a completion says, but for what is changed of it.
fn event(user: &Value, changed: &Value) -> String {
    let id = uuid(user, changed);
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": "/perennial/task-api", "type": "task.completed",
        "subject": "01980000-0000-7000-8000-000000000000", "time": "2026-11-29T12:00:00Z",
        "datacontenttype": "application/json", "dataschema": "urn:perennial:event:task.completed:1.0",
        "userid": user, "stream": user, "sequence": "00000000000000000007", "partitionkey": user, "correlationid": "x",
        "data": { "recurrence_id": "2027-01-01T09:00:00[UTC]" },
    });
    event.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    event.to_string()
}

/// An id that is the same for the same.
fn uuid(user: &Value, changed: &Value) -> String {
    let sum: u64 = format!("{user}{changed}").bytes().map(u64::from).sum();
    format!("01980000-0000-7000-8000-{sum:012}")
}

fn id_of(owner: &Client, name: &str) -> Value {
    owner.all("/v1/users").into_iter().find(|user| user["name"] == name).unwrap()["id"].clone()
}

#[test]
fn what_can_never_be_applied_is_kept_seen_and_counted() {
    let service = started(Setup::default());
    let (owner, ada, bo) = (service.owner(), service.user("Ada"), service.user("Bo"));
    let user = id_of(&owner, "Ada");
    let poison = [
        "no JSON \"my diary\"".to_owned(),
        "{}".to_owned(),
        event(&user, &json!({ "data": {} })),
        event(&user, &json!({ "subject": "nothing" })),
        event(&json!("nobody"), &json!({ "id": "no id" })),
    ];
    // Each comes twice, as from a broker.
    for message in poison.iter().chain(&poison) {
        hand(&service, EVENTS, message);
    }
    // What is applied, or of no concern, is none.
    hand(&service, EVENTS, &event(&user, &json!({ "type": "task.created" })));

    let kept = letters(&owner, "");
    assert_eq!(kept.len(), poison.len(), "{kept:?}");
    for letter in &kept {
        let why = &letter["error_context"];
        assert_eq!(
            (&letter["status"], &why["error_class"]),
            (&json!("open"), &json!("permanent")),
            "{letter}"
        );
        assert_eq!(why["consumer_service"], "recurrence-scheduler", "{letter}");
        assert_eq!(
            (&letter["original_topic"], &why["retry_count"]),
            (&json!("task-events"), &json!(2)),
            "{letter}"
        );
        let reason = why["error_message"].as_str().unwrap();
        assert!(!reason.is_empty() && !reason.contains("diary"), "{letter}");
        assert!(letter.get("original_event").is_none(), "a list tells no event: {letter}");
        let whole = owner.get(format!("/v1/dead-letters/{}", letter["dlq_id"].as_str().unwrap()));
        assert!(whole.get("original_event").is_some(), "{whole}");
    }
    let first = owner.get(format!("/v1/dead-letters/{}", kept[0]["dlq_id"].as_str().unwrap()));
    assert_eq!((&first["original_event"], &first["user"]), (&json!(poison[0]), &Value::Null));
    let of_ada = letters(&owner, &format!("?user={}&status=open", user.as_str().unwrap()));
    assert_eq!(of_ada.len(), 2, "{of_ada:?}");

    // Their owner sees their own among what was given up; nobody but an admin sees letters.
    let parked = ada.all("/v1/parked");
    assert_eq!(parked.len(), 2, "{parked:?}");
    assert_eq!(
        (&parked[0]["kind"], &parked[0]["consumer"]),
        (&json!("event"), &json!("recurrence-scheduler"))
    );
    assert_eq!(bo.get("/v1/parked")["total"], 0);
    for path in
        ["/v1/dead-letters".to_owned(), format!("/v1/dead-letters/{}", of_ada[0]["dlq_id"].as_str().unwrap())]
    {
        ada.call(Method::GET, path).answer().is_problem(403, "forbidden");
    }
    assert_eq!(metric(&service, "dlq_events_total{topic=\"task-events\"}"), 5.0);
    assert_eq!(metric(&service, "dead_letters_open"), 5.0);
    assert_eq!(metric(&service, "work_parked{kind=\"event\"}"), 5.0);

    // Put away: some by a filter, after a look that changes nothing.
    let asked = json!({ "user": user });
    let shown = owner.post("/v1/dead-letters/discard").json(&asked).answer().ok(StatusCode::OK);
    assert_eq!((&shown["dry_run"], &shown["count"]), (&json!(true), &json!(2)), "{shown}");
    assert_eq!(shown["items"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(statuses(&owner), ["open"; 5]);
    let asked = json!({ "user": user, "dry_run": false });
    let once = || owner.post("/v1/dead-letters/discard").header("idempotency-key", "d").json(&asked).answer();
    assert_eq!(once().ok(StatusCode::OK)["count"], 2);
    assert_eq!(once().ok(StatusCode::OK)["count"], 2, "the same answer again");
    assert_eq!(letters(&owner, "?status=discarded").len(), 2);
    assert_eq!(ada.get("/v1/parked")["total"], 0);
    let path = format!("/v1/dead-letters/{}", kept[0]["dlq_id"].as_str().unwrap());
    for _ in 0..2 {
        owner.post(format!("{path}/discard")).answer().ok(StatusCode::NO_CONTENT);
    }
    assert_eq!(letters(&owner, "?status=open").len(), 2);
    let told = owner.all("/v1/changes");
    let actions: Vec<&Value> = told.iter().map(|change| &change["action"]).collect();
    assert_eq!(actions.iter().filter(|action| **action == "dead-letter.discard").count(), 2, "{actions:?}");
}

/// A series whose occurrence was completed while nobody heard of it, and whose event a broker has given up. Gives its task.
fn given_up(folder: &std::path::Path) -> (Setup, String, Option<String>) {
    let setup = Setup { state_dir: Some(folder.join("state")), ..Setup::default() };
    // Nothing but the API runs: its events go to nobody.
    let alone = Setup { components: vec!["task-api"], ..setup.clone() };
    let mut service = started(alone);
    let ada = service.user("Ada");
    let task = ada.create(&json!({
        "title": "Given up", "due": { "local": "2027-01-01T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY" },
    }));
    let id = task["id"].as_str().unwrap().to_owned();
    ada.complete(&id, task["occurrence"]["recurrence_id"].as_str().unwrap()).ok(StatusCode::OK);
    let events = ada.all("/v1/events");
    let completed = events.into_iter().find(|event| event["type"] == "task.completed").unwrap();
    // Nor does the clock find what is owed: only the event can bring it.
    service.seed().write_all("UPDATE work SET wake_at = 9000000000000 WHERE kind = 'successor';");
    service.terminate();
    std::fs::write(folder.join("event"), completed.to_string()).unwrap();
    (setup, id, ada.token().map(str::to_owned))
}

#[test]
fn what_a_broker_gave_up_is_sent_again_and_has_its_effect_once() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, id, token) = given_up(folder.path());
    let mut service = started(setup.clone());
    let (owner, ada) = (service.owner(), service.anyone().with_token(token.as_deref()));
    let message = std::fs::read_to_string(folder.path().join("event")).unwrap();
    hand(&service, GIVEN_UP, &message);
    hand(&service, "/events/dead-letters/no-topic-of-ours", "no event");
    let [letter, other] = letters(&owner, "").try_into().unwrap();
    let why = &letter["error_context"];
    assert_eq!(
        (&why["error_class"], &why["consumer_service"]),
        (&json!("transient"), &json!("recurrence-scheduler"))
    );
    assert_eq!(other["original_topic"], "other");
    let occurrences = |ada: &Client| ada.all(&format!("/v1/tasks/{id}/occurrences")).len();
    assert_eq!(occurrences(&ada), 1);

    // A look first, which changes nothing; what is no event is not among them.
    let shown = owner.post("/v1/dead-letters/replay").json(&json!({})).answer().ok(StatusCode::OK);
    assert_eq!((&shown["dry_run"], &shown["count"]), (&json!(true), &json!(1)), "{shown}");
    assert_eq!(shown["items"][0]["dlq_id"], letter["dlq_id"]);
    assert_eq!(statuses(&owner), ["open", "open"]);
    let path = format!("/v1/dead-letters/{}/replay", other["dlq_id"].as_str().unwrap());
    owner.post(path).answer().is_problem(422, "invalid");

    let asked = json!({ "type": "task.completed", "topic": "task-events", "dry_run": false });
    let asked = owner.post("/v1/dead-letters/replay").json(&asked).answer().ok(StatusCode::OK);
    assert_eq!((&asked["dry_run"], &asked["count"]), (&json!(false), &json!(1)), "{asked}");
    // Killed right after: the next one goes on with it.
    service.kill();
    let service = started(setup);
    let (owner, ada) = (service.owner(), service.anyone().with_token(ada.token()));
    until("its effect", SOON, || (occurrences(&ada) == 2).then_some(()));
    until("it was sent", SOON, || (statuses(&owner) == ["replayed", "open"]).then_some(()));

    // Sent once more, it has no second effect, and that is counted.
    let path = format!("/v1/dead-letters/{}", letter["dlq_id"].as_str().unwrap());
    let before = metric(&service, "duplicate_events_total{consumer=\"recurrence-scheduler\"}");
    owner.post(format!("{path}/replay")).answer().ok(StatusCode::NO_CONTENT);
    until("it was sent once more", SOON, || {
        let counted = metric(&service, "duplicate_events_total{consumer=\"recurrence-scheduler\"}");
        (owner.get(&path)["status"] == "replayed" && counted > before).then_some(())
    });
    assert_eq!(occurrences(&ada), 2);
    assert_eq!(owner.get(&path)["replays"], 2);
}

#[test]
fn what_is_given_up_again_is_open_again() {
    let service = started(Setup::default());
    let (owner, ada, bo) = (service.owner(), service.user("Ada"), service.user("Bo"));
    let user = id_of(&owner, "Ada");
    hand(&service, EVENTS, &event(&user, &json!({ "data": {} })));
    let parked = ada.all("/v1/parked");
    let path = format!("/v1/parked/{}/retry", parked[0]["id"].as_str().unwrap());
    bo.post(&path).answer().is_problem(404, "not-found");
    ada.post(&path).answer().ok(StatusCode::NO_CONTENT);
    let letter = until("its consumer gave up once more", SOON, || {
        let letter = letters(&owner, "").remove(0);
        (letter["error_context"]["retry_count"] == 2 && letter["status"] == "open").then_some(letter)
    });
    assert_eq!(letter["replays"], 1, "{letter}");
    assert_eq!(ada.all("/v1/parked").len(), 1);
}

#[test]
fn what_is_asked_for_wrongly_is_refused_at_each_door() {
    let service = Service::start();
    let (owner, anyone) = (service.owner(), service.anyone());
    for body in [
        json!([]),
        json!({ "limit": 0 }),
        json!({ "limit": 1_001 }),
        json!({ "status": "lost" }),
        json!({ "ids": ["x"] }),
        json!({ "topic": "" }),
        json!({ "everything": true }),
        json!({ "dry_run": "no" }),
    ] {
        for verb in ["replay", "discard"] {
            let answer = owner.post(format!("/v1/dead-letters/{verb}")).json(&body).answer();
            answer.is_problem(422, "invalid");
        }
    }
    for path in ["", "/replay", "/discard"] {
        let method = if path.is_empty() { Method::GET } else { Method::POST };
        let path = format!("/v1/dead-letters/01980000-0000-7000-8000-000000000000{path}");
        owner.call(method, path).answer().is_problem(404, "not-found");
    }
    owner.call(Method::GET, "/v1/dead-letters?status=lost").answer().is_problem(400, "malformed");
    owner.call(Method::GET, "/v1/dead-letters?cursor=x").answer().is_problem(400, "malformed");

    // A broker takes 404 for "drop it": it is never told so.
    for path in [GIVEN_UP, "/events/dead-letters/", "/events/dead-letters/x/y"] {
        anyone.post(path).body("", "{}").answer().is_problem(401, "unauthenticated");
        anyone.call(Method::GET, path).answer().is_problem(405, "method-not-allowed");
        hand(&service, path, "");
    }
    // What is too long is kept too, as far as an event may go. A broker would bring it again for ever.
    let wrapped =
        |message: &str| json!({ "data_base64": STANDARD.encode(message), "type": "com.dapr.event.sent" });
    let letter_of = |number: usize| char::from(b"abcd"[number]).to_string();
    let mebibytes = |count: usize| count * 1024 * 1024;
    for (number, (length, is_wrapped)) in
        [(300_000, false), (mebibytes(4) + 1, false), (mebibytes(20), false), (mebibytes(6), true)]
            .into_iter()
            .enumerate()
    {
        let message = letter_of(number).repeat(length);
        let message = if is_wrapped { wrapped(&message).to_string() } else { message };
        for path in [GIVEN_UP, EVENTS] {
            hand(&service, path, &message);
        }
        let kept = owner.all("/v1/dead-letters");
        for letter in &kept[kept.len() - 2..] {
            let id = letter["dlq_id"].as_str().unwrap();
            let event =
                owner.get(format!("/v1/dead-letters/{id}"))["original_event"].as_str().unwrap().to_owned();
            assert_eq!(event, letter_of(number).repeat(256 * 1024), "{length}");
            let said = letter["error_context"]["error_message"].as_str().unwrap();
            assert!(said.ends_with("its first 262144 bytes are kept"), "{said}");
        }
    }

    // Without a token nobody may watch.
    anyone.call(Method::GET, "/metrics").answer().is_problem(404, "not-found");
    owner.call(Method::GET, "/metrics").answer().is_problem(404, "not-found");
    let watched = started(Setup::default());
    watched.anyone().call(Method::GET, "/metrics").answer().is_problem(401, "unauthenticated");
    watched.owner().call(Method::GET, "/metrics").answer().is_problem(401, "unauthenticated");
    let watcher = watched.anyone().with_token(Some(METRICS_TOKEN));
    watcher.call(Method::POST, "/metrics").answer().is_problem(405, "method-not-allowed");
    watcher.call(Method::GET, "/v1/me").answer().is_problem(401, "unauthenticated");
}

/// The text format of Prometheus, version 0.0.4: a family's head comes once, before its values, and each value is a number.
#[test]
fn the_metrics_are_in_the_text_format_of_prometheus() {
    let service = started(Setup::default());
    service.user("Ada").create(&json!({ "title": "Watched" }));
    let watcher = service.anyone().with_token(Some(METRICS_TOKEN));
    let text = watcher.call(Method::GET, "/metrics").answer().body;
    assert_eq!(watcher.call(Method::HEAD, "/metrics").answer().body, "");
    let (mut families, mut family) = (Vec::new(), "");
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap();
            assert!(!families.contains(&family), "{family} comes twice");
            families.push(family);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(name == family && ["gauge", "counter"].contains(&kind), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(name.split('{').next(), Some(family), "{line}");
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
        }
    }
    for expected in
        ["perennial_info", "outbox_oldest_age_seconds", "consumer_lag_seconds", "notifications_total"]
    {
        assert!(families.contains(&expected), "{expected} is not among {families:?}");
    }
}
