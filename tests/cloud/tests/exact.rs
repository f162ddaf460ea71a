//! Effects happen exactly once, whatever becomes of the messages: what users did through brokers and sidecars that repeat, reorder
//! and die ends as if one had done it after the other on one machine.
//!
//! `CHANGES` (600) changes by `USERS` (12) users; `SEED` repeats a run; `KILLS` is how often each process is killed, instead of a few
//! that are drawn by chance.

use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use perennial_cloud::{Cloud, Manner, Setup};
use perennial_tests::{Client, Service, until};
use serde_json::Value;

use crate::script::{PATIENCE, Script, state};

/// How late an event is handed on at most.
const LATE: Duration = Duration::from_millis(1_000);

/// From a completion's answer to what follows it, where events alone bring it, and none is late.
const EFFECT: Duration = Duration::from_secs(5);

/// Processes that are killed unless told otherwise.
const FEW: usize = 3;

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// The scripts of the users, and the seed that they were drawn by.
fn scripts() -> (u64, Vec<Script>) {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..));
    let (users, changes) = (number("USERS").unwrap_or(12), number("CHANGES").unwrap_or(600));
    let mut rng = Rng::with_seed(seed);
    println!("SEED={seed} USERS={users} CHANGES={changes}");
    (seed, (0..users).map(|_| Script::draw(&mut rng, changes / users)).collect())
}

/// What comes of the scripts one after the other on one machine, without a broker.
fn in_sequence(scripts: &[Script]) -> Vec<Value> {
    let service = Service::start();
    let users: Vec<Client> =
        (0..scripts.len()).map(|number| service.user(&format!("User {number}"))).collect();
    for (script, user) in scripts.iter().zip(&users) {
        script.carry_out(user);
    }
    users.iter().map(state).collect()
}

/// Carries all scripts out at once.
fn at_once(scripts: &[Script], users: &[Client]) -> Vec<Duration> {
    thread::scope(|scope| {
        let running: Vec<_> =
            scripts.iter().zip(users).map(|(script, user)| scope.spawn(|| script.carry_out(user))).collect();
        running.into_iter().flat_map(|one| one.join().unwrap()).collect()
    })
}

/// Waits until the states are as expected; what is told last may still be on its way.
fn agree(users: &[Client], expected: &[Value]) {
    for (number, (user, expected)) in users.iter().zip(expected).enumerate() {
        let mut found = Value::Null;
        let agreed = until_or(PATIENCE, || {
            found = state(user);
            found == *expected
        });
        assert!(agreed, "user {number}: {found:#}\ninstead of {expected:#}");
    }
}

fn until_or(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if is_so() {
            return true;
        }
        if begun.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn users(cloud: &Cloud, count: usize) -> Vec<Client> {
    (0..count).map(|number| cloud.user(&format!("User {number}"))).collect()
}

fn print(what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
    println!(
        "{what}: {} completions, next occurrence after p50 {:?}, p99 {:?}, at most {:?}",
        took.len(),
        at(50),
        at(99),
        took.last().copied().unwrap_or_default()
    );
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn events_that_come_twice_and_out_of_order_have_their_effects_once() {
    let (_, scripts) = scripts();
    let expected = in_sequence(&scripts);
    for (events, clock) in [(true, true), (true, false), (false, true)] {
        let setup = Setup { events, clock, between: Some(Manner::Twice(LATE)) };
        let Some(cloud) = Cloud::start(setup) else { return };
        let users = users(&cloud, scripts.len());
        let mut took = at_once(&scripts, &users);
        print(&format!("events {events}, clock {clock}"), &mut took);
        if events && !clock {
            assert!(took.last().is_none_or(|longest| *longest < EFFECT + LATE), "{:?}", took.last());
        }
        agree(&users, &expected);
        if events {
            let between = cloud.between("recurrence-scheduler").unwrap();
            until("every event has come twice", PATIENCE, || (between.under_way() == 0).then_some(()));
            let (seen, delivered) = (between.seen().len(), between.delivered());
            println!("{seen} events, handed on {delivered} times");
            assert!(delivered >= 2 * seen && seen > 0);
            agree(&users, &expected);
        }
    }
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn a_poison_event_ends_as_a_dead_letter_and_blocks_nothing() {
    let (_, scripts) = scripts();
    let expected = in_sequence(&scripts);
    let setup = Setup { events: true, clock: true, between: Some(Manner::Poisoned(200)) };
    let Some(cloud) = Cloud::start(setup) else { return };
    let users = users(&cloud, scripts.len());
    print("poisoned", &mut at_once(&scripts, &users));
    let between = cloud.between("recurrence-scheduler").unwrap();
    let letters = |status: &str| -> Vec<String> {
        let letters = cloud.owner().all(&format!("/v1/dead-letters?status={status}"));
        letters.iter().map(|letter| letter["original_event_id"].as_str().unwrap().to_owned()).collect()
    };
    let poison: Vec<String> = between.poison().into_iter().collect();
    assert!(!poison.is_empty());
    until("all poison events are dead letters", PATIENCE, || {
        let mut found = letters("open");
        found.sort_unstable();
        (found == poison).then_some(())
    });
    println!("{} of {} events were poison, and are dead letters", poison.len(), between.seen().len());
    between.mend();
    let replay = serde_json::json!({ "dry_run": false });
    let answer = cloud.owner().post("/v1/dead-letters/replay").json(&replay).answer();
    assert!(answer.status.is_success(), "{}", answer.body);
    until("all are replayed", PATIENCE, || (letters("replayed").len() == poison.len()).then_some(()));
    thread::sleep(Duration::from_secs(3));
    assert_eq!(letters("open"), Vec::<String>::new());
    agree(&users, &expected);
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn whatever_dies_nothing_is_lost_and_nothing_doubled() {
    let (seed, scripts) = scripts();
    let kills: Option<usize> = number("KILLS");
    let expected = in_sequence(&scripts);
    let Some(mut cloud) = Cloud::start(Setup::default()) else { return };
    let users = users(&cloud, scripts.len());
    let mut rng = Rng::with_seed(seed);
    let mut victims: Vec<usize> =
        (0..cloud.processes()).flat_map(|victim| vec![victim; kills.unwrap_or(1)]).collect();
    rng.shuffle(&mut victims);
    // For each test run a few, drawn by chance.
    victims.truncate(kills.map_or(FEW, |_| victims.len()));
    thread::scope(|scope| {
        let load: Vec<_> =
            scripts.iter().zip(&users).map(|(script, user)| scope.spawn(|| script.carry_out(user))).collect();
        for victim in victims {
            thread::sleep(Duration::from_millis(rng.u64(200..3_000)));
            let begun = Instant::now();
            let name = cloud.kill_and_start(victim, Duration::from_millis(rng.u64(0..1_500)));
            println!("{name} was killed, and is ready again after {:?}", begun.elapsed());
        }
        let mut took: Vec<Duration> = load.into_iter().flat_map(|one| one.join().unwrap()).collect();
        print("killed", &mut took);
    });
    agree(&users, &expected);
}
