//! What was deleted a month ago is forgotten, piece by piece, with all that hangs on it; what is not old enough comes back whole.

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, WEEKLY, webhook};
use perennial_recurrence::tzdata_version;
use perennial_store::*;

fn days(count: i64) -> Timestamp {
    NOON.plus_millis(count.saturating_mul(86_400_000))
}

fn delete(fixture: &mut Fixture, user: &UserId, task: &Task) {
    let state = fixture.state(user, task, None);
    let commit = delete_task(&mut fixture.context(user), &state);
    fixture.store.commit(&commit).unwrap();
}

/// A task with whatever can hang on one: an occurrence changed, reminders fired, a notification, a part.
fn with_everything(fixture: &mut Fixture, user: &UserId) -> (Task, Task) {
    let (task, occurrence) = fixture.task(user, WEEKLY);
    let due = fixture.due_reminders(days(7)).remove(0).alarm;
    let fired = fire(&mut fixture.context(user), &due, &[webhook("hook")]);
    fixture.store.commit(&fired).unwrap();
    let change = OverrideInput {
        recurrence_id: "2026-12-07T07:00:00[Europe/Berlin]".to_owned(),
        title: Some("Bins out".to_owned()),
        ..OverrideInput::default()
    };
    let state = fixture.state(user, &task, None);
    let (change, _) = override_occurrence(&mut fixture.context(user), &state, &change).unwrap();
    fixture.store.commit(&change).unwrap();
    fixture.complete(user, &fixture.read(user, &task, &occurrence).0, &occurrence).unwrap();
    let part = serde_json::json!({ "title": "Sweep", "parent": task.id }).to_string();
    let (part, _) = fixture.task(user, &part);
    // As the build before the second schema would have it, and a dead letter.
    if fixture.is_sqlite() {
        fixture.rows(&format!(
            "INSERT INTO notification (id, user_id, task_id, recurrence_id, reminder_id, channel_id, state, payload, created_at) \
             VALUES ('old', '{user}', '{}', '', '', '', 'failed', '', {})",
            task.id,
            NOON.as_millis()
        ));
    }
    fixture.rows(&format!(
        "INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, parked_at) \
         VALUES ('event', '{user}', '{user}', '{}', '', 'x', {})",
        task.id,
        NOON.as_millis()
    ));
    (task, part)
}

/// How many rows there are of a task, in every table that has any.
fn rows_of(fixture: &Fixture, task: &Task) -> Vec<(String, i64)> {
    let mut found = vec![("task".to_owned(), fixture.count(&format!("task WHERE id = '{}'", task.id)))];
    for table in fixture.tables(Some("task_id")) {
        found.push((table.clone(), fixture.count(&format!("{table} WHERE task_id = '{}'", task.id))));
    }
    found
}

#[test]
fn a_task_that_was_deleted_a_month_ago_is_forgotten_with_all_that_hangs_on_it() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, part) = with_everything(&mut fixture, &user);
    let (other, _) = fixture.task(&user, WEEKLY);
    delete(&mut fixture, &user, &task);
    let before = rows_of(&fixture, &task);
    for table in ["task", "occurrence", "alarm", "override", "notification", "notification_v2", "work"] {
        // The first of the two is of an older schema.
        let is_there = table != "notification" || fixture.is_sqlite();
        assert!(
            !is_there || before.iter().any(|(name, rows)| name == table && *rows > 0),
            "{table}: {before:?}"
        );
    }

    // For thirty days it comes back whole.
    fixture.store.prune(days(29), 500).unwrap();
    assert!(!fixture.store.due_work(days(29), tzdata_version()).unwrap().old);
    assert_eq!(rows_of(&fixture, &task), before);
    assert!(fixture.store.deleted_series(&user, task.id).unwrap().is_some());

    let kept = rows_of(&fixture, &other);
    assert!(fixture.store.due_work(days(31), tzdata_version()).unwrap().old);
    let changes = fixture.count("audit_v4");
    fixture.store.prune(days(31), 500).unwrap();
    assert!(rows_of(&fixture, &task).iter().all(|(_, rows)| *rows == 0), "{:?}", rows_of(&fixture, &task));
    assert!(fixture.store.deleted_series(&user, task.id).unwrap().is_none());
    assert_eq!(rows_of(&fixture, &other), kept, "what is not deleted stays");
    assert_eq!(fixture.count("audit_v4"), changes, "what was done is known all the same");
    // Its part is a part of nothing, and another version of itself.
    let left = fixture.state(&user, &part, None).task;
    assert_eq!((left.spec.parent, left.version), (None, part.version + 1));
    assert!(!fixture.store.due_work(days(31), tzdata_version()).unwrap().old, "nothing is left to do");
}

