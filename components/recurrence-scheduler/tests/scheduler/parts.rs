//! Parts of a task are open again with each of its occurrences.

use perennial_domain::{
    AlarmState, Completion, Occurrence, OccurrenceStatus, Plan, RecurrenceId, Reopening, Task, TaskInput,
    TaskStatus, Timestamp, UserId, complete, delete_task, plan_successor, reopen, update_task,
};
use perennial_events::CloudEvent;
use perennial_fixture::{Fixture, NOON, WEEKLY, context};
use perennial_store::Store;
use recurrence_scheduler::{handle_event, sweep};
use serde_json::json;

/// A task that recurs, with so many parts.
fn with_parts(count: usize) -> (Fixture, UserId, Task, Vec<Task>) {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, _) = fixture.task(&user, WEEKLY);
    let part = json!({ "title": "Paper", "parent": task.id, "due": { "local": "2026-11-29T18:00:00", "tz": "Europe/Berlin" },
        "reminders": [{ "trigger": "-PT1H" }] });
    let parts = (0..count).map(|_| fixture.task(&user, &part.to_string()).0).collect();
    (fixture, user, task, parts)
}

fn close(fixture: &mut Fixture, user: &UserId, task: &Task) -> Occurrence {
    let (task, open) = fixture.open(user, task);
    let open = open.unwrap();
    fixture.complete(user, &task, &open).unwrap();
    open
}

fn sweep_at(fixture: &mut Fixture, at: Timestamp) {
    let swept = sweep(&fixture.store, &|| at, &mut fixture.ids).unwrap();
    assert!(swept.failures.is_empty(), "{:?}", swept.failures);
}

fn told(fixture: &Fixture, user: &UserId, task: &Task) -> usize {
    let events: Vec<CloudEvent> = fixture.waiting_events(user).into_iter().map(Into::into).collect();
    let of_part = |event: &&CloudEvent| {
        event.kind == "task.updated"
            && event.subject == task.id.to_string()
            && event.data.get("reopened").is_some()
    };
    events.iter().filter(of_part).count()
}

#[test]
fn parts_that_are_done_are_open_again_with_the_next_occurrence_once() {
    let (mut fixture, user, task, parts) = with_parts(3);
    for part in &parts[..2] {
        close(&mut fixture, &user, part);
    }
    sweep_at(&mut fixture, NOON);
    assert!(fixture.open(&user, &parts[0]).1.is_none(), "not before it comes");
    close(&mut fixture, &user, &task);
    let event = fixture.last_event(&user, "task.completed").into();
    handle_event(&fixture.store, &event, NOON, &mut fixture.ids).unwrap();
    handle_event(&fixture.store, &event, NOON, &mut fixture.ids).unwrap();
    for _ in 0..3 {
        sweep_at(&mut fixture, NOON);
    }
    for (part, times) in parts.iter().zip([1, 1, 0]) {
        let (part, open) = fixture.open(&user, part);
        let open = open.unwrap();
        assert_eq!((part.status, part.completed_at), (TaskStatus::Open, None));
        assert_eq!(open.recurrence_id, RecurrenceId::single());
        assert_eq!(told(&fixture, &user, &part), times, "each is told once");
        let alarms = fixture.state_with(&user, &part, &open).alarms;
        assert!(alarms.iter().all(|alarm| alarm.state == AlarmState::Armed), "and reminds of itself again");
    }
    assert_eq!(fixture.count("work WHERE kind = 'successor'"), 0);

    // And with the one after it.
    close(&mut fixture, &user, &parts[1]);
    close(&mut fixture, &user, &task);
    sweep_at(&mut fixture, NOON);
    sweep_at(&mut fixture, NOON);
    assert!(fixture.open(&user, &parts[1]).1.is_some());
    assert_eq!(told(&fixture, &user, &parts[1]), 2);
}

