//! A hot user's events go out in sixteen streams: each in order, and each event says what came before it in its own, whatever is cut off.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use perennial_domain::{
    Commit, LetterAction, LetterStatus, Timestamp, UserId, change_letters, create_task, fire,
};
use perennial_events::{
    Bus, BusError, CloudEvent, Fault, LANES, Message, OWN_LEASE, given_up_by_broker, lane_stream, relay_all,
    relay_own, relay_stream, replay_letters,
};
use perennial_fixture::{Fixture, NOON, Recorded, WEEKLY, Watch, webhook};
use perennial_store::{
    Apply, KeptLetter, LetterFilter, LetterStore, Mode, OutboxStore, Outcome, OwnLease, Store, Value,
};

/// A bus that takes so many at once, and fails at one event as it is told.
#[derive(Default)]
struct Fussy {
    taken: RefCell<Vec<Message>>,
    at_once: Cell<Option<usize>>,
    fails: RefCell<Option<(Fault, String)>>,
}

impl Bus for Fussy {
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        let most = self.at_once.get().unwrap_or(batch.len()).min(batch.len());
        for (number, message) in batch.iter().take(most).enumerate() {
            if let Some((fault, id)) = &*self.fails.borrow()
                && message.event.id == *id
            {
                return (number, Some(BusError { bus: "fussy", reason: "no".to_owned(), fault: *fault }));
            }
            self.taken.borrow_mut().push(message.clone());
        }
        (most, None)
    }
}

impl Fussy {
    fn fail(&self, fault: Fault, id: &str) {
        *self.fails.borrow_mut() = Some((fault, id.to_owned()));
    }

    fn events(&self) -> Vec<CloudEvent> {
        self.taken.borrow().iter().map(|message| message.event.clone()).collect()
    }
}

/// A hot user with events on three topics.
fn house() -> (Fixture, UserId) {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.store.hot_users(std::slice::from_ref(&ada));
    fill(&mut fixture, &ada, 30);
    (fixture, ada)
}

/// So many tasks, and what fires of them.
fn fill(fixture: &mut Fixture, user: &UserId, tasks: usize) {
    (0..tasks).for_each(|_| drop(fixture.task(user, WEEKLY)));
    for due in fixture.due_reminders(NOON.plus_millis(7 * 86_400_000)) {
        let fired = fire(&mut fixture.context(user), &due.alarm, &[webhook("hook")]);
        fixture.store.commit(&fired).unwrap();
    }
    (0..tasks / 3).for_each(|_| drop(fixture.task(user, WEEKLY)));
}

/// What comes before each event in its lane on its topic, by its id: as the user's log has it.
fn before(fixture: &Fixture, user: &UserId) -> BTreeMap<String, Option<String>> {
    let mut last = BTreeMap::new();
    let mut log = fixture.store.events(user, 0, 200).unwrap().events;
    while let Some(after) = log.last().map(|event| event.sequence) {
        let next = fixture.store.events(user, after, 200).unwrap().events;
        if next.is_empty() {
            break;
        }
        log.extend(next);
    }
    log.into_iter()
        .map(|event| {
            let lane = (lane_stream(user.as_str(), &event.subject), event.topic.clone());
            let event = CloudEvent::from(event);
            assert_eq!(
                (&event.stream, &event.partitionkey),
                (&event.userid, &event.userid),
                "the log is one"
            );
            (event.id, last.insert(lane, event.sequence))
        })
        .collect()
}

/// Each time an event went out it was in its lane, after the event that comes before it there; first appearances are in order, and all
/// are there that were not given up.
fn is_exact(fixture: &Fixture, user: &UserId, bus: &Fussy, given_up: usize) {
    let before = before(fixture, user);
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    for Message { topic, event } in bus.taken.borrow().iter() {
        assert_eq!(event.stream, lane_stream(user.as_str(), &event.subject));
        assert_eq!((&event.partitionkey, event.userid.as_str()), (&event.stream, user.as_str()));
        assert_eq!(event.previous, before[&event.id], "{} of {} on {topic}", event.sequence, event.stream);
        if seen.insert(event.id.clone()) {
            let earlier = last.insert((topic.clone(), event.stream.clone()), event.sequence.clone());
            assert!(earlier.as_ref() < Some(&event.sequence), "{earlier:?}, then {}", event.sequence);
        }
    }
    assert_eq!(seen.len() + given_up, before.len());
}

