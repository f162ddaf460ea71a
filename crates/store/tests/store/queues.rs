//! The lists of work and the outbox: nothing is lost in them, nothing sleeps for ever, and no answer is larger than a guest bears.

use std::collections::BTreeSet;

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_recurrence::tzdata_version;
use perennial_store::{
    Apply, Claim, Lease, Mark, Mode, OutboxStore, Outcome, Settlement, Share, Store, Value, WorkStore,
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn at(millis: i64) -> Timestamp {
    NOON.plus_millis(millis)
}

fn integers(fixture: &Fixture, query: &str) -> Vec<i64> {
    let integer = |value| match value {
        Value::Integer(number) => number,
        other => panic!("{other:?}"),
    };
    fixture.rows(query).concat().into_iter().map(integer).collect()
}

/// A series whose first occurrence is done, so that it is owed the next.
fn owed(fixture: &mut Fixture, user: &UserId) -> Task {
    let (task, occurrence) = fixture.task(user, WEEKLY);
    fixture.complete(user, &task, &occurrence).unwrap();
    task
}

/// A series that stacks: its open occurrence owes the next one when it is due, two days from now.
fn stacked(fixture: &mut Fixture, user: &UserId) -> Task {
    let stacks = WEEKLY.replace(r#""FREQ=WEEKLY""#, r#""FREQ=WEEKLY", "overlap": "stack""#);
    fixture.task(user, &stacks).0
}

/// What was sent for an instant is not sent for it again, and its alarm is no work that nobody can do.
#[test]
fn a_reminder_that_is_set_back_to_when_it_fired_has_fired() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let now = r#"{"title": "Now", "due": {"local": "2026-11-21T13:00:00", "tz": "Europe/Berlin"},
        "reminders": [{"trigger": "PT0S"}]}"#;
    let (task, _) = fixture.task(&user, now);
    let due = fixture.due_reminders(NOON).pop().unwrap();
    let fires = fire(&mut fixture.context(&user), &due.alarm, &due.channels);
    fixture.store.commit(&fires).unwrap();
    for (local, armed) in [("14:00:00", 1), ("13:00:00", 0), ("15:00:00", 1), ("13:00:00", 0)] {
        let state = fixture.state(&user, &task, None);
        let input: TaskInput = serde_json::from_str(&now.replace("13:00:00", local)).unwrap();
        let (commit, _, _) = update_task(&mut fixture.context(&user), &state, &input).unwrap();
        fixture.store.commit(&commit).unwrap();
        assert_eq!(fixture.count("work WHERE kind = 'reminder'"), armed, "{local}");
        assert_eq!(fixture.count("alarm WHERE state = 'fired'"), 1 - armed, "{local}");
    }
    assert!(fixture.due_reminders(at(DAY)).is_empty());
    assert_eq!(fixture.count("notification_v2"), 1);
}

/// Large events come in answers that a guest bears, and each stream has its turn.
#[test]
fn events_are_read_a_few_mebibytes_at_a_time() {
    let mut fixture = Fixture::new();
    let users: Vec<UserId> = (0..40).map(|number| fixture.user(&format!("{number}"))).collect();
    for user in users.iter().chain(&users) {
        fixture.task(user, WEEKLY);
    }
    fixture.rows(&format!("UPDATE outbox SET data = '{{\"x\":\"{}\"}}'", "x".repeat(250_000)));
    fixture.rows("UPDATE stream SET relay_at = NULL WHERE id NOT IN (SELECT stream_id FROM outbox WHERE type = 'task.created')");
    let mut seen = BTreeSet::new();
    let mut read = 0;
    for round in 0.. {
        assert!(round < 12, "{read} events and {} streams after {round} rounds", seen.len());
        let leases = fixture.store.lease_streams(at(round), 1_000, 40, None).unwrap();
        if leases.is_empty() {
            break;
        }
        let events = fixture.store.waiting_events(&leases, 100).unwrap();
        let bytes: usize = events.iter().map(|event| event.data.to_string().len()).sum();
        assert!(bytes <= 4 << 20 && !events.is_empty(), "{bytes} bytes of {} events", events.len());
        let marks: Vec<Mark> = leases
            .into_iter()
            .map(|lease| {
                let last = events.iter().rfind(|event| event.stream == lease.stream);
                let up_to = last.map_or(lease.published, |event| event.sequence);
                Mark { lease, up_to, pause: None, refused: false }
            })
            .collect();
        read += events.len();
        seen.extend(events.into_iter().map(|event| event.stream.to_string()));
        fixture.store.mark_published(&marks, at(round)).unwrap();
    }
    assert_eq!((read, seen.len()), (80, 40));
}

