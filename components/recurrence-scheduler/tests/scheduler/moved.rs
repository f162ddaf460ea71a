//! A user who moves to another zone takes along what floats and what is a whole day, with its reminders, once; what has a zone
//! of its own stays where it is, and so does what others have.

use perennial_domain::{SettingsInput, Timestamp, UserId, create_task, refresh_zone, update_settings};
use perennial_fixture::{Fixture, NOON};
use perennial_recurrence::{Zone, tzdata_version};
use perennial_store::{AccountStore, Outcome, Store, StoreError, WorkStore, apply_each};
use recurrence_scheduler::sweep;

const HOUR: i64 = 3_600_000;

/// Whole days, floating times and a time in a zone; each reminds when it is due.
fn due(local: &str, tz: &str) -> String {
    format!(
        r#"{{"title": "x", "due": {{"local": "{local}", "tz": {tz}}}, "reminders": [{{"trigger": "PT0S"}}]}}"#
    )
}

fn move_to(fixture: &mut Fixture, user: &UserId, tz: &str) {
    let now = fixture.store.user(user).unwrap().unwrap();
    let input = SettingsInput { tz: tz.to_owned(), ..SettingsInput::from(&now) };
    let commit = update_settings(&mut fixture.context(user), &now, &input).unwrap().0;
    fixture.store.commit(&commit).unwrap();
}

fn sweeps(fixture: &mut Fixture, number: usize, at: Timestamp) {
    for _ in 0..number {
        sweep(&fixture.store, &|| at, &mut fixture.ids).unwrap();
    }
}

#[test]
fn what_hangs_on_the_users_zone_moves_with_them_once() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let whole = fixture.task(&ada, &due("2026-11-24", "null"));
    let floating = fixture.task(&ada, &due("2026-11-24T09:00:00", "null"));
    let zoned = fixture.task(&ada, &due("2026-11-24T09:00:00", "\"Europe/Berlin\""));
    let hers = fixture.task(&eve, &due("2026-11-24", "null"));
    let started = fixture.task(&ada, r#"{"title": "x", "start": {"local": "2026-11-24"}}"#);
    sweeps(&mut fixture, 1, NOON);
    let events = fixture.count("outbox");
    fixture.rows("CREATE TABLE uprooted (task TEXT)");
    if !fixture.is_sqlite() {
        fixture.rows(
            "CREATE FUNCTION uproots () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO uprooted (task) VALUES (NEW.task_id); RETURN NULL; END $$",
        );
    }
    fixture.rows(fixture.dialect(
        "CREATE TRIGGER uproots AFTER UPDATE OF tzdata ON occurrence WHEN NEW.tzdata = '' BEGIN \
         INSERT INTO uprooted (task) VALUES (NEW.task_id); END",
        "CREATE TRIGGER uproots AFTER UPDATE OF tzdata ON occurrence FOR EACH ROW WHEN (NEW.tzdata = '') \
         EXECUTE FUNCTION uproots ()",
    ));
    move_to(&mut fixture, &ada, "America/New_York");
    sweeps(&mut fixture, 5, NOON);
    let alarm = |task: perennial_domain::TaskId| {
        let rows = fixture.rows(&format!("SELECT fire_at, state FROM alarm WHERE task_id = '{task}'"));
        assert_eq!(rows.len(), 1);
        rows[0].clone()
    };
    // New York is six hours behind Berlin.
    for ((task, before), hours) in [(&whole, 6), (&floating, 6), (&zoned, 0)] {
        let (now, occurrence) = fixture.read(&ada, task, before);
        let at = before.due_at.unwrap().plus_millis(hours * HOUR);
        assert_eq!(occurrence.due_at, Some(at));
        assert_eq!(alarm(task.id), [at.as_millis().into(), "armed".into()]);
        assert_eq!(now.version, if hours == 0 { 1 } else { 2 }, "it changed once");
    }
    assert_eq!(
        fixture.count("uprooted"),
        3,
        "what has a zone of its own, or another user, is not computed anew"
    );
    let (_, start) = fixture.read(&ada, &started.0, &started.1);
    assert_eq!(start.start_at.unwrap(), started.1.start_at.unwrap().plus_millis(6 * HOUR));
    assert_eq!(fixture.read(&eve, &hers.0, &hers.1).1.due_at, hers.1.due_at);
    assert_eq!(fixture.count("outbox"), events + 3, "an event for each that moved, and no more");
    assert_eq!(
        fixture.count("zone_change") + fixture.count("work WHERE kind = 'zone'"),
        0,
        "nothing is left to do"
    );

    // At its old time it does not remind, at the new one once.
    let old = whole.1.due_at.unwrap();
    sweeps(&mut fixture, 3, old.plus_millis(HOUR));
    let fired = format!("notification_v2 WHERE task_id = '{}'", whole.0.id);
    assert_eq!(fixture.count(&fired), 0);
    sweeps(&mut fixture, 3, old.plus_millis(6 * HOUR));
    assert_eq!(fixture.count(&fired), 1);
}

