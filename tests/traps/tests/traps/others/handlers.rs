//! Those that nobody waits for: what is woken by events and by the clock, the doors of callbacks, and streams. One at a time is trapped at a
//! drawn call, with something of everything to do.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use perennial_tests::Receiver;
use perennial_traps::{Blow, Side, User};
use serde_json::{Value, json};

use super::asker::{resets, until};
use super::figures::short;
use super::scene::Scene;
use crate::FIRST;
use crate::operations::bins;

const CLOCKS: [&str; 3] = ["recurrence-scheduler-cron", "notifier-cron", "audit-cron"];

/// What can be trapped.
pub const HANDLERS: [&str; 5] =
    [CLOCKS[0], CLOCKS[1], CLOCKS[2], "recurrence-scheduler-redis", "notifier-redis"];

/// The doors of callbacks, with the components behind them.
const DOORS: [(&str, &str); 2] =
    [("/internal/sweep", "recurrence-scheduler"), ("/internal/deliver", "notifier")];

/// The component behind streams.
const LIVE: &str = "live";

/// Calls that a handler makes at most, or that are told from each other.
const CALLS: u64 = 10;

/// How many rounds a trap waits for a handler that gets so far.
const WAITS: u32 = 4;

/// How long a stream is followed at most.
const FOLLOWS: Duration = Duration::from_secs(2);

/// Seconds between two rounds: claims and leases are over then, but for attempts to deliver.
const ROUND: u64 = 16;

/// Who has something of everything to do, and whoever does it trapped.
pub struct Handlers {
    scene: Arc<Scene>,
    user: User,
    receiver: Receiver,
    rng: Rng,
    reminded: Vec<String>,
    series: Vec<String>,
}

/// What waits for a handler, and for how many rounds.
struct Trap {
    who: &'static str,
    side: Side,
    waited: u32,
}

impl Handlers {
    pub async fn new(scene: Arc<Scene>, seed: u64) -> Self {
        let (user, receiver) = (scene.house.user("reminded").await, Receiver::start());
        let channel = json!({ "type": "webhook", "url": receiver.url() });
        let (status, told) = user.keyed("POST", "/v1/channels", "channel", &channel).await;
        assert_eq!(status, 201, "{told}");
        let rng = Rng::with_seed(seed);
        Self { scene, user, receiver, rng, reminded: Vec::new(), series: Vec::new() }
    }

    /// Goes on until nobody asks any more.
    pub async fn keep_busy(mut self) -> Self {
        let (mut trap, mut turns) = (None, HANDLERS.into_iter().cycle());
        for round in (0..4).cycle() {
            if self.scene.is_over.load(Ordering::Relaxed) {
                break;
            }
            trap = match trap.and_then(|trap| self.waits(trap)) {
                None => turns.next().map(|who| self.arm(who)),
                waiting => waiting,
            };
            self.something_to_do().await;
            let (side, index) = self.draw();
            match round {
                0 => self.trap_door(side, index).await,
                2 => self.strike_stream(side, index).await,
                _ => {}
            }
            self.scene.house.pass(ROUND);
            for clock in CLOCKS {
                self.scene.house.tick_among_others(clock).await;
            }
        }
        self.scene.house.switch.disarm();
        self
    }

    fn draw(&mut self) -> (Side, u64) {
        // All make the first calls, and few the last.
        let index = self.rng.u64(..CALLS).min(self.rng.u64(..CALLS));
        (Side::ALL[self.rng.usize(..3)], index)
    }

    fn arm(&mut self, who: &'static str) -> Trap {
        let (side, index) = self.draw();
        self.scene.house.switch.arm(who, side, index);
        Trap { who, side, waited: 0 }
    }

    /// The trap, where it waits for its handler still.
    fn waits(&self, Trap { who, side, waited }: Trap) -> Option<Trap> {
        let switch = &self.scene.house.switch;
        if !switch.has_trapped() && waited < WAITS {
            return Some(Trap { who, side, waited: waited + 1 });
        }
        if let Some(call) = switch.disarm() {
            self.scene.figures.lock().unwrap().trapped(who, side, &call);
        }
        None
    }

