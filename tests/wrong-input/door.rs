//! Wrong changes, completions, channels, users and tokens.

use http::{Method, StatusCode};
use perennial_tests::Client;
use serde_json::json;

use crate::case::Case;

/// What the requests are about.
#[derive(Debug)]
pub struct Ids {
    /// A task of the owner's that recurs.
    pub series: String,
    /// A task of the owner's that does not, and is done.
    pub done: String,
    /// A task of somebody else's.
    pub other: String,
    /// The token of somebody else, who is a member.
    pub member: String,
    /// The owner's user id.
    pub owner: String,
}

impl Ids {
    pub fn create(owner: &Client, other: &Client) -> Self {
        let id = |client: &Client, task| client.create(&task)["id"].as_str().unwrap().to_owned();
        let series = json!({
            "title": "Every day", "due": { "local": "2026-11-30T09:00:00", "tz": "Europe/Berlin" },
            "recurrence": { "rrule": "FREQ=DAILY" },
        });
        let done = id(owner, json!({ "title": "Done" }));
        owner.post(format!("/v1/tasks/{done}/complete")).answer().ok(StatusCode::OK);
        let users = owner.all("/v1/users");
        let admin = users.iter().find(|user| user["role"] == "admin").expect("the owner is an admin");
        Self {
            series: id(owner, series.clone()),
            done,
            other: id(other, series),
            member: other.token().unwrap().to_owned(),
            owner: admin["id"].as_str().unwrap().to_owned(),
        }
    }
}

