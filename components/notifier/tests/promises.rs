//! What the notifier promises, on a real store and with a receiver that answers as it is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use notifier::{Post, Sender, deliver, sign};
use perennial_domain::{
    Attempt, MAX_ATTEMPTS, NotificationState, Subscription, Timestamp, UserId, WebhookPolicy, create_channel,
    create_channel_for, delete_channel, fire, rotate_secret, test_channel,
};
use perennial_fixture::{Counting, Fixture, NOON, WEEKLY, Watch, context};
use perennial_store::{Claim, NotificationRecord, Page, Store, StoreError, Value, WorkStore};

const DAY: i64 = 86_400_000;

/// A receiver that gives the same answer to everything and keeps what it got.
struct Receiver {
    answer: Attempt,
    got: RefCell<Vec<Post>>,
}

impl Sender for Receiver {
    async fn send(&self, post: &Post) -> Attempt {
        self.got.borrow_mut().push(post.clone());
        self.answer.clone()
    }

    async fn pause(&self) {}
}

/// A receiver that never answers, and a clock that stands.
struct Silent;

impl Sender for Silent {
    async fn send(&self, _: &Post) -> Attempt {
        std::future::pending().await
    }

    async fn pause(&self) {
        std::future::pending().await
    }
}

fn receiver(answer: Attempt) -> Receiver {
    Receiver { answer, got: RefCell::default() }
}

fn refused() -> Attempt {
    Attempt::Refused { error: "the receiver answered 500".to_owned(), retry_after: None }
}

/// A notification that waits for its first attempt.
fn waiting() -> (Fixture, UserId) {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let policy = WebhookPolicy::default();
    let url = "https://hooks.example.com/perennial";
    let (commit, channel) =
        create_channel(&mut fixture.context(&user), url, "whsec_AAAA".to_owned(), 0, &policy).unwrap();
    fixture.store.commit(&commit).unwrap();
    fixture.task(&user, WEEKLY);
    let due = fixture.due_reminders(NOON.plus_millis(7 * DAY)).remove(0);
    let commit = fire(&mut fixture.context(&user), &due.alarm, &[channel]);
    fixture.store.commit(&commit).unwrap();
    (fixture, user)
}

fn round(fixture: &mut Fixture, receiver: &Receiver, at: Timestamp) -> u32 {
    let policy = WebhookPolicy::default();
    let now = || at;
    let delivered = deliver(&fixture.store, receiver, &policy, (&now, 30_000), &mut fixture.ids);
    pollster::block_on(delivered).unwrap().attempted
}

fn state(fixture: &Fixture, user: &UserId) -> NotificationRecord {
    let page = Page { after: None, limit: 10 };
    fixture.store.notifications(user, None, &page).unwrap().remove(0)
}

#[test]
fn what_the_receiver_took_is_not_sent_again() {
    let (mut fixture, user) = waiting();
    let receiver = receiver(Attempt::Accepted);
    assert_eq!(round(&mut fixture, &receiver, NOON), 1);
    assert_eq!(round(&mut fixture, &receiver, NOON.plus_millis(30 * DAY)), 0);
    assert_eq!(receiver.got.borrow().len(), 1);
    let state = state(&fixture, &user);
    assert_eq!((state.state, state.attempts), (NotificationState::Delivered, 1));
    assert_eq!(fixture.count("outbox WHERE type = 'notification.delivered'"), 1);
}

/// What a channel takes beside reminders goes the same way: signed, under one id, and what becomes of it is told.
#[test]
fn an_event_and_a_test_are_delivered_as_reminders_are() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (url, policy) = ("https://hooks.example.com/perennial", WebhookPolicy::default());
    let types = Subscription::parse(&["task.created".to_owned()]).unwrap();
    let (commit, channel) =
        create_channel_for(&mut fixture.context(&user), (url, types), "whsec_AAAA".to_owned(), 0, &policy)
            .unwrap();
    fixture.store.commit(&commit).unwrap();
    let (task, _) = fixture.task(&user, WEEKLY);
    let (test, _) = test_channel(&mut fixture.context(&user), &channel);
    fixture.store.commit(&test).unwrap();
    let refuses = receiver(refused());
    assert_eq!(round(&mut fixture, &refuses, NOON), 2);
    assert_eq!(
        fixture.count("notice WHERE state = 'pending' AND attempts = 1 AND last_error IS NOT NULL"),
        2
    );
    let later = NOON.plus_millis(DAY);
    let accepts = receiver(Attempt::Accepted);
    assert_eq!(round(&mut fixture, &accepts, later), 2);
    assert_eq!(round(&mut fixture, &accepts, later.plus_millis(30 * DAY)), 0);
    let (first, second) = (refuses.got.borrow(), accepts.got.borrow());
    for post in second.iter() {
        let same = first.iter().find(|before| before.signature.id == post.signature.id).unwrap();
        assert_eq!(same.body, post.body);
        let signed = sign(["whsec_AAAA"].into_iter(), &post.signature.id, later, &post.body).unwrap();
        assert_eq!(signed, post.signature);
    }
    let mut types: Vec<_> = second
        .iter()
        .map(|post| serde_json::from_str::<serde_json::Value>(&post.body).unwrap()["type"].clone())
        .collect();
    types.sort_by_key(ToString::to_string);
    assert_eq!(types, ["task.created", "test"]);
    for subject in [task.id.to_string(), channel.id.to_string()] {
        let told = format!("outbox WHERE type = 'notification.delivered' AND subject = '{subject}'");
        assert_eq!(fixture.count(&told), 1);
    }
}