    /// A reminder that comes due, and a series that goes on.
    async fn something_to_do(&mut self) {
        let due = self.scene.house.due_in(4);
        let soon = json!({ "title": "Soon", "due": due, "reminders": [{ "trigger": "-PT1S" }] });
        let reminded = self.ask("/v1/tasks", &soon, 201).await;
        self.reminded.push(reminded["id"].as_str().unwrap().to_owned());
        let series = self.ask("/v1/tasks", &bins("again"), 201).await;
        let id = series["id"].as_str().unwrap().to_owned();
        self.ask(&format!("/v1/tasks/{id}/complete"), &json!({ "recurrence_id": FIRST }), 200).await;
        self.series.push(id);
    }

    async fn ask(&self, path: &str, body: &Value, expected: u16) -> Value {
        let key = format!("busy-{}", self.scene.house.fresh());
        let (status, told) = self.user.keyed("POST", path, &key, body).await;
        let mut figures = self.scene.figures.lock().unwrap();
        figures.untouched += 1;
        if status != expected {
            figures.contaminated.push(format!("POST {path}: {status} {told}"));
        }
        told
    }

    /// The clock's work, asked for at a door.
    async fn trap_door(&mut self, side: Side, index: u64) {
        let (door, who) = DOORS[self.rng.usize(..DOORS.len())];
        let (house, key) = (&self.scene.house, format!("door-{}", self.scene.house.fresh()));
        house.switch.strike(&key, (side, index), Blow::Trap);
        let (status, told) = house.owner.keyed("POST", door, &key, &Value::Null).await;
        until("the guest behind a door ends", || house.switch.is_over(&key, false)).await;
        let met = house.switch.lift(&key);
        let mut figures = self.scene.figures.lock().unwrap();
        if status >= 300 && !(status == 500 && met.is_some()) {
            figures.contaminated.push(format!("POST {door}: {status} {told}, {met:?}"));
        }
        if let Some(call) = met {
            figures.trapped(who, side, &call);
        }
    }

    /// A stream that is trapped, or left by its client.
    async fn strike_stream(&mut self, side: Side, index: u64) {
        let (house, key) = (&self.scene.house, format!("stream-{}", self.scene.house.fresh()));
        let (traps, stream) = (self.rng.bool(), Arc::new(self.user.connect()));
        resets(&stream);
        let (bytes, _) = self.user.bytes("GET", "/v1/stream", &key, &Value::Null);
        let blow = if traps { Blow::Trap } else { Blow::Leave(stream.clone()) };
        house.switch.strike(&key, (side, index), blow);
        (&*stream).write_all(&bytes).unwrap();
        let kept = traps.then_some(stream);
        let met = until("a stream is struck", || house.switch.is_over(&key, true));
        // It may not make so many calls.
        tokio::time::timeout(FOLLOWS, met).await.ok();
        drop(kept);
        until("a stream ends", || house.switch.is_over(&key, false)).await;
        let met = house.switch.lift(&key);
        let mut figures = self.scene.figures.lock().unwrap();
        match met {
            Some(call) if traps => figures.trapped(LIVE, side, &call),
            Some(call) => figures.cut(format!("a stream, {side:?} {}, reset", short(&call))),
            None => figures.cut("a stream, reset"),
        }
    }

    /// Each was reminded of once, under one id, and each series went on once; and each handler was trapped.
    pub fn assert_each_once(&self) {
        let house = &self.scene.house;
        let of = format!("user_id = '{}'", self.user.id);
        let count = |what: &str| house.number(&format!("SELECT count(*) FROM {what} AND {of}"));
        let (reminded, series) =
            (i64::try_from(self.reminded.len()).unwrap(), i64::try_from(self.series.len()).unwrap());
        assert_eq!(count("alarm WHERE state = 'fired'"), reminded, "reminders");
        assert_eq!(count("notification_v2 WHERE state = 'delivered'"), reminded, "notifications");
        assert_eq!(count("outbox WHERE type = 'notification.delivered'"), reminded, "deliveries told");
        assert_eq!(count("occurrence WHERE predecessor IS NOT NULL"), series, "successors");
        assert_eq!(count("outbox WHERE type = 'task.completed'"), series, "completions told");
        let mut came: Vec<_> =
            self.receiver.deliveries().iter().map(|one| one.header("webhook-id").to_owned()).collect();
        came.sort_unstable();
        came.dedup();
        let sent = house.tally(&format!("SELECT id, 1::bigint FROM notification_v2 WHERE {of}"));
        assert!(came.iter().eq(sent.keys()), "{} webhooks of {}", came.len(), sent.len());
        let figures = self.scene.figures.lock().unwrap();
        for who in HANDLERS {
            assert!(figures.trapped_of(&format!("{who}:")) > 0, "{who} was never trapped:\n{figures}");
        }
    }
}
