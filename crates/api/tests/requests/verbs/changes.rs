//! Taking changes back: what it gives back, and what it leaves alone.

use std::cell::RefCell;

use perennial_api::{Answered, Api, Limits, handle};
use perennial_domain::{Plan, RecurrenceId, TaskId, UserId, WebhookPolicy, plan_successor};
use perennial_fixture::{Counting, NOON, Watch};
use perennial_http_api::Accepted;
use perennial_store::{Store, Value as SqlValue, WorkStore};
use serde_json::{Value, json};

use crate::service::{OWNER, Published, Service, request};

impl Service {
    fn undo(&mut self, change: &str) {
        let response = self.send(OWNER, &format!("POST /v1/changes/{change}/undo"), &[], &Value::Null);
        assert_eq!(response.status().as_u16(), 204, "{}", String::from_utf8_lossy(response.body()));
    }

    /// Asks for something while something else happens, right after the first statement that holds the text of its store; gives the
    /// status.
    fn interrupted(
        &mut self,
        line: &str,
        (sqlite, postgres): (&'static str, &'static str),
        meanwhile: impl FnOnce(&mut Self),
    ) -> u16 {
        let after = self.fixture.dialect(sqlite, postgres);
        let interrupted = Interrupted(after, RefCell::default());
        let store = self.fixture.watched(&interrupted);
        interrupted.1.replace(Some(Box::new(|| meanwhile(self))));
        let published = Published::default();
        let accepted = Accepted { bootstrap_token: OWNER, issuer: None, key_server: &published };
        let mut api = Api {
            store: &store,
            webhooks: &WebhookPolicy::default(),
            limits: Limits::default(),
            now: NOON,
            ids: &mut Counting(2_000_000),
            correlation_id: "test".to_owned(),
            dry_run: false,
        };
        let asked = request(OWNER, line, &[], &Value::Null);
        let Answered { response, .. } = pollster::block_on(handle(&mut api, &accepted, asked));
        response.status().as_u16()
    }
}

/// What the statements hold that read a change, and what a command on a task is decided upon.
const OF_A_CHANGE: (&str, &str) = (
    "FROM audit_v4 AS c WHERE c.user_id = ?1 AND c.told = 1 AND c.id = ?2",
    "FROM audit AS c WHERE c.user_id = $1::text AND c.told AND c.id = $2::text",
);
const OF_A_SERIES: (&str, &str) = ("'overrides'", "perennial_series(");

type Hook<'a> = RefCell<Option<Box<dyn FnOnce() + 'a>>>;

/// Has something else happen right after the first statement that holds a text.
struct Interrupted<'a>(&'static str, Hook<'a>);

impl Watch for Interrupted<'_> {
    fn after(&self, statement: &str) {
        if statement.contains(self.0)
            && let Some(meanwhile) = self.1.borrow_mut().take()
        {
            meanwhile();
        }
    }
}

/// What was acknowledged stays, also where it came between the looks at the change and at the task.
#[test]
fn a_change_that_came_meanwhile_is_not_taken_back() {
    for between in [OF_A_CHANGE, OF_A_SERIES] {
        let mut service = Service::default();
        let id = service.task(&json!({ "title": "one" }));
        let change = service.change(&format!("PATCH /v1/tasks/{id}"), &json!({ "title": "two" }));
        let status = service.interrupted(&format!("POST /v1/changes/{change}/undo"), between, |service| {
            let changed = json!({ "title": "three", "description": "written meanwhile" });
            service.change(&format!("PATCH /v1/tasks/{id}"), &changed);
        });
        let task = service.get(&format!("/v1/tasks/{id}"));
        assert_eq!(
            (status, &task["title"], &task["description"]),
            (422, &json!("three"), &json!("written meanwhile"))
        );
    }
}

