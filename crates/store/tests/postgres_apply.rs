//! Commits on PostgreSQL that meet: no write is lost, done twice, or decided upon what is no longer so.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use perennial_domain::*;
use perennial_fixture::{Counting, NOON, WEEKLY, context};
use perennial_postgres::{Database, Server, connect};
use perennial_store::postgres::{Clock, NativePg, Postgres};
use perennial_store::{
    AccountStore, Apply, Claim, LaneEnd, Mark, Mode, OutboxStore, Outcome, SealStore, Settlement, Store,
    StoreError, Ticket, WorkStore, apply_each,
};
use postgres::Client;

const ALL: Apply = Apply { mode: Mode::All, relay_for: 0 };

/// The database of a test.
struct Place(Database<'static>);

impl Place {
    /// `None`: there is no PostgreSQL here.
    fn new() -> Option<Self> {
        Server::shared().map(|server| Self(server.lend()))
    }

    fn store(&self) -> Postgres<NativePg> {
        Postgres::open(NativePg::open(&self.0).unwrap(), Clock::Caller).unwrap()
    }

    /// The number that a query gives.
    fn number(&self, query: &str) -> i64 {
        connect(&self.0).query_one(query, &[]).unwrap().get(0)
    }

    /// A user, in whatever role.
    fn user(&self, ids: &mut Counting, role: &str) -> UserId {
        let id = ids.next();
        let row = format!("'{id}', 'Ada', '{role}', 'Europe/Berlin', 0");
        let insert = format!("INSERT INTO account (id, name, role, tz, created_at) VALUES ({row})");
        connect(&self.0).batch_execute(&insert).unwrap();
        UserId::new(id.to_string())
    }

    /// Begins a transaction that has applied a commit, and keeps it open.
    fn holds(&self, commit: &Commit) -> Client {
        let mut client = connect(&self.0);
        client.batch_execute("BEGIN").unwrap();
        let documents = serde_json::to_string(&[commit]).unwrap();
        client.query("SELECT * FROM perennial_apply($1::text::jsonb, 'all', 0, 0)", &[&documents]).unwrap();
        client
    }

    /// Waits until a session waits for another.
    fn until_somebody_waits(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.number(waiting) == 0 {
            assert!(Instant::now() < deadline, "nobody waits");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Ids that no other thread of a test has.
fn ids_of(thread: usize) -> Counting {
    Counting(thread as u64 * 1_000_000)
}

fn creates(user: &UserId, ids: &mut Counting) -> Commit {
    let input = serde_json::from_str(WEEKLY).unwrap();
    create_task(&mut context(user, ids), &input).unwrap().0
}

/// Runs so many at once.
fn at_once<T: Send>(many: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let run = &run;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..many).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Invariant 2: whoever looks while others write sees a user's events from the first one on without a gap, and so the audit.
#[test]
fn sequences_have_no_gap_and_are_the_order_of_commits() {
    let Some(place) = Place::new() else { return };
    let user = place.user(&mut ids_of(90), "member");
    let gaps = format!(
        "SELECT coalesce((SELECT max(sequence) - count(*) FROM outbox WHERE stream_id = '{user}'), 0) \
         + coalesce((SELECT max(seq) - count(*) FROM audit WHERE user_id = '{user}'), 0)"
    );
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = connect(&place.0);
            while !done.load(Ordering::Relaxed) {
                assert_eq!(client.query_one(&gaps, &[]).unwrap().get::<_, i64>(0), 0, "seen too early");
            }
        });
        at_once(4, |thread| {
            let (store, mut ids) = (place.store(), ids_of(thread));
            for round in 0..12 {
                let commits: Vec<Commit> = (0..=round % 3).map(|_| creates(&user, &mut ids)).collect();
                store.apply(&commits, ALL).unwrap();
            }
        });
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(place.number("SELECT max(sequence) FROM outbox"), 96);
    assert_eq!(place.number("SELECT max(seq) FROM audit"), 96);
    // Each event knows the one before it, and what is counted is what there is.
    assert_eq!(
        place.number("SELECT count(*) FROM outbox WHERE previous IS DISTINCT FROM nullif(sequence - 1, 0)"),
        0
    );
    assert_eq!(place.number("SELECT tasks FROM usage"), 96);
}

/// Invariant 12: of equal requests at once one has its effect, and the others get its answer.
#[test]
fn equal_requests_at_once_have_one_effect_and_one_answer() {
    let Some(place) = Place::new() else { return };
    let user = place.user(&mut ids_of(90), "member");
    for round in 0..5 {
        let answers = at_once(6, |thread| {
            let mut commit = creates(&user, &mut ids_of(thread + 10 * round));
            commit.idempotency = Some(IdempotencyRecord {
                key: format!("key {round}"),
                fingerprint: "the same".to_owned(),
                status: 201,
                etag: None,
                location: None,
                body: commit.id.to_string(),
                change_id: None,
            });
            let said = place.store().commit(&commit).unwrap();
            (commit.id.to_string(), said)
        });
        let first: Vec<_> = answers.iter().filter(|(_, said)| *said == Outcome::Applied(None)).collect();
        assert_eq!(first.len(), 1, "{answers:?}");
        for (_, said) in answers.iter().filter(|(id, _)| *id != first[0].0) {
            let Outcome::Answered(answer) = said else { panic!("{said:?}") };
            assert_eq!(answer.body, first[0].0);
        }
    }
    assert_eq!(place.number("SELECT count(*) FROM task"), 5);
}

/// Has one commit made and not yet there, another that waits for it, and the first one come or go; gives what is said to the other.
fn meets(place: &Place, one: &Commit, other: &Commit, end: &str) -> Result<Outcome, StoreError> {
    let mut holder = place.holds(one);
    thread::scope(|scope| {
        let waits = scope.spawn(|| place.store().commit(other));
        place.until_somebody_waits();
        holder.batch_execute(end).unwrap();
        waits.join().unwrap()
    })
}

fn is_changed(said: &Result<Outcome, StoreError>, what: &str) -> bool {
    matches!(said, Err(StoreError::Changed(refusal)) if refusal.what == what)
}

fn is_forbidden(said: &Result<Outcome, StoreError>, what: &str) -> bool {
    matches!(said, Err(StoreError::Forbidden(refusal)) if refusal.what == what)
}

/// Who waits for another commit decides nothing upon what was before it.
#[test]
fn whoever_waits_sees_what_the_other_has_done() {
    let Some(place) = Place::new() else { return };
    let (store, mut ids) = (place.store(), ids_of(90));
    let user = place.user(&mut ids, "member");
    for end in ["COMMIT", "ROLLBACK"] {
        let commit = creates(&user, &mut ids);
        store.commit(&commit).unwrap();
        let state = store.series(&user, commit.tasks[0].id, None).unwrap().unwrap();
        let [one, other] = [0, 1].map(|_| delete_task(&mut context(&user, &mut ids), &state));
        let said = meets(&place, &one, &other, end);
        match end {
            "COMMIT" => assert!(is_changed(&said, "task"), "{said:?}"),
            _ => assert_eq!(said.unwrap(), Outcome::Applied(None)),
        }
    }
    assert_eq!(place.number("SELECT max(version) FROM task"), 2);
    assert_eq!(place.number("SELECT tasks FROM usage"), 0);
}

/// Sets of commits lock the streams of their users in one order, whatever order they come in: none fails for another. The users
/// have written nothing yet.
#[test]
fn sets_of_many_users_in_any_order_do_not_lock_each_other_out() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let users: Vec<UserId> = (0..6).map(|_| place.user(&mut ids, "member")).collect();
    at_once(4, |thread| {
        let (mut client, mut ids) = (connect(&place.0), ids_of(thread));
        for round in 0..10 {
            let mut turn = users.clone();
            turn.rotate_left((thread + round) % users.len());
            if thread % 2 == 1 {
                turn.reverse();
            }
            let commits: Vec<Commit> = turn.iter().map(|user| creates(user, &mut ids)).collect();
            let documents = serde_json::to_string(&commits).unwrap();
            // Past the store, which would try again.
            client
                .query("SELECT * FROM perennial_apply($1::text::jsonb, 'all', 0, 0)", &[&documents])
                .unwrap();
        }
    });
    assert_eq!(place.number("SELECT min(sequence) FROM stream"), 40);
}

/// An admin stays, though those that there are delete themselves at once.
#[test]
fn the_last_admin_stays_whoever_is_deleted_at_once() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    connect(&place.0).batch_execute("UPDATE account SET role = 'member'").unwrap();
    let [one, other] = [0, 1].map(|_| place.user(&mut ids, "admin"));
    let [first, second] = [one, other].map(|user| delete_user(&mut context(&user, &mut ids), &user));
    let said = meets(&place, &first, &second, "COMMIT");
    assert!(is_forbidden(&said, "last-admin"), "{said:?}");
}

