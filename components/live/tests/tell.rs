//! When a stream tells what, with a clock that the test moves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

mod told;

use std::cell::{Cell, RefCell};

use live::{End, Follower, LASTS, Outside, tell};
use perennial_domain::UserId;
use perennial_events::EventPlace;
use perennial_fixture::{Fixture, WEEKLY};
use perennial_store::{Store, StoreError};
use told::read;

/// A client, a token and a clock.
struct World<'w> {
    now: Cell<u64>,
    /// By which part of their bound numbers are drawn, in hundredths.
    chance: u64,
    /// When what was sent.
    sent: RefCell<Vec<(u64, String)>>,
    pauses: RefCell<Vec<u64>>,
    asked: RefCell<Vec<u64>>,
    /// When the client leaves, and whether that is known at once or only by a send that fails.
    leaves: Option<(u64, bool)>,
    revoked: Option<u64>,
    /// What happens in each pause.
    meanwhile: &'w dyn Fn(u64),
}

impl<'w> World<'w> {
    fn new(meanwhile: &'w dyn Fn(u64)) -> Self {
        Self {
            now: Cell::new(0),
            chance: 50,
            sent: RefCell::default(),
            pauses: RefCell::default(),
            asked: RefCell::default(),
            leaves: None,
            revoked: None,
            meanwhile,
        }
    }

    fn follow(&self, fixture: &Fixture, user: &UserId, after: Option<i64>) -> Result<End, StoreError> {
        let epoch = fixture.store.events(user, 0, 1)?.epoch;
        let after = after.map(|sequence| EventPlace { epoch, sequence });
        let store = fixture.connection();
        let (mut follower, first) = Follower::begin(&store, user.clone(), after)?;
        pollster::block_on(tell(&mut follower, first, self))
    }

    fn text(&self) -> String {
        self.sent.borrow().iter().map(|(_, text)| text.as_str()).collect()
    }
}

impl Outside for World<'_> {
    fn elapsed(&self) -> u64 {
        self.now.get()
    }

    fn draw(&self, bound: u64) -> u64 {
        bound.saturating_sub(1) * self.chance / 100
    }

    fn is_read(&self) -> bool {
        self.leaves.is_none_or(|(at, is_known)| !is_known || self.now.get() < at)
    }

    async fn send(&self, text: String, _: u64) -> bool {
        if self.leaves.is_some_and(|(at, _)| self.now.get() >= at) {
            return false;
        }
        self.sent.borrow_mut().push((self.now.get(), text));
        true
    }

    async fn pause(&self, millis: u64) {
        self.pauses.borrow_mut().push(millis);
        self.now.set(self.now.get() + millis);
        (self.meanwhile)(self.now.get());
    }

    async fn may_read(&self) -> bool {
        self.asked.borrow_mut().push(self.now.get());
        self.revoked.is_none_or(|at| self.now.get() < at)
    }
}

/// The longest time between two of these, from the beginning on.
fn longest(times: &[u64]) -> u64 {
    let from = std::iter::once(&0).chain(times);
    from.zip(times).map(|(before, after)| after - before).max().unwrap()
}

#[test]
fn a_quiet_stream_is_kept_open_and_ends_in_time() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for chance in [0, 50, 100] {
        let world = World { chance, ..World::new(&|_| {}) };
        assert_eq!(world.follow(&fixture, &user, None).unwrap(), End::Over);
        let sent = world.sent.borrow();
        let first = &sent[0].1;
        let retry: u64 = first.lines().next().unwrap().strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((1_000..2_000).contains(&retry), "{first}");
        assert_eq!(read(first)[0].event, "ready");
        let times: Vec<u64> = sent.iter().map(|(at, _)| *at).collect();
        assert!(longest(&times) <= 16_000, "{times:?}");
        assert_eq!(sent.len(), 5, "no more than is needed: {sent:?}");
        assert!(sent[1..].iter().all(|(_, text)| text.starts_with(": ")), "{sent:?}");
        let end = *times.last().unwrap();
        assert!((LASTS..=LASTS + 1_000).contains(&end), "{end}");
        assert!(sent.last().unwrap().1.contains("the end"), "{sent:?}");
        let pauses = world.pauses.borrow();
        assert!(pauses.iter().all(|pause| (250..=1_000).contains(pause)), "{pauses:?}");
        assert!(pauses.is_sorted(), "the longer nothing happens, the less often it looks: {pauses:?}");
        assert!(longest(&world.asked.borrow()) <= 6_000);
    }
}

