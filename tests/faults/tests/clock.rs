//! A replica whose clock is wrong: what it does goes by the clock of the database, as what the others do.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta};
use fastrand::Rng;
use http::StatusCode;
use perennial_faults::{System, World};
use perennial_tests::{Build, Receiver, SOON};
use serde_json::json;

/// How long a stored answer is asked for again: what is old is forgotten each second.
const REPEATED: Duration = Duration::from_secs(5);

/// How many reminders come due while a clock jumps.
const JUMPED: i64 = 200;

#[test]
fn a_replica_whose_clock_is_wrong_misses_no_reminder_delays_no_delivery_and_forgets_no_answer() {
    let world = World::before_a_change(&mut Rng::with_seed(1));
    let Some(system) = System::start(&world, &Build::default(), 1, 1024) else { return };
    system.set_clocks(&world);
    let (user, receiver) = (system.user("Ada"), Receiver::start());
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
    let mut due = Vec::new();
    for hours in [1, -1, 25, -25] {
        system.replicas[0].move_clock(TimeDelta::hours(hours));
        let at = world.now() + TimeDelta::seconds(2);
        let trigger = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let body = json!({ "title": format!("{hours} hours off"), "reminders": [{ "trigger": trigger }] });
        let create = || user.post("/v1/tasks").header("idempotency-key", &trigger).json(&body).answer();
        let made = create();
        made.ok(StatusCode::CREATED);
        due.push(at);
        let came = receiver.wait_for(due.len(), SOON);
        assert_eq!(came.last().unwrap().json()["data"]["title"], body["title"]);
        let begun = Instant::now();
        while begun.elapsed() < REPEATED {
            let again = create();
            assert_eq!((again.status, again.body), (made.status, made.body.clone()), "{hours} hours off");
            thread::sleep(Duration::from_millis(250));
        }
    }
    assert_eq!(user.all("/v1/tasks").len(), due.len());
    for (delivery, due) in receiver.deliveries().iter().zip(due) {
        assert!(world.at(delivery.at) >= due, "{} came early", delivery.json());
    }
}

/// A clock that is set right, or wrong, while a sweep is under way changes nothing of what that sweep does.
#[test]
fn a_clock_that_jumps_all_the_time_delays_nothing() {
    let world = World::before_a_change(&mut Rng::with_seed(2));
    let Some(system) = System::start(&world, &Build::default(), 1, 1024) else { return };
    system.set_clocks(&world);
    let (user, receiver) = (system.user("Ada"), Receiver::start());
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
    let at =
        |seconds| (world.now() + TimeDelta::seconds(seconds)).to_rfc3339_opts(SecondsFormat::Millis, true);
    for number in 0..JUMPED {
        let reminder = json!({ "trigger": at(3 + number % 10) });
        let body = json!({ "title": format!("{number}"), "reminders": [reminder] });
        user.post("/v1/tasks").json(&body).answer().ok(StatusCode::CREATED);
    }
    let begun = Instant::now();
    let mut hours = [1, 0, 25, 0].into_iter().cycle();
    while begun.elapsed() < Duration::from_secs(14) {
        system.replicas[0].move_clock(TimeDelta::hours(hours.next().unwrap()));
        thread::sleep(Duration::from_millis(3));
    }
    system.replicas[0].move_clock(TimeDelta::zero());
    let ahead = "SELECT count(*) FROM notification WHERE created_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 60000";
    assert_eq!(system.number(ahead), 0, "notifications that wait for a time that was never");
    receiver.wait_for(usize::try_from(JUMPED).unwrap(), SOON);
}
