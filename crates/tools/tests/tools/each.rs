//! What each tool does.

use perennial_domain::Scope;
use perennial_fixture::NOON;
use perennial_tools::{Confirmation, Refused, tools};
use serde_json::{Value, json};

use crate::desk::{ALL, Desk};

const WEEKLY: &str = "FREQ=WEEKLY;BYDAY=MO";

fn rent(desk: &mut Desk) -> String {
    desk.task(json!({
        "title": "Water the plants",
        "due": { "local": "2026-11-23T18:00", "tz": "Europe/Berlin" },
        "repeat": { "rrule": WEEKLY },
        "reminders": [{ "trigger": "-PT30M" }],
    }))
}

const FIRST: &str = "2026-11-23T18:00:00[Europe/Berlin]";
const SECOND: &str = "2026-11-30T18:00:00[Europe/Berlin]";

#[test]
fn a_token_that_reads_has_the_six_that_read() {
    let names = |scopes: &[Scope]| tools(scopes).map(|tool| tool.name).collect::<Vec<_>>();
    let reading =
        ["get_agenda", "find_tasks", "get_tasks", "get_history", "preview_schedule", "list_projects"];
    assert_eq!(names(&[Scope::TasksRead]), reading);
    assert_eq!(names(ALL).len(), 14);
    assert!(names(&[]).is_empty());
    for tool in tools(ALL) {
        assert_eq!(tool.hints.read_only, reading.contains(&tool.name), "{}", tool.name);
        assert_eq!(tool.hints.destructive, tool.name == "delete_tasks", "{}", tool.name);
    }

    let mut desk = Desk { scopes: vec![Scope::TasksRead], ..Desk::default() };
    let ada = desk.ada.clone();
    let before = desk.fixture.everything();
    let mut call = |name: &str| {
        let arguments = json!({ "tasks": [{ "title": "x" }], "idempotency_key": "k" });
        desk.call_as(&ada, name, &arguments, (None, Confirmation::InArguments)).map(drop)
    };
    assert_eq!(call("add_tasks"), Err(Refused::Forbidden("add_tasks")));
    assert_eq!(call("drop_tasks"), Err(Refused::Unknown));
    assert!(desk.fixture.everything() == before);
}

#[test]
fn every_answer_says_when_and_where_it_is() {
    let mut desk = Desk::default();
    let told = desk.done("list_projects", &json!({}));
    assert_eq!(
        told["context"],
        json!({
            "now": "2026-11-21T13:00:00+01:00",
            "weekday": "Saturday",
            "tz": "Europe/Berlin",
            "week": "Mon 2026-11-16 to Sun 2026-11-22",
        })
    );
    let wrong = desk.told("list_projects", &json!({ "colour": "red" }));
    assert!(wrong.is_error);
    assert_eq!(wrong.structured["context"], told["context"]);
}

#[test]
fn tasks_are_added_each_by_itself() {
    let mut desk = Desk::default();
    let project = desk.done("save_project", &json!({ "name": "Home" }));
    let told = desk.told(
        "add_tasks",
        &json!({
            "idempotency_key": "k",
            "tasks": [
                { "title": "Pay the rent", "due_words": "every last workday at 9am", "project": "home", "priority": "high" },
                { "title": "Tea", "due": { "date": "2026-12-01" }, "tags": ["kitchen"], "notes": "green" },
                { "title": "Late", "due": { "local": "2026-12-01T09:00", "tz": "Europe/Nowhere" } },
                { "title": "Lost", "project": "Garden" },
                { "title": "Typo", "colour": "red" },
            ],
        }),
    );
    let told = (told.is_error, told.structured);
    assert!(!told.0);
    let done = told.1["done"].as_array().unwrap_or(&Vec::new()).clone();
    assert_eq!(done.len(), 2, "{}", told.1);
    assert_eq!(done[0]["due"], "Mon 2026-11-30 09:00 Europe/Berlin");
    assert_eq!(done[0]["notes"][0], "comes back every last workday of the month at 09:00, Berlin time");
    assert_eq!(done[1]["due"], "Tue 2026-12-01");
    assert!(done.iter().all(|done| done["change_id"].is_string()));
    let at: Vec<_> = told.1["failures"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|failure| (&failure["index"], &failure["at"]))
        .collect();
    assert_eq!(
        at,
        [(&json!(2), &json!("/due/tz")), (&json!(3), &json!("/project")), (&json!(4), &json!("/colour"))]
    );
    let task = desk.get(done[0]["id"].as_str().unwrap_or_default());
    assert_eq!((&task["project"], &task["priority"]), (&project["project"]["name"], &json!("high")));
}

