//! While another session holds a snapshot for long, as a dump does or whoever reads a replica, what is deleted stays in tables and indexes.
//! What is to be done next must be found all the same without walking over all of that, each time.

mod claims;
mod place;

use perennial_fixture::NOON;
use perennial_recurrence::tzdata_version;
use perennial_store::WorkStore;

use place::{Pages, Place, hold};

const DAY: i64 = 86_400_000;

/// Rows of each kind in a batch, and so many batches of them are old; and rows that are not old enough.
const BATCH: u32 = 200;
const BATCHES: usize = 20;
const OLD: i64 = 4_000;
const YOUNG: i64 = 400;

/// How rows of each kind are made: their table, for how many days they are kept, and what makes the `n`th of some, named by `of`, of the
/// time `at`.
const KINDS: [(&str, i64, &str); 8] = [
    (
        "idempotency",
        1,
        "(user_id, key, fingerprint, status, body, created_at, commit_id) SELECT 'ada', {of} || n, 'x', 201, '{}', {at}, 'x'",
    ),
    ("inbox", 60, "(consumer, event_id, at) SELECT 'x', {of} || n, {at}"),
    (
        "dead_letter",
        30,
        "(id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class, tries, first_at, last_at, \
         instance, status, status_at, event) SELECT {of} || n, 'ada', 'task-events', {of} || n, 'x', 'ada', n, 'task.created', {of} || n, \
         'x', 'transient', 1, 1, 1, '', CASE n % 2 WHEN 0 THEN 'open' ELSE 'discarded' END, {at}, '{}'",
    ),
    ("listener", 1, "(id, user_id, until) SELECT {of} || n, 'ada', {at}"),
    (
        "notice",
        30,
        "(id, user_id, channel_id, type, subject, payload, state, created_at) \
         SELECT {of} || n, 'ada', 'x', 'task.created', 'x', '{}', 'delivered', {at}",
    ),
    (
        "notification",
        30,
        "(id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, created_at) \
         SELECT {of} || n, 'ada', 'kept', {of} || n, 'x', 'inbox', {at}, 'delivered', '{}', {at}",
    ),
    ("lane", 1, "(kind, again, lane, hold_until) SELECT 'reminder', false, {of} || n, {at}"),
    ("rate", 2, "(token, began, count) SELECT {of} || n, {at}, 1"),
];

/// Tables, and what names their rows: what is to be forgotten is called old, and gone where it is a task or hangs on one.
const NAMES: [(&str, &str); 15] = [
    ("idempotency", "key"),
    ("inbox", "event_id"),
    ("dead_letter", "id"),
    ("listener", "id"),
    ("notice", "id"),
    ("notification", "id"),
    ("lane", "lane"),
    ("rate", "token"),
    ("task", "id"),
    ("occurrence", "task_id"),
    ("alarm", "task_id"),
    ("override", "task_id"),
    ("task_word", "task_id"),
    ("work", "task_id"),
    ("outbox", "event_id"),
];

fn make(place: &Place, table: &str, of: &str, rows: i64, at: &str) {
    let (_, _, what) = KINDS.iter().find(|(name, ..)| *name == table).unwrap();
    let what = what.replace("{of}", &format!("'{of}'")).replace("{at}", at);
    place.run(&format!("INSERT INTO {table} {what} FROM generate_series(1, {rows}) AS n"));
}

/// So many tasks of these names that were deleted at a time, with what hangs on each.
fn make_tasks(place: &Place, of: &str, tasks: i64, at: &str) {
    let n = format!("FROM generate_series(1, {tasks}) AS n");
    place.run(&format!(
        "INSERT INTO task (id, user_id, version, title, description, priority, tags, reminders, status, created_at, updated_at, deleted_at, \
          has_words) SELECT '{of}' || n, 'ada', 1, 'x', '', 'none', '[]', '[]', 'open', 0, 0, {at}, true {n}; \
         INSERT INTO occurrence (task_id, recurrence_id, user_id, ordinal, status, succession, tzdata) \
          SELECT '{of}' || n, '', 'ada', 1, 'cancelled', 'none', '' {n}; \
         INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state) SELECT '{of}' || n, '', 'x', 'ada', 0, 'fired' {n}; \
         INSERT INTO override (task_id, recurrence_id, user_id, cancelled) SELECT '{of}' || n, '', 'ada', true {n}; \
         INSERT INTO task_word (task_id, word, user_id, places) SELECT '{of}' || n, 'x', 'ada', '' {n}; \
         INSERT INTO notification (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, created_at) \
          SELECT '{of}' || n, 'ada', '{of}' || n, '', 'x', 'inbox', 0, 'delivered', '{{}}', {now} {n}; \
         INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, parked_at) SELECT 'event', 'ada', 'ada', '{of}' || n, '', 0 {n}",
        now = NOON.as_millis(),
    ));
}

/// So many events from a place on in the stream, as an import makes them: of one instant.
fn make_events(place: &Place, of: &str, (from, events): (i64, i64), at: &str) {
    place.run(&format!(
        "INSERT INTO outbox (stream_id, sequence, topic, event_id, type, subject, user_id, data, at, correlation_id) \
         SELECT 'ada', n, 'task-events', '{of}' || n, 'task.created', 'x', 'ada', '{{}}', {at}, 'x' FROM generate_series({from}, {to}) AS n",
        to = from + events - 1,
    ));
}

