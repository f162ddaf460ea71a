//! A backlog costs its users alone: while it is worked off, another user's reminders, webhooks and next
//! occurrences come in time.
//!
//! `FAIRNESS_SCALE=1` is the full run: backlogs of the size at which others waited for minutes, and five seconds for
//! everything of the other user. Without it the backlogs and the number of probes are smaller and the bound is wider, so
//! that the test can run among others on a busy machine. A larger number makes the backlogs larger still.

mod backlog;
mod probe;

use std::time::Duration;

use perennial_tests::{Service, setting};

use backlog::Backlog;
use probe::Lateness;

/// How late another's work may be under any backlog.
const PROMISE: Duration = Duration::from_secs(5);

/// What the small run allows for a machine that does other things meanwhile.
const GENEROUS: u32 = 3;

/// How large a run is.
#[derive(Debug, Clone, Copy)]
struct Scale {
    backlog: f64,
    probes: usize,
    bound: Duration,
}

impl Scale {
    fn chosen() -> Self {
        match setting("FAIRNESS_SCALE") {
            Some(backlog) => Self { backlog, probes: 20, bound: PROMISE },
            None => Self { backlog: 0.5, probes: 6, bound: PROMISE * GENEROUS },
        }
    }

    /// So many, of those that the full run has.
    fn of(self, full: usize) -> usize {
        ((full as f64 * self.backlog).ceil() as usize).max(1)
    }
}

fn others_wait_no_longer(backlog: Backlog) {
    let scale = Scale::chosen();
    let service = Service::start();
    let bo = service.user("Bo");
    let _receivers = (backlog.make)(&service, scale);
    let lateness = probe::measure(&bo, scale.probes);
    println!("under {}, {scale:?}:", backlog.name);
    let late: usize = lateness.iter().map(|figures| figures.print(scale.bound)).sum();
    assert_eq!(late, 0, "of {} were late", lateness.iter().map(Lateness::len).sum::<usize>());
}

#[test]
fn receivers_that_hang_cost_their_user_alone() {
    others_wait_no_longer(backlog::HANGING_RECEIVERS);
}

#[test]
fn a_thousand_receivers_that_hang_cost_their_users_alone() {
    others_wait_no_longer(backlog::HANGING_USERS);
}

#[test]
fn stacks_of_the_past_cost_their_user_alone() {
    others_wait_no_longer(backlog::OLD_STACKS);
}

#[test]
fn reminders_of_one_moment_cost_their_user_alone() {
    others_wait_no_longer(backlog::REMINDERS_AT_ONCE);
}
