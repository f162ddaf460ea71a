//! Many commands that are sent again are carried out once, and answered alike.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread;

use perennial_api::{Api, Limits, handle};
use perennial_domain::WebhookPolicy;
use perennial_fixture::{Counting, Fixture, NOON};
use perennial_http_api::{Accepted, Response};
use serde_json::{Value, json};

use crate::service::{OWNER, Published, Service, request};

const LINE: &str = "POST /v1/bulk";
const KEY: [(&str, &str); 1] = [("idempotency-key", "k")];

fn create(title: &str) -> Value {
    json!({ "operation": "create", "body": { "title": title } })
}

fn bulk(mode: &str, operations: &[Value]) -> Value {
    json!({ "mode": mode, "operations": operations })
}

fn document(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

fn is_replayed(response: &Response) -> bool {
    response.headers().contains_key("idempotency-replayed")
}

/// Sends the documents at once, each from a connection of its own.
fn at_once(fixture: &Fixture, documents: &[Value]) -> Vec<Response> {
    thread::scope(|scope| {
        let send = |(number, document): (u64, Value)| {
            let store = fixture.connection();
            move || {
                let mut api = Api {
                    store: &store,
                    webhooks: &WebhookPolicy::default(),
                    limits: Limits::default(),
                    now: NOON,
                    ids: &mut Counting(number << 20),
                    correlation_id: "test".to_owned(),
                    dry_run: false,
                };
                let accepted =
                    Accepted { bootstrap_token: OWNER, issuer: None, key_server: &Published::default() };
                let request = request(OWNER, LINE, &KEY, &document);
                pollster::block_on(handle(&mut api, &accepted, request)).response
            }
        };
        let running: Vec<_> =
            (1..).zip(documents.iter().cloned()).map(|one| scope.spawn(send(one))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn equal_requests_at_once_have_one_effect_and_one_answer() {
    for mode in ["all", "each"] {
        let mut service = Service::default();
        let id = service.json("POST /v1/tasks", &json!({ "title": "a" }))["id"].clone();
        let operations = [
            create("b"),
            json!({ "operation": "update", "id": id, "body": { "title": "A" } }),
            create("c"),
            json!({ "operation": "complete", "id": id }),
        ];
        let operations = if mode == "all" { &operations[..3] } else { &operations[..] };
        let answers = at_once(&service.fixture, &vec![bulk(mode, operations); 8]);
        for answer in &answers {
            assert_eq!(answer.status().as_u16(), 200, "{mode}: {}", document(answer));
            assert_eq!(document(answer), document(&answers[0]), "{mode}");
        }
        assert_eq!(service.fixture.count("task"), 3, "{mode}");
        let changes = if mode == "all" { 2 } else { 3 };
        let task = service.json(&format!("GET /v1/tasks/{}", id.as_str().unwrap()), &Value::Null);
        assert_eq!(task["version"], changes, "{mode}");
        let again = service.send(OWNER, LINE, &KEY, &bulk(mode, operations));
        assert_eq!(again.body(), answers[0].body(), "{mode}");
        assert!(is_replayed(&again), "{mode}");
    }
}

#[test]
fn of_different_requests_under_one_key_one_is_carried_out() {
    for mode in ["all", "each"] {
        let service = Service::default();
        let documents: Vec<Value> = (1..=8)
            .map(|count| bulk(mode, &(0..count).map(|_| create(&format!("of {count}"))).collect::<Vec<_>>()))
            .collect();
        let answers = at_once(&service.fixture, &documents);
        let done: Vec<_> = answers.iter().filter(|answer| answer.status().as_u16() == 200).collect();
        assert_eq!(done.len(), 1, "{mode}");
        assert!(answers.iter().all(|answer| [200, 422].contains(&answer.status().as_u16())), "{mode}");
        let made = document(done[0])["results"].as_array().unwrap().len();
        assert_eq!(service.fixture.count("task"), i64::try_from(made).unwrap(), "{mode}");
    }
}

#[test]
fn a_key_is_that_of_one_request_whatever_kind_it_is() {
    for mode in ["all", "each"] {
        let mut service = Service::default();
        let single = json!({ "title": "alone" });
        service.send(OWNER, "POST /v1/tasks", &KEY, &single);
        let refused = service.send(OWNER, LINE, &KEY, &bulk(mode, &[create("a"), create("b")]));
        assert_eq!(refused.status().as_u16(), 422, "{mode}");
        assert_eq!(document(&refused)["type"], "urn:perennial:problem:idempotency-mismatch", "{mode}");
        assert_eq!(service.fixture.count("task"), 1, "{mode}");
        let other = [("idempotency-key", "other")];
        service.send(OWNER, LINE, &other, &bulk(mode, &[create("a")]));
        let longer = service.send(OWNER, LINE, &other, &bulk(mode, &[create("a"), create("b")]));
        assert_eq!(longer.status().as_u16(), 422, "{mode}");
        let alone = service.send(OWNER, "POST /v1/tasks", &other, &single);
        assert_eq!(alone.status().as_u16(), 422, "{mode}");
        assert_eq!(service.fixture.count("task"), 2, "{mode}");
    }
}

#[test]
fn a_request_that_is_refused_whole_does_not_use_up_its_key() {
    let mut service = Service::default();
    let refused = service.send(OWNER, LINE, &KEY, &bulk("all", &[create("a"), create("")]));
    assert_eq!(refused.status().as_u16(), 422);
    let now = service.send(OWNER, LINE, &KEY, &bulk("all", &[create("a"), create("b")]));
    assert_eq!((now.status().as_u16(), is_replayed(&now)), (200, false));
}

#[test]
fn a_request_that_changes_nothing_is_answered_alike_afterwards() {
    for mode in ["all", "each"] {
        let mut service = Service::default();
        let id = service.json("POST /v1/tasks", &json!({ "title": "a" }))["id"].clone();
        let nothing = bulk(mode, &[json!({ "operation": "update", "id": id, "body": { "title": "a" } })]);
        let first = service.send(OWNER, LINE, &KEY, &nothing);
        assert_eq!(document(&first)["results"][0].get("change_id"), None, "{mode}");
        service.json(&format!("PATCH /v1/tasks/{}", id.as_str().unwrap()), &json!({ "title": "b" }));
        let again = service.send(OWNER, LINE, &KEY, &nothing);
        assert_eq!(again.body(), first.body(), "{mode}");
        assert!(is_replayed(&again), "{mode}");
    }
}

#[test]
fn a_command_with_a_key_of_its_own_is_carried_out_once_in_whichever_request() {
    let mut service = Service::default();
    let keyed = |title: &str, key: &str| {
        let mut command = create(title);
        command["idempotency_key"] = json!(key);
        command
    };
    let first = service.json(LINE, &bulk("each", &[keyed("a", "ka"), keyed("b", "kb")]));
    let second = service.json(LINE, &bulk("each", &[keyed("c", "kc"), keyed("b", "kb"), keyed("a", "kb")]));
    assert_eq!(second["results"][1], first["results"][1]);
    assert_eq!(second["results"][0]["status"], 201);
    assert_eq!(second["results"][2]["problem"]["type"], "urn:perennial:problem:idempotency-mismatch");
    assert_eq!(service.fixture.count("task"), 3);
    // Within one request, too.
    let third = service.json(LINE, &bulk("each", &[keyed("d", "kd"), keyed("d", "kd")]));
    assert_eq!(third["results"][0], third["results"][1]);
    assert_eq!(service.fixture.count("task"), 4);
    let refused = service.send(OWNER, LINE, &[], &bulk("all", &[keyed("e", "ke")]));
    assert_eq!(document(&refused)["errors"][0]["pointer"], "/operations/0/idempotency_key");
}

#[test]
fn a_repetition_goes_on_where_some_were_refused() {
    let mut service = Service::default();
    let id = service.json("POST /v1/tasks", &json!({ "title": "a" }))["id"].clone();
    let mut stale = json!({ "operation": "update", "id": id, "body": { "title": "A" } });
    stale["if_match"] = json!("\"2\"");
    let document_ = bulk("each", &[create("b"), stale]);
    let first = document(&service.send(OWNER, LINE, &KEY, &document_));
    assert_eq!(first["results"][1]["status"], 412);
    service.json(&format!("PATCH /v1/tasks/{}", id.as_str().unwrap()), &json!({ "priority": "high" }));
    let again = service.send(OWNER, LINE, &KEY, &document_);
    assert!(!is_replayed(&again));
    assert_eq!(document(&again)["results"][0], first["results"][0]);
    assert_eq!(document(&again)["results"][1]["status"], 200);
    assert_eq!(service.fixture.count("task"), 2);
}
