//! How often a token may be used, and how much a user may have.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};

use perennial_api::Limits;
use perennial_http_api::{Counted, RatePolicy, RateServer, Response};
use perennial_store::RateCount;
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

const WRITES: RatePolicy = RatePolicy { name: "writes", limit: 3, window: 60 };
const READS: RatePolicy = RatePolicy { name: "reads", limit: 2, window: 10 };

fn limited(limits: Limits<'static>) -> Service {
    let mut service = Service::default();
    service.limits = limits;
    service
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn told(response: &Response) -> (u16, &str, &str, &str) {
    let [policy, left, wait] =
        ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| header(response, name));
    (response.status().as_u16(), policy, left, wait)
}

fn create(service: &mut Service, key: &str) -> Response {
    let keyed = [("idempotency-key", key)];
    service.send(OWNER, "POST /v1/tasks", if key.is_empty() { &[] } else { &keyed }, &json!({ "title": "x" }))
}

fn many(service: &mut Service, mode: &str, count: usize, key: &[(&str, &str)]) -> Response {
    let one = json!({ "operation": "create", "body": { "title": "x" } });
    let document = json!({ "mode": mode, "operations": vec![one; count] });
    service.send(OWNER, "POST /v1/bulk", key, &document)
}

fn document(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[test]
fn a_write_tells_what_is_left_until_nothing_is() {
    let mut service = limited(Limits { writes: Some(WRITES), ..Limits::default() });
    let policy = "\"writes\";q=3;w=60";
    assert_eq!(told(&create(&mut service, "a")), (201, policy, "\"writes\";r=2;t=60", ""));
    // What is refused, or changes nothing, is not counted; nor is a read.
    let refused = service.send(OWNER, "POST /v1/tasks", &[], &json!({ "title": "" }));
    assert_eq!(told(&refused), (422, "", "", ""));
    assert_eq!(told(&service.send(OWNER, "GET /v1/tasks", &[], &Value::Null)), (200, "", "", ""));
    assert_eq!(told(&create(&mut service, "")).2, "\"writes\";r=1;t=60");
    assert_eq!(told(&create(&mut service, "")).2, "\"writes\";r=0;t=60");
    let over = create(&mut service, "");
    assert_eq!(told(&over), (429, policy, "\"writes\";r=0;t=60", "60"));
    assert_eq!(document(&over)["type"], "urn:perennial:problem:rate-limited");
    // A repetition is the answer that it was.
    let again = create(&mut service, "a");
    assert_eq!((again.status().as_u16(), header(&again, "idempotency-replayed")), (201, "true"));
    assert_eq!(told(&create(&mut service, "b")).0, 429);
    assert_eq!(service.fixture.count("task"), 3);
}

#[test]
fn many_in_one_request_are_counted_one_by_one() {
    let mut service = limited(Limits { writes: Some(WRITES), ..Limits::default() });
    let four = many(&mut service, "each", 4, &[]);
    assert_eq!((told(&four).0, &document(&four)["errors"][0]["pointer"]), (422, &json!("/operations")));
    // The key's own commit costs nothing beside others.
    let two = many(&mut service, "all", 2, &[("idempotency-key", "all")]);
    assert_eq!(told(&two), (200, "\"writes\";q=3;w=60", "\"writes\";r=1;t=60", ""));
    assert_eq!(
        told(&many(&mut service, "all", 2, &[])),
        (429, "\"writes\";q=3;w=60", "\"writes\";r=0;t=60", "60")
    );
    assert_eq!(service.fixture.count("task"), 2);
    let each = many(&mut service, "each", 2, &[("idempotency-key", "each")]);
    let results = document(&each)["results"].clone();
    assert_eq!([&results[0]["status"], &results[1]["status"]], [201, 429]);
    assert_eq!(results[1]["problem"]["type"], "urn:perennial:problem:rate-limited");
    assert_eq!(told(&each).2, "\"writes\";r=0;t=60");
    assert_eq!(told(&many(&mut service, "all", 2, &[("idempotency-key", "all")])).0, 200);
}

/// What keeps only an answer is a write too.
#[test]
fn a_key_is_kept_at_the_cost_of_a_write() {
    let mut service = limited(Limits { writes: Some(WRITES), ..Limits::default() });
    let task = document(&create(&mut service, ""));
    let same = json!({ "operation": "update", "id": task["id"], "body": { "title": "x" } });
    for (mode, expected) in [("all", 200), ("each", 200), ("all", 429)] {
        let body = json!({ "mode": mode, "operations": [same] });
        let key = format!("{mode}-{expected}");
        let answer = service.send(OWNER, "POST /v1/bulk", &[("idempotency-key", &key)], &body);
        assert_eq!(told(&answer).0, expected, "{mode}: {}", document(&answer));
    }
}

#[test]
fn a_user_has_so_many_tasks_by_whichever_way() {
    let mut service = limited(Limits { tasks: 2, ..Limits::default() });
    let first = document(&create(&mut service, ""));
    let path = format!("/v1/tasks/{}", first["id"].as_str().unwrap());
    let gone = service.send(OWNER, &format!("DELETE {path}"), &[], &Value::Null);
    let change = header(&gone, "change-id").to_owned();
    let weekly = json!({ "title": "w", "due": { "local": "2026-11-23T07:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=WEEKLY" } });
    let weekly = service.json("POST /v1/tasks", &weekly);
    create(&mut service, "");
    let series = format!("/v1/tasks/{}", weekly["id"].as_str().unwrap());
    let next = json!({ "recurrence_id": "2026-11-30T07:00:00[UTC]", "changes": { "title": "new" } });
    for (line, body) in [
        ("POST /v1/tasks".to_owned(), json!({ "title": "x" })),
        ("POST /v1/tasks/quick".to_owned(), json!({ "text": "Buy milk" })),
        (format!("POST {path}/restore"), Value::Null),
        (format!("POST /v1/changes/{change}/undo"), Value::Null),
        (format!("POST {series}/split"), next),
        (
            "POST /v1/bulk".to_owned(),
            json!({ "mode": "all", "operations": [{ "operation": "create", "body": { "title": "x" } }] }),
        ),
    ] {
        let answer = service.send(OWNER, &line, &[], &body);
        let problem = document(&answer);
        assert_eq!(
            (told(&answer).0, &problem["type"]),
            (403, &json!("urn:perennial:problem:quota-exceeded")),
            "{line}"
        );
        assert!(problem["detail"].as_str().unwrap().contains("2 tasks"), "{problem}");
    }
    let each = json!({ "mode": "each", "operations": [
        { "operation": "restore", "id": first["id"] }, { "operation": "update", "id": weekly["id"], "body": { "title": "v" } }] });
    let answer = service.json("POST /v1/bulk", &each);
    assert_eq!(answer["results"][0]["problem"]["type"], "urn:perennial:problem:quota-exceeded");
    assert_eq!(answer["results"][1]["status"], 200, "what is there can be changed");
    service.json(&format!("DELETE {series}"), &Value::Null);
    service.json(&format!("POST {path}/restore"), &Value::Null);
}

/// Counts what it is asked for; away at times.
#[derive(Default)]
struct Counter {
    asked: RefCell<Vec<(String, &'static str, i64)>>,
    answer: Cell<Option<Counted>>,
}

impl RateServer for Counter {
    fn count(&self, token: &str, policy: &RatePolicy, cost: i64) -> Option<Counted> {
        self.asked.borrow_mut().push((token.to_owned(), policy.name, cost));
        self.answer.get()
    }
}

#[test]
fn a_server_counts_each_request_once_and_the_store_none() {
    let counter: &Counter = Box::leak(Box::default());
    let limits =
        Limits { writes: Some(WRITES), reads: Some(READS), server: Some(counter), ..Limits::default() };
    let mut service = limited(limits);
    let send = |service: &mut Service, answer: Option<Counted>, line: &str, body: &Value| {
        counter.answer.set(answer);
        let response = service.send(OWNER, line, &[("idempotency-key", "k")], body);
        (response, counter.asked.take())
    };
    let asked = |name, cost| vec![("token:bootstrap".to_owned(), name, cost)];
    let within = Some(Counted::Within(RateCount { count: 1, left: 9_500 }));
    let title = json!({ "title": "x" });

    let (made, count) = send(&mut service, within, "POST /v1/tasks", &title);
    assert_eq!(told(&made), (201, "\"writes\";q=3;w=60", "\"writes\";r=2;t=10", ""));
    assert_eq!(count, asked("writes", 1));
    let (list, count) = send(&mut service, within, "GET /v1/tasks", &Value::Null);
    assert_eq!(told(&list), (200, "\"reads\";q=2;w=10", "\"reads\";r=1;t=10", ""));
    assert_eq!(count, asked("reads", 1));
    // It was counted, and was a mistake.
    let (missing, _) = send(&mut service, within, "GET /v1/tasks/7", &Value::Null);
    assert_eq!(told(&missing), (404, "\"reads\";q=2;w=10", "\"reads\";r=1;t=10", ""));

    let over = Some(Counted::Over(1_500));
    let (list, _) = send(&mut service, over, "GET /v1/tasks", &Value::Null);
    assert_eq!(told(&list), (429, "\"reads\";q=2;w=10", "\"reads\";r=0;t=2", "2"));
    let (again, _) = send(&mut service, over, "POST /v1/tasks", &title);
    assert_eq!((told(&again).0, header(&again, "idempotency-replayed")), (201, "true"));
    let (other, _) = send(&mut service, over, "PATCH /v1/settings", &json!({ "tz": "UTC" }));
    assert_eq!(told(&other).0, 422, "the key is another request's");
    counter.answer.set(over);
    assert_eq!(told(&create(&mut service, "")).0, 429);
    counter.asked.take();

    counter.answer.set(within);
    let three = many(&mut service, "each", 3, &[]);
    assert_eq!((told(&three).2, counter.asked.take()), ("\"writes\";r=2;t=10", asked("writes", 3)));
    counter.answer.set(over);
    assert_eq!(told(&many(&mut service, "each", 2, &[])).0, 429);
    assert_eq!(service.fixture.count("task"), 4);

    counter.answer.set(None);
    assert_eq!(told(&create(&mut service, "")), (201, "", "", ""));
    counter.asked.take();
    let preview = json!({ "dtstart": "2026-03-06T14:00:00", "rrule": "FREQ=DAILY" });
    for (line, body) in [("GET /healthz", Value::Null), ("POST /v1/recurrence/preview", preview)] {
        assert_eq!(told(&service.send(OWNER, line, &[], &body)).0, 200, "{line}");
    }
    assert_eq!(counter.asked.take(), []);
    assert_eq!(service.fixture.count("rate"), 0);
}
