//! Quick add, by the real binary and its clock.

use http::StatusCode;
use perennial_tests::{Client, Service, at_once};
use serde_json::{Value, json};

const QUICK: &str = "/v1/tasks/quick";

fn add(user: &Client, line: &str) -> Value {
    user.post(QUICK).json(&json!({ "text": line })).answer().ok(StatusCode::CREATED)
}

#[test]
fn a_line_makes_the_task_that_it_shows() {
    let service = Service::start();
    let user = service.user("Ada");
    let line = "Pay rent every last workday at 9am Europe/Berlin #home !high remind 1h before";
    let dry = json!({ "text": line, "dry_run": true });
    let shown = user.post(QUICK).json(&dry).answer().ok(StatusCode::OK);
    assert!(shown["task"].is_null(), "{shown}");
    assert!(user.all("/v1/tasks").is_empty(), "a dry run makes nothing");

    let made = add(&user, line);
    let task = user.get(format!("/v1/tasks/{}", made["task"]["id"].as_str().unwrap()));
    assert_eq!(made["task"], task);
    assert_eq!(task["title"], "Pay rent");
    assert_eq!(task["tags"], json!(["home"]));
    assert_eq!(task["priority"], "high");
    assert_eq!(task["recurrence"]["rrule"], "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1");
    assert_eq!(task["due"]["tz"], "Europe/Berlin");
    assert!(task["due"]["local"].as_str().unwrap().ends_with("T09:00:00"), "{task}");
    assert_eq!(task["reminders"][0]["trigger"], "-PT1H");
    let read: Vec<(&str, &str)> = made["pieces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|piece| (piece["text"].as_str().unwrap(), piece["as"].as_str().unwrap()))
        .collect();
    assert_eq!(
        read,
        [
            ("Pay rent", "title"),
            ("every last workday", "recurrence"),
            ("at 9am", "time"),
            ("Europe/Berlin", "zone"),
            ("#home", "tag"),
            ("!high", "priority"),
            ("remind 1h before", "reminder"),
        ]
    );
}

#[test]
fn what_cannot_be_honoured_makes_nothing() {
    let service = Service::start();
    let user = service.user("Ada");
    for line in [
        "x every 3rd blursday",
        "x !hgih",
        "x tomorow at 25:00",
        "x remind 1h before",
        "x 3/4",
        "x yesterday",
    ] {
        let answer = user.post(QUICK).json(&json!({ "text": line })).answer();
        let problem = answer.ok(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/text", "{problem}");
        assert_eq!(problem["errors"][0]["span"]["start"], 2, "{problem}");
    }
    assert!(user.all("/v1/tasks").is_empty());
}

#[test]
fn equal_lines_with_one_key_make_one_task() {
    let service = Service::start();
    let user = service.user("Ada");
    let answers = at_once(16, |_| {
        let line = json!({ "text": "Call Bob tomorrow at 9am #phone" });
        user.post(QUICK).header("idempotency-key", "bob").json(&line).answer().ok(StatusCode::CREATED)
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(user.all("/v1/tasks"), [answers[0]["task"].clone()]);
}
