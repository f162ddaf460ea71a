//! Whose things are whose.

use http::{Method, StatusCode};
use perennial_tests::{Receiver, SOON, Service, until};
use serde_json::{Value, json};

use crate::path::{channel, due_in};

#[test]
fn what_belongs_to_another_user_does_not_exist() {
    let service = Service::start();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let receiver = Receiver::start();
    channel(&ada, &receiver);
    let channel = ada.all("/v1/channels")[0]["id"].as_str().unwrap().to_owned();
    let task = ada.create(&due_in(1));
    let id = task["id"].as_str().unwrap();
    let notifications = format!("/v1/notifications?task={id}");
    until("Ada's notification", SOON, || (!ada.all(&notifications).is_empty()).then_some(()));

    let first = json!({ "recurrence_id": task["occurrence"]["recurrence_id"] });
    let refused = |method: Method, path: String, body: Option<&Value>| {
        let call = bo.call(method, path);
        let answer = match body {
            Some(body) => call.json(body).answer(),
            None => call.answer(),
        };
        answer.is_problem(404, "not-found")
    };
    let theirs = refused(Method::GET, format!("/v1/tasks/{id}"), None);
    refused(Method::PATCH, format!("/v1/tasks/{id}"), Some(&json!({ "title": "Mine" })));
    refused(Method::DELETE, format!("/v1/tasks/{id}"), None);
    refused(Method::POST, format!("/v1/tasks/{id}/complete"), Some(&first));
    refused(Method::GET, format!("/v1/tasks/{id}/occurrences"), None);
    refused(Method::DELETE, format!("/v1/channels/{channel}"), None);
    let nobodys = refused(Method::GET, "/v1/tasks/01980000-0000-7000-8000-000000000000".to_owned(), None);
    assert_eq!(
        theirs["title"], nobodys["title"],
        "nothing tells another's id from an id that does not exist"
    );
    assert_eq!(theirs["detail"], nobodys["detail"]);

    assert!(bo.all("/v1/tasks").is_empty());
    assert!(bo.all("/v1/channels").is_empty());
    assert!(bo.all("/v1/notifications").is_empty());
    let asked = bo.call(Method::GET, notifications).answer();
    assert!(asked.status == StatusCode::NOT_FOUND || asked.json()["items"] == json!([]), "{}", asked.body);
    assert_eq!(ada.get(format!("/v1/tasks/{id}"))["title"], task["title"]);
}

#[test]
fn one_users_idempotency_key_is_not_anothers() {
    let service = Service::start();
    let create = |name: &str| {
        let user = service.user(name);
        let task = json!({ "title": format!("{name}'s task") });
        let call = user.post("/v1/tasks").header("idempotency-key", "the-same-key").json(&task);
        call.answer().ok(StatusCode::CREATED)["id"].clone()
    };
    assert_ne!(create("Ada"), create("Bo"));
}

#[test]
fn a_member_can_make_neither_users_nor_tokens() {
    let service = Service::start();
    let owner = service.owner();
    let ada = service.user("Ada");
    let users = owner.all("/v1/users");
    let someone = users[0]["id"].as_str().unwrap();
    ada.post("/v1/users").json(&json!({ "name": "Eve", "tz": "UTC" })).answer().is_problem(403, "forbidden");
    let token = json!({ "user": someone, "name": "stolen", "scopes": ["admin"] });
    ada.post("/v1/tokens").json(&token).answer().is_problem(403, "forbidden");
    ada.call(Method::GET, "/v1/users").answer().is_problem(403, "forbidden");
    assert_eq!(owner.all("/v1/users"), users);
}

#[test]
fn a_token_allows_what_its_scopes_say() {
    let service = Service::start();
    let owner = service.owner();
    let user = json!({ "name": "Ada", "tz": "Europe/Berlin" });
    let user = owner.post("/v1/users").json(&user).answer().ok(StatusCode::CREATED);
    assert_eq!((&user["role"], &user["tz"]), (&json!("member"), &json!("Europe/Berlin")));
    let reads = json!({ "user": user["id"], "name": "reader", "scopes": ["tasks:read"] });
    let token = owner.post("/v1/tokens").json(&reads).answer().ok(StatusCode::CREATED);
    let secret = token["secret"].as_str().unwrap();
    assert!(secret.starts_with("prn_"), "{token}");
    let reader = owner.with_token(Some(secret));
    assert_eq!(reader.get("/v1/tasks")["items"], json!([]));
    reader.post("/v1/tasks").json(&json!({ "title": "No" })).answer().is_problem(403, "forbidden");
}

#[test]
fn a_revoked_token_opens_nothing() {
    let service = Service::start();
    let owner = service.owner();
    let ada = service.user("Ada");
    let tokens = owner.all("/v1/tokens");
    assert!(tokens.iter().all(|token| token.get("secret").is_none()), "{tokens:?}");
    let token = tokens.iter().find(|token| token["name"] == "test").unwrap();
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    owner.call(Method::DELETE, path).answer().ok(StatusCode::NO_CONTENT);
    ada.call(Method::GET, "/v1/tasks").answer().is_problem(401, "unauthenticated");
}