#[test]
fn many_tasks_are_moved_some_at_a_time_and_a_further_move_begins_anew() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let tasks: Vec<_> = (0..25).map(|_| fixture.task(&ada, &due("2026-11-24", "null"))).collect();
    let uprooted = |fixture: &Fixture| fixture.count("occurrence WHERE tzdata = ''");
    move_to(&mut fixture, &ada, "America/New_York");
    assert!(fixture.store.due_work(NOON, tzdata_version()).unwrap().zones);
    for taken in [10, 20] {
        fixture.store.offer_zones(tzdata_version(), 10).unwrap();
        assert_eq!(uprooted(&fixture), taken);
    }
    // Cut off before the place was noted: the same once more.
    fixture.rows("UPDATE zone_change SET after = ''");
    move_to(&mut fixture, &ada, "Asia/Tokyo");
    sweeps(&mut fixture, 3, NOON);
    for (task, before) in &tasks {
        assert_eq!(
            fixture.read(&ada, task, before).1.due_at,
            Some(before.due_at.unwrap().plus_millis(-8 * HOUR)),
            "as in Tokyo"
        );
    }
    assert!(!fixture.store.due_work(NOON, tzdata_version()).unwrap().zones);
}

#[test]
fn who_moves_again_and_again_holds_up_nobody() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    for _ in 0..5 {
        fixture.task(&ada, &due("2026-11-24", "null"));
    }
    let (task, before) = fixture.task(&eve, &due("2026-11-24", "null"));
    move_to(&mut fixture, &ada, "Asia/Tokyo");
    move_to(&mut fixture, &eve, "Asia/Tokyo");
    for tz in ["Asia/Seoul", "Asia/Tokyo"] {
        fixture.store.offer_zones(tzdata_version(), 2).unwrap();
        let own = fixture.store.user(&ada).unwrap().unwrap();
        fixture
            .rows(&format!("UPDATE user SET tz = '{tz}', version = {} WHERE id = '{ada}'", own.version + 1));
    }
    sweeps(&mut fixture, 1, NOON);
    assert_eq!(
        fixture.read(&eve, &task, &before).1.due_at,
        Some(before.due_at.unwrap().plus_millis(-8 * HOUR))
    );
}

/// Who has read the user's zone before they moved, and writes after it, must not leave what they have computed.
#[test]
fn what_was_computed_in_the_zone_before_is_computed_anew() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (task, occurrence) = fixture.task(&ada, &due("2026-11-24", "null"));
    let state = fixture.state_with(&ada, &task, &occurrence);
    let input = serde_json::from_str(&due("2026-11-25", "null")).unwrap();
    let stale = [
        refresh_zone(&mut fixture.context(&ada), &state).unwrap(),
        create_task(&mut fixture.context(&ada), &input).unwrap().0,
    ];
    move_to(&mut fixture, &ada, "America/New_York");
    let before = fixture.everything();
    for commit in &stale {
        let refused = fixture.store.commit(commit);
        assert!(matches!(&refused, Err(StoreError::Changed(why)) if why.what == "zone"), "{refused:?}");
    }
    assert_eq!(apply_each(&fixture.store, &stale).unwrap(), [Outcome::Refused, Outcome::Refused]);
    assert_eq!(fixture.everything(), before);
    let mut there = fixture.context(&ada);
    there.zone = Zone::parse("America/New_York").unwrap();
    let (commit, ..) = create_task(&mut there, &input).unwrap();
    fixture.store.commit(&commit).unwrap();
}
