//! What fires alarms is written through a view of its own (schema/0003_fired.sql): it comes to the same as through the one for
//! all commits, and what is refused has written nothing.

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, webhook};
use perennial_store::{Apply, DueReminder, Mode, Outcome, Store, StoreError, Value};

const EACH: Apply = Apply { mode: Mode::Each, relay_for: 0 };

/// A task with two reminders at noon.
const TWICE: &str = r#"{"title": "Now", "due": {"local": "2026-11-21T13:00:00", "tz": "Europe/Berlin"},
    "reminders": [{"trigger": "PT0S"}, {"trigger": "-PT1M"}]}"#;

/// Users with so many tasks each, and what is due of each of them.
fn due(fixture: &mut Fixture, users: &[&str], tasks: usize) -> Vec<(UserId, Vec<DueReminder>)> {
    let users: Vec<UserId> = users.iter().map(|name| fixture.user(name)).collect();
    for user in &users {
        (0..tasks).for_each(|_| drop(fixture.task(user, TWICE)));
    }
    let all = fixture.due_reminders(NOON);
    let of = |user: &UserId| all.iter().filter(|due| due.user.id == *user).cloned().collect();
    users.iter().map(|user| (user.clone(), of(user))).collect()
}

fn fires(fixture: &mut Fixture, user: &UserId, due: &[DueReminder], channels: &[Channel]) -> Commit {
    let alarms: Vec<_> = due.iter().map(|due| &due.alarm).collect();
    fire_all(&mut fixture.context(user), &alarms, channels)
}

/// Whatever is written by the view for what fires, is written by the one for all commits.
#[test]
fn what_fires_writes_the_same_by_either_view() {
    let written = |beside_others: bool| {
        let mut fixture = Fixture::new();
        let due = due(&mut fixture, &["ada", "eve"], 5);
        let channels = [webhook("one"), webhook("two")];
        let mut commits = Vec::new();
        for (user, mut due) in due {
            // One is too late, and nobody is told.
            due[3].alarm.fire_at = NOON.plus_millis(-3_600_000);
            due[3].alarm.misfire = Misfire::Skip;
            fixture.rows(&format!(
                "UPDATE alarm SET fire_at = {} WHERE reminder_id = '{}'",
                due[3].alarm.fire_at.as_millis(),
                due[3].alarm.reminder
            ));
            for some in [&due[..7], &due[7..8], &due[8..]] {
                commits.push(fires(&mut fixture, &user, some, &channels));
            }
            commits.push(fires(&mut fixture, &user, &due[3..4], &channels));
        }
        let refused = commits.len() - 1;
        if beside_others {
            let input = UserInput { name: "eve".to_owned(), tz: "Europe/Berlin".to_owned(), identity: None };
            commits.push(create_user(&mut fixture.context(&UserId::admin()), &input).unwrap().0);
        }
        let how = Apply { mode: Mode::Each, relay_for: 2_000 };
        let mut outcomes = fixture.store.apply(&commits, how).unwrap();
        outcomes.truncate(refused + 1);
        assert_eq!(outcomes[refused], Outcome::Refused, "it has fired before");
        let tables =
            ["alarm", "notification_v2", "work", "lane", "stream", "outbox", "stream_topic", "audit_v4"];
        // But for what the making of another user wrote.
        let of_hers = ["user_id = 'admin'", "id IN ('user:admin', 'admin')", "stream_id = 'user:admin'"];
        let rows = tables.map(|table| {
            let column = match table {
                "stream" => of_hers[1],
                "outbox" | "stream_topic" => of_hers[2],
                "lane" => "false",
                _ => of_hers[0],
            };
            // What an entry is salted with is drawn by chance.
            let columns =
                if table == "audit_v4" { "user_id, told, id, at, action, subject, seq" } else { "*" };
            fixture.rows(&format!("SELECT {columns} FROM {table} WHERE NOT ({column}) ORDER BY 1, 2, 3"))
        });
        (outcomes, rows)
    };
    let (own, all) = (written(false), written(true));
    assert_eq!(own.0, all.0);
    for (mine, theirs) in own.1.iter().zip(&all.1) {
        assert!(!mine.is_empty());
        assert_eq!(mine, theirs);
    }
}

/// Invariant 2: each event follows the one before it on its topic, within a commit and from one to the next.
#[test]
fn each_event_follows_the_last_of_its_topic() {
    let mut fixture = Fixture::new();
    let (user, due) = due(&mut fixture, &["ada"], 10).remove(0);
    for some in due.chunks(6) {
        let commit = fires(&mut fixture, &user, some, &[]);
        assert_eq!(fixture.store.commit(&commit).unwrap(), Outcome::Applied(None));
        fixture.task(&user, TWICE);
    }
    let rows = fixture.rows(
        "SELECT sequence, coalesce(previous, 0), coalesce(lag(sequence) OVER (PARTITION BY topic ORDER BY sequence), 0) \
         FROM outbox ORDER BY sequence",
    );
    assert_eq!(rows.len(), 10 + 20 + 4);
    for (row, sequence) in rows.iter().zip(1..) {
        assert_eq!(row[0], Value::Integer(sequence));
        assert_eq!(row[1], row[2], "event {sequence}");
    }
    assert_eq!(fixture.count("audit_v4 WHERE action = 'reminder.fire'"), 4);
}

