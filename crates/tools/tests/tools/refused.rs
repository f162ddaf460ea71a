//! Whatever is sent is answered as the schemas say; what is refused leaves nothing; what is another's is nobody's.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use perennial_tools::{Confirmation, tools};
use serde_json::{Map, Value, json};

use crate::desk::{ALL, Desk};

/// Numbers that come one after another and look like chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A value that a schema allows, and now and then one that it does not.
fn made(schema: &Value, known: &[String], chance: &mut Chance) -> Value {
    if chance.below(40) == 0 {
        let other = json!([null, true, -1, 1.5, 1e300, "", "\u{0}", "x".repeat(20_000), [], [[]], {}, {"a": {"b": []}}]);
        return chance.one(other.as_array().unwrap()).clone();
    }
    if let Some(names) = schema["enum"].as_array() {
        return chance.one(names).clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let mut members = Map::new();
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                let rarely = if required.contains(&name.as_str()) { 30 } else { 2 };
                if chance.below(rarely) != 0 {
                    members.insert(name.clone(), named(name, member, known, chance));
                }
            }
            if chance.below(40) == 0 {
                members.insert("colour".to_owned(), json!("red"));
            }
            Value::Object(members)
        }
        Some("array") => {
            let count = chance.below(4) + usize::from(chance.below(30) == 0) * 200;
            (0..count).map(|_| made(&schema["items"], known, chance)).collect()
        }
        Some("boolean") => json!(chance.below(2) == 0),
        Some("integer") => json!(chance.below(60)),
        _ => text("", known, chance),
    }
}

/// The value of a member, of such as it may be about.
fn named(name: &str, schema: &Value, known: &[String], chance: &mut Chance) -> Value {
    match schema["type"].as_str() {
        Some("string") if schema.get("enum").is_none() && chance.below(40) != 0 => text(name, known, chance),
        _ => made(schema, known, chance),
    }
}

fn text(name: &str, known: &[String], chance: &mut Chance) -> Value {
    let some: &[&str] = match name {
        "title" | "name" | "query" => &["Tea", "Tax \u{1f600}", " ", "\"", "a\nb", "-x", "*"],
        "date" | "from" => &["2026-12-01", "2026-02-30", "9999-12-31", "0001-01-01", "today"],
        "local" | "until" | "since" | "after" => &[
            "2026-12-01T09:00",
            "2026-12-01",
            "2027-03-28T02:30",
            "2026-12-01T09:00:00Z",
            "9998-12-31T23:59",
            "99999",
        ],
        "tz" => &["Europe/Berlin", "UTC", "Mars", "+02:00"],
        "due_words" | "to_words" => {
            &["tomorrow 9am", "every Monday", "in 3 days", "soon", "\"", "\\", "5 Dec", "#a"]
        }
        "words" => &["every Monday", "every last workday at 9am", "daily", "never", "every 5 minutes"],
        "rrule" => &[
            "FREQ=DAILY",
            "FREQ=WEEKLY;BYDAY=MO",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MINUTELY;INTERVAL=1",
            "x",
        ],
        "filter" => &["due < +7d", "overdue", "not recurring", "due < tomorow", "(", "tag = a & b?c#d%"],
        "trigger" => &["-PT30M", "PT0S", "-P1D", "2026-12-01T09:00:00Z", "soon"],
        "cursor" => &["AAAA", "eA", "?", "x y"],
        "idempotency_key" => &["k1", "k2", "a b", "\u{e9}"],
        "sort" => &["due", "-priority", "relevance", "size"],
        "occurrence" => &[
            "2026-11-23T18:00:00[Europe/Berlin]",
            "2026-11-30T18:00:00[Europe/Berlin]",
            "x",
            "2026-13-01[",
            "9999-12-31",
        ],
        "confirm" => &["AAAA", "yes"],
        _ => &["Home", "kitchen", "", "task.complete", "0", "../tasks", "%2e%2e", "a/b?c#d"],
    };
    let is_id = ["id", "task", "ids", "parent", "reminder", "change_id", ""].contains(&name);
    if is_id && chance.below(4) != 0 {
        return chance.one(known).clone().into();
    }
    json!(chance.one(some))
}

