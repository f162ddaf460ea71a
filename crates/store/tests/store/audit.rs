//! Audit entries stand in their user's chain, are sealed in turn by whoever comes, and are found by task, by user and by time.

use std::thread;

use perennial_audit::{Key, Verifier, What, Wrong};
use perennial_domain::*;
use perennial_fixture::{Counting, Fixture, NOON, WEEKLY, context, sqlite_only};
use perennial_recurrence::tzdata_version;
use perennial_store::*;
use uuid::Uuid;

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400_000;

/// Ids of version 7, of one second after the other from noon on.
struct InTime(u64);

impl Ids for InTime {
    fn next(&mut self) -> Uuid {
        self.0 = self.0.saturating_add(1);
        let millis = u64::try_from(NOON.as_millis()).unwrap().saturating_add(self.0.saturating_mul(1_000));
        Uuid::from_u64_pair(millis << 16 | 0x7000, 0x8000_0000_0000_0000 | self.0)
    }
}

/// Verifies a chain in pieces of so many links, as it is now.
fn verify(store: &impl AuditStore, user: &UserId, piece: u32) -> Result<i64, Wrong> {
    let state = store.chain(user).unwrap();
    let mut verifier = Verifier::new(user, state.erased);
    for _ in 0..10_000 {
        let links = store.links(user, verifier.seq(), piece, 1 << 20).unwrap();
        if links.is_empty() {
            break;
        }
        links.iter().try_for_each(|link| verifier.check(link))?;
    }
    verifier.end(&state, NOON)?;
    Ok(verifier.seq())
}

/// Seals until nothing waits.
fn seal_all(store: &impl SealStore) {
    for _ in 0..1_000 {
        if store.seal(NOON.plus_millis(100 * SECOND), 500).unwrap() == 0 {
            return;
        }
    }
    panic!("it never ends");
}

fn sealed(fixture: &Fixture, user: &UserId) -> i64 {
    fixture.store.chain(user).unwrap().sealed
}

#[test]
fn entries_are_sealed_in_the_order_of_their_commits() {
    let mut fixture = Fixture::new();
    let (ada, bo) = (fixture.user("ada"), fixture.user("bo"));
    for _ in 0..3 {
        let (task, occurrence) = fixture.task(&ada, WEEKLY);
        fixture.task(&bo, WEEKLY);
        fixture.complete(&ada, &task, &occurrence).unwrap();
    }
    let looks = |fixture: &Fixture| fixture.store.due_work(NOON, tzdata_version()).unwrap().seals;
    assert!(looks(&fixture));
    assert_eq!(fixture.store.oldest_unsealed(NOON.plus_millis(7 * SECOND)).unwrap(), Some(7 * SECOND));
    seal_all(&fixture.store);
    assert!(!looks(&fixture), "nothing waits");
    assert_eq!(fixture.store.oldest_unsealed(NOON).unwrap(), None);
    for (user, length) in [(&ada, 6), (&bo, 3), (&UserId::admin(), 2)] {
        for piece in [1, 2, 100] {
            assert_eq!(verify(&fixture.store, user, piece), Ok(length), "{user}");
        }
    }
    // Another round goes on where the last ended.
    fixture.task(&ada, WEEKLY);
    assert!(verify(&fixture.store, &ada, 3).is_ok(), "what was not sealed yet is not wrong");
    seal_all(&fixture.store);
    assert_eq!(verify(&fixture.store, &ada, 3), Ok(7));
}

