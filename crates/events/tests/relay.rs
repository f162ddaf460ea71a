//! One bad event, one bad stream or a bus that is away holds up nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::cell::{Cell, RefCell};

use perennial_domain::{ErrorClass, StreamId, Timestamp, UserId, create_task};
use perennial_events::{
    Bus, BusError, CloudEvent, Fault, Message, OWN_LEASE, relay_all, relay_own, relay_stream, woken,
};
use perennial_fixture::{Fixture, NOON, WEEKLY, sqlite_only};
use perennial_store::{
    Apply, DeadLetter, LaneEnd, Lanes, Lease, LetterFilter, LetterStore, Mark, Mode, OutboxStore, Outcome,
    Shard, Store, StoreError, WaitingEvent,
};

/// A bus that takes what it is not told to refuse.
#[derive(Default)]
struct Fussy {
    taken: RefCell<Vec<CloudEvent>>,
    /// Refuses what belongs to this, whether an event's id, a stream or a bus.
    refuses: RefCell<Vec<(Fault, String)>>,
    calls: Cell<u32>,
    /// Takes no more in one call.
    at_once: Option<usize>,
}

impl Fussy {
    fn refuse(&self, fault: Fault, what: &str) {
        *self.refuses.borrow_mut() = vec![(fault, what.to_owned())];
    }

    fn sequences(&self, user: &UserId) -> Vec<i64> {
        let taken = self.taken.borrow();
        let of_user = taken.iter().filter(|event| event.userid == user.as_str());
        of_user.map(|event| event.sequence.parse().unwrap()).collect()
    }
}

impl Bus for Fussy {
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        self.calls.set(self.calls.get() + 1);
        let most = self.at_once.unwrap_or(batch.len()).min(batch.len());
        for (number, message) in batch.iter().take(most).enumerate() {
            let of = [&message.event.id, &message.event.stream, "bus"];
            if let Some((fault, _)) =
                self.refuses.borrow().iter().find(|(_, what)| of.contains(&what.as_str()))
            {
                return (number, Some(BusError { bus: "fussy", reason: "no".to_owned(), fault: *fault }));
            }
            self.taken.borrow_mut().push(message.event.clone());
        }
        (most, None)
    }
}

fn all(fixture: &Fixture, bus: &Fussy, at: Timestamp) -> (u32, Vec<String>) {
    let relayed = pollster::block_on(relay_all(&fixture.store, bus, 50, &|| at)).unwrap();
    (relayed.published, relayed.failures)
}

fn house() -> (Fixture, UserId, UserId) {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    for _ in 0..3 {
        fixture.task(&ada, WEEKLY);
        fixture.task(&eve, WEEKLY);
    }
    (fixture, ada, eve)
}

/// A relay that waited long for the store, as behind a lock, has no time left under its lease.
#[test]
fn what_was_leased_long_ago_is_given_back_unpublished() {
    let (fixture, ..) = house();
    let bus = Fussy::default();
    let asked = Cell::new(0);
    // The round's end, and the leases; then six seconds are gone.
    let now = || {
        asked.set(asked.get() + 1);
        NOON.plus_millis(if asked.get() <= 2 { 0 } else { 6_000 })
    };
    let relayed = pollster::block_on(relay_all(&fixture.store, &bus, 50, &now)).unwrap();
    assert_eq!((relayed.published, bus.calls.get()), (0, 0));
    assert_eq!(all(&fixture, &bus, NOON.plus_millis(6_000)).0, 6, "nobody waits for the leases");
}

/// A store in which no letter can be kept, or none of one user, since others write to the stream all the time.
struct Busy<'a>(&'a Fixture, Option<UserId>);