#[test]
fn what_is_rehearsed_leaves_nothing() {
    let mut desk = Desk::default();
    let id = rent(&mut desk);
    let single = desk.task(json!({ "title": "Tea" }));
    let change = desk.done("get_history", &json!({ "task": single }))["changes"][0]["change_id"].clone();
    let before = desk.fixture.everything();
    let to = json!({ "local": "2026-11-24T18:00" });
    for (name, arguments) in [
        ("add_tasks", json!({ "tasks": [{ "title": "x" }], "idempotency_key": "k" })),
        ("update_tasks", json!({ "changes": [{ "id": id, "set": { "title": "x" } }] })),
        ("complete_tasks", json!({ "items": [{ "task": id, "occurrence": FIRST }] })),
        ("reschedule_tasks", json!({ "items": [{ "task": id, "occurrence": FIRST, "to": to }] })),
        ("reschedule_tasks", json!({ "items": [{ "task": id, "occurrence": FIRST, "skip": true }] })),
        ("reschedule_tasks", json!({ "items": [{ "task": single, "to": to }] })),
        ("set_reminders", json!({ "task": id, "reminders": [] })),
        ("save_project", json!({ "name": "Home" })),
        ("delete_tasks", json!({ "ids": [id] })),
        ("undo", json!({ "change_id": change })),
        ("undo", json!({ "last": true })),
    ] {
        let mut arguments = arguments;
        arguments["dry_run"] = json!(true);
        let told = desk.done(name, &arguments);
        assert!(told["dry_run"] == true || told["would_delete"].is_array(), "{name}: {told}");
        assert!(desk.fixture.everything() == before, "{name} {arguments} left something");
    }
}

#[test]
fn a_series_is_moved_by_its_own_verb_and_its_rule_stays() {
    let mut desk = Desk::default();
    let id = rent(&mut desk);
    let why = desk.refused(
        "update_tasks",
        &json!({ "changes": [{ "id": id, "set": { "due": { "date": "2026-11-24" } } }] }),
    );
    assert!(why.contains("reschedule_tasks") && why.contains(FIRST), "{why}");
    let why = desk
        .refused("reschedule_tasks", &json!({ "items": [{ "task": id, "to": { "date": "2026-11-24" } }] }));
    assert!(why.starts_with("/occurrence") && why.contains(FIRST), "{why}");

    // A date alone keeps the time of day; a name of its own stays through the next move.
    let one = json!({ "items": [{ "task": id, "occurrence": FIRST, "to": { "date": "2026-11-24" } }] });
    let told = desk.done("reschedule_tasks", &one);
    assert_eq!(told["done"][0]["due"], "Tue 2026-11-24 18:00 Europe/Berlin");
    let moved = desk.get(&id);
    assert_eq!((&moved["repeat"], &moved["due"]), (&json!(WEEKLY), &told["done"][0]["due"]));
    assert_eq!(moved["occurrence"], FIRST);
    // One that is still to come, in words.
    let words =
        json!({ "items": [{ "task": id, "occurrence": SECOND, "to_words": "2 December 2026 at 7pm" }] });
    assert_eq!(desk.done("reschedule_tasks", &words)["done"][0]["due"], "Wed 2026-12-02 19:00 Europe/Berlin");
    assert_eq!(desk.get(&id)["repeat"], WEEKLY);

    // From one on: another time of day, which the rule has; not another day, which it does not.
    let third = "2026-12-07T18:00:00[Europe/Berlin]";
    let from = |to: &str| json!({ "items": [{ "task": id, "occurrence": third, "to": { "local": to }, "scope": "this_and_following" }] });
    let why = desk.refused("reschedule_tasks", &from("2026-12-08T18:00"));
    assert!(why.starts_with("/to") && why.contains(WEEKLY) && why.contains("set.repeat"), "{why}");
    let told = desk.done("reschedule_tasks", &from("2026-12-07T20:00"));
    let new = told["done"][0]["id"].as_str().unwrap_or_default().to_owned();
    assert_ne!(new, id);
    let new = desk.get(&new);
    assert_eq!((&new["repeat"], &new["due"]), (&json!(WEEKLY), &json!("Mon 2026-12-07 20:00 Europe/Berlin")));
    // At the first occurrence, that is the series itself.
    let whole = json!({ "items": [{ "task": id, "occurrence": FIRST, "to": { "local": "2026-11-23T17:00" }, "scope": "this_and_following" }] });
    assert_eq!(desk.done("reschedule_tasks", &whole)["done"][0]["id"], id.as_str());
}

