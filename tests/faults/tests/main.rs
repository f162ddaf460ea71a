//! Whatever fails, nothing that was acknowledged is lost, nothing happens twice, nothing is stuck and nothing comes early; the same where one
//! build takes the place of another, where no request fails either. `REPLICAS`, `FAULTS`, `WRITES` and `ROWS` say how much that is; `SEED`
//! repeats what is asked for and what fails. `make chaos` and `make upgrade` are the long ones.

mod clock;
mod harness;

use std::path::PathBuf;

use perennial_faults::{Plan, Upgrade, run, upgrade};
use perennial_tests::{Build, setting};

#[test]
fn whatever_fails_nothing_is_lost_doubled_stuck_or_early() {
    let plan = plan(11, 500, 0);
    let Some(figures) = run(&plan) else { return };
    println!("{figures}");
    figures.found.are_none();
    assert!(figures.faults.values().sum::<usize>() == plan.faults, "{:?}", figures.faults);
    assert!(figures.acknowledged.iter().sum::<usize>() >= plan.writes, "{:?}", figures.acknowledged);
    let [.., failed] = figures.requests;
    assert_eq!(failed, 0, "requests that were answered 5xx other than 503");
}

#[test]
#[ignore = "needs the build before: `make upgrade`"]
fn one_build_takes_the_place_of_another_and_no_request_fails() {
    let build = |name| setting(name).map(|folder: PathBuf| Build::at(&folder));
    let from = build("FROM").expect("FROM is a copy of the repository with the build before");
    let one = Upgrade { from, to: build("TO").unwrap_or_default(), plan: plan(0, 8_000, 1_000_000) };
    let Some(figures) = upgrade(&one) else { return };
    println!("{figures}");
    figures.found.are_none();
    let [answered, refused, unanswered, failed] = figures.requests;
    assert!(answered >= one.plan.writes);
    assert_eq!([refused, unanswered, failed], [0; 3], "requests that failed");
}

/// How much it is where the environment does not say.
fn plan(faults: usize, writes: usize, rows: usize) -> Plan {
    let plan = Plan {
        replicas: setting("REPLICAS").unwrap_or(2),
        faults: setting("FAULTS").unwrap_or(faults),
        writes: setting("WRITES").unwrap_or(writes),
        rows: setting("ROWS").unwrap_or(rows),
        seed: setting("SEED").unwrap_or_else(|| fastrand::u64(..)),
    };
    println!("{plan:?}");
    plan
}