pub fn cases(ids: &Ids) -> Vec<Case> {
    let (series, done) = (format!("/v1/tasks/{}", ids.series), format!("/v1/tasks/{}", ids.done));
    let [complete, reopen, change, split] =
        ["complete", "reopen", "override", "split"].map(|verb| format!("{series}/{verb}"));
    let first = "2026-11-30T09:00:00[Europe/Berlin]";
    let patch = |what, path: &str, body, pointer| Case::field(what, Method::PATCH, path, &body, pointer);
    let post = |what, path: &str, body, pointer| Case::field(what, Method::POST, path, &body, pointer);
    let hook = |what, url: &str| post(what, "/v1/channels", json!({ "type": "webhook", "url": url }), "/url");
    let token = |what, body, pointer| post(what, "/v1/tokens", body, pointer);
    vec![
        patch("a title taken away", &series, json!({ "title": null }), "/title"),
        patch("an unknown field in a patch", &series, json!({ "colour": "red" }), "/colour"),
        patch(
            "an impossible date in a patch",
            &series,
            json!({ "due": { "local": "2026-02-30T09:00:00" } }),
            "/due/local",
        ),
        patch("an unknown zone in a patch", &series, json!({ "due": { "tz": "Mars/Olympus" } }), "/due/tz"),
        patch(
            "a broken rule in a patch",
            &series,
            json!({ "recurrence": { "rrule": "FREQ=NEVER" } }),
            "/recurrence/rrule",
        ),
        patch("a due date that is a list, in a patch", &series, json!({ "due": ["2026-12-01"] }), "/due"),
        post("a completion that is a list", &complete, json!(["2026-11-30T09:00:00[Europe/Berlin]"]), ""),
        post(
            "a channel that is a list",
            "/v1/channels",
            json!(["webhook", "https://hooks.example.com/"]),
            "",
        ),
        post("a user that is a list", "/v1/users", json!(["Eve", "UTC"]), ""),
        hook("a port with a sign", "http://127.0.0.1:+80/"),
        patch("a series without its start", &series, json!({ "due": null }), "/due"),
        patch("a done task with no date", &done, json!({ "due": { "local": "soon" } }), "/due/local"),
        Case::new("a patch that is a list", Method::PATCH, &series, (422, "invalid")).body("[]"),
        post("which occurrence?", &complete, json!({}), "/recurrence_id"),
        post("an occurrence that is a number", &complete, json!({ "recurrence_id": 1 }), "/recurrence_id"),
        post(
            "an unknown field in a completion",
            &complete,
            json!({ "recurrence_id": "x", "by": "me" }),
            "/by",
        ),
        post("which one to open again?", &reopen, json!({}), "/recurrence_id"),
        post("one that never was", &reopen, json!({ "recurrence_id": "2026-12-01" }), "/recurrence_id"),
        post("a reopening that is a list", &reopen, json!([first]), ""),
        post("one to open again that is null", &reopen, json!({ "recurrence_id": null }), "/recurrence_id"),
        post("an unknown field in a reopening", &reopen, json!({ "recurrence_id": first, "at": 1 }), "/at"),
        post(
            "a name for a single task",
            &format!("{done}/reopen"),
            json!({ "recurrence_id": first }),
            "/recurrence_id",
        ),
        post("a change of nothing", &change, json!({ "title": "x" }), "/recurrence_id"),
        post(
            "a change of what is none",
            &change,
            json!({ "recurrence_id": "2026-12-01T10:00:00[Europe/Berlin]" }),
            "/recurrence_id",
        ),
        post("a change to a blank title", &change, json!({ "recurrence_id": first, "title": " " }), "/title"),
        post(
            "a change to no date",
            &change,
            json!({ "recurrence_id": first, "due": { "local": "soon" } }),
            "/due/local",
        ),
        post(
            "a change that is cancelled by words",
            &change,
            json!({ "recurrence_id": first, "cancelled": "yes" }),
            "/cancelled",
        ),
        post(
            "a split at the first",
            &split,
            json!({ "recurrence_id": first, "changes": {} }),
            "/recurrence_id",
        ),
        post("a split nowhere", &split, json!({ "changes": { "title": "x" } }), "/recurrence_id"),
        post("a split at no date", &split, json!({ "recurrence_id": "soon" }), "/recurrence_id"),
        post(
            "a split with a wrong change",
            &split,
            json!({ "recurrence_id": "2026-12-01T09:00:00[Europe/Berlin]", "changes": { "colour": "red" } }),
            "/changes/colour",
        ),
        post(
            "a split with changes that are a list",
            &split,
            json!({ "recurrence_id": "2026-12-01T09:00:00[Europe/Berlin]", "changes": [] }),
            "/changes",
        ),
        post(
            "a split with a broken rule",
            &split,
            json!({ "recurrence_id": "2026-12-01T09:00:00[Europe/Berlin]", "changes": { "recurrence": { "rrule": "FREQ=NEVER" } } }),
            "/changes/recurrence/rrule",
        ),
        post("a channel of no type", "/v1/channels", json!({ "url": "https://hooks.example.com/" }), "/type"),
        post(
            "a channel of an unknown type",
            "/v1/channels",
            json!({ "type": "pigeon", "url": "https://hooks.example.com/" }),
            "/type",
        ),
        post(
            "a channel whose type is a number",
            "/v1/channels",
            json!({ "type": 7, "url": "https://hooks.example.com/" }),
            "/type",
        ),
        post("a channel to nowhere", "/v1/channels", json!({ "type": "webhook" }), "/url"),
        hook("no address", "not an address"),
        hook("plain http", "http://hooks.example.com/"),
        hook("an IP address", "https://192.0.2.1/"),
        hook("an IP address in disguise", "https://0x7f.1/"),
        hook("another port", "https://hooks.example.com:8443/"),
        hook("a name and password", "https://me:secret@hooks.example.com/"),
        hook("another scheme", "file:///etc/passwd"),
        hook("the allowed origin as a name and password", "http://127.0.0.1:80@hooks.example.com/"),
        post("a nameless user", "/v1/users", json!({ "tz": "UTC" }), "/name"),
        post("a user in no zone", "/v1/users", json!({ "name": "Eve", "tz": "Mars/Olympus" }), "/tz"),
        post(
            "a user with a role of their own",
            "/v1/users",
            json!({ "name": "Eve", "tz": "UTC", "role": "admin" }),
            "/role",
        ),
        token("a token of nobody", json!({ "user": "nobody", "name": "x" }), "/user"),
        token("a nameless token", json!({ "user": ids.owner, "name": "" }), "/name"),
        token("an unknown scope", json!({ "user": ids.owner, "name": "x", "scopes": ["root"] }), "/scopes/0"),
        token(
            "a scope that is a number",
            json!({ "user": ids.owner, "name": "x", "scopes": ["tasks:read", 7] }),
            "/scopes/1",
        ),
        token("a token for nothing", json!({ "user": ids.owner, "name": "x", "scopes": [] }), "/scopes"),
    ]
}
