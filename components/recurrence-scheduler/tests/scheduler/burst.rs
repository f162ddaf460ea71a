//! Ten thousand alarms of a hundred users come due in one second, one in each hundred failing in each known way: every live one
//! fires, once, and what is written for many at a time fails for none but what is bad.

use std::cell::RefCell;
use std::collections::BTreeMap;

use perennial_domain::{Commit, create_task};
use perennial_fixture::{Fixture, NOON, Watch};
use perennial_store::{Apply, Mode, Store, Value, WorkKind};
use recurrence_scheduler::sweep;

use crate::spoilt::{Bad, WAYS, spoil};

/// Users, and alarms of each of them.
const USERS: usize = 100;
const EACH: usize = 100;

/// Sweeps within which every live one fires, a second apart.
const BOUND: i64 = 12;

/// Counts statements by their first words.
#[derive(Default)]
struct Counted(RefCell<BTreeMap<String, u32>>);

impl Watch for Counted {
    fn before(&self, statement: &str, _: &[Value]) -> bool {
        let begin: Vec<&str> = statement.split_whitespace().take(3).collect();
        *self.0.borrow_mut().entry(begin.join(" ")).or_default() += 1;
        true
    }
}

/// The users with their alarms, all due at noon; `title` names the alarm of a number.
fn house(title: impl Fn(usize) -> String) -> Fixture {
    let mut fixture = Fixture::new();
    for user in 0..USERS {
        let user = fixture.user(if user == 0 { "mallory" } else { "ada" });
        let commits: Vec<Commit> = (0..EACH)
            .map(|number| {
                let document = format!(
                    r#"{{"title": "{}", "due": {{"local": "2026-11-21T13:00:00", "tz": "Europe/Berlin"}},
                        "recurrence": {{"rrule": "FREQ=DAILY"}}, "reminders": [{{"trigger": "PT0S"}}]}}"#,
                    title(number)
                );
                let mut context = fixture.context(&user);
                context.now = NOON.plus_millis(-60_000);
                create_task(&mut context, &serde_json::from_str(&document).unwrap()).unwrap().0
            })
            .collect();
        fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    }
    fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL");
    fixture
}

#[test]
fn ten_thousand_fire_once_whatever_fails_beside_them() {
    let name = |way: Bad| format!("bad {way:?}");
    let mut fixture = house(|number| WAYS.get(number * 7 % EACH).map_or("live".to_owned(), |way| name(*way)));
    for way in WAYS {
        spoil(&fixture, WorkKind::Reminder, way, &name(way));
    }
    // Claimed once, by one that was brought down.
    fixture.rows(&format!(
        "UPDATE work SET unsettled = 1, tries = 1 WHERE task_id IN (SELECT id FROM task WHERE title = '{}')",
        name(Bad::Dropped)
    ));
    // All of the user's whose zone is unknown is bad.
    let live = "SELECT a.task_id FROM alarm AS a JOIN task AS t ON t.id = a.task_id JOIN user AS u ON u.id = a.user_id \
        WHERE u.name = 'ada' AND (t.title = 'live' OR t.title LIKE 'bad NoZone' OR t.title LIKE 'bad NoDate' \
        OR t.title LIKE 'bad Dropped' OR t.title LIKE 'bad Oversized%')";
    let wanted = i64::try_from((USERS - 1) * (EACH - 5)).unwrap();
    assert_eq!(fixture.count(&format!("({live})")), wanted);
    let early = NOON.plus_millis(-1);
    assert_eq!(sweep(&fixture.store, &|| early, &mut fixture.ids).unwrap().fired, 0);
    for second in 0..BOUND {
        let now = NOON.plus_millis(second * 1_000);
        sweep(&fixture.store, &|| now, &mut fixture.ids).unwrap();
    }
    let fired = "notification_v2 WHERE id <> task_id";
    assert_eq!(fixture.count(&format!("{fired} AND task_id IN ({live})")), wanted, "live alarms wait");
    assert_eq!(fixture.count(fired), wanted, "one fired that is bad, or one fired twice");
    let events = "(SELECT DISTINCT subject FROM outbox WHERE type = 'reminder.fired')";
    assert_eq!(fixture.count(events), wanted, "each is told of");
    assert_eq!(fixture.count("outbox WHERE type = 'reminder.fired'"), wanted, "once");
    let waiting = format!("work WHERE kind = 'reminder' AND task_id IN ({live})");
    assert_eq!(fixture.count(&waiting), 0);
}

/// Where ten thousand are due, a reminder costs a fraction of a statement, and of a commit.
#[test]
fn many_at_once_are_written_together() {
    let mut fixture = house(|_| "live".to_owned());
    let counted = Counted::default();
    let store = fixture.watched(&counted);
    assert_eq!(sweep(&store, &|| NOON, &mut fixture.ids).unwrap().fired, 10_000);
    println!("{:#?}", counted.0.borrow());
    let statements: u32 = counted.0.borrow().values().sum();
    assert!(statements < 250, "{statements} statements");
    let commits = fixture.count("audit_v4 WHERE action = 'reminder.fire'");
    assert!(commits < 2_000, "{commits} commits");
}