impl OutboxStore for Busy<'_> {
    fn lease_stream(
        &self,
        id: &StreamId,
        now: Timestamp,
        lease_for: i64,
    ) -> Result<Option<Lease>, StoreError> {
        self.0.store.lease_stream(id, now, lease_for)
    }

    fn lease_streams(
        &self,
        now: Timestamp,
        lease_for: i64,
        limit: u32,
        shard: Option<Shard>,
    ) -> Result<Vec<Lease>, StoreError> {
        self.0.store.lease_streams(now, lease_for, limit, shard)
    }

    fn waiting_events(&self, leases: &[Lease], per_stream: u32) -> Result<Vec<WaitingEvent>, StoreError> {
        self.0.store.waiting_events(leases, per_stream)
    }

    fn lanes(&self, leases: &[Lease]) -> Result<Vec<Lanes>, StoreError> {
        self.0.store.lanes(leases)
    }

    fn note_lanes(&self, ends: &[LaneEnd]) -> Result<(), StoreError> {
        self.0.store.note_lanes(ends)
    }

    fn mark_published(&self, marks: &[Mark], now: Timestamp) -> Result<Vec<StreamId>, StoreError> {
        self.0.store.mark_published(marks, now)
    }

    fn bury(&self, letters: &[DeadLetter], now: Timestamp) -> Result<(), StoreError> {
        let busy =
            letters.iter().any(|letter| self.1.as_ref().is_none_or(|user| letter.stream == user.stream()));
        if busy { Err(StoreError::Busy("others write".to_owned())) } else { self.0.store.bury(letters, now) }
    }
}

#[test]
fn a_letter_that_cannot_be_kept_now_has_no_other_stream_published_twice() {
    let (fixture, ada, eve) = house();
    let bus = Fussy::default();
    let bad = fixture.waiting_events(&ada)[1].event_id.clone();
    bus.refuse(Fault::Event, &bad);
    let relayed = pollster::block_on(relay_all(&Busy(&fixture, None), &bus, 50, &|| NOON)).unwrap();
    assert_eq!(relayed.published, 5);
    let later = NOON.plus_millis(60_000);
    all(&fixture, &bus, later);
    assert_eq!(bus.sequences(&eve), [1, 2, 3], "each once");
    assert_eq!(bus.sequences(&ada), [1, 3, 1, 3], "once its lease has ended");
    assert_eq!(all(&fixture, &bus, later), (0, vec![]), "nothing waits");
}

/// Whose user goes on writing has nobody else's letter wait.
#[test]
fn a_letter_is_kept_whoever_is_busy_beside_it() {
    let (fixture, ada, eve) = house();
    let bus = Fussy::default();
    for user in [&ada, &eve] {
        let bad = fixture.waiting_events(user)[1].event_id.clone();
        bus.refuses.borrow_mut().push((Fault::Event, bad));
    }
    let relayed =
        pollster::block_on(relay_all(&Busy(&fixture, Some(ada.clone())), &bus, 50, &|| NOON)).unwrap();
    assert_eq!(relayed.published, 4);
    let page = perennial_store::Page { after: None, limit: 10 };
    let kept = [&ada, &eve].map(|user| fixture.store.parked(user, &page).unwrap().len());
    assert_eq!(kept, [0, 1]);
    let later = NOON.plus_millis(60_000);
    all(&fixture, &bus, later);
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![1, 3, 1, 3], vec![1, 3]));
}

#[test]
fn an_event_that_is_never_taken_is_kept_and_its_stream_goes_on() {
    let (fixture, ada, eve) = house();
    let bus = Fussy::default();
    let bad = fixture.waiting_events(&ada)[1].event_id.clone();
    bus.refuse(Fault::Event, &bad);
    assert_eq!(all(&fixture, &bus, NOON).0, 5);
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![1, 3], vec![1, 2, 3]));
    assert_eq!(all(&fixture, &bus, NOON), (0, vec![]), "nothing waits");
    let page = perennial_store::Page { after: None, limit: 10 };
    let kept = fixture.store.parked(&ada, &page).unwrap();
    let [letter] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(
        (letter.kind, &letter.item, letter.reason.as_deref()),
        (perennial_store::WorkKind::Event, &bad, Some("no"))
    );
}