fn all(store: &impl OutboxStore, bus: &Fussy, at: Timestamp) -> (u32, usize) {
    let relayed = pollster::block_on(relay_all(store, bus, 50, &|| at)).unwrap();
    (relayed.published, relayed.failures.len())
}

#[test]
fn the_events_of_a_hot_user_go_out_in_lanes_each_in_order() {
    let (mut fixture, ada) = house();
    let eve = fixture.user("eve");
    fixture.task(&eve, WEEKLY);
    let bus = Fussy::default();
    assert_eq!(all(&fixture.store, &bus, NOON), (71, 0));
    let (of_eve, of_ada): (Vec<_>, Vec<_>) =
        bus.taken.take().into_iter().partition(|message| message.event.userid == eve.as_str());
    assert_eq!(of_eve[0].event.stream, eve.as_str(), "who is not hot has one stream");
    let streams: BTreeSet<&str> = of_ada.iter().map(|message| message.event.stream.as_str()).collect();
    assert!(streams.len() > 8 && streams.len() <= usize::from(LANES), "{streams:?}");
    let topics: BTreeSet<&str> = of_ada.iter().map(|message| message.topic.as_str()).collect();
    assert_eq!(topics.len(), 2, "{topics:?}");
    *bus.taken.borrow_mut() = of_ada;
    is_exact(&fixture, &ada, &bus, 0);
    assert!(fixture.waiting_events(&ada).is_empty());
}

/// Slices have a hundred events, and a bus may take a few at once.
#[test]
fn what_came_before_is_exact_over_slices_and_by_whoever_relays() {
    let (mut fixture, ada) = house();
    let bus = Fussy::default();
    bus.at_once.set(Some(7));
    for _ in 0..4 {
        fill(&mut fixture, &ada, 60);
        let other = fixture.connection();
        other.hot_users(std::slice::from_ref(&ada));
        pollster::block_on(relay_stream(&other, &bus, &ada.stream(), &|| NOON)).unwrap();
        let (commit, own) = written(&mut fixture, &ada);
        pollster::block_on(relay_own(&fixture.store, &bus, &commit, &own, &|| NOON)).unwrap();
        is_exact(&fixture, &ada, &bus, 0);
    }
    assert!(bus.taken.borrow().len() > 400);
}

/// A commit that has taken the lease for its own event.
fn written(fixture: &mut Fixture, user: &UserId) -> (Commit, OwnLease) {
    let input = serde_json::from_str(WEEKLY).unwrap();
    let (commit, ..) = create_task(&mut fixture.context(user), &input).unwrap();
    let how = Apply { mode: Mode::All, relay_for: OWN_LEASE };
    let outcome = fixture.store.apply(std::slice::from_ref(&commit), how).unwrap().pop();
    let Some(Outcome::Applied(Some(own))) = outcome else { panic!("{outcome:?}") };
    (commit, own)
}

/// A connection that is lost at the statement that has its turn.
struct Cut {
    /// Statements until then, and what only counts.
    left: Cell<Option<usize>>,
    counts: &'static str,
}

impl Watch for Cut {
    fn before(&self, statement: &str, _: &[Value]) -> bool {
        let left = self.left.get().filter(|_| statement.contains(self.counts));
        if let Some(left) = left {
            self.left.set(left.checked_sub(1));
        }
        left != Some(0)
    }
}

fn cut(counts: &'static str) -> Cut {
    Cut { left: Cell::new(None), counts }
}

