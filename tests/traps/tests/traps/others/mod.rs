//! Guests trapped and requests cut on PostgreSQL, at every call of every operation, while others ask. Whoever was not struck is answered,
//! and has in the database, what they would have if nothing had happened; whoever was struck asks again under the same key, and it has
//! happened once.
//!
//! `TRAPS` says how many are struck at least, `SEED` repeats what is drawn; `make traps` is the long one.

mod asker;
mod figures;
mod handlers;
mod quiet;
mod scene;
mod sessions;

use std::collections::{BTreeSet, VecDeque};
use std::str::FromStr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use perennial_traps::{House, Side};

use crate::operations::{READS, WRITES};
use asker::{Asker, Cut, Fate};
use handlers::Handlers;
use quiet::Quiet;
use scene::Scene;

/// Who asks at the same time.
const ASKERS: u64 = 4;

/// How often the calls of an operation are gone through at most: one that others overtake makes fewer.
const ROUNDS: usize = 6;

/// How often all clocks tick in the end, at most.
const LAST_ROUNDS: usize = 60;

/// An operation that is struck at each of its calls, on one side.
#[derive(Debug, Clone, Copy)]
struct Job {
    kind: &'static str,
    side: Side,
    /// Whether its guest is trapped; otherwise its client leaves.
    traps: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_trapped_or_cut_others_are_answered_as_if_nothing_had_happened() {
    let Some(house) = House::on_postgres().await else { return };
    let (least, seed) =
        (variable("TRAPS").unwrap_or(0), variable("SEED").unwrap_or_else(|| fastrand::u64(..)));
    println!("SEED={seed} TRAPS={least}");
    let mut rng = Rng::with_seed(seed);
    let quiet = Quiet::of(&house).await;
    sessions::watch(&house);
    let scene = Arc::new(Scene::new(house, quiet, least));

    let mut jobs = jobs();
    rng.shuffle(&mut jobs);
    let jobs = Arc::new(Mutex::new(VecDeque::from(jobs)));
    let mut asking = Vec::new();
    for number in 0..ASKERS {
        let asker = Asker::new(scene.clone(), &format!("asker {number}"), rng.u64(..)).await;
        asking.push(tokio::spawn(ask(asker, jobs.clone())));
    }
    let handlers = Handlers::new(scene.clone(), rng.u64(..)).await;
    let handlers = tokio::spawn(handlers.keep_busy());
    let looking = tokio::spawn(look_on(scene.clone()));
    let mut askers = Vec::new();
    for asking in asking {
        askers.push(asking.await);
    }
    scene.is_over.store(true, Ordering::Relaxed);
    let reminded = handlers.await.unwrap();
    looking.await.unwrap();
    let askers: Vec<Asker> = askers.into_iter().map(Result::unwrap).collect();

    let house = &scene.house;
    house.idle().await;
    settle(house).await;
    house.assert_whole("whoever was trapped or cut");
    house.assert_done("whoever was trapped or cut");
    askers.iter().for_each(Asker::assert_books);
    reminded.assert_each_once();
    assert_eq!(
        house.number("SELECT count(*) FROM work WHERE parked_at IS NOT NULL"),
        0,
        "nothing is given up"
    );
    sessions::assert_clean(house);
    let figures = scene.figures.lock().unwrap();
    println!("{figures}");
    assert_eq!(figures.contaminated, [""; 0]);
    assert!(figures.struck() >= least, "{} only", figures.struck());
    drop(figures);
}

/// Every operation, struck on every side of its calls in every way.
fn jobs() -> Vec<Job> {
    let kinds = WRITES.into_iter().chain(READS);
    let ways = [
        (Side::Before, true),
        (Side::Within, true),
        (Side::After, true),
        (Side::Before, false),
        (Side::After, false),
    ];
    kinds.flat_map(|kind| ways.map(|(side, traps)| Job { kind, side, traps })).collect()
}

/// Does what there is to be done, and goes on until enough are struck. Every other request is left alone.
async fn ask(mut asker: Asker, jobs: Arc<Mutex<VecDeque<Job>>>) -> Asker {
    loop {
        let job = jobs.lock().unwrap().pop_front();
        match job {
            Some(job) => strike_each_call(&mut asker, job).await,
            None if asker.scene.is_enough() => return asker,
            None => {
                let kind = asker.draw_kind();
                let fate = asker.draw_fate(kind);
                asker.struck(kind, fate, false).await;
                asker.untouched().await;
            }
        }
    }
}

async fn strike_each_call(asker: &mut Asker, Job { kind, side, traps }: Job) {
    let calls = asker.scene.quiet.of_kind(kind).calls.clone();
    let mut met = BTreeSet::new();
    for _ in 0..ROUNDS {
        for (index, call) in (0..).zip(&calls) {
            if met.contains(call) {
                continue;
            }
            let fate = if traps { Fate::Trapped(side, index) } else { Fate::Cut(Cut::AtCall(side, index)) };
            met.extend(asker.struck(kind, fate, true).await);
            asker.untouched().await;
        }
    }
    for call in &calls {
        assert!(
            met.contains(call),
            "{kind} was never struck {side:?} {call:?} (trapped: {traps}), but at {met:#?}"
        );
    }
}

/// Nothing is there by half at any moment, and no session is in a transaction that it does not work at.
async fn look_on(scene: Arc<Scene>) {
    while !scene.is_over.load(Ordering::Relaxed) {
        scene.house.assert_whole("while others are trapped and cut");
        sessions::assert_none_waits(&scene.house);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets the clocks tick until nothing is left to do.
async fn settle(house: &House) {
    for _ in 0..LAST_ROUNDS {
        house.round().await;
        if house.is_done() {
            return;
        }
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}
