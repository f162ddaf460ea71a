//! A state store spares looks into the database, and can do no more: what it says of an event holds for that message alone.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::RefCell;

use perennial_events::{CONSUMERS, CloudEvent, Consumer, FirstLook, MAX_EVENT, StateStore, Status, heard_at};
use pollster::block_on;
use serde_json::{Value, json};

/// A state store that answers what it is told to, and remembers what it was asked.
#[derive(Default)]
struct State {
    asked: RefCell<Vec<(String, Value)>>,
    answers: RefCell<Vec<Result<(u16, String), String>>>,
}

impl State {
    fn answering(answers: impl IntoIterator<Item = Result<(u16, String), String>>) -> Self {
        Self { answers: RefCell::new(answers.into_iter().collect()), ..Self::default() }
    }

    /// What was asked of it below its address.
    fn asked(&self, below: &str) -> Vec<Value> {
        let asked = self.asked.borrow();
        asked.iter().filter(|(address, _)| address == below).map(|(_, body)| body.clone()).collect()
    }
}

impl StateStore for &State {
    async fn post(&self, below: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        self.asked.borrow_mut().push((below.to_owned(), serde_json::from_slice(&body).unwrap()));
        let answer = self.answers.borrow_mut().remove(0);
        answer.map(|(status, body)| (status, body.into_bytes()))
    }
}

fn scheduler() -> &'static Consumer {
    heard_at("/events/recurrence-scheduler/task-events").unwrap()
}

fn event() -> CloudEvent {
    let golden = include_bytes!("golden/1.0-task.completed.json");
    CloudEvent { epoch: "5f0c3a9be1d24478".to_owned(), ..CloudEvent::parse(golden).unwrap() }
}

fn text(event: &CloudEvent) -> Vec<u8> {
    serde_json::to_vec(event).unwrap()
}

/// An event that differs from the one of all tests.
fn other(change: impl FnOnce(&mut CloudEvent)) -> Vec<u8> {
    let mut event = event();
    change(&mut event);
    text(&event)
}

/// What the state store is asked about, and what is noted, of messages that were all applied.
fn noted(consumer: &Consumer, messages: &[Vec<u8>]) -> (Vec<Value>, Vec<Value>) {
    let state = State::answering([Ok((200, "[]".to_owned())), Ok((204, String::new()))]);
    let look = block_on(FirstLook::at(&state, consumer, messages.iter().map(Vec::as_slice)));
    assert_eq!((look.failure(), look.unknown().len()), (None, messages.len()));
    block_on(look.note(&vec![true; messages.len()])).unwrap();
    (state.asked("/bulk"), state.asked(""))
}

/// Whether a message is known where the state store answers this.
fn knows(message: &[u8], answer: Result<(u16, String), String>) -> (bool, Option<String>) {
    let state = State::answering([answer]);
    let look = block_on(FirstLook::at(&state, scheduler(), [message]));
    (look.unknown().is_empty(), look.failure().map(str::to_owned))
}

/// What the store holds once a message was applied.
fn note_of(message: &[u8]) -> Value {
    let (_, noted) = noted(scheduler(), &[message.to_vec()]);
    noted[0][0].clone()
}

fn answer(items: Value) -> Result<(u16, String), String> {
    Ok((200, items.to_string()))
}

#[test]
fn one_request_asks_and_one_notes_for_seven_days() {
    let second = other(|event| event.id = "01980000-0000-7000-8000-00000000000A".to_owned());
    let (asked, noted) = noted(scheduler(), &[text(&event()), second]);
    let [first, second] = [
        "recurrence-scheduler|5f0c3a9be1d24478|00000000-0000-000e-0000-000000000000",
        "recurrence-scheduler|5f0c3a9be1d24478|01980000-0000-7000-8000-00000000000a",
    ];
    assert_eq!(asked, [json!({ "keys": [first, second], "parallelism": 10 })]);
    let [noted] = &noted[..] else { panic!("one request: {noted:?}") };
    assert_eq!(noted.as_array().unwrap().len(), 2);
    for (note, key) in [(&noted[0], first), (&noted[1], second)] {
        assert_eq!((&note["key"], &note["metadata"]), (&json!(key), &json!({ "ttlInSeconds": "604800" })));
        assert!(note["value"].as_str().unwrap().starts_with("sha256:"), "{note}");
    }
    assert_ne!(noted[0]["value"], noted[1]["value"]);
}

