//! Somebody who asks, and what may happen to their requests.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use perennial_traps::{Blow, Side, User};
use serde_json::Value;

use super::figures::short;
use super::quiet::{Books, books, masked};
use super::scene::Scene;
use crate::SECOND;
use crate::operations::{Case, READS, WRITES, case};

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at whether it has.
const PAUSE: Duration = Duration::from_millis(2);

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// Its guest is trapped at this call.
    Trapped(Side, u64),
    /// Its client leaves.
    Cut(Cut),
}

/// When a client leaves.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// After the head, or within it where there is no body.
    AfterHead,
    /// In the middle of the body, likewise.
    WithinBody,
    /// As soon as all is sent.
    Sent,
    /// So many microseconds later.
    Later(u64),
    /// Once the answer begins.
    WithinAnswer,
    /// When its guest is at this call.
    AtCall(Side, u64),
}

/// A user, and what they have asked for.
pub struct Asker {
    pub scene: Arc<Scene>,
    user: User,
    rng: Rng,
    before: Books,
    asked: BTreeMap<&'static str, i64>,
}

impl Asker {
    pub async fn new(scene: Arc<Scene>, name: &str, seed: u64) -> Self {
        let user = scene.house.user(name).await;
        // The first use of a token is noted.
        user.keyed("GET", "/v1/tasks", "a-look", &Value::Null).await;
        let before = books(&scene.house, &user);
        Self { scene, user, rng: Rng::with_seed(seed), before, asked: BTreeMap::new() }
    }

