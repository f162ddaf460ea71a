//! What a claim reads for the work that was done since a snapshot was taken.

use std::collections::BTreeMap;
use std::time::Instant;

use perennial_domain::{Context, Timestamp, UserId, fire_all};
use perennial_fixture::{Counting, NOON, context};
use perennial_recurrence::tzdata_version;
use perennial_store::{Claim, DueReminder, Share, Store, WorkStore};
use uuid::Uuid;

use super::place::{Pages, Place, hold};

/// Users, each with a task of many occurrences and a channel.
const USERS: i64 = 32;

const HOUR: i64 = 3_600_000;

/// The id of the user `u`, of their task and of their channel.
const ID: &str = "('0198c0de-0000-7000-8000-' || lpad(to_hex(u), 12, '0'))";

fn users() -> String {
    format!("FROM generate_series(1, {USERS}) AS u")
}

/// Users, each with a task.
fn furnish(place: &Place) {
    place.run(&format!(
        "INSERT INTO account (id, name, role, tz, created_at) SELECT {ID}, 'x', 'member', 'Europe/Berlin', 0 {users}; \
         INSERT INTO task (id, user_id, version, title, description, priority, tags, reminders, status, created_at, updated_at, has_words) \
          SELECT {ID}, {ID}, 1, 'x', '', 'none', '[]', '[]', 'open', 0, 0, true {users}",
        users = users(),
    ));
}

/// So many reminders of each user, of one instant after the other, all due at noon.
fn arm(place: &Place, each: i64) {
    let at = NOON.as_millis();
    let occurrence = "(to_char(timestamp '2026-01-01' + n * interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '[Europe/Berlin]')";
    let all = format!("{}, generate_series(1, {each}) AS n", users());
    place.run(&format!(
        "INSERT INTO occurrence (task_id, recurrence_id, user_id, ordinal, status, succession, tzdata) \
          SELECT {ID}, {occurrence}, {ID}, n, 'open', 'none', '9999z' {all}; \
         INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state) \
          SELECT {ID}, {occurrence}, '{}', {ID}, {at} - {each} + n, 'armed' {all} ORDER BY n, u; \
         ANALYZE",
        Uuid::from_u64_pair(7, 7),
    ));
}

fn claim(ids: &mut Counting, now: Timestamp, per_lane: u32) -> Claim {
    let id = perennial_domain::Ids::next(ids).to_string();
    Claim { id, again: false, now, lease_for: 5_000, hold_for: 0, lanes: 100, per_lane, shard: None }
}

/// Claims as a sweep does, and fires what it has claimed; gives how many that were, what the claim has read, and what was read to fire them.
fn fire_some(place: &Place, ids: &mut Counting, now: Timestamp, per_lane: u32) -> (usize, Pages, Pages) {
    let claim = claim(ids, now, per_lane);
    let (pages, claimed) = place.read_by(|| place.store.claim_reminders(&claim).unwrap());
    let mut of_users: BTreeMap<UserId, Vec<DueReminder>> = BTreeMap::new();
    for due in claimed.into_iter().filter_map(|one| one.what.unwrap()) {
        of_users.entry(due.user.id.clone()).or_default().push(due);
    }
    let (fired, ()) = place.read_by(|| {
        for (user, due) in &of_users {
            let alarms: Vec<_> = due.iter().map(|due| &due.alarm).collect();
            let fires = fire_all(&mut Context { now, ..context(user, ids) }, &alarms, &[]);
            place.store.commit(&fires).unwrap();
        }
    });
    (of_users.values().map(Vec::len).sum(), pages, fired)
}

/// Pages of the lists of work.
fn of_lists(pages: &Pages) -> i64 {
    pages["work"] + pages["lane"]
}

#[test]
fn a_claim_reads_as_much_however_much_was_done_under_a_held_snapshot() {
    let Some(place) = Place::new() else { return };
    furnish(&place);
    arm(&place, 400);
    let mut ids = Counting::default();
    let mut session = place.session();
    let held = hold(&mut session);
    let mut seconds = 0;
    let mut fires = |per_lane| {
        seconds += 1;
        fire_some(&place, &mut ids, NOON.plus_millis(seconds * 1_000), per_lane)
    };
    // The first makes the lanes of what was begun.
    fires(5);
    let (few, early, fired_early) = fires(5);
    let many: usize = (0..5).map(|_| fires(70).0).sum();
    assert_eq!((few, many), (160, 350 * 32));
    let (late_few, late, fired_late) = fires(5);
    assert_eq!(late_few, few);
    for (what, early, late) in [("claimed", early, late), ("fired", fired_early, fired_late)] {
        let (early, late) = (of_lists(&early), of_lists(&late));
        println!("{what}: {early} pages, later {late}");
        assert!(late <= 2 * early, "{what}: {early} pages became {late}");
    }
    assert!(place.dead() > 20_000, "what the snapshot may still see is kept");
    drop(held);
}

/// Whose notifications are claimed: of each some, one by one.
const SHARE: [Share; 1] = [Share { proven: false, endpoints: 100, per_endpoint: 5, per_user: 1 }];