#[test]
fn what_the_receiver_refused_is_sent_again_under_the_same_id_until_it_is_given_up() {
    let (mut fixture, user) = waiting();
    let receiver = receiver(refused());
    let mut at = NOON;
    let mut waits = Vec::new();
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(round(&mut fixture, &receiver, at), 1, "attempt {attempt}");
        if let Some(next) = state(&fixture, &user).next_attempt_at {
            assert_eq!(round(&mut fixture, &receiver, next.plus_millis(-1)), 0, "an attempt before its time");
            waits.push((next.as_millis() - at.as_millis()) / 1_000);
            at = next;
        }
    }
    let state = state(&fixture, &user);
    assert_eq!((state.state, state.attempts), (NotificationState::Failed, MAX_ATTEMPTS));
    assert_eq!(state.last_error.as_deref(), Some("the receiver answered 500"));
    assert!(waits[0] >= 5 && waits[0] <= 6, "{waits:?}");
    assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
    let got = receiver.got.borrow();
    assert!(got.iter().all(|post| post.signature.id == got[0].signature.id && post.body == got[0].body));
}

#[test]
fn an_attempt_that_was_cut_off_is_made_again_when_its_claim_has_run_out() {
    let (mut fixture, user) = waiting();
    {
        // The receiver has it, and whoever sent it is gone before the answer.
        let policy = WebhookPolicy::default();
        let mut cut = pin!(deliver(&fixture.store, &Silent, &policy, (&|| NOON, 30_000), &mut fixture.ids));
        assert!(cut.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    // Another that waits for the same endpoint.
    let channel = fixture.store.channels(&user).unwrap().remove(0);
    let (test, _) = test_channel(&mut fixture.context(&user), &channel);
    fixture.store.commit(&test).unwrap();
    let receiver = receiver(Attempt::Accepted);
    assert_eq!(round(&mut fixture, &receiver, NOON.plus_millis(9_999)), 0);
    // Ten seconds are the claim's.
    assert_eq!(round(&mut fixture, &receiver, NOON.plus_millis(10_000)), 2);
    assert_eq!(state(&fixture, &user).state, NotificationState::Delivered);
}

/// A store that is out of reach while it is told so.
#[derive(Default)]
struct Outage(Cell<bool>);

impl Watch for Outage {
    fn before(&self, _: &str, _: &[Value]) -> bool {
        !self.0.get()
    }
}

/// A receiver that takes all, and while it does so the store is lost, for some pauses.
struct Losing<'a> {
    outage: &'a Outage,
    pauses: Cell<u32>,
    got: Cell<u32>,
}

impl Sender for Losing<'_> {
    async fn send(&self, _: &Post) -> Attempt {
        self.got.set(self.got.get() + 1);
        self.outage.0.set(true);
        Attempt::Accepted
    }

    async fn pause(&self) {
        self.pauses.set(self.pauses.get().saturating_sub(1));
        self.outage.0.set(self.pauses.get() > 0);
    }
}

#[test]
fn what_was_sent_while_the_store_was_out_of_reach_is_recorded_when_it_is_back() {
    // Fresh, and once more after it was cut off.
    for cut_off in [false, true] {
        let (mut fixture, user) = waiting();
        let at = NOON.plus_millis(if cut_off { 61_000 } else { 0 });
        if cut_off {
            assert_eq!(fixture.due_notifications(NOON).len(), 1);
        }
        let outage = Outage::default();
        let store = fixture.watched(&outage);
        let losing = Losing { outage: &outage, pauses: Cell::new(5), got: Cell::default() };
        let (policy, now) = (WebhookPolicy::default(), || at);
        let delivered = deliver(&store, &losing, &policy, (&now, 30_000), &mut fixture.ids);
        assert_eq!(pollster::block_on(delivered).unwrap().attempted, 1);
        assert_eq!(losing.got.get(), 1);
        let state = state(&fixture, &user);
        assert_eq!(state.state, NotificationState::Delivered, "cut off: {cut_off}");
        assert_eq!(fixture.count("outbox WHERE type = 'notification.delivered'"), 1);
    }
}

