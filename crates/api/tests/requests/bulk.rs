//! Many commands in one request: all of them or none, or each by itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use http::Response;
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

/// A document of many commands.
fn bulk(mode: &str, operations: &[Value]) -> Value {
    json!({ "mode": mode, "operations": operations })
}

fn create(title: &str) -> Value {
    json!({ "operation": "create", "body": { "title": title } })
}

fn on(operation: &str, id: &str, body: Value) -> Value {
    let mut said = json!({ "operation": operation, "id": id });
    if !body.is_null() {
        said["body"] = body;
    }
    said
}

fn made(service: &mut Service, title: &str) -> String {
    service.json("POST /v1/tasks", &json!({ "title": title }))["id"].as_str().unwrap().to_owned()
}

fn document(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

/// What is answered to many commands: the status, and the document.
fn send(service: &mut Service, document_: &Value) -> (u16, Value) {
    let response = service.send(OWNER, "POST /v1/bulk", &[], document_);
    (response.status().as_u16(), document(&response))
}

fn statuses(answer: &Value) -> Vec<u64> {
    answer["results"].as_array().unwrap().iter().map(|result| result["status"].as_u64().unwrap()).collect()
}

fn pointers(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

/// Tasks on which every command finds something to do, and a command of each kind.
fn one_of_each(service: &mut Service) -> Vec<Value> {
    let ids: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(|title| made(service, title)).to_vec();
    service.json(&format!("POST /v1/tasks/{}/complete", ids[3]), &Value::Null);
    service.json(&format!("DELETE /v1/tasks/{}", ids[5]), &Value::Null);
    let weekly = service.json(
        "POST /v1/tasks",
        &json!({ "title": "w", "due": { "local": "2026-11-23T07:00:00", "tz": "UTC" },
            "recurrence": { "rrule": "FREQ=WEEKLY" } }),
    );
    let monday = json!({ "recurrence_id": "2026-11-30T07:00:00[UTC]" });
    vec![
        create("new"),
        on("update", &ids[0], json!({ "title": "A" })),
        on("delete", &ids[1], Value::Null),
        on("complete", &ids[2], Value::Null),
        on("reopen", &ids[3], Value::Null),
        on("skip", weekly["id"].as_str().unwrap(), monday),
        on("move", &ids[4], json!({ "before": ids[0] })),
        on("restore", &ids[5], Value::Null),
    ]
}

#[test]
fn each_command_is_answered_as_it_would_be_alone() {
    for mode in ["all", "each"] {
        let mut service = Service::default();
        let mut operations = one_of_each(&mut service);
        // It is put beside a task that is changed in the same request.
        operations[6]["body"]["before"] = operations[3]["id"].clone();
        operations.swap(3, 6);
        let (status, answer) = send(&mut service, &bulk(mode, &operations));
        assert_eq!(status, 200, "{answer}");
        assert_eq!(statuses(&answer), [201, 200, 204, 200, 200, 200, 200, 200], "{mode}: {answer}");
        let results = answer["results"].as_array().unwrap();
        assert_eq!(
            (&results[0]["etag"], &results[0]["body"]["title"]),
            (&json!("\"1\""), &json!("new")),
            "{answer}"
        );
        let location = results[0]["location"].as_str().unwrap().to_owned();
        assert_eq!(service.json(&format!("GET {location}"), &Value::Null), results[0]["body"]);
        assert_eq!(results[2].get("body"), None);
        for result in results {
            let id = result["change_id"].as_str().unwrap();
            let change = service.json(&format!("GET /v1/changes/{id}"), &Value::Null);
            assert_eq!(change["id"], id);
        }
        // Each can be taken back by itself.
        for index in [1, 2, 6] {
            let id = results[index]["change_id"].as_str().unwrap();
            service.json(&format!("POST /v1/changes/{id}/undo"), &Value::Null);
        }
        let path = format!("GET /v1/tasks/{}", operations[1]["id"].as_str().unwrap());
        assert_eq!(service.json(&path, &Value::Null)["title"], "a");
        assert_eq!(service.fixture.count("task WHERE title = 'b' AND deleted_at IS NULL"), 1);
        assert_eq!(service.fixture.count("task WHERE title = 'c' AND status = 'open'"), 1);
    }
}

/// Commands that are refused, each for another reason, and where that is said to be.
fn refused(service: &mut Service) -> Vec<(Value, &'static str, u64)> {
    let id = made(service, "refused");
    let gone = "0198c0de-0000-7000-8000-000000000000";
    let mut stale = on("update", &id, json!({ "title": "x" }));
    stale["if_match"] = json!("\"7\"");
    let elsewhere = json!({ "operation": "create", "body": { "title": "x", "project": gone } });
    vec![
        (create(""), "body/title", 422),
        (json!({ "operation": "create", "body": { "titel": "x" } }), "body/titel", 422),
        (on("update", gone, json!({ "title": "x" })), "id", 404),
        (on("delete", "nothing", Value::Null), "id", 404),
        (stale, "if_match", 412),
        (on("skip", &id, json!({ "recurrence_id": "x" })), "body/recurrence_id", 422),
        (on("move", &id, json!({ "after": gone })), "body/after", 422),
        (on("restore", &id, Value::Null), "id", 404),
        // Only the store can tell.
        (elsewhere, "body/project", 422),
        (on("update", &id, json!({ "parent": gone })), "body/parent", 422),
    ]
}

#[test]
fn all_are_carried_out_or_none_whichever_is_refused_and_why() {
    let mut service = Service::default();
    let good = one_of_each(&mut service);
    let bad = refused(&mut service);
    let was = service.fixture.everything();
    for (operation, member, _) in bad {
        for place in [0, 1, 4, good.len()] {
            let mut operations = good.clone();
            // `f` is put before `a`, which another command changes.
            operations[6]["body"]["before"] = operations[5]["id"].clone();
            operations.swap(5, 6);
            operations.insert(place, operation.clone());
            let (status, answer) = send(&mut service, &bulk("all", &operations));
            let pointer = format!("/operations/{place}/{member}");
            assert_eq!((status, pointers(&answer)), (422, vec![pointer.as_str()]), "{operation}: {answer}");
            assert_eq!(service.fixture.everything(), was, "{operation} at {place}");
        }
    }
}

#[test]
fn of_commands_by_themselves_only_those_are_refused_that_must_be() {
    let mut service = Service::default();
    for (index, (operation, _, status)) in refused(&mut service).into_iter().enumerate() {
        let title = format!("beside {index}");
        let (answered, answer) =
            send(&mut service, &bulk("each", &[create(&title), operation.clone(), create(&title)]));
        assert_eq!((answered, statuses(&answer)), (200, vec![201, status, 201]), "{operation}: {answer}");
        let problem = &answer["results"][1]["problem"];
        assert_eq!(problem["status"], status);
        for pointer in pointers(problem) {
            assert!(pointer.starts_with("/operations/1/body/"), "{pointer}");
        }
        assert_eq!(pointers(problem).len(), usize::from(status == 422), "{problem}");
        assert_eq!(service.fixture.count(&format!("task WHERE title = '{title}'")), 2);
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let mut service = Service::default();
    let id = made(&mut service, "a");
    let operations = [create(""), on("delete", "x", Value::Null), create("good"), create("")];
    let (_, answer) = send(&mut service, &bulk("all", &operations));
    assert_eq!(
        pointers(&answer),
        ["/operations/0/body/title", "/operations/1/id", "/operations/3/body/title"]
    );
    let mut conditional = create("x");
    conditional["if_match"] = json!("*");
    let mut unreadable = on("update", &id, json!({}));
    unreadable["if_match"] = json!("7");
    let mut keyed = create("x");
    keyed["idempotency_key"] = json!("a b");
    let operations = [
        json!({ "operation": "create", "id": id, "body": { "title": "x" } }),
        json!({ "operation": "update", "body": {} }),
        on("update", &id, Value::Null),
        on("delete", &id, json!({})),
        conditional,
        unreadable,
        keyed,
        json!({ "operation": "create", "body": { "title": "x", "description": "x".repeat(70_000) } }),
    ];
    let members = ["id", "id", "body", "body", "if_match", "if_match", "idempotency_key", "body"];
    let expected: Vec<String> =
        members.iter().enumerate().map(|(index, member)| format!("/operations/{index}/{member}")).collect();
    let was = service.fixture.everything();
    let (status, answer) = send(&mut service, &bulk("each", &operations));
    assert_eq!((status, pointers(&answer)), (422, expected.iter().map(String::as_str).collect()));
    assert_eq!(service.fixture.everything(), was);
}

#[test]
fn a_hundred_commands_and_no_more() {
    for mode in ["all", "each"] {
        let mut service = Service::default();
        let many =
            |count: usize| -> Vec<Value> { (0..count).map(|index| create(&format!("t{index}"))).collect() };
        let (status, answer) = send(&mut service, &bulk(mode, &many(100)));
        assert_eq!((status, statuses(&answer)), (200, vec![201; 100]));
        for (index, result) in answer["results"].as_array().unwrap().iter().enumerate() {
            assert_eq!(result["body"]["title"], format!("t{index}"), "in the order sent");
        }
        assert_eq!(service.fixture.count("task"), 100);
        for count in [0, 101] {
            let (status, answer) = send(&mut service, &bulk(mode, &many(count)));
            assert_eq!((status, pointers(&answer)), (422, vec!["/operations"]));
        }
        assert_eq!(service.fixture.count("task"), 100);
    }
}

#[test]
fn a_body_may_be_longer_than_others_and_no_longer_than_said() {
    let mut service = Service::default();
    let large = "x".repeat(10_000);
    let many: Vec<Value> = (0..100)
        .map(|_| json!({ "operation": "create", "body": { "title": "x", "description": large } }))
        .collect();
    assert_eq!(send(&mut service, &bulk("all", &many)).0, 200);
    let length = ["content-length"].map(|name| (name, "1048577"));
    let refused = service.send(OWNER, "POST /v1/bulk", &length, &bulk("all", &[create("x")]));
    assert_eq!(refused.status().as_u16(), 413);
    let taken =
        service.send(OWNER, "POST /v1/bulk", &[("content-length", "1048576")], &bulk("all", &[create("x")]));
    assert_eq!(taken.status().as_u16(), 200);
    let elsewhere =
        service.send(OWNER, "POST /v1/tasks", &[("content-length", "65537")], &json!({ "title": "x" }));
    assert_eq!(elsewhere.status().as_u16(), 413);
}

#[test]
fn commands_on_the_same_task_follow_one_another_or_are_refused() {
    let mut service = Service::default();
    let (a, b) = (made(&mut service, "a"), made(&mut service, "b"));
    let operations = [
        on("complete", &a, Value::Null),
        on("reopen", &a, Value::Null),
        on("update", &a, json!({ "title": "A" })),
        on("delete", &a, Value::Null),
        on("restore", &a, Value::Null),
        on("move", &b, json!({ "before": a })),
    ];
    let was = service.fixture.everything();
    let (status, answer) = send(&mut service, &bulk("all", &operations));
    let expected: Vec<String> = (1..5)
        .map(|index| format!("/operations/{index}/id"))
        .chain(["/operations/5/body/before".to_owned()])
        .collect();
    assert_eq!((status, pointers(&answer)), (422, expected.iter().map(String::as_str).collect()));
    assert_eq!(service.fixture.everything(), was);

    let (status, answer) = send(&mut service, &bulk("each", &operations));
    assert_eq!((status, statuses(&answer)), (200, vec![200, 200, 200, 204, 200, 200]), "{answer}");
    let task = service.json(&format!("GET /v1/tasks/{a}"), &Value::Null);
    assert_eq!((&task["title"], &task["status"], &task["version"]), (&json!("A"), &json!("open"), &json!(6)));
}

#[test]
fn what_is_another_users_is_not_there() {
    let mut service = Service::default();
    let (id, ada) =
        (made(&mut service, "a"), service.json("POST /v1/users", &json!({ "name": "Ada", "tz": "UTC" })));
    let token = service.json("POST /v1/tokens", &json!({ "user": ada["id"], "name": "x" }));
    let secret = token["secret"].as_str().unwrap().to_owned();
    let commands = |id: &str| {
        vec![
            on("update", id, json!({ "title": "x" })),
            on("delete", id, Value::Null),
            on("complete", id, Value::Null),
            on("reopen", id, Value::Null),
            on("skip", id, json!({ "recurrence_id": "x" })),
            on("move", id, json!({ "project": null })),
            on("restore", id, Value::Null),
        ]
    };
    // That she uses her token is noted once.
    service.send(&secret, "GET /v1/tasks", &[], &Value::Null);
    let was = service.fixture.everything();
    let mut answers = [id.as_str(), "0198c0de-0000-7000-8000-000000000000"].map(|id| {
        ["all", "each"].map(|mode| {
            let each: Vec<Value> = commands(id)
                .into_iter()
                .map(|one| document(&service.send(&secret, "POST /v1/bulk", &[], &bulk(mode, &[one]))))
                .collect();
            each
        })
    });
    assert_eq!(answers[0], answers[1], "like an id that is not known");
    for answer in &mut answers[0][1] {
        assert_eq!(statuses(answer), [404]);
    }
    for answer in &answers[0][0] {
        assert_eq!(pointers(answer), ["/operations/0/id"]);
    }
    assert_eq!(service.fixture.everything(), was);
}