#[test]
fn whatever_is_sent_is_answered_as_stated_and_a_refusal_leaves_nothing() {
    let rounds: usize =
        std::env::var("TOOLS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let mut desk = Desk::default();
    let known = vec![
        desk.task(json!({ "title": "Plants", "due": { "local": "2026-11-23T18:00", "tz": "Europe/Berlin" }, "repeat": { "rrule": "FREQ=WEEKLY;BYDAY=MO" } })),
        desk.task(json!({ "title": "Tea", "tags": ["kitchen"] })),
        desk.task(json!({ "title": "Tax", "due": { "date": "2026-12-01" }, "reminders": ["-P1D"] })),
    ];
    desk.done("save_project", &json!({ "name": "Home" }));
    let mut chance = Chance(7);
    let (mut refused, mut written) = (0, 0);
    let mut before = desk.everything();
    for tool in tools(ALL) {
        let schema: Value = serde_json::from_str(tool.input_schema).unwrap();
        for _ in 0..rounds {
            let arguments = made(&schema, &known, &mut chance);
            // The desk holds what is told against the schema, and knows no failure of ours.
            let told = desk.told(tool.name, &arguments);
            let is_rehearsed = arguments["dry_run"] == true || tool.hints.read_only;
            if told.is_error || is_rehearsed {
                assert!(told.wrote.is_empty(), "{} {arguments}: {}", tool.name, told.structured);
            }
            let after = desk.everything();
            if told.is_error || is_rehearsed {
                assert!(after == before, "{} {arguments}: {}", tool.name, told.structured);
            }
            before = after;
            refused += usize::from(told.is_error);
            written += usize::from(!told.wrote.is_empty());
        }
    }
    println!("{refused} were refused, {written} wrote");
    assert!(refused > rounds && written > 0, "{refused} {written}");
}

#[test]
fn what_is_anothers_is_nobodys() {
    let mut desk = Desk::default();
    let id = desk.task(json!({ "title": "Secret", "due": { "local": "2026-11-23T18:00", "tz": "Europe/Berlin" }, "repeat": { "rrule": "FREQ=DAILY" }, "reminders": ["PT0S"] }));
    let project = desk.done("save_project", &json!({ "name": "Hidden" }))["project"]["id"].clone();
    let reminder = desk.get(&id)["reminders"][0]["id"].clone();
    let change = desk.done("get_history", &json!({}))["changes"][0]["change_id"].clone();
    let handle = desk.done("delete_tasks", &json!({ "ids": [id] }))["confirm"].clone();
    let nothing = "01910000-0000-7000-8000-000000000000";
    let open = "2026-11-23T18:00:00[Europe/Berlin]";
    let bob = desk.bob.clone();
    let mut probed: Vec<&str> = Vec::new();
    for (name, arguments) in [
        ("get_agenda", json!({ "days": 31 })),
        ("find_tasks", json!({ "status": "any" })),
        ("find_tasks", json!({ "query": "secret" })),
        ("find_tasks", json!({ "project": project })),
        ("find_tasks", json!({ "project": "Hidden" })),
        ("get_tasks", json!({ "ids": [id], "include": ["occurrences", "notifications"] })),
        ("get_history", json!({ "task": id })),
        ("get_history", json!({})),
        ("list_projects", json!({ "include_tags": true })),
        ("add_tasks", json!({ "tasks": [{ "title": "x", "parent": id }], "idempotency_key": "k" })),
        ("add_tasks", json!({ "tasks": [{ "title": "x", "project": project }], "idempotency_key": "k" })),
        ("update_tasks", json!({ "changes": [{ "id": id, "set": { "title": "x" } }] })),
        ("update_tasks", json!({ "changes": [{ "id": id, "set": { "due_words": "tomorrow" } }] })),
        ("complete_tasks", json!({ "items": [{ "task": id, "occurrence": open }] })),
        (
            "reschedule_tasks",
            json!({ "items": [{ "task": id, "occurrence": open, "to": { "date": "2026-12-01" } }] }),
        ),
        ("reschedule_tasks", json!({ "items": [{ "task": id, "occurrence": open, "skip": true }] })),
        ("set_reminders", json!({ "task": id, "reminders": [] })),
        (
            "set_reminders",
            json!({ "task": id, "snooze": { "reminder": reminder, "until": "2026-12-01T09:00" } }),
        ),
        ("save_project", json!({ "id": project, "name": "Mine" })),
        ("delete_tasks", json!({ "ids": [id] })),
        ("delete_tasks", json!({ "ids": [id], "confirm": handle })),
        ("undo", json!({ "change_id": change })),
        ("undo", json!({ "last": true })),
    ] {
        probed.push(name);
        let before = desk.everything();
        let told = desk.call_as(&bob, name, &arguments, (None, Confirmation::InArguments)).unwrap();
        assert!(
            told.wrote.is_empty() && desk.everything() == before,
            "{name} {arguments}: {}",
            told.structured
        );
        let text = told.structured.to_string();
        assert!(!text.contains("Secret") && !text.contains("\"name\":\"Hidden\""), "{name}: {text}");
        // It is as if there were nothing.
        let of_nothing: Value = serde_json::from_str(
            &[
                id.clone(),
                project.as_str().unwrap().to_owned(),
                reminder.as_str().unwrap().to_owned(),
                change.as_str().unwrap().to_owned(),
            ]
            .iter()
            .fold(arguments.to_string(), |text, known| text.replace(known, nothing)),
        )
        .unwrap();
        let of_nothing = desk.call_as(&bob, name, &of_nothing, (None, Confirmation::InArguments)).unwrap();
        assert_eq!(told.structured, of_nothing.structured, "{name} {arguments}");
    }
    let all: Vec<&str> =
        tools(ALL).map(|tool| tool.name).filter(|name| *name != "preview_schedule").collect();
    assert!(all.iter().all(|name| probed.contains(name)), "one is not probed");
    assert_eq!(desk.get(&id)["title"], "Secret");
}