/// Published and noted, and nobody lived to mark it: the same goes out again, word for word.
#[test]
fn a_kill_between_the_note_and_the_mark_changes_nothing() {
    let (mut fixture, ada) = house();
    let bus = Fussy::default();
    all(&fixture.store, &bus, NOON);
    fill(&mut fixture, &ada, 30);
    let sql = cut("SET published");
    let store = fixture.watched(&sql);
    store.hot_users(std::slice::from_ref(&ada));
    let (begin, count) = (bus.taken.borrow().len(), fixture.waiting_events(&ada).len());
    for round in 1..4 {
        let at = NOON.plus_millis(round * 60_000);
        sql.left.set(Some(0));
        // Of what was taken the first time, less is taken the next.
        bus.at_once.set((round == 2).then_some(3));
        bus.fails
            .replace((round == 2).then(|| (Fault::Bus, bus.taken.borrow()[begin + 20].event.id.clone())));
        pollster::block_on(relay_all(&store, &bus, 50, &|| at)).unwrap_err();
    }
    bus.fails.take();
    let at = NOON.plus_millis(600_000);
    assert_eq!(all(&fixture.store, &bus, at).1, 0);
    is_exact(&fixture, &ada, &bus, 0);
    let events = bus.events();
    assert_eq!(events[begin..begin + count], events[events.len() - count..]);
}

/// Whatever is cut off, refused, or taken in part, and whoever goes on.
#[test]
fn what_came_before_is_exact_whatever_happens() {
    for seed in 0..3_u64 {
        let mut drawn = seed * 7_919 + 1;
        let mut draw = |bound: u64| {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (drawn >> 33) % bound
        };
        let (mut fixture, ada) = house();
        let bus = Fussy::default();
        let sql = cut("");
        let store = fixture.watched(&sql);
        store.hot_users(std::slice::from_ref(&ada));
        let mut at = NOON;
        let mut cuts = 0;
        for _ in 0..40 {
            at = at.plus_millis(60_000);
            if draw(3) == 0 {
                (0..=draw(9)).for_each(|_| drop(fixture.task(&ada, WEEKLY)));
            }
            bus.at_once.set((draw(2) == 0).then(|| 1 + usize::try_from(draw(9)).unwrap()));
            let waiting = fixture.waiting_events(&ada);
            let bad = usize::try_from(draw(30)).unwrap();
            let fault = if draw(2) == 0 { Fault::Stream } else { Fault::Bus };
            bus.fails.replace(waiting.get(bad).map(|event| (fault, event.event_id.clone())));
            sql.left.set((draw(2) == 0).then(|| usize::try_from(draw(7)).unwrap()));
            cuts += usize::from(pollster::block_on(relay_all(&store, &bus, 50, &|| at)).is_err());
            sql.left.set(None);
        }
        bus.fails.take();
        all(&store, &bus, at.plus_millis(60_000));
        assert!(cuts > 3, "{cuts}");
        is_exact(&fixture, &ada, &bus, 0);
    }
}

/// One that is given up comes before the next in its lane all the same, as in any stream, and its letter says where it belongs.
#[test]
fn a_letter_in_the_middle_is_of_its_lane_and_the_others_go_on() {
    let (fixture, ada) = house();
    let bus = Fussy::default();
    let bad = fixture.waiting_events(&ada)[20].event_id.clone();
    bus.fail(Fault::Event, &bad);
    assert_eq!(all(&fixture.store, &bus, NOON).0, 69);
    is_exact(&fixture, &ada, &bus, 1);
    let event = fixture.store.events(&ada, 20, 1).unwrap().events.remove(0);
    let lane = lane_stream(ada.as_str(), &event.subject);
    assert_eq!(fixture.count(&format!("dead_letter WHERE stream_id = '{lane}' AND sequence = 21")), 1);
    let kept = letters(&fixture).pop().unwrap();
    let kept = fixture.store.letter(&kept.id).unwrap().unwrap();
    let kept = CloudEvent::parse(kept.event.unwrap().as_bytes()).unwrap();
    assert_eq!((kept.stream, kept.previous), (lane, before(&fixture, &ada)[&bad].clone()));

    // One that its handler fails at holds up its user's stream as it does any, and for no longer.
    let (fixture, ada) = house();
    let bus = Fussy::default();
    bus.fail(Fault::Stream, &fixture.waiting_events(&ada)[20].event_id);
    let mut at = NOON;
    while fixture.count("dead_letter") == 0 {
        at = at.plus_millis(15_000);
        all(&fixture.store, &bus, at);
        assert!(at < NOON.plus_millis(600_000));
    }
    all(&fixture.store, &bus, at.plus_millis(15_000));
    is_exact(&fixture, &ada, &bus, 1);
}

