//! The harness itself: that its faults are felt, that it sees what is done twice, and that it ends where nobody answers.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use http::{Method, StatusCode};
use perennial_faults::{Doors, Fault, Kind, Progress, System, World};
use perennial_tests::load::{Findings, Habits, Worker, books};
use perennial_tests::{Build, Client, SOON, until};
use serde_json::json;

/// The longest lease of the service, by which it sweeps.
const LONGEST_LEASE: Duration = Duration::from_secs(15);

#[test]
fn nobody_waits_for_ever_where_nothing_is_acknowledged() {
    let limit = Duration::from_millis(100);
    let nothing = || 0;
    assert!(catch_unwind(|| Progress::of(&nothing, limit).until(|_| false)).is_err());
    // As long as there is more, it may take its time.
    let (count, begun) = (AtomicUsize::new(0), Instant::now());
    let more = || count.fetch_add(1, Ordering::Relaxed);
    Progress::of(&more, limit).until(|_| begun.elapsed() > 3 * limit);
}

#[test]
fn who_stands_still_in_a_short_run_does_so_for_longer_than_any_lease_of_work() {
    let mut rng = Rng::with_seed(1);
    for _ in 0..100 {
        assert!(Fault::draw(&mut rng, Kind::Freeze, 2, false).lasts > LONGEST_LEASE);
    }
}

#[test]
fn who_has_all_sessions_leaves_none_to_a_replica() {
    let world = World::before_a_change(&mut Rng::with_seed(1));
    let Some(mut system) = System::start(&world, &Build::default(), 1, 1024) else { return };
    let user = system.user("Ada");
    user.create(&json!({ "title": "In a session that is there already" }));
    let status = || user.call(Method::GET, "/v1/tasks").answer().status;
    let mut fault = Fault::draw(&mut Rng::with_seed(1), Kind::Exhaust, 1, false);
    fault.begin(&mut system);
    assert_eq!(status(), StatusCode::SERVICE_UNAVAILABLE);
    fault.end(&mut system);
    until("there is room again", SOON, || (status() == StatusCode::OK).then_some(()));
}

#[test]
fn a_change_that_was_done_twice_is_seen() {
    let world = World::before_a_change(&mut Rng::with_seed(1));
    let Some(system) = System::start(&world, &Build::default(), 1, 1024) else { return };
    let user = system.user("Ada");
    let doors = Doors::new(&world, [system.replicas[0].base()].into_iter());
    let habits = Habits { equal: 1, soon: 6_000..15_000, due: world.due().to_vec() };
    let mut worker = Worker::new(0, &user, 1, habits);
    until("everything was written once", SOON, || {
        worker.go_on(&doors).unwrap();
        (!worker.ledger.acknowledged.contains(&0)).then_some(())
    });
    assert_eq!(found(&system, &user, &worker).counts(), [0; 4]);
    let task = worker.ledger.tasks.iter().find(|task| !task.deleted).unwrap();
    let again = json!({ "description": "The same, under another change id" });
    user.call(Method::PATCH, format!("/v1/tasks/{}", task.id)).json(&again).answer().ok(StatusCode::OK);
    let found = found(&system, &user, &worker);
    assert!(matches!(&found.doubled[..], [one] if one.contains("task.update")), "{found}");
}

/// What is found in the books of a user, once what was noted is sealed.
fn found(system: &System, user: &Client, worker: &Worker) -> Findings {
    let waits = "SELECT count(*) FROM stream WHERE sealed < audited";
    until("all of the audit is sealed", SOON, || (system.number(waits) == 0).then_some(()));
    let mut found = Findings::default();
    books::agree(user, &[worker], &books::events(user), &mut found);
    found
}
