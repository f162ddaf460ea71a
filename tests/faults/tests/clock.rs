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