/// Whoever is deleted writes nothing more, though they began before.
#[test]
fn who_is_deleted_meanwhile_writes_nothing_and_is_given_nothing() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let [admin, ada, bob] = ["admin", "member", "member"].map(|role| place.user(&mut ids, role));
    let task = creates(&ada, &mut ids);
    let said = meets(&place, &delete_user(&mut context(&admin, &mut ids), &ada), &task, "COMMIT");
    assert!(is_forbidden(&said, "user"), "{said:?}");

    let input = UserInput { name: "Bob".to_owned(), tz: "UTC".to_owned(), identity: None };
    let (_, owner) = create_user(&mut context(&admin, &mut ids), &input).unwrap();
    let owner = User { id: bob.clone(), ..owner };
    let input = serde_json::from_value(serde_json::json!({ "user": bob, "name": "phone" })).unwrap();
    let own = [Scope::TasksRead, Scope::TasksWrite];
    let secret = TokenSecret::new("secret".to_owned());
    let (other, mut more) = (place.user(&mut ids, "admin"), ids_of(91));
    let (token, _) =
        create_token(&mut context(&other, &mut more), &input, Some(&owner), &own, &secret).unwrap();
    let said = meets(&place, &delete_user(&mut context(&admin, &mut ids), &bob), &token, "COMMIT");
    assert!(is_changed(&said, "user"), "{said:?}");

    // Nothing is made for them either once all that was theirs is gone.
    connect(&place.0).batch_execute(&format!("DELETE FROM stream WHERE id = '{ada}'")).unwrap();
    assert!(is_forbidden(&place.store().commit(&task), "user"));
    assert_eq!(place.number(&format!("SELECT count(*) FROM stream WHERE id = '{ada}'")), 0);
}