/// An instant so many days before noon, and for each row a millisecond later.
fn days_ago(days: i64) -> String {
    format!("{} + n", NOON.as_millis() - days * DAY)
}

/// What is old of each kind, and beside it what stays: what is not old enough, or waits. Gives how many rows of each table are to stay.
fn furnish(place: &Place) -> Vec<i64> {
    place.run(
        "INSERT INTO account (id, name, role, tz, created_at) VALUES ('ada', 'Ada', 'member', 'Europe/Berlin', 0); \
         INSERT INTO task (id, user_id, version, title, description, priority, tags, reminders, status, created_at, updated_at, has_words) \
         VALUES ('kept', 'ada', 1, 'x', '', 'none', '[]', '[]', 'open', 0, 0, true)",
    );
    for (table, days, _) in KINDS {
        make(place, table, "old", OLD, &days_ago(days + 1));
        make(place, table, "young", YOUNG, &days_ago(days - 1));
    }
    let old = days_ago(40);
    make(place, "notice", "waits", YOUNG, &old);
    make(place, "notification", "waits", YOUNG, &old);
    make(place, "lane", "waits", YOUNG, &old);
    place.run(
        "UPDATE notice SET state = 'pending' WHERE id LIKE 'waits%'; UPDATE lane SET next_at = 1 WHERE lane LIKE 'waits%'; \
         UPDATE notification SET state = 'pending' WHERE id LIKE 'waits%'",
    );
    make_tasks(place, "gone", OLD / 2, &old);
    make_tasks(place, "bin", YOUNG, &days_ago(29));
    let import = (NOON.as_millis() - 40 * DAY).to_string();
    make_events(place, "old", (1, OLD), &import);
    make_events(place, "young", (OLD + 1, YOUNG), &days_ago(29));
    make_events(place, "waits", (OLD + YOUNG + 1, YOUNG), &import);
    place.run(&format!(
        "INSERT INTO stream (id, sequence, published) VALUES ('ada', {}, {})",
        OLD + 2 * YOUNG,
        OLD + YOUNG
    ));
    NAMES.iter().map(|(table, name)| place.count(&stay(table, name))).collect()
}

/// The rows of a table that are to stay.
fn stay(table: &str, name: &str) -> String {
    format!("{table} WHERE {name} NOT LIKE 'old%' AND {name} NOT LIKE 'gone%'")
}

/// What a batch and a look have read of each table, batch by batch, until nothing was old any more.
fn forget_all(place: &Place) -> [Vec<Pages>; 2] {
    let (mut batches, mut looks) = (Vec::new(), Vec::new());
    loop {
        // All within one hour: after that it is looked from the beginning for what was passed over.
        let now = NOON.plus_millis(i64::try_from(batches.len()).unwrap() * 1_000);
        let (pages, found) = place.read_by(|| place.store.due_work(now, tzdata_version()).unwrap());
        if !found.old {
            return [batches, looks];
        }
        looks.push(pages);
        batches.push(place.read_by(|| place.store.prune(now, BATCH).unwrap()).0);
        assert!(batches.len() < 100, "it comes to an end");
    }
}

fn is_forgotten_at_one_cost(is_analyzed: bool) {
    let Some(place) = Place::new() else { return };
    let stays = furnish(&place);
    if is_analyzed {
        place.run("ANALYZE");
    }
    let mut session = place.session();
    let held = hold(&mut session);
    let read = forget_all(&place);
    for ((table, name), kept) in NAMES.iter().zip(&stays) {
        assert_eq!(place.count(table), *kept, "{table}");
        assert_eq!(place.count(&stay(table, name)), *kept, "{table}");
    }
    // The first batch looks from the beginning, and the last ones have less to do.
    let mean = |of: &[Pages], table: &str| of.iter().map(|pages| pages[table]).sum::<i64>() / 4;
    for of in &read {
        let (early, late) = (&of[2..6], &of[BATCHES - 5..BATCHES - 1]);
        // However many are of one instant.
        assert!(mean(late, "outbox") < 10 * i64::from(BATCH), "{} pages of events", mean(late, "outbox"));
        for table in of[0].keys() {
            let (early, late) = (mean(early, table), mean(late, table));
            println!("{table}: {early} pages, later {late}");
            // The places themselves are few rows: of these, the versions of a dozen batches are a page.
            let more = if table == "expired" { early } else { early / 5 };
            assert!(late <= early + more + 10, "{table}: {early} pages became {late}");
        }
    }

    // Nor does a look cost more for the hourly one from the beginning that came before it.
    let later = NOON.plus_millis(7_200_000);
    (0..5).for_each(|_| place.store.prune(later, BATCH).unwrap());
    let (look, found) = place.read_by(|| place.store.due_work(later, tzdata_version()).unwrap());
    let (look, before) = (look["task"], read[1][5]["task"]);
    assert!(!found.old && look <= before + 20, "{before} pages became {look}");

    assert!(place.dead() > 8 * OLD, "what the snapshot may still see is kept");
    held.commit().unwrap();
    assert_eq!(place.dead(), 0, "nothing else holds what is dead");
}

#[test]
fn what_is_old_is_forgotten_at_one_cost_however_much_was_under_a_held_snapshot() {
    is_forgotten_at_one_cost(true);
}

/// The same by a planner that knows nothing of the tables.
#[test]
fn it_is_so_where_nothing_was_analyzed() {
    is_forgotten_at_one_cost(false);
}