/// Streams that were leased and found no room in the answer come before those that did.
#[test]
fn a_stream_without_a_turn_stands_before_those_that_had_one() {
    let mut fixture = Fixture::new();
    let users: Vec<UserId> = (0..3).map(|number| fixture.user(&format!("{number}"))).collect();
    for user in users.iter().chain(&users) {
        fixture.task(user, WEEKLY);
    }
    let leases = fixture.store.lease_streams(NOON, 1_000, 3, None).unwrap();
    let marks: Vec<Mark> = leases
        .iter()
        .enumerate()
        .map(|(place, lease)| Mark {
            lease: lease.clone(),
            up_to: lease.published + i64::from(place != 2),
            pause: None,
            refused: false,
        })
        .collect();
    assert_eq!(fixture.store.mark_published(&marks, NOON).unwrap().len(), 3);
    // Also where all of them are leased again.
    let again = fixture.store.lease_streams(NOON, 1_000, 3, None).unwrap();
    let order = |leases: &[Lease]| leases.iter().map(|lease| lease.stream.clone()).collect::<Vec<_>>();
    assert_eq!(order(&again), order(&[leases[2].clone(), leases[0].clone(), leases[1].clone()]));
}

/// What is no JSON spoils its own row: the claim is one statement for everybody.
#[test]
fn documents_that_are_no_json_spoil_no_claim_of_others() {
    for column in ["reminders", "tags", "recurrence"] {
        let mut fixture = Fixture::new();
        let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
        let spoilt = stacked(&mut fixture, &mallory);
        owed(&mut fixture, &ada);
        // Where nothing but JSON is kept, it is none that is meant.
        let none = fixture.dialect("[{", "[7]");
        fixture.rows(&format!("UPDATE task SET {column} = '{none}' WHERE id = '{}'", spoilt.id));
        let claim = fixture.claim(at(3 * DAY));
        let claimed = fixture.store.claim_successors(&claim).unwrap();
        let mut read: Vec<_> = claimed.iter().map(|item| (&item.ticket.user, item.what.is_ok())).collect();
        read.sort();
        assert_eq!(read, [(&mallory, false), (&ada, true)], "{column}");
    }
}

/// Large series are claimed a few at a time, and hold up none that are small.
#[test]
fn series_are_read_a_few_mebibytes_at_a_time() {
    let mut fixture = Fixture::new();
    let large: Vec<UserId> = (0..12).map(|number| fixture.user(&format!("{number}"))).collect();
    for user in large.iter().chain(&large) {
        owed(&mut fixture, user);
    }
    fixture.rows(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500) \
         INSERT INTO override (task_id, recurrence_id, user_id, title, cancelled) \
         SELECT t.id, 'x' || n.n, t.user_id, '{}', false FROM task AS t, n",
        "x".repeat(2_000)
    ));
    let small = fixture.user("small");
    owed(&mut fixture, &small);
    let mut done = BTreeSet::new();
    for round in 0.. {
        assert!(round < 20, "{} done after {round} rounds", done.len());
        let claim = fixture.claim(at(round));
        let claimed = fixture.store.claim_successors(&claim).unwrap();
        if claimed.is_empty() {
            break;
        }
        let bytes: usize = claimed
            .iter()
            .map(|claimed| claimed.what.as_ref().unwrap().as_ref().unwrap())
            .flat_map(|due| &due.state.overrides)
            .map(|change| change.title.as_ref().unwrap().len())
            .sum();
        assert!(bytes <= 4 << 20, "{bytes} bytes");
        assert!(round > 0 || claimed.iter().any(|claimed| claimed.ticket.user == small), "small waits");
        for claimed in claimed {
            assert_eq!(claimed.ticket.tries, 1, "what was given back was not tried");
            assert!(done.insert(claimed.ticket.id), "claimed twice");
        }
    }
    assert_eq!(done.len(), 25);
}

