//! Whose things are whose, for each operation that the service itself describes: with the real ids of another's things, in the
//! address, the query, the body and the cursor, everyone but their owner gets what is got with ids that do not exist.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use perennial_tests::{Answer, Client, SOON, Service, Setup, until};
use serde_json::{Value, json};

use crate::letters::hand;
use crate::parked::one_parked;
use crate::path::{due_in, next_occurrence};

/// The ids of someone's things, by the collection that they are in; the cursors of their lists, by the list's address.
#[derive(Clone)]
struct Things {
    ids: BTreeMap<&'static str, String>,
    cursors: BTreeMap<String, String>,
    reminder: String,
    /// A task of who asks.
    own: String,
    /// What an operation needs an id of its own for: a task that is deleted, a project that is empty, a task to be reminded of.
    special: BTreeMap<&'static str, String>,
    /// The reminder of that.
    snoozed: String,
    /// The names of two occurrences: of the first one, and of one that lies ahead.
    named: [String; 2],
}

/// An operation as it is described.
struct Described {
    name: String,
    method: Method,
    path: String,
    scope: Option<String>,
    query: Vec<String>,
    takes_body: bool,
}

/// A request: its address with its query, and its body.
type Sent = (String, Option<Value>);

/// What is sent by who wants something of others, and what their owner sends, whose request is carried out. An operation that
/// is new says here which ids it takes.
fn bodies(operation: &Described, things: &Things) -> (Vec<Value>, Value) {
    let [first, later] = &things.named;
    let reminders = json!([{ "id": things.reminder, "trigger": "2027-01-01T00:00:00Z" }]);
    let (task, project) = (&things.ids["tasks"], &things.ids["projects"]);
    let named = [("reminders", reminders), ("project", json!(project)), ("parent", json!(task))];
    let same = |body: Value| (vec![body.clone()], body);
    match operation.name.as_str() {
        "CreateTask" => {
            let named = named.map(|(name, id)| json!({ "title": "Mine", name: id }));
            (named.into(), json!({ "title": "Mine", "project": project }))
        }
        "UpdateTask" => {
            let named = named.map(|(name, id)| json!({ name: id }));
            ([vec![json!({ "title": "Mine" })], named.into()].concat(), json!({ "title": "Mine" }))
        }
        "MoveTask" => {
            let named = [("project", project), ("parent", task), ("before", task), ("after", task)];
            (named.map(|(name, id)| json!({ name: id })).into(), json!({ "project": project }))
        }
        "SkipOccurrence" => same(json!({ "recurrence_id": first })),
        "SnoozeReminder" => same(json!({ "reminder": things.snoozed, "for": "PT1H" })),
        "Bulk" => {
            let complete = json!({ "operation": "complete", "id": task, "body": { "recurrence_id": first } });
            let create = json!({ "operation": "create", "body": { "title": "Mine", "project": project } });
            let all = |one: &Value| json!({ "mode": "all", "operations": [one] });
            ([&complete, &create].map(all).into(), all(&create))
        }
        "UpdateProject" => same(json!({ "description": "Mine" })),
        "CompleteOccurrence" | "ReopenOccurrence" => same(json!({ "recurrence_id": first })),
        "OverrideOccurrence" => same(json!({ "recurrence_id": later, "title": "Mine" })),
        "SplitSeries" => same(json!({ "recurrence_id": later, "changes": { "title": "Mine" } })),
        "ReplayLetters" | "DiscardLetters" => {
            let letter = &things.ids["dead-letters"];
            same(json!({ "ids": [letter], "user": things.ids["users"], "dry_run": false }))
        }
        "CreateToken" => same(json!({ "user": things.ids["users"], "name": "mine" })),
        // These name nothing that there is.
        "UpdateSettings" => (vec![], json!({ "week_start": "sunday" })),
        "CreateProject" => (vec![], json!({ "name": "Mine" })),
        "QuickAdd" => (vec![], json!({ "text": "Mine tomorrow at 9am" })),
        "CreateUser" => (vec![], json!({ "name": "Eve" })),
        "CreateChannel" => (vec![], json!({ "type": "webhook", "url": "https://hooks.example.invalid/3" })),
        "UpdateChannel" => (vec![json!({ "types": ["task.created"] })], json!({ "types": ["task.created"] })),
        "VerifyAnchors" => {
            let hash = "0".repeat(64);
            let of = |user: &str| json!({ "user": user, "seq": 1, "hash": hash, "at": "2027-01-01T00:00:00Z", "mac": hash });
            (vec![json!({ "anchors": [of(&things.ids["users"])] })], json!({ "anchors": [] }))
        }
        "PreviewRecurrence" => (vec![], json!({ "dtstart": "2027-01-01", "rrule": "FREQ=DAILY" })),
        name => panic!("{name} takes a body: say in isolation.rs which ids are in it"),
    }
}

