//! When what fails: drawn by chance, all kinds equally often, several at once now and then, spread over all that is written.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::fault::{Fault, KINDS, Kind};
use crate::progress::Progress;
use crate::system::System;

/// Between two looks whether the next one may begin.
const LOOK: Duration = Duration::from_millis(20);

/// From one to the next at most.
const GAP: u64 = 1_500;

/// The faults of a run.
pub struct Schedule {
    rng: Rng,
    begun: Instant,
    bag: Vec<Kind>,
    under_way: Vec<(Instant, Fault)>,
    /// How many there were of each kind.
    pub counts: BTreeMap<Kind, usize>,
}

impl Schedule {
    /// Those that a seed draws.
    pub fn new(rng: Rng) -> Self {
        Self { rng, begun: Instant::now(), bag: Vec::new(), under_way: Vec::new(), counts: BTreeMap::new() }
    }

    /// Has so many come and go, spread evenly over so many writes.
    ///
    /// # Panics
    /// Where nobody is answered any more.
    pub fn carry_out(
        &mut self,
        system: &mut System,
        faults: usize,
        writes: usize,
        progress: &mut Progress<'_>,
    ) {
        let long = faults > 2 * KINDS.len();
        for number in 0..faults {
            let kind = self.next_kind(system);
            let mut fault = Fault::draw(&mut self.rng, kind, system.replicas.len(), long);
            progress.until(|progress| {
                self.end_what_is_over(system);
                let is_due = progress.acknowledged() * faults >= writes * number;
                is_due && self.has_room_for(&fault, system.replicas.len())
            });
            self.tell(&fault.words());
            fault.begin(system);
            *self.counts.entry(kind).or_default() += 1;
            self.under_way.push((Instant::now() + fault.lasts, fault));
            let next = Instant::now() + Duration::from_millis(self.rng.u64(0..GAP));
            while Instant::now() < next {
                self.end_what_is_over(system);
                thread::sleep(LOOK);
            }
        }
        while !self.under_way.is_empty() {
            self.end_what_is_over(system);
            thread::sleep(LOOK);
        }
    }

    /// The next kind: each comes once before any comes again.
    fn next_kind(&mut self, system: &System) -> Kind {
        if self.bag.is_empty() {
            self.bag =
                KINDS.into_iter().filter(|kind| *kind != Kind::FullDisk || system.disk.is_some()).collect();
            self.rng.shuffle(&mut self.bag);
        }
        self.bag.pop().unwrap()
    }

    /// Nothing fails in two ways at once, and somebody is well at any time.
    fn has_room_for(&self, fault: &Fault, replicas: usize) -> bool {
        let taken = |one: &(Instant, Fault)| one.1.replica == fault.replica;
        let of_replicas = self.under_way.iter().filter(|(_, one)| one.replica.is_some()).count();
        !self.under_way.iter().any(taken) && (fault.replica.is_none() || of_replicas + 1 < replicas)
    }

    fn end_what_is_over(&mut self, system: &mut System) {
        let now = Instant::now();
        let (over, left) = self.under_way.drain(..).partition(|(until, _)| *until <= now);
        self.under_way = left;
        let over: Vec<(Instant, Fault)> = over;
        for (_, fault) in over {
            let words = fault.words();
            fault.end(system);
            self.tell(&format!("over: {words}"));
        }
    }

    fn tell(&self, words: &str) {
        println!("{:8.2} s  {words}", self.begun.elapsed().as_secs_f64());
    }
}
