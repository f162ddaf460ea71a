//! A state store before the inbox: what was applied is answered without the database, and nothing else is.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use perennial_events::{CloudEvent, FirstLook, StateStore, heard_at};
use perennial_fixture::{Fixture, NOON, WEEKLY};
use pollster::block_on;
use recurrence_scheduler::{Taken, take};
use serde_json::{Value, json};

use crate::{owed, text};

/// A state store that does what it is asked.
#[derive(Default)]
struct Kept(RefCell<BTreeMap<String, Value>>);

impl StateStore for &Kept {
    async fn post(&self, below: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut kept = self.0.borrow_mut();
        if below.is_empty() {
            kept.extend(
                body.as_array().unwrap().iter().map(|note| (text(&note["key"]), note["value"].clone())),
            );
            return Ok((204, Vec::new()));
        }
        let keys = body["keys"].as_array().unwrap().iter();
        let found: Vec<Value> = keys.map(|key| json!({ "key": key, "data": kept.get(&text(key)) })).collect();
        Ok((200, serde_json::to_vec(&found).unwrap()))
    }
}

/// Takes a delivery as the component does; gives how many of its messages were known, and what became of the others.
fn hear(fixture: &mut Fixture, state: &Kept, messages: &[&[u8]]) -> (usize, Taken) {
    let scheduler = heard_at("/events/recurrence-scheduler/task-events").unwrap();
    let look = block_on(FirstLook::at(state, scheduler, messages.iter().copied()));
    let unknown = look.unknown();
    let taken = take(&fixture.store, &unknown, NOON, &mut fixture.ids);
    block_on(look.note(&taken.applied)).unwrap();
    (messages.len() - unknown.len(), taken)
}

fn open(fixture: &Fixture) -> i64 {
    fixture.count("occurrence WHERE status = 'open'")
}

#[test]
fn what_was_applied_is_known_the_second_time() {
    let (mut fixture, _, event) = owed();
    let (state, message) = (Kept::default(), text(&event));
    let (known, taken) = hear(&mut fixture, &state, &[&message]);
    assert_eq!((known, taken.applied, open(&fixture)), (0, vec![true], 1));
    let (known, taken) = hear(&mut fixture, &state, &[&message]);
    assert_eq!((known, taken.done.len()), (1, 0));
    assert_eq!(
        fixture.count("tally WHERE name LIKE 'duplicate_events_total%'"),
        0,
        "nobody asked the database"
    );
    // It has lost everything: the inbox knows.
    state.0.borrow_mut().clear();
    let (known, taken) = hear(&mut fixture, &state, &[&message]);
    assert_eq!((known, taken.done, taken.applied, open(&fixture)), (0, vec![true], vec![false], 1));
    assert_eq!(fixture.count("tally WHERE name LIKE 'duplicate_events_total%'"), 1);
}

#[test]
fn what_was_not_applied_is_not_noted() {
    let (mut fixture, _, event) = owed();
    let state = Kept::default();
    // None of them makes up for one before it.
    let like = CloudEvent { previous: None, ..event.clone() };
    let of_no_concern = CloudEvent { kind: "task.updated".to_owned(), ..like.clone() };
    let of_nothing =
        CloudEvent { subject: "00000000-0000-7000-8000-000000000000".to_owned(), ..like.clone() };
    let unusable = CloudEvent { data: json!({}), ..like };
    let forged = [text(&of_no_concern), text(&of_nothing), text(&unusable), b"no event".to_vec()];
    let (_, taken) = hear(&mut fixture, &state, &forged.each_ref().map(Vec::as_slice));
    assert_eq!((taken.done, taken.applied), (vec![true; 4], vec![false; 4]));
    assert_eq!(fixture.count("dead_letter"), 2);
    assert!(state.0.borrow().is_empty(), "{:?}", state.0);
    // All of it under the id of one that is true, and comes after it.
    let (known, taken) = hear(&mut fixture, &state, &[&text(&event)]);
    assert_eq!((known, taken.applied, open(&fixture)), (0, vec![true], 1));
}

/// What the store could not take comes again, and what became a dead letter is applied once it can be and is sent again.
#[test]
fn what_comes_again_because_it_failed_is_applied() {
    let (mut fixture, _, event) = owed();
    let (state, message) = (Kept::default(), text(&event));
    fixture.rows("ALTER TABLE task RENAME TO away");
    let (_, taken) = hear(&mut fixture, &state, &[&message]);
    assert_eq!((taken.done, taken.applied), (vec![false], vec![false]));
    fixture.rows("ALTER TABLE away RENAME TO task");
    fixture.rows(fixture.dialect(
        "UPDATE task SET recurrence = '[{' || recurrence",
        "UPDATE task SET recurrence = jsonb_build_array(7, recurrence)",
    ));
    let (known, taken) = hear(&mut fixture, &state, &[&message]);
    assert_eq!((known, taken.done, fixture.count("dead_letter")), (0, vec![true], 1));
    fixture.rows(fixture.dialect(
        "UPDATE task SET recurrence = substr(recurrence, 3)",
        "UPDATE task SET recurrence = recurrence -> 1",
    ));
    let (known, taken) = hear(&mut fixture, &state, &[&message]);
    assert_eq!((known, taken.applied, open(&fixture)), (0, vec![true], 1));
}

/// Two of a delivery that is known in part.
#[test]
fn each_of_several_is_known_by_itself() {
    let (mut fixture, user, first) = owed();
    let state = Kept::default();
    hear(&mut fixture, &state, &[&text(&first)]);
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let second: CloudEvent = fixture.last_event(&user, "task.completed").into();
    let (known, taken) = hear(&mut fixture, &state, &[&text(&first), &text(&second), &text(&first)]);
    assert_eq!((known, taken.applied, open(&fixture)), (2, vec![true], 2));
    let (known, _) = hear(&mut fixture, &state, &[&text(&second), &text(&first)]);
    assert_eq!(known, 2);
}