#[test]
fn a_bus_that_takes_few_at_once_is_asked_for_the_others() {
    let (fixture, ada, eve) = house();
    let bus = Fussy { at_once: Some(2), ..Fussy::default() };
    assert_eq!(all(&fixture, &bus, NOON), (6, vec![]));
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![1, 2, 3], vec![1, 2, 3]));
    assert_eq!(bus.calls.get(), 4);
    assert_eq!(all(&fixture, &bus, NOON), (0, vec![]), "nothing waits");
}

#[test]
fn an_event_that_cannot_be_read_is_kept_and_its_stream_goes_on() {
    sqlite_only!();
    let (fixture, ada, eve) = house();
    fixture.rows(&format!("UPDATE outbox SET data = '{{' WHERE user_id = '{ada}' AND sequence = 1"));
    let bus = Fussy::default();
    assert_eq!(all(&fixture, &bus, NOON).0, 5);
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![2, 3], vec![1, 2, 3]));
    assert_eq!(fixture.count("work WHERE kind = 'event' AND reason LIKE '%read%'"), 1);
}

#[test]
fn a_stream_that_fails_waits_longer_each_time_and_holds_up_no_other() {
    let (mut fixture, ada, eve) = house();
    let bus = Fussy::default();
    bus.refuse(Fault::Stream, ada.stream().as_str());
    let mut at = NOON;
    let mut turns = Vec::new();
    let mut failed = 0;
    for _ in 0..60 {
        let (_, failures) = all(&fixture, &bus, at);
        assert_eq!(bus.sequences(&eve), [1, 2, 3], "from the first round on");
        if !failures.is_empty() {
            failed += 1;
            turns.push(at.as_millis());
        }
        at = at.plus_millis(1_000);
    }
    let pauses: Vec<i64> = turns.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..4], [1_000, 2_000, 4_000, 8_000], "{pauses:?}");
    assert!(failed < 10 && pauses.iter().all(|pause| *pause <= 15_000), "{pauses:?}");
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![], vec![1, 2, 3]));
    // What comes to the others meanwhile is not late.
    fixture.task(&eve, WEEKLY);
    assert_eq!(all(&fixture, &bus, at).0, 1);
    // And it comes when it can, in order, and starts with short pauses again.
    bus.refuses.borrow_mut().clear();
    assert_eq!(all(&fixture, &bus, at.plus_millis(15_000)).0, 3);
    assert_eq!(bus.sequences(&ada), [1, 2, 3]);
    assert_eq!(fixture.count("stream WHERE relay_tries <> 0 OR relay_at IS NOT NULL"), 0);
}

#[test]
fn a_bus_that_is_away_is_asked_once_a_round_and_loses_nothing() {
    let (fixture, ada, eve) = house();
    let bus = Fussy::default();
    bus.refuse(Fault::Bus, "bus");
    assert_eq!(all(&fixture, &bus, NOON).0, 0);
    assert_eq!(bus.calls.get(), 1, "the second stream need not try");
    bus.refuses.borrow_mut().clear();
    assert_eq!(all(&fixture, &bus, NOON.plus_millis(1_000)).0, 6);
    assert_eq!((bus.sequences(&ada), bus.sequences(&eve)), (vec![1, 2, 3], vec![1, 2, 3]));
}

#[test]
fn what_a_commit_has_leased_is_published_without_being_read_again() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (commit, ..) =
        create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
    let how = Apply { mode: Mode::All, relay_for: OWN_LEASE };
    let outcome = fixture.store.apply(std::slice::from_ref(&commit), how).unwrap().pop();
    let Some(Outcome::Applied(Some(own))) = outcome else { panic!("{outcome:?}") };
    let read: Vec<CloudEvent> = fixture.waiting_events(&user).into_iter().map(CloudEvent::from).collect();
    // Another adds to the stream meanwhile: it has no lease, and its event is not forgotten.
    fixture.task(&user, WEEKLY);
    let bus = Fussy::default();
    // While the lease holds, no other relay is at the stream.
    assert_eq!(all(&fixture, &bus, NOON), (0, vec![]));
    assert_eq!(pollster::block_on(relay_own(&fixture.store, &bus, &commit, &own, &|| NOON)).unwrap(), 2);
    assert_eq!(bus.taken.borrow()[..1], read);
    assert_eq!(bus.sequences(&user), [1, 2]);
    assert!(fixture.waiting_events(&user).is_empty());
}

