//! No endpoint and no notification holds up the others.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use notifier::{Delivered, Post, Sender, deliver};
use perennial_domain::{
    Attempt, Channel, ChannelId, Timestamp, UserId, WebhookPolicy, create_channel, delete_channel,
    delete_task, fire,
};
use perennial_fixture::{Fixture, NOON, Watch};
use perennial_store::Store;

const DAY: i64 = 86_400_000;

/// How long an endpoint that hangs is waited for, in milliseconds.
const PATIENCE: i64 = 10_000;

/// Receivers, on a clock of their own: one named `hangs` never answers, one named `slow` takes five seconds.
struct Receivers {
    now: Cell<i64>,
    under_way: RefCell<BTreeMap<String, usize>>,
    most: RefCell<BTreeMap<String, usize>>,
    /// The same by user: what the host's name begins with, up to the last dash.
    most_of_user: RefCell<BTreeMap<String, usize>>,
    /// When each attempt began, by address.
    begun: RefCell<Vec<(String, i64)>>,
    /// Whether the odd attempts at `flaky` hang.
    flaky: Cell<bool>,
}

impl Receivers {
    fn new(now: Timestamp) -> Self {
        Self {
            now: Cell::new(now.as_millis()),
            under_way: RefCell::default(),
            most: RefCell::default(),
            most_of_user: RefCell::default(),
            begun: RefCell::default(),
            flaky: Cell::new(false),
        }
    }

    fn attempts(&self, word: &str) -> Vec<i64> {
        let begun = self.begun.borrow();
        begun.iter().filter(|(url, _)| url.contains(word)).map(|(_, at)| *at).collect()
    }

    fn most(&self, word: &str) -> usize {
        self.most
            .borrow()
            .iter()
            .filter(|(url, _)| url.contains(word))
            .map(|(_, most)| *most)
            .max()
            .unwrap_or(0)
    }

    /// Attempts that were under way at once at all addresses with this word.
    fn most_of(&self, word: &str) -> usize {
        self.most_of_user.borrow().get(word).copied().unwrap_or(0)
    }