/// The tokens of an issuer about a subject speak for one user, though two are made for them at once.
#[test]
fn one_identity_speaks_for_one_user() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let [one, other] = [0, 1].map(|_| {
        let admin = place.user(&mut ids, "admin");
        let identity = Identity { issuer: "https://id.example".to_owned(), subject: "ada".to_owned() };
        let input = UserInput { name: "Ada".to_owned(), tz: "UTC".to_owned(), identity: Some(identity) };
        create_user(&mut context(&admin, &mut ids), &input).unwrap().0
    });
    let said = meets(&place, &one, &other, "COMMIT");
    assert!(is_forbidden(&said, "identity"), "{said:?}");
}

/// Only the last attempt made says what became of a notification, though the next one is claimed at the same time.
#[test]
fn an_attempt_that_is_overtaken_while_it_is_told_says_nothing() {
    let Some(place) = Place::new() else { return };
    let (store, mut ids) = (place.store(), ids_of(90));
    let user = place.user(&mut ids, "member");
    let commit = creates(&user, &mut ids);
    store.commit(&commit).unwrap();
    let (task, id) = (commit.tasks[0].id, NotificationId::new(ids.next()));
    let row = format!("'{id}', '{user}', '{task}', 'r', 'm', 'c', 1, 'pending', '{{}}', 1, 1");
    let columns = "id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, next_attempt_at, created_at";
    let mut claims = connect(&place.0);
    claims.batch_execute(&format!("INSERT INTO notification ({columns}) VALUES ({row})")).unwrap();

    let notification = Notification {
        id,
        subject: task.to_string(),
        channel: perennial_fixture::webhook("c").config,
        payload: "{}".to_owned(),
        attempt: 0,
        endpoint_failures: 0,
    };
    let told = record_attempt(&mut context(&user, &mut ids), &notification, &Attempt::Accepted, 1);
    claims.batch_execute("BEGIN; UPDATE work SET tries = tries + 1 WHERE kind = 'notification'").unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| place.store().commit(&told));
        place.until_somebody_waits();
        claims.batch_execute("COMMIT").unwrap();
        let said = waits.join().unwrap();
        assert!(is_changed(&said, "attempt"), "{said:?}");
    });
    assert_eq!(place.number("SELECT count(*) FROM notification WHERE state = 'pending'"), 1);
}

/// What is anyone's to see to is seen to once: parked work of another, and letters of nobody.
#[test]
fn what_two_admins_see_to_at_once_is_done_once() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let [one, other] = [0, 1].map(|_| place.user(&mut ids, "admin"));
    let user = place.user(&mut ids, "member");
    connect(&place.0)
        .batch_execute(&format!(
            "INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, parked_at) VALUES ('successor', '{user}', '{user}', 't', 'r', 1);              INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class, tries,              first_at, last_at, instance, status, status_at, event)              VALUES ('l', '', 'task-events', 'e', 'c', 's', 1, '', 's', 'x', 'permanent', 1, 1, 1, 'i', 'open', 1, 'no event')"
        ))
        .unwrap();
    let parked = place.number("SELECT id FROM work WHERE kind = 'successor'");
    let [first, second] =
        [&one, &other].map(|admin| retry_parked(&mut context(admin, &mut ids), parked, &user));
    let said = meets(&place, &first, &second, "COMMIT");
    assert!(is_changed(&said, "parked"), "{said:?}");

    let letter = ExpectLetter {
        place: place.number("SELECT place FROM dead_letter"),
        user_id: String::new(),
        status: LetterStatus::Open,
    };
    let [first, second] = [&one, &other].map(|admin| {
        let letters = vec![letter.clone()];
        change_letters(
            &mut context(admin, &mut ids),
            LetterAction::Replay,
            letters,
            "l",
            serde_json::json!({}),
        )
    });
    let said = meets(&place, &first, &second, "COMMIT");
    assert!(is_changed(&said, "letter"), "{said:?}");
    assert_eq!(place.number("SELECT replays FROM dead_letter"), 1);
}

/// A commit that comes once more after its answer was lost is what it was: applied, with its lease, and not twice.
#[test]
fn a_commit_that_comes_once_more_is_applied_once_and_keeps_its_lease() {
    let Some(place) = Place::new() else { return };
    let (store, mut ids) = (place.store(), ids_of(90));
    let user = place.user(&mut ids, "member");
    let mut commit = creates(&user, &mut ids);
    commit.idempotency = Some(IdempotencyRecord {
        key: "key".to_owned(),
        fingerprint: "it".to_owned(),
        status: 201,
        etag: None,
        location: None,
        body: "{}".to_owned(),
        change_id: None,
    });
    let how = Apply { mode: Mode::All, relay_for: 5_000 };
    let [first, again] = [0, 1].map(|_| store.apply(std::slice::from_ref(&commit), how).unwrap());
    assert!(
        matches!(&first[..], [Outcome::Applied(Some(lease))] if lease.places == [(1, None)]),
        "{first:?}"
    );
    assert_eq!(first, again);
    assert_eq!(place.number("SELECT relay_at FROM stream"), NOON.plus_millis(5_000).as_millis());
    assert_eq!(place.number("SELECT count(*) FROM task"), 1);
}

/// The lease of a commit goes by the clock that all replicas share, and not by that of whoever writes.
#[test]
fn leases_go_by_the_clock_of_the_database() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let user = place.user(&mut ids, "member");
    let store = Postgres::open(NativePg::open(&place.0).unwrap(), Clock::Database).unwrap();
    store.apply(&[creates(&user, &mut ids)], Apply { mode: Mode::All, relay_for: 5_000 }).unwrap();
    let ahead = "SELECT relay_at - floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM stream";
    assert!((-300_000..=5_000).contains(&place.number(ahead)), "{}", place.number(ahead));
}

