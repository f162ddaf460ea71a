//! Effects happen exactly once, whatever becomes of the messages: what users did through brokers and sidecars that repeat, reorder
//! and die ends as if one had done it after the other on one machine.
//!
//! `CHANGES` (600) changes by `USERS` (12) users, and `KILLS` (1), how often each process is killed; `RATE`, how many changes a second where
//! events come twice (as many as they can; what events alone bring is timed, so give them half of that). `SEED` repeats what users do and
//! what is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use perennial_cloud::{Cloud, Manner, Setup};
use perennial_events::CONSUMERS;
use perennial_tests::{Service, until};
use serde_json::Value;

use crate::events::event;
use crate::script::{Actor, PATIENCE, Pace, Script, state};

/// How late an event is handed on at most.
const LATE: Duration = Duration::from_millis(1_000);

/// From a completion's answer to what follows it, where events alone bring it, and none is late.
const EFFECT: Duration = Duration::from_secs(5);

/// How long an event that is refused is tried, and what is behind it waits, with room for a busy machine.
const RETRIED: Duration = Duration::from_secs(90);

/// How long after all is done a message may still come again: longer than brokers and leases wait.
const AFTERWARDS: Duration = Duration::from_secs(20);

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
    let users: Vec<Actor> = (0..scripts.len())
        .map(|number| service.user(&format!("User {number}")))
        .map(|user| Actor::new(user.clone(), user))
        .collect();
    for (script, user) in scripts.iter().zip(&users) {
        script.carry_out(user, &Pace::default());
    }
    for user in &users {
        until("everyone has been notified", PATIENCE, || user.is_notified().then_some(()));
    }
    users.iter().map(state).collect()
}

/// Carries all scripts out at once, and something else meanwhile.
fn at_once(scripts: &[Script], users: &[Actor], pace: &Pace, meanwhile: impl FnOnce()) -> Vec<Duration> {
    thread::scope(|scope| {
        let running: Vec<_> = scripts
            .iter()
            .zip(users)
            .map(|(script, user)| scope.spawn(|| script.carry_out(user, pace)))
            .collect();
        meanwhile();
        running.into_iter().flat_map(|one| one.join().unwrap()).collect()
    })
}

/// Waits until the states are as expected; what is told last may still be on its way.
fn agree(users: &[Actor], expected: &[Value]) {
    for (number, (user, expected)) in users.iter().zip(expected).enumerate() {
        let mut found = Value::Null;
        let agreed = until_or(PATIENCE, || {
            found = state(user);
            found == *expected
        });
        assert!(agreed, "user {number}: {}", difference(&found, expected));
    }
    for user in users {
        user.was_notified();
        user.was_noted();
    }
    println!("webhooks that came again: {}", users.iter().map(Actor::repeated).sum::<usize>());
}

/// The states are as expected now, when nothing is to come any more.
fn agree_at_once(users: &[Actor], expected: &[Value]) {
    for (number, (user, expected)) in users.iter().zip(expected).enumerate() {
        let found = state(user);
        assert!(found == *expected, "user {number}, afterwards: {}", difference(&found, expected));
    }
}