#[test]
fn a_long_chain_takes_nothing_from_the_others() {
    let mut fixture = Fixture::new();
    let mallory = fixture.user("mallory");
    let input = serde_json::from_str(WEEKLY).unwrap();
    let many: Vec<Commit> =
        (0..2_000).map(|_| create_task(&mut fixture.context(&mallory), &input).unwrap().0).collect();
    fixture.store.apply(&many, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    let others: Vec<UserId> = (0..120).map(|number| fixture.user(&format!("user {number}"))).collect();
    others.iter().for_each(|user| drop(fixture.task(user, WEEKLY)));
    // Two rounds of a hundred chains: everyone had a turn, and mallory no more than a share.
    fixture.store.seal(NOON, 500).unwrap();
    fixture.store.seal(NOON, 500).unwrap();
    assert!(others.iter().all(|user| sealed(&fixture, user) == 1));
    assert!(sealed(&fixture, &mallory) < 500, "{}", sealed(&fixture, &mallory));
    // Alone it takes what there is.
    fixture.store.seal_of(&[UserId::admin()], NOON, 500).unwrap();
    let before = sealed(&fixture, &mallory);
    fixture.store.seal(NOON, 500).unwrap();
    assert_eq!(sealed(&fixture, &mallory), before + 500);
    seal_all(&fixture.store);
    assert_eq!(verify(&fixture.store, &mallory, 1_000), Ok(2_000));
}

#[test]
fn large_entries_are_sealed_some_at_a_time() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    for _ in 0..4 {
        let (mut commit, ..) =
            create_task(&mut fixture.context(&ada), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
        commit.audit.before = Some(serde_json::json!("x".repeat(3 << 20)));
        fixture.store.commit(&commit).unwrap();
    }
    fixture.store.seal(NOON, 500).unwrap();
    assert_eq!(sealed(&fixture, &ada), 1, "three megabytes, and not six");
    seal_all(&fixture.store);
    // A piece of the chain has one at least, and not all.
    assert_eq!(fixture.store.links(&ada, 0, 100, 1_000).unwrap().len(), 1);
    assert_eq!(verify(&fixture.store, &ada, 100), Ok(4));
}

/// Two sealers at once: each entry is sealed once, and no chain forks.
#[test]
fn two_who_seal_at_once_make_one_chain() {
    let mut fixture = Fixture::new();
    let users = ["ada", "bo", "cy"].map(|name| fixture.user(name));
    thread::scope(|scope| {
        for writer in 0..2_u64 {
            let (store, users) = (fixture.connection(), users.clone());
            scope.spawn(move || {
                let mut ids = Counting((writer + 1) * 1_000_000);
                let input = serde_json::from_str(WEEKLY).unwrap();
                for number in 0..60 {
                    let (commit, ..) =
                        create_task(&mut context(&users[number % 3], &mut ids), &input).unwrap();
                    store.commit(&commit).unwrap();
                }
            });
        }
        for _ in 0..2 {
            let store = fixture.connection();
            scope.spawn(move || {
                for round in 0..60 {
                    store.seal(NOON, 1 + round % 7).unwrap();
                }
            });
        }
    });
    seal_all(&fixture.store);
    for user in &users {
        assert_eq!(verify(&fixture.store, user, 7), Ok(40));
    }
    assert_eq!(fixture.count("seal"), 120 + 3, "and what the admin did");
}

/// Who decided upon an older place seals nothing.
#[test]
fn a_sealer_that_was_overtaken_changes_nothing() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    fixture.store.seal(NOON, 500).unwrap();
    let before = fixture.everything();
    sqlite_only!();
    let late = serde_json::json!({
        "user": ada, "from": 0, "again": 1, "anchor": 1,
        "seals": [{ "seq": 2, "id": "x", "at": 1, "digest": "x", "hash": "x" }],
    });
    fixture.rows(&format!("INSERT INTO seal_v6 (doc) VALUES ('{late}')"));
    assert_eq!(fixture.everything(), before);
}

#[test]
fn what_is_audited_is_neither_changed_nor_removed() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    seal_all(&fixture.store);
    let before = fixture.everything();
    for statement in [
        "UPDATE audit_v4 SET action = 'x'",
        "UPDATE audit_v4 SET before = '{}'",
        "UPDATE audit_v4 SET seq = seq + 1",
        "UPDATE audit_v4 SET salt = 'x'",
        "DELETE FROM audit_v4",
        "UPDATE seal SET hash = 'x'",
        "DELETE FROM seal",
    ] {
        let refused = fixture.try_rows(statement).unwrap_err();
        assert!(refused.contains("rule:audit"), "{statement}: {refused}");
    }
    assert_eq!(fixture.everything(), before);
}

