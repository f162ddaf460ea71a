//! Completing: once, whoever asks and however often.

use std::collections::HashSet;

use chrono::{Days, NaiveDateTime, Utc};
use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, SOON, Service, at_once, until};
use serde_json::{Value, json};

use crate::path::next_occurrence;

/// A task that comes back every day at nine in New York, counted from `anchor`.
fn daily(anchor: &str) -> Value {
    json!({
        "title": "Feed the cat",
        "due": { "local": "2027-03-13T09:00:00", "tz": "America/New_York" },
        "recurrence": { "rrule": "FREQ=DAILY", "anchor": anchor },
    })
}

/// Asks ten times at once and ten times more in sequence, and checks that all twenty answers are one.
fn complete_twenty_times(call: impl Fn() -> Answer + Sync) -> Value {
    let mut answers = at_once(10, |_| call());
    answers.extend((0..10).map(|_| call()));
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    let distinct: HashSet<&str> = answers.iter().map(|answer| answer.body.as_str()).collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    answers[0].json()
}

fn has_exactly_one_successor(user: &Client, task: &str, closed: &str) -> Value {
    let next = next_occurrence(user, task, closed);
    let occurrences = user.all(&format!("/v1/tasks/{task}/occurrences"));
    let successors: Vec<_> = occurrences.iter().filter(|one| one["predecessor"] == closed).collect();
    assert_eq!(successors, [&next], "{occurrences:?}");
    assert_eq!(occurrences.len(), 2, "{occurrences:?}");
    next
}

#[test]
fn completing_ten_times_creates_one_next_occurrence() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&daily("due"));
    let id = task["id"].as_str().unwrap();
    let done = complete_twenty_times(|| user.complete(id, "2027-03-13T09:00:00[America/New_York]"));
    assert_eq!(done["due_at"], "2027-03-13T14:00:00Z");
    assert_eq!(done["ordinal"], 1);
    assert!(done["completed_at"].is_string());

    let next = has_exactly_one_successor(&user, id, done["recurrence_id"].as_str().unwrap());
    assert_eq!(next["recurrence_id"], "2027-03-14T09:00:00[America/New_York]");
    assert_eq!(
        next["due_at"], "2027-03-14T13:00:00Z",
        "nine o'clock stays nine o'clock when the clocks change"
    );
}

#[test]
fn completing_ten_times_creates_one_next_occurrence_counted_from_completion() {
    let service = Service::start();
    let user = service.user("Ada");
    let due = (Utc::now() - Days::new(3)).format("%Y-%m-%dT07:30:00").to_string();
    let mut task = daily("completion");
    task["due"] = json!({ "local": due, "tz": "UTC" });
    task["recurrence"]["rrule"] = "FREQ=DAILY;INTERVAL=10".into();
    let task = user.create(&task);
    let id = task["id"].as_str().unwrap();
    let first = format!("{due}[UTC]");
    let done = complete_twenty_times(|| user.complete(id, &first));

    let next = has_exactly_one_successor(&user, id, &first);
    let completed: chrono::DateTime<Utc> = done["completed_at"].as_str().unwrap().parse().unwrap();
    let expected = (completed.date_naive() + Days::new(10)).and_hms_opt(7, 30, 0).unwrap();
    let local: NaiveDateTime = next["due"]["local"].as_str().unwrap().parse().unwrap();
    assert_eq!(local, expected, "ten days after it was done, at its own time of day");
}

#[test]
fn completing_a_single_task_ten_times_completes_it_once() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&json!({ "title": "Renew the passport" }));
    let id = task["id"].as_str().unwrap();
    let path = format!("/v1/tasks/{id}/complete");
    let done = complete_twenty_times(|| user.post(&path).answer());
    assert!(done["recurrence_id"].is_null());
    let read = user.get(format!("/v1/tasks/{id}"));
    assert_eq!(read["status"], "done");
    assert_eq!(read["completed_at"], done["completed_at"]);
    assert_eq!(read["version"], 2);
    assert!(read["occurrence"].is_null());
    assert_eq!(user.all(&format!("/v1/tasks/{id}/occurrences")).len(), 1);
}

#[test]
fn each_of_many_completions_leads_to_the_next() {
    let service = Service::start();
    let user = service.user("Ada");
    let mut task = daily("due");
    task["recurrence"]["rrule"] = "FREQ=DAILY;COUNT=5".into();
    let id = user.create(&task)["id"].as_str().unwrap().to_owned();
    let mut current = "2027-03-13T09:00:00[America/New_York]".to_owned();
    for _ in 1..5 {
        user.complete(&id, &current).ok(StatusCode::OK);
        current = next_occurrence(&user, &id, &current)["recurrence_id"].as_str().unwrap().to_owned();
    }
    user.complete(&id, &current).ok(StatusCode::OK);
    until("the series has ended", SOON, || {
        (user.get(format!("/v1/tasks/{id}"))["status"] == "done").then_some(())
    });

    let occurrences = user.all(&format!("/v1/tasks/{id}/occurrences"));
    let ordinals: Vec<_> = occurrences.iter().map(|one| one["ordinal"].as_i64().unwrap()).collect();
    assert_eq!(ordinals, [1, 2, 3, 4, 5]);
    for (before, after) in occurrences.iter().zip(&occurrences[1..]) {
        assert_eq!(after["predecessor"], before["recurrence_id"]);
        assert_eq!(before["status"], "done");
    }
}

#[test]
fn completing_cancels_the_reminder_that_had_not_fired() {
    let service = Service::start();
    let user = service.user("Ada");
    let mut task = daily("due");
    task["reminders"] = json!([{ "trigger": "-PT30M" }]);
    let task = user.create(&task);
    let id = task["id"].as_str().unwrap();
    user.complete(id, "2027-03-13T09:00:00[America/New_York]").ok(StatusCode::OK);
    next_occurrence(&user, id, "2027-03-13T09:00:00[America/New_York]");
    let database = service.database();
    let state = |state: &str| {
        database.number("SELECT count(*) FROM alarm WHERE task_id = ?1 AND state = ?2", [id, state])
    };
    assert_eq!((state("cancelled"), state("armed")), (1, 1));
}

#[test]
fn an_occurrence_that_never_was_cannot_be_completed() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&daily("due"));
    let path = format!("/v1/tasks/{}/complete", task["id"].as_str().unwrap());
    let answer =
        user.post(&path).json(&json!({ "recurrence_id": "2027-03-14T09:00:00[America/New_York]" })).answer();
    assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.body);
    let read = user.call(Method::GET, path.trim_end_matches("/complete")).answer().json();
    assert_eq!(read, task);
}
