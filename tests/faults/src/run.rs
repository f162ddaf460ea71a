//! One run: users write, everything fails, and in the end all is as it was told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use fastrand::Rng;
use http::StatusCode;
use perennial_tests::load::{
    Entry, Findings, Habits, LEFT, Late, Notified, WRONG, Worker, books, came, of_postgres, parked,
    reminders, tasks,
};
use perennial_tests::{Build, Client, Receiver, SOON, until};
use serde_json::json;

use crate::doors::Doors;
use crate::figures::Figures;
use crate::progress::Progress;
use crate::schedule::Schedule;
use crate::system::System;
use crate::world::World;

/// An attempt to deliver that was cut is made again once its claim has ended, after ten seconds.
const QUIET: Duration = Duration::from_secs(300);

/// How long it may take until somebody is answered, whatever fails.
const ANSWERED: Duration = Duration::from_secs(180);

/// Between two tries of a client that was not answered.
const AGAIN: Duration = Duration::from_millis(50);

/// Between two looks at what is left to do.
const LOOK: Duration = Duration::from_millis(200);

/// How long before clocks are changed writing begins.
const BEFORE: TimeDelta = TimeDelta::seconds(20);

/// A reminder that is set so long after its time does not fire any more.
const GRACE: TimeDelta = TimeDelta::seconds(55);

/// How much a run is.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many serve.
    pub replicas: usize,
    /// How many faults there are.
    pub faults: usize,
    /// How many writes are acknowledged at least.
    pub writes: usize,
    /// How many events are there before.
    pub rows: usize,
    /// What all is drawn by.
    pub seed: u64,
}

impl Plan {
    /// How many users there are, each with two clients.
    fn users(&self) -> usize {
        2 * self.replicas
    }

    /// How large the disk is that all is written to.
    fn mebibytes(&self) -> u32 {
        1024 + u32::try_from(self.writes / 16 + self.rows / 400).unwrap()
    }
}

/// Has everything fail while users write; gives what it came to. `None` where the machine has no PostgreSQL, after saying so.
pub fn run(plan: &Plan) -> Option<Figures> {
    let mut rng = Rng::with_seed(plan.seed);
    let mut run = Run::begin(plan, &Build::default(), &mut rng)?;
    let mut schedule = Schedule::new(rng);
    run.write(|system, _, acknowledged| {
        let mut progress = Progress::of(acknowledged, ANSWERED);
        schedule.carry_out(system, plan.faults, plan.writes, &mut progress);
    });
    run.figures.faults = schedule.counts;
    Some(run.end())
}

/// A system that users write to, and what came of it so far.
pub(crate) struct Run<'a> {
    plan: &'a Plan,
    world: World,
    pub system: System,
    receiver: Receiver,
    users: Vec<Client>,
    workers: Vec<Worker>,
    pub figures: Figures,
}

impl<'a> Run<'a> {
    /// Starts replicas of a build, for users who have not begun to write.
    pub fn begin(plan: &'a Plan, build: &Build, rng: &mut Rng) -> Option<Self> {
        let world = World::before_a_change(rng);
        let system = System::start(&world, build, plan.replicas, plan.mebibytes())?;
        let receiver = Receiver::start();
        let users: Vec<Client> = (0..plan.users()).map(|number| user(&system, &receiver, number)).collect();
        let habits = Habits { equal: 3, soon: 6_000..15_000, due: world.due().to_vec() };
        let workers = (0..2 * users.len())
            .map(|number| Worker::new(number, &users[number % users.len()], rng.u64(..), habits.clone()))
            .collect();
        Some(Self { plan, world, system, receiver, users, workers, figures: Figures::default() })
    }

    /// Has the users write until enough is written, and what is done meanwhile is over. That is given the system, the ways to it, and
    /// how many writes were acknowledged so far.
    pub fn write(&mut self, meanwhile: impl FnOnce(&mut System, &Doors<'_>, &dyn Fn() -> usize)) {
        let Self { plan, world, system, workers, figures, .. } = self;
        world.begin(BEFORE);
        system.set_clocks(world);
        let doors = Doors::new(world, system.replicas.iter().map(super::replica::Replica::base));
        let begun = Instant::now();
        write(plan, &doors, workers, |acknowledged| meanwhile(system, &doors, acknowledged));
        figures.written = begun.elapsed();
        figures.count(workers, &doors);
    }

    /// Waits until nothing is left to do, and looks whether all is as it was told.
    pub fn end(mut self) -> Figures {
        let begun = Instant::now();
        for replica in &mut self.system.replicas {
            replica.wait_until_ready();
        }
        // What was made last comes due.
        let last = self
            .workers
            .iter()
            .flat_map(|worker| &worker.ledger.tasks)
            .filter_map(|task| task.fires_at.filter(|_| task.reminds))
            .max();
        until("all reminders are due", SOON, || {
            last.is_none_or(|last| last < self.world.now()).then_some(())
        });
        drain(&self.system, &mut self.figures.found);
        self.figures.drained = begun.elapsed();
        look(&self.system, &self.world, &self.users, &self.workers, &self.receiver, &mut self.figures);
        self.figures
    }
}

/// A user who is reminded by a webhook.
fn user(system: &System, receiver: &Receiver, number: usize) -> Client {
    let user = system.user(&format!("User {number}"));
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
    user
}

/// Has all clients write until something else is done that goes on meanwhile, and enough is written.
fn write(plan: &Plan, doors: &Doors<'_>, workers: &mut [Worker], meanwhile: impl FnOnce(&dyn Fn() -> usize)) {
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        // Also where this fails.
        let _stop = Stop(&stop);
        for worker in workers.iter_mut() {
            let (stop, acknowledged) = (&stop, &acknowledged);
            scope.spawn(move || {
                let count = |worker: &Worker| worker.ledger.acknowledged.iter().sum::<usize>();
                while !stop.load(Ordering::Relaxed) {
                    let before = count(worker);
                    if worker.go_on(doors).is_err() {
                        thread::sleep(AGAIN);
                    }
                    acknowledged.fetch_add(count(worker) - before, Ordering::Relaxed);
                }
                worker.settle(doors, ANSWERED);
            });
        }
        let written = || acknowledged.load(Ordering::Relaxed);
        meanwhile(&written);
        Progress::of(&written, ANSWERED).until(|_| written() >= plan.writes);
    });
}