#[test]
fn a_store_that_does_not_come_back_is_not_waited_for_for_ever() {
    let (mut fixture, user) = waiting();
    let outage = Outage::default();
    let store = fixture.watched(&outage);
    let losing = Losing { outage: &outage, pauses: Cell::new(1_000), got: Cell::default() };
    let policy = WebhookPolicy::default();
    let delivered = deliver(&store, &losing, &policy, (&|| NOON, 30_000), &mut fixture.ids);
    pollster::block_on(delivered).unwrap_err();
    assert_eq!(losing.pauses.get(), 970, "a bounded number of tries");
    assert_eq!(state(&fixture, &user).state, NotificationState::Pending);
}

/// Loses the connection at one look for what is due.
struct Blink {
    at: u32,
    looks: Cell<u32>,
}

impl Watch for Blink {
    fn before(&self, statement: &str, _: &[Value]) -> bool {
        if statement.contains("'kinds'") {
            self.looks.set(self.looks.get() + 1);
            return self.looks.get() != self.at;
        }
        true
    }
}

#[test]
fn what_is_under_way_is_brought_to_its_end_when_a_look_for_more_fails() {
    let (mut fixture, user) = waiting();
    let blink = Blink { at: 2, looks: Cell::default() };
    let store = fixture.watched(&blink);
    let receiver = receiver(Attempt::Accepted);
    let policy = WebhookPolicy::default();
    let delivered = deliver(&store, &receiver, &policy, (&|| NOON, 30_000), &mut fixture.ids);
    pollster::block_on(delivered).unwrap_err();
    assert_eq!(receiver.got.borrow().len(), 1);
    assert_eq!(state(&fixture, &user).state, NotificationState::Delivered);
}

/// A receiver that takes a quarter of a minute, while others look for what they may claim.
struct Slow<'a> {
    now: &'a Cell<i64>,
    others: RefCell<Box<dyn FnMut(Timestamp) -> usize + 'a>>,
    claimed: Cell<usize>,
}

