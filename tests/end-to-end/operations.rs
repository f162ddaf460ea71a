//! Every operation that writes, each ready to be carried out once.

use http::{Method, StatusCode};
use perennial_tests::{Client, Service};
use serde_json::{Value, json};

use crate::case::{Case, signed};
use crate::letters::one_given_up;
use crate::path::next_occurrence;

/// An operation of the API that writes.
pub(crate) struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Makes what it is to be carried out on, anew each time.
    pub prepare: fn(&Service, &Client) -> Case,
}

macro_rules! operations {
    ($($name:literal => $prepare:expr,)*) => {
        &[$(Operation { name: $name, prepare: $prepare }),*]
    };
}

/// All of them but the retry of parked work, which has a test of its own.
pub(crate) const OPERATIONS: &[Operation] = operations! {
    "create a task" => |_, user| {
        let case = Case::new(user, Method::POST, "/v1/tasks", 201, |user| user.all("/v1/tasks").len());
        case.sending(json!({ "title": "One" }), json!({ "title": "Another" }))
    },
    "add a task in one line" => |_, user| {
        let case = Case::new(user, Method::POST, "/v1/tasks/quick", 201, |user| user.all("/v1/tasks").len());
        case.sending(json!({ "text": "One #a" }), json!({ "text": "Another !low" }))
    },
    "change a task" => |_, user| change(user),
    "change a task at its version" => |_, user| change(user).if_match(),
    "delete a task" => |_, user| delete(user),
    "delete a task at its version" => |_, user| delete(user).if_match(),
    "complete a task" => |_, user| on_single(user, "complete", done),
    "complete a task at its version" => |_, user| on_single(user, "complete", done).if_match(),
    "complete an occurrence" => |_, user| on_series(user, "complete", done),
    "complete an occurrence at its version" => |_, user| on_series(user, "complete", done).if_match(),
    "reopen a task" => |_, user| {
        let case = on_single(user, "reopen", not_done);
        user.post(format!("{}/complete", case.task())).answer().ok(StatusCode::OK);
        case
    },
    "reopen a task at its version" => |_, user| {
        let case = on_single(user, "reopen", not_done);
        user.post(format!("{}/complete", case.task())).answer().ok(StatusCode::OK);
        case.if_match()
    },
    "reopen an occurrence" => |_, user| reopen_first(user),
    "reopen an occurrence at its version" => |_, user| reopen_first(user).if_match(),
    "change an occurrence" => |_, user| change_second(user),
    "change an occurrence at its version" => |_, user| change_second(user).if_match(),
    "split a series" => |_, user| split(user),
    "split a series at its version" => |_, user| split(user).if_match(),
    "create a channel" => |_, user| {
        for channel in user.all("/v1/channels") {
            let path = format!("/v1/channels/{}", channel["id"].as_str().unwrap());
            user.call(Method::DELETE, path).answer().ok(StatusCode::NO_CONTENT);
        }
        let channels = |user: &Client| user.all("/v1/channels").len();
        Case::new(user, Method::POST, "/v1/channels", 201, channels).sending(channel("one"), channel("another"))
    },
    "delete a channel" => |_, user| {
        let made = user.post("/v1/channels").json(&channel("one")).answer().ok(StatusCode::CREATED);
        let path = format!("/v1/channels/{}", made["id"].as_str().unwrap());
        Case::removing(user, &path, |user| user.all("/v1/channels").len())
    },
    "create a user" => |service, _| {
        let user = |name: &str| json!({ "name": name, "tz": "UTC" });
        Case::new(&service.owner(), Method::POST, "/v1/users", 201, |owner| owner.all("/v1/users").len())
            .sending(user("Eve"), user("Mallory"))
    },
    "create a token" => |service, _| {
        Case::new(&service.owner(), Method::POST, "/v1/tokens", 201, |owner| owner.all("/v1/tokens").len())
            .sending(token("one"), token("another"))
    },
    "revoke a token" => |service, _| {
        let owner = service.owner();
        let made = owner.post("/v1/tokens").json(&token("one")).answer().ok(StatusCode::CREATED);
        let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
        Case::removing(&owner, &path, |owner| owner.all("/v1/tokens").len())
    },
    "send a dead letter again" => |service, _| {
        let path = format!("/v1/dead-letters/{}/replay", one_given_up(service));
        Case::new(&service.owner(), Method::POST, path, 204, replays)
    },
    "discard a dead letter" => |service, _| {
        let path = format!("/v1/dead-letters/{}/discard", one_given_up(service));
        Case::new(&service.owner(), Method::POST, path, 204, discarded)
    },
    "discard dead letters" => |service, _| {
        let chosen = json!({ "ids": [one_given_up(service)], "dry_run": false });
        let other = json!({ "ids": [], "dry_run": false });
        Case::new(&service.owner(), Method::POST, "/v1/dead-letters/discard", 200, discarded).sending(chosen, other)
    },
};