#[test]
fn a_large_task_goes_in_pieces_holds_up_no_other_and_never_comes_back() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (large, _) = fixture.task(&user, WEEKLY);
    let (small, _) = fixture.task(&user, WEEKLY);
    fixture.rows(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000) \
         INSERT INTO occurrence (task_id, recurrence_id, user_id, ordinal, status, succession, tzdata) \
         SELECT '{}', 'x' || n, '{user}', n + 1, 'cancelled', 'none', '' FROM n",
        large.id
    ));
    delete(&mut fixture, &user, &large);
    delete(&mut fixture, &user, &small);
    // Decided before it is begun with.
    let state = fixture.store.deleted_series(&user, large.id).unwrap().unwrap();
    let restores = restore_task(&mut fixture.context(&user), &state).unwrap().0;

    let count = |fixture: &Fixture| fixture.count("occurrence");
    let mut left = count(&fixture);
    fixture.store.prune(days(31), 100).unwrap();
    assert!(rows_of(&fixture, &small).iter().all(|(_, rows)| *rows == 0), "one waits for the other");
    assert_eq!(fixture.count(&format!("task WHERE id = '{}'", large.id)), 1, "it goes last");
    let mut rounds = 1;
    while left > 0 {
        let now = count(&fixture);
        assert!(left - now <= 100, "{} at once", left - now);
        assert!(now < left, "it gets on");
        left = now;
        // Nobody sees it, and it does not come back with half of what it had.
        assert!(fixture.store.deleted_series(&user, large.id).unwrap().is_none());
        let bin = Listing { among: Among::Deleted, ..Listing::default() };
        assert!(fixture.store.tasks(&user, &bin, None, 10).unwrap().read().unwrap().is_empty());
        let refused = fixture.store.commit(&restores);
        assert!(
            matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "task"),
            "{refused:?}"
        );
        fixture.store.prune(days(31), 100).unwrap();
        rounds += 1;
    }
    assert!(rounds > 15, "{rounds}");
    assert_eq!(fixture.count("task"), 0);
}

/// A build that does not know of forgetting would bring back a task of which half is gone.
#[test]
fn no_build_brings_back_what_is_being_forgotten() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, _) = fixture.task(&user, WEEKLY);
    delete(&mut fixture, &user, &task);
    let state = fixture.store.deleted_series(&user, task.id).unwrap().unwrap();
    fixture.rows("UPDATE task SET forgotten = true");
    let restores = restore_task(&mut fixture.context(&user), &state).unwrap().0;
    let refused = fixture.store.commit(&restores);
    assert!(matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "task"), "{refused:?}");
}

#[test]
fn a_project_that_was_deleted_a_month_ago_is_forgotten() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for name in ["Home", "Work"] {
        let input = ProjectInput { name: name.to_owned(), ..ProjectInput::default() };
        let (commit, project) = create_project(&mut fixture.context(&user), &input).unwrap();
        fixture.store.commit(&commit).unwrap();
        if name == "Home" {
            let deleted = delete_project(&mut fixture.context(&user), &project);
            fixture.store.commit(&deleted).unwrap();
        }
    }
    fixture.store.prune(days(29), 500).unwrap();
    assert_eq!(fixture.count("project"), 2);
    assert!(fixture.store.due_work(days(31), tzdata_version()).unwrap().old);
    fixture.store.prune(days(31), 500).unwrap();
    assert_eq!(fixture.rows("SELECT name FROM project").concat(), [Value::Text("Work".to_owned())]);
}