#[test]
fn what_happens_is_told_within_a_second_and_the_next_sooner() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let fixture = RefCell::new(fixture);
    let made = Cell::new(0);
    // At some time in the middle, when it looks as seldom as ever.
    let meanwhile = |now| {
        if now > 20_000 && made.get() == 0 {
            made.set(now);
            fixture.borrow_mut().task(&user, WEEKLY);
        }
    };
    let world = World { chance: 100, ..World::new(&meanwhile) };
    let store = fixture.borrow().connection();
    let (mut follower, first) = Follower::begin(&store, user.clone(), None).unwrap();
    assert_eq!(pollster::block_on(tell(&mut follower, first, &world)).unwrap(), End::Over);
    let sent = world.sent.borrow();
    let told: Vec<u64> =
        sent.iter().filter(|(_, text)| text.contains("task.created")).map(|(at, _)| *at).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0] - made.get() <= 1_000);
    let pauses = world.pauses.borrow();
    let mut at = 0;
    let next = pauses.iter().find(|pause| {
        let is_next = at >= told[0];
        at += **pause;
        is_next
    });
    assert!(*next.unwrap() <= 400, "{pauses:?}");
}

#[test]
fn what_is_there_already_is_told_without_a_pause() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..250 {
        fixture.task(&user, WEEKLY);
    }
    let world = World::new(&|_| {});
    world.follow(&fixture, &user, Some(0)).unwrap();
    let sent = world.sent.borrow();
    let at_once: Vec<usize> =
        sent.iter().filter(|(at, _)| *at == 0).map(|(_, text)| read(text).len()).collect();
    assert_eq!(at_once, [100, 100, 50]);
    assert_eq!(read(&world.text()).len(), 250);
}

#[test]
fn who_has_left_is_told_nothing_more() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for is_known in [true, false] {
        let world = World { leaves: Some((10_000, is_known)), ..World::new(&|_| {}) };
        assert_eq!(world.follow(&fixture, &user, None).unwrap(), End::Left);
        // What is known is known at the next look; else it is found out when there is something to send.
        let latest = if is_known { 11_000 } else { 16_000 };
        assert!(world.now.get() <= latest, "{}", world.now.get());
    }
}

#[test]
fn a_revoked_token_reads_on_for_a_few_seconds_at_most() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let fixture = RefCell::new(fixture);
    let meanwhile = |_| drop(fixture.borrow_mut().task(&user, WEEKLY));
    let world = World { revoked: Some(20_000), ..World::new(&meanwhile) };
    let store = fixture.borrow().connection();
    let (mut follower, first) = Follower::begin(&store, user.clone(), None).unwrap();
    assert_eq!(pollster::block_on(tell(&mut follower, first, &world)).unwrap(), End::Refused);
    let sent = world.sent.borrow();
    let last = sent.iter().filter(|(_, text)| text.contains("task.created")).map(|(at, _)| *at).max();
    assert!(last.unwrap() <= 26_000, "{last:?}");
    assert!(sent.last().unwrap().1.starts_with(": "), "its client is told why");
}

#[test]
fn a_store_that_fails_ends_the_stream() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let spoilt = Cell::new(false);
    let spoil = |now| {
        if now > 5_000 && !spoilt.replace(true) {
            fixture.rows("DROP TABLE outbox");
        }
    };
    let world = World::new(&spoil);
    let ended = world.follow(&fixture, &user, None);
    assert!(matches!(ended, Err(StoreError::Database(_))), "{ended:?}");
}
