//! What can be done with a task, one verb after another: move, skip, snooze, delete and restore, undo; and what a task stands in.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod changes;
mod places;

use perennial_fixture::NOON;
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

#[test]
fn a_patch_that_takes_away_what_nothing_has_is_refused() {
    let mut service = Service::default();
    let id = service.task(&json!({ "title": "a", "due": { "local": "2026-12-01T09:00:00", "tz": "UTC" }, "metadata": { "a": "1" } }));
    let line = format!("PATCH /v1/tasks/{id}");
    for (patch, pointer) in [
        (json!({ "titel": null }), "/titel"),
        (json!({ "version": null }), "/version"),
        (json!({ "title": "b", "status": null }), "/status"),
        (json!({ "due": { "zone": null } }), "/due/zone"),
    ] {
        assert_eq!(service.refused(&line, &patch), (422, pointer.to_owned()), "{patch}");
    }
    assert_eq!(service.get(&format!("/v1/tasks/{id}"))["title"], "a");
    for patch in [
        json!({ "tags": null, "priority": null, "reminders": null, "description": null, "duration": null, "start": null }),
        json!({ "project": null, "parent": null, "recurrence": null }),
        json!({ "metadata": { "a": null, "b": null } }),
        json!({ "due": { "tz": null } }),
        json!({ "recurrence": { "rrule": "FREQ=DAILY", "rdate": null, "exdate": null, "anchor": null } }),
        json!({ "recurrence": { "overlap": null, "misfire": null, "rdate": null } }),
        json!({ "metadata": null }),
    ] {
        assert_eq!(service.refused(&line, &patch).0, 200, "{patch}");
    }
    assert_eq!(
        service.refused("PATCH /v1/settings", &json!({ "nothing": null })),
        (422, "/nothing".to_owned())
    );
}

#[test]
fn a_page_by_place_goes_on_however_long_places_are() {
    let mut service = Service::default();
    let mut top = [service.task(&json!({ "title": "a" })), service.task(&json!({ "title": "b" }))];
    for _ in 0..600 {
        service.post(&format!("/v1/tasks/{}/move", top[1]), &json!({ "before": top[0] }));
        top.swap(0, 1);
    }
    let page = service.get("/v1/tasks?sort=position&limit=1");
    let cursor = page["next_cursor"].as_str().unwrap();
    assert!(cursor.len() > 200, "{cursor}");
    let next = service.get(&format!("/v1/tasks?sort=position&limit=1&cursor={cursor}"));
    assert_eq!(next["items"][0]["id"], top[1].as_str());
}

#[test]
fn what_is_known_by_its_tag_is_not_sent_again() {
    let mut service = Service::default();
    let id = service.task(&json!({ "title": "a" }));
    let mut get = |tag: &str| {
        let response =
            service.send(OWNER, &format!("GET /v1/tasks/{id}"), &[("if-none-match", tag)], &Value::Null);
        (
            response.status().as_u16(),
            response.body().is_empty(),
            response.headers()["etag"].to_str().unwrap().to_owned(),
        )
    };
    assert_eq!(get("\"1\""), (304, true, "\"1\"".to_owned()));
    assert_eq!(get("\"2\""), (200, false, "\"1\"".to_owned()));
}

const BERLIN: &str = "Europe/Berlin";

impl Service {
    fn get(&mut self, address: &str) -> Value {
        self.json(&format!("GET {address}"), &Value::Null)
    }

    fn post(&mut self, address: &str, body: &Value) -> Value {
        self.json(&format!("POST {address}"), body)
    }

    fn task(&mut self, body: &Value) -> String {
        self.post("/v1/tasks", body)["id"].as_str().unwrap().to_owned()
    }

    /// The status of a request and the pointer of its first error.
    fn refused(&mut self, line: &str, body: &Value) -> (u16, String) {
        let response = self.send(OWNER, line, &[], body);
        let problem: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or("no pointer").to_owned();
        (response.status().as_u16(), pointer)
    }

