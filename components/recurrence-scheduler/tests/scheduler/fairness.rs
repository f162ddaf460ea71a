//! A backlog costs its owner: another's work, due later, is done within the first round of the next sweep.

use std::cell::Cell;

use perennial_domain::{Commit, create_task};
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_store::{Apply, Mode, Store, WorkStore};
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
    // One look an item and a few a round: the first round of both lists, with five of the other's in each.
    assert!(reads <= 24, "done after {reads} looks at the clock");
    assert!(left > 2_000, "the other's backlog was worked off first: {left} left");
}

/// A machine on which each sweep has time for a few of many users: nobody is left out, sweep after sweep.
#[test]
fn those_for_whom_there_was_no_time_are_not_always_the_same() {
    const USERS: usize = 60;
    let mut fixture = Fixture::new();
    for _ in 0..USERS {
        let user = fixture.user("ada");
        let commits: Vec<Commit> = (0..60)
            .map(|_| {
                create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap().0
            })
            .collect();
        fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    }
    let clock = Cell::new(NOON.plus_millis(7 * DAY));
    let now = || {
        clock.set(clock.get().plus_millis(50));
        clock.get()
    };
    for _ in 0..200 {
        sweep(&fixture.store, &now, &mut fixture.ids).unwrap();
    }
    let served = fixture.count("(SELECT DISTINCT user_id FROM alarm WHERE state = 'fired')");
    assert_eq!(served, i64::try_from(USERS).unwrap());
    assert!(fixture.count("work WHERE kind = 'reminder'") > 2_000, "there was time for all");
}

/// Due at ten past noon: `NOON` is 12:00 UTC, and the fixture's users are in Berlin.
const SOON: &str = r#"{"title": "Soon", "due": {"local": "2026-11-21T13:10:00", "tz": "Europe/Berlin"},
    "reminders": [{"trigger": "PT0S"}]}"#;

/// A sweep at a later clock has served the user; then the clock goes back, and what comes due is not held until it has
/// caught up. Nor is what was claimed by someone who is gone.
#[test]
fn a_clock_that_goes_back_holds_nobody_up() {
    const MINUTE: i64 = 60_000;
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for ahead in [61 * MINUTE, 24 * 60 * MINUTE] {
        fixture.task(&user, SOON);
        let later = NOON.plus_millis(ahead);
        sweep(&fixture.store, &|| later, &mut fixture.ids).unwrap();
        // Another, whose handler is cut off after it has claimed it, still at the later clock.
        fixture.task(&user, SOON);
        let claim = fixture.claim(later);
        assert_eq!(fixture.store.claim_reminders(&claim).unwrap().len(), 1);
        fixture.task(&user, SOON);
        let before = fixture.count("notification_v2");
        let back = NOON.plus_millis(11 * MINUTE);
        let mut fired = 0;
        for _ in 0..3 {
            fired += sweep(&fixture.store, &|| back, &mut fixture.ids).unwrap().fired;
        }
        assert_eq!(fired, 2, "{ahead} ms back");
        assert_eq!(fixture.count("notification_v2"), before + 2);
    }
}

/// A clock that moves while work is done: each look at it is a little later. Planning that takes all the time there is keeps
/// reminders waiting for no longer than its turn, and what was claimed and not begun is given back.
#[test]
fn work_that_is_dear_delays_no_other_list() {
    let mut fixture = Fixture::new();
    let (dear, other) = (fixture.user("dear"), fixture.user("other"));
    for _ in 0..40 {
        let (task, occurrence) = fixture.task(&dear, WEEKLY);
        fixture.complete(&dear, &task, &occurrence).unwrap();
    }
    fixture.task(&other, SOON);
    let clock = Cell::new(NOON.plus_millis(11 * 60_000));
    let now = || {
        clock.set(clock.get().plus_millis(60));
        clock.get()
    };
    let swept = sweep(&fixture.store, &now, &mut fixture.ids).unwrap();
    assert_eq!(swept.fired, 1);
    assert!(swept.planned < 40, "a turn is over before all is planned: {}", swept.planned);
    assert_eq!(fixture.count("work WHERE unsettled > 0"), 0, "what was not begun is given back");
    let mut planned = swept.planned;
    for _ in 0..60 {
        planned += sweep(&fixture.store, &now, &mut fixture.ids).unwrap().planned;
    }
    assert_eq!(planned, 40);
}