fn replays(owner: &Client) -> usize {
    let all = owner.all("/v1/dead-letters");
    all.iter().map(|letter| usize::try_from(letter["replays"].as_u64().unwrap()).unwrap()).sum()
}

fn discarded(owner: &Client) -> usize {
    owner.all("/v1/dead-letters?status=discarded").len()
}

fn channel(name: &str) -> Value {
    json!({ "type": "webhook", "url": format!("https://example.org/{name}") })
}

fn token(name: &str) -> Value {
    json!({ "user": "admin", "name": name })
}

fn single(user: &Client) -> String {
    format!("/v1/tasks/{}", user.create(&json!({ "title": "Draft" }))["id"].as_str().unwrap())
}

fn version(user: &Client, path: &str) -> usize {
    user.get(path)["version"].as_u64().unwrap() as usize
}

fn change(user: &Client) -> Case {
    let path = single(user);
    let task = path.clone();
    Case::new(user, Method::PATCH, path, 200, move |user| version(user, &task))
        .sending(json!({ "title": "Two" }), json!({ "title": "Three" }))
        .on_a_task()
}

fn delete(user: &Client) -> Case {
    Case::removing(user, &single(user), |user| user.all("/v1/tasks").len()).on_a_task()
}

fn closed(user: &Client, task: &str) -> i64 {
    let all = user.all(&format!("{task}/occurrences"));
    signed(all.iter().filter(|occurrence| occurrence["status"] == "done").count())
}

type Count = fn(&Client, &str) -> i64;

fn done(user: &Client, task: &str) -> i64 {
    closed(user, task)
}

fn not_done(user: &Client, task: &str) -> i64 {
    -closed(user, task)
}

fn on_single(user: &Client, verb: &str, count: Count) -> Case {
    let task = single(user);
    let case = Case::new(user, Method::POST, format!("{task}/{verb}"), 200, |_| 0).on_a_task();
    Case { effects: Box::new(move |user| count(user, &task)), ..case }
}

const FIRST: &str = "2027-03-15T09:00:00[Europe/Berlin]";
const SECOND: &str = "2027-03-22T09:00:00[Europe/Berlin]";
const THIRD: &str = "2027-03-29T09:00:00[Europe/Berlin]";

fn series(user: &Client) -> String {
    let task = user.create(&json!({
        "title": "Stand-up", "due": { "local": "2027-03-15T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=WEEKLY" },
    }));
    format!("/v1/tasks/{}", task["id"].as_str().unwrap())
}

fn on_series(user: &Client, verb: &str, count: Count) -> Case {
    let task = series(user);
    let case = Case::new(user, Method::POST, format!("{task}/{verb}"), 200, |_| 0)
        .sending(json!({ "recurrence_id": FIRST }), json!({ "recurrence_id": SECOND }))
        .on_a_task();
    Case { effects: Box::new(move |user| count(user, &task)), ..case }
}

fn reopen_first(user: &Client) -> Case {
    let case = on_series(user, "reopen", not_done);
    let id = case.task().trim_start_matches("/v1/tasks/").to_owned();
    user.complete(&id, FIRST).ok(StatusCode::OK);
    next_occurrence(user, &id, FIRST);
    case
}

fn change_second(user: &Client) -> Case {
    let task = series(user);
    let path = format!("{task}/override");
    let change = |title: &str| json!({ "recurrence_id": SECOND, "title": title });
    Case::new(user, Method::POST, path, 200, move |user| version(user, &task))
        .sending(change("Sit-down"), change("Lie-down"))
        .on_a_task()
}

fn split(user: &Client) -> Case {
    let path = format!("{}/split", series(user));
    let at = |id: &str| json!({ "recurrence_id": id, "changes": { "title": "Sit-down" } });
    Case::new(user, Method::POST, path, 201, |user| user.all("/v1/tasks").len())
        .sending(at(SECOND), at(THIRD))
        .on_a_task()
}
