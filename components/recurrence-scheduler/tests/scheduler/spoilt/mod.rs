//! Every way in which an item of a work list is known to fail.

use perennial_fixture::Fixture;
use perennial_store::WorkKind;

/// How an item comes to fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bad {
    /// Its task is deleted, and the item left where it was.
    Deleted,
    /// A document of its task is no JSON.
    NoJson,
    /// A rule is none.
    NoRule,
    /// A local date is none.
    NoDate,
    /// A constraint trips over what is to be written of it, and with it the whole statement.
    Constraint,
    /// All that is written of it is refused: a row lies on zone data that this build does not have yet, or what is to be
    /// made is there.
    Refused,
    /// Its user's zone is unknown.
    NoZone,
    /// It is claimed and never settled, as by a guest that traps.
    Dropped,
    /// A title far longer than any that was let in.
    Oversized,
}

/// Every way.
pub const WAYS: [Bad; 9] = [
    Bad::Deleted,
    Bad::NoJson,
    Bad::NoRule,
    Bad::NoDate,
    Bad::Constraint,
    Bad::Refused,
    Bad::NoZone,
    Bad::Dropped,
    Bad::Oversized,
];

/// Spoils the items of a kind whose task is called `title`.
pub fn spoil(fixture: &Fixture, kind: WorkKind, way: Bad, title: &str) {
    let bad = format!("(SELECT id FROM task WHERE title = '{title}')");
    let name = title.replace(' ', "_");
    let queries: Vec<String> = match way {
        Bad::Deleted => {
            fixture.unguarded(&format!("UPDATE task SET deleted_at = 1 WHERE id IN {bad}"));
            vec![]
        }
        // Where nothing but JSON is kept, it is none that is meant.
        Bad::NoJson => {
            let none = fixture.dialect("{\"rrule", "[7]");
            vec![format!("UPDATE task SET recurrence = '{none}' WHERE id IN {bad}")]
        }
        Bad::NoRule => {
            vec![format!(
                r#"UPDATE task SET recurrence = '{{"rrule":"FREQ=NEVER","misfire":7}}' WHERE id IN {bad}"#
            )]
        }
        Bad::NoDate => vec![
            format!("UPDATE occurrence SET due_local = 'tomorrow' WHERE task_id IN {bad}"),
            format!("UPDATE task SET due_local = 'tomorrow' WHERE id IN {bad}"),
        ],
        Bad::Constraint => {
            let on = [("UPDATE", "occurrence"), ("UPDATE", "alarm"), ("INSERT", "occurrence")];
            for (number, (write, table)) in on.into_iter().enumerate() {
                let is_bad = format!("(SELECT title FROM task WHERE id = NEW.task_id) = '{title}'");
                fixture.trips(&format!("{name}_{number}"), write, table, &is_bad);
            }
            vec![]
        }
        Bad::Refused if kind == WorkKind::Reminder => {
            // What firing it would make is there.
            vec![format!(
                "INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, \
                 state, payload, created_at) SELECT task_id, user_id, task_id, recurrence_id, reminder_id, 'inbox', \
                 fire_at, 'delivered', '{{}}', fire_at FROM alarm WHERE task_id IN {bad}"
            )]
        }
        Bad::Refused if kind == WorkKind::Zone => {
            vec![format!("UPDATE occurrence SET tzdata = '9999z' WHERE task_id IN {bad}")]
        }
        Bad::Refused => vec![format!(
            "INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, tzdata) \
             SELECT task_id, 'other', user_id, recurrence_id, 0, 'cancelled', 'none', '1999a' FROM occurrence \
             WHERE task_id IN {bad}"
        )],
        Bad::NoZone => vec!["UPDATE user SET tz = 'Moon/Base' WHERE name = 'mallory'".to_owned()],
        Bad::Dropped => vec![],
        Bad::Oversized => {
            vec![format!("UPDATE task SET title = '{title} {}' WHERE id IN {bad}", "0".repeat(400_000))]
        }
    };
    for query in queries {
        fixture.rows(&query);
    }
}