/// So does whoever writes: they are told what time it is with the token that is looked up, or where they ask.
#[test]
fn whoever_writes_is_told_the_time_of_the_database() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let (user, token) = (place.user(&mut ids, "member"), ids.next());
    let now = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let values = format!("'{token}', '{}', 'test', 'hash', '[]', 0, {now} + 3600000", user.as_str());
    let insert = "INSERT INTO token (id, user_id, name, hash, scopes, created_at, expires_at) VALUES";
    connect(&place.0).batch_execute(&format!("{insert} ({values})")).unwrap();
    let store = Postgres::open(NativePg::open(&place.0).unwrap(), Clock::Database).unwrap();
    let time = || store.time().unwrap().unwrap().as_millis();
    let by_the_database = || place.number(&format!("SELECT {now}"));

    let (before, far) = (by_the_database(), NOON.plus_millis(1_000 * 366 * 86_400_000));
    assert!(store.token_owner("hash", far).unwrap().is_some(), "it expires by the clock of the database");
    let after = by_the_database();
    thread::sleep(Duration::from_millis(2));
    assert!((before..=after).contains(&time()), "it was told with the token");
    assert!(time() > after, "it is asked for");

    connect(&place.0).batch_execute(&format!("UPDATE token SET expires_at = {now} - 1")).unwrap();
    assert!(
        store.token_owner("hash", NOON).unwrap().is_none(),
        "it has expired by the clock of the database"
    );
    assert_eq!(place.store().time().unwrap(), None);
}

/// What a commit names is looked up by indexes, though the session began while all tables were empty and known to be.
#[test]
fn a_session_that_began_with_empty_tables_does_not_walk_through_full_ones() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let user = place.user(&mut ids, "member");
    let native = NativePg::open(&place.0).unwrap();
    native.batch("ANALYZE").unwrap();
    let store = Postgres::open(&native, Clock::Caller).unwrap();
    let mut all = || {
        let create = creates(&user, &mut ids);
        let (id, first) = (create.tasks[0].id, &create.opened[0].recurrence_id);
        store.commit(&create).unwrap();
        let state = store.series(&user, id, Some(first)).unwrap().unwrap();
        let Completion::Closes(closes, _) = complete(&mut context(&user, &mut ids), &state).unwrap() else {
            panic!()
        };
        store.commit(&closes).unwrap();
        let state = store.series(&user, id, None).unwrap().unwrap();
        store.commit(&delete_task(&mut context(&user, &mut ids), &state)).unwrap();
    };
    all();

    let other = ids_of(91).next();
    connect(&place.0)
        .batch_execute(&format!(
            "SET session_replication_role = replica; \
             INSERT INTO task (id, user_id, version, title, description, priority, tags, reminders, status, created_at, updated_at) \
             SELECT 't' || n, '{other}', 1, 't', '', 'none', '[]', '[]', 'open', 1, 1 FROM generate_series(1, 5000) AS n; \
             INSERT INTO occurrence (task_id, recurrence_id, user_id, ordinal, status, succession, tzdata) \
             SELECT 't' || n, '', '{other}', 1, 'open', 'none', '2025a' FROM generate_series(1, 5000) AS n; \
             INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state) \
             SELECT 't' || n, '', 'r', '{other}', 1, 'armed' FROM generate_series(1, 5000) AS n; \
             INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, parked_at) \
             SELECT 'reminder', '{other}', '{other}', 't' || n, '', 'r', nullif(n % 2, 0), nullif((n + 1) % 2, 0) \
             FROM generate_series(1, 5000) AS n; \
             INSERT INTO notification (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, created_at) \
             SELECT 'n' || n, '{other}', 't' || n, '', 'r', 'c', 1, 'pending', '{{}}', 1 FROM generate_series(1, 5000) AS n"
        ))
        .unwrap();
    let read = || {
        native.batch("SELECT pg_stat_force_next_flush()").unwrap();
        place.number("SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables")
    };
    let before = read();
    all();
    let rows = read() - before;
    assert!(rows < 1_000, "{rows} rows were read");
}

/// Puts an item on the list of successors, which waits since a time in milliseconds.
fn owes(place: &Place, user: &UserId, task: &str, since: i64) {
    let columns = "kind, user_id, lane, task_id, recurrence_id, wake_at";
    let row = format!("'successor', '{user}', '{user}', '{task}', 'r', {since}");
    connect(&place.0).batch_execute(&format!("INSERT INTO work ({columns}) VALUES ({row})")).unwrap();
}

/// How many items a claim takes at a time in milliseconds.
fn claimed(client: &mut Client, at: i64) -> usize {
    let claim =
        "SELECT id FROM perennial_claim('c', 'successor', false, $1::bigint, 5000, 0, 10, 10, 10, NULL)";
    client.query(claim, &[&at]).unwrap().len()
}