/// Says at its end that it is time to stop.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until nothing is left to do.
fn drain(system: &System, found: &mut Findings) {
    let begun = Instant::now();
    loop {
        let left: Vec<String> = LEFT
            .iter()
            .map(|(table, _, query)| (of_postgres(table), system.number(&of_postgres(query))))
            .filter(|(_, count)| *count > 0)
            .map(|(table, count)| format!("{table}: {count} left to do"))
            .collect();
        if left.is_empty() {
            return;
        }
        if begun.elapsed() > QUIET {
            return found.stuck.extend(left);
        }
        thread::sleep(LOOK);
    }
}

/// Looks whether all is as it was told.
fn look(
    system: &System,
    world: &World,
    users: &[Client],
    workers: &[Worker],
    receiver: &Receiver,
    figures: &mut Figures,
) {
    let owner = system.owner();
    sealed(system);
    let came = came(&receiver.deliveries());
    figures.webhooks = [came.len(), came.values().map(|one| one.times).sum()];
    parked(&owner, &mut figures.found);
    let of = |number: usize| -> Vec<&Worker> { workers.iter().skip(number).step_by(users.len()).collect() };
    let looked = thread::scope(|scope| {
        let looking: Vec<_> = (0..users.len())
            .map(|number| {
                let (workers, user, owner, came) = (of(number), &users[number], &owner, &came);
                scope.spawn(move || of_user(user, &workers, owner, came))
            })
            .collect();
        looking.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    for (found, events) in looked {
        figures.found.add(found);
        figures.events += events.len();
        books::successors(&events, &mut figures.successors);
    }
    for entry in workers.iter().flat_map(|worker| &worker.ledger.tasks).filter(|entry| entry.reminds) {
        figures.set_late += usize::from(is_set_late(entry));
        in_time(world, entry, came.get(&entry.id), &mut figures.found, &mut figures.reminders);
    }
    for (what, query) in WRONG {
        let count = system.number(&of_postgres(query));
        if count > 0 {
            figures.found.doubled.push(format!("{count} times {what}"));
        }
    }
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    until("no session is idle in a transaction", SOON, || (system.number(idle) == 0).then_some(()));
}

fn of_user(
    user: &Client,
    workers: &[&Worker],
    owner: &Client,
    came: &HashMap<String, Notified>,
) -> (Findings, Vec<serde_json::Value>) {
    let mut found = Findings::default();
    for worker in workers {
        tasks(worker, owner, &mut found);
        reminders(worker, owner, came, is_set_late, &mut found);
    }
    let events = books::events(user);
    books::agree(user, workers, &events, &mut found);
    (found, events)
}

/// Nothing came before its time; how late what came was that was set in time.
fn in_time(world: &World, entry: &Entry, came: Option<&Notified>, found: &mut Findings, late: &mut Late) {
    let (Some(due), Some(first)) = (entry.fires_at, came.and_then(|one| one.first)) else { return };
    let delay = world.at(first) - due;
    if delay < TimeDelta::zero() {
        found.early.push(format!(
            "{} {}: {} ms before its time",
            entry.id,
            entry.title,
            -delay.num_milliseconds()
        ));
    }
    if entry.acknowledged_at < due {
        late.add(delay);
    }
}

/// Whether it was too late for a reminder when it was acknowledged.
fn is_set_late(entry: &Entry) -> bool {
    entry.fires_at.is_some_and(|due| entry.acknowledged_at > due + GRACE)
}

/// Waits until all that was noted is sealed.
fn sealed(system: &System) {
    let waits = "SELECT count(*) FROM stream WHERE sealed < audited";
    until("all of the audit is sealed", Duration::from_secs(120), || {
        (system.number(waits) == 0).then_some(())
    });
}