/// Invariant 1: a refused row is skipped without being undone, so nothing may be written before the last check.
#[test]
fn a_firing_that_is_refused_has_written_nothing() {
    let mut fixture = Fixture::new();
    let mut due = due(&mut fixture, &["ada", "eve"], 2);
    let (ada, hers) = due.remove(0);
    let hook = webhook("hook");
    let fit = fires(&mut fixture, &ada, &hers, std::slice::from_ref(&hook));
    let fired = fires(&mut fixture, &due[0].0, &due[0].1, &[]);
    fixture.store.commit(&fired).unwrap();
    fixture.rows(&format!(
        "INSERT INTO channel_v2 (id, user_id, kind, config, created_at, deleted_at) VALUES ('gone', '{ada}', 'webhook', '{{}}', 1, 2)"
    ));
    let there = fit.notifications.last().unwrap();
    fixture.rows(&format!(
        "INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, \
         created_at) VALUES ('there', '{ada}', '{}', '{}', '{}', 'there', {}, 'delivered', '{{}}', 1)",
        there.task_id,
        there.recurrence_id,
        there.reminder_id,
        there.fire_at.as_millis()
    ));
    let mut all: Vec<(&str, Commit)> = Vec::new();
    let mut case = |what: &'static str, change: &dyn Fn(&mut Commit)| {
        let mut commit = fit.clone();
        change(&mut commit);
        all.push((what, commit));
    };
    // The last of several, each time: in another state, for another time, another user's.
    case("alarm", &|commit| commit.expect.alarms.last_mut().unwrap().state = AlarmState::Missed);
    case("alarm", &|commit| {
        let later = NOON.plus_millis(1);
        commit.expect.alarms.last_mut().unwrap().fire_at = later;
        commit.alarms.last_mut().unwrap().fire_at = later;
    });
    case("alarm", &|commit| {
        commit.user = due[0].0.clone();
        commit.stream = commit.user.stream();
    });
    case("notification", &|commit| {
        commit.notifications.last_mut().unwrap().channel_id = ChannelId::new("there");
    });
    case("channel", &|commit| {
        commit.notifications.last_mut().unwrap().channel_id = ChannelId::new("gone");
    });
    case("event", &|commit| commit.events.last_mut().unwrap().id = fired.events[0].id);
    let before = fixture.everything();
    for (what, commit) in all {
        let outcomes = fixture.store.apply(&[commit.clone(), commit.clone()], EACH).unwrap();
        assert_eq!(outcomes, [Outcome::Refused, Outcome::Refused], "{what}");
        assert_eq!(fixture.everything(), before, "{what}: something was written");
        match fixture.store.commit(&commit).unwrap_err() {
            StoreError::Changed(refusal) | StoreError::Duplicate(refusal) => assert_eq!(refusal.what, what),
            other => panic!("{other:?}"),
        }
        assert_eq!(fixture.everything(), before, "{what}: something was written");
    }
    // It was nothing else that was wrong with any of them.
    assert_eq!(fixture.store.commit(&fit).unwrap(), Outcome::Applied(None));
    assert_eq!(fixture.count("work WHERE kind = 'reminder'"), 0);
}

/// What does more than its own view can is written by the one for all commits: each member by itself.
#[test]
fn a_firing_that_does_more_is_written_whole() {
    type Adds = fn(&mut Commit, Commit);
    let cases: [(&str, Adds); 4] = [
        ("idempotency", |fires, _| {
            fires.idempotency = Some(IdempotencyRecord {
                key: "key".to_owned(),
                fingerprint: "fingerprint".to_owned(),
                status: 201,
                etag: None,
                location: None,
                body: String::new(),
                change_id: None,
            });
        }),
        ("task WHERE title = 'New'", |fires, new| {
            (fires.tasks, fires.expect.tasks) = (new.tasks, new.expect.tasks)
        }),
        ("alarm WHERE fire_at = 7", |fires, _| fires.alarms[0].fire_at = Timestamp::from_millis(7)),
        // The first event of another topic has none before it; the next follows the last of its own.
        ("outbox WHERE topic = 'task-events' AND previous = 1 AND sequence = 2", |fires, new| {
            fires.events[0] = new.events[0].clone();
        }),
    ];
    for (what, adds) in cases {
        let mut fixture = Fixture::new();
        let (user, due) = due(&mut fixture, &["ada"], 1).remove(0);
        let mut commit = fires(&mut fixture, &user, &due, &[]);
        let document = TWICE.replace("Now", "New");
        let input = serde_json::from_str(&document).unwrap();
        let new = create_task(&mut fixture.context(&user), &input).unwrap().0;
        adds(&mut commit, new);
        assert_eq!(fixture.store.commit(&commit).unwrap(), Outcome::Applied(None), "{what}");
        assert_eq!(fixture.count(what), 1, "{what} is not there");
    }
}
