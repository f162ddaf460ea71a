//! What tasks stand under and between, also where something of that is gone.

use serde_json::{Value, json};

use crate::service::{OWNER, Service};

impl Service {
    /// Tasks of these titles, in this order.
    fn tasks<const N: usize>(&mut self, titles: [&str; N]) -> [String; N] {
        titles.map(|title| self.task(&json!({ "title": title })))
    }

    fn delete(&mut self, address: &str) {
        self.json(&format!("DELETE {address}"), &Value::Null);
    }
}

#[test]
fn a_part_of_what_was_deleted_is_moved_and_changed_like_any_other() {
    let mut service = Service::default();
    let project = service.post("/v1/projects", &json!({ "name": "P" }))["id"].clone();
    let [parent, other] = service.tasks(["parent", "other"]);
    let part = service.task(&json!({ "title": "part", "parent": parent }));
    service.delete(&format!("/v1/tasks/{parent}"));
    let changed = service.json(&format!("PATCH /v1/tasks/{part}"), &json!({ "project": project }));
    assert_eq!((&changed["project"], &changed["parent"]), (&project, &json!(parent)));
    service.post(&format!("/v1/tasks/{part}/move"), &json!({ "after": other }));
    // It is not put under what is gone anew.
    service.post(&format!("/v1/tasks/{part}/move"), &json!({ "parent": null }));
    let again = service.refused(&format!("POST /v1/tasks/{part}/move"), &json!({ "parent": parent }));
    assert_eq!(again, (422, "/parent".to_owned()));
}

#[test]
fn two_tasks_never_stand_at_one_place() {
    let mut service = Service::default();
    let [x, _, a, b, c] = service.tasks(["x", "n", "a", "b", "c"]);
    let after = |id: &str, other: &str| json!({ "operation": "move", "id": id, "body": { "after": other } });
    // Each by itself: as if sent one after another.
    let moves = [after(&a, &x), after(&b, &x)];
    let told = service.post("/v1/bulk", &json!({ "mode": "each", "operations": moves }));
    assert_eq!((&told["results"][0]["status"], &told["results"][1]["status"]), (&json!(200), &json!(200)));
    let order = |service: &mut Service| {
        let list = service.get("/v1/tasks?sort=position&status=open");
        let titles =
            list["items"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned());
        titles.collect::<String>()
    };
    assert_eq!(order(&mut service), "xbanc");
    service.post(&format!("/v1/tasks/{c}/move"), &json!({ "after": b }));
    assert_eq!(order(&mut service), "xbcan");
    // All at once: each is decided upon what was there before, so that neither knows of the other.
    let moves = [after(&a, &x), json!({ "operation": "move", "id": c, "body": { "before": b } })];
    let refused = service.refused("POST /v1/bulk", &json!({ "mode": "all", "operations": moves }));
    assert_eq!(refused, (422, "/operations/1/body/before".to_owned()));
    assert_eq!(order(&mut service), "xbcan");
}

#[test]
fn the_place_of_a_task_that_is_done_or_deleted_is_its_own() {
    let mut service = Service::default();
    let [x, _, done, gone, e] = service.tasks(["x", "n", "d", "g", "e"]);
    let move_after = |service: &mut Service, id: &str, other: &str| {
        let moved = service.post(&format!("/v1/tasks/{id}/move"), &json!({ "after": other }));
        moved["position"].as_str().unwrap().to_owned()
    };
    let places = [&done, &gone].map(|id| {
        let place = move_after(&mut service, id, &x);
        if *id == done {
            service.post(&format!("/v1/tasks/{id}/complete"), &Value::Null);
        } else {
            service.delete(&format!("/v1/tasks/{id}"));
        }
        place
    });
    let last = move_after(&mut service, &e, &x);
    assert!(last < places[1] && places[1] < places[0], "{last} {places:?}");
    let back = service.post(&format!("/v1/tasks/{gone}/restore"), &Value::Null);
    assert_eq!(back["position"], json!(places[1]));
}

/// A place that was left is free for another; who comes back to it then stands right after that one.
#[test]
fn a_move_taken_back_to_a_place_that_is_taken_ends_beside_it() {
    let mut service = Service::default();
    let [x, n, a, b] = service.tasks(["x", "n", "a", "b"]);
    let place = service.post(&format!("/v1/tasks/{a}/move"), &json!({ "after": x }))["position"].clone();
    let away = service.send(OWNER, &format!("POST /v1/tasks/{a}/move"), &[], &json!({ "after": n }));
    let change = away.headers()["change-id"].to_str().unwrap().to_owned();
    let other = service.post(&format!("/v1/tasks/{b}/move"), &json!({ "after": x }));
    assert_eq!(other["position"], place);
    service.json(&format!("POST /v1/changes/{change}/undo"), &Value::Null);
    let list = service.get("/v1/tasks?sort=position");
    let order: Vec<_> = list["items"].as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
    assert_eq!(order, [x, b, a, n]);
}

#[test]
fn what_comes_back_is_part_of_nothing_that_cannot_have_it() {
    let mut service = Service::default();
    let [parent, other] = service.tasks(["parent", "other"]);
    let part_of = |service: &mut Service, id: &str| service.task(&json!({ "title": "part", "parent": id }));
    let mut parts = vec![part_of(&mut service, &parent)];
    parts.extend((0..100).map(|_| part_of(&mut service, &other)));
    for part in &parts[..2] {
        service.delete(&format!("/v1/tasks/{part}"));
    }
    let last = part_of(&mut service, &other);
    let back = service.post(&format!("/v1/tasks/{}/restore", parts[1]), &Value::Null);
    assert_eq!(back["parent"], Value::Null, "there are 100");
    // The parent is a part itself now.
    service.post(&format!("/v1/tasks/{last}/move"), &json!({ "parent": null }));
    service.post(&format!("/v1/tasks/{parent}/move"), &json!({ "parent": other }));
    let back = service.post(&format!("/v1/tasks/{}/restore", parts[0]), &Value::Null);
    assert_eq!(back["parent"], Value::Null, "parts have no parts");
}
