//! Creating, listing, reading, changing and deleting tasks.

use http::{Method, StatusCode};
use perennial_tests::{Client, Service, at_once};
use serde_json::{Value, json};

fn full() -> Value {
    json!({
        "title": "Pay the rent", "description": "To the landlord", "priority": "high", "tags": ["home", "money"],
        "due": { "local": "2026-11-30T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "anchor": "due",
            "rdate": [], "exdate": [], "misfire": "all", "overlap": "wait" },
        "reminders": [{ "trigger": "-PT30M" }],
    })
}

fn patch(user: &Client, id: &str, changes: &Value) -> Value {
    let body = changes.to_string();
    let call = user.call(Method::PATCH, format!("/v1/tasks/{id}"));
    call.body("application/merge-patch+json", body).answer().ok(StatusCode::OK)
}

#[test]
fn a_task_is_read_as_it_was_created() {
    let service = Service::start();
    let user = service.user("Ada");
    let answer = user.post("/v1/tasks").json(&full()).answer();
    let task = answer.ok(StatusCode::CREATED);
    let id = task["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/v1/tasks/{id}"));
    assert!(!answer.header("etag").is_empty());
    for field in ["title", "description", "priority", "tags", "due", "recurrence"] {
        assert_eq!(task[field], full()[field], "{field}");
    }
    assert_eq!(task["reminders"][0]["trigger"], "-PT30M");
    assert_eq!((&task["version"], &task["status"]), (&json!(1), &json!("open")));
    let occurrence = json!({
        "recurrence_id": "2026-11-30T09:00:00[Europe/Berlin]", "status": "open", "title": null, "due": full()["due"],
        "due_at": "2026-11-30T08:00:00Z", "start": null, "start_at": null, "predecessor": null, "ordinal": 1, "completed_at": null,
    });
    assert_eq!(task["occurrence"], occurrence);

    let read = user.call(Method::GET, format!("/v1/tasks/{id}")).answer();
    assert_eq!(read.ok(StatusCode::OK), task);
    assert_eq!(read.header("etag"), answer.header("etag"));
    assert_eq!(user.get("/v1/tasks")["items"], json!([task]));
}

#[test]
fn only_a_title_is_required() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&json!({ "title": "Think" }));
    let expected = json!({
        "id": task["id"], "version": 1, "status": "open", "title": "Think", "description": "", "priority": "none",
        "tags": [], "due": null, "recurrence": null, "reminders": [], "occurrence": task["occurrence"],
        "created_at": task["created_at"], "updated_at": task["created_at"], "completed_at": null, "parked": null,
        "start": null, "duration": null, "project": null, "parent": null, "position": task["id"], "metadata": {},
        "deleted_at": null,
    });
    assert_eq!(task, expected);
    assert!(task["occurrence"]["recurrence_id"].is_null());
}

#[test]
fn whole_days_and_floating_times_stay_what_they_are() {
    let service = Service::start();
    let user = service.user("Ada");
    for local in ["2026-12-24", "2026-12-24T18:00:00"] {
        let task = user.create(&json!({ "title": "Light the candles", "due": { "local": local } }));
        assert_eq!(task["due"]["local"], local);
        assert!(task["due"]["tz"].is_null());
    }
}

#[test]
fn a_list_gives_every_task_once_page_by_page() {
    let service = Service::start();
    let user = service.user("Ada");
    let create = |number| user.create(&json!({ "title": format!("Task {number}") }))["id"].clone();
    let ids: Vec<Value> = (0..7).map(create).collect();
    user.post(format!("/v1/tasks/{}/complete", ids[2].as_str().unwrap())).answer().ok(StatusCode::OK);

    let mut seen = Vec::new();
    let mut path = "/v1/tasks?limit=3".to_owned();
    loop {
        let page = user.get(&path);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|task| task["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/tasks?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, ids, "all of them, oldest first");
    assert_eq!(user.all("/v1/tasks?status=open").len(), 6);
    assert_eq!(user.all("/v1/tasks?status=done").len(), 1);
}

#[test]
fn a_patch_touches_only_what_it_names() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&full());
    let id = task["id"].as_str().unwrap();
    let changed =
        patch(&user, id, &json!({ "title": "Pay the rent on time", "description": null, "tags": ["home"] }));
    let expected = |field: &str| match field {
        "title" => json!("Pay the rent on time"),
        "description" => json!(""),
        "tags" => json!(["home"]),
        "version" => json!(2),
        "updated_at" => changed["updated_at"].clone(),
        _ => task[field].clone(),
    };
    for (field, value) in changed.as_object().unwrap() {
        assert_eq!(value, &expected(field), "{field}");
    }
    assert_eq!(user.get(format!("/v1/tasks/{id}")), changed);
}

