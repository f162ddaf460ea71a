//! The sweep seals what was audited, a bounded number at a time, and goes on where it cannot.

use perennial_domain::{Commit, create_task};
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_store::{Apply, AuditStore, Mode, Store};
use recurrence_scheduler::sweep;

#[test]
fn what_was_done_is_sealed_by_the_next_sweep() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    let swept = sweep(&fixture.store, &|| NOON, &mut fixture.ids).unwrap();
    assert_eq!(swept.failures, Vec::<String>::new());
    let state = fixture.store.chain(&ada).unwrap();
    assert_eq!((state.audited, state.sealed, state.waits_since), (1, 1, None));
    assert!(!swept.anchors, "not before a day has passed");
    let tomorrow = NOON.plus_millis(86_400_000);
    assert!(sweep(&fixture.store, &|| tomorrow, &mut fixture.ids).unwrap().anchors);
}

#[test]
fn a_sweep_seals_some_thousands_and_no_more() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let input = serde_json::from_str(WEEKLY).unwrap();
    let many: Vec<Commit> =
        (0..6_000).map(|_| create_task(&mut fixture.context(&ada), &input).unwrap().0).collect();
    fixture.store.apply(&many, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    sweep(&fixture.store, &|| NOON, &mut fixture.ids).unwrap();
    let sealed = fixture.store.chain(&ada).unwrap().sealed;
    assert!((3_000..6_000).contains(&sealed), "{sealed}");
    sweep(&fixture.store, &|| NOON, &mut fixture.ids).unwrap();
    assert_eq!(fixture.store.chain(&ada).unwrap().sealed, 6_000);
}

/// A sweep ends, however fast others write.
#[test]
fn what_is_written_while_a_sweep_seals_is_for_the_next() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    fixture.task(&ada, WEEKLY);
    fixture.task(&eve, WEEKLY);
    let written = NOON.plus_millis(50);
    fixture.rows(&format!("UPDATE stream SET seal_at = {} WHERE id = '{eve}'", written.as_millis()));
    let sealed = |user| fixture.store.chain(user).unwrap().sealed;
    // Ada's is sealed, and what Eve writes meanwhile waits.
    let now = || if sealed(&ada) > 0 { NOON.plus_millis(100) } else { NOON };
    sweep(&fixture.store, &now, &mut fixture.ids).unwrap();
    assert_eq!((sealed(&ada), sealed(&eve)), (1, 0));
    sweep(&fixture.store, &now, &mut fixture.ids).unwrap();
    assert_eq!(sealed(&eve), 1);
}

#[test]
fn what_cannot_be_sealed_holds_up_nothing_else() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    fixture.rows(fixture.dialect("DROP VIEW seal_v6", "ALTER TABLE seal RENAME TO away"));
    let later = NOON.plus_millis(7 * 86_400_000);
    let swept = sweep(&fixture.store, &|| later, &mut fixture.ids).unwrap();
    assert_eq!(swept.fired, 1);
    assert!(
        swept.failures.iter().any(|failure| failure.starts_with("audit entries: ")),
        "{:?}",
        swept.failures
    );
}