impl Sender for Slow<'_> {
    async fn send(&self, _: &Post) -> Attempt {
        let end = self.now.get() + 15_000;
        poll_fn(|context| {
            if self.now.get() >= end {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        Attempt::Accepted
    }

    async fn pause(&self) {
        let mut is_first = true;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        self.now.set(self.now.get() + 1_000);
        let claimed = (self.others.borrow_mut())(Timestamp::from_millis(self.now.get()));
        self.claimed.set(self.claimed.get() + claimed);
    }
}

#[test]
fn an_attempt_under_way_is_made_by_nobody_else_and_keeps_its_endpoint() {
    // Fresh, and once more after it was cut off.
    for cut_off in [false, true] {
        let (mut fixture, user) = waiting();
        let channel = fixture.store.channels(&user).unwrap().remove(0);
        let now = Cell::new(NOON.as_millis());
        if cut_off {
            assert_eq!(fixture.due_notifications(NOON).len(), 1);
            now.set(NOON.as_millis() + 61_000);
        }
        let (store, other) = (fixture.connection(), fixture.connection());
        let mut number = 0;
        let claims = move |now: Timestamp| {
            let mut of = |again| {
                number += 1;
                let id = format!("another {number}");
                let claim =
                    Claim { id, again, now, lease_for: 1, hold_for: 0, lanes: 9, per_lane: 9, shard: None };
                other.claim_notifications(&claim).unwrap().len()
            };
            // What was cut off is made again beside the others of its endpoint.
            of(true) + if cut_off { 0 } else { of(false) }
        };
        let slow = Slow { now: &now, others: RefCell::new(Box::new(claims)), claimed: Cell::default() };
        {
            let policy = WebhookPolicy::default();
            let clock = || Timestamp::from_millis(now.get());
            let mut round = pin!(deliver(&store, &slow, &policy, (&clock, 1), &mut fixture.ids));
            assert!(round.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            // Another comes due for the same endpoint.
            let (test, _) = test_channel(&mut context(&user, &mut Counting(1_000)), &channel);
            store.commit(&test).unwrap();
            assert_eq!(pollster::block_on(round).unwrap().attempted, 1);
        }
        assert_eq!(slow.claimed.get(), 0, "cut off: {cut_off}");
        assert_eq!(state(&fixture, &user).state, NotificationState::Delivered);
    }
}

#[test]
fn what_is_begun_again_and_again_and_never_ended_is_parked() {
    let (mut fixture, _) = waiting();
    assert_eq!(fixture.due_notifications(NOON).len(), 1);
    let mut at = NOON;
    for begun in 2..=MAX_ATTEMPTS {
        at = at.plus_millis(61_000);
        let claim = Claim {
            id: format!("claim {begun}"),
            again: true,
            now: at,
            lease_for: 60_000,
            hold_for: 60_000,
            lanes: 1,
            per_lane: 1,
            shard: None,
        };
        assert_eq!(fixture.store.claim_notifications(&claim).unwrap().len(), 1, "time {begun}");
    }
    at = at.plus_millis(61_000);
    let receiver = receiver(Attempt::Accepted);
    assert_eq!(round(&mut fixture, &receiver, at), 0);
    assert!(receiver.got.borrow().is_empty());
    assert_eq!(
        fixture.count("work WHERE kind = 'notification' AND parked_at IS NOT NULL AND reason <> ''"),
        1
    );
}

#[test]
fn two_notifiers_do_not_make_one_attempt_twice() {
    let (mut fixture, _) = waiting();
    assert_eq!(fixture.due_notifications(NOON).len(), 1);
    assert!(fixture.due_notifications(NOON).is_empty());
    let receiver = receiver(Attempt::Accepted);
    assert_eq!(round(&mut fixture, &receiver, NOON), 0);
}

#[test]
fn a_receiver_that_is_gone_is_not_asked_again() {
    let (mut fixture, user) = waiting();
    let receiver = receiver(Attempt::Gone { error: "the receiver answered 410".to_owned() });
    round(&mut fixture, &receiver, NOON);
    assert_eq!(state(&fixture, &user).state, NotificationState::Failed);
    assert_eq!(fixture.count("outbox WHERE type = 'notification.failed'"), 1);
}

#[test]
fn a_receiver_may_ask_for_more_time() {
    let (mut fixture, user) = waiting();
    let receiver = receiver(Attempt::Refused { error: "busy".to_owned(), retry_after: Some(3_600) });
    round(&mut fixture, &receiver, NOON);
    let wait = state(&fixture, &user).next_attempt_at.unwrap().as_millis() - NOON.as_millis();
    assert!((3_600_000..=4_320_000).contains(&wait), "{wait}");
}

#[test]
fn the_secret_before_signs_beside_the_new_one_for_a_day() {
    for (after, signatures) in [(0, 2), (DAY - 1, 2), (DAY, 1)] {
        let (mut fixture, user) = waiting();
        let channel = fixture.store.channels(&user).unwrap().remove(0);
        let fresh = "whsec_BBBB".to_owned();
        let (commit, _) = rotate_secret(&mut fixture.context(&user), &channel, fresh).unwrap();
        fixture.store.commit(&commit).unwrap();
        let receiver = receiver(Attempt::Accepted);
        let at = NOON.plus_millis(after);
        assert_eq!(round(&mut fixture, &receiver, at), 1);
        let post = receiver.got.borrow_mut().remove(0);
        let alone =
            |secret: &str| sign([secret].into_iter(), &post.signature.id, at, &post.body).unwrap().signature;
        let both = [alone("whsec_BBBB"), alone("whsec_AAAA")];
        assert_eq!(post.signature.signature, both[..signatures].join(" "), "{after} ms after");
    }
}

/// Two rotations at once: the second is decided anew, so that no secret that was told is lost.
#[test]
fn a_secret_is_rotated_from_the_one_that_signs_now_and_of_a_channel_that_is_there() {
    let (mut fixture, user) = waiting();
    let channel = fixture.store.channels(&user).unwrap().remove(0);
    let rotations = ["whsec_BBBB", "whsec_CCCC"]
        .map(|fresh| rotate_secret(&mut fixture.context(&user), &channel, fresh.to_owned()).unwrap().0);
    fixture.store.commit(&rotations[0]).unwrap();
    let refused = fixture.store.commit(&rotations[1]);
    assert!(matches!(&refused, Err(StoreError::Changed(why)) if why.what == "secret"), "{refused:?}");
    let channel = fixture.store.channel(&user, &channel.id).unwrap().unwrap();
    let late = rotate_secret(&mut fixture.context(&user), &channel, "whsec_DDDD".to_owned()).unwrap().0;
    let gone = delete_channel(&mut fixture.context(&user), &channel);
    fixture.store.commit(&gone).unwrap();
    let refused = fixture.store.commit(&late);
    assert!(matches!(&refused, Err(StoreError::Changed(why)) if why.what == "secret"), "{refused:?}");
    assert!(fixture.store.channels(&user).unwrap().is_empty());
}
