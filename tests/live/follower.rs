//! Who follows: reads some events, leaves, and comes again with the id of the last that was read.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use perennial_tests::{Client, Database, SOON, Stream, Told};

use crate::Run;

/// How many events are read at most before leaving, and how long that may take, in milliseconds.
const EVENTS: usize = 8;
const STAYS: [u64; 2] = [20, 300];

/// Before it is tried again where the service is away or refuses.
const AGAIN: Duration = Duration::from_millis(100);

/// How long nothing comes before a follower believes that nothing more will.
const QUIET: Duration = Duration::from_secs(5);

/// Somebody who follows a user's events.
pub(crate) struct Follower {
    token: String,
    user: String,
    rng: Rng,
    /// The id of the last event that was read.
    last: String,
    /// What was read: sequence, event id, and whose it is.
    read: Vec<(i64, String, String)>,
}

/// What was found of what one has read.
pub(crate) struct Found {
    pub events: usize,
    pub missed: usize,
    pub doubled: usize,
    pub others: usize,
}

impl Follower {
    /// Begins before anything has happened.
    pub fn begin(run: &Run, user: &Client, seed: u64) -> Self {
        let token = user.token().unwrap().to_owned();
        let mut stream = Stream::open(&run.address().unwrap(), &token, "", &[]).unwrap();
        let (last, event, data) = stream.event(SOON);
        assert_eq!((event.as_str(), data["after"].as_i64()), ("ready", Some(0)));
        let user = user.get("/v1/me")["id"].as_str().unwrap().to_owned();
        Self { token, user, rng: Rng::with_seed(seed), last, read: Vec::new() }
    }

    /// Comes and goes until told that all is written, and reads that to its end.
    pub fn follow(&mut self, run: &Run) {
        loop {
            let is_last = run.last.load(Ordering::Relaxed);
            let Some(mut stream) = self.open(run) else {
                thread::sleep(AGAIN);
                continue;
            };
            run.reconnects.fetch_add(1, Ordering::Relaxed);
            if is_last {
                while self.take(&mut stream, QUIET) {}
                return;
            }
            let [least, most] = STAYS;
            let leaves = Instant::now() + Duration::from_millis(self.rng.u64(least..most));
            for _ in 0..self.rng.usize(..=EVENTS) {
                if !self.take(&mut stream, leaves.saturating_duration_since(Instant::now())) {
                    break;
                }
            }
        }
    }

    /// A stream right after the last event that was read.
    fn open(&self, run: &Run) -> Option<Stream> {
        let stream = Stream::open(&run.address()?, &self.token, "", &[("last-event-id", &self.last)]).ok()?;
        match stream.status {
            200 => Some(stream),
            429 => {
                run.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
            503 => None,
            status => panic!("{status}: {}", stream.head),
        }
    }

    /// Reads the next event; `false` where none comes in time.
    fn take(&mut self, stream: &mut Stream, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while let Ok(Some(told)) = stream.next(deadline) {
            let Told::Event { id, event, data } = told else { continue };
            assert_ne!(event, "reset", "nothing was forgotten: {data}");
            let text = |name: &str| data[name].as_str().unwrap().to_owned();
            let sequence: i64 = text("sequence").parse().unwrap();
            assert_eq!(id, format!("{}.{sequence}", text("epoch")));
            self.read.push((sequence, text("id"), text("userid")));
            self.last = id;
            return true;
        }
        false
    }

    /// Holds what was read against what there is.
    pub fn held_against(&self, database: &Database) -> Found {
        let there = database.rows_of(
            "SELECT sequence || ' ' || event_id FROM outbox WHERE user_id = ?1 ORDER BY sequence",
            [&self.user],
        );
        let read: Vec<String> =
            self.read.iter().map(|(sequence, id, _)| format!("{sequence} {id}")).collect();
        let once: BTreeSet<&String> = read.iter().collect();
        assert!(self.read.is_sorted_by_key(|(sequence, ..)| *sequence), "in order");
        Found {
            events: there.len(),
            missed: there.iter().filter(|event| !once.contains(event)).count(),
            doubled: read.len() - once.len(),
            others: self.read.iter().filter(|(.., user)| *user != self.user).count(),
        }
    }
}