/// A table has more columns from one version to the next: sessions that have worked with it go on (schema/README.md, rule 3).
#[test]
fn a_column_more_is_no_matter_to_sessions_that_are_there() {
    let Some(place) = Place::new() else { return };
    let (store, mut ids) = (place.store(), ids_of(90));
    let user = place.user(&mut ids, "member");
    let mut claims = connect(&place.0);
    let mut round = |number: i64| {
        let commit = creates(&user, &mut ids);
        store.commit(&commit).unwrap();
        let state = store.series(&user, commit.tasks[0].id, None).unwrap().unwrap();
        store.commit(&delete_task(&mut context(&user, &mut ids), &state)).unwrap();
        owes(&place, &user, &format!("t{number}"), 1);
        assert_eq!(claimed(&mut claims, number * 1_000_000), 1, "round {number}");
    };
    round(1);
    let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1";
    let tables: Vec<String> =
        connect(&place.0).query(tables, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    assert!(tables.len() > 30, "{tables:?}");
    for table in &tables {
        let add = format!("ALTER TABLE {table} ADD COLUMN of_a_later_version text");
        connect(&place.0).batch_execute(&add).unwrap();
    }
    round(2);
    for table in tables {
        let drop = format!("ALTER TABLE {table} DROP COLUMN of_a_later_version");
        connect(&place.0).batch_execute(&drop).unwrap();
    }
    round(3);
}

/// Who writes for many waits for one of them with nobody else's stream locked: the others are not waited for in turn.
#[test]
fn a_set_for_many_users_waits_for_a_busy_one_alone() {
    let Some(place) = Place::new() else { return };
    let (store, mut ids) = (place.store(), ids_of(90));
    let [one, other] = [0, 1].map(|_| place.user(&mut ids, "member"));
    for user in [&one, &other] {
        store.commit(&creates(user, &mut ids)).unwrap();
        owes(&place, user, &format!("of {user}"), 1);
    }
    let mut claims = connect(&place.0);
    assert_eq!(claimed(&mut claims, 1_000_000), 2);
    let rows = claims.query("SELECT json_build_object('id', id, 'claim', claim, 'tries', tries, 'user', user_id, 'after', 1000, \
        'tries_after', 0, 'reason', 'x', 'parks', false)::text FROM work WHERE kind = 'successor' AND task_id LIKE 'of %'", &[]).unwrap();
    let settled =
        format!("[{}]", rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join(","));
    let mut holder = place.holds(&creates(&other, &mut ids));
    claims.batch_execute("SET lock_timeout = '5s'").unwrap();
    // What is of the busy one is told, and the rest is done.
    let settle = "SELECT s FROM perennial_settle($1::text::jsonb, 1000000) AS s";
    assert_eq!(claims.query(settle, &[&settled]).unwrap().len(), 1);
    let unsettled = "SELECT count(*) FROM work WHERE task_id LIKE 'of %' AND unsettled > 0 AND user_id";
    assert_eq!(place.number(&format!("{unsettled} = '{one}'")), 0);
    assert_eq!(place.number(&format!("{unsettled} = '{other}'")), 1);

    let commits = [creates(&one, &mut ids), creates(&other, &mut ids)];
    let (written, mine) = (commits[0].tasks[0].id, creates(&one, &mut ids));
    thread::scope(|scope| {
        let waits = scope.spawn(|| place.store().apply(&commits, Apply { mode: Mode::Each, relay_for: 0 }));
        place.until_somebody_waits();
        let there = place.number(&format!("SELECT count(*) FROM task WHERE id = '{written}'"));
        // Its stream is free: a request would be refused after two seconds.
        let asked = place.store().apply(&[mine], Apply { mode: Mode::All, relay_for: 1 });
        holder.batch_execute("COMMIT").unwrap();
        assert_eq!(there, 1);
        assert!(asked.is_ok(), "{asked:?}");
        assert_eq!(waits.join().unwrap().unwrap(), vec![Outcome::Applied(None); 2]);
    });
}

/// Of a set for many users each commit is told what became of itself, though one that had to wait fails after the others were done.
#[test]
fn what_is_applied_is_told_though_a_later_one_fails() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let [one, busy, more] = [0, 1, 2].map(|_| place.user(&mut ids, "member"));
    for user in [&one, &busy, &more] {
        place.store().commit(&creates(user, &mut ids)).unwrap();
    }
    connect(&place.0).batch_execute("ALTER TABLE task ADD CHECK (title <> 'Fails')").unwrap();
    let mut fails = creates(&busy, &mut ids);
    fails.tasks[0].title = "Fails".to_owned();
    let commits = [creates(&one, &mut ids), creates(&busy, &mut ids), fails, creates(&more, &mut ids)];
    let mut holders = [&busy, &more].map(|user| place.holds(&creates(user, &mut ids)));
    let said = thread::scope(|scope| {
        let applies = scope.spawn(|| apply_each(&place.store(), &commits).unwrap());
        place.until_somebody_waits();
        holders.iter_mut().for_each(|holder| holder.batch_execute("COMMIT").unwrap());
        applies.join().unwrap()
    });
    let applied = Outcome::Applied(None);
    assert!(
        matches!(&said[..], [a, b, Outcome::Failed(_), c] if [a, b, c].iter().all(|said| **said == applied)),
        "{said:?}"
    );
    assert_eq!(place.number("SELECT count(*) FROM task"), 8);
}

