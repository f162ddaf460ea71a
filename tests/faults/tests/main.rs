//! Whatever fails, nothing that was acknowledged is lost, nothing happens twice, nothing is stuck and nothing comes early. `REPLICAS`, `FAULTS`
//! and `WRITES` say how much that is; `SEED` repeats what is asked for and what fails. `make chaos` is the long one.

mod clock;

use perennial_faults::{Plan, run};

#[test]
fn whatever_fails_nothing_is_lost_doubled_stuck_or_early() {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..));
    let plan = Plan {
        replicas: number("REPLICAS").unwrap_or(2),
        faults: number("FAULTS").unwrap_or(11),
        writes: number("WRITES").unwrap_or(500),
        seed,
    };
    println!("SEED={seed} REPLICAS={} FAULTS={} WRITES={}", plan.replicas, plan.faults, plan.writes);
    let Some(figures) = run(&plan) else { return };
    println!("{figures}");
    figures.found.are_none();
    assert!(figures.faults.values().sum::<usize>() == plan.faults, "{:?}", figures.faults);
    assert!(figures.acknowledged.iter().sum::<usize>() >= plan.writes, "{:?}", figures.acknowledged);
}

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}