    async fn until(&self, at: i64) {
        poll_fn(|context| {
            if self.now.get() >= at {
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
        let begun = self.now.get();
        self.begun.borrow_mut().push((post.url.clone(), begun));
        {
            let mut under_way = self.under_way.borrow_mut();
            let count = under_way.entry(post.url.clone()).or_default();
            *count += 1;
            let mut most = self.most.borrow_mut();
            let seen = most.entry(post.url.clone()).or_default();
            *seen = (*seen).max(*count);
            if let Some((user, _)) = post.url.trim_start_matches("https://").rsplit_once('-') {
                let user = format!("{user}-");
                let now: usize =
                    under_way.iter().filter(|(url, _)| url.contains(&user)).map(|(_, count)| count).sum();
                let mut most = self.most_of_user.borrow_mut();
                let seen = most.entry(user).or_default();
                *seen = (*seen).max(now);
            }
        }
        let hangs = post.url.contains("hangs")
            || (post.url.contains("flaky") && self.flaky.replace(!self.flaky.get()));
        let takes = match () {
            () if hangs => PATIENCE,
            () if post.url.contains("slow") => 5_000,
            () => 200,
        };
        self.until(begun + takes).await;
        *self.under_way.borrow_mut().get_mut(&post.url).unwrap() -= 1;
        if hangs { Attempt::Hung { error: "no answer".to_owned() } } else { Attempt::Accepted }
    }

    async fn pause(&self) {
        self.now.set(self.now.get() + 100);
        self.until(self.now.get()).await;
    }
}

fn channel(fixture: &mut Fixture, user: &UserId, word: &str) -> Channel {
    let url = format!("https://{word}.example.com/hook");
    let policy = WebhookPolicy::default();
    let secret = "whsec_AAAA".to_owned();
    let there = fixture.store.channels(user).unwrap().len();
    let (commit, channel) = create_channel(&mut fixture.context(user), &url, secret, there, &policy).unwrap();
    fixture.store.commit(&commit).unwrap();
    channel
}

/// Notifications that wait, all to one channel, due since `due`.
fn notify(fixture: &mut Fixture, user: &UserId, channel: &Channel, number: usize, due: Timestamp) {
    for _ in 0..number {
        fixture.task(
            user,
            r#"{"title": "x", "due": {"local": "2026-11-22T09:00:00"}, "reminders": [{"trigger": "PT0S"}]}"#,
        );
    }
    for reminder in fixture.due_reminders(NOON.plus_millis(7 * DAY)) {
        let mut context = fixture.context(user);
        context.now = due;
        let commit = fire(&mut context, &reminder.alarm, std::slice::from_ref(channel));
        fixture.store.commit(&commit).unwrap();
    }
}

fn round(fixture: &mut Fixture, receivers: &Receivers) -> Delivered {
    let policy = WebhookPolicy::default();
    let now = || Timestamp::from_millis(receivers.now.get());
    pollster::block_on(deliver(&fixture.store, receivers, &policy, (&now, 30_000), &mut fixture.ids)).unwrap()
}

#[test]
fn an_endpoint_that_hangs_delays_nobody_and_is_left_alone_for_growing_pauses() {
    let mut fixture = Fixture::new();
    let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
    // Ten endpoints with twenty each, all due long before the other's.
    for number in 0..10 {
        let hangs = channel(&mut fixture, &mallory, &format!("hangs-{number}"));
        notify(&mut fixture, &mallory, &hangs, 20, NOON.plus_millis(-DAY));
    }
    let eve = fixture.user("eve");
    let hangs = channel(&mut fixture, &eve, "hangs-alone");
    notify(&mut fixture, &eve, &hangs, 20, NOON.plus_millis(-DAY));
    let healthy = channel(&mut fixture, &ada, "healthy");
    notify(&mut fixture, &ada, &healthy, 5, NOON);
    let receivers = Receivers::new(NOON);
    // Ten minutes, with a clock that wakes every second.
    let end = NOON.as_millis() + 600_000;
    while receivers.now.get() < end {
        round(&mut fixture, &receivers);
        receivers.now.set(receivers.now.get() + 1_000);
    }
    let late: Vec<i64> = receivers.attempts("healthy").iter().map(|at| at - NOON.as_millis()).collect();
    assert_eq!(late.len(), 5);
    assert!(late.iter().all(|late| *late <= 5_000), "{late:?}");
    assert_eq!(receivers.most("hangs-0"), 1, "under way at one endpoint");
    let begun = receivers.attempts("hangs-alone");
    let pauses: Vec<i64> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.len() >= 3 && pauses.windows(2).all(|pair| pair[1] > pair[0] * 3 / 2), "{pauses:?}");
}

/// A hundred users, each with ten endpoints of this kind and two notifications for each of them, all due long before Ada's; how
/// late hers are, to an endpoint never tried and then to one that answers. Several notifiers run at once.
fn beside_a_thousand(kind: &str) -> (Vec<i64>, usize) {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    for number in 0..100 {
        let user = fixture.user(&format!("mallory-{number}"));
        for endpoint in 0..10 {
            let there = channel(&mut fixture, &user, &format!("{kind}-{number}-{endpoint}"));
            notify(&mut fixture, &user, &there, 2, NOON.plus_millis(-DAY));
        }
    }
    let healthy = channel(&mut fixture, &ada, "healthy");
    let receivers = Receivers::new(NOON);
    let mut late = Vec::new();
    // Four minutes; one of Ada's each half minute.
    for turn in 0..8 {
        let due = receivers.now.get();
        let seen = receivers.attempts("healthy").len();
        notify(&mut fixture, &ada, &healthy, 1, Timestamp::from_millis(due));
        // Each round claims for half a minute, as the clock's do at least, and waits for its last attempts.
        round(&mut fixture, &receivers);
        let begun = receivers.attempts("healthy");
        late.extend(begun.get(seen).map(|at| at - due));
        assert_eq!(late.len(), turn + 1, "{late:?}");
        receivers.now.set((due + 30_000).max(receivers.now.get() + 1_000));
    }
    let most = (0..100).map(|number| receivers.most_of(&format!("{kind}-{number}-"))).max().unwrap();
    (late, most)
}

#[test]
fn a_thousand_endpoints_that_hang_delay_nobody() {
    let (late, most) = beside_a_thousand("hangs");
    assert!(late.iter().all(|late| *late <= 5_000), "{late:?}");
    assert_eq!(most, 1, "endpoints of one user under way");
}

#[test]
fn a_thousand_endpoints_that_answer_slowly_delay_nobody() {
    let (late, most) = beside_a_thousand("slow");
    assert!(late.iter().all(|late| *late <= 5_000), "{late:?}");
    assert_eq!(most, 1, "endpoints of one user under way");
}

#[test]
fn endpoints_never_tried_are_tried_one_after_the_other_without_pause() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for endpoint in 0..10 {
        let there = channel(&mut fixture, &user, &format!("healthy-{endpoint}"));
        notify(&mut fixture, &user, &there, 1, NOON);
    }
    let receivers = Receivers::new(NOON);
    assert_eq!(round(&mut fixture, &receivers).attempted, 10, "in one go");
    assert_eq!(receivers.most_of("healthy-"), 1);
    let late = receivers.attempts("healthy").iter().map(|at| at - NOON.as_millis()).max();
    assert!(late.is_some_and(|late| late <= 5_000), "{late:?}");
}

#[test]
fn an_endpoint_that_hangs_now_and_then_has_no_more_than_two_under_way() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let flaky = channel(&mut fixture, &user, "flaky");
    notify(&mut fixture, &user, &flaky, 30, NOON);
    let receivers = Receivers::new(NOON);
    for _ in 0..120 {
        round(&mut fixture, &receivers);
        receivers.now.set(receivers.now.get() + 1_000);
    }
    assert_eq!(receivers.most("flaky"), 2);
}

