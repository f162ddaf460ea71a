//! Streams that are cut and taken up again and again, while two users write and the service is killed now and then: each follower is
//! told everything of its user, once, in order, and nothing of the other. `LIVE_RECONNECTS` and `LIVE_KILLS` say how much of it
//! (`make live-soak`: 1,000 and 7), `SEED` repeats the moments of a run.

mod follower;
mod writer;

use std::path::Path;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use perennial_tests::{Client, Service, Setup};

use follower::Follower;

/// Two users, each of whom writes and is followed.
const USERS: usize = 2;

/// Times between two kills, in milliseconds.
const BETWEEN: [u64; 2] = [3_000, 12_000];

/// How long all of it may take, for each reconnect: a busy machine gets a hundred times what is needed.
const EACH: Duration = Duration::from_secs(3);

/// What all who take part look at.
pub(crate) struct Run {
    /// Where the service is now; nowhere while it is down.
    address: RwLock<Option<String>>,
    /// Streams that were taken up after an event.
    reconnects: AtomicUsize,
    /// Streams that were refused because too many are open: those that were killed count on for a while.
    refused: AtomicUsize,
    /// The writers stop.
    still: AtomicBool,
    /// The followers read to the end, and stop.
    last: AtomicBool,
}

impl Run {
    /// Where the service is, if it is.
    pub fn address(&self) -> Option<String> {
        self.address.read().unwrap().clone()
    }

    fn moves(&self, to: Option<String>) {
        *self.address.write().unwrap() = to;
    }
}

#[test]
fn a_thousand_streams_that_are_cut_miss_nothing() {
    let (reconnects, kills) = (number("LIVE_RECONNECTS").unwrap_or(200), number("LIVE_KILLS").unwrap_or(3));
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed} LIVE_RECONNECTS={reconnects} LIVE_KILLS={kills}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state");
    let mut service = start(&state_dir);
    let users: Vec<Client> = (0..USERS).map(|number| service.user(&format!("User {number}"))).collect();
    let run = Run {
        address: RwLock::new(Some(service.address().to_owned())),
        reconnects: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        still: AtomicBool::new(false),
        last: AtomicBool::new(false),
    };
    let mut followers: Vec<Follower> =
        users.iter().map(|user| Follower::begin(&run, user, rng.u64(..))).collect();
    let (mut killed, mut ready) = (0, Vec::new());
    let began = Instant::now();
    let written: usize = thread::scope(|scope| {
        let following: Vec<_> = followers
            .iter_mut()
            .map(|follower| {
                let run = &run;
                scope.spawn(move || follower.follow(run))
            })
            .collect();
        let writing: Vec<_> = users
            .iter()
            .map(|user| {
                let (run, seed) = (&run, rng.u64(..));
                scope.spawn(move || writer::write(run, user, seed))
            })
            .collect();
        while killed < kills || run.reconnects.load(Ordering::Relaxed) < reconnects {
            let limit = EACH * u32::try_from(reconnects).unwrap();
            assert!(began.elapsed() < limit, "not done after {limit:?}");
            let [least, most] = BETWEEN;
            at_its_moment(Duration::from_millis(rng.u64(least..most)));
            if killed < kills {
                run.moves(None);
                service.kill();
                killed += 1;
                let down = Instant::now();
                service = start(&state_dir);
                ready.push(down.elapsed());
                run.moves(Some(service.address().to_owned()));
            }
        }
        run.still.store(true, Ordering::Relaxed);
        let written = writing.into_iter().map(|writer| writer.join().unwrap()).sum();
        run.last.store(true, Ordering::Relaxed);
        following.into_iter().for_each(|follower| follower.join().unwrap());
        written
    });
    let took = began.elapsed();

    let database = service.database();
    let (mut events, mut missed, mut doubled, mut others) = (0, 0, 0, 0);
    for follower in &followers {
        let found = follower.held_against(&database);
        events += found.events;
        missed += found.missed;
        doubled += found.doubled;
        others += found.others;
    }
    println!(
        "{} reconnects and {killed} kills in {took:?}; {written} writes acknowledged, {events} events; {missed} missed, \
         {doubled} doubled, {others} of another user; {} times refused as one too many; ready again after {ready:?}",
        run.reconnects.load(Ordering::Relaxed),
        run.refused.load(Ordering::Relaxed),
    );
    assert!(events >= written && written > 0, "what was acknowledged has an event: {events} of {written}");
    assert_eq!((missed, doubled, others), (0, 0, 0));
    assert!(!service.output().contains("panicked"), "{}", service.output());
}

/// The moment of a kill is drawn, not waited for: this is the fault itself.
fn at_its_moment(moment: Duration) {
    thread::sleep(moment);
}

fn start(state_dir: &Path) -> Service {
    Service::with(Setup { state_dir: Some(state_dir.to_owned()), ..Setup::default() })
}

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}
