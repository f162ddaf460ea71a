//! The same path over the other ways in which events and time reach the handlers.

use http::StatusCode;
use perennial_tests::{Redis, Service, Setup};

use crate::path::follow_one_task;

#[test]
fn the_path_is_the_same_over_a_real_redis() {
    let Some(redis) = Redis::start() else { return };
    let variables = vec![("redis_url", redis.url()), ("redis_host", redis.url())];
    let service = Service::with(Setup { variables, ..Setup::default() });
    follow_one_task(&service.user("Ada"), || {});
}

#[test]
fn losing_redis_costs_time_but_no_task() {
    let Some(redis) = Redis::start() else { return };
    let variables = vec![("redis_url", redis.url()), ("redis_host", redis.url())];
    let service = Service::with(Setup { variables, ..Setup::default() });
    let user = service.user("Ada");
    drop(redis);
    follow_one_task(&user, || {});
}

#[test]
fn the_path_is_the_same_without_redis_and_cron() {
    let service = Service::with(Setup {
        components: vec!["task-api", "recurrence-scheduler", "notifier"],
        variables: vec![("bus", "local".to_owned())],
        ..Setup::default()
    });
    let sweep = || {
        let done = service.sweep().ok(StatusCode::OK);
        for figure in ["planned", "fired", "relayed"] {
            assert!(done[figure].is_u64(), "{done}");
        }
    };
    follow_one_task(&service.user("Ada"), sweep);
}

#[test]
fn the_clock_is_not_for_everyone() {
    let service = Service::start();
    let anyone = service.anyone();
    anyone.post("/internal/sweep").answer().is_problem(401, "unauthenticated");
    let wrong = anyone.post("/internal/sweep").header("dapr-api-token", "wrong").answer();
    wrong.is_problem(401, "unauthenticated");
}