/// As what comes back from the bin, so what comes back by taking its deletion back.
#[test]
fn a_deletion_is_taken_back_when_the_project_is_gone() {
    let mut service = Service::default();
    let project =
        service.json("POST /v1/projects", &json!({ "name": "P" }))["id"].as_str().unwrap().to_owned();
    let id = service.task(&json!({ "title": "a", "project": project }));
    let change = service.change(&format!("DELETE /v1/tasks/{id}"), &Value::Null);
    service.json(&format!("DELETE /v1/projects/{project}"), &Value::Null);
    service.undo(&change);
    assert_eq!(service.get(&format!("/v1/tasks/{id}"))["project"], Value::Null);
}

/// So many mornings.
fn daily(count: u32) -> Value {
    json!({ "title": "a", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": format!("FREQ=DAILY;COUNT={count}") }, "reminders": [{ "trigger": "PT0S" }] })
}

/// Every morning, from the one of today on.
fn endless() -> Value {
    json!({ "title": "daily", "due": { "local": "2026-11-21T07:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY" } })
}

fn on(day: u32) -> Value {
    json!({ "recurrence_id": format!("2026-11-{day}T09:00:00[UTC]") })
}

#[test]
fn the_extension_of_a_series_that_had_ended_is_taken_back() {
    let mut service = Service::default();
    let id = service.task(&daily(1));
    let path = format!("/v1/tasks/{id}");
    service.json(&format!("POST {path}/complete"), &on(22));
    // Once while its end is not planned yet, once after it.
    for _ in 0..2 {
        let longer = json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=2" } });
        let extended = service.change(&format!("PATCH {path}"), &longer);
        assert_eq!(service.get(&path)["occurrence"]["recurrence_id"], on(23)["recurrence_id"]);
        // Anyone else who leaves nothing of it is told, as ever.
        let shortened = json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=1" } });
        let refused = service.send(OWNER, &format!("PATCH {path}"), &[], &shortened);
        assert_eq!(refused.status().as_u16(), 422);
        service.undo(&extended);
        let task = service.get(&path);
        assert_eq!((&task["status"], &task["occurrence"]), (&json!("done"), &Value::Null));
        assert_eq!(service.fixture.count("occurrence WHERE status = 'open'"), 0);
        assert_eq!(service.fixture.count("alarm WHERE state = 'armed'"), 0);
        assert_eq!(service.fixture.count("work"), 0, "nothing is owed");
    }
}

/// The occurrence that follows one, opened as the scheduler does.
fn plan(service: &Service, id: &str, after: &Value) {
    let (user, task) = (UserId::admin(), TaskId::parse(id).unwrap());
    let after = RecurrenceId::from_text(after["recurrence_id"].as_str().unwrap());
    let due = service.fixture.store.due_series(&user, task, &after).unwrap().unwrap();
    let mut ids = Counting(u64::try_from(service.fixture.count("outbox")).unwrap().saturating_add(7_000_000));
    let mut ctx = perennial_fixture::context(&user, &mut ids);
    ctx.zone = due.user.zone;
    let (Plan::Opens(commit, _) | Plan::Ends(commit)) = plan_successor(&mut ctx, &due.state).unwrap() else {
        panic!("nothing is owed")
    };
    service.fixture.store.commit(&commit).unwrap();
}

#[test]
fn what_followed_meanwhile_goes_with_a_completion_or_a_skip_taken_back() {
    for verb in ["complete", "skip"] {
        let mut service = Service::default();
        let id = service.task(&daily(4));
        let path = format!("/v1/tasks/{id}");
        let open = |service: &mut Service| {
            let all = service.get(&format!("{path}/occurrences"))["items"].as_array().unwrap().clone();
            let open = all.iter().filter(|one| one["status"] == "open");
            open.map(|one| one["recurrence_id"].clone()).collect::<Vec<_>>()
        };
        let change = service.change(&format!("POST {path}/{verb}"), &on(22));
        plan(&service, &id, &on(22));
        assert_eq!(open(&mut service), [on(23)["recurrence_id"].clone()]);
        service.undo(&change);
        assert_eq!(open(&mut service), [on(22)["recurrence_id"].clone()], "{verb}");
        assert_eq!(service.fixture.count("alarm WHERE state = 'armed'"), 1);
        // Closed again, it is followed as it was.
        service.json(&format!("POST {path}/{verb}"), &on(22));
        plan(&service, &id, &on(22));
        assert_eq!(open(&mut service), [on(23)["recurrence_id"].clone()]);
        // Where occurrences stack, the next one comes of this one's being closed only until this one is due.
        let stacks = json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=5", "overlap": "stack" } });
        service.json(&format!("PATCH {path}"), &stacks);
        let change = service.change(&format!("POST {path}/{verb}"), &on(23));
        plan(&service, &id, &on(23));
        service.undo(&change);
        assert_eq!(open(&mut service), [on(23)["recurrence_id"].clone()], "{verb}");
        let change = service.change(&format!("POST {path}/{verb}"), &on(23));
        plan(&service, &id, &on(23));
        service.now = Some(NOON.plus_millis(2 * 86_400_000));
        service.undo(&change);
        assert_eq!(open(&mut service).len(), 2, "{verb}");
    }
}

#[test]
fn the_changes_of_a_task_that_was_split_are_those_before_it_too() {
    let mut service = Service::default();
    let old = service.task(&daily(9));
    let path = format!("/v1/tasks/{old}");
    service.json(&format!("PATCH {path}"), &json!({ "title": "b" }));
    service.json(&format!("POST {path}/complete"), &on(22));
    let split = json!({ "recurrence_id": on(25)["recurrence_id"], "changes": { "title": "z" } });
    let new = service.json(&format!("POST {path}/split"), &split)["id"].as_str().unwrap().to_owned();
    service.json(&format!("PATCH {path}"), &json!({ "title": "c" }));
    service.json(&format!("PATCH /v1/tasks/{new}"), &json!({ "title": "y" }));
    let mut actions = |id: &str, limit: u32| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = service.get(&format!("/v1/changes?subject={id}&limit={limit}{cursor}"));
            for change in page["items"].as_array().unwrap() {
                found.push(change["action"].as_str().unwrap().to_owned());
            }
            let Some(next) = page["next_cursor"].as_str() else { return found };
            cursor = format!("&cursor={next}");
        }
    };
    for limit in [1, 50] {
        assert_eq!(
            actions(&old, limit),
            ["task.update", "series.split", "task.complete", "task.update", "task.create"]
        );
        assert_eq!(actions(&new, limit), ["task.update", "series.split"]);
    }
}

