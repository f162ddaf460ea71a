//! What a write costs in counts: pages that go to the log, and instructions that its statement is compiled to where nobody
//! keeps it prepared.

use std::collections::BTreeMap;

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, Recorded, WEEKLY, sqlite_only};
use perennial_store::{Apply, Mode, Store};
use rusqlite::Connection;

/// A page in the log: its own bytes and its head's.
const FRAME: usize = 4096 + 24;

fn create(fixture: &mut Fixture, user: &UserId) -> Commit {
    let input = serde_json::from_str(WEEKLY).unwrap();
    let (mut commit, ..) = create_task(&mut fixture.context(user), &input).unwrap();
    commit.idempotency = Some(IdempotencyRecord {
        key: fixture.ids.next().to_string(),
        fingerprint: "x".repeat(64),
        status: 201,
        etag: Some("\"1\"".to_owned()),
        location: Some("/v1/tasks/1".to_owned()),
        body: "x".repeat(400),
        change_id: None,
    });
    commit
}

/// In a store of 10,000 tasks of twenty users, a create with an Idempotency-Key that takes the relay's lease with it.
#[test]
fn a_create_writes_few_pages() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let users: Vec<UserId> = (0..20).map(|number| fixture.user(&format!("user {number}"))).collect();
    for _ in 0..10 {
        let many: Vec<Commit> =
            users.iter().cycle().take(1_000).map(|user| create(&mut fixture, user)).collect();
        fixture.store.apply(&many, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    }
    let connection = Connection::open(fixture.path()).unwrap();
    let mut pages: BTreeMap<String, usize> = BTreeMap::new();
    for user in &users {
        fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL");
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let commit = create(&mut fixture, user);
        fixture.store.apply(&[commit], Apply { mode: Mode::All, relay_for: 2_000 }).unwrap();
        let log = std::fs::read(fixture.path().with_file_name("db-wal")).unwrap();
        for frame in log[32..].chunks(FRAME) {
            let page = u32::from_be_bytes(frame[..4].try_into().unwrap());
            let tree = "SELECT name FROM dbstat WHERE pageno = ?1";
            let name = connection.query_row(tree, [page], |row| row.get(0));
            *pages.entry(name.unwrap_or_else(|_| "free".to_owned())).or_default() += 1;
        }
    }
    let mean = pages.values().sum::<usize>() as f64 / users.len() as f64;
    println!("{mean} pages a create: {pages:#?}");
    assert!(mean < 40.6, "{mean} pages a create: {pages:#?}");
}

/// Spin prepares each statement anew, with every trigger that it might set off.
#[test]
fn a_create_compiles_only_what_a_create_does() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let connection = Connection::open(fixture.path()).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    let compiled = |commits: &[Commit]| {
        store.apply(commits, Apply { mode: Mode::All, relay_for: 2_000 }).unwrap();
        let statement = recorded.statements.borrow().last().unwrap().clone();
        let mut explained = connection.prepare(&format!("EXPLAIN {statement}")).unwrap();
        let mut rows = explained.raw_query();
        let mut instructions = 0;
        while rows.next().unwrap().is_some() {
            instructions += 1;
        }
        instructions
    };
    let one = [create(&mut fixture, &user)];
    let many: Vec<Commit> = (0..10).map(|_| create(&mut fixture, &user)).collect();
    let (new, set) = (compiled(&one), compiled(&many));
    let state = fixture.state_with(&user, &task, &occurrence);
    let Completion::Closes(completes, _) = complete(&mut fixture.context(&user), &state).unwrap() else {
        unreachable!("it is open")
    };
    let mixed = [create(&mut fixture, &user), *completes];
    let any = compiled(&mixed);
    println!("instructions: a create {new}, ten {set}, with a completion {any}");
    // A set is taken out of its array; what is done with each is the same.
    assert!(new < set && set < 4_225, "{new} instructions, {set} for ten creates");
    assert!(any > 4 * new, "{any} instructions where anything may be done, {new} for a create");
}

/// What is due in one second is fired in few commits: an alarm costs the same however many share one.
#[test]
fn an_alarm_costs_the_same_however_many_fire_with_it() {
    sqlite_only!();
    // Written as the store does, or through the view that takes any commit.
    let cost = |together: usize, any: bool| {
        let mut fixture = Fixture::new();
        let user = fixture.user("ada");
        (0..100).for_each(|_| drop(fixture.task(&user, WEEKLY)));
        let due = fixture.due_reminders(NOON.plus_millis(7 * 86_400_000));
        let commits: Vec<Commit> = due
            .chunks(together)
            .map(|some| {
                let alarms: Vec<_> = some.iter().map(|due| &due.alarm).collect();
                fire_all(&mut fixture.context(&user), &alarms, &[])
            })
            .collect();
        let recorded = Recorded::default();
        let store = fixture.watched(&recorded);
        // The first ones tell the statement, which is that of a set.
        store.apply(&commits[..2], Apply { mode: Mode::Each, relay_for: 0 }).unwrap();
        let mut statement = recorded.statements.borrow().last().unwrap().clone();
        if any {
            statement = statement.replace("write_fired_v5", "write_v5");
        }
        let connection = Connection::open(fixture.path()).unwrap();
        let mut prepared = connection.prepare(&statement).unwrap();
        let document = serde_json::to_string(&commits[2..]).unwrap();
        let applied = prepared.query_map((&document, "each", 0), |_| Ok(())).unwrap().count();
        assert_eq!(applied, commits.len() - 2);
        f64::from(prepared.get_status(rusqlite::StatementStatus::VmStep))
            / ((commits.len() - 2) * together) as f64
    };
    let (few, many, any) = (cost(5, false), cost(25, false), cost(25, true));
    println!("steps an alarm: {few} of five, {many} of twenty-five, {any} through the view for any commit");
    assert!(many < few, "{few} of five, {many} of twenty-five");
    assert!(many < any * 0.8, "{many} through the view for what fires, {any} through the other");
}