#[test]
fn a_maker_that_was_cut_off_leaves_its_lease_to_run_out() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (commit, ..) =
        create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
    let how = Apply { mode: Mode::All, relay_for: OWN_LEASE };
    let outcome = fixture.store.apply(std::slice::from_ref(&commit), how).unwrap().pop();
    let Some(Outcome::Applied(Some(own))) = outcome else { panic!("{outcome:?}") };
    let bus = Fussy::default();
    assert_eq!(all(&fixture, &bus, NOON.plus_millis(OWN_LEASE - 1)).0, 0);
    let late = NOON.plus_millis(OWN_LEASE);
    // The next relay takes it; the first maker wakes after that, and marks nothing.
    let lease = fixture.store.lease_stream(&user.stream(), late, 60_000).unwrap().unwrap();
    assert_eq!(pollster::block_on(relay_own(&fixture.store, &bus, &commit, &own, &|| late)).unwrap(), 1);
    assert_eq!(fixture.waiting_events(&user).len(), 1, "who was overtaken has marked");
    assert_eq!(pollster::block_on(relay_stream(&fixture.store, &bus, &lease.stream, &|| late)).unwrap(), 0);
}

/// A handler that only looks what is due is woken once for a batch; one that reads each event hears each.
#[test]
fn a_batch_wakes_a_handler_that_reads_no_event_once() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let event: CloudEvent = fixture.waiting_events(&user).remove(0).into();
    let batch: Vec<Message> =
        ["task.created", "reminder.fired", "task.completed", "reminder.fired", "task.completed"]
            .iter()
            .map(|kind| {
                let topic = if *kind == "reminder.fired" { "reminders" } else { "task-events" };
                Message {
                    topic: topic.to_owned(),
                    event: CloudEvent { kind: (*kind).to_owned(), ..event.clone() },
                }
            })
            .collect();
    let names = |index| woken(&batch, index).map(|consumer| consumer.name).collect::<Vec<_>>();
    let all: Vec<Vec<&str>> = (0..=batch.len()).map(names).collect();
    let planner = vec!["recurrence-scheduler"];
    assert_eq!(all, [vec![], vec!["notifier"], planner.clone(), vec![], planner, vec![]]);
}

