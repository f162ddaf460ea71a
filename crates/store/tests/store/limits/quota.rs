//! How much a user may have is counted by triggers, and looked at before anything is written.

use std::thread;

use perennial_domain::*;
use perennial_fixture::{Counting, Fixture, WEEKLY, context, sqlite_only};
use perennial_store::{Apply, Mode, Store, StoreError, Value};
use rusqlite::Connection;

use super::{commit, create, refused};

/// The commit, with so many tasks allowed.
fn within(tasks: i64, mut commit: Commit) -> Commit {
    commit.quota.tasks = Some(tasks);
    commit
}

/// Whether what is counted is what there is, of everybody.
fn is_right(fixture: &Fixture) -> bool {
    fixture.count(
        "user AS u WHERE (SELECT count(*) FROM task WHERE user_id = u.id AND deleted_at IS NULL) \
         <> coalesce((SELECT tasks FROM usage WHERE user_id = u.id), 0)",
    ) == 0
}

fn state(fixture: &Fixture, user: &UserId, id: TaskId) -> SeriesState {
    fixture.store.series(user, id, None).unwrap().unwrap()
}

#[test]
fn of_many_at_once_as_many_are_made_as_may_be() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let made: usize = thread::scope(|scope| {
        let threads: Vec<_> = (1..=8_u64)
            .map(|number| {
                let (store, ada) = (fixture.connection(), &ada);
                scope.spawn(move || {
                    let mut ids = Counting(number * 1_000_000);
                    let one = |_: &i32| {
                        let input = serde_json::from_str(WEEKLY).unwrap();
                        let (commit, ..) = create_task(&mut context(ada, &mut ids), &input).unwrap();
                        refused(store.commit(&within(25, commit))).is_none()
                    };
                    (0..10).filter(one).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((made, fixture.count("task")), (25, 25));
    // Another's are another's.
    let hers = within(25, create(&mut fixture, &eve));
    assert_eq!(commit(&fixture, &hers), None);
    assert!(is_right(&fixture));
}

#[test]
fn all_of_a_set_are_counted() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let five: Vec<Commit> = (0..5).map(|_| within(3, create(&mut fixture, &user))).collect();
    let all = fixture.store.apply(&five, Apply { mode: Mode::All, relay_for: 0 });
    let Err(StoreError::Forbidden(refusal)) = all else { panic!("{all:?}") };
    assert_eq!((refusal.what.as_str(), refusal.index), ("quota:tasks:3", 3));
    assert!(fixture.count("task") == 0 && is_right(&fixture));
    fixture.store.apply(&five, Apply { mode: Mode::Each, relay_for: 0 }).unwrap();
    assert!(fixture.count("task") == 3 && is_right(&fixture));
}

#[test]
fn whatever_adds_a_task_is_refused_and_what_adds_none_is_not() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (kept, _) = fixture.task(&user, WEEKLY);
    let (gone, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &gone, &occurrence).unwrap();
    let found = state(&fixture, &user, gone.id);
    let delete = delete_task(&mut fixture.context(&user), &found);
    // Deleting is allowed to whoever has too many, and makes room.
    assert_eq!(commit(&fixture, &within(1, delete)), None);
    assert!(is_right(&fixture));

    let full = || Some("quota:tasks:1".to_owned());
    let another = create(&mut fixture, &user);
    assert_eq!(commit(&fixture, &within(1, another.clone())), full());
    let deleted = fixture.store.deleted_series(&user, gone.id).unwrap().unwrap();
    let (restore, ..) = restore_task(&mut fixture.context(&user), &deleted).unwrap();
    assert_eq!(commit(&fixture, &within(1, restore.clone())), full());
    let series = state(&fixture, &user, kept.id);
    let changed = TaskInput { title: "changed".to_owned(), ..(&series.task.spec).into() };
    let (update, ..) = update_task(&mut fixture.context(&user), &series, &changed).unwrap();
    assert_eq!(commit(&fixture, &within(1, update)), None, "it was there before");
    // A set through the wider view, and one that makes and deletes.
    let series = state(&fixture, &user, kept.id);
    let mut split = delete_task(&mut fixture.context(&user), &series);
    split.tasks[0].deleted_at = None;
    split.tasks.extend(another.tasks.clone());
    assert_eq!(commit(&fixture, &within(1, split)), full(), "one goes on and one is new");
    assert_eq!(commit(&fixture, &within(2, restore)), None);
    assert_eq!(fixture.rows("SELECT tasks FROM usage WHERE tasks > 0"), [[Value::Integer(2)]]);
    assert!(is_right(&fixture));
}

#[test]
fn who_has_too_many_already_goes_on_with_what_there_is() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let made: Vec<TaskId> = (0..3).map(|_| fixture.task(&user, WEEKLY).0.id).collect();
    let series = state(&fixture, &user, made[0]);
    let changed = TaskInput { title: "changed".to_owned(), ..(&series.task.spec).into() };
    let (update, ..) = update_task(&mut fixture.context(&user), &series, &changed).unwrap();
    assert_eq!(commit(&fixture, &within(1, update)), None);
}

/// What was there before the count, and what the build before does without it.
#[test]
fn everyone_is_counted_however_often_it_is_begun() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    for user in [&ada, &ada, &eve] {
        fixture.task(user, WEEKLY);
    }
    fixture.rows("UPDATE task SET deleted_at = 1 WHERE user_id = (SELECT min(user_id) FROM task) ");
    fixture.rows("DELETE FROM task_tag WHERE true");
    assert!(is_right(&fixture));
    fixture.rows("UPDATE usage SET tasks = 77");
    fixture
        .rows("INSERT INTO usage (user_id, tasks) VALUES ('admin', -3) ON CONFLICT (user_id) DO UPDATE SET tasks = -3");
    let statements = include_str!("../../../src/sqlite/schema/0005_limits.sql");
    for _ in 0..2 {
        for statement in statements.split("\n--;\n") {
            fixture.rows(statement);
        }
        assert!(is_right(&fixture));
    }
    fixture.rows("UPDATE task SET deleted_at = NULL");
    assert!(is_right(&fixture));
}

#[test]
fn a_row_that_goes_is_counted_no_more() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..3 {
        fixture.task(&user, WEEKLY);
    }
    let plain = Connection::open(fixture.path()).unwrap();
    plain.pragma_update(None, "foreign_keys", false).unwrap();
    let deleted = "DELETE FROM task WHERE id = (SELECT min(id) FROM task)";
    plain.execute(deleted, []).unwrap();
    assert!(is_right(&fixture));
    plain.execute("UPDATE task SET deleted_at = 5 WHERE id = (SELECT min(id) FROM task)", []).unwrap();
    plain.execute(deleted, []).unwrap();
    assert!(fixture.count("task") == 1 && is_right(&fixture));
    plain.execute(deleted, []).unwrap();
    assert_eq!(fixture.count("usage WHERE tasks <> 0"), 0);
}

