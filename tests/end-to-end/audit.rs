//! What was done is told, sealed and found: whatever is done to the chain past the service is seen by it, by its anchors, and by a
//! stranger's program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use http::{Method, StatusCode};
use perennial_tests::{Client, Receiver, SOON, Service, Setup, repository, until};
use serde_json::{Value, json};

/// From one tick of the clock of the anchors to the next, and what that takes on a busy machine.
const A_MINUTE: Duration = Duration::from_secs(80);

const KEY: &str = "a-key-of-at-least-thirty-two-characters";

/// The guards of the tables, which whoever can write to the file can take away.
const GUARDS: &str = "DROP TRIGGER audit_kept_v6; DROP TRIGGER audit_stays_v6; DROP TRIGGER audit_not_removed_v6; \
    DROP TRIGGER seal_kept_v6; DROP TRIGGER seal_not_removed_v6;";

fn setup(state_dir: &Path) -> Setup {
    let variables = vec![("audit_key", KEY.to_owned())];
    Setup { state_dir: Some(state_dir.to_owned()), variables, ..Setup::default() }
}

fn id(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

/// Waits until the chain is sealed and found right, as its owner or an admin asks; how long it is.
fn complete(client: &Client, query: &str) -> i64 {
    until("the chain is sealed", SOON, || {
        // First whether all is sealed, then whether it is right: both may change between.
        let newest = client.get(format!("/v1/audit{query}"))["items"][0].clone();
        let verified = client.get(format!("/v1/audit/verify{query}"));
        assert_eq!(verified["wrong"], Value::Null, "{verified}");
        let is_sealed = newest.is_null() || newest["seal"].is_object();
        (verified["complete"] == true && is_sealed).then(|| verified["verified_to"].as_i64().unwrap())
    })
}

/// What is wrong with a chain, and where.
fn wrong(client: &Client, query: &str) -> (String, i64) {
    let wrong = client.get(format!("/v1/audit/verify{query}"))["wrong"].clone();
    (wrong["what"].as_str().unwrap_or("nothing").to_owned(), wrong["seq"].as_i64().unwrap_or_default())
}

/// What is wrong with a chain that anchors are held against.
fn held(client: &Client, query: &str, anchors: &[&Value]) -> String {
    let body = json!({ "anchors": anchors });
    let verified = client.post(format!("/v1/audit/verify{query}")).json(&body).answer().ok(StatusCode::OK);
    verified["wrong"]["what"].as_str().unwrap_or("nothing").to_owned()
}

/// A user with a chain of six entries: two tasks, one of them changed three times and deleted.
fn with_a_chain(service: &Service, name: &str) -> (Client, String, String) {
    let user = service.user(name);
    let task = id(&user.create(&json!({ "title": format!("{name}'s secret plan") })));
    for title in ["One", "Two", "Three"] {
        let path = format!("/v1/tasks/{task}");
        user.call(Method::PATCH, path).json(&json!({ "title": title })).answer().ok(StatusCode::OK);
    }
    assert_eq!(
        user.call(Method::DELETE, format!("/v1/tasks/{task}")).answer().status,
        StatusCode::NO_CONTENT
    );
    user.create(&json!({ "title": "Another" }));
    let own = id(&user.get("/v1/me"));
    assert_eq!(complete(&user, ""), 6);
    (user, own, task)
}

/// The export of a chain, page by page, in a file.
fn exported(client: &Client, folder: &Path, name: &str) -> PathBuf {
    let (mut text, mut after) = (String::new(), 0);
    loop {
        let page = client.call(Method::GET, format!("/v1/audit/export?after={after}&limit=2")).answer();
        assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "application/x-ndjson"));
        let Some(last) = page.body.lines().last() else { break };
        let last: Value = serde_json::from_str(last).unwrap();
        after = last["seal"]["seq"].as_i64().unwrap();
        text.push_str(&page.body);
    }
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Runs the stranger's program; whether nothing is wrong, and what it says.
fn verified_by_a_stranger(arguments: &[&str]) -> Option<(bool, String)> {
    let script = repository().join("examples/verify-audit.py");
    let output = match Command::new("python3").arg(script).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3: {error}");
            eprintln!("no python3: what a stranger verifies is not tested");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), said))
}