/// In what one state is not another.
fn difference(found: &Value, expected: &Value) -> String {
    let mut said = String::new();
    for (name, expected) in expected.as_object().unwrap() {
        let found = &found[name];
        if found == expected {
            continue;
        }
        let lines = |value: &Value| -> Vec<String> {
            match value {
                Value::Array(items) => items.iter().map(Value::to_string).collect(),
                Value::Object(members) => {
                    members.iter().map(|(name, value)| format!("{name}: {value}")).collect()
                }
                other => vec![other.to_string()],
            }
        };
        let (found, expected) = (lines(found), lines(expected));
        for (sign, these, those) in [('+', &found, &expected), ('-', &expected, &found)] {
            for line in these.iter().filter(|line| !those.contains(line)).take(20) {
                said += &format!("\n{name} {sign} {line}");
            }
        }
        said += &format!("\n{name}: {} instead of {}", found.len(), expected.len());
    }
    said
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

fn users(cloud: &Cloud, count: usize) -> Vec<Actor> {
    let audit = cloud.app("audit").client();
    (0..count)
        .map(|number| cloud.user(&format!("User {number}")))
        .map(|user| Actor::new(user.clone(), audit.with_token(user.token())))
        .collect()
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

/// Hands every event to all who hear it twice, late and out of order.
fn twice(scripts: &[Script], expected: &[Value], (events, clock): (bool, bool)) {
    let setup = Setup { events, clock, between: Some(Manner::Twice(LATE)), ..Setup::default() };
    let Some(cloud) = Cloud::start(setup) else { return };
    let users = users(&cloud, scripts.len());
    let mut took = at_once(scripts, &users, &Pace::at(number("RATE")), || ());
    print(&format!("events {events}, clock {clock}"), &mut took);
    if events && !clock {
        assert!(took.last().is_none_or(|longest| *longest < EFFECT + LATE), "{:?}", took.last());
    }
    agree(&users, expected);
    if events {
        for consumer in CONSUMERS.iter().map(|consumer| consumer.name) {
            let between = cloud.between(consumer).unwrap();
            until("every event has come twice", PATIENCE, || (between.under_way() == 0).then_some(()));
            let (seen, delivered, overtaken) =
                (between.seen().len(), between.delivered(), between.overtaken());
            println!("{consumer}: {seen} events, handed on {delivered} times, {overtaken} completions late");
            assert!(delivered >= 2 * seen);
            assert!(consumer == "notifier" || (seen > 0 && overtaken > 0), "nothing was out of order");
        }
    }
    thread::sleep(AFTERWARDS);
    agree_at_once(&users, expected);
}

#[test]
fn an_event_that_comes_twice_and_out_of_order_has_its_effect_once() {
    let mut rng = Rng::with_seed(1);
    let scripts: Vec<Script> = (0..6).map(|_| Script::draw(&mut rng, 20)).collect();
    twice(&scripts, &in_sequence(&scripts), (true, true));
}

/// The scripts, and what comes of them, which two tests compare with.
fn expected() -> &'static (Vec<Script>, Vec<Value>) {
    static EXPECTED: OnceLock<(Vec<Script>, Vec<Value>)> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let (_, scripts) = scripts();
        let expected = in_sequence(&scripts);
        (scripts, expected)
    })
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn twice_and_out_of_order_by_events_and_clock() {
    let (scripts, expected) = expected();
    twice(scripts, expected, (true, true));
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn twice_and_out_of_order_by_events_alone() {
    let (_, scripts) = scripts();
    let scripts: Vec<Script> = scripts.iter().map(Script::without_reminders).collect();
    twice(&scripts, &in_sequence(&scripts), (true, false));
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn twice_and_out_of_order_by_the_clock_alone() {
    let (scripts, expected) = expected();
    twice(scripts, expected, (false, true));
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn a_poison_event_ends_as_a_dead_letter_and_blocks_nothing() {
    let (_, scripts) = scripts();
    let expected = in_sequence(&scripts);
    let setup = Setup { between: Some(Manner::Poisoned(200)), ..Setup::default() };
    let Some(cloud) = Cloud::start(setup) else { return };
    let users = users(&cloud, scripts.len());
    print("poisoned", &mut at_once(&scripts, &users, &Pace::at(number("RATE")), || ()));
    let between = cloud.between("recurrence-scheduler").unwrap();
    let letters = |status: &str| -> BTreeSet<String> {
        let letters = cloud.owner().all(&format!("/v1/dead-letters?status={status}"));
        let ids: Vec<String> =
            letters.iter().map(|letter| letter["original_event_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "one letter an event");
        ids.into_iter().collect()
    };
    // What was published again, by a relay that was overtaken, is one event.
    let ids = cloud.topic("task-events").iter().map(|record| event(record).id).collect::<BTreeSet<_>>();
    let published = ids.len();
    let (mut ended, mut since) = (0, Instant::now());
    loop {
        let (taken, poison, letters) = (between.taken().len(), between.poison(), letters("open"));
        if taken + letters.len() == published && letters == poison {
            break;
        }
        if taken + letters.len() > ended {
            (ended, since) = (taken + letters.len(), Instant::now());
        }
        assert!(
            since.elapsed() < RETRIED,
            "{taken} of {published} are taken, {} are dead letters",
            letters.len()
        );
        thread::sleep(Duration::from_millis(500));
    }
    let poison = between.poison();
    println!("{} of {published} events were poison, and are dead letters", poison.len());
    println!(
        "none was refused for longer than {:?}; all others were taken after {} at most",
        between.longest_refused(),
        between.slowest()
    );
    assert!(!poison.is_empty() && between.longest_refused() < RETRIED);
    between.mend();
    let replay = serde_json::json!({ "dry_run": false });
    let answer = cloud.owner().post("/v1/dead-letters/replay").json(&replay).answer();
    assert!(answer.status.is_success(), "{}", answer.body);
    until("all are taken", PATIENCE, || between.taken().is_superset(&poison).then_some(()));
    until("all are replayed", PATIENCE, || (letters("replayed") == poison).then_some(()));
    assert!(letters("open").is_empty());
    agree(&users, &expected);
    thread::sleep(AFTERWARDS);
    agree_at_once(&users, &expected);
}

#[test]
#[ignore = "minutes each: `make chaos-cloud`"]
fn whatever_dies_nothing_is_lost_and_nothing_doubled() {
    let (seed, scripts) = scripts();
    let kills = number("KILLS").unwrap_or(1);
    let expected = in_sequence(&scripts);
    let Some(mut cloud) = Cloud::start(Setup { state: true, ..Setup::default() }) else { return };
    let users = users(&cloud, scripts.len());
    let mut rng = Rng::with_seed(seed);
    let mut victims: Vec<usize> = (0..cloud.processes()).flat_map(|victim| vec![victim; kills]).collect();
    rng.shuffle(&mut victims);
    let pace = Pace::of(victims.len());
    let mut recovered: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    let mut took = at_once(&scripts, &users, &pace, || {
        let mut before = 0;
        for victim in victims {
            thread::sleep(Duration::from_millis(rng.u64(0..1_500)));
            let begun = Instant::now();
            let name = cloud.kill_and_start(victim, Duration::from_millis(rng.u64(0..1_500)));
            pace.go_on();
            let done = pace.acknowledged();
            println!(
                "{name} was killed, and all was ready after {:?}; {} steps meanwhile",
                begun.elapsed(),
                done - before
            );
            recovered.entry(name).or_default().push(begun.elapsed());
            before = done;
        }
    });
    print("killed", &mut took);
    cloud.wait_until_ready();
    for (name, mut times) in recovered {
        times.sort_unstable();
        println!(
            "{name}: {} kills, ready after {:?} (median), {:?} at most",
            times.len(),
            times[times.len() / 2],
            times.last().unwrap()
        );
    }
    agree(&users, &expected);
    thread::sleep(AFTERWARDS);
    agree_at_once(&users, &expected);
}