#[test]
fn an_occurrence_that_is_moved_keeps_its_own_title() {
    let mut desk = Desk::default();
    let id = rent(&mut desk);
    let user = desk.ada.clone();
    let task = perennial_domain::TaskId::parse(&id).unwrap_or_else(|| unreachable!("it is an id"));
    for name in [FIRST, SECOND] {
        let named = perennial_domain::RecurrenceId::from_text(name);
        let state = perennial_store::Store::series(&desk.fixture.store, &user, task, Some(&named));
        let state = state.ok().flatten().unwrap_or_else(|| unreachable!("it is there"));
        let input = perennial_domain::OverrideInput {
            recurrence_id: name.to_owned(),
            title: Some("Twice".to_owned()),
            ..Default::default()
        };
        let changed = perennial_domain::override_occurrence(&mut desk.fixture.context(&user), &state, &input);
        let Ok((commit, _)) = changed else { unreachable!("it can be changed") };
        assert!(perennial_store::Store::commit(&desk.fixture.store, &commit).is_ok());
        let to =
            json!({ "items": [{ "task": id, "occurrence": name, "to": { "local": "2026-12-03T18:00" } }] });
        assert_eq!(desk.done("reschedule_tasks", &to)["done"][0]["title"], "Twice");
    }
}

#[test]
fn a_series_is_completed_by_its_occurrence() {
    let mut desk = Desk::default();
    let id = rent(&mut desk);
    let why = desk.refused("complete_tasks", &json!({ "items": [{ "task": id }] }));
    assert!(why.starts_with("/occurrence") && why.contains("the open one is"), "{why}");
    let once = json!({ "items": [{ "task": id, "occurrence": FIRST }] });
    let told = desk.done("complete_tasks", &once);
    assert_eq!((&told["done"][0]["status"], &told["done"][0]["occurrence"]), (&json!("done"), &json!(FIRST)));
    // Again, nothing further is done.
    let before = desk.fixture.everything();
    let again = desk.done("complete_tasks", &once);
    assert!(again["done"][0].get("change_id").is_none() && desk.fixture.everything() == before);
    let reopened = desk
        .done("complete_tasks", &json!({ "items": [{ "task": id, "occurrence": FIRST, "done": false }] }));
    assert_eq!(reopened["done"][0]["status"], "open");
}