#[test]
fn an_entry_tells_who_did_what_and_only_to_whom_it_concerns() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::with(setup(&folder.path().join("state")));
    let owner = service.owner();
    let (ada, own, task) = with_a_chain(&service, "Ada");
    let (bo, others, _) = with_a_chain(&service, "Bo");
    let entries = ada.all(&format!("/v1/audit?task={task}"));
    let actions: Vec<&str> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["task.delete", "task.update", "task.update", "task.update", "task.create"]);
    let changes = ada.all(&format!("/v1/changes?subject={task}"));
    for (entry, change) in entries.iter().zip(&changes) {
        for member in ["id", "at", "actor", "action", "subject", "request_id", "before", "after"] {
            assert_eq!(entry[member], change[member], "{member}");
        }
        assert!(entry["actor"].as_str().unwrap().starts_with("token:"), "{entry}");
        assert_eq!(entry["user"], json!(own));
    }
    // By time: what lies between two of them.
    let at = |index: usize| entries[index]["at"].as_str().unwrap();
    let between = ada.all(&format!("/v1/audit?from={}&until={}", at(3), at(1)));
    assert!(
        between.iter().all(|entry| entry["at"].as_str() >= Some(at(3)) && entry["at"].as_str() < Some(at(1)))
    );
    assert!(between.iter().any(|entry| entry["id"] == entries[3]["id"]), "{between:?}");

    // Theirs alone, but for an admin who names them.
    assert!(bo.all("/v1/audit").iter().all(|entry| entry["user"] == json!(others)));
    assert_eq!(bo.all(&format!("/v1/audit?task={task}")), Vec::<Value>::new());
    for path in ["", "/export", "/verify", "/anchor", &format!("/tasks/{task}")] {
        let path = format!("/v1/audit{path}?user={own}");
        bo.call(Method::GET, path.as_str()).answer().is_problem(403, "forbidden");
        service.anyone().call(Method::GET, path.as_str()).answer().is_problem(401, "unauthenticated");
        assert_eq!(owner.call(Method::GET, path.as_str()).answer().status, StatusCode::OK, "{path}");
    }
    bo.call(Method::GET, format!("/v1/audit/tasks/{task}")).answer().is_problem(404, "not-found");
    assert_eq!(owner.all(&format!("/v1/audit?user={own}")), ada.all("/v1/audit"));

    // The task as it was.
    let state = |at: &str| ada.get(format!("/v1/audit/tasks/{task}?at={at}"));
    assert_eq!(state(at(1))["state"]["task"]["title"], "Three");
    assert_eq!(state(at(4))["state"]["task"]["title"], "Ada's secret plan");
    assert_eq!(state(at(0))["deleted"], true);
    ada.call(Method::GET, format!("/v1/audit/tasks/{task}?at=2020-01-01T00:00:00Z"))
        .answer()
        .is_problem(404, "not-found");
}