#[test]
fn what_changes_meanwhile_is_left_as_it_is() {
    let (mut fixture, user, task, parts) = with_parts(4);
    for part in &parts {
        close(&mut fixture, &user, part);
    }
    let own = json!({ "title": "Own", "parent": task.id, "due": { "local": "2026-11-20T07:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY;COUNT=1" } });
    let own = fixture.task(&user, &own.to_string()).0;
    close(&mut fixture, &user, &own);
    sweep_at(&mut fixture, NOON);
    close(&mut fixture, &user, &task);
    let event = fixture.last_event(&user, "task.completed").into();
    handle_event(&fixture.store, &event, NOON, &mut fixture.ids).unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'successor'"), 4, "the series of a part is its own");

    let done = |fixture: &Fixture, part: &Task| fixture.state(&user, part, Some(&RecurrenceId::single()));
    // One is opened by hand, one is deleted, one is no part any more.
    let state = done(&fixture, &parts[0]);
    let Reopening::Opens(commit, _) = reopen(&mut context(&user, &mut fixture.ids), &state).unwrap() else {
        panic!("it is open")
    };
    fixture.store.commit(&commit).unwrap();
    let state = done(&fixture, &parts[1]);
    let commit = delete_task(&mut context(&user, &mut fixture.ids), &state);
    fixture.store.commit(&commit).unwrap();
    let state = done(&fixture, &parts[2]);
    let mut input = TaskInput::from(&state.task.spec);
    input.parent = None;
    let (commit, ..) = update_task(&mut context(&user, &mut fixture.ids), &state, &input).unwrap();
    fixture.store.commit(&commit).unwrap();

    sweep_at(&mut fixture, NOON);
    sweep_at(&mut fixture, NOON);
    assert_eq!(told(&fixture, &user, &parts[0]), 1, "by hand alone");
    assert!(fixture.open(&user, &parts[2]).1.is_none());
    assert!(fixture.open(&user, &own).1.is_none());
    assert!(fixture.open(&user, &parts[3]).1.is_some());
    assert_eq!(fixture.count("work WHERE kind = 'successor'"), 0);

    // Done and opened by hand, it is done by hand too.
    close(&mut fixture, &user, &parts[0]);
    let state = done(&fixture, &parts[0]);
    assert_eq!(state.asked.as_ref().unwrap().status, OccurrenceStatus::Done);
    assert!(matches!(complete(&mut context(&user, &mut fixture.ids), &state), Ok(Completion::AlreadyClosed)));
}

/// What lost its work, in the bin or to a build that knows no parts, comes with the occurrence after.
#[test]
fn a_part_that_was_passed_over_comes_with_the_next_occurrence() {
    for status in ["pending", "ended"] {
        let (mut fixture, user, task, parts) = with_parts(1);
        close(&mut fixture, &user, &parts[0]);
        fixture.rows(&format!("UPDATE occurrence SET succession = '{status}' WHERE recurrence_id = ''"));
        fixture.rows("DELETE FROM work WHERE kind = 'successor'");
        close(&mut fixture, &user, &task);
        for _ in 0..3 {
            sweep_at(&mut fixture, NOON);
        }
        assert!(fixture.open(&user, &parts[0]).1.is_some(), "{status}");
    }
}

#[test]
fn a_hundred_parts_come_again() {
    let (mut fixture, user, task, parts) = with_parts(100);
    for part in &parts {
        close(&mut fixture, &user, part);
    }
    close(&mut fixture, &user, &task);
    for _ in 0..4 {
        sweep_at(&mut fixture, NOON);
    }
    assert!(parts.iter().all(|part| fixture.open(&user, part).1.is_some()));
}

#[test]
fn parts_of_another_user_are_not_touched() {
    let (mut fixture, ada, task, parts) = with_parts(1);
    close(&mut fixture, &ada, &parts[0]);
    let bob = fixture.user("bob");
    let (own, open) = fixture.task(&bob, WEEKLY);
    fixture.complete(&bob, &own, &open).unwrap();
    let state = fixture.state(&bob, &own, Some(&open.recurrence_id));
    let Plan::Opens(mut commit, _) = plan_successor(&mut context(&bob, &mut fixture.ids), &state).unwrap()
    else {
        panic!("it has a next occurrence")
    };
    assert_eq!(commit.parts_again, [own.id]);
    commit.parts_again = vec![task.id];
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'successor'"), 0);
    assert_eq!(fixture.count("occurrence WHERE succession = 'pending'"), 0);
}
