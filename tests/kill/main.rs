//! Kill -9 at random moments, fifty times, while clients create, complete, change, override, split and delete, ten times
//! at once with one key now and then: nothing acknowledged is lost, what follows from it happens exactly once, and nothing
//! is stuck. `KILL_ROUNDS` sets the number of rounds, `SEED` repeats the moments and the load of a run.

mod figures;
mod one_key;
mod tables;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use fastrand::Rng;
use perennial_tests::load::{Door, Findings, Gone, Habits, Worker, came, parked, reminders, tasks};
use perennial_tests::{Answer, Client, Receiver, Service, Setup, Unanswered, setting};
use serde_json::json;

use figures::Figures;

/// Two users with two clients each: clients of one user meet in one stream.
const USERS: usize = 2;
const CLIENTS: usize = 4;

/// How long it may take until what was cut is answered.
const ANSWERED: Duration = Duration::from_secs(60);

/// How often a service is killed on its very first start, with half a token or half a schema.
const FIRST_STARTS: usize = 25;

/// An attempt to deliver that was cut is made again once its claim has ended, after ten seconds.
const QUIET: Duration = Duration::from_secs(240);

/// Between two looks at what is left to do.
const LOOK: Duration = Duration::from_millis(100);

/// Ten requests at once with one key, now and then.
fn habits() -> Habits {
    Habits { equal: 10, soon: 300..2_000, due: vec!["2026-11-30T09:00:00".to_owned()] }
}

/// The one service that there is: whoever is there answers for good.
struct One(Client);

impl Door for One {
    fn ask(&self, ask: &dyn Fn(&Client) -> Result<Answer, Unanswered>) -> Result<Answer, Gone> {
        ask(&self.0).map_err(|_| Gone)
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_host_is_killed() {
    let rounds: usize = setting("KILL_ROUNDS").unwrap_or(50);
    let seed = setting("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed} KILL_ROUNDS={rounds}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state");
    let receiver = Receiver::start();

    let mut service = start(&state_dir);
    let users: Vec<Client> = (0..USERS).map(|number| service.user(&format!("User {number}"))).collect();
    for user in &users {
        let channel = json!({ "type": "webhook", "url": receiver.url() });
        user.post("/v1/channels").json(&channel).answer().ok(http::StatusCode::CREATED);
    }
    let mut workers: Vec<Worker> = (0..CLIENTS)
        .map(|number| Worker::new(number, &users[number % USERS], rng.u64(..), habits()))
        .collect();

    let mut figures = Figures::default();
    for round in 1..=rounds {
        load_and_kill(&mut service, &mut workers, Duration::from_millis(rng.u64(20..1_500)));
        if rng.u8(..8) == 0 {
            // Killed again on its way up, before anybody was served.
            let mut early = spawn(&state_dir);
            at_its_moment(Duration::from_millis(rng.u64(0..400)));
            early.kill();
            figures.killed_while_starting += 1;
        }
        let down = Instant::now();
        service = start(&state_dir);
        figures.ready_after.push(down.elapsed());
        println!("round {round}: ready after {:?}", down.elapsed());
    }

    for worker in &mut workers {
        worker.settle(&One(service.anyone()), ANSWERED);
    }
    let database = service.database();
    let mut left = Vec::new();
    let quiet = Instant::now();
    while quiet.elapsed() < QUIET {
        left = tables::left_to_do(&database);
        if left.is_empty() {
            break;
        }
        thread::sleep(LOOK);
    }
    assert!(left.is_empty(), "stuck after {QUIET:?}: {left:?}");
    let (mut found, came) = (Findings::default(), came(&receiver.deliveries()));
    parked(&service.owner(), &mut found);
    for worker in &workers {
        tasks(worker, &service.anyone(), &mut found);
        reminders(worker, &service.anyone(), &came, |_| false, &mut found);
    }
    found.are_none();
    tables::agree(&database);
    figures.print(&workers, &database, &receiver);
}

#[test]
fn a_first_start_that_is_killed_is_made_up_for() {
    let seed = setting("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    for _ in 0..FIRST_STARTS {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = folder.path().join("state");
        let mut first = spawn(&state_dir);
        at_its_moment(Duration::from_millis(rng.u64(0..60)));
        first.kill();
        start(&state_dir).owner().create(&json!({ "title": "Alive" }));
    }
}

fn load_and_kill(service: &mut Service, workers: &mut [Worker], moment: Duration) {
    let stop = AtomicBool::new(false);
    let door = One(service.anyone());
    thread::scope(|scope| {
        for worker in workers.iter_mut() {
            let (door, stop) = (&door, &stop);
            scope.spawn(move || worker.work(door, stop));
        }
        at_its_moment(moment);
        service.kill();
        stop.store(true, Ordering::Relaxed);
    });
}

/// The moment of a kill is drawn, not waited for: this is the fault itself.
fn at_its_moment(moment: Duration) {
    thread::sleep(moment);
}

fn spawn(state_dir: &Path) -> Service {
    Service::spawn(Setup { state_dir: Some(state_dir.to_owned()), ..Setup::default() })
}

fn start(state_dir: &Path) -> Service {
    let mut service = spawn(state_dir);
    service.wait_until_ready();
    service
}