/// The database is written to while nobody looks, in each way; the service finds it, and says where.
#[test]
fn whatever_is_done_to_a_chain_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state");
    let mut service = Service::with(setup(&state_dir));
    let names = [
        "before",
        "actor",
        "at",
        "told",
        "salt",
        "removed",
        "places",
        "seal",
        "unsealed",
        "digest",
        "reordered",
        "anew",
        "cut",
        "none",
    ];
    let users: Vec<(Client, String)> = names
        .iter()
        .map(|name| {
            let (user, own, _) = with_a_chain(&service, name);
            (user, own)
        })
        .collect();
    let owner = service.owner();
    let query = |own: &str| format!("?user={own}");
    let anchors: Vec<Value> =
        users.iter().map(|(_, own)| owner.get(format!("/v1/audit/anchor{}", query(own)))).collect();
    service.terminate();

    let own = |name: &str| users[names.iter().position(|other| *other == name).unwrap()].1.clone();
    let at = |name: &str, seq: i64| format!("WHERE user_id = '{}' AND seq = {seq}", own(name));
    let anew = own("anew");
    let cut = own("cut");
    service.seed().write_all(&format!(
        "{GUARDS} \
         UPDATE audit_v4 SET before = '{{}}' {}; \
         UPDATE audit_v4 SET actor = 'token:eve' {}; \
         UPDATE audit_v4 SET at = at - 1 {}; \
         UPDATE audit_v4 SET told = 0 {}; \
         UPDATE audit_v4 SET salt = 'x' {}; \
         DELETE FROM audit_v4 {}; \
         UPDATE audit_v4 SET seq = -1 {p2}; UPDATE audit_v4 SET seq = 2 {p3}; UPDATE audit_v4 SET seq = 3 {pm}; \
         DELETE FROM seal {}; \
         UPDATE audit_v4 SET after = NULL {}; UPDATE seal SET digest = 'x' {}; \
         UPDATE seal SET seq = 9 {s4}; UPDATE seal SET seq = 4 {s5}; UPDATE seal SET seq = 5 {s9}; \
         DELETE FROM seal WHERE user_id = '{anew}' AND seq > 3; \
         UPDATE audit_v4 SET after = '{{}}' WHERE user_id = '{anew}' AND seq = 4; \
         UPDATE stream SET sealed = 3, seal_at = strftime('%s', 'now') * 1000 WHERE id = '{anew}'; \
         DELETE FROM seal WHERE user_id = '{cut}' AND seq > 4; DELETE FROM audit_v4 WHERE user_id = '{cut}' AND seq > 4; \
         UPDATE stream SET sealed = 4, audited = 4 WHERE id = '{cut}'; \
         UPDATE stream SET sealed = 5 WHERE id = '{}';",
        at("before", 2),
        at("actor", 1),
        at("at", 6),
        at("told", 3),
        at("salt", 5),
        at("removed", 4),
        at("seal", 2),
        at("digest", 4),
        at("digest", 4),
        own("unsealed"),
        p2 = at("places", 2),
        p3 = at("places", 3),
        pm = at("places", -1),
        s4 = at("reordered", 4),
        s5 = at("reordered", 5),
        s9 = at("reordered", 9),
    ));
    let service = Service::with(setup(&state_dir));
    let owner = service.owner();
    for (name, what, seq) in [
        ("before", "entry-changed", 2),
        ("actor", "entry-changed", 1),
        ("at", "entry-changed", 6),
        ("told", "entry-changed", 3),
        ("salt", "entry-changed", 5),
        ("removed", "entry-missing", 4),
        ("places", "entry-changed", 2),
        ("seal", "seal-missing", 2),
        ("digest", "seal-changed", 4),
        ("reordered", "seal-changed", 4),
        ("unsealed", "seal-unexpected", 6),
    ] {
        assert_eq!(wrong(&owner, &query(&own(name))), (what.to_owned(), seq), "{name}");
    }
    // What the chain alone does not tell, an anchor from before tells.
    let anchor = |name: &str| &anchors[names.iter().position(|other| *other == name).unwrap()];
    assert_eq!(complete(&owner, &query(&anew)), 6, "made anew by the service itself");
    assert_eq!(complete(&owner, &query(&cut)), 4);
    assert_eq!(held(&owner, &query(&anew), &[anchor("anew")]), "recomputed");
    assert_eq!(held(&owner, &query(&cut), &[anchor("cut")]), "shorter");
    let mut forged = anchor("none").clone();
    forged["seq"] = json!(5);
    assert_eq!(held(&owner, &query(&own("none")), &[anchor("none"), &forged]), "anchor-forged");
    assert_eq!(held(&owner, &query(&own("none")), &[anchor("none")]), "nothing");
    // What is wrong with them keeps nobody else from being sealed.
    with_a_chain(&service, "Later");
    assert!(!service.output().contains("panicked"), "{}", service.output());
}

#[test]
fn a_stranger_verifies_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::with(setup(&folder.path().join("state")));
    let (ada, own, _) = with_a_chain(&service, "Ada");
    let export = exported(&ada, folder.path(), "export");
    let (anchors, key) = (folder.path().join("anchors"), folder.path().join("key"));
    fs::write(&anchors, ada.get("/v1/audit/anchor").to_string()).unwrap();
    fs::write(&key, format!("{KEY}\n")).unwrap();
    let run = |export: &Path| {
        verified_by_a_stranger(&[
            &own,
            export.to_str().unwrap(),
            anchors.to_str().unwrap(),
            key.to_str().unwrap(),
        ])
    };
    let Some(found) = run(&export) else { return };
    assert_eq!(found, (true, "6 entries and 1 anchors are right".to_owned()));
    let text = fs::read_to_string(&export).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = folder.path().join("changed");
    for (what, lines) in [
        ("changed", text.replacen("secret plan", "other plan", 1)),
        ("removed", [&lines[..2], &lines[3..]].concat().join("\n")),
        ("reordered", [&lines[..1], &lines[2..3], &lines[1..2], &lines[3..]].concat().join("\n")),
        ("cut", lines[..5].join("\n")),
    ] {
        fs::write(&changed, lines).unwrap();
        assert!(!run(&changed).unwrap().0, "{what}");
    }
}

