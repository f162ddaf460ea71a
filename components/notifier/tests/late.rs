//! How late notifications are while replicas are killed and stand still, and the store is lost to one of them or to all. Time is counted
//! here: minutes take seconds, and go the same way each time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "small numbers of a test")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use notifier::{Post, Sender, deliver};
use perennial_domain::{Attempt, Timestamp, UserId, WebhookPolicy, create_channel};
use perennial_fixture::{Counting, Fixture, NOON, Watch};
use perennial_store::{Store, Value};

/// How long it goes on, with faults and then without, in milliseconds.
const LASTS: [i64; 2] = [300_000, 60_000];

/// From one moment that is looked at to the next.
const STEP: i64 = 50;

/// From one fault to the next, and from one notification of an endpoint to the next: as is drawn.
const FAULT_EVERY: [i64; 2] = [3_000, 9_000];
const DUE_EVERY: [i64; 2] = [100, 1_900];

const REPLICAS: usize = 4;
const ENDPOINTS: usize = 8;

/// Rounds of the clock that a host has at once.
const ROUNDS: usize = 4;

type Round<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What is known of each notification: when it was due, when it came first, how often it came.
type Came = Rc<RefCell<BTreeMap<String, (i64, Option<i64>, u32)>>>;

/// A way to the store, which may be lost until some time.
#[derive(Clone)]
struct Wire {
    now: Rc<Cell<i64>>,
    lost_until: Rc<Cell<i64>>,
}

impl Watch for Wire {
    fn before(&self, _: &str, _: &[Value]) -> bool {
        self.now.get() >= self.lost_until.get()
    }
}

/// Receivers that answer within a fifth of a second.
struct Receivers {
    now: Rc<Cell<i64>>,
    came: Came,
}

