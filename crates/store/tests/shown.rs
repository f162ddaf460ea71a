//! What is only shown: tasks and occurrences as their user sees them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use perennial_domain::{DueInput, RecurrenceInput, TaskInput};
use perennial_fixture::{Fixture, WEEKLY};
use perennial_store::{Page, Store, TaskRecord};

fn page() -> Page {
    Page { after: None, limit: 10 }
}

#[test]
fn a_task_is_shown_as_it_was_made() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let asked: TaskInput = serde_json::from_str(WEEKLY).unwrap();
    let shown = fixture.store.task(&user, task.id).unwrap().unwrap();
    let open = shown.occurrence.clone().unwrap();
    assert_eq!((shown.id, shown.version, &shown.title), (task.id, task.version, &asked.title));
    assert_eq!((&shown.tags, &shown.description), (&asked.tags, &asked.description));
    assert_eq!(shown.due, task.spec.due.as_ref().map(DueInput::from));
    assert_eq!(shown.recurrence, asked.recurrence);
    assert_eq!(shown.reminders.len(), asked.reminders.len());
    assert_eq!((shown.created_at, shown.updated_at), (task.created_at, task.updated_at));
    assert_eq!((shown.status, shown.priority, shown.parked.as_ref()), (task.status, asked.priority, None));
    assert_eq!((&open.recurrence_id, open.ordinal), (&occurrence.recurrence_id, occurrence.ordinal));
    assert_eq!((open.due_at, open.status), (occurrence.due_at, occurrence.status));
    assert_eq!(open.due, occurrence.due.as_ref().map(DueInput::from));
    assert_eq!(fixture.store.tasks(&user, None, &page()).unwrap(), [shown]);
    assert_eq!(fixture.store.occurrences(&user, task.id, &page()).unwrap(), [open]);
}

/// What nothing here has written, as a row edited by hand: the list that it is in is still answered.
#[test]
fn a_spoiled_row_spoils_no_list() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (spoiled, _) = fixture.task(&user, WEEKLY);
    let (whole, _) = fixture.task(&user, WEEKLY);
    for (tags, recurrence, reminders) in [("not", "{", "["), ("{}", "7", "\"\"")] {
        fixture.rows(&format!(
            "UPDATE task SET tags = '{tags}', recurrence = '{recurrence}', reminders = '{reminders}' WHERE id = '{}'",
            spoiled.id
        ));
        let shown = fixture.store.tasks(&user, None, &page()).unwrap();
        let of = |id| shown.iter().find(|task| task.id == id).unwrap();
        let TaskRecord { title, tags, recurrence, reminders, .. } = of(spoiled.id);
        assert_eq!(title, &spoiled.spec.title);
        assert_eq!((tags.len(), recurrence, reminders.len()), (0, &None::<RecurrenceInput>, 0));
        assert!(of(whole.id).recurrence.is_some());
    }
}

#[test]
fn what_is_parked_is_shown_on_its_own_task() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (parked, _) = fixture.task(&ada, WEEKLY);
    fixture.task(&ada, WEEKLY);
    fixture.task(&eve, WEEKLY);
    for (kind, reason) in [("zone", "another kind"), ("successor", "no date is left")] {
        fixture.rows(&format!(
            "INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, reason, parked_at) \
             VALUES ('{kind}', '{ada}', '{ada}', '{}', 'x', '{reason}', 1)",
            parked.id
        ));
    }
    let why = |user| {
        let shown = fixture.store.tasks(user, None, &page()).unwrap();
        shown.into_iter().map(|task| task.parked.and_then(|parked| parked.reason)).collect::<Vec<_>>()
    };
    assert_eq!(why(&ada), [Some("no date is left".to_owned()), None]);
    assert_eq!(why(&eve), [None]);
}