#[test]
fn an_endpoint_that_answers_is_served_without_pause() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let healthy = channel(&mut fixture, &user, "healthy");
    notify(&mut fixture, &user, &healthy, 50, NOON);
    let receivers = Receivers::new(NOON);
    assert_eq!(round(&mut fixture, &receivers).attempted, 50, "in one go");
    assert_eq!(receivers.most("healthy"), 2);
    assert!(receivers.now.get() - NOON.as_millis() < 30_000);
}

/// A store that takes so long for each look, in milliseconds.
struct Busy<'a>(&'a Cell<i64>, i64);

impl Watch for Busy<'_> {
    fn after(&self, statement: &str) {
        if statement.contains("'kinds'") {
            self.0.set(self.0.get() + self.1);
        }
    }
}

/// Answered promptly, an endpoint has a place among those that do, however long the store was waited for meanwhile.
#[test]
fn what_the_store_takes_is_not_the_endpoints_time() {
    for (word, looks, proven) in [("healthy", 5_000, true), ("slow", 0, false)] {
        let mut fixture = Fixture::new();
        let ada = fixture.user("ada");
        let channel = channel(&mut fixture, &ada, word);
        notify(&mut fixture, &ada, &channel, 1, NOON);
        let receivers = Receivers::new(NOON);
        let busy = Busy(&receivers.now, looks);
        let store = fixture.watched(&busy);
        let now = || Timestamp::from_millis(receivers.now.get());
        let policy = WebhookPolicy::default();
        let delivered = deliver(&store, &receivers, &policy, (&now, 30_000), &mut fixture.ids);
        assert_eq!(pollster::block_on(delivered).unwrap().attempted, 1, "{word}");
        notify(&mut fixture, &ada, &channel, 1, now());
        let due = fixture.due_notifications(now().plus_millis(DAY));
        assert_eq!(due.iter().map(|due| due.proven).collect::<Vec<_>>(), [proven], "{word}");
    }
}

