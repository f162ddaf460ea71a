//! Wrong input at every door: a Problem Details answer that points at what is wrong, and nothing changed.

mod case;
mod door;
mod headers;
mod rules;
mod slow;
mod tasks;
mod who;

use std::collections::BTreeMap;

use perennial_tests::{Client, Database, Service};
use serde_json::{Value, json};

use case::Case;

/// Everything that a refused request could have changed.
#[derive(Debug, PartialEq)]
struct World {
    lists: BTreeMap<&'static str, Vec<Value>>,
    events: i64,
}

impl World {
    fn of(owner: &Client, database: &Database) -> Self {
        let lists =
            ["/v1/tasks", "/v1/channels", "/v1/users", "/v1/tokens"].map(|path| (path, owner.all(path)));
        Self { lists: lists.into(), events: database.events() }
    }
}

/// A service with a task of its owner and a task of somebody else, and every case of `cases` tried on it.
fn nothing_changes_by(cases: impl Fn(&door::Ids) -> Vec<Case>) {
    let service = Service::start();
    let owner = service.owner();
    let ids = door::Ids::create(&owner, &service.user("Somebody else"));
    let cases = cases(&ids);
    assert!(!cases.is_empty());
    let database = service.database();
    let before = World::of(&owner, &database);
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.try_on(&owner).err()).collect();
    let after = World::of(&owner, &database);
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(after, before, "a refused request changed something");
    println!("{} wrong requests refused", cases.len());
}

#[test]
fn a_wrong_task_is_refused_at_its_field() {
    nothing_changes_by(|_| tasks::cases());
}

#[test]
fn a_wrong_rule_is_refused_at_its_field() {
    nothing_changes_by(|_| rules::cases());
}

#[test]
fn a_wrong_change_or_completion_is_refused() {
    nothing_changes_by(door::cases);
}

#[test]
fn a_wrong_body_header_or_query_is_refused() {
    nothing_changes_by(headers::cases);
}

#[test]
fn nobody_gets_in_without_a_token_of_their_own() {
    nothing_changes_by(who::cases);
}

#[test]
fn a_body_over_the_limit_is_not_read_to_its_end() {
    let service = Service::start();
    let owner = service.owner();
    let title = "x".repeat(8 << 20);
    let refused = owner.post("/v1/tasks").json(&json!({ "title": title })).send();
    // The service may answer and close while the client is still sending; the answer can then be lost.
    if let Ok(answer) = refused {
        answer.is_problem(413, "too-large");
    }
    assert!(owner.all("/v1/tasks").is_empty());
}
