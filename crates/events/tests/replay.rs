//! Dead letters that are sent again: in the order of their streams, once more where they are cut off, and none of them for ever.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};

use perennial_domain::{ExpectLetter, LetterAction, LetterStatus, Timestamp, UserId, change_letters};
use perennial_events::{
    Bus, BusError, CloudEvent, Fault, Message, Resent, given_up_by_broker, replay_letters, unusable,
};
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_store::{Keeping, KeptLetter, LetterFilter, LetterStore, Store};

/// A bus that fails as it is told.
#[derive(Default)]
struct Fussy {
    taken: RefCell<Vec<CloudEvent>>,
    fails: Cell<Option<Fault>>,
    /// Only for this event.
    only: RefCell<String>,
}

impl Bus for Fussy {
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        let only = self.only.borrow();
        let concerned = only.is_empty() || batch.iter().any(|message| message.event.id == *only);
        if let Some(fault) = self.fails.get().filter(|_| concerned) {
            return (0, Some(BusError { bus: "fussy", reason: "no".to_owned(), fault }));
        }
        self.taken.borrow_mut().extend(batch.iter().map(|message| message.event.clone()));
        (batch.len(), None)
    }
}

impl Fussy {
    fn sequences(&self, user: &UserId) -> Vec<i64> {
        let taken = self.taken.borrow();
        let of_user = taken.iter().filter(|event| event.userid == user.as_str());
        of_user.map(|event| event.sequence.parse().unwrap()).collect()
    }
}

fn replay(fixture: &Fixture, bus: &Fussy, at: Timestamp) -> Resent {
    pollster::block_on(replay_letters(&fixture.store, bus, &|| at)).unwrap()
}

fn all(fixture: &Fixture) -> Vec<KeptLetter> {
    fixture.store.letters(&LetterFilter::default(), 0, 500).unwrap().letters
}

fn statuses(fixture: &Fixture) -> Vec<&'static str> {
    all(fixture).iter().map(|letter| letter.status.name()).collect()
}

/// Has all letters sent again that can be.
fn ask(fixture: &mut Fixture) {
    let expected = |letter: &KeptLetter| ExpectLetter {
        place: letter.place,
        user_id: letter.user_id.clone(),
        status: letter.status,
    };
    let letters: Vec<ExpectLetter> =
        all(fixture).iter().filter(|letter| letter.is_event()).map(expected).collect();
    let mut ctx = fixture.context(&UserId::admin());
    let commit = change_letters(&mut ctx, LetterAction::Replay, letters, "dead-letters", true.into());
    fixture.store.commit(&commit).unwrap();
}

/// Two users, each with three events that a broker gave up, the last first.
fn house() -> (Fixture, UserId, UserId) {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    for _ in 0..3 {
        fixture.task(&ada, WEEKLY);
        fixture.task(&eve, WEEKLY);
    }
    let mut events = [fixture.waiting_events(&eve), fixture.waiting_events(&ada)].concat();
    events.reverse();
    let letters: Vec<_> = events
        .into_iter()
        .map(|event| serde_json::to_vec(&CloudEvent::from(event)).unwrap())
        .map(|message| given_up_by_broker("task-events", &message))
        .collect();
    assert_eq!(fixture.store.keep_letters(&letters, NOON).unwrap(), [Keeping::Kept; 6]);
    (fixture, ada, eve)
}

#[test]
fn letters_go_out_under_their_own_ids_in_the_order_of_their_streams() {
    let (mut fixture, ada, eve) = house();
    let bus = Fussy::default();
    assert_eq!(replay(&fixture, &bus, NOON), Resent::default(), "nobody has asked");
    // Some are kept by their stream no more: they go out as they were received.
    fixture.rows(&format!("DELETE FROM outbox WHERE user_id = '{ada}'"));
    ask(&mut fixture);
    assert_eq!(replay(&fixture, &bus, NOON).sent, 6);
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![1, 2, 3], vec![1, 2, 3]));
    let ids: Vec<String> = all(&fixture).into_iter().map(|letter| letter.event_id).collect();
    assert!(bus.taken.borrow().iter().all(|event| ids.contains(&event.id)));
    assert_eq!(statuses(&fixture), ["replayed"; 6]);
    assert_eq!(replay(&fixture, &bus, NOON.plus_millis(60_000)), Resent::default(), "once");
}

#[test]
fn no_more_than_a_hundred_go_out_in_a_second() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    (0..150).for_each(|_| drop(fixture.task(&ada, WEEKLY)));
    let letters: Vec<_> = fixture
        .waiting_events(&ada)
        .into_iter()
        .map(|event| {
            given_up_by_broker("task-events", &serde_json::to_vec(&CloudEvent::from(event)).unwrap())
        })
        .collect();
    fixture.store.keep_letters(&letters, NOON).unwrap();
    ask(&mut fixture);
    let bus = Fussy::default();
    let sent = [0, 0, 999, 1_000, 1_000].map(|millis| replay(&fixture, &bus, NOON.plus_millis(millis)).sent);
    assert_eq!(sent, [100, 0, 0, 50, 0]);
    assert!(bus.sequences(&ada).is_sorted());
}