/// What was open before a completion or a skip stays when that is taken back: its occurrence had been reopened.
#[test]
fn what_was_open_before_stays_open() {
    for verb in ["complete", "skip"] {
        let mut service = Service::default();
        let id = service.task(&daily(4));
        let path = format!("/v1/tasks/{id}");
        let first = service.change(&format!("POST {path}/complete"), &on(22));
        plan(&service, &id, &on(22));
        let reopened = service.change(&format!("POST {path}/reopen"), &on(22));
        let open = |service: &Service| service.fixture.count("occurrence WHERE status = 'open'");
        let closed = service.change(&format!("POST {path}/{verb}"), &on(22));
        assert_eq!(open(&service), 1);
        service.undo(&closed);
        assert_eq!((open(&service), service.fixture.count("alarm WHERE state = 'armed'")), (2, 2), "{verb}");
        // And so where the reopening itself is taken back, and that again.
        let last = |service: &mut Service| {
            service.get("/v1/changes?limit=1")["items"][0]["id"].as_str().unwrap().to_owned()
        };
        let again = service.change(&format!("POST {path}/complete"), &on(22));
        let reopened_again = service.change(&format!("POST {path}/reopen"), &on(22));
        service.undo(&reopened_again);
        assert_eq!(open(&service), 1);
        let undone = last(&mut service);
        assert!(![&first, &reopened, &closed, &again, &reopened_again].contains(&&undone));
        service.undo(&undone);
        assert_eq!((open(&service), service.fixture.count("alarm WHERE state = 'armed'")), (2, 2), "{verb}");
    }
}

