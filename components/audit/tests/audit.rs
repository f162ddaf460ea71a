//! The audit over HTTP, on a store of its own and without a host.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};

use audit::{Keeper, Limits, Service, admit, anchor_due, finish};
use http::Request;
use perennial_audit::{Anchor, Key};
use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_http_api::{Accepted, Counted, KeyServer, RatePolicy, RateServer, Response};
use perennial_recurrence::tzdata_version;
use perennial_store::{AccountStore, RateCount, SealStore, Store, WorkStore};
use serde_json::{Value, json};

const OWNER: &str = "bootstrap";
const DAY: i64 = 86_400_000;

/// Nobody's keys.
struct NoKeys;

impl KeyServer for NoKeys {
    async fn fetch(&self, _: &str) -> Result<String, String> {
        Err("away".to_owned())
    }

    fn failed(&self, _: &str) {}
}

/// A service with a few users.
struct Audit {
    fixture: Fixture,
    key: Option<Key>,
    limits: Limits<'static>,
}

impl Audit {
    fn new() -> Self {
        let key = Some(Key::new("thirty-two characters, or some more"));
        Self { fixture: Fixture::new(), key, limits: Limits::default() }
    }

    /// A token of a user.
    fn token(&mut self, user: &UserId, scopes: &[Scope]) -> String {
        let input = TokenInput {
            user: user.clone(),
            name: "test".to_owned(),
            scopes: scopes.iter().copied().map(Plain).collect(),
            expires_at: None,
        };
        let owner = self.fixture.store.user(user).unwrap();
        let text = format!("prn_{user}_{}", scopes.len());
        let secret = TokenSecret::new(text.clone());
        let mut ctx = self.fixture.context(&UserId::admin());
        let (commit, _) = create_token(&mut ctx, &input, owner.as_ref(), scopes, &secret).unwrap();
        self.fixture.store.commit(&commit).unwrap();
        text
    }

    fn seal(&self) {
        while self.fixture.store.seal(NOON, 500).unwrap() > 0 {}
    }

    fn send(&self, token: &str, line: &str, body: &Value) -> Response {
        let (method, address) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(address);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        if !body.is_empty() {
            request = request.header("content-type", "application/json").header("content-length", body.len());
        }
        let (head, body) = request.body(body).unwrap().into_parts();
        let accepted = Accepted { bootstrap_token: OWNER, issuer: None, key_server: NoKeys };
        let service =
            Service { store: &self.fixture.store, key: self.key.as_ref(), limits: self.limits, now: NOON };
        let method = head.method.clone();
        let answered = pollster::block_on(admit(&head, &accepted, || Ok(&self.fixture.store), NOON))
            .and_then(|admitted| admitted.carry_out(&service, &Request::from_parts(head, body)));
        finish(&method, answered)
    }

    fn status(&self, token: &str, line: &str, body: &Value) -> u16 {
        self.send(token, line, body).status().as_u16()
    }