/// Where a session is lost at one that had to wait, the others of the set are done, and are told so.
#[test]
fn what_is_applied_is_told_though_the_store_goes_out_of_reach() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let [one, busy, more] = [0, 1, 2].map(|_| place.user(&mut ids, "member"));
    for user in [&one, &busy, &more] {
        place.store().commit(&creates(user, &mut ids)).unwrap();
    }
    let commits = [creates(&more, &mut ids), creates(&busy, &mut ids), creates(&one, &mut ids)];
    let mut holders = [&busy, &more].map(|user| place.holds(&creates(user, &mut ids)));
    let said = thread::scope(|scope| {
        let applies = scope.spawn(|| apply_each(&place.store(), &commits).unwrap());
        place.until_somebody_waits();
        let waits = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        connect(&place.0).batch_execute(waits).unwrap();
        applies.join().unwrap()
    });
    holders.iter_mut().for_each(|holder| holder.batch_execute("COMMIT").unwrap());
    assert!(
        matches!(&said[..], [Outcome::Lost(_), Outcome::Lost(_), done] if *done == Outcome::Applied(None)),
        "{said:?}"
    );
}

/// A request does not wait for ever for a user who writes: others wait for its session.
#[test]
fn a_request_waits_for_a_busy_user_for_moments() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let user = place.user(&mut ids, "member");
    place.store().commit(&creates(&user, &mut ids)).unwrap();
    let mut holder = place.holds(&creates(&user, &mut ids));
    let commit = creates(&user, &mut ids);
    thread::scope(|scope| {
        let asked = scope.spawn(|| place.store().apply(&[commit], Apply { mode: Mode::All, relay_for: 1 }));
        let begun = Instant::now();
        while !asked.is_finished() && begun.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(20));
        }
        holder.batch_execute("COMMIT").unwrap();
        let said = asked.join().unwrap();
        assert!(matches!(said, Err(StoreError::Busy(_))), "{said:?}");
    });
}

/// Nor does a clock: what is of others is done, and what is of the busy ones later.
#[test]
fn a_clock_waits_for_busy_users_for_moments() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let users: Vec<UserId> = (0..5).map(|_| place.user(&mut ids, "member")).collect();
    let store = place.store();
    for user in &users {
        store.commit(&creates(user, &mut ids)).unwrap();
        owes(&place, user, &ids.next().to_string(), 1);
    }
    let now = NOON.plus_millis(60_000);
    let (free, busy) = users.split_first().unwrap();
    let claim = Claim {
        id: "clock".to_owned(),
        again: false,
        now,
        lease_for: 60_000,
        hold_for: 0,
        lanes: 9,
        per_lane: 9,
        shard: None,
    };
    let tickets: Vec<Ticket> =
        store.claim_successors(&claim).unwrap().into_iter().map(|one| one.ticket).collect();
    assert_eq!(tickets.len(), users.len());
    let leases = store.lease_streams(now, 60_000, 9, None).unwrap();
    let marks: Vec<Mark> =
        leases.into_iter().map(|lease| Mark { lease, up_to: 1, pause: None, refused: false }).collect();
    assert_eq!(marks.len(), users.len());
    let commits: Vec<Commit> = users.iter().map(|user| creates(user, &mut ids)).collect();
    let holders = busy.iter().map(|user| place.holds(&creates(user, &mut ids))).collect();

    let done = in_time(holders, || {
        let said = apply_each(&place.store(), &commits).unwrap();
        assert_eq!(said[0], Outcome::Applied(None));
        assert_eq!(said[1..], vec![Outcome::Busy; busy.len()]);
        let later = |ticket: &Ticket| (ticket.clone(), Settlement::Release { after: 0 });
        place.store().settle(&tickets.iter().map(later).collect::<Vec<_>>(), now).unwrap();
        place.store().renew(&tickets, now, 60_000).unwrap();
        place.store().mark_published(&marks, now).unwrap();
        place.store().seal(now, 100).unwrap();
        let due = place.store().due_anchors(now.plus_millis(86_400_000), 100).unwrap();
        place.store().anchored(&due.heads, now.plus_millis(86_400_000)).unwrap();
    });
    assert!(done, "somebody is waited for without end");
    let settled = |which: &str| {
        place.number(&format!("SELECT count(*) FROM work WHERE recurrence_id = 'r' AND unsettled = 0 AND user_id {which} '{free}'"))
    };
    assert_eq!((settled("="), settled("<>")), (1, 0));
    let streams = |what: &str| place.number(&format!("SELECT count(*) FROM stream WHERE {what}"));
    assert_eq!((streams("published = 1"), streams("published = 0")), (1, 4));
    assert_eq!((streams("sealed > 0"), streams("sealed = 0")), (1, 4));
}