/// What is wrong with one chain is told, and every other is sealed on.
#[test]
fn a_broken_chain_waits_and_holds_up_no_other() {
    for (what, broken, place) in [
        ("DELETE FROM audit_v4 WHERE seq = 2 AND user_id = '{}'", What::EntryMissing, 2),
        ("DELETE FROM seal WHERE seq = 1 AND user_id = '{}'", What::SealMissing, 1),
        (
            "INSERT INTO seal (user_id, seq, audit_id, at, digest, hash) VALUES ('{}', 2, 'x', 1, 'x', 'x')",
            What::SealChanged,
            2,
        ),
    ] {
        let mut fixture = Fixture::new();
        let (ada, bo) = (fixture.user("ada"), fixture.user("bo"));
        fixture.task(&ada, WEEKLY);
        fixture.store.seal(NOON, 500).unwrap();
        fixture.task(&ada, WEEKLY);
        fixture.task(&ada, WEEKLY);
        fixture.unguarded(&what.replace("{}", ada.as_str()));
        fixture.task(&bo, WEEKLY);
        fixture.store.seal(NOON, 500).unwrap();
        assert_eq!((sealed(&fixture, &ada), sealed(&fixture, &bo)), (1, 1), "{what}");
        let wrong = verify(&fixture.store, &ada, 10).unwrap_err();
        assert_eq!((wrong.what, wrong.seq), (broken, place), "{what}");
        assert_eq!(verify(&fixture.store, &bo, 10), Ok(1), "{what}");
        // It is looked at again in a minute, and what waits is seen.
        assert_eq!(fixture.store.seal(NOON.plus_millis(30 * SECOND), 500).unwrap(), 0, "{what}");
        assert_eq!(fixture.store.seal(NOON.plus_millis(61 * SECOND), 500).unwrap(), 1, "{what}");
        assert_eq!(fixture.store.oldest_unsealed(NOON.plus_millis(DAY)).unwrap(), Some(DAY), "{what}");
    }
}

#[test]
fn a_clock_that_went_back_keeps_nothing_from_being_sealed() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    let earlier = NOON.plus_millis(-30 * DAY);
    assert!(fixture.store.due_work(earlier, tzdata_version()).unwrap().seals);
    fixture.store.seal(earlier, 500).unwrap();
    assert_eq!(sealed(&fixture, &ada), 1);
}

#[test]
fn streams_that_are_named_are_sealed_at_once() {
    let mut fixture = Fixture::new();
    let (ada, bo) = (fixture.user("ada"), fixture.user("bo"));
    fixture.task(&ada, WEEKLY);
    fixture.task(&bo, WEEKLY);
    assert_eq!(fixture.store.seal_of(&[ada.clone(), UserId::new("nobody")], NOON, 500).unwrap(), 1);
    assert_eq!((sealed(&fixture, &ada), sealed(&fixture, &bo)), (1, 0));
    assert_eq!(fixture.store.seal_of(&[ada], NOON, 500).unwrap(), 0, "nothing waits there");
}

#[test]
fn a_chain_that_has_grown_is_anchored_within_a_day() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    seal_all(&fixture.store);
    assert_eq!(fixture.store.due_anchors(NOON, 10).unwrap(), DueAnchors::default());
    let tomorrow = NOON.plus_millis(DAY + 100 * SECOND);
    assert!(fixture.store.due_work(tomorrow, tzdata_version()).unwrap().anchors);
    let due = fixture.store.due_anchors(tomorrow, 10).unwrap();
    let head = due.heads.iter().find(|head| head.user == ada).unwrap().clone();
    assert_eq!((due.heads.len(), head.seq), (2, 1), "hers, and that of the admin who made her");
    assert_eq!(Some(&head.hash), fixture.store.hashes(&ada, &[1, 2]).unwrap().get(&1));
    // It grew between: it is due again.
    fixture.task(&ada, WEEKLY);
    seal_all(&fixture.store);
    let again = tomorrow.plus_millis(DAY);
    fixture.store.anchored(&due.heads, again).unwrap();
    assert_eq!(fixture.store.due_anchors(tomorrow, 10).unwrap().heads, []);
    let due = fixture.store.due_anchors(again, 10).unwrap();
    assert_eq!((due.heads.len(), due.heads[0].seq), (1, 2));
    fixture.store.anchored(&due.heads, again.plus_millis(DAY)).unwrap();
    assert!(!fixture.store.due_work(again.plus_millis(9 * DAY), tzdata_version()).unwrap().anchors);
    // Whoever comes late with an older look marks nothing.
    fixture.task(&ada, WEEKLY);
    seal_all(&fixture.store);
    fixture.store.anchored(&due.heads, NOON).unwrap();
    assert_eq!(fixture.store.due_anchors(tomorrow, 10).unwrap().heads.len(), 1);
}

