//! Work that can never succeed waits by itself: what others are owed comes all the same.
//!
//! The clock works alone here. An event would find single pieces of work where the sweep has stopped, and events may be
//! lost.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use http::{Method, StatusCode};
use perennial_tests::{Client, Service, Setup, flood, until};
use serde_json::{Value, json};

/// How long others may wait for what they are owed.
const LIMIT: Duration = Duration::from_secs(10);

/// More than one sweep takes on of any kind of work.
const MANY: usize = 120;

/// The dates that are passed over in search of the next one.
const CANCELLED: u16 = 500;

fn by_the_clock_alone() -> Service {
    let components = vec!["task-api", "recurrence-scheduler-cron", "notifier-cron"];
    Service::with(Setup { components, ..Setup::default() })
}

fn local(at: chrono::DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn complete_the_open_one(user: &Client, task: &Value) {
    let recurrence_id = task["occurrence"]["recurrence_id"].as_str().unwrap();
    user.complete(task["id"].as_str().unwrap(), recurrence_id).ok(StatusCode::OK);
}

/// A series of this user goes on when it is completed, and one that stacks goes on at its hour.
fn goes_on(user: &Client) {
    let daily = user.create(&json!({
        "title": "Feed the cat", "due": { "local": "2027-03-13T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=DAILY" },
    }));
    complete_the_open_one(user, &daily);
    let stacked = user.create(&json!({
        "title": "Read the meter", "due": { "local": local(Utc::now()), "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" },
    }));
    for task in [&daily, &stacked] {
        let path = format!("/v1/tasks/{}/occurrences", task["id"].as_str().unwrap());
        let what = format!("what follows the first occurrence of {}", task["title"]);
        until(&what, LIMIT, || (user.all(&path).len() == 2).then_some(()));
    }
}

#[test]
fn a_series_goes_on_by_the_clock_alone() {
    goes_on(&by_the_clock_alone().user("Bo"));
}

#[test]
fn deleted_series_do_not_stop_those_of_others() {
    let service = by_the_clock_alone();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let due = Utc::now() + TimeDelta::seconds(5);
    flood(MANY, |number| {
        let task = ada.create(&json!({
            "title": format!("Stack {number}"), "due": { "local": local(due), "tz": "UTC" },
            "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" },
        }));
        let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
        ada.call(Method::DELETE, path).answer().ok(StatusCode::NO_CONTENT);
    });
    until("what was deleted would be due", LIMIT * 3, || (Utc::now() > due).then_some(()));
    goes_on(&bo);
}

/// Series that begin at the beginning of time and come back every minute of one hour: to find their next date in the
/// present takes more steps than one command may take.
fn series_that_are_out_of_budget(policy: &str, value: &str) {
    let service = by_the_clock_alone();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let refused = flood(MANY, |number| {
        let mut task = json!({
            "title": format!("Old {number}"), "due": { "local": "1970-01-01T01:00:00", "tz": "UTC" },
            "recurrence": { "rrule": "FREQ=MINUTELY;COUNT=2000000000;BYHOUR=1" },
        });
        task["recurrence"][policy] = value.into();
        let answer = ada.post("/v1/tasks").json(&task).answer();
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
            return true;
        }
        complete_the_open_one(&ada, &answer.ok(StatusCode::CREATED));
        false
    });
    println!(
        "{policy}={value}: {} of {MANY} are refused",
        refused.iter().filter(|refused| **refused).count()
    );
    goes_on(&bo);
}

#[test]
fn series_out_of_budget_do_not_stop_others_where_one_is_made_up_for() {
    series_that_are_out_of_budget("misfire", "once");
}

#[test]
fn series_out_of_budget_do_not_stop_others_where_all_are_skipped() {
    series_that_are_out_of_budget("misfire", "skip");
}

#[test]
fn series_out_of_budget_do_not_stop_others_where_what_overlaps_is_skipped() {
    series_that_are_out_of_budget("overlap", "skip");
}

#[test]
fn series_whose_next_dates_are_all_cancelled_do_not_stop_those_of_others() {
    let service = by_the_clock_alone();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let tasks = flood(MANY, |number| {
        ada.create(&json!({
            "title": format!("Called off {number}"), "due": { "local": "2027-01-01T09:00:00", "tz": "UTC" },
            "recurrence": { "rrule": "FREQ=DAILY" },
        }))
    });
    cancel_the_next_dates(&service, MANY);
    flood(MANY, |number| complete_the_open_one(&ada, &tasks[number]));
    goes_on(&bo);
}

/// Cancels the 500 dates after the first of every daily series at nine in UTC, as 500 calls of `override` each would.
fn cancel_the_next_dates(service: &Service, series: usize) {
    service.seed().write(
        series * usize::from(CANCELLED),
        "WITH RECURSIVE day (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM day WHERE number < ?1)
         INSERT INTO override (task_id, recurrence_id, user_id, cancelled)
         SELECT id, strftime('%Y-%m-%dT%H:%M:%S', due_local, number || ' days') || '[UTC]', user_id, 1
         FROM task, day WHERE due_local = '2027-01-01T09:00:00'",
        [CANCELLED],
    );
}