#[test]
fn what_is_known_is_answered_and_the_others_are_handled_in_their_turn() {
    let events: Vec<Vec<u8>> = (0..4)
        .map(|number| other(|event| event.id = format!("01980000-0000-7000-8000-00000000000{number}")))
        .collect();
    let item = |index: usize| {
        let note = note_of(&events[index]);
        json!({ "key": note["key"], "data": note["value"], "etag": "1" })
    };
    // In an order of its own, and with what is not there as the sidecar has it.
    let items = json!([item(3), item(1), { "key": note_of(&events[0])["key"], "data": null }]);
    let state = State::answering([answer(items), Ok((204, String::new()))]);
    let look = block_on(FirstLook::at(&state, scheduler(), events.iter().map(Vec::as_slice)));
    assert_eq!(look.unknown(), [&events[0][..], &events[2][..]]);
    let statuses = look.of_each(Status::Success, [Status::Retry, Status::Drop]);
    assert_eq!(statuses, [Status::Retry, Status::Success, Status::Drop, Status::Success]);
    // What is left without a status comes again.
    assert_eq!(look.of_each(Status::Success, [Status::Success]), [Status::Success, Status::Success]);
    block_on(look.note(&[false, true])).unwrap();
    assert_eq!(state.asked(""), [json!([note_of(&events[2])])], "what was not applied is not noted");
}

#[test]
fn nothing_that_was_applied_is_nothing_to_note() {
    let (state, message) = (State::answering([answer(json!([]))]), text(&event()));
    let look = block_on(FirstLook::at(&state, scheduler(), [message.as_slice()]));
    block_on(look.note(&[false])).unwrap();
    assert!(state.asked("").is_empty());
}

#[test]
fn what_is_known_of_a_message_holds_for_that_message_alone() {
    let message = text(&event());
    let note = note_of(&message);
    let held = |key: &Value| answer(json!([{ "key": key, "data": note["value"] }]));
    assert!(knows(&message, held(&note["key"])).0, "the message itself");
    let forged: [fn(&mut CloudEvent); 5] = [
        |event| event.data = json!({}),
        |event| event.userid = "another".to_owned(),
        |event| event.subject = "00000000-0000-0003-0000-000000000001".to_owned(),
        |event| event.epoch = "another".to_owned(),
        |event| event.id = "00000000-0000-000e-0000-000000000001".to_owned(),
    ];
    for change in forged {
        let forged = other(change);
        // Whatever stands under its key, and under that of the true one.
        for key in [note_of(&forged)["key"].clone(), note["key"].clone()] {
            assert_eq!(knows(&forged, held(&key)), (false, None), "{}", String::from_utf8_lossy(&forged));
        }
        // What is noted of it makes nothing of the true one known.
        let poison = json!([{ "key": note["key"], "data": note_of(&forged)["value"] }]);
        assert_eq!(knows(&message, answer(poison)), (false, None));
    }
}