#[test]
fn a_changed_due_date_replaces_the_open_occurrence() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&full());
    let id = task["id"].as_str().unwrap();
    let changed = patch(&user, id, &json!({ "due": { "local": "2026-12-31T09:00:00" } }));
    assert_eq!(changed["due"], json!({ "local": "2026-12-31T09:00:00", "tz": "Europe/Berlin" }));
    assert_eq!(changed["occurrence"]["recurrence_id"], "2026-12-31T09:00:00[Europe/Berlin]");
    let occurrences = user.all(&format!("/v1/tasks/{id}/occurrences"));
    let states: Vec<_> = occurrences.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["cancelled", "open"]);

    let single = patch(&user, id, &json!({ "recurrence": null, "due": null, "reminders": [] }));
    assert!(single["recurrence"].is_null() && single["due"].is_null());
    assert!(single["occurrence"]["recurrence_id"].is_null());
}

#[test]
fn a_deleted_task_is_gone() {
    let service = Service::start();
    let user = service.user("Ada");
    let kept = user.create(&json!({ "title": "Kept" }));
    let gone = user.create(&full());
    let path = format!("/v1/tasks/{}", gone["id"].as_str().unwrap());
    let answer = user.call(Method::DELETE, &path).answer();
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
    for method in [Method::GET, Method::DELETE] {
        user.call(method, &path).answer().is_problem(404, "not-found");
    }
    user.post(format!("{path}/complete"))
        .json(&json!({ "recurrence_id": "x" }))
        .answer()
        .is_problem(404, "not-found");
    assert_eq!(user.get("/v1/tasks")["items"], json!([kept]));
}

#[test]
fn a_change_made_on_an_old_version_is_refused() {
    let service = Service::start();
    let user = service.user("Ada");
    let created = user.post("/v1/tasks").json(&json!({ "title": "Draft" })).answer();
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tasks/{id}");
    let edit = |etag: &str, title: &str| {
        user.call(Method::PATCH, &path).header("if-match", etag).json(&json!({ "title": title })).answer()
    };
    let changed = edit(created.header("etag"), "Second");
    changed.ok(StatusCode::OK);
    assert_ne!(changed.header("etag"), created.header("etag"));

    let old = created.header("etag");
    edit(old, "Lost update").is_problem(412, "precondition-failed");
    user.call(Method::DELETE, &path).header("if-match", old).answer().is_problem(412, "precondition-failed");
    let complete = user.post(format!("{path}/complete")).header("if-match", old);
    complete.answer().is_problem(412, "precondition-failed");
    assert_eq!(user.get(&path), changed.json());
    user.call(Method::DELETE, &path)
        .header("if-match", changed.header("etag"))
        .answer()
        .ok(StatusCode::NO_CONTENT);
}

#[test]
fn of_ten_changes_of_one_version_one_is_made() {
    let service = Service::start();
    let user = service.user("Ada");
    let created = user.post("/v1/tasks").json(&json!({ "title": "Draft" })).answer();
    let path = format!("/v1/tasks/{}", created.json()["id"].as_str().unwrap());
    let answers = at_once(10, |number| {
        let call = user.call(Method::PATCH, &path).header("if-match", created.header("etag"));
        call.json(&json!({ "title": format!("By {number}") })).answer()
    });
    let (made, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(made.len(), 1);
    for answer in refused {
        answer.is_problem(412, "precondition-failed");
    }
    assert_eq!(user.get(&path), made[0].json());
    assert_eq!(made[0].json()["version"], 2);
}

#[test]
fn thirty_two_changes_at_once_are_all_made_one_after_the_other() {
    const CHANGES: u64 = 32;
    let service = Service::start();
    let user = service.user("Ada");
    let path = format!("/v1/tasks/{}", user.create(&json!({ "title": "Draft" }))["id"].as_str().unwrap());
    let answers = at_once(CHANGES as usize, |number| {
        let tag = format!("tag {number}");
        (tag.clone(), user.call(Method::PATCH, &path).json(&json!({ "tags": [tag] })).answer())
    });
    let refused = answers.iter().filter(|(_, answer)| answer.status != StatusCode::OK).count();
    assert_eq!(refused, 0, "of {CHANGES} were refused");
    let mut versions = Vec::new();
    for (tag, answer) in &answers {
        let changed = answer.json();
        assert_eq!(changed["tags"], json!([tag]), "the answer is of this change");
        versions.push(changed["version"].as_u64().unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..2 + CHANGES).collect::<Vec<_>>(), "each is a version of its own");
    let last = answers.iter().find(|(_, answer)| answer.json()["version"] == 1 + CHANGES).unwrap();
    assert_eq!(user.get(&path), last.1.json());
}
