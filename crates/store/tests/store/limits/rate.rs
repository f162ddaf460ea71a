//! Writes are counted with what they write.

use std::thread;

use perennial_domain::*;
use perennial_fixture::{Counting, Fixture, NOON, Recorded, WEEKLY, context};
use perennial_store::{Apply, Mode, Outcome, RateCount, Store, StoreError, Value, WorkStore};

use super::{commit, create, refused};

/// How long a window is, in milliseconds.
const WINDOW: i64 = 60_000;

fn of(token: &str, limit: i64) -> Option<Rate> {
    Some(Rate { token: token.to_owned(), limit, window: WINDOW })
}

/// A create of the user at a time, counted for the token `a`.
fn at(fixture: &mut Fixture, user: &UserId, millis: i64, limit: i64) -> Commit {
    Commit { at: NOON.plus_millis(millis), rate: of("a", limit), ..create(fixture, user) }
}

fn keyed(key: &str) -> Option<IdempotencyRecord> {
    Some(IdempotencyRecord {
        key: key.to_owned(),
        fingerprint: "f".to_owned(),
        status: 201,
        etag: None,
        location: None,
        body: "{}".to_owned(),
        change_id: None,
    })
}

#[test]
fn of_many_at_once_as_many_are_applied_as_may_be() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let applied: i64 = thread::scope(|scope| {
        let threads: Vec<_> = (1..=8_u64)
            .map(|number| {
                let (store, user) = (fixture.connection(), &user);
                scope.spawn(move || {
                    let mut ids = Counting(number * 1_000_000);
                    let one = |_: &i32| {
                        let input = serde_json::from_str(WEEKLY).unwrap();
                        let (mut commit, ..) = create_task(&mut context(user, &mut ids), &input).unwrap();
                        commit.rate = of("a", 25);
                        refused(store.commit(&commit)).is_none()
                    };
                    i64::try_from((0..10).filter(one).count()).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((applied, fixture.count("task"), fixture.count("rate WHERE count = 25")), (25, 25, 1));
}

#[test]
fn a_window_is_over_after_its_time_and_not_before() {
    // By the view of creates, and by that which takes any commit.
    [false, true].into_iter().for_each(a_window_is_over_by);
}

fn a_window_is_over_by(any: bool) {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let full = |left: i64| Some(format!("rate:{left}"));
    for (millis, expected) in [
        (0, None),
        (10, None),
        (WINDOW - 1, full(1)),
        // The first after the window begins another, and is counted in it.
        (WINDOW, None),
        // A clock that is a little behind sees the window that is there, and is counted in it.
        (WINDOW - 1, None),
        (WINDOW + 2, full(WINDOW - 2)),
        (WINDOW - 500, full(WINDOW + 500)),
        (0, full(2 * WINDOW)),
        // One that has gone back further holds nobody up.
        (-1, None),
        (0, None),
        (1, full(WINDOW - 2)),
        // A clock that goes ahead begins a window too.
        (86_400_000, None),
    ] {
        let mut one = at(&mut fixture, &user, millis, 2);
        one.quota.tokens = any.then_some(1);
        assert_eq!(commit(&fixture, &one), expected, "at {millis}, {any}");
    }
}

#[test]
fn the_answer_says_how_many_there_are_by_either_view() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let one = at(&mut fixture, &user, 0, 5);
    let counted = |applied: &Outcome| match applied {
        Outcome::Counted(count, _) => Some(*count),
        _ => None,
    };
    let first = fixture.store.commit(&one).unwrap();
    assert_eq!(counted(&first), Some(RateCount { count: 1, left: WINDOW }));
    let state = fixture.store.series(&user, one.tasks[0].id, None).unwrap().unwrap();
    let delete = Commit {
        at: NOON.plus_millis(1_500),
        rate: of("a", 5),
        ..delete_task(&mut fixture.context(&user), &state)
    };
    let others = [at(&mut fixture, &user, 1_500, 5), delete];
    let outcomes = fixture.store.apply(&others, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    let counts: Vec<_> = outcomes.iter().map(counted).collect();
    let left = WINDOW - 1_500;
    assert_eq!(counts, [2, 3].map(|count| Some(RateCount { count, left })));
}

#[test]
fn what_is_repeated_or_refused_is_not_counted_and_a_repetition_is_not_refused() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let counted = |fixture: &Fixture| fixture.rows("SELECT count FROM rate");
    let first = Commit { idempotency: keyed("k"), ..at(&mut fixture, &user, 0, 1) };
    assert_eq!(commit(&fixture, &first), None);
    for millis in [1, 2] {
        let again = Commit { idempotency: keyed("k"), ..at(&mut fixture, &user, millis, 1) };
        assert!(matches!(fixture.store.commit(&again).unwrap(), Outcome::Answered(_)));
    }
    assert_eq!(counted(&fixture), [[Value::Integer(1)]]);
    // Something has changed since it was read: both views.
    let mut stale = at(&mut fixture, &user, 3, 10);
    stale.tasks[0].id = first.tasks[0].id;
    stale.expect.tasks[0].id = first.tasks[0].id;
    let mut moved = at(&mut fixture, &user, 3, 10);
    moved.expect.settings = Some(7);
    for changed in [stale, moved] {
        assert!(matches!(fixture.store.commit(&changed), Err(StoreError::Changed(_))));
    }
    assert_eq!(counted(&fixture), [[Value::Integer(1)]]);
}

#[test]
fn of_a_set_each_is_counted_and_all_or_those_beyond_are_refused() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let five: Vec<Commit> = (0..5).map(|_| at(&mut fixture, &user, 0, 3)).collect();
    let all = fixture.store.apply(&five, Apply { mode: Mode::All, relay_for: 0 });
    let Err(StoreError::Forbidden(refusal)) = all else { panic!("{all:?}") };
    assert_eq!((refusal.what.as_str(), refusal.index), ("rate:60000", 3));
    assert_eq!((fixture.count("rate"), fixture.count("task")), (0, 0));
    let each = fixture.store.apply(&five, Apply { mode: Mode::Each, relay_for: 0 }).unwrap();
    let applied: Vec<bool> = each.iter().map(|one| matches!(one, Outcome::Counted(..))).collect();
    assert_eq!(applied, [true, true, true, false, false]);
    assert_eq!((fixture.count("rate WHERE count = 3"), fixture.count("task")), (1, 3));
}

#[test]
fn a_token_is_counted_by_itself() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for (token, refused) in [("a", false), ("b", false), ("a", true), ("b", true), ("c", false)] {
        let one = Commit { rate: of(token, 1), ..create(&mut fixture, &user) };
        assert_eq!(commit(&fixture, &one).is_some(), refused, "{token}");
    }
}

#[test]
fn where_nothing_is_limited_nothing_is_counted_and_a_read_writes_nothing() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let issued = |act: &mut dyn FnMut()| {
        recorded.statements.borrow_mut().clear();
        act();
        let issued = recorded.statements.take();
        issued.into_iter().filter(|text| !text.starts_with("PRAGMA")).collect::<Vec<_>>()
    };
    let free = create(&mut fixture, &user);
    let written = issued(&mut || drop(store.commit(&free).unwrap()));
    assert_eq!(written.len(), 1, "{written:?}");
    assert!(!fixture.is_sqlite() || !written[0].contains("rate"), "{written:?}");
    assert_eq!(fixture.count("rate"), 0);
    let limited = Commit { rate: of("a", 9), ..create(&mut fixture, &user) };
    assert_eq!(issued(&mut || drop(store.commit(&limited).unwrap())).len(), 1);
    let read = issued(&mut || drop(store.task(&user, limited.tasks[0].id).unwrap()));
    assert!(read.len() == 1 && !read[0].contains("perennial_apply"), "{read:?}");
    assert!(!fixture.is_sqlite() || read[0].starts_with("SELECT"), "{read:?}");
    assert_eq!(fixture.count("rate WHERE count = 1"), 1);
}

#[test]
fn what_was_counted_long_ago_or_by_a_wrong_clock_is_forgotten_a_few_at_a_time() {
    let fixture = Fixture::new();
    let now = NOON.as_millis();
    let day = 86_400_000;
    let rows = |began: i64, prefix: &str, many: u32| {
        fixture.rows(&format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {many}) \
             INSERT INTO rate (token, began, count) SELECT '{prefix}' || n, {began}, 1 FROM n"
        ));
    };
    let old = || fixture.store.due_work(NOON, "x").unwrap().old;
    rows(now - 2 * day + 1, "new", 3);
    rows(now + 2 * day, "ahead", 3);
    assert!(!old());
    for (began, prefix) in [(now - 2 * day - 1, "old"), (now + 2 * day + 1, "wrong")] {
        rows(began, prefix, 7);
        let mut left = 13;
        while old() {
            fixture.store.prune(NOON, 5).unwrap();
            let now = fixture.count("rate");
            assert!(now < left && now >= left - 5, "{left} became {now}");
            left = now;
        }
        assert_eq!(left, 6, "{prefix}");
    }
    assert_eq!(fixture.count("rate WHERE token LIKE 'old%' OR token LIKE 'wrong%'"), 0);
}