fn letters(fixture: &Fixture) -> Vec<KeptLetter> {
    fixture.store.letters(&LetterFilter::default(), 0, 100).unwrap().letters
}

/// Who was overtaken does not know any more what came before its events.
#[test]
fn who_was_overtaken_publishes_nothing() {
    let (mut fixture, ada) = house();
    let bus = Fussy::default();
    all(&fixture.store, &bus, NOON);
    let (commit, own) = written(&mut fixture, &ada);
    let later = NOON.plus_millis(OWN_LEASE);
    assert_eq!(all(&fixture.store, &bus, later).0, 1);
    fill(&mut fixture, &ada, 9);
    assert!(all(&fixture.store, &bus, later).0 > 20);
    let count = bus.taken.borrow().len();
    assert_eq!(pollster::block_on(relay_own(&fixture.store, &bus, &commit, &own, &|| later)).unwrap(), 0);
    assert_eq!(bus.taken.borrow().len(), count);
    is_exact(&fixture, &ada, &bus, 0);

    // Nor does it note anything: overtaken between publishing and noting.
    let (_, own) = written(&mut fixture, &ada);
    let noted = fixture.rows("SELECT * FROM hot_lane");
    let lanes = fixture.store.lanes(std::slice::from_ref(&own.lease)).unwrap();
    assert!(lanes[0].last.is_some());
    fixture.store.lease_stream(&ada.stream(), later.plus_millis(OWN_LEASE), 1_000).unwrap().unwrap();
    let (stream, fence) = (own.lease.stream.clone(), own.lease.fence);
    let lane = (0, "task-events".to_owned());
    let end = perennial_store::LaneEnd { stream, fence, lane, last: own.places[0].0, before: None };
    fixture.store.note_lanes(&[end]).unwrap();
    assert_eq!(fixture.rows("SELECT * FROM hot_lane"), noted);
}

/// A user who is not hot any more has one stream again, and whoever becomes hot again goes on where the lanes ended.
#[test]
fn who_is_hot_may_cease_to_be_and_be_so_again() {
    let (mut fixture, ada) = house();
    let bus = Fussy::default();
    all(&fixture.store, &bus, NOON);
    let mut last: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut read = |bus: &Fussy| {
        for Message { topic, event } in bus.taken.take() {
            let before = last.insert((topic, event.stream.clone()), event.sequence.clone());
            if event.stream != event.userid {
                assert_eq!(event.previous, before, "{} of {}", event.sequence, event.stream);
            }
            assert!(before < Some(event.sequence));
        }
    };
    read(&bus);
    for hot in [false, true, false, false, true] {
        fixture.store.hot_users(if hot { std::slice::from_ref(&ada) } else { &[] });
        fill(&mut fixture, &ada, 60);
        let log: Vec<CloudEvent> = fixture.waiting_events(&ada).into_iter().map(CloudEvent::from).collect();
        all(&fixture.store, &bus, NOON);
        if !hot {
            assert_eq!(bus.events(), log, "as it stands in the log");
        }
        read(&bus);
    }
}

/// Where a user is not hot, the store is asked what it was asked, whoever else is.
#[test]
fn who_is_not_hot_costs_nothing_more() {
    let statements = |hot: &dyn Fn(&UserId) -> Vec<UserId>| {
        let (mut fixture, ada) = house();
        let recorded = Recorded::default();
        let store = fixture.watched(&recorded);
        store.hot_users(&hot(&ada));
        let bus = Fussy::default();
        all(&store, &bus, NOON);
        let (commit, own) = written(&mut fixture, &ada);
        pollster::block_on(relay_own(&store, &bus, &commit, &own, &|| NOON)).unwrap();
        recorded.statements.take()
    };
    let usual = statements(&|_| Vec::new());
    assert_eq!(statements(&|_| vec![UserId::admin()]), usual);
    // One that reads and one that notes, each time.
    let hot = statements(&|ada| vec![ada.clone()]);
    assert_eq!(hot.len(), usual.len() + 4, "{hot:#?}");
}