impl Receivers {
    async fn wait(&self, millis: i64) {
        let end = self.now.get() + millis;
        poll_fn(|context| {
            if self.now.get() >= end {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl Sender for Receivers {
    async fn send(&self, post: &Post) -> Attempt {
        if let Some((_, first, times)) = self.came.borrow_mut().get_mut(&post.signature.id) {
            first.get_or_insert(self.now.get());
            *times += 1;
        }
        self.wait(200).await;
        Attempt::Accepted
    }

    async fn pause(&self) {
        self.wait(1_000).await;
    }
}

/// Draws numbers: each run the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, from: i64, to: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + i64::try_from(self.0 >> 33).unwrap() % (to - from)
    }
}

/// One of those that serve.
struct Replica {
    wire: Wire,
    away_until: i64,
    stands_until: i64,
}

/// Has something fail at a moment: of one replica, or the store of all.
fn fails(dice: &mut Dice, replicas: &mut [Replica], rounds: &mut [Vec<Round<'_>>], now: i64) {
    let which = usize::try_from(dice.roll(0, i64::try_from(REPLICAS).unwrap())).unwrap();
    let lose = |replicas: &[Replica], millis| {
        replicas.iter().for_each(|replica| replica.wire.lost_until.set(now + millis));
    };
    match dice.roll(0, 11) {
        0 => {
            rounds[which].clear();
            replicas[which].away_until = now + dice.roll(500, 2_500);
        }
        1 => replicas[which].stands_until = now + dice.roll(6_000, 20_000),
        2 => lose(&replicas[which..=which], dice.roll(1_000, 4_000)),
        3 => lose(&replicas[which..=which], dice.roll(2_000, 15_000)),
        4 => lose(replicas, dice.roll(200, 2_000)),
        5 => lose(replicas, 1),
        6 | 7 => lose(replicas, dice.roll(1_000, 4_000)),
        // What costs this nothing: a late wire, a moved clock, a table that no delivery reads.
        _ => {}
    }
}

/// Endpoints of as many users.
fn endpoints(fixture: &mut Fixture) -> Vec<(UserId, String)> {
    let policy = WebhookPolicy::default();
    let mut made = Vec::new();
    for number in 0..ENDPOINTS {
        let user = fixture.user(&format!("user {number}"));
        let url = format!("https://healthy-{number}.example.com/hook");
        let (commit, channel) =
            create_channel(&mut fixture.context(&user), &url, "whsec_AAAA".to_owned(), 0, &policy).unwrap();
        fixture.store.commit(&commit).unwrap();
        made.push((user, channel.id.to_string()));
    }
    made
}

/// Six minutes: late by how much, in order, and how often something came once more.
fn six_minutes(seed: u64) -> (Vec<i64>, u32) {
    let mut fixture = Fixture::new();
    let endpoints = endpoints(&mut fixture);
    let (now, came) = (Rc::new(Cell::new(NOON.as_millis())), Came::default());
    let receivers = Receivers { now: now.clone(), came: came.clone() };
    let mut replicas: Vec<Replica> = (0..REPLICAS)
        .map(|_| Replica {
            wire: Wire { now: now.clone(), lost_until: Rc::default() },
            away_until: 0,
            stands_until: 0,
        })
        .collect();
    let stores: Vec<_> = replicas.iter().map(|replica| fixture.watched(replica.wire.clone())).collect();
    let policy = WebhookPolicy::default();
    let clock = || Timestamp::from_millis(now.get());
    let mut rounds: Vec<Vec<Round<'_>>> = (0..REPLICAS).map(|_| Vec::new()).collect();
    let (mut dice, mut begun) = (Dice(seed), 0_u64);
    let (mut next_fault, mut next_due) = (0, [0; ENDPOINTS]);
    for step in 0..LASTS.iter().sum::<i64>() / STEP {
        let passed = step * STEP;
        now.set(NOON.as_millis() + passed);
        if passed < LASTS[0] {
            if passed >= next_fault {
                fails(&mut dice, &mut replicas, &mut rounds, now.get());
                next_fault += dice.roll(FAULT_EVERY[0], FAULT_EVERY[1]);
            }
            for (number, (user, channel)) in endpoints.iter().enumerate() {
                if passed >= next_due[number] {
                    let id = format!("01900000-0000-7000-8{number:03}-{passed:012}");
                    fixture.rows(&format!(
                        "INSERT INTO notice (id, user_id, channel_id, type, subject, payload, state, next_attempt_at, created_at) \
                         VALUES ('{id}', '{user}', '{channel}', 'test', 'x', '{{}}', 'pending', {0}, {0})",
                        now.get()
                    ));
                    came.borrow_mut().insert(id, (now.get(), None, 0));
                    next_due[number] += dice.roll(DUE_EVERY[0], DUE_EVERY[1]);
                }
            }
        }
        for (number, replica) in replicas.iter().enumerate() {
            if now.get() < replica.away_until || now.get() < replica.stands_until {
                continue;
            }
            if passed % 1_000 == 0 && rounds[number].len() < ROUNDS {
                begun += 1;
                let (ids, claims) = (Counting(begun * 1_000_000), 60_000 + 40_000 * (passed / 1_000 % 4));
                let (store, receivers, policy, clock) = (&stores[number], &receivers, &policy, &clock);
                rounds[number].push(Box::pin(async move {
                    let mut ids = ids;
                    drop(deliver(store, receivers, policy, (clock, claims), &mut ids).await);
                }));
            }
            rounds[number].retain_mut(|round| {
                round.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
            });
        }
    }
    drop(rounds);
    assert_eq!(
        fixture.count("notice WHERE state <> 'delivered'"),
        0,
        "all are delivered, and that is recorded"
    );
    let came = came.borrow();
    let mut late: Vec<i64> = came.values().map(|(due, first, _)| first.unwrap() - due).collect();
    late.sort_unstable();
    (late, came.values().map(|(.., times)| times - 1).sum())
}

#[test]
fn whatever_fails_notifications_are_late_by_seconds() {
    for seed in [7, 23] {
        let (late, again) = six_minutes(seed);
        let at = |share: usize| late[(late.len() * share / 1_000).min(late.len() - 1)];
        let [median, tail, longest] = [500, 990, 1_000].map(at);
        println!(
            "seed {seed}: {} of them, {again} came again; late: p50 {median} ms, p90 {} ms, p99 {tail} ms, {longest} ms at most",
            late.len(),
            at(900)
        );
        assert!(median <= 1_000, "{median}");
        assert!(tail <= 15_000, "{tail}");
        assert!(longest <= 30_000, "{longest}");
        assert!(usize::try_from(again).unwrap() * 20 <= late.len(), "{again} came again");
    }
}
