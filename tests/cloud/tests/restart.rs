//! Redelivery: a handler that is killed while events are on their way loses none.

use std::thread;
use std::time::Duration;

use perennial_cloud::{Cloud, Setup};
use perennial_tests::SOON;

use crate::series::{Series, of_users};

/// How often the scheduler is killed, and how long it is gone.
const KILLS: usize = 3;
const GONE: Duration = Duration::from_millis(1_500);

/// How often each series is completed.
const TIMES: usize = 4;

#[test]
fn a_handler_that_is_killed_loses_nothing() {
    let Some(mut cloud) = Cloud::start(Setup::default()) else { return };
    let users = ["Ada", "Ben", "Cleo"].map(|name| cloud.user(name));
    let mut first = Series::create(&users[0], "the first");
    first.go_on(SOON);
    let done: Vec<_> = of_users(&users, 4)
        .into_iter()
        .map(|mut series| {
            thread::spawn(move || {
                for _ in 0..TIMES {
                    series.go_on(SOON);
                }
                series
            })
        })
        .collect();
    for _ in 0..KILLS {
        let scheduler = cloud.app_mut("recurrence-scheduler");
        scheduler.handler.kill();
        thread::sleep(GONE);
        scheduler.handler.start();
        scheduler.wait_until_ready();
        thread::sleep(GONE);
    }
    for series in done {
        series.join().unwrap().has_been_completed(TIMES);
    }
}