/// Requests that write for one user without end stand before whatever else writes there, and wait for two seconds each: it waits a little longer,
/// and has its turn.
#[test]
fn whatever_else_writes_has_its_turn_among_requests_without_end() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let user = place.user(&mut ids, "member");
    let store = place.store();
    store.commit(&creates(&user, &mut ids)).unwrap();
    owes(&place, &user, &ids.next().to_string(), 1);
    let now = NOON.plus_millis(60_000);
    let claim = Claim {
        id: "clock".to_owned(),
        again: false,
        now,
        lease_for: 60_000,
        hold_for: 0,
        lanes: 9,
        per_lane: 9,
        shard: None,
    };
    let tickets: Vec<Ticket> =
        store.claim_successors(&claim).unwrap().into_iter().map(|one| one.ticket).collect();
    assert_eq!(tickets.len(), 1);
    // What is renewed are attempts to deliver.
    connect(&place.0).batch_execute("UPDATE work SET kind = 'notification'").unwrap();
    let is_over = AtomicBool::new(false);
    let write = format!(
        "BEGIN; SET LOCAL lock_timeout = '2s'; SELECT 1 FROM stream WHERE id = '{user}' FOR NO KEY UPDATE; SELECT pg_sleep(0.05); COMMIT"
    );
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                let mut session = connect(&place.0);
                while !is_over.load(Ordering::Relaxed) {
                    if session.batch_execute(&write).is_err() {
                        session.batch_execute("ROLLBACK").unwrap();
                    }
                }
            });
        }
        // Until they stand one behind the other.
        thread::sleep(Duration::from_secs(2));
        let leased = store.lease_stream(&user.stream(), now, 60_000);
        let renewed = store.renew(&tickets, now, 60_000);
        let marked = leased.as_ref().ok().and_then(Option::as_ref).map(|lease| {
            store.mark_published(&[Mark { lease: lease.clone(), up_to: 1, pause: None, refused: false }], now)
        });
        let applied = apply_each(&store, &[creates(&user, &mut ids)]);
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(applied.unwrap(), [Outcome::Applied(None)]);
        assert!(matches!(leased, Ok(Some(_))), "{leased:?}");
        assert_eq!(renewed.unwrap(), Vec::<i64>::new());
        marked.unwrap().unwrap();
    });
    assert_eq!(place.number("SELECT published FROM stream"), 1);
}

/// What a relay notes of a hot user's lanes waits for moments, as all that it writes.
#[test]
fn the_ends_of_lanes_wait_for_a_busy_user_for_moments() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let user = place.user(&mut ids, "member");
    let store = place.store();
    store.commit(&creates(&user, &mut ids)).unwrap();
    let lease = store.lease_stream(&user.stream(), NOON.plus_millis(60_000), 60_000).unwrap().unwrap();
    let (stream, fence) = (lease.stream, lease.fence);
    let end = LaneEnd { stream, fence, lane: (1, "task-events".to_owned()), last: 1, before: None };
    let holders = vec![place.holds(&creates(&user, &mut ids))];
    let done = in_time(holders, || {
        let noted = place.store().note_lanes(std::slice::from_ref(&end));
        assert!(matches!(noted, Err(StoreError::Busy(_))), "{noted:?}");
    });
    assert!(done, "it waits without end");
    store.note_lanes(&[end]).unwrap();
    assert_eq!(place.number("SELECT count(*) FROM hot_lane"), 1);
}

/// What is owed to a user who writes for long is not given up: nothing of it was tried.
#[test]
fn what_waits_for_a_busy_user_is_never_parked() {
    let Some(place) = Place::new() else { return };
    let mut ids = ids_of(90);
    let user = place.user(&mut ids, "member");
    place.store().commit(&creates(&user, &mut ids)).unwrap();
    owes(&place, &user, &ids.next().to_string(), 1);
    let holder = place.holds(&creates(&user, &mut ids));
    // It is waited for as long as it takes, but not by this test.
    let soon = "ALTER FUNCTION perennial_settle(jsonb, bigint) SET lock_timeout = '100ms'";
    connect(&place.0).batch_execute(soon).unwrap();
    let round = |minute: i64, again: bool| -> Vec<Ticket> {
        let now = NOON.plus_millis(minute * 60_000);
        let claim = Claim {
            id: format!("{minute}"),
            again,
            now,
            lease_for: 5_000,
            hold_for: 0,
            lanes: 9,
            per_lane: 9,
            shard: None,
        };
        let claimed = place.store().claim_successors(&claim).unwrap();
        let tickets: Vec<Ticket> = claimed.into_iter().map(|one| one.ticket).collect();
        let later = |ticket: &Ticket| (ticket.clone(), Settlement::Release { after: 0 });
        place.store().settle(&tickets.iter().map(later).collect::<Vec<_>>(), now).unwrap();
        tickets
    };
    for minute in 0..14 {
        assert_eq!(round(minute, minute > 0).len(), 1, "minute {minute}");
    }
    assert_eq!(place.number("SELECT count(*) FROM work WHERE parked_at IS NOT NULL"), 0);
    drop(holder);
    let last = round(15, true);
    assert_eq!(last.iter().map(|ticket| ticket.tries).collect::<Vec<_>>(), [1]);
    assert_eq!(place.number("SELECT unsettled FROM work WHERE recurrence_id = 'r'"), 0);
}

/// Whether something is done while others hold what they hold: within two minutes, after which they let it go.
fn in_time(holders: Vec<Client>, act: impl FnOnce() + Send) -> bool {
    thread::scope(|scope| {
        let acts = scope.spawn(act);
        let begun = Instant::now();
        while !acts.is_finished() && begun.elapsed() < Duration::from_secs(120) {
            thread::sleep(Duration::from_millis(20));
        }
        let done = acts.is_finished();
        drop(holders);
        acts.join().unwrap();
        done
    })
}

/// Whoever writes all the time has their lane locked most of the time: one that was due for long is waited for, and not passed over.
#[test]
fn a_lane_that_was_due_for_long_is_waited_for() {
    let Some(place) = Place::new() else { return };
    let user = place.user(&mut ids_of(90), "member");
    owes(&place, &user, "t", 10_000);
    let (mut writes, mut claims) = (connect(&place.0), connect(&place.0));
    let lock = "BEGIN; SELECT 1 FROM lane WHERE kind = 'successor' AND NOT again FOR UPDATE";
    writes.batch_execute(lock).unwrap();
    assert_eq!(claimed(&mut claims, 11_000), 0, "it has been due for a second");
    assert_eq!(claimed(&mut claims, 20_000), 0, "it is not waited for longer than for moments");
    thread::scope(|scope| {
        let waits = scope.spawn(|| claimed(&mut claims, 20_000));
        place.until_somebody_waits();
        writes.batch_execute("COMMIT").unwrap();
        assert_eq!(waits.join().unwrap(), 1);
    });
}