#[test]
fn anchors_are_kept_outside_and_sent_where_they_are_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let (state_dir, receiver) = (folder.path().join("state"), Receiver::start());
    let mut setup = setup(&state_dir);
    let url = receiver.url();
    let host: String = url.split('/').take(3).collect::<Vec<_>>().join("/");
    setup.variables.extend([("audit_anchor_url", url), ("audit_anchor_host", host)]);
    // Without the clock of the anchors, which would be faster once a minute.
    setup.components = vec!["task-api", "recurrence-scheduler", "recurrence-scheduler-cron", "audit"];
    let service = Service::with(setup);
    let (ada, own, _) = with_a_chain(&service, "Ada");
    let call =
        |token: &str| service.anyone().post("/internal/audit").header("dapr-api-token", token).answer();
    call("wrong").is_problem(401, "unauthenticated");
    assert_eq!(call(&service.token()).ok(StatusCode::OK)["anchored"], 0, "not before a day has passed");
    service.seed().write_all("UPDATE stream SET anchor_at = 1 WHERE anchor_at IS NOT NULL;");
    let anchored = call(&service.token()).ok(StatusCode::OK)["anchored"].as_u64().unwrap();
    assert!((1..=2).contains(&anchored), "hers, and that of the admin if it was sealed: {anchored}");
    let posted = receiver.wait_for(1, SOON);
    let text = String::from_utf8(posted[0].body.to_vec()).unwrap();
    let find = |text: &str| {
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.into_iter().find(|anchor| anchor["user"] == json!(own)).unwrap()
    };
    let anchor = find(&text);
    assert_eq!(anchor["seq"], 6);
    let log = until("it is in the log", SOON, || {
        fs::read_to_string(state_dir.join("logs/audit_stdout.txt")).ok().filter(|log| log.contains(&own))
    });
    assert_eq!(find(&log), anchor);
    assert_eq!(held(&ada, "", &[&anchor]), "nothing");
    assert_eq!(call(&service.token()).ok(StatusCode::OK)["anchored"], 0, "once");
}

#[test]
fn the_clock_of_the_anchors_keeps_them_in_a_log_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state");
    let mut setup = setup(&state_dir);
    setup.components =
        vec!["task-api", "recurrence-scheduler", "recurrence-scheduler-cron", "audit", "audit-cron"];
    let service = Service::with(setup);
    let (ada, own, _) = with_a_chain(&service, "Ada");
    service.seed().write_all("UPDATE stream SET anchor_at = 1 WHERE anchor_at IS NOT NULL;");
    let log = until("a minute begins, and her chain is anchored", A_MINUTE, || {
        fs::read_to_string(state_dir.join("logs/audit-cron_stdout.txt")).ok().filter(|log| log.contains(&own))
    });
    let mut anchors = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let anchor = anchors.find(|anchor| anchor["user"] == json!(own)).unwrap();
    assert_eq!((&anchor["seq"], held(&ada, "", &[&anchor]).as_str()), (&json!(6), "nothing"));
    let other = fs::read_to_string(state_dir.join("logs/audit_stdout.txt")).unwrap_or_default();
    assert!(!other.contains(&own), "it is told where the docs say: {other}");
}

#[test]
fn a_user_who_is_erased_leaves_every_chain_right_and_nothing_of_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::with(setup(&folder.path().join("state")));
    let owner = service.owner();
    let (ada, own, task) = with_a_chain(&service, "Ada");
    let anchor = ada.get("/v1/audit/anchor");
    ada.create(&json!({ "title": "The last secret plan" }));
    assert_eq!(
        owner.call(Method::DELETE, format!("/v1/users/{own}")).answer().status,
        StatusCode::NO_CONTENT
    );
    let left = |table: &str, column: &str| {
        service.database().number(&format!("SELECT count(*) FROM {table} WHERE {column} = ?1"), [&own])
    };
    until("the entries are gone", SOON, || (left("audit_v4", "user_id") == 0).then_some(()));
    let query = format!("?user={own}");
    assert_eq!(complete(&owner, &query), 7, "sealed before it went");
    assert_eq!(owner.get(format!("/v1/audit/verify{query}"))["erased"], true);
    assert_eq!(held(&owner, &query, &[&anchor]), "nothing");
    assert_eq!(owner.all(&format!("/v1/audit{query}")), Vec::<Value>::new());
    assert!(complete(&owner, "") > 0, "the chain of who did it");
    until("nothing she wrote is left", SOON, || {
        service.database().rows_with(&["secret plan", &task]).is_empty().then_some(())
    });
    let export = owner.call(Method::GET, format!("/v1/audit/export{query}")).answer();
    assert_eq!(export.body.lines().count(), 7);
    assert!(export.body.lines().all(|line| line.contains("\"entry\":null")), "{}", export.body);
}
