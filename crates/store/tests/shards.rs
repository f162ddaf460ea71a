//! Sweeps of a clock that many share, shard by shard.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use perennial_domain::{Commit, TaskInput, UserId, create_task};
use perennial_fixture::{Fixture, NOON};
use perennial_store::sqlite::Value;
use perennial_store::*;

/// A user whose id ends in this digit.
fn user(digit: char) -> UserId {
    UserId::new(format!("0198f000-0000-7000-8000-00000000000{digit}"))
}

fn remind(fixture: &mut Fixture, user: &UserId, minutes: i64) {
    fixture.rows(&format!(
        "INSERT INTO user (id, name, role, tz, created_at) VALUES ('{user}', 'x', 'member', 'Europe/Berlin', 1) ON CONFLICT DO NOTHING"
    ));
    let due = NOON.plus_millis(minutes.saturating_mul(60_000)).to_string();
    let document = format!(
        r#"{{ "title": "x", "due": {{ "local": "{}", "tz": "UTC" }}, "reminders": [{{ "trigger": "PT0S" }}] }}"#,
        &due[..19]
    );
    let input: TaskInput = serde_json::from_str(&document).unwrap();
    let (commit, ..): (Commit, _, _) = create_task(&mut fixture.context(user), &input).unwrap();
    fixture.store.commit(&commit).unwrap();
}

#[test]
fn a_shard_is_the_last_digit_of_an_id() {
    let fixture = Fixture::new();
    for id in ["admin", "x", "A", "0198f000-0000-7000-8000-0000000000af", "7", "a", "é"] {
        fixture.rows(&format!("INSERT INTO stream (id) VALUES ('{id}')"));
        let found = fixture.rows(&format!("SELECT shard FROM stream WHERE id = '{id}'"));
        assert_eq!(found, [[Value::Integer(Shard::of(id).number().into())]], "{id:?}");
    }
    assert_eq!(Shard::all().count(), 16);
    assert_eq!(Shard::new(16), None);
}

#[test]
fn a_claim_takes_what_is_of_its_shard_alone() {
    let mut fixture = Fixture::new();
    for digit in ['3', '3', 'b', '0'] {
        remind(&mut fixture, &user(digit), 1);
    }
    let later = NOON.plus_millis(120_000);
    let mut claimed = |shard| {
        let claim = Claim { shard, lanes: 100, per_lane: 100, ..fixture.claim(later) };
        let items = fixture.store.claim_reminders(&claim).unwrap();
        items.iter().map(|item| item.ticket.user.clone()).collect::<Vec<_>>()
    };
    assert_eq!(claimed(Shard::new(3)), [user('3'), user('3')]);
    assert_eq!(claimed(Shard::new(4)), []);
    assert_eq!(claimed(Shard::new(11)), [user('b')]);
    assert_eq!(claimed(None), [user('0')], "what is left is of the others");
}

#[test]
fn streams_are_relayed_by_their_shard() {
    let mut fixture = Fixture::new();
    remind(&mut fixture, &user('3'), 1);
    remind(&mut fixture, &user('4'), 1);
    let leased = |shard| {
        let leases = fixture.store.lease_streams(NOON.plus_millis(1), 1_000, 10, shard).unwrap();
        leases.into_iter().map(|lease| lease.stream).collect::<Vec<_>>()
    };
    assert_eq!(leased(Shard::new(5)), []);
    assert_eq!(leased(Shard::new(4)), [user('4').stream()]);
    assert_eq!(leased(None), [user('3').stream()]);
}

#[test]
fn one_sweeps_a_shard_at_a_time() {
    let fixture = Fixture::new();
    let shard = Shard::new(7).unwrap();
    let store = &fixture.store;
    let fence = store.take_shard(shard, NOON, 5_000).unwrap().unwrap();
    assert_eq!(store.take_shard(shard, NOON.plus_millis(4_999), 5_000).unwrap(), None);
    assert!(store.take_shard(Shard::new(8).unwrap(), NOON, 5_000).unwrap().is_some(), "others are swept");
    // Who died with it gives nothing back: another has it when its time is over.
    let later = NOON.plus_millis(5_000);
    let next = store.take_shard(shard, later, 5_000).unwrap().unwrap();
    store.give_back_shard(shard, fence).unwrap();
    assert_eq!(store.take_shard(shard, later, 5_000).unwrap(), None, "it is the next one's");
    store.give_back_shard(shard, next).unwrap();
    assert!(store.take_shard(shard, later, 5_000).unwrap().is_some());
    // One that was taken by a clock that was wrong binds nobody.
    store.take_shard(shard, NOON.plus_millis(86_400_000), 5_000).unwrap().unwrap();
    assert!(store.take_shard(shard, later, 5_000).unwrap().is_some());
}

#[test]
fn a_clock_is_asked_for_the_earliest_alone() {
    let mut fixture = Fixture::new();
    let shard = Shard::new(3).unwrap();
    for minutes in [30, 10, 20] {
        remind(&mut fixture, &user('3'), minutes);
    }
    remind(&mut fixture, &user('4'), 1);
    let at = |minutes: i64| NOON.plus_millis(minutes * 60_000);
    let store = &fixture.store;
    assert_eq!(store.next_due(shard, NOON, at(60)).unwrap(), Some(at(10)));
    assert_eq!(store.next_due(shard, NOON, at(10)).unwrap(), None, "before it");
    assert_eq!(store.next_due(shard, at(10), at(60)).unwrap(), None, "a lane is known by its first");
    assert!(store.wake_shard(shard, at(10), NOON).unwrap());
    assert!(!store.wake_shard(shard, at(10), NOON).unwrap(), "once");
    assert!(!store.wake_shard(shard, at(20), NOON).unwrap(), "not later");
    assert!(store.wake_shard(shard, at(5), NOON).unwrap(), "earlier");
    assert!(store.wake_shard(shard, at(20), at(5)).unwrap(), "once that has passed");
}
