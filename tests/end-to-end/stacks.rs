//! Many at once on one stack of open occurrences.

use std::collections::BTreeSet;

use chrono::{Days, Utc};
use http::StatusCode;
use perennial_tests::{Answer, Client, SOON, Service, at_once, until};
use serde_json::{Value, json};

/// Requests sent at once.
const AT_ONCE: usize = 16;

/// A daily task whose occurrences stack, begun so many days ago that at least so many are open. Gives its address and what is
/// open, by name.
fn stack(user: &Client, open: usize) -> (String, Vec<String>) {
    let days = u64::try_from(open).unwrap();
    let due = (Utc::now() - Days::new(days)).format("%Y-%m-%dT00:00:01").to_string();
    let task = user.create(&json!({ "title": "Water", "due": { "local": due, "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" } }));
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let names = until("the stack has grown", SOON * 2, || {
        let names = named(user, &path, "open");
        // That of today is due too, and has the next one beside it.
        (names.len() >= open + 2).then_some(names)
    });
    (path, names)
}

fn named(user: &Client, path: &str, status: &str) -> Vec<String> {
    let all = user.all(&format!("{path}/occurrences"));
    let with = all.iter().filter(|one| one["status"] == status);
    with.map(|one| one["recurrence_id"].as_str().unwrap().to_owned()).collect()
}

fn complete(user: &Client, path: &str, name: &str, key: Option<&str>) -> Answer {
    let call = user.post(format!("{path}/complete")).json(&json!({ "recurrence_id": name }));
    match key {
        Some(key) => call.header("idempotency-key", key).answer(),
        None => call.answer(),
    }
}

/// Each was answered 200 for the one it named, and was closed exactly once.
fn each_closed_once(service: &Service, user: &Client, path: &str, asked: &[(String, Answer)]) {
    let mut closed: Vec<Value> = Vec::new();
    for (name, answer) in asked {
        let done = answer.ok(StatusCode::OK);
        assert_eq!((&done["recurrence_id"], &done["status"]), (&json!(name), &json!("done")));
        let same = |other: &&Value| other["recurrence_id"] == done["recurrence_id"];
        match closed.iter().find(same) {
            Some(other) => assert_eq!(*other, done, "one answer for one occurrence"),
            None => closed.push(done),
        }
    }
    let names: BTreeSet<&str> = asked.iter().map(|(name, _)| name.as_str()).collect();
    let done = named(user, path, "done");
    assert_eq!(done.iter().map(String::as_str).collect::<BTreeSet<_>>(), names);
    let task = path.trim_start_matches("/v1/tasks/");
    let database = service.database();
    let told = "SELECT count(*) FROM outbox WHERE subject = ?1 AND type = 'task.completed'";
    assert_eq!(usize::try_from(database.number(told, [task])).unwrap(), names.len(), "each is told of once");
    let followed = "SELECT count(*) - count(DISTINCT predecessor) FROM occurrence WHERE task_id = ?1 AND predecessor IS NOT NULL";
    assert_eq!(database.number(followed, [task]), 0, "none has two successors");
}

#[test]
fn sixteen_completions_at_once_of_one_stack_close_each_its_own() {
    let service = Service::start();
    for keyed in [false, true] {
        let user = service.user("Ada");
        let (path, open) = stack(&user, AT_ONCE);
        let answers = at_once(AT_ONCE, |number| {
            let key = format!("key-{number}");
            complete(&user, &path, &open[number], keyed.then_some(key.as_str()))
        });
        let asked: Vec<_> = open.iter().cloned().zip(answers).collect();
        each_closed_once(&service, &user, &path, &asked);
        assert!(named(&user, &path, "open").starts_with(&open[AT_ONCE..]), "the others are as they were");
    }
}

#[test]
fn sixteen_completions_at_once_of_two_in_a_stack_close_each_once() {
    let service = Service::start();
    for keys in [0, 2, AT_ONCE] {
        let user = service.user("Ada");
        let (path, open) = stack(&user, 3);
        let asked = at_once(AT_ONCE, |number| {
            let name = &open[number % 2];
            // With two keys, all that ask for one occurrence share one.
            let key = (keys > 0).then(|| format!("key-{}", number % keys));
            (name.clone(), complete(&user, &path, name, key.as_deref()))
        });
        each_closed_once(&service, &user, &path, &asked);
        assert!(named(&user, &path, "open").starts_with(&open[2..]), "{keys} keys");
    }
}
