//! Nothing starves: what can never succeed stands at the head of each list of work, in every way the code knows, and what is
//! live behind it, of the same user and of others, is done within a bounded number of sweeps.

use std::cell::Cell;

use perennial_domain::{Timestamp, UserId};
use perennial_fixture::{Fixture, NOON};
use perennial_store::{Claim, WorkKind, WorkStore};
use recurrence_scheduler::sweep;

use crate::spoilt::{Bad, WAYS, spoil};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Items at the head of a list that fail in one way.
const BAD: i64 = 40;

/// Sweeps within which what is live must be done, a second apart.
const BOUND: i64 = 12;

/// A task of every day at nine, due before the fixture's noon, with a reminder at its time.
fn daily(title: &str, day: u32) -> String {
    format!(
        r#"{{"title": "{title}", "due": {{"local": "2026-11-{day:02}T09:00:00", "tz": "Europe/Berlin"}},
            "recurrence": {{"rrule": "FREQ=DAILY"}}, "reminders": [{{"trigger": "PT0S"}}]}}"#
    )
}

/// A list of work with bad items at its head, and live ones of the same user and of another behind.
fn house(kind: WorkKind, way: Bad) -> Fixture {
    let mut fixture = Fixture::new();
    let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
    let put = |fixture: &mut Fixture, user: &UserId, title: &str, number: i64, day: u32| {
        for _ in 0..number {
            let (task, occurrence) = fixture.task(user, &daily(title, day));
            if kind == WorkKind::Successor {
                fixture.complete(user, &task, &occurrence).unwrap();
            }
        }
    };
    // Whose zone is unknown, all of theirs is bad.
    let own = if way == Bad::NoZone { ada.clone() } else { mallory.clone() };
    put(&mut fixture, &mallory, "bad", BAD, 22);
    put(&mut fixture, &own, "live", 3, 23);
    put(&mut fixture, &ada, "live", 3, 24);
    match kind {
        WorkKind::Successor => {
            // The bad ones were owed first.
            fixture.rows("UPDATE work SET wake_at = wake_at - 1000 WHERE task_id IN (SELECT id FROM task WHERE title LIKE 'bad%')");
        }
        WorkKind::Zone => {
            fixture.rows("UPDATE occurrence SET tzdata = '1999a'");
            fixture.store.offer_zones(perennial_recurrence::tzdata_version(), 1_000).unwrap();
        }
        _ => {}
    }
    spoil(&fixture, kind, way, "bad");
    fixture
}

/// Live items that are not done.
fn waiting(fixture: &Fixture, kind: WorkKind) -> i64 {
    fixture.count(&format!(
        "work WHERE kind = '{}' AND task_id IN (SELECT id FROM task WHERE title = 'live')",
        kind.name()
    ))
}

/// Claims what stands at the head of a list and lets it drop, as a guest that traps over a bad item would.
fn drop_claims(fixture: &mut Fixture, kind: WorkKind, now: Timestamp) {
    for again in [false, true] {
        let claim = Claim {
            again,
            lease_for: 5_000,
            lanes: if again { 1 } else { 50 },
            per_lane: if again { 1 } else { 5 },
            ..fixture.claim(now)
        };
        match kind {
            WorkKind::Successor => _ = fixture.store.claim_successors(&claim).unwrap(),
            WorkKind::Reminder => _ = fixture.store.claim_reminders(&claim).unwrap(),
            _ => _ = fixture.store.claim_zones(&claim).unwrap(),
        }
    }
}

fn live_is_done_and_bad_comes_to_an_end(kind: WorkKind, way: Bad) {
    let mut fixture = house(kind, way);
    let at = if kind == WorkKind::Reminder { NOON.plus_millis(3 * DAY) } else { NOON };
    assert_eq!(waiting(&fixture, kind), 6, "{kind:?} {way:?}");
    let mut now = at;
    for _ in 0..BOUND {
        if way == Bad::Dropped {
            drop_claims(&mut fixture, kind, now);
        }
        sweep(&fixture.store, &|| now, &mut fixture.ids).unwrap();
        now = now.plus_millis(1_000);
    }
    assert_eq!(waiting(&fixture, kind), 0, "{kind:?} {way:?}: live items wait");

    // Whatever the pauses: in the end each item is done, gone or parked with a reason.
    for _ in 0..30 {
        now = now.plus_millis(HOUR);
        sweep(&fixture.store, &|| now, &mut fixture.ids).unwrap();
    }
    let name = kind.name();
    let left = fixture.rows(&format!("SELECT * FROM work WHERE kind = '{name}' AND wake_at IS NOT NULL AND task_id IN (SELECT id FROM task WHERE title LIKE 'bad%')"));
    assert!(left.is_empty(), "{kind:?} {way:?}: swept for ever: {left:?}");
    // What has failed was given up, and what is only gone, long or late was not.
    let parked = match way {
        Bad::Deleted | Bad::Dropped | Bad::Oversized => 0,
        Bad::NoDate if kind == WorkKind::Reminder => 0,
        Bad::Refused if kind == WorkKind::Zone => 0,
        _ => BAD,
    };
    assert_eq!(
        fixture.count(&format!("work WHERE parked_at IS NOT NULL AND kind = '{name}'")),
        parked,
        "{kind:?} {way:?}"
    );
    let unexplained = fixture.count("work WHERE parked_at IS NOT NULL AND coalesce(reason, '') = ''");
    assert_eq!(unexplained, 0, "{kind:?} {way:?}");
    let said = match way {
        Bad::Constraint => "CHECK constraint failed",
        Bad::Refused => "each time it was tried",
        _ => "",
    };
    let other =
        format!("work WHERE parked_at IS NOT NULL AND kind = '{name}' AND reason NOT LIKE '%{said}%'");
    assert_eq!(fixture.count(&other), 0, "{kind:?} {way:?}: parked for another reason");
    let due = fixture.store.due_work(now, perennial_recurrence::tzdata_version()).unwrap();
    assert!(!due.kinds.iter().any(|(due, _)| *due == kind), "{kind:?} {way:?}: {due:?}");
}