/// What another component serves, in a way that this test cannot ask for: a stream has no end to wait for. stream.rs says whose events
/// it tells.
const ELSEWHERE: [&str; 1] = ["StreamEvents"];

/// What stands in the query, where that names something; `None` where it does not.
fn parameter(operation: &Described, name: &str, things: &Things) -> Option<String> {
    match name {
        "task" | "parent" | "subject" => Some(things.ids["tasks"].clone()),
        "project" => Some(things.ids["projects"].clone()),
        // Whose audit is asked for has a test of its own: who may not is told so, whether there is such a user or not.
        "user" if operation.collection() == "audit" => None,
        "user" => Some(things.ids["users"].clone()),
        "channel" => Some(things.ids["channels"].clone()),
        "cursor" => {
            let cursor = things.cursors.get(&operation.path);
            Some(cursor.unwrap_or_else(|| panic!("{} has no cursor", operation.name)).clone())
        }
        "limit" | "status" | "all" | "from" | "to" | "sort" | "tag" | "filter" | "q" | "after" | "topic"
        | "consumer" | "epoch" | "until" | "at" | "hash" => None,
        _ => panic!("{} has a parameter {name}: say in isolation.rs what it names", operation.name),
    }
}

impl Described {
    /// All operations of a document: those that take something away last, and a user after all that is theirs.
    fn all(document: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
                all.push(Self {
                    name: operation["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    scope: operation["x-scope"].as_str().map(str::to_owned),
                    query: query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
                    takes_body: operation.get("requestBody").is_some(),
                });
            }
        }
        all.retain(|operation| !ELSEWHERE.contains(&operation.name.as_str()));
        let deletes_a_user = |operation: &Self| ["DeleteMe", "DeleteUser"].contains(&operation.name.as_str());
        all.sort_by_key(|operation| {
            (deletes_a_user(operation), operation.method == Method::DELETE, operation.method == Method::PATCH)
        });
        all
    }

    fn collection(&self) -> &str {
        self.path.split('/').nth(2).unwrap_or_default()
    }

    fn address(&self, id: &str, things: &Things) -> String {
        let path = self.path.replace("{id}", id);
        let named = self.query.iter().filter_map(|name| Some((name, parameter(self, name, things)?)));
        let query: Vec<String> = named.map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// The id in its address, where there is one.
    fn id<'t>(&self, things: &'t Things) -> &'t str {
        if !self.path.contains("{id}") {
            return "";
        }
        let id = things.special.get(self.name.as_str()).or_else(|| things.ids.get(self.collection()));
        id.unwrap_or_else(|| panic!("{}: say in isolation.rs whose ids are in {}", self.name, self.path))
    }

    /// What is sent by who wants these things.
    fn wanting(&self, things: &Things) -> Vec<Sent> {
        let address = self.address(self.id(things), things);
        if !self.takes_body {
            return vec![(address, None)];
        }
        let (bodies, _) = bodies(self, things);
        let at_own = ["UpdateTask", "MoveTask"]
            .contains(&self.name.as_str())
            .then(|| self.address(&things.own, things));
        let addresses: Vec<&String> = [Some(&address), at_own.as_ref()].into_iter().flatten().collect();
        let send =
            |body: &Value| addresses.iter().map(|at| ((*at).clone(), Some(body.clone()))).collect::<Vec<_>>();
        // At a task of one's own, only what names something of another's is of interest.
        let sent = bodies.iter().flat_map(send);
        sent.filter(|(at, body)| *at == address || body.as_ref().unwrap().get("title").is_none()).collect()
    }

    fn has_pages(&self) -> bool {
        self.query.iter().any(|name| name == "cursor")
    }

    fn send(&self, client: &Client, (address, body): &Sent) -> Answer {
        let call = client.call(self.method.clone(), address.clone());
        match body {
            Some(body) => call.json(body).answer(),
            None => call.answer(),
        }
    }
}