/// Killed between sending and saying so: sent once more, under the same ids.
#[test]
fn what_was_cut_off_is_sent_once_more() {
    let (mut fixture, ada, _) = house();
    ask(&mut fixture);
    let cut = fixture.store.take_replays(NOON, 30_000, 100).unwrap().unwrap();
    assert_eq!(cut.letters.len(), 6, "these were sent, and nobody lived to say so");
    let bus = Fussy::default();
    assert_eq!(replay(&fixture, &bus, NOON.plus_millis(29_999)).sent, 0);
    assert_eq!(replay(&fixture, &bus, NOON.plus_millis(30_000)).sent, 6);
    assert_eq!(bus.sequences(&ada), [1, 2, 3]);
    assert_eq!(statuses(&fixture), ["replayed"; 6]);
}

#[test]
fn one_that_can_never_be_taken_is_open_again_and_holds_up_no_other() {
    let (mut fixture, ada, eve) = house();
    ask(&mut fixture);
    let bus = Fussy::default();
    bus.fails.set(Some(Fault::Event));
    bus.only.borrow_mut().clone_from(&fixture.waiting_events(&ada)[0].event_id);
    let resent = replay(&fixture, &bus, NOON);
    assert_eq!((resent.sent, resent.failures.len()), (5, 1), "{resent:?}");
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![2, 3], vec![1, 2, 3]));
    assert_eq!(statuses(&fixture).iter().filter(|status| **status == "open").count(), 1);
    let open = all(&fixture).into_iter().find(|letter| letter.status == LetterStatus::Open).unwrap();
    assert!(open.error.contains("no"), "{open:?}");
    assert_eq!(fixture.count("work WHERE kind = 'event'"), 1, "its owner sees it");
}

/// The letters behind it wait, for they come after it; those of others do not; and it does not wait for ever.
#[test]
fn a_stream_whose_letter_its_handler_fails_at_waits_alone() {
    let (mut fixture, ada, eve) = house();
    ask(&mut fixture);
    let bus = Fussy::default();
    bus.fails.set(Some(Fault::Stream));
    bus.only.borrow_mut().clone_from(&fixture.waiting_events(&ada)[1].event_id);
    let mut turns = Vec::new();
    for second in 0..600 {
        let resent = replay(&fixture, &bus, NOON.plus_millis(second * 1_000));
        assert_eq!(bus.sequences(&eve), [1, 2, 3], "in the first turn");
        if !resent.failures.is_empty() {
            turns.push(second);
            assert_eq!(bus.sequences(&ada)[..1], [1]);
        }
    }
    let pauses: Vec<i64> = turns.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(bus.sequences(&ada), [1, 3]);
    assert_eq!(statuses(&fixture).iter().filter(|status| **status == "open").count(), 1);

    // Where it passes, all come in order.
    let (mut fixture, ada, _) = house();
    ask(&mut fixture);
    bus.only.borrow_mut().clone_from(&fixture.waiting_events(&ada)[1].event_id);
    replay(&fixture, &bus, NOON);
    bus.fails.set(None);
    bus.taken.borrow_mut().clear();
    replay(&fixture, &bus, NOON.plus_millis(2_000));
    assert_eq!(bus.sequences(&ada), [2, 3]);
}

/// What cannot be read as an event any more is open again too.
#[test]
fn one_that_is_no_event_any_more_is_open_again() {
    let (mut fixture, ..) = house();
    fixture.rows("DELETE FROM outbox");
    fixture.rows("UPDATE dead_letter SET event = substr(event, 1, 100) WHERE place = 1");
    ask(&mut fixture);
    assert_eq!(replay(&fixture, &Fussy::default(), NOON).sent, 5);
    assert_eq!(all(&fixture)[0].status, LetterStatus::Open);
}

#[test]
fn a_bus_that_is_away_loses_nothing_and_keeps_no_letter_for_ever() {
    let (mut fixture, ada, eve) = house();
    ask(&mut fixture);
    let bus = Fussy::default();
    bus.fails.set(Some(Fault::Bus));
    assert_eq!(replay(&fixture, &bus, NOON).failures.len(), 1, "it is asked once");
    assert_eq!(replay(&fixture, &bus, NOON.plus_millis(9_999)), Resent::default(), "and left alone");
    bus.fails.set(None);
    assert_eq!(replay(&fixture, &bus, NOON.plus_millis(10_000)).sent, 6);
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![1, 2, 3], vec![1, 2, 3]), "in their order");

    // One over which it hangs each time holds up its own stream alone, and is open again in the end.
    let (mut fixture, ada, eve) = house();
    bus.taken.borrow_mut().clear();
    ask(&mut fixture);
    bus.fails.set(Some(Fault::Bus));
    bus.only.borrow_mut().clone_from(&fixture.waiting_events(&ada)[0].event_id);
    let mut turns = 0;
    while statuses(&fixture).contains(&"replaying") {
        replay(&fixture, &bus, NOON.plus_millis(turns * 10_000));
        turns += 1;
        assert!(turns < 50, "{:?}", statuses(&fixture));
        assert!(turns < 2 || bus.sequences(&eve) == [1, 2, 3]);
    }
    assert_eq!(statuses(&fixture).iter().filter(|status| **status == "open").count(), 1);
    assert_eq!(bus.sequences(&ada), [2, 3]);
}

/// What is kept is what was received.
#[test]
fn a_letter_is_its_events() {
    let (fixture, ada, _) = house();
    let event = CloudEvent::from(fixture.waiting_events(&ada).remove(0));
    let message = serde_json::to_vec(&event).unwrap();
    let letter = unusable("task-events", "recurrence-scheduler", &message, "why");
    assert_eq!((letter.event_id, letter.user, letter.sequence), (event.id, event.userid, 1));
    assert_eq!((letter.kind, letter.subject), (event.kind, event.subject));
    assert_eq!(letter.event.as_bytes(), message);
}