/// A store that was put back from a copy has another epoch: what it lost is applied once more.
#[test]
fn each_consumer_and_each_history_of_the_store_has_keys_of_its_own() {
    let message = text(&event());
    let restored = other(|event| event.epoch = "another".to_owned());
    let mut keys: Vec<String> = CONSUMERS
        .iter()
        .filter(|consumer| consumer.topic == "task-events")
        .flat_map(|consumer| noted(consumer, &[message.clone(), restored.clone()]).0)
        .flat_map(|asked| asked["keys"].as_array().unwrap().clone())
        .map(|key| key.to_string())
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[test]
fn nothing_is_asked_about_what_is_no_event_of_the_consumers() {
    let long = "x".repeat(101);
    let epochs = ["", "a|b", "a||b", "a.b", "a b", "\u{e9}", "a\u{0}", &long];
    let ids = [
        "",
        "no id",
        "00000000-0000-000e-0000-00000000000",
        "{0000000-0000-000e-0000-000000000000}",
        "00000000000000000000000000000000",
        "a|00000000-0000-000e-0000-000000000000",
        "urn:uuid:00000000-0000-000e-0000-000000000000",
        "00000000-0000-000e-0000-000000000000|",
    ];
    let with_epoch = |epoch: &&str| other(|event| event.epoch = (*epoch).to_owned());
    let with_id = |id: &&str| other(|event| event.id = (*id).to_owned());
    let odd = epochs.iter().map(with_epoch).chain(ids.iter().map(with_id));
    let none = [
        b"hello".to_vec(),
        b"{}".to_vec(),
        b"\xff".to_vec(),
        vec![b' '; MAX_EVENT + 1],
        other(|event| event.kind = "task.updated".to_owned()),
    ];
    for message in odd.chain(none) {
        let state = State::default();
        let look = block_on(FirstLook::at(&state, scheduler(), [message.as_slice()]));
        assert_eq!(look.unknown(), [message.as_slice()]);
        block_on(look.note(&[true])).unwrap();
        assert!(state.asked.borrow().is_empty(), "{}", String::from_utf8_lossy(&message));
    }
}

#[test]
fn a_state_store_that_is_away_slow_or_wrong_knows_nothing_and_is_not_asked_again() {
    let message = text(&event());
    for said in [
        Err("the sidecar did not answer in 300 ms".to_owned()),
        Err("the sidecar cannot be reached".to_owned()),
        Ok((400, json!({ "errorCode": "ERR_STATE_STORE_NOT_FOUND" }).to_string())),
        Ok((403, String::new())),
        Ok((500, "[]".to_owned())),
        Ok((204, String::new())),
        Ok((200, String::new())),
        Ok((200, "no JSON".to_owned())),
        Ok((200, "{}".to_owned())),
        Ok((200, "[{}]".to_owned())),
        Ok((200, "[7]".to_owned())),
        // As a sidecar answers for a Redis that hangs.
        answer(json!([{ "key": "a", "error": "context deadline exceeded" }])),
    ] {
        let state = State::answering([said.clone()]);
        let look = block_on(FirstLook::at(&state, scheduler(), [message.as_slice()]));
        assert_eq!(look.unknown(), [message.as_slice()], "{said:?}");
        assert!(look.failure().is_some(), "{said:?}");
        block_on(look.note(&[true])).unwrap();
        assert_eq!(state.asked.borrow().len(), 1, "one try: {said:?}");
    }
}

#[test]
fn what_is_answered_beside_what_was_asked_is_nothing() {
    let message = text(&event());
    let key = note_of(&message)["key"].clone();
    for data in
        [json!(true), json!({}), json!(1), json!("sha256:"), json!(""), json!([note_of(&message)["value"]])]
    {
        assert_eq!(knows(&message, answer(json!([{ "key": key, "data": data }]))), (false, None), "{data}");
    }
    let other = json!([{ "key": "recurrence-scheduler|x|y", "data": note_of(&message)["value"] }]);
    assert_eq!(knows(&message, answer(other)), (false, None));
}

#[test]
fn a_note_that_is_not_taken_is_told_and_not_made_again() {
    for said in [Err("away".to_owned()), Ok((500, String::new())), Ok((400, String::new()))] {
        let state = State::answering([answer(json!([])), said]);
        let message = text(&event());
        let look = block_on(FirstLook::at(&state, scheduler(), [message.as_slice()]));
        assert!(block_on(look.note(&[true])).is_err());
        assert_eq!(state.asked.borrow().len(), 2);
    }
}

#[test]
fn without_a_state_store_nothing_is_known() {
    let message = text(&event());
    let look = FirstLook::<&State>::none([message.as_slice()]);
    assert_eq!((look.unknown().len(), look.failure()), (1, None));
    block_on(look.note(&[true])).unwrap();
}