/// What is too large to be sealed together is sealed one after the other: nobody waits as if their chain were broken.
#[test]
fn chains_that_do_not_fit_at_once_are_sealed_right_after() {
    let mut fixture = Fixture::new();
    let users: Vec<UserId> = (0..6).map(|number| fixture.user(&format!("user {number}"))).collect();
    for user in &users {
        fixture.task(user, WEEKLY);
    }
    fixture.unguarded(fixture.dialect(
        "UPDATE audit_v4 SET after = json_quote(hex(zeroblob(900000)))",
        "UPDATE audit_v4 SET after = to_jsonb(repeat('0', 1800000))",
    ));
    assert!(fixture.store.seal(NOON, 500).unwrap() > 0);
    let done = users.iter().filter(|user| sealed(&fixture, user) == 1).count();
    assert!((1..6).contains(&done), "{done} fit");
    for _ in 0..6 {
        fixture.store.seal(NOON, 500).unwrap();
    }
    assert_eq!(users.iter().map(|user| sealed(&fixture, user)).collect::<Vec<_>>(), [1; 6]);
    assert_eq!(fixture.count("stream WHERE seal_tries > 0"), 0);
}

/// Whose chain is broken can be erased all the same: a day later, without seals. What is wrong with it is told for ever.
#[test]
fn a_deleted_user_whose_chain_is_broken_is_erased_after_a_day() {
    for (what, broken, place) in [
        ("DELETE FROM audit_v4 WHERE seq = 2 AND user_id = '{}'", What::EntryMissing, 2),
        ("DELETE FROM seal WHERE user_id = '{}'", What::SealMissing, 1),
    ] {
        let mut fixture = Fixture::new();
        let ada = fixture.user("ada");
        fixture.task(&ada, WEEKLY);
        seal_all(&fixture.store);
        fixture.task(&ada, WEEKLY);
        fixture.task(&ada, WEEKLY);
        fixture.unguarded(&what.replace("{}", ada.as_str()));
        fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL");
        let commit = delete_user(&mut fixture.context(&UserId::admin()), &ada);
        fixture.store.commit(&commit).unwrap();
        let left = |fixture: &Fixture| fixture.count(&format!("audit_v4 WHERE user_id = '{ada}'"));
        let work = |fixture: &Fixture, from: i64, to: i64| {
            let mut turns = 0;
            for second in from..to {
                let now = NOON.plus_millis(second * SECOND);
                let due = fixture.store.due_work(now, tzdata_version()).unwrap();
                if due.seals {
                    fixture.store.seal(now, 500).unwrap();
                }
                if due.old {
                    turns += 1;
                    fixture.store.prune(now, 500).unwrap();
                }
            }
            turns
        };
        work(&fixture, 0, 30);
        assert!(left(&fixture) > 0, "{what}");
        let turns = work(&fixture, 3_600, 3_900);
        assert!((1..=6).contains(&turns), "{what}: {turns} turns in five minutes");
        assert!(left(&fixture) > 0, "{what}");
        work(&fixture, 86_400, 86_600);
        assert_eq!(left(&fixture), 0, "{what}");
        assert_eq!(work(&fixture, 86_600, 86_800), 0, "{what}: it is done");
        let wrong = verify(&fixture.store, &ada, 10).unwrap_err();
        assert_eq!((wrong.what, wrong.seq), (broken, place), "{what}");
    }
}

#[test]
fn anchors_that_could_not_be_kept_come_again_later() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    seal_all(&fixture.store);
    let tomorrow = NOON.plus_millis(DAY + 100 * SECOND);
    let due = fixture.store.due_anchors(tomorrow, 10).unwrap();
    let chains: Vec<_> = due.heads.iter().map(|head| (head.user.clone(), head.due_at)).collect();
    let later = tomorrow.plus_millis(600 * SECOND);
    fixture.store.put_off_anchors(&chains, later).unwrap();
    assert_eq!(fixture.store.due_anchors(tomorrow, 10).unwrap().heads, []);
    assert_eq!(fixture.store.due_anchors(later, 10).unwrap().heads.len(), 2);
    // Whose last seal is gone is told apart.
    fixture.unguarded(&format!("DELETE FROM seal WHERE user_id = '{ada}'"));
    let due = fixture.store.due_anchors(later, 10).unwrap();
    assert_eq!((due.heads.len(), due.broken), (1, vec![(ada, later)]));
}