/// A stream that fills faster than a slice a second is kept up with, as long as half a second has not passed.
#[test]
fn a_long_stream_is_published_in_one_go_and_no_go_is_long() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    for _ in 0..1_050 {
        fixture.task(&ada, r#"{ "title": "x" }"#);
    }
    let bus = Fussy::default();
    assert_eq!(all(&fixture, &bus, NOON), (1_050, vec![]));
    assert_eq!(bus.sequences(&ada), (1..=1_050).collect::<Vec<i64>>());
    // Where time passes, as much as fits.
    for _ in 0..1_050 {
        fixture.task(&ada, r#"{ "title": "x" }"#);
    }
    let looks = Cell::new(0);
    let clock = || {
        looks.set(looks.get() + 1);
        NOON.plus_millis(60_000 + 100 * looks.get())
    };
    let relayed = pollster::block_on(relay_all(&fixture.store, &bus, 50, &clock)).unwrap();
    assert!((100..1_050).contains(&relayed.published), "{}", relayed.published);
    // A bus that is down is asked once.
    let (calls, later) = (bus.calls.get(), NOON.plus_millis(600_000));
    bus.refuse(Fault::Bus, "bus");
    assert_eq!(all(&fixture, &bus, later).0, 0);
    assert_eq!(bus.calls.get(), calls + 1);
}

/// A handler that fails at one event each time, as where it traps, does not hold its stream for ever; whatever failed before, the
/// failures of a bus are none of it.
#[test]
fn an_event_that_its_handler_always_fails_at_is_kept_and_its_stream_goes_on() {
    let (fixture, ada, _) = house();
    let bus = Fussy::default();
    bus.refuse(Fault::Bus, "bus");
    let mut at = NOON;
    let mut pass = |seconds: i64| {
        at = at.plus_millis(seconds * 1_000);
        at
    };
    for _ in 0..30 {
        all(&fixture, &bus, pass(15));
    }
    let bad = fixture.waiting_events(&ada)[1].event_id.clone();
    bus.refuse(Fault::Stream, &bad);
    let mut failures = 0;
    for _ in 0..30 {
        failures += all(&fixture, &bus, pass(15)).1.len();
        let letters = fixture.count("dead_letter");
        assert_eq!((letters, bus.sequences(&ada) == [1, 3]), (i64::from(failures >= 10), failures >= 10));
    }
    assert_eq!(failures, 10);
    let kept = fixture.store.letters(&LetterFilter::default(), 0, 10).unwrap().letters;
    assert_eq!((kept[0].event_id.clone(), kept[0].error.as_str()), (bad, "no"));
    assert_eq!(kept[0].error_class, ErrorClass::Transient);
    // Each event is counted by itself: nine failures at one, and nine at the next, are no reason.
    let (mut fixture, ada, _) = house();
    let bus = Fussy::default();
    for number in [0, 1] {
        let bad = fixture.waiting_events(&ada)[0].event_id.clone();
        bus.refuse(Fault::Stream, &bad);
        for _ in 0..9 {
            all(&fixture, &bus, pass(15));
        }
        bus.refuses.borrow_mut().clear();
        // A build that knows nothing of it publishes the first of them.
        fixture.rows(&format!(
            "UPDATE stream SET published = published + 1, relay_tries = 0 WHERE id = '{ada}'"
        ));
        assert_eq!(fixture.count("dead_letter"), 0, "event {number}");
    }
    fixture.task(&ada, WEEKLY);
    assert_eq!(all(&fixture, &bus, pass(15)).0, 2);
}

/// A bus that fails at one event each time and takes others like it: it is the event. One that takes none is away.
#[test]
fn an_event_that_the_bus_always_fails_at_is_kept_where_others_like_it_are_taken() {
    let (mut fixture, ada, eve) = house();
    let bus = Fussy::default();
    let bad = fixture.waiting_events(&ada)[0].event_id.clone();
    bus.refuse(Fault::Bus, &bad);
    let mut at = NOON;
    for turn in 0..99 {
        at = at.plus_millis(15_000);
        fixture.task(&eve, WEEKLY);
        all(&fixture, &bus, at);
        assert_eq!((fixture.count("dead_letter"), bus.sequences(&ada).len()), (0, 0), "{turn}");
    }
    // Nothing tells whose fault it is where nobody else has an event.
    all(&fixture, &bus, at.plus_millis(15_000));
    for turn in 0..20 {
        at = at.plus_millis(30_000);
        all(&fixture, &bus, at);
        assert_eq!(fixture.count("dead_letter"), 0, "{turn}");
    }
    fixture.task(&eve, WEEKLY);
    at = at.plus_millis(30_000);
    all(&fixture, &bus, at);
    assert_eq!(fixture.count("dead_letter"), 1);
    all(&fixture, &bus, at.plus_millis(1_000));
    assert_eq!(bus.sequences(&ada), [2, 3]);

    // A bus that is away for hours makes no letter, and two streams at most are asked in a round.
    let (mut fixture, ..) = house();
    let zoe = fixture.user("zoe");
    fixture.task(&zoe, WEEKLY);
    let bus = Fussy::default();
    bus.refuse(Fault::Bus, "bus");
    for _ in 0..300 {
        at = at.plus_millis(15_000);
        let before = bus.calls.get();
        all(&fixture, &bus, at);
        assert!((1..=2).contains(&(bus.calls.get() - before)));
    }
    assert_eq!(fixture.count("dead_letter"), 0);
}