/// Who was overtaken settles nothing, however often the item was tried since.
#[test]
fn a_claim_that_was_overtaken_settles_nothing() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    owed(&mut fixture, &user);
    let claim = fixture.claim(NOON);
    let slow = fixture.store.claim_successors(&claim).unwrap().remove(0).ticket;
    // A change of the occurrence makes the item new; another claims it.
    fixture.rows("UPDATE occurrence SET succession = 'planned'");
    fixture.rows("UPDATE occurrence SET succession = 'pending'");
    if !fixture.is_sqlite() {
        fixture.rows("ALTER TABLE work ALTER id SET GENERATED BY DEFAULT");
    }
    fixture.rows(&format!("UPDATE work SET id = {}", slow.id));
    let claim = fixture.claim(NOON);
    let next = fixture.store.claim_successors(&claim).unwrap().remove(0).ticket;
    assert_eq!((slow.id, slow.tries), (next.id, next.tries));
    let before = fixture.rows("SELECT * FROM work").concat();
    let parks = Settlement::Park { reason: "slow".to_owned() };
    fixture.store.settle(&[(slow, parks)], NOON).unwrap();
    assert_eq!(fixture.rows("SELECT * FROM work").concat(), before);
    fixture.store.settle(&[(next, Settlement::Release { after: 0 })], NOON).unwrap();
    assert_eq!(integers(&fixture, "SELECT wake_at FROM work"), [NOON.as_millis()]);
}

/// The clock of whoever completes an occurrence may be ahead.
#[test]
fn what_is_owed_is_owed_at_once_whatever_the_clock_said() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let state = fixture.state_with(&user, &task, &occurrence);
    let ahead = Context { now: at(DAY), ..fixture.context(&user) };
    let Completion::Closes(commit, _) = complete(&mut { ahead }, &state).unwrap() else { panic!("closed") };
    fixture.store.commit(&commit).unwrap();
    let claim = fixture.claim(NOON);
    assert_eq!(fixture.store.claim_successors(&claim).unwrap().len(), 1);
}

#[test]
fn what_is_owed_at_no_time_is_given_up_with_its_reason() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    stacked(&mut fixture, &user);
    fixture.rows("UPDATE occurrence SET due_at = NULL");
    let page = perennial_store::Page { after: None, limit: 10 };
    let parked = fixture.store.parked(&user, &page).unwrap();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].reason.as_ref().unwrap().contains("no due date"), "{parked:?}");
    fixture.rows(&format!("UPDATE occurrence SET due_at = {}", NOON.as_millis()));
    assert!(fixture.store.parked(&user, &page).unwrap().is_empty(), "it has a time again");
    fixture.rows("DELETE FROM work");
    fixture.rows("UPDATE occurrence SET due_at = NULL, succession = 'none'");
    fixture.rows(
        "INSERT INTO occurrence (task_id, recurrence_id, user_id, ordinal, status, succession, tzdata) \
         SELECT task_id, 'x', user_id, 2, 'open', 'due', tzdata FROM occurrence",
    );
    assert_eq!(fixture.store.parked(&user, &page).unwrap().len(), 1);
}