#[test]
fn a_deleted_user_leaves_a_chain_that_is_right_and_nothing_else() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (task, occurrence) = fixture.task(&ada, WEEKLY);
    fixture.store.seal(NOON, 500).unwrap();
    fixture.complete(&ada, &task, &occurrence).unwrap();
    let key = Key::new("thirty-two characters, or some more");
    let hash = fixture.store.hashes(&ada, &[1]).unwrap().remove(&1).unwrap();
    let anchor = perennial_audit::Anchor::sign(&key, &ada, (1, &hash), NOON);
    fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL");
    let commit = delete_user(&mut fixture.context(&UserId::admin()), &ada);
    fixture.store.commit(&commit).unwrap();
    // What is not sealed yet waits for it.
    for _ in 0..5 {
        fixture.store.prune(NOON, 500).unwrap();
    }
    assert_eq!(fixture.count(&format!("audit_v4 WHERE user_id = '{ada}'")), 1);
    assert_eq!(verify(&fixture.store, &ada, 10), Ok(1));
    seal_all(&fixture.store);
    for _ in 0..5 {
        fixture.store.prune(NOON.plus_millis(60 * SECOND), 500).unwrap();
    }
    assert_eq!(fixture.count(&format!("audit_v4 WHERE user_id = '{ada}'")), 0);
    assert!(!fixture.store.due_work(NOON.plus_millis(DAY / 2), tzdata_version()).unwrap().old, "it is done");
    let state = fixture.store.chain(&ada).unwrap();
    assert_eq!((state.erased, state.audited, state.sealed), (true, 2, 2));
    assert_eq!(verify(&fixture.store, &ada, 10), Ok(2));
    assert_eq!(perennial_audit::check_anchor(&anchor, &key, Some(&hash)), Ok(()));
    // What is left of the chain says nothing of what was in it.
    let left = format!("{:?}", fixture.rows(&format!("SELECT * FROM seal WHERE user_id = '{ada}'")));
    assert!(!left.contains("Bins") && !left.contains(&task.id.to_string()), "{left}");
}

/// A task's life, one change a second from noon on: made, changed, completed, fired, changed, deleted.
fn life(fixture: &mut Fixture, user: &UserId) -> (Task, Vec<String>) {
    let mut ids = InTime(0);
    let mut changes = Vec::new();
    let mut seconds = 0;
    let mut commit = |fixture: &Fixture, commit: &mut Commit| {
        seconds = i64::saturating_add(seconds, 1);
        commit.at = NOON.plus_millis(seconds.saturating_mul(SECOND));
        fixture.store.commit(commit).unwrap();
        changes.push(commit.audit.action.clone());
    };
    let input = serde_json::from_str(WEEKLY).unwrap();
    let (mut made, task, occurrence) = create_task(&mut context(user, &mut ids), &input).unwrap();
    commit(fixture, &mut made);
    let state = |fixture: &Fixture| fixture.state(user, &task, Some(&occurrence.recurrence_id));
    let renamed = |title: &str| TaskInput { title: title.to_owned(), ..input.clone() };
    let now = state(fixture);
    commit(fixture, &mut update_task(&mut context(user, &mut ids), &now, &renamed("Bins out")).unwrap().0);
    let now = state(fixture);
    let Completion::Closes(mut closes, _) = complete(&mut context(user, &mut ids), &now).unwrap() else {
        panic!("open")
    };
    commit(fixture, &mut closes);
    let now = state(fixture);
    let Plan::Opens(mut opens, _) = plan_successor(&mut context(user, &mut ids), &now).unwrap() else {
        panic!("owed")
    };
    commit(fixture, &mut opens);
    let now = state(fixture);
    commit(fixture, &mut update_task(&mut context(user, &mut ids), &now, &renamed("Bins in")).unwrap().0);
    let now = state(fixture);
    commit(fixture, &mut delete_task(&mut context(user, &mut ids), &now));
    (task, changes)
}

