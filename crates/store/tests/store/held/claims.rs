//! What a claim reads for the work that was done since a snapshot was taken.

use std::collections::BTreeMap;
use std::time::Instant;

use perennial_domain::{Context, Timestamp, UserId, fire_all};
use perennial_fixture::{Counting, NOON, context};
use perennial_recurrence::tzdata_version;
use perennial_store::{Claim, DueReminder, Store, WorkStore};
use uuid::Uuid;

use super::place::{Pages, Place, hold};

/// Users, each with a task of many occurrences.
const USERS: i64 = 32;

/// Reminders of each user in a claim.
const PER_LANE: u32 = 25;

/// How many reminders have fired when a claim is looked at.
const FIRED: [usize; 3] = [0, 10_000, 50_000];

/// So many reminders of each user, of one instant after the other.
fn furnish(place: &Place, each: i64) {
    let at = NOON.as_millis();
    let id = "('0198c0de-0000-7000-8000-' || lpad(to_hex(u), 12, '0'))";
    let occurrence = "(to_char(timestamp '2026-01-01' + n * interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '[Europe/Berlin]')";
    let (users, all) = (
        format!("FROM generate_series(1, {USERS}) AS u"),
        format!("FROM generate_series(1, {USERS}) AS u, generate_series(1, {each}) AS n"),
    );
    place.run(&format!(
        "INSERT INTO account (id, name, role, tz, created_at) SELECT {id}, 'x', 'member', 'Europe/Berlin', 0 {users}; \
         INSERT INTO task (id, user_id, version, title, description, priority, tags, reminders, status, created_at, updated_at, has_words) \
          SELECT {id}, {id}, 1, 'x', '', 'none', '[]', '[]', 'open', 0, 0, true {users}; \
         INSERT INTO occurrence (task_id, recurrence_id, user_id, ordinal, status, succession, tzdata) \
          SELECT {id}, {occurrence}, {id}, n, 'open', 'none', '9999z' {all}; \
         INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state) \
          SELECT {id}, {occurrence}, '{}', {id}, {at} - {each} + n, 'armed' {all} ORDER BY n, u; \
         ANALYZE",
        Uuid::from_u64_pair(7, 7),
    ));
}

/// Claims as a sweep does, and fires what it has claimed; gives how many that were, and what the claim has read.
fn fire_some(place: &Place, ids: &mut Counting, now: Timestamp) -> (usize, Pages) {
    let id = perennial_domain::Ids::next(ids).to_string();
    let claim = Claim {
        id,
        again: false,
        now,
        lease_for: 5_000,
        hold_for: 0,
        lanes: 100,
        per_lane: PER_LANE,
        shard: None,
    };
    let (pages, claimed) = place.read_by(|| place.store.claim_reminders(&claim).unwrap());
    let mut of_users: BTreeMap<UserId, Vec<DueReminder>> = BTreeMap::new();
    for due in claimed.into_iter().filter_map(|one| one.what.unwrap()) {
        of_users.entry(due.user.id.clone()).or_default().push(due);
    }
    for (user, due) in &of_users {
        let alarms: Vec<_> = due.iter().map(|due| &due.alarm).collect();
        let fires = fire_all(&mut Context { now, ..context(user, ids) }, &alarms, &[]);
        place.store.commit(&fires).unwrap();
    }
    (of_users.values().map(Vec::len).sum(), pages)
}

#[test]
#[ignore = "a measurement, not a test"]
fn a_claim_reads_more_the_more_was_done_under_a_held_snapshot() {
    let Some(place) = Place::new() else { return };
    furnish(&place, i64::try_from(FIRED[2]).unwrap() / USERS + 400);
    let mut ids = Counting::default();
    let mut session = place.session();
    let held = hold(&mut session);
    let (mut fired, mut claims) = (0, 0);
    for until in FIRED {
        let now = |claims: i64| NOON.plus_millis(claims * 1_000);
        while fired < until {
            fired += fire_some(&place, &mut ids, now(claims)).0;
            claims += 1;
        }
        let (look, _) = place.read_by(|| place.store.due_work(now(claims), tzdata_version()).unwrap());
        let began = Instant::now();
        let (some, claim) = fire_some(&place, &mut ids, now(claims));
        claims += 1;
        println!(
            "{fired} fired: a claim of {some} reads {} pages of work and {} of lanes, a look {} of lanes; claimed and fired in {:?}",
            claim["work"],
            claim["lane"],
            look["lane"],
            began.elapsed(),
        );
        fired += some;
    }
    drop(held);
    println!("{} rows are dead", place.dead());
    let (_, claim) = fire_some(&place, &mut ids, NOON.plus_millis(claims * 1_000));
    println!("vacuumed: {} pages of work and {} of lanes", claim["work"], claim["lane"]);
}