/// A task that was done is done again, whatever its series would open by now.
#[test]
fn what_was_done_before_a_change_of_its_series_is_done_again() {
    for policy in [json!({ "misfire": "skip" }), json!({ "overlap": "skip" }), json!({})] {
        let mut service = Service::default();
        let mut recurrence = json!({ "rrule": "FREQ=DAILY;COUNT=4" });
        recurrence.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        let id = service
            .task(&json!({ "title": "daily", "due": { "local": "2026-11-16T07:00:00", "tz": "UTC" },
            "recurrence": recurrence }));
        let path = format!("/v1/tasks/{id}");
        // Until nothing follows.
        loop {
            let task = service.get(&path);
            if task["status"] == "done" {
                break;
            }
            let open = json!({ "recurrence_id": task["occurrence"]["recurrence_id"] });
            service.json(&format!("POST {path}/complete"), &open);
            plan(&service, &id, &open);
        }
        for rrule in ["FREQ=DAILY;INTERVAL=2", "FREQ=DAILY;COUNT=2"] {
            let change =
                service.change(&format!("PATCH {path}"), &json!({ "recurrence": { "rrule": rrule } }));
            service.undo(&change);
            let task = service.get(&path);
            assert_eq!(
                (&task["status"], &task["occurrence"]),
                (&json!("done"), &Value::Null),
                "{policy} {rrule}"
            );
            assert_eq!(service.fixture.count("occurrence WHERE status = 'open'"), 0);
        }
    }
}