fn token(fixture: &mut Fixture, owner: &User, secret: &str, most: i64) -> Commit {
    let document = serde_json::json!({ "user": owner.id, "name": "t" });
    let input: TokenInput = serde_json::from_value(document).unwrap();
    let (all, secret) = ([Scope::TasksRead, Scope::TasksWrite], TokenSecret::new(secret.to_owned()));
    let mut ctx = fixture.context(&UserId::admin());
    let (mut commit, _) = create_token(&mut ctx, &input, Some(owner), &all, &secret).unwrap();
    assert_eq!(commit.quota.tokens, Some(MAX_TOKENS_OF_USER));
    commit.quota.tokens = Some(most);
    commit
}

#[test]
fn a_user_has_so_many_tokens_until_one_is_revoked() {
    use perennial_store::AccountStore;
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let [ada, eve] = [ada, eve].map(|id| fixture.store.user(&id).unwrap().unwrap());
    let first = token(&mut fixture, &ada, "1", 2);
    assert_eq!(commit(&fixture, &first), None);
    for (owner, secret, expected) in
        [(&ada, "2", None), (&ada, "3", Some("quota:tokens:2".to_owned())), (&eve, "4", None)]
    {
        let one = token(&mut fixture, owner, secret, 2);
        assert_eq!(commit(&fixture, &one), expected, "{secret}");
    }
    let row = fixture.store.token(first.tokens[0].id).unwrap().unwrap();
    let revoke = revoke_token(&mut fixture.context(&UserId::admin()), &row);
    assert_eq!(commit(&fixture, &revoke), None);
    let again = token(&mut fixture, &ada, "5", 2);
    assert_eq!(commit(&fixture, &again), None);
}

/// Steps of SQLite's machine that a write takes which is held to every limit.
fn steps(fixture: &mut Fixture, user: &UserId, new: bool) -> i32 {
    let mut one = within(1_000_000, create(fixture, user));
    one.rate = Some(Rate { token: "t7".to_owned(), limit: 1_000_000, window: 60_000 });
    if !new {
        one.quota.tokens = Some(1_000);
    }
    let recorded = super::statement_for(fixture, &one);
    let connection = Connection::open(fixture.path()).unwrap();
    let mut prepared = connection.prepare(&recorded).unwrap();
    let document = serde_json::to_string(&one).unwrap();
    {
        let mut rows = prepared.query((&document, "all", 0)).unwrap();
        while rows.next().unwrap().is_some() {}
    }
    prepared.get_status(rusqlite::StatementStatus::VmStep)
}

#[test]
fn a_limit_costs_the_same_however_much_there_is() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let few = [true, false].map(|new| steps(&mut fixture, &user, new));
    let many: Vec<Commit> = (0..3_000).map(|_| create(&mut fixture, &user)).collect();
    fixture.store.apply(&many, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    fixture.rows(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000) \
         INSERT INTO rate (token, began, count) SELECT 't' || n, n, 1 FROM n WHERE true ON CONFLICT DO NOTHING",
    );
    let much = [true, false].map(|new| steps(&mut fixture, &user, new));
    for (few, much) in few.into_iter().zip(much) {
        assert!(few > 100 && much * 10 <= few * 12, "{few} became {much}");
    }
}