/// An event is the same however often it is sent: in its lane, after what came before it there, whoever is hot by now.
#[test]
fn a_letter_is_sent_again_in_its_lane() {
    for kept_by_its_stream in [true, false] {
        let (mut fixture, _) = house();
        let bus = Fussy::default();
        all(&fixture.store, &bus, NOON);
        let sent = bus.events();
        // The last first, and not all of them.
        let given_up = sent.iter().rev().step_by(3);
        let letters_of: Vec<_> = given_up
            .map(|event| given_up_by_broker("task-events", &serde_json::to_vec(event).unwrap()))
            .collect();
        fixture.store.keep_letters(&letters_of, NOON).unwrap();
        if !kept_by_its_stream {
            fixture.rows("DELETE FROM outbox");
        }
        fixture.store.hot_users(&[]);
        ask(&mut fixture);
        bus.taken.take();
        pollster::block_on(replay_letters(&fixture.store, &bus, &|| NOON)).unwrap();
        let again = bus.events();
        assert_eq!(again.len(), letters_of.len());
        assert!(again.iter().all(|event| sent.contains(event)), "each is what it was");
        let mut last = BTreeMap::new();
        for event in again {
            let before = last.insert(event.stream, event.sequence.clone());
            assert!(before < Some(event.sequence), "in the order of its lane");
        }
        assert_eq!(fixture.count("replay_stream"), 0);
        assert!(letters(&fixture).iter().all(|letter| letter.status == LetterStatus::Replayed));
    }
}

/// Whoever reaches a broker may make a letter of an event of ours, and say what they like: it goes nowhere else for that.
#[test]
fn a_letter_goes_to_no_stream_that_is_not_its_events() {
    let (mut fixture, ada) = house();
    fixture.store.hot_users(&[]);
    let bus = Fussy::default();
    all(&fixture.store, &bus, NOON);
    let sent = bus.events();
    let lane = |event: &CloudEvent| lane_stream(ada.as_str(), &event.subject);
    let other = |event: &CloudEvent| {
        let other = sent.iter().map(lane).find(|other| *other != lane(event)).unwrap();
        CloudEvent { stream: other.clone(), partitionkey: other, ..event.clone() }
    };
    let words = |event: &CloudEvent, previous: &str| {
        let stream = lane(event);
        let previous = Some(previous.to_owned());
        CloudEvent { stream: stream.clone(), partitionkey: stream, previous, ..event.clone() }
    };
    let forged = [
        CloudEvent { stream: "eve".to_owned(), partitionkey: "eve".to_owned(), ..sent[0].clone() },
        other(&sent[1]),
        words(&sent[2], "x"),
        words(&sent[3], &sent[3].sequence),
        words(&sent[4], "-0000000000000000001"),
        words(&sent[5], "1"),
    ];
    let forged = forged.map(|event| given_up_by_broker("task-events", &serde_json::to_vec(&event).unwrap()));
    fixture.store.keep_letters(&forged, NOON).unwrap();
    ask(&mut fixture);
    bus.taken.take();
    pollster::block_on(replay_letters(&fixture.store, &bus, &|| NOON)).unwrap();
    let mut again = bus.events();
    again.sort_by(|one, other| one.sequence.cmp(&other.sequence));
    assert_eq!(again, sent[..6]);
}

/// Has all letters sent again.
fn ask(fixture: &mut Fixture) {
    let expected = |letter: &KeptLetter| perennial_domain::ExpectLetter {
        place: letter.place,
        user_id: letter.user_id.clone(),
        status: letter.status,
    };
    let letters = letters(fixture).iter().map(expected).collect();
    let mut ctx = fixture.context(&UserId::admin());
    let commit = change_letters(&mut ctx, LetterAction::Replay, letters, "dead-letters", true.into());
    fixture.store.commit(&commit).unwrap();
}
