//! A tick of the clock: what is done where the bus is away or hangs.

use std::cell::{Cell, RefCell};

use perennial_domain::{Timestamp, UserId};
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_store::{Claim, Shard, ShardStore, Value, WorkStore};
use recurrence_scheduler::{Outlet, tick};

/// A bus of which nothing is there.
#[derive(Default)]
struct Away {
    relays: Cell<u32>,
    replays: Cell<u32>,
}

impl Outlet for Away {
    async fn relay(&self, _: Option<Shard>) -> Result<u32, String> {
        self.relays.set(self.relays.get().saturating_add(1));
        Err("the bus is away".to_owned())
    }

    async fn wake(&self, _: Shard, _: Timestamp) -> Result<(), String> {
        Err("the bus is away".to_owned())
    }

    async fn replay(&self) -> Result<u32, String> {
        self.replays.set(self.replays.get().saturating_add(1));
        Err("it is still away".to_owned())
    }
}

/// A successor that is owed, begun by somebody who died.
fn begun_and_left(fixture: &mut Fixture, user: &UserId) {
    let (task, occurrence) = fixture.task(user, WEEKLY);
    fixture.complete(user, &task, &occurrence).unwrap();
    let claim = Claim { lanes: 1, per_lane: 1, lease_for: 1, ..fixture.claim(NOON) };
    assert_eq!(fixture.store.claim_successors(&claim).unwrap().len(), 1);
}

#[test]
fn a_bus_that_is_away_holds_up_no_work_that_was_begun_before() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    begun_and_left(&mut fixture, &user);
    let later = NOON.plus_millis(60_000);
    let mut ids = std::mem::take(&mut fixture.ids);
    let away = Away::default();
    let ticked = pollster::block_on(tick(&fixture.store, None, &|| later, &mut ids, &away)).unwrap().unwrap();
    assert_eq!(ticked.swept.planned, 1, "{ticked:?}");
    assert_eq!(ticked.failed.as_deref(), Some("the bus is away"), "its reason is told, once");
    assert_eq!(away.relays.get(), 1, "it is not asked twice");
    assert_eq!(fixture.rows("SELECT count(*) FROM work WHERE kind = 'successor'"), [[Value::Integer(0)]]);
}

#[test]
fn a_bus_that_is_away_holds_up_no_dead_letters() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    fixture.rows(&format!(
        "INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class, \
         tries, first_at, last_at, instance, status, status_at, event) \
         VALUES ('l', 'ada', 'task-events', 'e', '', 'ada', 1, 'x', 'x', 'x', 'permanent', 1, {now}, {now}, '', 'open', {now}, '')",
        now = NOON.as_millis()
    ));
    fixture.rows("UPDATE dead_letter SET status = 'replaying'");
    let mut ids = std::mem::take(&mut fixture.ids);
    let away = Away::default();
    let ticked = pollster::block_on(tick(&fixture.store, None, &|| NOON, &mut ids, &away)).unwrap().unwrap();
    assert_eq!(away.replays.get(), 1, "{ticked:?}");
    assert_eq!(ticked.failed.as_deref(), Some("the bus is away"), "the first reason");
}

/// Looks, while it is asked to publish, whether another may sweep the shard, and whether who waits for the sweep was told.
struct Looks<'f> {
    fixture: &'f Fixture,
    told: Cell<bool>,
    free: Cell<bool>,
}

impl Outlet for Looks<'_> {
    async fn swept(&self) {
        self.told.set(true);
    }

    async fn relay(&self, shard: Option<Shard>) -> Result<u32, String> {
        assert!(self.told.get(), "a bus that hangs would stop the clock");
        self.free.set(self.fixture.store.take_shard(shard.unwrap(), NOON, 1).unwrap().is_some());
        Ok(0)
    }

    async fn wake(&self, _: Shard, _: Timestamp) -> Result<(), String> {
        Err("the bus is away".to_owned())
    }

    async fn replay(&self) -> Result<u32, String> {
        Ok(0)
    }
}

#[test]
fn a_bus_that_hangs_holds_no_shard() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let shard = Shard::of(user.as_str());
    let mut ids = std::mem::take(&mut fixture.ids);
    let looks = Looks { fixture: &fixture, told: Cell::new(false), free: Cell::new(false) };
    let one = tick(&fixture.store, Some(shard), &|| NOON, &mut ids, &looks);
    assert!(pollster::block_on(one).unwrap().is_some());
    assert!(looks.free.get(), "it is another's to sweep while events are on their way");
}

#[test]
fn a_shard_that_another_sweeps_is_left_to_it() {
    let mut fixture = Fixture::new();
    let shard = Shard::of("0");
    fixture.store.take_shard(shard, NOON, 5_000).unwrap().unwrap();
    let mut ids = std::mem::take(&mut fixture.ids);
    let away = Away::default();
    let one = tick(&fixture.store, Some(shard), &|| NOON, &mut ids, &away);
    assert!(pollster::block_on(one).unwrap().is_none());
}

/// Notes for when it is asked to wake whom.
#[derive(Default)]
struct Wakes(RefCell<Vec<(Shard, Timestamp)>>);

impl Outlet for Wakes {
    async fn relay(&self, _: Option<Shard>) -> Result<u32, String> {
        Ok(0)
    }

    async fn wake(&self, shard: Shard, at: Timestamp) -> Result<(), String> {
        self.0.borrow_mut().push((shard, at));
        Ok(())
    }

    async fn replay(&self) -> Result<u32, String> {
        Ok(0)
    }
}

/// What comes due between two ticks is not kept for the next: the clock is asked for the earliest, once, and earlier only.
#[test]
fn what_comes_due_before_the_next_tick_has_its_shard_woken() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let shard = Shard::of(user.as_str());
    let other = Shard::all().find(|other| *other != shard).unwrap();
    fixture.task(&user, WEEKLY);
    let mut ids = std::mem::take(&mut fixture.ids);
    let due = NOON.plus_millis(500_400);
    let comes = |fixture: &Fixture, millis: i64| {
        let at = NOON.plus_millis(millis).as_millis();
        fixture.rows(&format!("UPDATE work SET wake_at = {at} WHERE kind = 'reminder'"));
    };
    comes(&fixture, 500_400);
    let wakes = Wakes::default();
    let mut tick_at = |fixture: &Fixture, shard: Shard, millis: i64| {
        let clock = || NOON.plus_millis(millis);
        let one = tick(&fixture.store, Some(shard), &clock, &mut ids, &wakes);
        assert!(pollster::block_on(one).unwrap().unwrap().swept.failures.is_empty());
        wakes.0.take()
    };
    assert_eq!(tick_at(&fixture, shard, 499_000), [], "the next tick is early enough");
    assert_eq!(tick_at(&fixture, other, 500_000), [], "it is not of that shard");
    assert_eq!(tick_at(&fixture, shard, 500_000), [(shard, due)]);
    assert_eq!(tick_at(&fixture, shard, 500_100), [], "it is asked for already");
    comes(&fixture, 500_700);
    assert_eq!(tick_at(&fixture, shard, 500_100), [], "later than what is asked for");
    comes(&fixture, 500_300);
    assert_eq!(tick_at(&fixture, shard, 500_100), [(shard, NOON.plus_millis(500_300))], "earlier");
    assert_eq!(tick_at(&fixture, shard, 500_300), [], "it is done");
    assert_eq!(fixture.count("work WHERE kind = 'reminder' AND wake_at = 0"), 0);
}
