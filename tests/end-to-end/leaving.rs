//! What was deleted a month ago is forgotten; users take everything with them, and leave nothing behind.

use http::{Method, StatusCode};
use perennial_tests::{Client, Receiver, SOON, Service, until};
use serde_json::{Value, json};

use crate::path::due_in;

const DAYS_31: i64 = 31 * 86_400_000;

fn delete(client: &Client, path: impl Into<String>) -> StatusCode {
    client.call(Method::DELETE, path).answer().status
}

fn id(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_task_that_was_deleted_a_month_ago_is_forgotten_and_does_not_come_back() {
    let service = Service::start();
    let ada = service.user("Ada");
    let [old, new] = ["Old", "New"].map(|title| id(&ada.create(&json!({ "title": title }))));
    for task in [&old, &new] {
        assert_eq!(delete(&ada, format!("/v1/tasks/{task}")), StatusCode::NO_CONTENT);
    }
    let aged = "UPDATE task SET deleted_at = deleted_at - ?1 WHERE id = ?2";
    service.seed().write(1, aged, (DAYS_31, &old));
    let rows =
        |task: &str| service.database().number("SELECT count(*) FROM occurrence WHERE task_id = ?1", [task]);
    until("the sweep has forgotten it", SOON, || (rows(&old) == 0).then_some(()));
    ada.post(format!("/v1/tasks/{old}/restore")).answer().is_problem(404, "not-found");
    assert_eq!(ada.all("/v1/trash").iter().map(id).collect::<Vec<_>>(), std::slice::from_ref(&new));
    ada.post(format!("/v1/tasks/{new}/restore")).answer().ok(StatusCode::OK);
    assert_eq!(rows(&new), 1);
}

#[test]
fn a_deleted_user_is_nobody_at_once_and_nothing_of_them_is_left_in_the_end() {
    let service = Service::start();
    let owner = service.owner();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let receiver = Receiver::start();
    for user in [&ada, &bo] {
        let hook = json!({ "type": "webhook", "url": receiver.url() });
        user.post("/v1/channels").json(&hook).answer().ok(StatusCode::CREATED);
        user.create(&due_in(3));
        let gone = id(&user.create(&json!({ "title": "Gone", "tags": ["home"] })));
        assert_eq!(delete(user, format!("/v1/tasks/{gone}")), StatusCode::NO_CONTENT);
    }
    let of = |user: &Client| id(&user.get("/v1/me"));
    let (gone, left) = (of(&ada), of(&bo));
    assert!(service.database().rows_with(&[&gone]).len() > 5);

    // Ada is deleted by an admin, before her reminder fires; Bo's comes.
    assert_eq!(delete(&ada, "/v1/me"), StatusCode::UNPROCESSABLE_ENTITY, "who is to be deleted says who");
    assert_eq!(delete(&owner, format!("/v1/users/{gone}")), StatusCode::NO_CONTENT);
    ada.call(Method::GET, "/v1/me").answer().is_problem(401, "unauthenticated");
    receiver.wait_for(1, SOON);
    // What is left says that there was one, and what the admin did; and the chain of seals, in which nothing can be read.
    let tables = |user: &str| {
        let rows = service.database().rows_with(&[user]);
        let tables = rows.iter().map(|row| row.split(':').next().unwrap().to_owned());
        tables.filter(|table| !["seal", "stream"].contains(&table.as_str())).collect::<Vec<_>>()
    };
    until("nothing of her is left", SOON, || {
        (tables(&gone) == ["audit_v4", "audit_v4", "user"]).then_some(())
    });
    assert_eq!(receiver.deliveries().len(), 1, "nothing was sent for her");

    // Bo deletes himself.
    assert_eq!(delete(&bo, format!("/v1/me?user={left}")), StatusCode::NO_CONTENT);
    bo.call(Method::GET, "/v1/me").answer().is_problem(401, "unauthenticated");
    until("nothing of him is left", SOON, || (tables(&left) == ["audit_v4", "user"]).then_some(()));
    owner.call(Method::DELETE, "/v1/users/admin").answer().is_problem(409, "last-admin");
}

#[test]
fn an_export_has_everything_while_others_write_and_makes_a_task_again() {
    let service = Service::start();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let mut made: Vec<String> =
        (0..30).map(|number| id(&ada.create(&json!({ "title": format!("Task {number}") })))).collect();
    // Ids that were made within one millisecond are in any order.
    made.sort();
    for task in made.iter().step_by(3) {
        assert_eq!(delete(&ada, format!("/v1/tasks/{task}")), StatusCode::NO_CONTENT);
    }
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.get(format!("/v1/export?limit=7{cursor}"));
        items.extend(page["items"].as_array().unwrap().clone());
        bo.create(&json!({ "title": "Bo's" }));
        // What is in the bin comes out of it, and what is not goes there.
        let task = &made[items.len() % 30];
        if delete(&ada, format!("/v1/tasks/{task}")) != StatusCode::NO_CONTENT {
            ada.post(format!("/v1/tasks/{task}/restore")).answer().ok(StatusCode::OK);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        assert!(items.len() < 500);
    }
    let tasks = items.iter().filter(|item| item["kind"] == "task");
    assert_eq!(tasks.map(|item| id(&item["value"])).collect::<Vec<_>>(), made, "each once, in order");
    let kinds = |kind: &str| items.iter().filter(|item| item["kind"] == kind).count();
    assert_eq!((kinds("user"), kinds("settings"), kinds("token")), (1, 1, 1));
    assert!(kinds("occurrence") >= 30 && kinds("change") >= 40);
    assert!(!items.iter().any(|item| item.to_string().contains("Bo's")));
}