#[test]
fn notifications_of_reminders_that_have_ended_are_forgotten_after_thirty_days() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    (0..4).for_each(|_| drop(fixture.task(&user, WEEKLY)));
    // Three over a channel, of which one is delivered and one is given up, and one in the inbox.
    let due = fixture.due_reminders(days(7));
    for (number, due) in due.iter().enumerate() {
        let channels = if number < 3 { vec![webhook("hook")] } else { Vec::new() };
        let fired = fire(&mut fixture.context(&user), &due.alarm, &channels);
        fixture.store.commit(&fired).unwrap();
    }
    fixture.rows(
        "UPDATE notification_v2 SET state = 'delivered' WHERE id = (SELECT min(id) FROM notification_v2)",
    );
    fixture.rows("UPDATE notification_v2 SET state = 'failed' WHERE id = (SELECT min(id) FROM notification_v2 WHERE state = 'pending')");
    // Nothing else gets old with them.
    fixture.rows("DELETE FROM outbox");
    let later = days(30).plus_millis(1);
    fixture.store.prune(days(30), 10).unwrap();
    assert_eq!(fixture.count("notification_v2"), 4);
    assert!(!fixture.store.due_work(days(30), tzdata_version()).unwrap().old);
    assert!(fixture.store.due_work(later, tzdata_version()).unwrap().old);
    fixture.store.prune(later, 2).unwrap();
    assert_eq!(fixture.count("notification_v2"), 2, "so many at a time");
    fixture.store.prune(later, 2).unwrap();
    assert_eq!(fixture.count("notification_v2 WHERE state = 'pending'"), 1, "what waits stays");
    assert_eq!(fixture.count("notification_v2"), 1);
    assert_eq!(fixture.count("work WHERE kind = 'notification'"), 1);
    assert_eq!(fixture.count("alarm WHERE state = 'fired'"), 4, "what has fired has");
    // One that ends later than others is forgotten, too.
    fixture.rows("UPDATE notification_v2 SET state = 'delivered'");
    let hour = later.plus_millis(3_600_001);
    fixture.store.prune(hour, 2).unwrap();
    assert_eq!((fixture.count("notification_v2"), fixture.count("work")), (0, 0));
}

/// Whether a reminder has fired is told by its alarm. What was sent is asked only where an alarm is set anew, and none is set to a time
/// so long ago.
#[test]
fn a_reminder_does_not_fire_again_when_its_notification_is_forgotten() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let at_noon = r#"{"title": "Now", "due": {"local": "2026-11-21T13:00:00", "tz": "Europe/Berlin"},
        "reminders": [{"trigger": "PT0S"}]}"#;
    let (task, _) = fixture.task(&user, at_noon);
    let due = fixture.due_reminders(NOON).pop().unwrap();
    let fires = fire(&mut fixture.context(&user), &due.alarm, &due.channels);
    fixture.store.commit(&fires).unwrap();
    let now = days(31);
    fixture.store.prune(now, 10).unwrap();
    assert_eq!(fixture.count("notification_v2"), 0);

    // Whoever was about to fire it a month ago comes too late.
    let again = fire(&mut fixture.context(&user), &due.alarm, &due.channels);
    let refused = fixture.store.commit(&again);
    assert!(matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "alarm"), "{refused:?}");
    // Nor does it where the occurrence is moved away and back, or the task comes back from the bin.
    let change = |fixture: &mut Fixture, local: &str| {
        let state = fixture.state(&user, &task, None);
        let input: TaskInput = serde_json::from_str(&at_noon.replace("2026-11-21T13", local)).unwrap();
        let (commit, ..) =
            update_task(&mut Context { now, ..fixture.context(&user) }, &state, &input).unwrap();
        fixture.store.commit(&commit).unwrap();
    };
    for (local, armed) in [("2027-01-01T13", 1), ("2026-11-21T13", 0)] {
        change(&mut fixture, local);
        assert_eq!(fixture.count("work WHERE kind = 'reminder'"), armed, "{local}");
    }
    let state = fixture.state(&user, &task, None);
    let deleted = delete_task(&mut Context { now, ..fixture.context(&user) }, &state);
    fixture.store.commit(&deleted).unwrap();
    let state = fixture.store.deleted_series(&user, task.id).unwrap().unwrap();
    let restored = restore_task(&mut Context { now, ..fixture.context(&user) }, &state).unwrap().0;
    fixture.store.commit(&restored).unwrap();
    assert_eq!(fixture.count("alarm WHERE state = 'armed'"), 0);
    assert!(fixture.due_reminders(days(400)).is_empty());
    assert_eq!(fixture.count("notification_v2"), 0);
}

/// As a build marks tasks that does not say when, or one that is slow to do it: they lie where nobody looks any more, for an hour.
#[test]
fn what_was_marked_and_passed_over_is_forgotten_within_an_hour() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let tasks = [0; 2].map(|_| fixture.task(&user, WEEKLY).0);
    delete(&mut fixture, &user, &tasks[0]);
    fixture.store.prune(days(31), 500).unwrap();
    assert_eq!(fixture.count("task"), 1);
    fixture.rows("UPDATE task SET deleted_at = 1, forgotten = true, updated_at = 0");
    fixture.store.prune(days(31).plus_millis(3_600_001), 500).unwrap();
    assert_eq!((fixture.count("task"), fixture.count("occurrence")), (0, 0));
}