    pub fn draw_kind(&mut self) -> &'static str {
        let kinds: Vec<_> = WRITES.into_iter().chain(READS).collect();
        kinds[self.rng.usize(..kinds.len())]
    }

    pub fn draw_fate(&mut self, kind: &str) -> Fate {
        let calls = self.scene.quiet.of_kind(kind).calls.len();
        let index = self.rng.u64(..u64::try_from(calls).unwrap());
        let side = Side::ALL[self.rng.usize(..3)];
        match self.rng.u8(..12) {
            0..6 => Fate::Trapped(side, index),
            6 => Fate::Cut(Cut::AfterHead),
            7 => Fate::Cut(Cut::WithinBody),
            8 => Fate::Cut(Cut::Sent),
            9 => Fate::Cut(Cut::Later(self.rng.u64(..20_000))),
            10 => Fate::Cut(Cut::WithinAnswer),
            _ => Fate::Cut(Cut::AtCall(side, index)),
        }
    }

    /// A request of a drawn kind that is left alone.
    pub async fn untouched(&mut self) {
        let kind = self.draw_kind();
        let (id, word) = self.needed(kind).await;
        let channel = self.ask(kind, &id, &word).await;
        self.tidy(kind, &channel).await;
    }

    /// A request that something happens to, and again under the same key; the call at which it did, if it was at one. One that `gets_far`
    /// is sent when no event of its user waits: its guest publishes its own.
    pub async fn struck(&mut self, kind: &'static str, fate: Fate, gets_far: bool) -> Option<String> {
        let (id, word) = self.needed(kind).await;
        if gets_far {
            self.wait_until_published().await;
        }
        let case = case(kind, &id, &word);
        let key = format!("struck-{word}");
        let (first, met) = match fate {
            Fate::Trapped(side, index) => self.trapped(kind, &case, (&key, &word), (side, index)).await,
            Fate::Cut(cut) => (None, self.cut(&case, &key, cut).await),
        };
        let (status, told) = self.user.keyed(case.method, &case.path, &key, &case.body).await;
        self.compare(kind, &word, status, &told, &format!("again, after {fate:?} at {met:?}"));
        if let Some(first) = first.filter(|(first, _)| *first != 500)
            && !case.effect.is_empty()
            && first != (status, told.clone())
        {
            self.contaminated(format!("{kind}: {first:?} first, then {status} {told}"));
        }
        if !case.effect.is_empty() {
            let made = self.scene.house.number(&format!("SELECT count(*) FROM {}", case.effect));
            if made != 1 {
                self.contaminated(format!("{kind}: {made} effects after {fate:?} at {met:?}"));
            }
        }
        *self.asked.entry(kind).or_default() += 1;
        self.tidy(kind, &told).await;
        met
    }

    /// What the database has of this user is what a quiet service would have.
    pub fn assert_books(&self) {
        let mut expected = self.before.clone();
        for (kind, times) in &self.asked {
            for (what, count) in &self.scene.quiet.of_kind(kind).adds {
                *expected.entry(what.clone()).or_default() += count * times;
            }
        }
        expected.retain(|_, count| *count != 0);
        assert_eq!(
            books(&self.scene.house, &self.user),
            expected,
            "{} has asked {:?}",
            self.user.id,
            self.asked
        );
    }

    /// What a request of a kind is about, and the word it is made with.
    async fn needed(&mut self, kind: &str) -> (String, String) {
        let word = format!("word{}", self.scene.house.fresh());
        let id = |told: &Value| told["id"].as_str().unwrap_or_default().to_owned();
        let needed = match kind {
            "create" | "channel" => String::new(),
            "no channel" => id(&self.ask("channel", "", &word).await),
            _ => id(&self.ask("create", "", &word).await),
        };
        if kind == "reopen" {
            self.ask("complete", &needed, &word).await;
            self.wait_for_successor(&needed).await;
        }
        (needed, word)
    }

    /// There is a limit to channels.
    async fn tidy(&mut self, kind: &str, told: &Value) {
        if kind == "channel" {
            let id = told["id"].as_str().unwrap_or_default();
            self.ask("no channel", id, "").await;
        }
    }

    /// A request that is left alone; gives what was told.
    async fn ask(&mut self, kind: &'static str, id: &str, word: &str) -> Value {
        let Case { method, path, body, .. } = case(kind, id, word);
        let key = format!("untouched-{}", self.scene.house.fresh());
        let (status, told) = self.user.keyed(method, &path, &key, &body).await;
        self.compare(kind, word, status, &told, "left alone");
        self.scene.figures.lock().unwrap().untouched += 1;
        *self.asked.entry(kind).or_default() += 1;
        told
    }

    /// A trapped guest leaves that to the clock.
    async fn wait_until_published(&self) {
        let waits =
            format!("SELECT count(*) FROM stream WHERE id = '{}' AND sequence > published", self.user.id);
        until("events are published", || self.scene.house.number(&waits) == 0).await;
    }

    async fn wait_for_successor(&self, task: &str) {
        let begun = Instant::now();
        loop {
            let (status, told) =
                self.user.keyed("GET", &format!("/v1/tasks/{task}"), "a-look", &Value::Null).await;
            if status != 200 {
                self.contaminated(format!("a look at a task: {status} {told}"));
            }
            if told["occurrence"]["recurrence_id"] == SECOND {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no successor: {told}");
            tokio::time::sleep(PAUSE * 5).await;
        }
    }

    /// Asks, and has the guest trapped; gives the answer, and the call at which it was.
    async fn trapped(
        &self,
        kind: &str,
        case: &Case,
        (key, word): (&str, &str),
        at: (Side, u64),
    ) -> (Option<(u16, Value)>, Option<String>) {
        let switch = &self.scene.house.switch;
        switch.strike(key, at, Blow::Trap);
        let (status, told) = self.user.keyed(case.method, &case.path, key, &case.body).await;
        // It may go on after its answer.
        until("a guest ends", || switch.is_over(key, false)).await;
        let met = switch.lift(key);
        if met.is_none() || status != 500 {
            self.compare(kind, word, status, &told, &format!("to be trapped {at:?}, {met:?}"));
        }
        if let Some(call) = &met {
            self.scene.figures.lock().unwrap().trapped("a request", at.0, call);
        }
        (Some((status, told)), met)
    }

    /// Asks and leaves; gives the call at which that was, if it was at one.
    async fn cut(&mut self, case: &Case, key: &str, cut: Cut) -> Option<String> {
        let (bytes, head) = self.user.bytes(case.method, &case.path, key, &case.body);
        let stream = Arc::new(self.user.connect());
        let is_reset = self.rng.bool();
        if is_reset {
            resets(&stream);
        }
        let part = match cut {
            Cut::AfterHead => head.min(bytes.len() - 1),
            Cut::WithinBody => (head + (bytes.len() - head) / 2).min(bytes.len() - 1),
            _ => bytes.len(),
        };
        let switch = &self.scene.house.switch;
        if let Cut::AtCall(side, index) = cut {
            switch.strike(key, (side, index), Blow::Leave(stream.clone()));
        }
        (&*stream).write_all(&bytes[..part]).unwrap();
        match cut {
            Cut::Later(micros) => tokio::time::sleep(Duration::from_micros(micros)).await,
            Cut::WithinAnswer => first_byte(stream.clone()).await,
            _ => {}
        }
        drop(stream);
        let how = if is_reset { "reset" } else { "closed" };
        let Cut::AtCall(side, _) = cut else {
            let moment = match cut {
                Cut::Later(_) => "Later".to_owned(),
                other => format!("{other:?}"),
            };
            self.scene.figures.lock().unwrap().cut(format!("{moment}, {how}"));
            return None;
        };
        until("a guest gets there or ends", || switch.is_over(key, true)).await;
        let met = switch.lift(key);
        if let Some(call) = &met {
            let moment = format!("{side:?} {}, {how}", short(call));
            self.scene.figures.lock().unwrap().cut(moment);
        }
        met
    }

    /// Holds an answer against that of a quiet service.
    fn compare(&self, kind: &str, word: &str, status: u16, told: &Value, when: &str) {
        let quiet = self.scene.quiet.of_kind(kind);
        // No task has an empty word in it.
        let word = if word.is_empty() { "no word" } else { word };
        if (status, &masked(told, word)) != (quiet.status, &quiet.body) {
            self.contaminated(format!("{kind}, {when}: {status} {told}, not {}", quiet.body));
        }
    }

    fn contaminated(&self, what: String) {
        println!("contaminated: {what}");
        self.scene.figures.lock().unwrap().contaminated.push(what);
    }
}

/// A connection that is closed later is reset: the service hears of it at once.
pub fn resets(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
}

/// Waits for what must happen.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn first_byte(stream: Arc<TcpStream>) {
    let read = tokio::task::spawn_blocking(move || (&*stream).read(&mut [0]).unwrap());
    assert_eq!(read.await.unwrap(), 1, "there is no answer");
}
