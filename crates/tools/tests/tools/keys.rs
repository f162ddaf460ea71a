//! The same key has the same answer.

use perennial_api::{Api, Limits};
use perennial_domain::WebhookPolicy;
use perennial_fixture::{Counting, NOON};
use perennial_tools::{Call, Confirmation, call};
use serde_json::{Value, json};

use crate::desk::{ALL, Desk, caller, headers, members};

#[test]
fn sixty_four_equal_calls_at_once_have_one_effect_and_one_answer() {
    let desk = Desk::default();
    let arguments = json!({
        "idempotency_key": "once",
        "tasks": [{ "title": "One", "due_words": "tomorrow 9am" }, { "title": "Two" }, { "title": "Bad", "project": "none" }],
    });
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..64_u64)
            .map(|index| {
                let (store, arguments) = (desk.fixture.connection(), members(&arguments));
                let user = desk.ada.clone();
                scope.spawn(move || {
                    let caller = caller(&store, &user, ALL, "one");
                    let mut ids = Counting((index + 2) << 32);
                    let mut api = Api {
                        store: &store,
                        webhooks: &WebhookPolicy::default(),
                        limits: Limits::default(),
                        now: NOON,
                        ids: &mut ids,
                        correlation_id: "test".to_owned(),
                        dry_run: false,
                    };
                    let headers = headers("one");
                    let made = Call {
                        name: "add_tasks",
                        arguments: &arguments,
                        headers: &headers,
                        key: None,
                        confirmation: Confirmation::InArguments,
                    };
                    call(&mut api, &caller, &made).unwrap().structured
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let first = answers.first().unwrap();
    assert_eq!(first["done"].as_array().map(Vec::len), Some(2), "{first}");
    let without_words = |answer: &Value| {
        let mut answer = answer.clone();
        answer["done"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|done| drop(done.as_object_mut().unwrap().remove("notes")));
        answer
    };
    for answer in &answers {
        assert_eq!(without_words(answer), without_words(first));
    }
    assert_eq!(desk.fixture.count("task"), 2);
}

#[test]
fn a_repeated_call_has_its_answer_whatever_words_mean_by_then() {
    let mut desk = Desk::default();
    let call = json!({
        "idempotency_key": "k",
        "tasks": [{ "title": "Early", "due_words": "today at 14:00" }, { "title": "Lost", "project": "Home" }],
    });
    let first = desk.told("add_tasks", &call).structured;
    assert_eq!(first["done"][0]["due"], "Sat 2026-11-21 14:00 Europe/Berlin");
    // A day later, "today at 14:00" is another day; and what was refused is done once it can be.
    desk.now = NOON.plus_millis(86_400_000 - 3_700_000);
    desk.done("save_project", &json!({ "name": "Home" }));
    let again = desk.done("add_tasks", &call);
    assert_eq!(again["done"][0]["id"], first["done"][0]["id"]);
    assert_eq!(again["done"][0]["due"], first["done"][0]["due"]);
    assert_eq!(again["done"][1]["title"], "Lost");
    assert_eq!(desk.done("find_tasks", &json!({}))["tasks"].as_array().map(Vec::len), Some(2));
    // Another call under the key is another.
    let other = json!({ "idempotency_key": "k", "tasks": [{ "title": "Other" }] });
    assert!(desk.refused("add_tasks", &other).contains("was used for"), "another call");
}

#[test]
fn the_key_of_who_calls_counts_where_the_arguments_have_none() {
    let mut desk = Desk::default();
    let ada = desk.ada.clone();
    let id = desk.task(json!({ "title": "One" }));
    let derived = (Some("turn-1:call-1"), Confirmation::InArguments);
    for (name, arguments) in [
        ("add_tasks", json!({ "tasks": [{ "title": "Two" }] })),
        ("update_tasks", json!({ "changes": [{ "id": id, "set": { "due_words": "in 3 hours" } }] })),
        ("undo", json!({ "last": true })),
    ] {
        let key = format!("{name}-key");
        let derived = (Some(key.as_str()), derived.1);
        let first = desk.call_as(&ada, name, &arguments, derived).unwrap();
        assert!(!first.is_error, "{}", first.structured);
        let before = desk.everything();
        let again = desk.call_as(&ada, name, &arguments, derived).unwrap();
        assert_eq!(again.structured["done"][0]["id"], first.structured["done"][0]["id"]);
        assert_eq!(again.structured["done"][0]["change_id"], first.structured["done"][0]["change_id"]);
        assert_eq!(again.structured["change_id"], first.structured["change_id"]);
        assert!(again.wrote.is_empty() && desk.everything() == before, "{name}");
    }
    assert!(
        desk.refused("add_tasks", &json!({ "tasks": [{ "title": "x" }] })).starts_with("/idempotency_key")
    );
    let blank = json!({ "tasks": [{ "title": "x" }], "idempotency_key": "a b" });
    assert!(desk.refused("add_tasks", &blank).contains("visible ASCII"));
}