#[test]
fn so_does_one_of_notifications() {
    let Some(place) = Place::new() else { return };
    furnish(&place);
    let at = NOON.as_millis();
    place.run(&format!(
        "INSERT INTO channel (id, user_id, kind, config, created_at) SELECT {ID}, {ID}, 'webhook', \
          '{{\"type\": \"webhook\", \"url\": \"https://hooks.example.com\", \"secret\": \"whsec_AAAA\"}}', 0 {users}; \
         INSERT INTO notification (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, created_at, \
          next_attempt_at) SELECT gen_random_uuid(), {ID}, {ID}, '', 'x', {ID}, n, 'pending', '{{}}', 0, {at} - 400 + n \
          {users}, generate_series(1, 400) AS n ORDER BY n, u; \
         ANALYZE",
        users = users(),
    ));
    let mut ids = Counting::default();
    let mut session = place.session();
    let held = hold(&mut session);
    let mut seconds = 0;
    let mut delivers = |per_endpoint| {
        // Longer than a lease: those that have not ended by then are looked at.
        seconds += 6;
        let claim = claim(&mut ids, NOON.plus_millis(seconds * 1_000), 0);
        let shares = SHARE.map(|share| Share { per_endpoint, ..share });
        let (pages, claimed) = place.read_by(|| place.store.claim_shares(&claim, &shares).unwrap());
        let work: Vec<_> = claimed.iter().map(|one| one.ticket.id.to_string()).collect();
        place.run(&format!(
            "UPDATE notification SET state = 'delivered', next_attempt_at = NULL \
             WHERE id IN (SELECT item FROM work WHERE id IN ({}))",
            work.join(",")
        ));
        (claimed.len(), of_lists(&pages))
    };
    delivers(5);
    let (few, early) = delivers(5);
    let many: usize = (0..5).map(|_| delivers(70).0).sum();
    assert_eq!((few, many), (160, 350 * 32));
    let (late_few, late) = delivers(5);
    println!("{early} pages, later {late}");
    assert_eq!(late_few, few);
    assert!(late <= 2 * early, "{early} pages became {late}");
    drop(held);
}

/// What somebody has put into a lane past the triggers, before the place from where on it is looked through.
fn hide(place: &Place, wake_at: i64) {
    place.run(&format!(
        "SET session_replication_role = replica; \
         INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at) \
          SELECT 'reminder', {ID}, {ID}, {ID}, '', '{wake_at}', {wake_at} {users}; \
         RESET session_replication_role",
        users = users(),
    ));
}

#[test]
fn what_waits_before_the_place_that_a_lane_tells_is_found_within_an_hour() {
    let Some(place) = Place::new() else { return };
    furnish(&place);
    arm(&place, 40);
    let mut ids = Counting::default();
    let mut claims = |now: Timestamp| {
        place.store.claim_reminders(&claim(&mut ids, now, 5)).unwrap();
        place.count("work WHERE recurrence_id = '' AND again")
    };
    assert_eq!(claims(NOON), 0);
    hide(&place, NOON.as_millis() - HOUR);
    claims(NOON.plus_millis(1_000));
    assert_eq!(claims(NOON.plus_millis(HOUR)), USERS);
    // One that leaves from there says that the lane tells wrong.
    hide(&place, 1);
    hide(&place, 2);
    place.run("DELETE FROM work WHERE item = '1'");
    assert_eq!(place.count("lane WHERE kind = 'reminder' AND NOT again AND next_at = 2"), USERS);
}

/// How many reminders have fired when a claim is looked at.
const FIRED: [usize; 3] = [0, 10_000, 50_000];

/// Reminders of each user in a claim.
const PER_LANE: u32 = 25;

#[test]
#[ignore = "a measurement, not a test"]
fn what_a_claim_reads_at_length() {
    let Some(place) = Place::new() else { return };
    furnish(&place);
    arm(&place, i64::try_from(FIRED[2]).unwrap() / USERS + 400);
    let mut ids = Counting::default();
    let mut session = place.session();
    let held = hold(&mut session);
    let (mut fired, mut claims) = (0, 0);
    for until in FIRED {
        let now = |claims: i64| NOON.plus_millis(claims * 1_000);
        while fired < until {
            fired += fire_some(&place, &mut ids, now(claims), PER_LANE).0;
            claims += 1;
        }
        let (look, _) = place.read_by(|| place.store.due_work(now(claims), tzdata_version()).unwrap());
        let began = Instant::now();
        let (some, claim, fires) = fire_some(&place, &mut ids, now(claims), PER_LANE);
        claims += 1;
        println!(
            "{fired} fired: a claim of {some} reads {} pages of work and {} of lanes, to fire them {} and {}, a look {} of lanes; claimed and fired in {:?}",
            claim["work"],
            claim["lane"],
            fires["work"],
            fires["lane"],
            look["lane"],
            began.elapsed(),
        );
        fired += some;
    }
    drop(held);
    println!("{} rows are dead", place.dead());
    let (_, claim, _) = fire_some(&place, &mut ids, NOON.plus_millis(claims * 1_000), PER_LANE);
    println!("vacuumed: {} pages of work and {} of lanes", claim["work"], claim["lane"]);
}