/// A change of a task has what was given up of it looked at, which may be too early.
#[test]
fn what_is_taken_before_it_is_owed_waits_until_it_is() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let task = stacked(&mut fixture, &user);
    let due = integers(&fixture, "SELECT wake_at FROM work WHERE kind = 'successor'");
    fixture.rows("UPDATE work SET wake_at = NULL, parked_at = 1, tries = 7 WHERE kind = 'successor'");
    let state = fixture.state(&user, &task, None);
    let input: TaskInput = serde_json::from_str(
        &WEEKLY
            .replace("Bins", "Bins out")
            .replace(r#""FREQ=WEEKLY""#, r#""FREQ=WEEKLY", "overlap": "stack""#),
    )
    .unwrap();
    let (commit, _, _) = update_task(&mut fixture.context(&user), &state, &input).unwrap();
    fixture.store.commit(&commit).unwrap();
    let claim = fixture.claim(NOON);
    let early = fixture.store.claim_successors(&claim).unwrap().remove(0);
    let plan = early.what.unwrap().unwrap();
    let plan = plan_successor(&mut fixture.context(&user), &plan.state).unwrap();
    assert_eq!(plan, Plan::NotOwed);
    fixture.store.settle(&[(early.ticket, Settlement::Drop)], NOON).unwrap();
    assert_eq!(integers(&fixture, "SELECT wake_at FROM work WHERE kind = 'successor'"), due);
    let later = fixture.claim(Timestamp::from_millis(due[0]));
    let claimed = fixture.store.claim_successors(&later).unwrap();
    assert_eq!(claimed[0].ticket.tries, 1);
    // What is owed no more goes.
    fixture.rows("UPDATE occurrence SET due_at = 1 WHERE succession = 'due'");
    let again = fixture.claim(later.now);
    let ticket = fixture.store.claim_successors(&again).unwrap().remove(0).ticket;
    fixture.store.settle(&[(ticket, Settlement::Drop)], later.now).unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'successor'"), 0);
}

/// Whoever takes it dies, and nobody is left to say so: the claim itself gives it up.
#[test]
fn what_is_claimed_and_never_settled_is_given_up() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    owed(&mut fixture, &user);
    let page = perennial_store::Page { after: None, limit: 10 };
    let mut claims = 0;
    for minute in 0..100 {
        let claim = Claim { again: minute > 0, ..fixture.claim(at(minute * 61_000)) };
        claims += fixture.store.claim_successors(&claim).unwrap().len();
    }
    assert!((9..=15).contains(&claims), "{claims} claims");
    let parked = fixture.store.parked(&user, &page).unwrap();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].reason.as_ref().unwrap().contains("never finished"), "{parked:?}");
    // It can be tried again, as often.
    let again = retry_parked(&mut fixture.context(&user), parked[0].id, &user);
    fixture.store.commit(&again).unwrap();
    let claim = fixture.claim(at(DAY));
    assert_eq!(fixture.store.claim_successors(&claim).unwrap().len(), 1);
}

/// Where nothing waits and nothing is held, nothing is kept; and looking for it costs nothing.
#[test]
fn lanes_where_nothing_waits_go() {
    let mut fixture = Fixture::new();
    let users: Vec<UserId> = (0..30).map(|number| fixture.user(&format!("{number}"))).collect();
    for user in &users {
        owed(&mut fixture, user);
    }
    let claim = fixture.claim(NOON);
    let claimed = fixture.store.claim_successors(&claim).unwrap();
    let drops: Vec<_> = claimed.into_iter().map(|claimed| (claimed.ticket, Settlement::Drop)).collect();
    fixture.store.settle(&drops, NOON).unwrap();
    fixture.task(&users[2], WEEKLY);
    let idle = || fixture.count("lane WHERE next_at IS NULL");
    let before = idle();
    assert!(before >= 60, "of each user two for successors: {before}");
    fixture.rows(&format!(
        "UPDATE lane SET hold_until = {} WHERE kind = 'successor' AND lane = '{}'",
        at(5 * DAY).as_millis(),
        users[0]
    ));
    assert!(fixture.store.due_work(at(2 * DAY), tzdata_version()).unwrap().old);
    fixture.store.prune(at(2 * DAY), 20).unwrap();
    assert_eq!(idle(), before - 20, "a bounded number at a time");
    fixture.store.prune(at(2 * DAY), 1_000).unwrap();
    assert_eq!(idle(), 2, "those that are held");
    assert_eq!(fixture.count("lane WHERE next_at IS NOT NULL"), 1, "where something waits");
    // Whoever comes back is served as before.
    owed(&mut fixture, &users[1]);
    let claim = fixture.claim(at(2 * DAY));
    assert_eq!(fixture.store.claim_successors(&claim).unwrap().len(), 1);
}