#[test]
fn what_nobody_waits_for_any_more_is_not_sent() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (kept, gone) = (channel(&mut fixture, &user, "kept"), channel(&mut fixture, &user, "gone"));
    notify(&mut fixture, &user, &gone, 3, NOON);
    notify(&mut fixture, &user, &kept, 3, NOON);
    let removal = delete_channel(&mut fixture.context(&user), &gone);
    fixture.store.commit(&removal).unwrap();
    let to_kept = format!("channel_id = '{}'", kept.id);
    let task = &fixture.rows(&format!("SELECT task_id FROM notification_v2 WHERE {to_kept} LIMIT 1"))[0][0];
    let perennial_store::Value::Text(task) = task else { unreachable!("no task") };
    let task = perennial_domain::TaskId::parse(task).unwrap();
    let state = fixture.store.series(&user, task, None).unwrap().unwrap();
    let deletion = delete_task(&mut fixture.context(&user), &state);
    fixture.store.commit(&deletion).unwrap();

    let receivers = Receivers::new(NOON);
    assert_eq!(round(&mut fixture, &receivers).attempted, 2);
    assert!(receivers.attempts("gone").is_empty());
    assert_eq!(fixture.count("notification_v2 WHERE state = 'cancelled'"), 4);
    assert_eq!(fixture.count("work WHERE kind = 'notification'"), 0);
}

#[test]
fn what_cannot_be_sent_holds_up_nothing_behind_it() {
    let spoils: [fn(&Fixture); 3] = [
        // Its channel's configuration is none.
        |fixture| {
            let none = fixture.dialect("{", "[7]");
            fixture.rows(&format!("UPDATE channel_v2 SET config = '{none}' WHERE id = 'bad'"));
        },
        // What became of it cannot be written, and with it nothing else of the same statement.
        |fixture| {
            let is_bad = "NEW.channel_id = 'bad' AND NEW.state <> 'cancelled'";
            fixture.trips("bad", "UPDATE", "notification_v2", is_bad);
        },
        // It is gone while it waits.
        |fixture| drop(fixture.rows("UPDATE notification_v2 SET id = 'x' || id WHERE channel_id = 'bad'")),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        let mut fixture = Fixture::new();
        let user = fixture.user("ada");
        fixture.rows(&format!(
            "INSERT INTO channel_v2 (id, user_id, kind, config, created_at) VALUES ('bad', '{user}', 'webhook', \
             '{{\"url\":\"https://bad.example.com\",\"secret\":\"whsec_AAAA\"}}', 1)"
        ));
        let bad = Channel { id: ChannelId::new("bad"), ..perennial_fixture::webhook("bad") };
        notify(&mut fixture, &user, &bad, 40, NOON.plus_millis(-DAY));
        let healthy = channel(&mut fixture, &user, "healthy");
        notify(&mut fixture, &user, &healthy, 5, NOON);
        // Live ones behind the bad in the same lane, where the fault is not the channel's.
        spoil(&fixture);
        if number == 2 {
            notify(&mut fixture, &user, &bad, 3, NOON);
        }
        let receivers = Receivers::new(NOON);
        for _ in 0..3 {
            round(&mut fixture, &receivers);
            receivers.now.set(receivers.now.get() + 1_000);
        }
        assert_eq!(receivers.attempts("healthy").len(), 5, "case {number}");
        assert_eq!(
            receivers.attempts("bad").len(),
            [0, receivers.attempts("bad").len(), 3][number],
            "case {number}"
        );
        for _ in 0..400 {
            round(&mut fixture, &receivers);
            receivers.now.set(receivers.now.get() + 300_000);
        }
        assert_eq!(
            fixture.count("work WHERE kind = 'notification' AND wake_at IS NOT NULL"),
            0,
            "case {number}: tried for ever"
        );
        assert_eq!(
            fixture.count("work WHERE parked_at IS NOT NULL AND reason IS NOT NULL"),
            [40, 40, 0][number],
            "case {number}"
        );
    }
}

#[test]
fn what_is_begun_and_never_finished_is_given_up() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let healthy = channel(&mut fixture, &user, "healthy");
    notify(&mut fixture, &user, &healthy, 1, NOON);
    fixture.rows("UPDATE work SET tries = 10, unsettled = 10 WHERE kind = 'notification'");
    let receivers = Receivers::new(NOON);
    round(&mut fixture, &receivers);
    assert!(receivers.attempts("healthy").is_empty());
    assert_eq!(fixture.count("work WHERE parked_at IS NOT NULL AND reason LIKE '%never finished%'"), 1);
}