/// All entries of a list, page by page of so many.
fn listed(store: &impl AuditStore, user: &UserId, asked: &Audited, limit: usize) -> Vec<String> {
    let (mut after, mut found) = (None, Vec::new());
    for _ in 0..100 {
        let page = store.audited(user, asked, after.as_ref(), limit).unwrap();
        assert!(page.entries.len() <= limit);
        found.extend(page.entries.into_iter().map(|(entry, _)| entry.action));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
    panic!("it never ends");
}

#[test]
fn entries_are_found_by_task_by_user_and_by_time() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (task, mut changes) = life(&mut fixture, &ada);
    let (other, _) = fixture.task(&ada, r#"{ "title": "Other" }"#);
    seal_all(&fixture.store);
    changes.reverse();
    let of_task = |task: &Task| Audited { subject: Some(task.id.to_string()), ..Audited::default() };
    let second = |second: i64| Some(NOON.plus_millis(second * SECOND));
    for limit in [1, 2, 3, 100] {
        assert_eq!(listed(&fixture.store, &ada, &of_task(&task), limit), changes, "by {limit}");
        assert_eq!(listed(&fixture.store, &ada, &of_task(&other), limit), ["task.create"]);
        let between = Audited { from: second(2), until: second(5), ..Audited::default() };
        assert_eq!(listed(&fixture.store, &ada, &between, limit), changes[2..5], "by {limit}");
        assert_eq!(
            listed(&fixture.store, &ada, &Audited { subject: of_task(&task).subject, ..between }, limit),
            changes[2..5]
        );
        assert_eq!(listed(&fixture.store, &eve, &of_task(&task), limit), Vec::<String>::new());
        assert_eq!(listed(&fixture.store, &eve, &Audited::default(), limit), Vec::<String>::new());
    }
    let all = fixture.store.audited(&ada, &Audited::default(), None, 100).unwrap().entries;
    assert_eq!(all.len(), 7);
    for (entry, seal) in all {
        assert_eq!((entry.user, seal.unwrap().seq), (ada.clone(), entry.seq));
    }
    // A task that is forgotten is still told of.
    for _ in 0..9 {
        fixture.store.prune(NOON.plus_millis(31 * DAY), 500).unwrap();
    }
    assert_eq!(fixture.count(&format!("task WHERE id = '{}'", task.id)), 0);
    assert_eq!(listed(&fixture.store, &ada, &of_task(&task), 2), changes);
}

#[test]
fn a_page_ends_where_its_entries_are_large() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    for _ in 0..5 {
        let (mut commit, ..) =
            create_task(&mut fixture.context(&ada), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
        commit.audit.before = Some(serde_json::json!("x".repeat(100 << 10)));
        fixture.store.commit(&commit).unwrap();
    }
    let page = fixture.store.audited(&ada, &Audited::default(), None, 100).unwrap();
    assert_eq!((page.entries.len(), page.next.is_some()), (2, true));
    assert_eq!(listed(&fixture.store, &ada, &Audited::default(), 100).len(), 5);
}

/// What lies between is looked at in pieces, and the end is reached.
#[test]
fn a_walk_is_bounded_and_gone_on_with() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (task, _) = fixture.task(&ada, WEEKLY);
    // In SQLite a trigger gives each its place and its salt.
    let (columns, values) = (fixture.dialect("", ", seq, salt"), fixture.dialect("", ", n + 1, 'x'"));
    fixture.rows(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) \
         INSERT INTO audit_v4 (user_id, told, id, at, actor, action, subject, correlation_id, tzdata{columns}) \
         SELECT '{ada}', false, '0198c0de-0000-7000-8000-' || substr(CAST(1000000000000 + n AS TEXT), 2), {} + n, 'x', \
         'reminder.fire', '{}', 'x', 'x'{values} FROM n",
        NOON.as_millis() - DAY,
        task.id
    ));
    let first =
        Audited { subject: Some(task.id.to_string()), until: Some(NOON.plus_millis(10 - DAY)), from: None };
    let page = fixture.store.audited(&ada, &first, None, 5).unwrap();
    assert_eq!((page.entries.len(), page.next.is_some()), (0, true));
    assert_eq!(listed(&fixture.store, &ada, &first, 5).len(), 9);
}

#[test]
fn a_task_is_told_as_it_was() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (task, _) = life(&mut fixture, &ada);
    let id = task.id.to_string();
    let at = |user: &UserId, seconds: i64| {
        let (entries, is_whole) =
            fixture.store.audited_at(user, &id, NOON.plus_millis(seconds * SECOND), 10).unwrap();
        assert!(is_whole);
        entries.into_iter().map(|entry| entry.action).collect::<Vec<_>>()
    };
    assert_eq!(at(&ada, 0), Vec::<String>::new());
    assert_eq!(at(&ada, 1), ["task.create"]);
    assert_eq!(at(&ada, 2), ["task.update"]);
    assert_eq!(at(&ada, 4), ["task.complete", "task.update"]);
    assert_eq!(at(&ada, 9), ["task.delete", "task.complete"]);
    assert_eq!(at(&eve, 9), Vec::<String>::new());
    assert!(
        !fixture.store.audited_at(&ada, &id, NOON.plus_millis(9 * SECOND), 0).unwrap().1,
        "there are more"
    );
}