/// An id like this one, of nothing.
fn absent(id: &str) -> String {
    let (start, last) = id.split_at(id.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}

impl Things {
    /// Those ids that can be nothing else: not the numbers of what is parked.
    fn unmistakable(&self) -> Vec<&str> {
        self.ids.values().map(String::as_str).filter(|id| id.len() > 8).collect()
    }

    /// The same where nothing has these ids.
    fn absent(&self) -> Self {
        let mut none = self.clone();
        none.ids.values_mut().for_each(|id| *id = absent(id));
        none.special.values_mut().for_each(|id| *id = absent(id));
        none.reminder = absent(&none.reminder);
        none.snoozed = absent(&none.snoozed);
        // A cursor says a place in base64url: an id, or an order, an id and what it is ordered by.
        for cursor in none.cursors.values_mut() {
            let place = String::from_utf8(URL_SAFE_NO_PAD.decode(&*cursor).unwrap()).unwrap();
            let mut parts: Vec<String> = place.split(' ').map(str::to_owned).collect();
            let at = parts.len().min(2) - 1;
            parts[at] = absent(&parts[at]);
            *cursor = URL_SAFE_NO_PAD.encode(parts.join(" "));
        }
        none
    }
}

/// Ada's things: two of each, so that each of her lists has a second page.
fn things(service: &Service, ada: &Client) -> Things {
    for number in [1, 2] {
        // So that each has two of the same task: its reminder, and that it was completed.
        let types = ["reminder.fired", "task.completed"];
        let hook = json!({ "type": "webhook", "url": format!("https://hooks.example.invalid/{number}"), "types": types });
        ada.post("/v1/channels").json(&hook).answer().ok(http::StatusCode::CREATED);
        one_parked(service, ada);
    }
    let task = ada.create(&due_in(1));
    let id = task["id"].as_str().unwrap();
    let notifications = format!("/v1/notifications?task={id}");
    until("two notifications", SOON, || (ada.all(&notifications).len() == 2).then_some(()));
    let first = task["occurrence"]["recurrence_id"].as_str().unwrap();
    ada.complete(id, first).ok(http::StatusCode::OK);
    let next = next_occurrence(ada, id, first);
    let later = ada.get(format!("/v1/tasks/{id}/occurrences?from=2027-01-01&to=9998-12-31&limit=5"));

    // What the lists of parts, projects, tags and deleted tasks have.
    let made = |path: &str, body: Value| ada.post(path).json(&body).answer().ok(http::StatusCode::CREATED);
    let project = made("/v1/projects", json!({ "name": "Home" }))["id"].clone();
    let empty = made("/v1/projects", json!({ "name": "Empty" }))["id"].clone();
    for tag in ["one", "two"] {
        ada.create(&json!({ "title": "Part", "parent": id, "project": project, "tags": [tag] }));
    }
    let deleted = [1, 2, 3].map(|_| {
        let gone = ada.create(&json!({ "title": "Gone" }))["id"].as_str().unwrap().to_owned();
        ada.call(Method::DELETE, format!("/v1/tasks/{gone}")).answer();
        gone
    });
    let remind =
        json!({ "title": "Remind", "due": { "local": "2027-06-01" }, "reminders": [{ "trigger": "PT9H" }] });
    let reminded = ada.create(&remind);

    let owner = service.owner();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let user = owner.all("/v1/users").into_iter().find(|user| user["name"] == "Ada").unwrap();
    let token = owner.all("/v1/tokens").into_iter().find(|token| token["user"] == user["id"]).unwrap();
    let list = |client: &Client, path: &str| {
        let page = client.get(format!("{}?limit=1", path.replace("{id}", id)));
        (path.to_owned(), page["next_cursor"].as_str().unwrap_or_else(|| panic!("{path}: {page}")).to_owned())
    };
    let mut cursors: BTreeMap<String, String> = [
        "/v1/tasks",
        "/v1/tasks/{id}/occurrences",
        "/v1/channels",
        "/v1/notifications",
        "/v1/parked",
        "/v1/projects",
        "/v1/tags",
        "/v1/trash",
        "/v1/export",
    ]
    .map(|path| list(ada, path))
    .into();
    let changes = ada.get(format!("/v1/changes?subject={id}&limit=1"));
    cursors.insert("/v1/changes".to_owned(), text(&changes["next_cursor"]));
    let audited = ada.get(format!("/v1/audit?task={id}&limit=2"));
    cursors.insert("/v1/audit".to_owned(), text(&audited["next_cursor"]));
    let undone = ada.create(&json!({ "title": "Undone" }));
    let last = ada.get(format!("/v1/changes?subject={}", undone["id"].as_str().unwrap()));
    // Two of her events that were given up, and that nobody has applied.
    for event in ada.all("/v1/events").iter().filter(|event| event["type"] == "task.created").take(2) {
        hand(service, "/events/dead-letters/task-events", &event.to_string());
    }
    cursors.extend([list(&owner, "/v1/dead-letters")]);
    let spare = json!({ "user": user["id"], "name": "spare" });
    let spare = owner.post("/v1/tokens").json(&spare).answer().ok(http::StatusCode::CREATED);
    let [revoked, deleted_user] = ["Eve", "Mallory"].map(|name| {
        let user = json!({ "name": name, "tz": "UTC" });
        let user = owner.post("/v1/users").json(&user).answer().ok(http::StatusCode::CREATED)["id"].clone();
        let token = json!({ "user": user, "name": "theirs" });
        let token = owner.post("/v1/tokens").json(&token).answer().ok(http::StatusCode::CREATED);
        (text(&token["id"]), text(&user))
    });
    cursors.extend([list(ada, "/v1/me/tokens")]);
    cursors.extend(["/v1/users", "/v1/tokens"].map(|path| list(&owner, path)));
    Things {
        ids: [
            ("tasks", id.to_owned()),
            ("audit", id.to_owned()),
            ("channels", text(&ada.all("/v1/channels")[0]["id"])),
            ("parked", text(&ada.all("/v1/parked")[0]["id"])),
            ("dead-letters", text(&owner.all("/v1/dead-letters")[0]["dlq_id"])),
            ("users", text(&user["id"])),
            ("tokens", text(&token["id"])),
            ("me", text(&spare["id"])),
            ("projects", text(&project)),
            ("changes", text(&last["items"][0]["id"])),
        ]
        .into(),
        special: [
            ("RestoreTask", deleted[0].clone()),
            ("DeleteProject", text(&empty)),
            ("SnoozeReminder", text(&reminded["id"])),
            // With Ada's own, she could not go on.
            ("RevokeToken", revoked.0),
            ("DeleteUser", deleted_user.1),
        ]
        .into(),
        snoozed: text(&reminded["reminders"][0]["id"]),
        cursors,
        reminder: text(&task["reminders"][0]["id"]),
        own: String::new(),
        named: [text(&next["recurrence_id"]), text(&later["items"][4]["recurrence_id"])],
    }
}

#[test]
fn the_things_of_one_user_do_not_exist_for_another_in_any_operation() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = Some(folder.path().join("state"));
    let mut service = Service::with(Setup { state_dir: state_dir.clone(), ..Setup::default() });
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let mut real = things(&service, &ada);
    real.own = bo.create(&json!({ "title": "Bo's own" }))["id"].as_str().unwrap().to_owned();
    let reads = json!({ "user": real.ids["users"], "name": "reader", "scopes": ["tasks:read"] });
    let reads = service.owner().post("/v1/tokens").json(&reads).answer().ok(http::StatusCode::CREATED);
    service.terminate();

    // Nothing but the API runs from here on, so that whatever changes was changed by a request.
    let components = vec!["task-api", "audit"];
    let variables = vec![("audit_key", "a-key-of-at-least-thirty-two-characters".to_owned())];
    let service = Service::with(Setup { state_dir, components, variables, ..Setup::default() });
    let owner = service.owner();
    let [ada, bo, reader] =
        [ada.token(), bo.token(), reads["secret"].as_str()].map(|token| owner.with_token(token));
    let none = real.absent();
    let operations = Described::all(&owner.get("/openapi.json"));
    assert!(operations.len() > 20, "{}", operations.len());
    let of_ada = || service.database().rows_with(&real.unmistakable());
    let before = of_ada();
    assert!(before.len() > 20, "{before:?}");

    for operation in &operations {
        let name = &operation.name;
        let is_admins = operation.scope.as_deref() == Some("admin");
        let Some(scope) = operation.scope.as_deref() else { continue };
        for (who, client) in [
            ("another user", &bo),
            ("no token", &service.anyone()),
            ("a reader", &reader),
            ("the admin", &owner),
        ] {
            // The admin may know of all users and tokens, of all that is parked, and of what the admin did. A reader is Ada herself, who reads.
            let may = match who {
                "the admin" => is_admins || ["parked", "audit"].contains(&operation.collection()),
                "a reader" => scope == "tasks:read",
                _ => false,
            };
            for (sent, unreal) in operation.wanting(&real).iter().zip(&operation.wanting(&none)) {
                if may {
                    continue;
                }
                let (got, expected) = (operation.send(client, sent), operation.send(client, unreal));
                // What names nothing may tell the time.
                if sent != unreal {
                    assert_eq!(
                        (got.status, &got.body),
                        (expected.status, &expected.body),
                        "{name}, {who}: {sent:?}"
                    );
                }
                let allowed: &[u16] = match who {
                    "no token" => &[401],
                    "a reader" => &[403],
                    _ if is_admins => &[403],
                    _ if operation.method == Method::GET && !operation.path.contains("{id}") => &[200],
                    _ => &[404, 422],
                };
                assert!(allowed.contains(&got.status.as_u16()), "{name}, {who}: {} {}", got.status, got.body);
                for id in real.unmistakable() {
                    assert!(!got.body.contains(id), "{name} tells {who} of {id}: {}", got.body);
                }
            }
        }
        assert_eq!(of_ada(), before, "{name} changed what is Ada's");
    }

    // The ids were real: their owner reads and changes everything with them.
    for operation in &operations {
        let client = if operation.scope.as_deref() == Some("admin") { &owner } else { &ada };
        let body = operation.takes_body.then(|| bodies(operation, &real).1);
        let address = operation.address(operation.id(&real), &real);
        let answer = operation.send(client, &(address, body));
        assert!(answer.status.is_success(), "{}: {} {}", operation.name, answer.status, answer.body);
        if operation.has_pages() {
            assert_ne!(
                answer.json()["items"],
                json!([]),
                "{}: its cursor leads to a second page",
                operation.name
            );
        }
    }
    assert_ne!(of_ada(), before);
}
