//! The ways to the replicas, one after the other: whoever is not answered by one asks the next, and who does not answer is left alone for a
//! while, as behind a load balancer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use perennial_tests::load::{Door, Gone};
use perennial_tests::{Answer, Client, Unanswered};

use crate::world::World;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long who did not answer is left alone, where there are others.
const ALONE: Duration = Duration::from_secs(3);

/// How long who is away on purpose is left alone at most.
const AWAY: Duration = Duration::from_secs(3_600);

/// All that serve, and how they answered.
#[derive(Debug)]
pub struct Doors<'a> {
    world: &'a World,
    clients: Vec<Client>,
    next: AtomicUsize,
    /// Until when each is left alone.
    alone: Mutex<Vec<Instant>>,
    /// Requests that were answered, by what says something of them.
    answered: AtomicUsize,
    /// Requests that were answered that it does not go now.
    refused: AtomicUsize,
    /// Requests without an answer.
    unanswered: AtomicUsize,
    /// Requests that were answered what is no failure of anything on the way.
    failed: AtomicUsize,
}

impl<'a> Doors<'a> {
    /// The ways to those that listen there.
    pub fn new(world: &'a World, bases: impl Iterator<Item = String>) -> Self {
        let clients: Vec<Client> = bases.map(|base| Client::patient(base, None, PATIENCE)).collect();
        let alone = Mutex::new(vec![Instant::now(); clients.len()]);
        let (answered, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (unanswered, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { world, clients, next: AtomicUsize::new(0), alone, answered, refused, unanswered, failed }
    }

    /// Has nobody go to one of them, or has them go there again.
    pub fn leave_alone(&self, number: usize, alone: bool) {
        let until = if alone { AWAY } else { Duration::ZERO };
        self.alone.lock().unwrap()[number] = Instant::now() + until;
    }

    /// Requests answered, refused for now (503), not answered, and failed, so far.
    pub fn counts(&self) -> [usize; 4] {
        [&self.answered, &self.refused, &self.unanswered, &self.failed]
            .map(|counter| counter.load(Ordering::Relaxed))
    }

    /// Whose turn it is.
    fn next(&self) -> usize {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let (alone, now) = (self.alone.lock().unwrap(), Instant::now());
        let turns = (next..next + alone.len()).map(|turn| turn % alone.len());
        turns.into_iter().find(|turn| alone[*turn] <= now).unwrap_or(next % alone.len())
    }
}

impl Door for Doors<'_> {
    fn ask(&self, ask: &dyn Fn(&Client) -> Result<Answer, Unanswered>) -> Result<Answer, Gone> {
        let asked = self.next();
        let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
        match ask(&self.clients[asked]) {
            Ok(answer) if answer.status.as_u16() == 503 => count(&self.refused),
            Ok(answer) if answer.status.is_server_error() => {
                println!("answered {}: {}", answer.status, answer.body);
                count(&self.failed)
            }
            Ok(answer) => {
                count(&self.answered);
                return Ok(answer);
            }
            Err(_) => {
                self.alone.lock().unwrap()[asked] = Instant::now() + ALONE;
                count(&self.unanswered)
            }
        };
        Err(Gone)
    }

    fn now(&self) -> DateTime<Utc> {
        self.world.now()
    }
}