    fn get(&self, token: &str, path: &str) -> Value {
        let response = self.send(token, &format!("GET {path}"), &Value::Null);
        let text = String::from_utf8(response.body().clone()).unwrap();
        assert_eq!(response.status(), 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    fn lines(&self, token: &str, path: &str) -> Vec<Value> {
        let response = self.send(token, &format!("GET {path}"), &Value::Null);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let text = String::from_utf8(response.body().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Writes to the database past its guards.
    fn tamper(&self, statement: &str) {
        self.fixture.unguarded(statement);
    }
}

#[test]
fn an_entry_says_who_did_what_and_what_seals_it() {
    let mut audit = Audit::new();
    let ada = audit.fixture.user("ada");
    let token = audit.token(&ada, &[Scope::TasksRead]);
    let (task, _) = audit.fixture.task(&ada, WEEKLY);
    let entry = audit.get(&token, "/v1/audit")["items"][0].clone();
    assert_eq!(entry["seal"], Value::Null, "not sealed yet");
    audit.seal();
    let entry = audit.get(&token, &format!("/v1/audit?task={}", task.id))["items"][0].clone();
    for (member, expected) in [
        ("user", json!(ada)),
        ("actor", json!("component:test")),
        ("action", json!("task.create")),
        ("subject", json!(task.id)),
        ("request_id", json!("test")),
        ("at", json!("2026-11-21T12:00:00Z")),
        ("before", Value::Null),
    ] {
        assert_eq!(entry[member], expected, "{member}");
    }
    assert_eq!(entry["after"]["task"]["title"], "Bins");
    // It is the one that the export has, whose digest anyone can make.
    let line = &audit.lines(&token, "/v1/audit/export")[0];
    for member in ["seq", "digest", "hash"] {
        assert_eq!(entry["seal"][member], line["seal"][member], "{member}");
    }
    assert_eq!(entry["seal"]["salt"], line["entry"]["salt"]);
    let read: perennial_audit::Entry = serde_json::from_value(line["entry"].clone()).unwrap();
    assert_eq!(json!(read.digest()), line["seal"]["digest"]);
}

#[test]
fn ones_own_is_seen_and_that_of_others_by_admins() {
    let mut audit = Audit::new();
    let (ada, eve) = (audit.fixture.user("ada"), audit.fixture.user("eve"));
    let (task, _) = audit.fixture.task(&ada, WEEKLY);
    audit.seal();
    let (own, other) = (audit.token(&ada, &[Scope::TasksRead]), audit.token(&eve, &[Scope::TasksRead]));
    let paths = ["/v1/audit", "/v1/audit/export", "/v1/audit/verify", "/v1/audit/anchor"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("/v1/audit/tasks/{}", task.id)]);
    for path in paths {
        let of_ada = format!("GET {path}?user={ada}");
        assert_eq!(audit.status(&own, &of_ada, &Value::Null), 200, "{path}: her own, named");
        assert_eq!(audit.status(&other, &of_ada, &Value::Null), 403, "{path}");
        assert_eq!(audit.status(OWNER, &of_ada, &Value::Null), 200, "{path}: an admin");
        assert_eq!(audit.status("", &of_ada, &Value::Null), 401, "{path}");
    }
    assert_eq!(audit.get(&other, "/v1/audit")["items"], json!([]));
    assert_eq!(audit.lines(&other, "/v1/audit/export"), Vec::<Value>::new());
    assert_eq!(audit.get(&other, "/v1/audit/verify")["sealed"], 0);
    assert_eq!(audit.status(&other, &format!("GET /v1/audit/tasks/{}", task.id), &Value::Null), 404);
    assert_eq!(audit.get(&other, &format!("/v1/audit?task={}", task.id))["items"], json!([]));
    let writes = audit.token(&ada, &[Scope::TasksWrite, Scope::TasksWrite]);
    assert_eq!(audit.status(&writes, "GET /v1/audit", &Value::Null), 403, "it may not read");
}

#[test]
fn what_is_wrong_is_refused_at_each_door() {
    let audit = Audit::new();
    let task = "0198c0de-0000-7000-8000-000000000001";
    for (line, body, expected) in [
        ("GET /v1/audit?from=yesterday", Value::Null, 400),
        ("GET /v1/audit?until=2026-02-30T00:00:00Z", Value::Null, 400),
        ("GET /v1/audit?task=7", Value::Null, 400),
        ("GET /v1/audit?limit=201", Value::Null, 400),
        ("GET /v1/audit?limit=0", Value::Null, 400),
        ("GET /v1/audit?cursor=eA", Value::Null, 400),
        ("GET /v1/audit?cursor=!", Value::Null, 400),
        ("GET /v1/audit?actor=x", Value::Null, 400),
        ("GET /v1/audit/export?after=-1", Value::Null, 400),
        ("GET /v1/audit/export?after=9999999999999999999", Value::Null, 400),
        ("GET /v1/audit/export?limit=1001", Value::Null, 400),
        ("GET /v1/audit/verify?after=x", Value::Null, 400),
        ("GET /v1/audit/verify?hash=ff", Value::Null, 400),
        ("POST /v1/audit/anchor", Value::Null, 405),
        ("DELETE /v1/audit", Value::Null, 405),
        ("GET /v1/audit/7", Value::Null, 404),
        ("GET /v1/audit/tasks/7", Value::Null, 404),
        ("GET /v1/audit/tasks/0198c0de-0000-7000-8000-000000000001?at=now", Value::Null, 400),
        ("POST /v1/audit/verify", Value::Null, 415),
        ("POST /v1/audit/verify", json!({}), 422),
        ("POST /v1/audit/verify", json!({ "anchors": {} }), 422),
        ("POST /v1/audit/verify", json!({ "anchors": [{ "user": "admin" }] }), 422),
        ("POST /v1/audit/verify", json!({ "anchors": [], "x": 1 }), 422),
        ("POST /v1/audit/verify", json!({ "anchors": vec![anchor("admin"); 1_001] }), 422),
        ("POST /v1/audit/verify", json!({ "anchors": [anchor("eve")] }), 422),
        ("POST /v1/audit/verify", json!({ "anchors": "x".repeat(600_000) }), 413),
    ] {
        let response = audit.send(OWNER, line, &body);
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert_eq!(response.status().as_u16(), expected, "{line}: {text}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{line}");
    }
    for (member, value) in [
        ("seq", json!(-1)),
        ("seq", json!(1.5)),
        ("hash", json!("0")),
        ("mac", json!("X".repeat(64))),
        ("at", json!("2026-02-30T00:00:00Z")),
    ] {
        let mut wrong = anchor("admin");
        wrong[member] = value;
        let response =
            audit.send(OWNER, "POST /v1/audit/verify", &json!({ "anchors": [anchor("admin"), wrong] }));
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["errors"][0]["pointer"], format!("/anchors/1/{member}"), "{problem}");
    }
    let head = audit.send(OWNER, "HEAD /v1/audit", &Value::Null);
    assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
    assert_eq!(audit.status(OWNER, &format!("GET /v1/audit/tasks/{task}"), &Value::Null), 404);
    let without = Audit { key: None, ..Audit::new() };
    assert_eq!(without.status(OWNER, "GET /v1/audit/anchor", &Value::Null), 503);
    assert_eq!(without.status(OWNER, "POST /v1/audit/verify", &json!({ "anchors": [anchor("admin")] })), 503);
    assert_eq!(without.status(OWNER, "GET /v1/audit/verify", &Value::Null), 200, "a chain needs no key");
}

fn anchor(user: &str) -> Value {
    let hash = "0".repeat(64);
    json!({ "user": user, "seq": 1, "hash": hash, "at": "2026-11-21T12:00:00Z", "mac": hash })
}

#[test]
fn a_chain_is_verified_in_pieces_to_its_end() {
    let mut audit = Audit::new();
    let ada = audit.fixture.user("ada");
    let token = audit.token(&ada, &[Scope::TasksRead]);
    let input = serde_json::from_str(WEEKLY).unwrap();
    let many: Vec<Commit> =
        (0..4_500).map(|_| create_task(&mut audit.fixture.context(&ada), &input).unwrap().0).collect();
    let how = perennial_store::Apply { mode: perennial_store::Mode::All, relay_for: 0 };
    audit.fixture.store.apply(&many, how).unwrap();
    audit.seal();
    let first = audit.get(&token, "/v1/audit/verify");
    assert_eq!((&first["sealed"], &first["complete"]), (&json!(4_500), &json!(false)), "{first}");
    let told = |piece: &Value| {
        format!("/v1/audit/verify?after={}&hash={}", piece["verified_to"], piece["hash"].as_str().unwrap())
    };
    let (mut piece, mut calls) = (first.clone(), 1);
    while piece["complete"] == false {
        assert_eq!(piece["wrong"], Value::Null);
        piece = audit.get(&token, &told(&piece));
        calls += 1;
        assert!(calls < 10);
    }
    assert_eq!((&piece["verified_to"], calls), (&json!(4_500), 3));
    // What was verified before is not what it was.
    let place = &first["verified_to"];
    audit.tamper(&format!("UPDATE seal SET hash = 'x' WHERE user_id = '{ada}' AND seq = {place}"));
    assert_eq!(audit.get(&token, &told(&first))["wrong"]["what"], "seal-changed");
    audit.tamper(&format!("DELETE FROM seal WHERE user_id = '{ada}' AND seq = {place}"));
    let wrong = audit.get(&token, &told(&first))["wrong"].clone();
    assert_eq!((&wrong["what"], &wrong["seq"]), (&json!("seal-missing"), place));
    let wrong = audit.get(&token, "/v1/audit/verify")["wrong"].clone();
    assert_eq!((&wrong["what"], &wrong["seq"]), (&json!("seal-missing"), place));
}

#[test]
fn anchors_find_a_chain_that_was_made_anew_and_one_that_was_cut() {
    let mut audit = Audit::new();
    let ada = audit.fixture.user("ada");
    let token = audit.token(&ada, &[Scope::TasksRead]);
    (0..3).for_each(|_| drop(audit.fixture.task(&ada, WEEKLY)));
    audit.seal();
    let anchor = audit.get(&token, "/v1/audit/anchor");
    assert_eq!(anchor["seq"], 3);
    let held = |audit: &Audit, anchors: &[&Value]| {
        let response = audit.send(&token, "POST /v1/audit/verify", &json!({ "anchors": anchors }));
        let verified: Value = serde_json::from_slice(response.body()).unwrap();
        (verified["complete"].clone(), verified["wrong"]["what"].clone(), verified["wrong"]["seq"].clone())
    };
    let right = (json!(true), Value::Null, Value::Null);
    assert_eq!(held(&audit, &[&anchor]), right);
    let mut forged = anchor.clone();
    forged["seq"] = json!(2);
    assert_eq!(held(&audit, &[&anchor, &forged]).1, "anchor-forged");

    // Cut: the tail is gone without a trace within.
    audit.tamper(&format!("DELETE FROM audit_v4 WHERE user_id = '{ada}' AND seq = 3"));
    audit.tamper(&format!("DELETE FROM seal WHERE user_id = '{ada}' AND seq = 3"));
    audit.tamper(&format!("UPDATE stream SET audited = 2, sealed = 2 WHERE id = '{ada}'"));
    assert_eq!(audit.get(&token, "/v1/audit/verify")["complete"], true);
    assert_eq!(held(&audit, &[&anchor]).1, "shorter");

    // Made anew, with another entry at its end.
    audit.tamper(&format!("UPDATE audit_v4 SET actor = 'token:eve' WHERE user_id = '{ada}' AND seq = 2"));
    audit.tamper(&format!("DELETE FROM seal WHERE user_id = '{ada}' AND seq > 1"));
    audit.tamper(&format!("UPDATE stream SET sealed = 1, seal_at = 1 WHERE id = '{ada}'"));
    audit.fixture.task(&ada, WEEKLY);
    audit.seal();
    assert_eq!(audit.get(&token, "/v1/audit/verify")["complete"], true);
    assert_eq!(held(&audit, &[&anchor]).1, "recomputed");
}

/// Keeps anchors in memory, unless it is broken.
#[derive(Default)]
struct Kept {
    anchors: RefCell<Vec<Anchor>>,
    broken: Cell<bool>,
}

impl Keeper for Kept {
    async fn keep(&self, anchors: &[Anchor]) -> Result<(), String> {
        if self.broken.get() {
            return Err("away".to_owned());
        }
        self.anchors.borrow_mut().extend_from_slice(anchors);
        Ok(())
    }
}

#[test]
fn chains_are_anchored_day_by_day_once_they_are_kept() {
    let mut audit = Audit::new();
    let ada = audit.fixture.user("ada");
    audit.fixture.task(&ada, WEEKLY);
    audit.seal();
    let store = &audit.fixture.store;
    let (key, kept) = (audit.key.as_ref(), Kept::default());
    let round = |key: Option<&Key>, after: i64| {
        pollster::block_on(anchor_due(store, key, &kept, &|| NOON.plus_millis(after))).unwrap()
    };
    assert_eq!(round(key, DAY - 1).anchored, 0, "not before a day has passed");
    kept.broken.set(true);
    let failed = round(key, DAY);
    assert_eq!((failed.anchored, failed.failures.len()), (0, 1));
    kept.broken.set(false);
    assert_eq!(round(key, DAY + 1_000).anchored, 0, "put off");
    assert_eq!(round(key, DAY + 600_000).anchored, 2);
    let anchors = kept.anchors.take();
    let anchor = anchors.iter().find(|anchor| anchor.user == ada).unwrap();
    assert!(anchor.is_genuine(key.unwrap()));
    assert_eq!(anchor.seq, 1);
    assert_eq!(round(key, 9 * DAY).anchored, 0, "nothing was added since");

    // Without a key nothing is anchored, and nobody is woken for it again and again.
    audit.fixture.task(&ada, WEEKLY);
    while audit.fixture.store.seal(NOON, 500).unwrap() > 0 {}
    let store = &audit.fixture.store;
    let round = |key: Option<&Key>, after: i64| {
        pollster::block_on(anchor_due(store, key, &kept, &|| NOON.plus_millis(after))).unwrap()
    };
    let due = |after: i64| store.due_work(NOON.plus_millis(after), tzdata_version()).unwrap().anchors;
    assert!(due(2 * DAY));
    assert_eq!(round(None, 2 * DAY).anchored, 0);
    assert!(!due(2 * DAY) && due(3 * DAY));
    assert_eq!(round(key, 3 * DAY).anchored, 1);
}

#[test]
fn a_task_is_told_as_it_was_with_what_its_occurrences_were() {
    let mut audit = Audit::new();
    let ada = audit.fixture.user("ada");
    let token = audit.token(&ada, &[Scope::TasksRead]);
    let (task, occurrence) = audit.fixture.task(&ada, WEEKLY);
    let id = task.id.to_string();
    let at = |seconds: i64| format!("/v1/audit/tasks/{id}?at={}", NOON.plus_millis(seconds * 1_000));
    let state = audit.fixture.state(&ada, &task, Some(&occurrence.recurrence_id));
    let Completion::Closes(mut closes, _) = complete(&mut audit.fixture.context(&ada), &state).unwrap()
    else {
        panic!("open")
    };
    closes.at = NOON.plus_millis(10_000);
    audit.fixture.store.commit(&closes).unwrap();
    let state = audit.fixture.state(&ada, &task, None);
    let mut deletes = delete_task(&mut audit.fixture.context(&ada), &state);
    deletes.at = NOON.plus_millis(20_000);
    audit.fixture.store.commit(&deletes).unwrap();
    assert_eq!(audit.status(&token, &format!("GET {}", at(-1)), &Value::Null), 404, "it was not there yet");
    let made = audit.get(&token, &at(0));
    assert_eq!(
        (&made["state"]["task"]["title"], &made["deleted"]),
        (&json!("Bins"), &json!(false)),
        "{made}"
    );
    assert_eq!((&made["occurrences"], &made["complete"]), (&json!([]), &json!(true)));
    let done = audit.get(&token, &at(15));
    assert_eq!(done["change"]["action"], "task.create");
    assert_eq!(done["occurrences"][0]["recurrence_id"], json!(occurrence.recurrence_id));
    assert_eq!(done["occurrences"][0]["occurrence"]["status"], "done");
    assert_eq!(done["occurrences"][0]["change"]["id"], json!(closes.id));
    let gone = audit.get(&token, &at(20));
    assert_eq!((&gone["state"], &gone["deleted"]), (&Value::Null, &json!(true)));
    assert_eq!(gone["change"]["id"], json!(deletes.id));
}

/// Counts nothing: two are within the limit.
struct Two(Cell<i64>);

impl RateServer for Two {
    fn count(&self, _: &str, policy: &RatePolicy, cost: i64) -> Option<Counted> {
        self.0.set(self.0.get() + cost);
        let (count, left) = (self.0.get(), 1_000);
        Some(if count > policy.limit {
            Counted::Over(left)
        } else {
            Counted::Within(RateCount { count, left })
        })
    }
}

#[test]
fn the_audit_counts_as_other_reads_do() {
    let server: &'static Two = Box::leak(Box::new(Two(Cell::new(0))));
    let reads = Some(RatePolicy { name: "reads", limit: 2, window: 10 });
    let audit = Audit { limits: Limits { reads, server: Some(server) }, ..Audit::new() };
    let send = |line: &str| audit.send(OWNER, line, &Value::Null);
    assert_eq!(send("GET /v1/audit").headers()["ratelimit"], "\"reads\";r=1;t=1");
    assert_eq!(send("GET /v1/audit/verify").status(), 200);
    let over = send("GET /v1/audit/export");
    assert_eq!((over.status().as_u16(), &over.headers()["retry-after"]), (429, &"1".parse().unwrap()));
}