/// Answers are forgotten in the order of their rows; one by a clock that was wrong keeps none behind it.
#[test]
fn an_answer_of_a_wrong_clock_keeps_no_others() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let mut commits = Vec::new();
    for (number, made) in [at(400 * DAY), at(-2 * DAY), at(-2 * DAY), at(-HOUR)].into_iter().enumerate() {
        let input = serde_json::from_str(WEEKLY).unwrap();
        let (mut commit, ..) = create_task(&mut fixture.context(&user), &input).unwrap();
        commit.at = made;
        commit.idempotency = Some(IdempotencyRecord {
            key: number.to_string(),
            fingerprint: "x".to_owned(),
            status: 201,
            etag: None,
            location: None,
            body: "{}".to_owned(),
            change_id: None,
        });
        commits.push(commit);
    }
    fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    fixture.rows("DELETE FROM outbox");
    assert!(fixture.store.due_work(NOON, tzdata_version()).unwrap().old);
    fixture.store.prune(NOON, 10).unwrap();
    let kept = ["3", "0"].map(|key| Value::Text(key.to_owned()));
    assert_eq!(fixture.rows("SELECT key FROM idempotency ORDER BY created_at").concat(), kept);
    assert!(!fixture.store.due_work(NOON, tzdata_version()).unwrap().old);
}

/// A clock that has gone back for a while, as where it is set only after the start, forgets no answer: its key would be new again.
#[test]
fn a_clock_that_is_wrong_for_a_while_forgets_no_answer() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let keyed = |fixture: &mut Fixture| {
        let input = serde_json::from_str(WEEKLY).unwrap();
        let (mut commit, ..) = create_task(&mut fixture.context(&user), &input).unwrap();
        commit.idempotency = Some(IdempotencyRecord {
            key: "k".to_owned(),
            fingerprint: "x".to_owned(),
            status: 201,
            etag: None,
            location: None,
            body: "{}".to_owned(),
            change_id: None,
        });
        fixture.store.apply(&[commit], Apply { mode: Mode::All, relay_for: 0 }).unwrap().pop().unwrap()
    };
    assert!(matches!(keyed(&mut fixture), Outcome::Applied(_)));
    for seconds in 0..70 {
        fixture.store.prune(Timestamp::from_millis(seconds * 1_000), 500).unwrap();
    }
    assert!(matches!(keyed(&mut fixture), Outcome::Answered(_)));
    assert_eq!(fixture.count("task"), 1);
}

/// Events likewise: one by a clock that was wrong keeps none behind it, and is not forgotten before its time.
#[test]
fn an_event_of_a_wrong_clock_keeps_no_others() {
    let mut fixture = Fixture::new();
    let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
    fixture.task(&mallory, WEEKLY);
    fixture.task(&ada, WEEKLY);
    let ahead = "at > 1800000000000";
    fixture.rows(&format!("UPDATE outbox SET at = at + {} WHERE user_id = '{mallory}'", 400 * DAY));
    fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL");
    let (all, kept) = (fixture.count("outbox"), fixture.count(&format!("outbox WHERE {ahead}")));
    assert!(kept > 0 && kept < all);
    for day in 31..34 {
        while fixture.store.due_work(at(day * DAY), tzdata_version()).unwrap().old {
            fixture.store.prune(at(day * DAY), 500).unwrap();
            assert_eq!(fixture.count(&format!("outbox WHERE {ahead}")), kept);
            if fixture.count("outbox") == kept {
                break;
            }
        }
    }
    assert_eq!(fixture.count("outbox"), kept);
}

