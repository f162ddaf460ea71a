//! The state store: what was applied does not reach the database again. One that is gone, hangs or has lost everything costs time alone.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use perennial_cloud::{Cloud, Record, Redis, Setup};
use perennial_events::CloudEvent;
use perennial_tests::{SOON, until};

use crate::series::{Series, of_users};

/// How often each series is completed, one after the other at least, and then at once.
const TIMES: usize = 3;
const AT_ONCE: usize = 8;

/// From a completion to what follows it, where the state store is of no help.
const AT_MOST: Duration = Duration::from_secs(10);

/// For how long it is known at most what was applied, in seconds.
const KEPT: i64 = 7 * 86_400;

/// How the keys of the recurrence scheduler begin.
const KEYS: &str = "recurrence-scheduler||recurrence-scheduler|";

#[test]
fn what_was_applied_is_known_and_a_state_store_that_is_gone_costs_time_alone() {
    let setup = Setup { clock: false, state: true, ..Setup::default() };
    let Some(mut cloud) = Cloud::start(setup) else { return };
    let users = ["Ada", "Ben"].map(|name| cloud.user(name));
    let mut series = of_users(&users, 2);
    let mut times = 0;
    // On a busy machine a look may take too long, and for five seconds there is none then, nor is anything noted.
    let applied = until("what is applied is noted", 3 * SOON, || {
        series.iter_mut().for_each(|one| {
            one.go_on(SOON);
        });
        times += 1;
        let noted = noted(&cloud);
        (noted.len() >= series.len() * TIMES).then_some(noted)
    });

    // What comes again does not reach the database.
    until("no repetition has reached the database", 3 * SOON, || {
        let (duplicates, hits) = (of_duplicates(&cloud), state(&cloud).hits());
        come_again(&cloud, &applied, &mut series);
        times += 1;
        let all_known = state(&cloud).hits() >= hits + applied.len();
        (all_known && of_duplicates(&cloud) == duplicates).then_some(())
    });
    series.iter().for_each(|one| one.has_been_completed(times));

    // It is gone in the middle.
    let running: Vec<_> = series
        .into_iter()
        .map(|mut one| {
            thread::spawn(move || {
                for _ in 0..AT_ONCE {
                    one.go_on(SOON);
                }
                one
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    cloud.state.as_mut().unwrap().process.kill();
    let mut series: Vec<_> = running.into_iter().map(|one| one.join().unwrap()).collect();
    times += AT_ONCE;
    series[0].go_on(AT_MOST);
    series[0].has_been_completed(times + 1);
    series[1..].iter().for_each(|one| one.has_been_completed(times));

    // It is there again, and has lost everything.
    let redis = cloud.state.as_mut().unwrap();
    redis.process.start();
    redis.wait_until_ready();
    until("what is applied is noted again", SOON, || {
        series[0].go_on(SOON);
        let noted = redis.ask(&format!("KEYS {KEYS}*"))?;
        (!noted.is_empty()).then_some(())
    });

    // It takes connections and answers nothing.
    redis.hang();
    for one in &mut series {
        one.go_on(AT_MOST);
    }
    redis.go_on();

    // What is not known there is known in the database, and has no second effect.
    redis.ask("FLUSHALL").unwrap();
    let duplicates = of_duplicates(&cloud);
    let before: Vec<usize> = series.iter().map(Series::occurrences).collect();
    come_again(&cloud, &applied, &mut series);
    assert_eq!(of_duplicates(&cloud), duplicates + applied.len(), "each repetition has reached the database");
    for (one, before) in series.iter().zip(before) {
        one.has_been_completed(before);
    }
}

fn state(cloud: &Cloud) -> &Redis {
    cloud.state.as_ref().unwrap()
}

/// The completions that Kafka has and that are noted, each for seven days at most.
fn noted(cloud: &Cloud) -> Vec<Record> {
    let keys: BTreeSet<String> = state(cloud).ask(&format!("KEYS {KEYS}*")).unwrap().into_iter().collect();
    for key in &keys {
        let left: i64 = state(cloud).ask(&format!("TTL {key}")).unwrap()[0].parse().unwrap();
        assert!(left > KEPT - 600 && left <= KEPT, "{key}: {left} s");
    }
    let is_noted = |record: &Record| {
        let event = CloudEvent::parse(record.value.as_bytes()).unwrap();
        keys.contains(&format!("{KEYS}{}|{}", event.epoch, event.id))
    };
    cloud.topic("task-events").into_iter().filter(is_noted).collect()
}

/// Puts messages on their topic once more, letter by letter, and has each series go on: what is behind them in their partition was
/// handled after them.
fn come_again(cloud: &Cloud, messages: &[Record], series: &mut [Series]) {
    for record in messages {
        cloud.kafka.put("task-events", &record.key, &record.value);
    }
    for one in series {
        one.go_on(SOON);
    }
}

/// How many repetitions the database has seen.
fn of_duplicates(cloud: &Cloud) -> usize {
    let counted = "SELECT coalesce(sum(value), 0) FROM tally WHERE name LIKE 'duplicate_events_total%'";
    usize::try_from(cloud.database().number(counted, [])).unwrap()
}
