//! Words are read by the grammar of quick add, or refused with what would be right.

use serde_json::json;

use crate::desk::Desk;

#[test]
fn words_that_are_not_understood_are_refused() {
    let mut desk = Desk::default();
    for (task, at, says) in [
        (json!({ "due_words": "whenever" }), "/due_words", "\"whenever\" is not understood"),
        (json!({ "due_words": "tomorrow #home" }), "/due_words", "\"#home\" says no date"),
        (json!({ "due_words": "tomorow at 9" }), "/due_words", "was tomorrow meant"),
        (json!({ "due_words": "3/4" }), "/due_words", "may be 3 April or 4 March"),
        (json!({ "due_words": "\"tomorrow\"" }), "/due_words", "not understood"),
        (
            json!({ "due_words": "tomorrow", "due": { "date": "2026-12-01" } }),
            "/due_words",
            "give one of them",
        ),
        (json!({ "due": {} }), "/due", "either date"),
        (json!({ "due": { "date": "2026-12-01T09:00" } }), "/due/date", "must have at most 10 characters"),
        (json!({ "due": { "local": "2026-02-30T09:00" } }), "/due/local", "2026-02-30"),
        (json!({ "repeat": { "words": "tomorrow" } }), "/repeat/words", "says no repetition"),
        (json!({ "repeat": {} }), "/repeat", "either rrule or words"),
        (json!({ "repeat": { "rrule": "FREQ=DAILY" } }), "/due", "is needed by a task that recurs"),
        (
            json!({ "due": { "date": "2026-12-01" }, "repeat": { "rrule": "FREQ=SOMETIMES" } }),
            "/repeat/rrule",
            "",
        ),
        (
            json!({ "due": { "date": "2026-12-01" }, "repeat": { "words": "every day at 9am" } }),
            "/repeat/words",
            "once, in due",
        ),
        (
            json!({ "due_words": "every Monday", "repeat": { "words": "every Friday" } }),
            "/due_words",
            "say it once",
        ),
        (json!({ "priority": "huge" }), "/priority", "must be one of none, low"),
        (json!({ "reminders": [{ "trigger": "-PT30M" }] }), "/reminders/0/trigger", "the task has none"),
        (json!({ "parent": "mum" }), "/parent", ""),
    ] {
        let mut task = task;
        task["title"] = json!("x");
        let why = desk.refused("add_tasks", &json!({ "tasks": [task], "idempotency_key": "k" }));
        assert!(why.starts_with(at) && why.contains(says), "{task}: {why}");
    }
}

#[test]
fn a_rule_in_words_leaves_the_time_of_day_of_a_task() {
    let mut desk = Desk::default();
    let id =
        desk.task(json!({ "title": "Tea", "due": { "local": "2026-11-23T18:00", "tz": "Europe/Berlin" } }));
    let told = desk.done(
        "update_tasks",
        &json!({ "changes": [{ "id": id, "set": { "repeat": { "words": "every Monday" } } }] }),
    );
    assert_eq!(told["done"][0]["due"], "Mon 2026-11-23 18:00 Europe/Berlin");
    assert_eq!(told["done"][0]["repeat"], "FREQ=WEEKLY;BYDAY=MO");
    // Changed openly, the answer says what it was.
    let told = desk.done(
        "update_tasks",
        &json!({ "changes": [{ "id": id, "set": { "repeat": { "rrule": "FREQ=DAILY" } } }] }),
    );
    assert_eq!(
        (&told["done"][0]["repeat"], &told["done"][0]["notes"][0]),
        (&json!("FREQ=DAILY"), &json!("its rule was FREQ=WEEKLY;BYDAY=MO"))
    );
    let ended = desk.done("update_tasks", &json!({ "changes": [{ "id": id, "clear": ["repeat"] }] }));
    assert!(ended["done"][0].get("repeat").is_none());
}