/// A claim has lanes locked that a write may want: it waits for no write, or each would have what the other wants.
#[test]
fn a_claim_waits_for_nobody_who_changes_a_lane() {
    let Some(place) = Place::new() else { return };
    let user = place.user(&mut ids_of(90), "member");
    let (mut writes, mut claims) = (connect(&place.0), connect(&place.0));
    owes(&place, &user, "begun", 50);
    assert_eq!(claimed(&mut claims, 1_000), 1);
    owes(&place, &user, "next", 100);
    // What was begun ends, and has not ended yet: the lane of what was begun before stands changed.
    writes.batch_execute("BEGIN; DELETE FROM work WHERE recurrence_id = 'r' AND task_id = 'begun'").unwrap();
    claims.batch_execute("SET lock_timeout = '5s'").unwrap();
    assert_eq!(claimed(&mut claims, 1_500), 0, "the lane is left alone while another is at it");
    writes.batch_execute("COMMIT").unwrap();
    assert_eq!(claimed(&mut claims, 1_600), 1);
}

/// Where a lane is looked through from is never after what waits in it, whoever comes while it is claimed, and whatever becomes of both.
#[test]
fn what_comes_into_a_lane_while_it_is_claimed_is_found() {
    let Some(place) = Place::new() else { return };
    let (mut claims, mut writes) = (connect(&place.0), connect(&place.0));
    for end in ["COMMIT", "ROLLBACK"] {
        let user = place.user(&mut ids_of(90 + end.len()), "member");
        let left = usize::from(end == "ROLLBACK");
        owes(&place, &user, "first", 50);
        owes(&place, &user, "last", 500_000);
        claims.batch_execute("BEGIN").unwrap();
        assert_eq!(claimed(&mut claims, 1_000), 1);
        thread::scope(|scope| {
            let comes = scope.spawn(|| owes(&place, &user, "between", 100));
            place.until_somebody_waits();
            claims.batch_execute(end).unwrap();
            comes.join().unwrap();
        });
        assert_eq!(claimed(&mut claims, 1_100), 1 + left, "{end}");

        // The other way round: it has come, and is not there yet.
        let columns = "kind, user_id, lane, task_id, recurrence_id, wake_at";
        let row = format!("'successor', '{user}', '{user}', 'one more', 'r', 200");
        writes.batch_execute(&format!("BEGIN; INSERT INTO work ({columns}) VALUES ({row})")).unwrap();
        assert_eq!(claimed(&mut claims, 1_200), 0, "{end}");
        writes.batch_execute(end).unwrap();
        assert_eq!(claimed(&mut claims, 1_300), 1 - left, "{end}");
        let next = format!("SELECT next_at FROM lane WHERE lane = '{user}' AND NOT again");
        assert_eq!(place.number(&next), 500_000, "{end}");
        connect(&place.0).batch_execute("DELETE FROM work").unwrap();
    }
}

/// Two that count what has ended in different order do not lock each other out, though they count in the same place.
#[test]
fn what_is_counted_in_any_order_locks_nobody_out() {
    let Some(place) = Place::new() else { return };
    let (store, mut ids) = (place.store(), ids_of(90));
    let user = place.user(&mut ids, "member");
    let commit = creates(&user, &mut ids);
    store.commit(&commit).unwrap();
    let task = commit.tasks[0].id;
    let columns =
        "id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, created_at";
    let rows: Vec<String> = (0..4)
        .map(|number| {
            format!("('n{number}', '{user}', '{task}', 'r', 'm', 'c', {number}, 'pending', '{{}}', 1)")
        })
        .collect();
    connect(&place.0)
        .batch_execute(&format!("INSERT INTO notification ({columns}) VALUES {}", rows.join(",")))
        .unwrap();
    // Of seventeen sessions two have one place.
    let mut sessions: Vec<(i64, Client)> = (0..17)
        .map(|_| {
            let mut client = connect(&place.0);
            let place: i64 = client.query_one("SELECT pg_backend_pid()::bigint % 16", &[]).unwrap().get(0);
            (place, client)
        })
        .collect();
    sessions.sort_by_key(|(place, _)| *place);
    let pair = sessions.windows(2).position(|pair| pair[0].0 == pair[1].0).unwrap();
    let (mut one, mut other) = (sessions.remove(pair).1, sessions.remove(pair).1);
    let ends = |id: &str, state: &str| format!("UPDATE notification SET state = '{state}' WHERE id = '{id}'");
    one.batch_execute(&format!("BEGIN; {}", ends("n0", "delivered"))).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            other.batch_execute(&format!(
                "BEGIN; {}; {}; COMMIT",
                ends("n1", "failed"),
                ends("n2", "delivered")
            ))
        });
        place.until_somebody_waits();
        one.batch_execute(&format!("{}; COMMIT", ends("n3", "failed"))).unwrap();
        waits.join().unwrap().unwrap();
    });
    assert_eq!(
        place.number("SELECT sum(value)::bigint FROM tally WHERE name LIKE 'notifications_total%'"),
        4
    );
}