#[test]
fn no_reminder_waits_for_one_that_can_never_fire() {
    for way in WAYS {
        live_is_done_and_bad_comes_to_an_end(WorkKind::Reminder, way);
    }
}

#[test]
fn no_successor_waits_for_one_that_can_never_be_planned() {
    for way in WAYS {
        live_is_done_and_bad_comes_to_an_end(WorkKind::Successor, way);
    }
}

#[test]
fn no_occurrence_waits_on_old_zone_data_for_one_that_can_never_be_laid_on_new() {
    for way in WAYS {
        live_is_done_and_bad_comes_to_an_end(WorkKind::Zone, way);
    }
}

/// A guest that traps takes with it what it had claimed: that is tried one by one, after the others, and what traps each time
/// is given up.
#[test]
fn what_is_begun_and_never_finished_is_parked_and_the_rest_of_its_claim_is_done() {
    let mut fixture = house(WorkKind::Reminder, Bad::Dropped);
    let mut now = NOON.plus_millis(3 * DAY);
    let claim = Claim { lease_for: 5_000, ..fixture.claim(now) };
    assert_eq!(fixture.store.claim_reminders(&claim).unwrap().len(), 46);
    // All of it was taken along: none is due as it was, all are taken up again when the lease is over.
    assert_eq!(sweep(&fixture.store, &|| now, &mut fixture.ids).unwrap().fired, 0);
    now = now.plus_millis(5_001);
    assert_eq!(fixture.due_reminders(now).len(), 0, "tried together again");
    let poison = "(SELECT id FROM work ORDER BY id LIMIT 1)";
    let tries = Cell::new(0);
    while fixture.count("work WHERE parked_at IS NULL AND unsettled > 0") > 0 && tries.get() < 60 {
        // Its next claims end as the first did.
        fixture.rows(&format!(
            "UPDATE work SET unsettled = unsettled + 1, tries = tries + 1, wake_at = {} WHERE id = {poison} \
             AND parked_at IS NULL AND tries < 9",
            now.plus_millis(5_000).as_millis()
        ));
        sweep(&fixture.store, &|| now, &mut fixture.ids).unwrap();
        now = now.plus_millis(1_000);
        tries.set(tries.get() + 1);
    }
    assert_eq!(fixture.count("alarm WHERE state = 'fired'"), BAD + 5);
    assert_eq!(fixture.count("work WHERE parked_at IS NOT NULL AND reason LIKE '%never finished%'"), 1);
}

/// A dead letter is not work to be done again, whatever becomes of its task.
#[test]
fn a_dead_letter_stays_where_it_is() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, &daily("live", 22));
    fixture.rows(&format!("INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, reason, parked_at) SELECT 'event', user_id, 'stream', id, '', 'event', 'x', {} FROM task", NOON.as_millis()));
    fixture.complete(&user, &task, &occurrence).unwrap();
    sweep(&fixture.store, &|| NOON, &mut fixture.ids).unwrap();
    let state = fixture.state(&user, &task, None);
    let gone = perennial_domain::delete_task(&mut fixture.context(&user), &state);
    perennial_store::Store::commit(&fixture.store, &gone).unwrap();
    assert_eq!(fixture.count(&format!("work WHERE kind = 'event' AND parked_at = {}", NOON.as_millis())), 1);
}

/// A list that cannot even be claimed from holds up no other list.
#[test]
fn a_list_that_cannot_be_claimed_holds_up_no_other() {
    for broken in ["successor", "reminder"] {
        let mut fixture = Fixture::new();
        let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
        let (task, occurrence) = fixture.task(&mallory, &daily("owed", 22));
        fixture.complete(&mallory, &task, &occurrence).unwrap();
        fixture.task(&ada, &daily("due", 22));
        let claims = format!("NEW.kind = '{broken}' AND NEW.claim IS NOT NULL");
        fixture.trips("broken", "UPDATE OF claim", "work", &claims);
        let now = NOON.plus_millis(DAY);
        let swept = sweep(&fixture.store, &|| now, &mut fixture.ids).unwrap();
        assert_eq!(
            (swept.planned, swept.fired),
            if broken == "reminder" { (1, 0) } else { (0, 1) },
            "{broken}"
        );
        assert!(swept.failures.iter().any(|line| line.contains(broken)), "{:?}", swept.failures);
        assert!(swept.relay, "what was done is told");
    }
}
