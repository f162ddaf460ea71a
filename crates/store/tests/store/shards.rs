//! Sweeps of a clock that many share, shard by shard.

use perennial_domain::{Commit, TaskInput, UserId, create_task};
use perennial_fixture::{Fixture, NOON, Recorded, sqlite_only};
use perennial_recurrence::tzdata_version;
use perennial_store::sqlite::Value;
use perennial_store::*;
use rusqlite::{Connection, ToSql};

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

/// Steps of SQLite's machine for all that a tick of one shard looks at and takes where nothing is there for it.
fn cost_of_nothing(fixture: &mut Fixture, shard: Shard) -> i32 {
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let now = NOON.plus_millis(1);
    let mut claim = |again| Claim { shard: Some(shard), again, ..fixture.claim(now) };
    let due = store.due_work_of(Some(shard), now, tzdata_version()).unwrap();
    assert!(due.kinds.is_empty() && !due.relay, "{due:?}");
    assert!(store.claim_reminders(&claim(false)).unwrap().is_empty());
    assert!(store.claim_reminders(&claim(true)).unwrap().is_empty());
    assert!(store.lease_streams(now, 1_000, 50, Some(shard)).unwrap().is_empty());
    assert_eq!(store.next_due(shard, now, now.plus_millis(60_000)).unwrap(), None);
    let connection = Connection::open(fixture.path()).unwrap();
    let number = shard.number();
    let (at, again) = (now.as_millis(), now.plus_millis(-1).as_millis());
    let mut sum = 0_i32;
    let mut add = |with: &str, parameters: &[&dyn ToSql]| {
        let (statement, _) = recorded.last_with(with);
        let mut prepared = connection.prepare(&statement).unwrap();
        let mut rows = prepared.query(parameters).unwrap();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        sum = prepared.get_status(rusqlite::StatementStatus::VmStep).saturating_add(sum);
    };
    add("'kinds'", &[&at, &tzdata_version(), &again, &again, &again, &again, &again, &number, &again]);
    add("claim_v6", &[&"x", &"reminder", &0, &at, &5_000, &0, &100, &10, &12, &number]);
    add("UPDATE stream SET relay_at", &[&at, &1_000, &50, &number]);
    add("SELECT min(at)", &[&number, &at, &now.plus_millis(60_000).as_millis()]);
    sum
}

/// A backlog costs its own shard only.
#[test]
fn a_backlog_of_one_shard_costs_the_others_nothing() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    fixture.rows("UPDATE stream SET relay_at = NULL, published = sequence, seal_at = NULL");
    let mine = Shard::new(4).unwrap();
    let put = |fixture: &Fixture, from: i64, to: i64| {
        for rows in [
            "lane (kind, again, lane, next_at) SELECT 'reminder', n % 2, n || '3', 1",
            "stream (id, sequence, relay_at) SELECT n || '3', 1, 1",
        ] {
            fixture.rows(&format!(
                "WITH RECURSIVE n (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM n WHERE n < {to}) INSERT INTO {rows} FROM n"
            ));
        }
    };
    put(&fixture, 1, 2);
    let few = cost_of_nothing(&mut fixture, mine);
    put(&fixture, 3, 100_000);
    let many = cost_of_nothing(&mut fixture, mine);
    println!("{few} steps beside two lanes and streams of another shard, {many} beside 100,000");
    assert!(many <= few + few / 20, "{few} became {many}");
}

/// Who sweeps all shards serves who has waited longest, whatever their shard is.
#[test]
fn all_shards_together_are_served_by_who_has_waited_longest() {
    let mut fixture = Fixture::new();
    for (digit, minutes) in [('3', 4), ('b', 1), ('0', 3), ('3', 9), ('7', 2)] {
        remind(&mut fixture, &user(digit), minutes);
    }
    let later = NOON.plus_millis(3_600_000);
    let served: Vec<_> = (0..4)
        .map(|turn| {
            let claim = Claim {
                id: turn.to_string(),
                lanes: 1,
                per_lane: 9,
                hold_for: 60_000,
                ..fixture.claim(later)
            };
            fixture.store.claim_reminders(&claim).unwrap()[0].ticket.user.clone()
        })
        .collect();
    assert_eq!(served, ['b', '7', '0', '3'].map(user));
    let leases = |limit| {
        let leases = fixture.store.lease_streams(later, 1_000, limit, None).unwrap();
        leases.into_iter().map(|lease| lease.stream).collect::<Vec<_>>()
    };
    fixture.rows(fixture.dialect(
        "UPDATE stream SET relay_at = instr('70b3', substr(id, -1)) WHERE id LIKE '0198%'",
        "UPDATE stream SET relay_at = strpos('70b3', right(id, 1)) WHERE id LIKE '0198%'",
    ));
    fixture.rows("UPDATE stream SET relay_at = NULL WHERE id NOT LIKE '0198%'");
    assert_eq!(leases(3), ['7', '0', 'b'].map(|digit| user(digit).stream()));
    assert_eq!(leases(3), ['3'].map(|digit| user(digit).stream()));
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