#[test]
fn nothing_is_deleted_before_the_user_said_yes_to_exactly_that() {
    let mut desk = Desk::default();
    let (one, two) = (desk.task(json!({ "title": "One" })), desk.task(json!({ "title": "Two" })));
    let before = desk.fixture.everything();
    let asked = desk.told("delete_tasks", &json!({ "ids": [one, two] }));
    assert!(!asked.is_error && asked.wrote.is_empty());
    assert!(desk.fixture.everything() == before);
    let question = asked.needs_confirmation.clone().map(|question| question.question).unwrap_or_default();
    assert_eq!(question, "Delete these tasks? \"One\"; \"Two\"");
    let handle = asked.structured["confirm"].clone();
    assert_eq!(asked.structured["would_delete"].as_array().map(Vec::len), Some(2));

    // It stands for nothing else: not for fewer, not for others, not for another user or token, not later.
    let with = |ids: Value| json!({ "ids": ids, "confirm": handle });
    let why = desk.refused("delete_tasks", &with(json!([one])));
    assert!(why.contains("stands for something else") && why.contains(&two), "{why}");
    let other = desk.task(json!({ "title": "Other" }));
    assert!(desk.refused("delete_tasks", &with(json!([one, two, other]))).contains("\"Other\""));
    desk.token = "two".to_owned();
    assert!(desk.refused("delete_tasks", &with(json!([one, two]))).contains("no handle"));
    desk.token = "one".to_owned();
    desk.now = NOON.plus_millis(600_000);
    assert!(desk.refused("delete_tasks", &with(json!([one, two]))).contains("ten minutes"));
    desk.now = NOON.plus_millis(599_999);

    // What has changed since is told.
    desk.done("update_tasks", &json!({ "changes": [{ "id": one, "set": { "title": "Uno" } }] }));
    let why = desk.refused("delete_tasks", &with(json!([one, two])));
    assert!(why.contains("\"Uno\"") && why.contains("it was at version 1 and is at 2"), "{why}");

    let handle = desk.done("delete_tasks", &json!({ "ids": [one, two] }))["confirm"].clone();
    let yes = json!({ "ids": [one, two], "confirm": handle });
    let told = desk.done("delete_tasks", &yes);
    assert_eq!(told["done"].as_array().map(Vec::len), Some(2));
    // A lost answer is given again, and nothing further is done.
    let before = desk.fixture.everything();
    let again = desk.done("delete_tasks", &yes);
    assert_eq!(again["done"][0]["change_id"], told["done"][0]["change_id"]);
    assert!(desk.fixture.everything() == before);
    let back = desk.done("undo", &json!({ "change_id": told["done"][0]["change_id"] }));
    assert_eq!(back["undone"]["kind"], "task.delete");
    assert_eq!(desk.get(&one)["title"], "Uno");
}

#[test]
fn a_door_that_asks_the_user_itself_takes_no_handle_from_the_arguments() {
    let mut desk = Desk::default();
    let one = desk.task(json!({ "title": "One" }));
    let ada = desk.ada.clone();
    let asks = (None, Confirmation::Asks);
    let asked = desk.call_as(&ada, "delete_tasks", &json!({ "ids": [one] }), asks).ok();
    let asked = asked.unwrap_or_else(|| unreachable!("it may be called"));
    assert!(asked.structured.get("confirm").is_none(), "{}", asked.structured);
    let handle = asked.needs_confirmation.map(|question| question.handle).unwrap_or_default();
    let before = desk.fixture.everything();
    let by_model = json!({ "ids": [one], "confirm": handle });
    let told = desk.call_as(&ada, "delete_tasks", &by_model, asks).ok();
    assert!(told.is_some_and(|told| told.wrote.is_empty() && told.needs_confirmation.is_some()));
    assert!(desk.fixture.everything() == before);
    let given = (None, Confirmation::Given(&handle));
    let told = desk.call_as(&ada, "delete_tasks", &json!({ "ids": [one] }), given).ok();
    assert_eq!(told.map(|told| told.structured["done"][0]["id"].clone()), Some(json!(one)));
}