/// A reminder that is put off while its task is deleted goes off once that is back.
#[test]
fn what_is_put_off_beside_a_deletion_is_not_lost() {
    let mut service = Service::default();
    let id = service.task(&json!({ "title": "Call", "due": { "local": "2026-11-21T11:00:00", "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }] }));
    let path = format!("/v1/tasks/{id}");
    let reminder = service.get(&path)["reminders"][0]["id"].clone();
    let put_off = json!({ "reminder": reminder, "for": "PT5H" });
    let deleted = service.interrupted(&format!("DELETE {path}"), OF_A_SERIES, |service| {
        service.json(&format!("POST {path}/snooze"), &put_off);
    });
    assert_eq!((deleted, service.fixture.count("alarm WHERE state = 'armed'")), (204, 0));
    service.json(&format!("POST {path}/restore"), &Value::Null);
    assert_eq!(service.fixture.count("alarm WHERE state = 'armed'"), 1);
    assert_eq!(service.fixture.count("work WHERE kind = 'reminder'"), 1);
}

/// A reminder that was taken away is the same again: what it has fired, it has fired; what it had yet to fire, it fires.
#[test]
fn a_reminder_given_back_reminds_of_no_time_twice() {
    let mut service = Service::default();
    let id = service.task(&json!({ "title": "Call", "due": { "local": "2026-11-21T12:00:00", "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }, { "trigger": "PT1H" }] }));
    let path = format!("/v1/tasks/{id}");
    let before = service.get(&path)["reminders"].clone();
    service.fixture.rows("UPDATE alarm SET state = 'fired' WHERE state = 'armed' AND fire_at = (SELECT min(fire_at) FROM alarm)");
    let taken = service.change(&format!("PATCH {path}"), &json!({ "reminders": [] }));
    assert_eq!(service.fixture.count("alarm WHERE state = 'armed'"), 0);
    service.undo(&taken);
    assert_eq!(service.get(&path)["reminders"], before);
    let alarms = service.fixture.rows("SELECT state FROM alarm ORDER BY fire_at");
    assert_eq!(alarms, [["fired"], ["armed"]].map(|row| row.map(SqlValue::from).to_vec()));
}

/// What was done before it recurred is done, and recurs again if that is taken back.
#[test]
fn a_task_that_was_done_before_it_recurred_is_done_again() {
    let mut service = Service::default();
    let id =
        service.task(&json!({ "title": "once", "due": { "local": "2026-11-20T07:00:00", "tz": "UTC" } }));
    let path = format!("/v1/tasks/{id}");
    service.change(&format!("POST {path}/complete"), &json!({}));
    let done = service.json(&format!("GET {path}"), &Value::Null);
    let change =
        service.change(&format!("PATCH {path}"), &json!({ "recurrence": { "rrule": "FREQ=DAILY" } }));
    let recurs = service.json(&format!("GET {path}"), &Value::Null);
    assert_eq!((&recurs["status"], &done["status"]), (&json!("open"), &json!("done")));
    service.undo(&change);
    let mut again = service.json(&format!("GET {path}"), &Value::Null);
    for member in ["version", "updated_at"] {
        again[member] = done[member].clone();
    }
    assert_eq!(again, done);
    assert_eq!(service.fixture.count("occurrence WHERE status = 'open'"), 0);
    let reopened = service.json(&format!("POST {path}/reopen"), &Value::Null);
    assert_eq!(reopened["status"], "open");
}

/// What followed a completion that was taken back is to come again: once, and it can be skipped and changed like any other.
#[test]
fn what_is_to_come_again_is_listed_once_and_can_be_changed() {
    let mut service = Service::default();
    let id = service.task(&endless());
    let path = format!("/v1/tasks/{id}");
    let [first, second] =
        [21, 22].map(|day| json!({ "recurrence_id": format!("2026-11-{day}T07:00:00[UTC]") }));
    let completed = service.change(&format!("POST {path}/complete"), &first);
    plan(&service, &id, &first);
    service.undo(&completed);
    let span = format!("GET {path}/occurrences?from=2026-11-21&to=2026-11-24");
    let listed = |service: &mut Service| {
        let page = service.json(&span, &Value::Null);
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|one| format!("{} {}", &one["due"]["local"].as_str().unwrap()[8..10], one["status"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&mut service), ["21 \"open\"", "22 \"planned\"", "23 \"planned\""]);
    let skipped = service.change(&format!("POST {path}/skip"), &second);
    assert_eq!(listed(&mut service), ["21 \"open\"", "22 \"cancelled\"", "23 \"planned\""]);
    service.undo(&skipped);
    assert_eq!(listed(&mut service), ["21 \"open\"", "22 \"planned\"", "23 \"planned\""]);
    let mut other = second.clone();
    other["title"] = json!("Another");
    service.json(&format!("POST {path}/override"), &other);
    let refused = service.send(OWNER, &format!("POST {path}/complete"), &[], &second);
    assert!(String::from_utf8_lossy(refused.body()).contains("is not open and cannot be completed"));
    service.json(&format!("POST {path}/complete"), &first);
    plan(&service, &id, &first);
    let open = service.json(&format!("GET {path}"), &Value::Null)["occurrence"].clone();
    assert_eq!((&open["recurrence_id"], &open["title"]), (&second["recurrence_id"], &json!("Another")));
}

/// A span of time says what is due in it, wherever that was, and whether that is all.
#[test]
fn a_span_of_time_has_what_is_due_in_it() {
    let mut service = Service::default();
    let id = service.task(&endless());
    let path = format!("/v1/tasks/{id}");
    for (day, due) in [("25", "2026-12-10T15:00:00"), ("30", "2026-11-23T15:00:00")] {
        let moved = json!({ "recurrence_id": format!("2026-11-{day}T07:00:00[UTC]"), "due": { "local": due, "tz": "UTC" } });
        service.json(&format!("POST {path}/override"), &moved);
    }
    let mut span = |from: &str, to: &str, limit: usize| {
        let page =
            service.json(&format!("GET {path}/occurrences?from={from}&to={to}&limit={limit}"), &Value::Null);
        let items = page["items"].as_array().unwrap().iter();
        let due =
            items.map(|one| one["due"]["local"].as_str().unwrap()[5..13].to_owned()).collect::<Vec<_>>();
        (due.join(" "), page["complete"] == true)
    };
    for (from, to, due) in [
        ("2026-11-23", "2026-11-27", "11-23T07 11-23T15 11-24T07 11-26T07"),
        ("2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z", "11-23T07 11-23T15 11-24T07 11-26T07"),
        ("2026-11-29", "2026-12-02", "11-29T07 12-01T07"),
        ("2026-12-10T00:00:00Z", "2026-12-11T00:00:00Z", "12-10T07 12-10T15"),
    ] {
        assert_eq!(span(from, to, 50), (due.to_owned(), true), "{from} {to}");
        let all = due.split(' ').count();
        for limit in 1..=all {
            assert_eq!(span(from, to, limit).1, limit == all, "{from} {to} {limit}");
        }
    }

    // And of what was opened.
    let id = service.task(&json!({ "title": "ended", "due": { "local": "2026-11-18T07:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY;COUNT=3", "misfire": "all" } }));
    let path = format!("/v1/tasks/{id}");
    for day in 18..=20 {
        let name = json!({ "recurrence_id": format!("2026-11-{day}T07:00:00[UTC]") });
        service.json(&format!("POST {path}/complete"), &name);
        plan(&service, &id, &name);
    }
    for limit in 1..=4 {
        let page = service.json(
            &format!("GET {path}/occurrences?from=2026-11-01&to=2026-12-01&limit={limit}"),
            &Value::Null,
        );
        assert_eq!(page["items"].as_array().unwrap().len(), limit.min(3));
        assert_eq!(page["complete"], limit >= 3, "{limit}");
    }
}

/// A task of every morning from the 18th on, three days before now.
fn mornings(recurrence: &Value) -> Value {
    json!({ "title": "daily", "due": { "local": "2026-11-18T07:00:00", "tz": "UTC" }, "recurrence": recurrence })
}

/// The days of a span that are planned, and whether that is all.
fn planned(service: &mut Service, path: &str, query: &str) -> (String, bool) {
    let page = service.json(&format!("GET {path}/occurrences?{query}"), &Value::Null);
    let items = page["items"].as_array().unwrap().iter().filter(|one| one["status"] == "planned");
    let days = items.map(|one| one["due"]["local"].as_str().unwrap()[8..10].to_owned()).collect::<Vec<_>>();
    (days.join(" "), page["complete"] == true)
}

/// What a series drops, and what a task that is done leaves behind, does not come.
#[test]
fn nothing_is_planned_that_does_not_come() {
    const SPAN: &str = "from=2026-11-18&to=2026-11-24";
    let mut service = Service::default();
    let first = json!({ "recurrence_id": "2026-11-18T07:00:00[UTC]" });
    for (policy, coming) in [
        (json!({ "misfire": "all" }), "19 20 21 22 23"),
        (json!({ "misfire": "all", "overlap": "stack" }), "19 20 21 22 23"),
        (json!({ "misfire": "once" }), "21 22 23"),
        (json!({ "misfire": "once", "overlap": "stack" }), "21 22 23"),
        // The last that is not cancelled, by its name wherever it was moved to.
        (json!({ "misfire": "once", "exdate": ["2026-11-21T07:00:00"] }), "20 22 23"),
        (json!({ "misfire": "skip" }), "22 23"),
        (json!({ "misfire": "skip", "overlap": "stack" }), "22 23"),
        (json!({ "overlap": "skip" }), "22 23"),
        (json!({ "misfire": "once", "overlap": "skip" }), "22 23"),
    ] {
        let mut recurrence = json!({ "rrule": "FREQ=DAILY" });
        recurrence.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        let id = service.task(&mornings(&recurrence));
        let path = format!("/v1/tasks/{id}");
        assert_eq!(planned(&mut service, &path, SPAN), (coming.to_owned(), true), "{recurrence}");
        // Of as many as are asked for, the first ones, whatever is dropped before them.
        let days: Vec<&str> = coming.split(' ').collect();
        for room in 1..=days.len() {
            let cut = format!("{SPAN}&limit={}", room + 1);
            assert_eq!(
                planned(&mut service, &path, &cut),
                (days[..room].join(" "), room == days.len()),
                "{recurrence}"
            );
        }
        // What is opened next is what was planned.
        service.json(&format!("POST {path}/complete"), &first);
        plan(&service, &id, &first);
        let open = service.get(&path)["occurrence"]["due"]["local"].as_str().unwrap()[8..10].to_owned();
        assert_eq!(open, days[0], "{recurrence}");
        assert_eq!(planned(&mut service, &path, SPAN), (days[1..].join(" "), true), "{recurrence}");

        if coming == "22 23" {
            recurrence["rrule"] = json!("FREQ=DAILY;COUNT=3");
            let id = service.task(&mornings(&recurrence));
            service.json(&format!("POST /v1/tasks/{id}/complete"), &first);
            plan(&service, &id, &first);
            assert_eq!(planned(&mut service, &format!("/v1/tasks/{id}"), SPAN), (String::new(), true));
        }
    }
    let after = json!({ "rrule": "FREQ=DAILY", "anchor": "completion" });
    let path = format!("/v1/tasks/{}", service.task(&mornings(&after)));
    assert_eq!(planned(&mut service, &path, SPAN), (String::new(), false), "it is not known in advance");
}

/// Which of those that have passed comes is said by their names, not by where they were moved to.
#[test]
fn the_one_that_makes_up_for_those_that_passed_may_be_moved_or_cancelled() {
    const SPAN: &str = "from=2026-11-18&to=2026-11-27";
    for (change, coming) in [
        (json!({ "due": { "local": "2026-11-25T15:00:00", "tz": "UTC" } }), "22 23 24 25 25 26"),
        (json!({ "cancelled": true }), "20 22 23 24 25 26"),
    ] {
        let mut service = Service::default();
        let id = service.task(&mornings(&json!({ "rrule": "FREQ=DAILY", "misfire": "once" })));
        let path = format!("/v1/tasks/{id}");
        for day in [19, 21] {
            let mut change = change.clone();
            change["recurrence_id"] = json!(format!("2026-11-{day}T07:00:00[UTC]"));
            service.json(&format!("POST {path}/override"), &change);
        }
        assert_eq!(planned(&mut service, &path, SPAN), (coming.to_owned(), true));
        let first = json!({ "recurrence_id": "2026-11-18T07:00:00[UTC]" });
        service.json(&format!("POST {path}/complete"), &first);
        plan(&service, &id, &first);
        let open = service.get(&path)["occurrence"]["recurrence_id"].as_str().unwrap()[8..10].to_owned();
        assert_eq!(open, if change["cancelled"] == true { "20" } else { "21" });
    }
}

/// Whole days and times without a zone are due where the user is.
#[test]
fn a_span_between_instants_has_what_floats() {
    for zone in ["Pacific/Auckland", "Pacific/Pago_Pago", "Europe/Berlin"] {
        let mut service = Service::default();
        service.json("PATCH /v1/settings", &json!({ "tz": zone }));
        for due in ["2026-11-22", "2026-11-22T00:30:00", "2026-11-22T23:30:00"] {
            let id = service.task(&json!({ "title": "floats", "due": { "local": due },
                "recurrence": { "rrule": "FREQ=DAILY;COUNT=9" } }));
            let mut listed = |query: &str| {
                let page = service.json(&format!("GET /v1/tasks/{id}/occurrences?{query}"), &Value::Null);
                let items = page["items"].as_array().unwrap().iter();
                items.map(|one| one["due_at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            let all = listed("from=2026-11-01&to=2026-12-31");
            assert_eq!(all.len(), 9);
            assert_eq!(listed(&format!("from={}&to={}", all[2], all[5])), all[2..5], "{zone} {due}");
        }
    }
}

#[test]
fn what_cannot_be_taken_back_is_told_by_its_name() {
    let mut service = Service::default();
    for (line, body) in [
        ("PATCH /v1/settings", json!({ "week_start": "sunday" })),
        ("POST /v1/projects", json!({ "name": "Home" })),
    ] {
        let change = service.change(line, &body);
        let refused = service.send(OWNER, &format!("POST /v1/changes/{change}/undo"), &[], &Value::Null);
        assert_eq!(refused.status().as_u16(), 422);
        assert!(String::from_utf8_lossy(refused.body()).contains("cannot be taken back"), "{line}");
    }
}

#[test]
fn what_comes_back_honours_if_match() {
    let mut service = Service::default();
    let id = service.task(&json!({ "title": "one" }));
    let deleted = service.change(&format!("DELETE /v1/tasks/{id}"), &Value::Null);
    for line in [format!("POST /v1/tasks/{id}/restore"), format!("POST /v1/changes/{deleted}/undo")] {
        for (tag, status) in [("\"1\"", 412), ("garbage", 400)] {
            let refused = service.send(OWNER, &line, &[("if-match", tag)], &Value::Null);
            assert_eq!(refused.status().as_u16(), status, "{line} {tag}");
        }
    }
    // Also in bulk.
    let ask = |tag: &str| json!({ "mode": "each", "operations": [{ "operation": "restore", "id": id, "if_match": tag }] });
    assert_eq!(service.json("POST /v1/bulk", &ask("\"1\""))["results"][0]["status"], 412);
    assert_eq!(service.json("POST /v1/bulk", &ask("\"2\""))["results"][0]["status"], 200);
}

#[test]
fn a_change_is_put_back_under_nothing_where_what_it_was_under_is_gone() {
    let mut service = Service::default();
    let project =
        service.json("POST /v1/projects", &json!({ "name": "Home" }))["id"].as_str().unwrap().to_owned();
    let parent = service.task(&json!({ "title": "parent" }));
    let id = service.task(&json!({ "title": "part", "project": project, "parent": parent }));
    let path = format!("/v1/tasks/{id}");
    let moved = service
        .change(&format!("PATCH {path}"), &json!({ "project": null, "parent": null, "title": "free" }));
    service.change(&format!("DELETE /v1/tasks/{parent}"), &Value::Null);
    service.change(&format!("DELETE /v1/projects/{project}"), &Value::Null);
    service.undo(&moved);
    let task = service.json(&format!("GET {path}"), &Value::Null);
    assert_eq!(
        (&task["title"], &task["project"], &task["parent"]),
        (&json!("part"), &Value::Null, &Value::Null)
    );
    // What it is under now stays, though that lies in the bin.
    let part = service.task(&json!({ "title": "part" }));
    let parent = service.task(&json!({ "title": "parent" }));
    service.change(&format!("PATCH /v1/tasks/{part}"), &json!({ "parent": parent }));
    let renamed = service.change(&format!("PATCH /v1/tasks/{part}"), &json!({ "title": "other" }));
    service.change(&format!("DELETE /v1/tasks/{parent}"), &Value::Null);
    service.undo(&renamed);
    assert_eq!(service.json(&format!("GET /v1/tasks/{part}"), &Value::Null)["parent"], json!(parent));
}

/// A deletion taken back leaves everything as it was, whatever policies would make of what has passed.
#[test]
fn a_deletion_taken_back_has_open_what_was_open() {
    for recurrence in [
        json!({ "rrule": "FREQ=DAILY", "misfire": "once" }),
        json!({ "rrule": "FREQ=DAILY", "misfire": "skip" }),
        json!({ "rrule": "FREQ=DAILY", "overlap": "stack" }),
        json!({ "rrule": "FREQ=DAILY", "overlap": "skip" }),
    ] {
        let mut service = Service::default();
        let id = service
            .task(&json!({ "title": "daily", "due": { "local": "2026-11-18T07:00:00", "tz": "UTC" },
            "recurrence": recurrence, "reminders": [{ "trigger": "PT0S" }] }));
        let rows = |service: &Service| {
            service
                .fixture
                .rows("SELECT recurrence_id, status, succession, due_at FROM occurrence ORDER BY id")
        };
        let before = (rows(&service), service.fixture.count("work WHERE kind = 'successor'"));
        let deleted = service.change(&format!("DELETE /v1/tasks/{id}"), &Value::Null);
        assert_eq!(service.fixture.count("work WHERE kind = 'successor'"), 0);
        service.undo(&deleted);
        assert_eq!(
            (rows(&service), service.fixture.count("work WHERE kind = 'successor'")),
            before,
            "{recurrence}"
        );
    }
}