    /// The change that a request made.
    fn change(&mut self, line: &str, body: &Value) -> String {
        let response = self.send(OWNER, line, &[], body);
        assert!(response.status().is_success(), "{line}: {}", String::from_utf8_lossy(response.body()));
        response.headers()["change-id"].to_str().unwrap().to_owned()
    }

    fn titles(&mut self, address: &str) -> Vec<String> {
        let list = self.get(address);
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["title"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The states of a task's alarms, with the hours from noon at which they fire.
    fn alarms(&self, id: &str) -> Vec<(String, i64)> {
        use perennial_store::Value;
        let rows = self
            .fixture
            .rows(&format!("SELECT state, fire_at FROM alarm WHERE task_id = '{id}' ORDER BY fire_at"));
        let hours = |at: i64| at.saturating_sub(NOON.as_millis()) / 3_600_000;
        rows.into_iter()
            .map(|row| match &row[..] {
                [Value::Text(state), Value::Integer(at)] => (state.clone(), hours(*at)),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn weekly() -> Value {
    json!({ "title": "Bins", "due": { "local": "2026-11-23T07:00:00", "tz": BERLIN }, "tags": ["home"],
        "start": { "local": "2026-11-22T19:00:00", "tz": BERLIN }, "duration": "PT20M",
        "recurrence": { "rrule": "FREQ=WEEKLY" },
        "reminders": [{ "trigger": "-PT30M" }, { "trigger": "PT1H", "related": "start" }] })
}

#[test]
fn what_is_said_of_a_task_is_shown_of_it() {
    let mut service = Service::default();
    let project = service.post("/v1/projects", &json!({ "name": "Home" }))["id"].clone();
    let parent = service.task(&json!({ "title": "Clean" }));
    let said = json!({ "title": "Sweep", "description": "d", "priority": "high", "tags": ["a"],
        "due": { "local": "2026-12-01", "tz": null }, "start": { "local": "2026-11-30", "tz": null },
        "duration": "PT1H30M", "project": project, "parent": parent, "metadata": { "color": "red", "a/b": "1" },
        "reminders": [{ "trigger": "PT9H", "related": "start" }] });
    let id = service.task(&said);
    let shown = service.get(&format!("/v1/tasks/{id}"));
    for name in [
        "title",
        "description",
        "priority",
        "tags",
        "due",
        "start",
        "duration",
        "project",
        "parent",
        "metadata",
    ] {
        assert_eq!(shown[name], said[name], "{name}");
    }
    assert_eq!(shown["reminders"][0]["related"], "start");
    assert_eq!(shown["occurrence"]["start"], said["start"]);
    assert_eq!(shown["occurrence"]["start_at"], "2026-11-30T00:00:00Z");
    assert_eq!(shown["position"], json!(id));
    // A merge patch of one of the notes, and of nothing else.
    let patched =
        service.json(&format!("PATCH /v1/tasks/{id}"), &json!({ "metadata": { "color": null, "b": "2" } }));
    assert_eq!(patched["metadata"], json!({ "a/b": "1", "b": "2" }));
    assert_eq!(patched["start"], said["start"]);
    assert_eq!(service.get("/v1/tags")["items"], json!([{ "name": "a" }]));
    assert_eq!(service.titles(&format!("/v1/tasks?project={}", project.as_str().unwrap())), ["Sweep"]);
    assert_eq!(service.titles(&format!("/v1/tasks?parent={parent}&tag=a")), ["Sweep"]);
    assert_eq!(service.titles(&format!("/v1/tasks?parent={parent}&tag=b")), [""; 0]);
    assert_eq!(
        service.titles("/v1/tasks?filter=project%20%3D%20Home%20and%20duration%20%3E%20PT1H"),
        ["Sweep"]
    );
    let wrong = service.refused("GET /v1/tasks?filter=due%20%3C", &Value::Null);
    assert_eq!(wrong, (422, "/filter".to_owned()));
}

#[test]
fn the_next_occurrence_starts_as_long_before_it_is_due() {
    let mut service = Service::default();
    let id = service.task(&weekly());
    let shown = service.get(&format!("/v1/tasks/{id}"));
    assert_eq!(shown["occurrence"]["start_at"], "2026-11-22T18:00:00Z");
    // 06:30 and 20:00 of the evening before, in Berlin.
    assert_eq!(service.alarms(&id), [("armed".to_owned(), 31), ("armed".to_owned(), 41)]);
    let later = service.get(&format!("/v1/tasks/{id}/occurrences?from=2026-12-01&to=2026-12-31"));
    assert_eq!(later["items"][0]["start"], json!({ "local": "2026-12-06T19:00:00", "tz": BERLIN }));
    let moved = json!({ "recurrence_id": "2026-11-23T07:00:00[Europe/Berlin]", "due": { "local": "2026-11-24T07:00:00", "tz": BERLIN } });
    service.post(&format!("/v1/tasks/{id}/override"), &moved);
    assert_eq!(service.get(&format!("/v1/tasks/{id}"))["occurrence"]["start_at"], "2026-11-23T18:00:00Z");
    assert_eq!(service.alarms(&id), [("armed".to_owned(), 55), ("armed".to_owned(), 65)]);
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_changes_nothing() {
    let mut service = Service::default();
    let parent = service.task(&json!({ "title": "Clean" }));
    let part = service.task(&json!({ "title": "Sweep", "parent": parent }));
    service.post("/v1/projects", &json!({ "name": "Home" }));
    let unknown = "0198c0de-0000-7000-8000-000000000000";
    let before = service.fixture.everything();
    let due = json!({ "local": "2026-12-01T09:00:00", "tz": BERLIN });
    for (body, pointer) in [
        (json!({ "project": unknown }), "/project"),
        (json!({ "parent": unknown }), "/parent"),
        (json!({ "parent": part }), "/parent"),
        (json!({ "duration": "PT0S" }), "/duration"),
        (json!({ "duration": "P400D" }), "/duration"),
        (json!({ "duration": "an hour" }), "/duration"),
        (json!({ "metadata": { "": "x" } }), "/metadata/"),
        (json!({ "metadata": { "a/b": "x".repeat(501) } }), "/metadata/a~1b"),
        (json!({ "metadata": { "a": 1 } }), "/metadata/a"),
        (json!({ "due": due, "start": { "local": "2026-12-02T09:00:00", "tz": BERLIN } }), "/start"),
        (json!({ "due": due, "start": { "local": "2026-12-01", "tz": null } }), "/start"),
        (
            json!({ "due": due, "reminders": [{ "trigger": "PT0S", "related": "start" }] }),
            "/reminders/0/trigger",
        ),
    ] {
        let mut task = body.clone();
        task["title"] = json!("x");
        assert_eq!(service.refused("POST /v1/tasks", &task), (422, pointer.to_owned()), "{body}");
        assert_eq!(
            service.refused(&format!("PATCH /v1/tasks/{parent}"), &body),
            (422, pointer.to_owned()),
            "{body}"
        );
    }
    let noted: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
    assert_eq!(service.refused("POST /v1/tasks", &json!({ "title": "x", "metadata": noted })).1, "/metadata");
    assert_eq!(service.refused("POST /v1/projects", &json!({ "name": "Home" })), (422, "/name".to_owned()));
    assert_eq!(service.refused("POST /v1/projects", &json!({ "name": " " })), (422, "/name".to_owned()));
    // A task with parts is no part, nor one of itself.
    for body in [json!({ "parent": part }), json!({ "parent": parent })] {
        assert_eq!(service.refused(&format!("POST /v1/tasks/{parent}/move"), &body).0, 422, "{body}");
    }
    assert_eq!(service.fixture.everything(), before);
}

#[test]
fn a_project_is_a_resource_with_versions_and_goes_when_it_is_empty() {
    let mut service = Service::default();
    let made = service.send(OWNER, "POST /v1/projects", &[], &json!({ "name": "Home" }));
    assert_eq!((made.status().as_u16(), made.headers()["etag"].to_str().unwrap()), (201, "\"1\""));
    let path = made.headers()["location"].to_str().unwrap().to_owned();
    let id = path.rsplit('/').next().unwrap().to_owned();
    let task = service.task(&json!({ "title": "x", "project": id }));
    let changed =
        service.send(OWNER, &format!("PATCH {path}"), &[("if-match", "\"1\"")], &json!({ "archived": true }));
    assert_eq!((changed.status().as_u16(), changed.headers()["etag"].to_str().unwrap()), (200, "\"2\""));
    let stale =
        service.send(OWNER, &format!("PATCH {path}"), &[("if-match", "\"1\"")], &json!({ "name": "x" }));
    assert_eq!(stale.status().as_u16(), 412);
    assert_eq!(service.refused(&format!("DELETE {path}"), &Value::Null), (422, String::new()));
    service.json(&format!("DELETE /v1/tasks/{task}"), &Value::Null);
    service.json(&format!("DELETE {path}"), &Value::Null);
    assert_eq!(service.refused(&format!("GET {path}"), &Value::Null).0, 404);
    assert_eq!(service.get("/v1/projects")["items"], json!([]));
    // Its name is free again, and what comes back from the bin is in no project.
    service.post("/v1/projects", &json!({ "name": "Home" }));
    let back = service.post(&format!("/v1/tasks/{task}/restore"), &Value::Null);
    assert_eq!((&back["project"], &back["deleted_at"]), (&Value::Null, &Value::Null));
}

#[test]
fn tasks_stand_where_they_are_moved_to() {
    let mut service = Service::default();
    let ids: Vec<String> =
        ["a", "b", "c", "d"].map(|title| service.task(&json!({ "title": title }))).to_vec();
    let [a, b, c, d] = &ids[..] else { panic!("four") };
    let order = |service: &mut Service| service.titles("/v1/tasks?sort=position").concat();
    service.post(&format!("/v1/tasks/{d}/move"), &json!({ "before": a }));
    assert_eq!(order(&mut service), "dabc");
    service.post(&format!("/v1/tasks/{a}/move"), &json!({ "after": b }));
    assert_eq!(order(&mut service), "dbac");
    service.post(&format!("/v1/tasks/{c}/move"), &json!({ "before": d }));
    assert_eq!(order(&mut service), "cdba");
    for _ in 0..30 {
        service.post(&format!("/v1/tasks/{c}/move"), &json!({ "after": d }));
        service.post(&format!("/v1/tasks/{b}/move"), &json!({ "after": d }));
    }
    assert_eq!(order(&mut service), "dbca");
    assert_eq!(service.titles("/v1/tasks?sort=-position").concat(), "acbd");
    let unknown = "0198c0de-0000-7000-8000-000000000000";
    for (body, pointer) in [
        (json!({ "before": unknown }), "/before"),
        (json!({ "after": a }), "/after"),
        (json!({ "before": b, "after": c }), "/after"),
        (json!({}), ""),
    ] {
        assert_eq!(
            service.refused(&format!("POST /v1/tasks/{a}/move"), &body),
            (422, pointer.to_owned()),
            "{body}"
        );
    }
}

#[test]
fn an_occurrence_is_skipped_once_and_the_skip_taken_back() {
    let mut service = Service::default();
    let id = service.task(&weekly());
    let path = format!("/v1/tasks/{id}");
    let monday = json!({ "recurrence_id": "2026-11-23T07:00:00[Europe/Berlin]" });
    let change = service.change(&format!("POST {path}/skip"), &monday);
    let again = service.send(OWNER, &format!("POST {path}/skip"), &[], &monday);
    assert_eq!((again.status().as_u16(), again.headers().get("change-id")), (200, None));
    assert_eq!(service.get(&path)["occurrence"], Value::Null);
    assert_eq!(service.alarms(&id).iter().filter(|(state, _)| state == "armed").count(), 0);
    service.json(&format!("POST /v1/changes/{change}/undo"), &Value::Null);
    let open = service.get(&path)["occurrence"].clone();
    assert_eq!((&open["recurrence_id"], &open["status"]), (&monday["recurrence_id"], &json!("open")));
    assert_eq!(service.alarms(&id).iter().filter(|(state, _)| state == "armed").count(), 2);
    // One that is still to come, and what is none.
    let coming = json!({ "recurrence_id": "2026-12-07T07:00:00[Europe/Berlin]" });
    service.post(&format!("{path}/skip"), &coming);
    let planned = service.get(&format!("{path}/occurrences?from=2026-12-01&to=2026-12-31"));
    assert_eq!(planned["items"][0]["status"], "cancelled");
    for id in ["2026-11-24T07:00:00[Europe/Berlin]", "nonsense"] {
        let refused = service.refused(&format!("POST {path}/skip"), &json!({ "recurrence_id": id }));
        assert_eq!(refused, (422, "/recurrence_id".to_owned()), "{id}");
    }
    service.post(&format!("{path}/complete"), &monday);
    assert_eq!(service.refused(&format!("POST {path}/skip"), &monday), (422, "/recurrence_id".to_owned()));
}

#[test]
fn a_reminder_that_was_put_off_stays_so_until_its_date_moves() {
    let mut service = Service::default();
    let id = service.task(&json!({ "title": "Call", "due": { "local": "2026-11-21T15:00:00", "tz": "UTC" },
        "reminders": [{ "trigger": "-PT1H" }] }));
    let path = format!("/v1/tasks/{id}");
    let reminder = service.get(&path)["reminders"][0]["id"].clone();
    let snoozed = service.post(&format!("{path}/snooze"), &json!({ "reminder": reminder, "for": "PT5H" }));
    assert_eq!(snoozed["fire_at"], "2026-11-21T17:00:00Z");
    service.json(&format!("PATCH {path}"), &json!({ "title": "Call her" }));
    assert_eq!(service.alarms(&id), [("armed".to_owned(), 5)]);
    // Put off again, from where it was.
    service
        .post(&format!("{path}/snooze"), &json!({ "reminder": reminder, "until": "2026-11-21T18:00:00Z" }));
    service.json(&format!("PATCH {path}"), &json!({ "title": "Call him" }));
    assert_eq!(service.alarms(&id), [("armed".to_owned(), 6)]);
    service
        .json(&format!("PATCH {path}"), &json!({ "due": { "local": "2026-11-21T16:00:00", "tz": "UTC" } }));
    assert_eq!(service.alarms(&id), [("armed".to_owned(), 3)]);
    for (body, pointer) in [
        (json!({ "reminder": reminder }), ""),
        (json!({ "reminder": reminder, "for": "PT0S" }), "/for"),
        (json!({ "reminder": reminder, "for": "P367D" }), "/for"),
        (json!({ "reminder": reminder, "until": "2026-11-21T11:00:00Z" }), "/until"),
        (json!({ "reminder": id, "for": "PT1H" }), "/reminder"),
        (json!({ "reminder": reminder, "for": "PT1H", "recurrence_id": "x" }), "/recurrence_id"),
    ] {
        assert_eq!(
            service.refused(&format!("POST {path}/snooze"), &body),
            (422, pointer.to_owned()),
            "{body}"
        );
    }
    service.post(&format!("{path}/complete"), &Value::Null);
    let done =
        service.refused(&format!("POST {path}/snooze"), &json!({ "reminder": reminder, "for": "PT1H" }));
    assert_eq!(done, (422, "/recurrence_id".to_owned()));
}

/// Also where what closed it is taken back; and not where the time it was put off to has passed meanwhile.
#[test]
fn a_reminder_that_was_put_off_stays_so_when_its_occurrence_is_open_again() {
    let mut service = Service::default();
    let id = service.task(&json!({ "title": "Call", "due": { "local": "2026-11-21T11:00:00", "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }] }));
    let path = format!("/v1/tasks/{id}");
    let reminder = service.get(&path)["reminders"][0]["id"].clone();
    service.post(&format!("{path}/snooze"), &json!({ "reminder": reminder, "for": "PT5H" }));
    for closing in [format!("POST {path}/complete"), format!("DELETE {path}")] {
        let change = service.change(&closing, &Value::Null);
        assert_eq!(service.alarms(&id), [("cancelled".to_owned(), 5)], "{closing}");
        service.change(&format!("POST /v1/changes/{change}/undo"), &Value::Null);
        assert_eq!(service.alarms(&id), [("armed".to_owned(), 5)], "{closing}");
    }
    service.post(&format!("{path}/complete"), &Value::Null);
    service.now = Some(NOON.plus_millis(6 * 3_600_000));
    service.post(&format!("{path}/reopen"), &Value::Null);
    assert_eq!(service.alarms(&id)[0].0, "missed");
}

#[test]
fn a_deleted_task_lies_in_the_bin_and_comes_back_as_it_was() {
    let mut service = Service::default();
    let (single, series) = (service.task(&json!({ "title": "One", "tags": ["t"] })), service.task(&weekly()));
    let monday = json!({ "recurrence_id": "2026-11-23T07:00:00[Europe/Berlin]" });
    for id in [&single, &series] {
        let path = format!("/v1/tasks/{id}");
        let before = service.get(&path);
        service.json(&format!("DELETE {path}"), &Value::Null);
        assert_eq!(service.refused(&format!("GET {path}"), &Value::Null).0, 404);
        assert_eq!(service.get("/v1/trash")["items"][0]["id"], json!(id));
        assert_eq!(service.fixture.count(&format!("work WHERE task_id = '{id}'")), 0);
        let back = service.post(&format!("{path}/restore"), &Value::Null);
        assert_eq!(back["version"], json!(before["version"].as_i64().unwrap() + 2));
        for name in ["title", "tags", "status", "due", "recurrence", "reminders"] {
            assert_eq!(back[name], before[name], "{name}");
        }
        assert_eq!(back["occurrence"]["recurrence_id"], before["occurrence"]["recurrence_id"]);
        assert_eq!(service.get("/v1/trash")["items"], json!([]));
        assert_eq!(service.refused(&format!("POST {path}/restore"), &Value::Null).0, 404);
        // Once more: what was given up is given up again.
        service.json(&format!("DELETE {path}"), &Value::Null);
        service.post(&format!("{path}/restore"), &Value::Null);
        assert_eq!(service.get(&path)["occurrence"]["recurrence_id"], before["occurrence"]["recurrence_id"]);
    }
    assert_eq!(service.alarms(&series).iter().filter(|(state, _)| state == "armed").count(), 2);
    assert_eq!(service.get("/v1/tags")["items"], json!([{ "name": "home" }, { "name": "t" }]));
    service.post(&format!("/v1/tasks/{series}/complete"), &monday);
    // Deleted while the next one is owed: that follows when it is back.
    service.json(&format!("DELETE /v1/tasks/{series}"), &Value::Null);
    let back = service.post(&format!("/v1/tasks/{series}/restore"), &Value::Null);
    assert_eq!(back["occurrence"]["recurrence_id"], "2026-11-30T07:00:00[Europe/Berlin]");
    // One that is done comes back done.
    service.post(&format!("/v1/tasks/{single}/complete"), &Value::Null);
    service.json(&format!("DELETE /v1/tasks/{single}"), &Value::Null);
    let back = service.post(&format!("/v1/tasks/{single}/restore"), &Value::Null);
    assert_eq!((&back["status"], &back["occurrence"]), (&json!("done"), &Value::Null));
}

#[test]
fn every_change_is_told_and_the_last_of_a_task_can_be_taken_back() {
    let mut service = Service::default();
    let made = service.change("POST /v1/tasks", &json!({ "title": "One", "tags": ["a"] }));
    let id = service.get("/v1/tasks")["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tasks/{id}");
    let steps = [
        (format!("PATCH {path}"), json!({ "title": "Two", "tags": ["b"], "due": { "local": "2026-12-01" } })),
        (format!("POST {path}/complete"), Value::Null),
        (format!("POST {path}/reopen"), Value::Null),
        (format!("POST {path}/move"), json!({ "parent": service.task(&json!({ "title": "Parent" })) })),
        (format!("DELETE {path}"), Value::Null),
        (format!("POST {path}/restore"), Value::Null),
    ];
    // Each step, and back from it; then the step again.
    for (line, body) in &steps {
        let shown = |service: &mut Service| {
            let mut list = service.get("/v1/tasks?sort=-created")["items"].as_array().unwrap().clone();
            list.retain(|task| task["id"] == json!(id));
            list.iter_mut().for_each(|task| {
                for name in ["version", "updated_at", "completed_at", "reminders", "occurrence"] {
                    task[name] = Value::Null;
                }
            });
            list
        };
        let before = shown(&mut service);
        let change = service.change(line, body);
        let after = shown(&mut service);
        assert_ne!(before, after, "{line}");
        let back = service.change(&format!("POST /v1/changes/{change}/undo"), &Value::Null);
        assert_eq!(shown(&mut service), before, "{line} taken back");
        // What was taken back is not the last change any more.
        let again = service.refused(&format!("POST /v1/changes/{change}/undo"), &Value::Null);
        assert_eq!(again, (422, String::new()), "{line}");
        // Taking back what took it back is the step once more.
        service.change(&format!("POST /v1/changes/{back}/undo"), &Value::Null);
        assert_eq!(shown(&mut service), after, "{line} once more");
    }
    assert_eq!(service.refused(&format!("POST /v1/changes/{made}/undo"), &Value::Null).0, 422);
    let told = service.get(&format!("/v1/changes?subject={id}&limit=200"));
    let told = told["items"].as_array().unwrap();
    assert_eq!(told.len(), 1 + 3 * steps.len());
    assert_eq!(told.last().unwrap()["id"], json!(made));
    assert!(told.windows(2).all(|two| two[0]["id"].as_str() > two[1]["id"].as_str()));
    // Page by page, and among all of the user's.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/v1/changes?subject={id}&limit=4{cursor}"));
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(&paged, told);
    assert_eq!(service.get("/v1/changes?limit=200")["items"].as_array().unwrap().len(), told.len() + 1);
    let one = service.get(&format!("/v1/changes/{made}"));
    assert_eq!(
        (&one["action"], &one["before"], &one["after"]["task"]["title"]),
        (&json!("task.create"), &Value::Null, &json!("One"))
    );
    assert_eq!(service.refused("GET /v1/changes/0198c0de-0000-7000-8000-000000000000", &Value::Null).0, 404);
}

/// What a key repeats tells of the same change.
#[test]
fn a_repeated_request_tells_of_the_change_that_was_made() {
    let mut service = Service::default();
    let key = [("idempotency-key", "k")];
    let first = service.send(OWNER, "POST /v1/tasks", &key, &json!({ "title": "x" }));
    let again = service.send(OWNER, "POST /v1/tasks", &key, &json!({ "title": "x" }));
    assert_eq!(first.headers()["change-id"], again.headers()["change-id"]);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
}

/// A week is that of the user.
#[test]
fn this_week_begins_on_the_day_that_the_user_has_set() {
    let mut service = Service::default();
    for day in [21, 22] {
        service.task(&json!({ "title": day.to_string(), "due": { "local": format!("2026-11-{day}") } }));
    }
    let this_week = "/v1/tasks?filter=due%20%3D%20this%20week";
    assert_eq!(service.titles(this_week), ["21", "22"], "Saturday, and the Sunday after it");
    service.json("PATCH /v1/settings", &json!({ "week_start": "sunday" }));
    assert_eq!(service.titles(this_week), ["21"]);
}