#[test]
fn a_change_is_taken_back_once() {
    let mut desk = Desk::default();
    let one = desk.task(json!({ "title": "One" }));
    desk.done(
        "update_tasks",
        &json!({ "changes": [{ "id": one, "set": { "title": "Uno", "priority": "high" } }] }),
    );
    let last = json!({ "last": true });
    let told = desk.done("undo", &last);
    assert_eq!((&told["undone"]["kind"], &told["undone"]["title"]), (&json!("task.update"), &json!("Uno")));
    assert_eq!(desk.get(&one)["title"], "One");
    // A repetition, after a lost answer, does not bring it again.
    let why = desk.refused("undo", &last);
    assert!(why.contains("took back the one before it"), "{why}");
    // What another did is not one's own.
    desk.token = "two".to_owned();
    assert!(desk.refused("undo", &last).contains("no change of your own"));
    desk.done("undo", &json!({ "change_id": told["change_id"] }));
    assert_eq!(desk.get(&one)["title"], "Uno");
    // The making of a task, and the completion of one.
    let two = desk.task(json!({ "title": "Two" }));
    desk.done("complete_tasks", &json!({ "items": [{ "task": two }] }));
    assert_eq!(desk.done("undo", &last)["undone"]["kind"], "task.complete");
    assert_eq!(desk.get(&two)["status"], "open");
    assert!(desk.refused("undo", &last).contains("took back"));
    let three = desk.task(json!({ "title": "Three" }));
    assert_eq!(desk.done("undo", &last)["undone"]["id"], three.as_str());
    assert!(desk.refused("undo", &last).contains("took back"));
}

#[test]
fn the_agenda_has_what_is_due_and_what_is_still_to_come() {
    let mut desk = Desk::default();
    let series = rent(&mut desk);
    desk.task(json!({ "title": "Dentist", "due": { "local": "2026-11-24T08:00", "tz": "Europe/Berlin" } }));
    desk.task(json!({ "title": "Today", "due": { "date": "2026-11-21" } }));
    desk.task(json!({ "title": "Yesterday", "due": { "date": "2026-11-20" } }));
    desk.task(json!({ "title": "Someday" }));
    let told = desk.done("get_agenda", &json!({ "days": 14 }));
    let said = |entry: &Value| {
        format!(
            "{} {}{}",
            entry["title"].as_str().unwrap_or(""),
            entry["due"].as_str().unwrap_or(""),
            if entry["planned"] == true { " planned" } else { "" }
        )
    };
    let items: Vec<String> = told["items"].as_array().into_iter().flatten().map(said).collect();
    assert_eq!(
        items,
        [
            "Today Sat 2026-11-21",
            "Water the plants Mon 2026-11-23 18:00 Europe/Berlin",
            "Dentist Tue 2026-11-24 08:00 Europe/Berlin",
            "Water the plants Mon 2026-11-30 18:00 Europe/Berlin planned",
        ]
    );
    assert_eq!(told["overdue"][0]["title"], "Yesterday");
    assert_eq!(told["complete"], true);
    assert_eq!(told["items"][3]["occurrence"], SECOND);
    let later =
        desk.done("get_agenda", &json!({ "from": "2026-12-07", "days": 1, "include_overdue": false }));
    assert_eq!((&later["items"][0]["id"], later.get("overdue")), (&json!(series), None));
}