/// A stream that is not published keeps its own events, however many and old, and nobody else's.
#[test]
fn events_that_wait_keep_none_of_others() {
    let mut fixture = Fixture::new();
    let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
    for _ in 0..25 {
        fixture.task(&mallory, r#"{"title": "x"}"#);
    }
    for _ in 0..25 {
        fixture.task(&ada, r#"{"title": "x"}"#);
    }
    let published = |user: &UserId| {
        fixture.rows(&format!("UPDATE stream SET published = sequence, relay_at = NULL WHERE id = '{user}'"));
    };
    fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL");
    fixture.rows(&format!("UPDATE stream SET published = 0, relay_at = 1 WHERE id = '{mallory}'"));
    let kept = |user: &UserId| fixture.count(&format!("outbox WHERE user_id = '{user}'"));
    // As many as are looked at in one pass, and more; until nothing is to be done.
    let forget = |now: Timestamp| {
        let mut passes = 0;
        while fixture.store.due_work(now, tzdata_version()).unwrap().old {
            let before = fixture.count("outbox");
            fixture.store.prune(now, 10).unwrap();
            assert!(before - fixture.count("outbox") <= 10, "a bounded number at a time");
            passes += 1;
            assert!(passes < 50, "it is quiet in the end");
        }
    };
    let now = at(31 * DAY);
    forget(now);
    assert_eq!((kept(&mallory), kept(&ada)), (25, 0));
    // What was stepped over is looked at again, whatever was forgotten meanwhile.
    published(&mallory);
    forget(now.plus_millis(HOUR + 1));
    assert_eq!((kept(&mallory), kept(&ada)), (0, 0));
}

/// A user whose reminder fires at once over so many channels.
fn notified(fixture: &mut Fixture, name: &str, channels: usize, now: Timestamp) -> UserId {
    let user = fixture.user(name);
    let at_noon = r#"{"title": "Now", "due": {"local": "2026-11-21T13:00:00", "tz": "Europe/Berlin"},
        "reminders": [{"trigger": "PT0S"}]}"#;
    for number in 0..channels {
        let (commit, _) = create_channel(
            &mut fixture.context(&user),
            &format!("https://hooks.example.com/{number}"),
            "whsec_AAAA".to_owned(),
            number,
            &WebhookPolicy::default(),
        )
        .unwrap();
        fixture.store.commit(&commit).unwrap();
    }
    fixture.task(&user, at_noon);
    for due in fixture.due_reminders(now) {
        let fires = fire(&mut Context { now, ..fixture.context(&user) }, &due.alarm, &due.channels);
        fixture.store.commit(&fires).unwrap();
    }
    user
}

/// However many endpoints others have, and however prompt those are: each user has a turn before any has the next.
#[test]
fn the_other_endpoints_of_a_served_user_come_after_those_of_others() {
    let mut fixture = Fixture::new();
    for number in 0..40 {
        notified(&mut fixture, &number.to_string(), 10, NOON);
    }
    let eve = notified(&mut fixture, "eve", 1, at(1));
    fixture.rows("UPDATE lane SET proven = true WHERE kind = 'notification'");
    // A user may have more under way than are served: nobody steps aside for that.
    let share = Share { proven: true, endpoints: 10, per_endpoint: 1, per_user: 4 };
    for round in 2.. {
        let claim = fixture.claim(at(round));
        let claimed = fixture.store.claim_shares(&claim, &[share]).unwrap();
        assert_eq!(claimed.len(), 10, "round {round}");
        if claimed.iter().any(|claimed| claimed.ticket.user == eve) {
            break;
        }
        assert!(round < 7, "eve waits");
        let done: Vec<_> = claimed.into_iter().map(|claimed| (claimed.ticket, Settlement::Drop)).collect();
        fixture.store.settle(&done, at(round)).unwrap();
    }
}
