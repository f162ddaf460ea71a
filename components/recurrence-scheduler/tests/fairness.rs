//! A backlog costs its owner: another's work, due later, is done within the first round of the next sweep.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::cell::Cell;

use perennial_domain::{Commit, create_task};
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_store::{Apply, Mode, Store};
use recurrence_scheduler::sweep;

const DAY: i64 = 86_400_000;

/// A stack that nobody has looked at for six years.
const STACK: &str = r#"{"title": "Walk", "due": {"local": "2020-01-01T09:00:00", "tz": "UTC"},
    "recurrence": {"rrule": "FREQ=DAILY", "overlap": "stack", "misfire": "all"}}"#;

/// How often the clock is read in a sweep until nothing is left of what `work` says, and what is left of the other's then.
fn reads_until_done(fixture: &mut Fixture, work: &str, backlog: &str) -> (u32, i64) {
    let mut ids = std::mem::take(&mut fixture.ids);
    let (reads, done, left) = (Cell::new(0_u32), Cell::new(None), Cell::new(0));
    let at = NOON.plus_millis(7 * DAY);
    let now = || {
        reads.set(reads.get() + 1);
        if done.get().is_none() && fixture.count(work) == 0 {
            done.set(Some(reads.get()));
            left.set(fixture.count(backlog));
        }
        at.plus_millis(reads.get().into())
    };
    sweep(&fixture.store, &now, &mut ids).unwrap();
    now();
    (done.get().unwrap(), left.get())
}

#[test]
fn anothers_work_is_done_in_the_first_round_whatever_one_user_has_due() {
    let mut fixture = Fixture::new();
    let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
    let documents = std::iter::repeat_n(WEEKLY, 2_000).chain(std::iter::repeat_n(STACK, 300));
    let commits: Vec<Commit> = documents
        .map(|document| {
            create_task(&mut fixture.context(&mallory), &serde_json::from_str(document).unwrap()).unwrap().0
        })
        .collect();
    fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    let (task, occurrence) = fixture.task(&ada, WEEKLY);
    fixture.complete(&ada, &task, &occurrence).unwrap();
    fixture.task(&ada, WEEKLY);
    // Ada's are due last of all.
    fixture.rows(&format!(
        "UPDATE work SET wake_at = {} WHERE user_id = '{ada}'",
        NOON.plus_millis(7 * DAY).as_millis()
    ));
    let of = |user: &perennial_domain::UserId| {
        format!("work WHERE user_id = '{user}' AND wake_at IS NOT NULL AND parked_at IS NULL")
    };
    let hers = format!(
        "{} AND task_id IN (SELECT id FROM task WHERE title = 'Bins') AND wake_at <= {}",
        of(&ada),
        NOON.plus_millis(7 * DAY).as_millis()
    );
    let (reads, left) = reads_until_done(&mut fixture, &hers, &of(&mallory));
    assert!(reads <= 4, "done after {reads} looks at the clock");
    assert!(left > 2_000, "the other's backlog was worked off first: {left} left");
}