#[test]
fn tasks_are_found_told_and_their_history_read() {
    let mut desk = Desk::default();
    let series = rent(&mut desk);
    for index in 0..3 {
        desk.task(json!({ "title": format!("Tea {index}"), "tags": ["kitchen"], "priority": "low" }));
    }
    let found = desk.done("find_tasks", &json!({ "query": "tea", "limit": 2 }));
    assert_eq!(found["tasks"].as_array().map(Vec::len), Some(2));
    let next =
        desk.done("find_tasks", &json!({ "query": "tea", "limit": 2, "cursor": found["next_cursor"] }));
    assert_eq!(next["tasks"].as_array().map(Vec::len), Some(1));
    let by = desk.done("find_tasks", &json!({ "filter": "recurring", "detail": "full" }));
    assert_eq!(by["tasks"][0]["reminders"][0]["trigger"], "-PT30M");
    let unknown = desk.done("find_tasks", &json!({ "tag": "Kitchen" }));
    assert!(unknown["note"].as_str().is_some_and(|note| note.contains("\"kitchen\"")), "{unknown}");
    let told =
        desk.done("get_tasks", &json!({ "ids": [series], "include": ["occurrences", "notifications"] }));
    assert_eq!(told["occurrences"][0]["occurrence"], FIRST);
    assert_eq!(told["occurrences"][1]["status"], "planned");

    desk.done("complete_tasks", &json!({ "items": [{ "task": series, "occurrence": FIRST }] }));
    let history = desk.done("get_history", &json!({ "kinds": ["task.complete"], "since": "2026-11-21" }));
    assert_eq!(history["changes"][0]["title"], "Water the plants");
    assert_eq!(history["changes"][0]["occurrence"], FIRST);
    assert_eq!(history["changes"].as_array().map(Vec::len), Some(1));
    let none = desk.done("get_history", &json!({ "until": "2026-11-20" }));
    assert_eq!(none["changes"], json!([]));
    let projects = desk.done("list_projects", &json!({ "include_tags": true }));
    assert_eq!(projects["tags"], json!(["kitchen"]));
}

#[test]
fn reminders_are_replaced_and_put_off() {
    let mut desk = Desk::default();
    let id = rent(&mut desk);
    let old = desk.get(&id)["reminders"][0]["id"].clone();
    let until = json!({ "task": id, "snooze": { "reminder": old, "until": "2026-11-23T17:45" } });
    let told = desk.done("set_reminders", &until);
    assert_eq!(told["done"][0]["notes"][0], "reminds Mon 2026-11-23 17:45");
    desk.done(
        "set_reminders",
        &json!({ "task": id, "reminders": [{ "trigger": "-P1D" }, { "trigger": "-PT30M" }] }),
    );
    let now = desk.get(&id);
    assert_eq!((&now["reminders"][0]["trigger"], &now["reminders"][1]["id"]), (&json!("-P1D"), &old));
}

#[test]
fn projects_are_made_changed_and_named() {
    let mut desk = Desk::default();
    let made = desk.done("save_project", &json!({ "name": "Household", "idempotency_key": "p" }));
    let again = desk.done("save_project", &json!({ "name": "Household", "idempotency_key": "p" }));
    assert_eq!((&made["project"], &made["change_id"]), (&again["project"], &again["change_id"]));
    let changed = desk.done("save_project", &json!({ "id": "household", "name": "Home", "archived": true }));
    assert_eq!(
        (&changed["project"]["id"], &changed["project"]["archived"]),
        (&made["project"]["id"], &json!(true))
    );
    desk.done("save_project", &json!({ "name": "home" }));
    let either = desk.refused("find_tasks", &json!({ "project": "HOME" }));
    assert!(
        either.contains("may be any of") && either.contains("\"Home\"") && either.contains("\"home\""),
        "{either}"
    );
    let near = desk.refused("find_tasks", &json!({ "project": "Home repairs" }));
    assert!(near.contains("did you mean") && near.contains("save_project"), "{near}");
}

#[test]
fn a_schedule_is_shown_before_there_is_a_task() {
    let mut desk = Desk::default();
    let words = desk
        .done("preview_schedule", &json!({ "repeat": { "words": "every last workday at 9am" }, "limit": 2 }));
    assert_eq!(
        words["dates"],
        json!(["Mon 2026-11-30 09:00 Europe/Berlin", "Thu 2026-12-31 09:00 Europe/Berlin"])
    );
    let rule = desk.done(
        "preview_schedule",
        &json!({ "due": { "date": "2026-11-23" }, "repeat": { "rrule": "FREQ=DAILY;COUNT=2" } }),
    );
    assert_eq!(
        (&rule["dates"], &rule["complete"]),
        (&json!(["Mon 2026-11-23", "Tue 2026-11-24"]), &json!(true))
    );
}
