//! Dead letters: kept once, open again when given up again, changed as they were read, sent again by one at a time.

use std::collections::BTreeMap;

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, WEEKLY, sqlite_only};
use perennial_store::*;

const CONSUMER: &str = "recurrence-scheduler";

/// A letter of the user's event number `number`.
fn letter(user: &UserId, number: i64) -> Letter {
    Letter {
        topic: "task-events".to_owned(),
        event_id: format!("event-{number}"),
        consumer: Some(CONSUMER),
        consumers: Vec::new(),
        hearers: BTreeMap::new(),
        user: user.as_str().to_owned(),
        stream: user.as_str().to_owned(),
        sequence: number,
        kind: "task.completed".to_owned(),
        subject: format!("task-{number}"),
        event: format!("{{\"number\":{number}}}"),
        error: "no".to_owned(),
        error_class: ErrorClass::Permanent,
        instance: "test",
    }
}

fn all(fixture: &Fixture, filter: LetterFilter) -> Vec<KeptLetter> {
    fixture.store.letters(&filter, 0, 100).unwrap().letters
}

fn statuses(fixture: &Fixture) -> Vec<LetterStatus> {
    all(fixture, LetterFilter::default()).into_iter().map(|letter| letter.status).collect()
}

/// What an admin's request changes.
fn change(fixture: &mut Fixture, action: LetterAction, letters: &[KeptLetter]) -> Commit {
    let expected = letters.iter().map(|letter| ExpectLetter {
        place: letter.place,
        user_id: letter.user_id.clone(),
        status: letter.status,
    });
    let expected = expected.collect();
    change_letters(&mut fixture.context(&UserId::admin()), action, expected, "dead-letters", true.into())
}

#[test]
fn what_is_given_up_again_is_one_letter_and_open_again() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let keep = |fixture: &Fixture, minute: i64| {
        let at = NOON.plus_millis(minute * 60_000);
        let kept = fixture.store.keep_letters(&[letter(&ada, 1), letter(&ada, 2)], at).unwrap();
        assert_eq!(kept, [Keeping::Kept; 2]);
    };
    keep(&fixture, 0);
    keep(&fixture, 5);
    let [first, second] = all(&fixture, LetterFilter::default()).try_into().unwrap();
    assert_eq!((first.tries, first.first_at, first.last_at), (2, NOON, NOON.plus_millis(300_000)));
    assert_eq!(fixture.store.letter(&first.id).unwrap().unwrap().event.as_deref(), Some("{\"number\":1}"));
    assert_eq!(fixture.count("work WHERE kind = 'event' AND parked_at IS NOT NULL AND tries = 2"), 2);
    assert_eq!(
        fixture.count("tally WHERE name = 'dlq_events_total{topic=\"task-events\"}' AND value = 2"),
        1
    );

    // One is put away, the other is sent again: given up once more, only that is open.
    let commit = change(&mut fixture, LetterAction::Discard, &[first]);
    fixture.store.commit(&commit).unwrap();
    let commit = change(&mut fixture, LetterAction::Replay, &[second]);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'event'"), 0);
    keep(&fixture, 9);
    assert_eq!(statuses(&fixture), [LetterStatus::Discarded, LetterStatus::Open]);
    assert_eq!(fixture.count("work WHERE kind = 'event' AND tries = 3"), 1);
    assert_eq!(
        fixture.count("tally WHERE name = 'dlq_events_total{topic=\"task-events\"}' AND value = 3"),
        1
    );
}

#[test]
fn a_letter_is_its_users_and_of_who_was_deleted_there_is_none() {
    let mut fixture = Fixture::new();
    let (ada, gone) = (fixture.user("ada"), fixture.user("gone"));
    let commit = delete_user(&mut fixture.context(&UserId::admin()), &gone);
    fixture.store.commit(&commit).unwrap();
    let stranger = UserId::new("nobody we know");
    let letters = [letter(&ada, 1), letter(&gone, 2), letter(&stranger, 3)];
    let kept = fixture.store.keep_letters(&letters, NOON).unwrap();
    assert_eq!(kept, [Keeping::Kept, Keeping::Deleted, Keeping::Kept]);
    let owners: Vec<String> = all(&fixture, LetterFilter::default()).into_iter().map(|l| l.user_id).collect();
    assert_eq!(owners, [ada.as_str(), ""]);
    // Its owner finds it by their own id alone.
    let found = |user: &UserId| fixture.store.letter_of(user, "event-1", CONSUMER).unwrap().is_some();
    assert!(found(&ada) && !found(&stranger) && !found(&UserId::admin()));
}

/// Whoever reaches a broker can put anything there under the id of an event: a letter of it is its owner's all the same.
#[test]
fn what_was_told_here_is_whose_it_is_whatever_a_message_says() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    fixture.task(&ada, WEEKLY);
    let told = fixture.store.events(&ada, 0, 1).unwrap().events.remove(0);
    let forged = Letter { event_id: told.event_id.clone(), ..letter(&eve, 99) };
    let stream = |stream: &str| Letter { stream: stream.to_owned(), ..forged.clone() };
    for (number, (given, kept)) in
        [(eve.as_str(), ada.as_str()), ("eve|07", ada.as_str()), (&format!("{ada}|07"), &format!("{ada}|07"))]
            .into_iter()
            .enumerate()
    {
        fixture.rows("DELETE FROM dead_letter");
        assert_eq!(fixture.store.keep_letters(&[stream(given)], NOON).unwrap(), [Keeping::Kept], "{number}");
        let [found] = all(&fixture, LetterFilter::default()).try_into().unwrap();
        assert_eq!((found.user_id.as_str(), found.kind.as_str()), (ada.as_str(), told.kind.as_str()));
        let place = format!(
            "dead_letter WHERE stream_id = '{kept}' AND sequence = {} AND subject = '{}'",
            told.sequence, told.subject
        );
        assert_eq!(fixture.count(&place), 1, "{place}");
    }
    // The true one, given up later, is the same letter.
    let own = Letter { event_id: told.event_id.clone(), ..letter(&ada, told.sequence) };
    fixture.store.keep_letters(&[own], NOON).unwrap();
    assert_eq!(fixture.count("dead_letter WHERE tries = 2"), 1);
    assert_eq!(fixture.count(&format!("work WHERE kind = 'event' AND user_id = '{ada}'")), 1);
}

/// What everybody who acts upon it has applied is no letter, whatever type a message says that it is of.
#[test]
fn what_was_applied_is_applied_whatever_type_a_message_names() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    let told = fixture.store.events(&ada, 0, 1).unwrap().events.remove(0);
    let forged = Letter {
        event_id: told.event_id.clone(),
        consumer: None,
        hearers: BTreeMap::from([("task.created", vec![CONSUMER])]),
        ..letter(&ada, 1)
    };
    fixture.rows(&format!(
        "INSERT INTO inbox (consumer, event_id, at) VALUES ('{CONSUMER}', '{}', 1)",
        told.event_id
    ));
    assert_eq!(fixture.store.keep_letters(std::slice::from_ref(&forged), NOON).unwrap(), [Keeping::Applied]);
    fixture.rows("DELETE FROM inbox");
    assert_eq!(fixture.store.keep_letters(&[forged], NOON).unwrap(), [Keeping::Kept]);
    assert_eq!(all(&fixture, LetterFilter::default())[0].consumer, CONSUMER);
}

/// Who was overtaken does not know what became of an event since.
#[test]
fn who_was_overtaken_keeps_no_letter() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    let at = |seconds: i64| NOON.plus_millis(seconds * 1_000);
    let lease = |seconds| fixture.store.lease_stream(&ada.stream(), at(seconds), 1).unwrap().unwrap();
    let (first, second) = (lease(60), lease(120));
    let bury = |lease: &Lease| {
        let letter = DeadLetter {
            stream: ada.stream(),
            fence: lease.fence,
            sequence: 1,
            published_in: ada.stream().to_string(),
            event: "{}".to_owned(),
            reason: "no".to_owned(),
            class: ErrorClass::Transient,
        };
        fixture.store.bury(&[letter], NOON).unwrap();
        fixture.count("dead_letter")
    };
    assert_eq!((bury(&first), bury(&second)), (0, 1));
}

/// A letter can be as large as an event: counting reads none of them.
#[test]
fn letters_of_nobody_are_counted_without_reading_them() {
    sqlite_only!();
    let fixture = Fixture::new();
    let plan = fixture.rows(
        "EXPLAIN QUERY PLAN SELECT count(*) FROM (SELECT 1 FROM dead_letter WHERE user_id = '' AND status = 'open' LIMIT 10000)",
    );
    assert!(format!("{plan:?}").contains("COVERING INDEX dead_letter_of_nobody_v7"), "{plan:?}");
}

/// Whoever reaches a broker can make as many as they like.
#[test]
fn of_what_is_nobodys_no_more_is_kept_than_there_is_room_for() {
    let mut fixture = Fixture::new();
    let (ada, nobody) = (fixture.user("ada"), UserId::new(""));
    fixture.store.keep_letters(&[letter(&nobody, 1)], NOON).unwrap();
    fixture.rows(
        "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 9999) \
         INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class, \
         tries, first_at, last_at, instance, status, status_at, event) \
         SELECT CAST(n AS TEXT), user_id, topic, CAST(n AS TEXT), consumer, stream_id, sequence, type, CAST(n AS TEXT), error, error_class, tries, first_at, last_at, instance, \
         status, status_at, event FROM dead_letter, n",
    );
    let more = [letter(&nobody, 1), letter(&nobody, 10_000), letter(&nobody, 10_001), letter(&ada, 10_002)];
    let kept = fixture.store.keep_letters(&more, NOON).unwrap();
    assert_eq!(kept, [Keeping::Kept, Keeping::Kept, Keeping::NoRoom, Keeping::Kept]);
    assert_eq!(fixture.count("dead_letter"), 10_001);
    assert_eq!(
        fixture.count("tally WHERE name = 'dlq_dropped_total{topic=\"task-events\"}' AND value = 1"),
        1
    );
}

/// A broker does not say who gave up: it is who acts upon the event and has not applied it.
#[test]
fn a_brokers_letter_is_of_the_first_consumer_that_has_not_applied_the_event() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.rows("INSERT INTO inbox (consumer, event_id, at) VALUES ('one', 'event-1', 1), ('one', 'event-2', 1), ('two', 'event-2', 1)");
    let of = |number| Letter { consumer: None, consumers: vec!["one", "two"], ..letter(&ada, number) };
    let kept = fixture.store.keep_letters(&[of(1), of(2), of(3)], NOON).unwrap();
    assert_eq!(kept, [Keeping::Kept, Keeping::Applied, Keeping::Kept]);
    assert_eq!(fixture.count("tally WHERE name LIKE 'duplicate_events_total%' AND value = 1"), 2);
    let consumers: Vec<String> =
        all(&fixture, LetterFilter::default()).into_iter().map(|l| l.consumer).collect();
    assert_eq!(consumers, ["two", "one"], "all have applied the second");
}

#[test]
fn a_list_shows_what_is_asked_for_in_order_and_says_where_it_ended() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let other = |user, number| Letter {
        topic: "reminders".to_owned(),
        consumer: Some("notifier"),
        ..letter(user, number)
    };
    let letters = [letter(&ada, 1), other(&ada, 2), letter(&eve, 3), other(&eve, 4), letter(&ada, 5)];
    fixture.store.keep_letters(&letters, NOON).unwrap();
    let every = all(&fixture, LetterFilter::default());
    let commit = change(&mut fixture, LetterAction::Discard, &every[4..]);
    fixture.store.commit(&commit).unwrap();
    let text = |text: &str| Some(text.to_owned());
    let open = Some(LetterStatus::Open);
    let none = LetterFilter::default;
    let cases = [
        (none(), vec![1, 2, 3, 4, 5]),
        (LetterFilter { status: open, ..none() }, vec![1, 2, 3, 4]),
        (LetterFilter { status: Some(LetterStatus::Discarded), ..none() }, vec![5]),
        (LetterFilter { topic: text("reminders"), ..none() }, vec![2, 4]),
        (LetterFilter { consumer: text("notifier"), status: open, ..none() }, vec![2, 4]),
        (LetterFilter { user: text(ada.as_str()), ..none() }, vec![1, 2, 5]),
        (
            LetterFilter { user: text(ada.as_str()), status: open, topic: text("task-events"), ..none() },
            vec![1],
        ),
        (LetterFilter { kind: text("task.deleted"), ..none() }, vec![]),
        (
            LetterFilter {
                ids: Some(vec![every[3].id.clone(), every[0].id.clone(), "x".to_owned()]),
                ..none()
            },
            vec![1, 4],
        ),
        (LetterFilter { ids: Some(vec![every[3].id.clone()]), user: text(ada.as_str()), ..none() }, vec![]),
    ];
    for (filter, expected) in cases {
        let found = all(&fixture, filter.clone());
        let numbers: Vec<i64> = found.iter().map(|letter| letter.place).collect();
        let expected: Vec<i64> = expected.iter().map(|number| every[number - 1].place).collect();
        assert_eq!(numbers, expected, "{filter:?}");
        assert!(found.iter().all(|letter| letter.event.is_none()), "a list tells no event");
        // Page by page it is the same.
        let (mut after, mut paged) = (0, Vec::new());
        while let Some(letter) = fixture.store.letters(&filter, after, 1).unwrap().letters.pop() {
            after = letter.place;
            paged.push(after);
        }
        assert_eq!(paged, expected, "{filter:?}");
    }
}

/// What is rare among very many is found in the end, a bounded number of rows at a time.
#[test]
fn a_page_looks_at_a_bounded_number_and_says_where_to_go_on() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    for from in (0..12_000).step_by(3_000) {
        let many: Vec<Letter> = (from..from + 3_000).map(|number| letter(&ada, number)).collect();
        fixture.store.keep_letters(&many, NOON).unwrap();
    }
    let rare = Letter { kind: "task.rare".to_owned(), ..letter(&ada, 12_001) };
    fixture.store.keep_letters(&[rare], NOON).unwrap();
    for filter in [
        LetterFilter { kind: Some("task.rare".to_owned()), ..LetterFilter::default() },
        LetterFilter {
            kind: Some("task.rare".to_owned()),
            status: Some(LetterStatus::Open),
            ..LetterFilter::default()
        },
        LetterFilter {
            kind: Some("task.rare".to_owned()),
            user: Some(ada.to_string()),
            ..LetterFilter::default()
        },
    ] {
        let first = fixture.store.letters(&filter, 0, 10).unwrap();
        assert_eq!((first.letters.len(), first.end), (0, Some(10_000)), "{filter:?}");
        let second = fixture.store.letters(&filter, 10_000, 10).unwrap();
        assert_eq!((second.letters.len(), second.end), (1, None), "{filter:?}");
    }
}

/// Invariants 1 and 12: a change, its audit entry and its answer are one statement; what was read must still be so, and an equal
/// request has one effect.
#[test]
fn a_change_of_letters_is_applied_whole_once_and_as_they_were_read() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.store.keep_letters(&[letter(&ada, 1), letter(&ada, 2)], NOON).unwrap();
    let read = all(&fixture, LetterFilter::default());
    let mut commit = change(&mut fixture, LetterAction::Replay, &read);
    commit.idempotency = Some(IdempotencyRecord {
        key: "key".to_owned(),
        fingerprint: "x".to_owned(),
        status: 200,
        etag: None,
        location: None,
        body: "{}".to_owned(),
        change_id: None,
    });
    assert!(matches!(fixture.store.commit(&commit), Ok(Outcome::Applied(None))));
    assert_eq!(statuses(&fixture), [LetterStatus::Replaying; 2]);
    assert_eq!(fixture.count("audit_v4 WHERE action = 'dead-letter.replay' AND told"), 1);
    // The key is looked at before anything else.
    let mut again = change(&mut fixture, LetterAction::Discard, &read);
    again.idempotency = commit.idempotency.clone();
    assert!(matches!(fixture.store.commit(&again), Ok(Outcome::Answered(_))));
    // Of two that have both read them open, one is refused, and leaves nothing.
    let before = fixture.everything();
    let late = change(&mut fixture, LetterAction::Discard, &read);
    let refused = fixture.store.commit(&late);
    assert!(matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "letter"), "{refused:?}");
    // And so is who takes it for somebody else's.
    let mut read = all(&fixture, LetterFilter::default());
    read[1].user_id = "eve".to_owned();
    let foreign = change(&mut fixture, LetterAction::Discard, &read);
    assert!(matches!(fixture.store.commit(&foreign), Err(StoreError::Changed(_))));
    assert_eq!(fixture.everything(), before);
}

#[test]
fn letters_are_sent_again_in_the_order_of_their_streams_by_one_at_a_time() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let letters = [letter(&eve, 9), letter(&ada, 7), letter(&eve, 8), letter(&ada, 3), letter(&ada, 5)];
    fixture.store.keep_letters(&letters, NOON).unwrap();
    assert!(fixture.store.take_replays(NOON, 10, 100).unwrap().is_none(), "nobody has asked");
    let every = all(&fixture, LetterFilter::default());
    let commit = change(&mut fixture, LetterAction::Replay, &every[..4]);
    fixture.store.commit(&commit).unwrap();
    assert!(fixture.store.due_work(NOON, "").unwrap().letters);

    let taken = fixture.store.take_replays(NOON, 10, 3).unwrap().unwrap();
    let events: Vec<&str> = taken.letters.iter().map(|letter| letter.event.as_str()).collect();
    assert_eq!(events, ["{\"number\":3}", "{\"number\":7}", "{\"number\":8}"]);
    assert!(fixture.store.take_replays(NOON, 10, 3).unwrap().is_none(), "another is at it");
    assert!(!fixture.store.due_work(NOON, "").unwrap().letters);

    // Its lease runs out: another takes the same, and who was overtaken says nothing.
    let late = NOON.plus_millis(11);
    let next = fixture.store.take_replays(late, 10, 3).unwrap().unwrap();
    assert_eq!(next.letters, taken.letters);
    let sent = |replays: &Replays| -> Vec<Replayed> {
        let sent = |letter: &Replay| Replayed {
            place: letter.place,
            status: LetterStatus::Replayed,
            tries: 0,
            error: None,
        };
        replays.letters.iter().map(sent).collect()
    };
    let turns = |replays: &Replays| -> Vec<Turn> {
        replays.letters.iter().map(|letter| Turn { stream: letter.stream.clone(), pause: 0 }).collect()
    };
    fixture.store.settle_replays(taken.fence, (&sent(&taken), &turns(&taken)), late, late).unwrap();
    assert_eq!(fixture.count("dead_letter WHERE status = 'replaying'"), 4);
    // One was given up once more meanwhile: what is said of its sending changes nothing.
    fixture.store.keep_letters(&[letter(&ada, 3)], late).unwrap();
    let what = (&*sent(&next), &*turns(&next));
    fixture.store.settle_replays(next.fence, what, late.plus_millis(1_000), late).unwrap();
    assert_eq!(fixture.count("dead_letter WHERE status = 'replayed'"), 2);
    assert_eq!(fixture.count("dead_letter WHERE status = 'open'"), 2);
    assert!(fixture.store.take_replays(late, 10, 3).unwrap().is_none(), "not before its time");
    let rest = fixture.store.take_replays(late.plus_millis(1_000), 10, 3).unwrap().unwrap();
    assert_eq!(rest.letters.len(), 1);
    // A clock that was ahead binds nobody for long.
    let before = NOON.plus_millis(-3_600_000);
    assert!(fixture.store.due_work(before, "").unwrap().ahead);
    fixture.store.clock_went_back(before).unwrap();
    assert!(fixture.store.take_replays(before, 10, 3).unwrap().is_some());
}

/// What the store gave up to publish is sent again as its stream has it.
#[test]
fn what_could_not_be_published_is_kept_and_sent_again_as_its_stream_has_it() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    fixture.task(&ada, WEEKLY);
    // No JSON, and what reads like it where nothing else is kept.
    fixture.rows(fixture.dialect("UPDATE outbox SET data = '{'", r#"UPDATE outbox SET data = '"{"'"#));
    let event = r#"{"id":"x","data":null}"#.to_owned();
    let lease = fixture.store.lease_stream(&ada.stream(), NOON.plus_millis(60_000), 1).unwrap().unwrap();
    let buried = DeadLetter {
        stream: ada.stream(),
        fence: lease.fence,
        sequence: 1,
        published_in: ada.stream().to_string(),
        event,
        reason: "unreadable".to_owned(),
        class: ErrorClass::Permanent,
    };
    fixture.store.bury(&[buried], NOON).unwrap();
    let kept = all(&fixture, LetterFilter::default()).pop().unwrap();
    let kept = fixture.store.letter(&kept.id).unwrap().unwrap();
    // What is no JSON would not be in the event that could not be made of it.
    let event = fixture.dialect(r#"{"id":"x","data":"{"}"#, r#"{"id":"x","data":null}"#);
    assert_eq!(kept.event.as_deref(), Some(event));
    assert_eq!(
        (kept.kind.as_str(), kept.consumer.as_str(), kept.error.as_str()),
        ("task.created", "", "unreadable")
    );
    let page = Page { after: None, limit: 10 };
    assert_eq!(fixture.store.parked(&ada, &page).unwrap()[0].item, kept.event_id);

    fixture.rows("UPDATE outbox SET data = '{\"mended\":1}'");
    let commit = change(&mut fixture, LetterAction::Replay, &[kept]);
    fixture.store.commit(&commit).unwrap();
    let taken = fixture.store.take_replays(NOON, 10, 10).unwrap().unwrap();
    let waiting = taken.letters[0].waiting.as_ref().unwrap();
    assert_eq!((waiting.sequence, &waiting.data["mended"]), (1, &1.into()));
}

#[test]
fn repeated_events_are_counted_by_their_consumer() {
    let fixture = Fixture::new();
    fixture.rows(
        "INSERT INTO inbox (consumer, event_id, at) VALUES ('one', 'a', 1), ('one', 'b', 1), ('two', 'c', 1)",
    );
    for _ in 0..2 {
        fixture.store.count_repeated("one", &["a", "b", "c", "d"].map(str::to_owned)).unwrap();
    }
    fixture.store.count_repeated("one", &["d".to_owned()]).unwrap();
    assert_eq!(
        fixture.count("tally WHERE name = 'duplicate_events_total{consumer=\"one\"}' AND value = 4"),
        1
    );
    assert_eq!(fixture.count("tally"), 1);
}

/// One event and consumer on two topics are two letters, and one parked row: it stays for as long as one of them is open.
#[test]
fn a_parked_row_stays_while_a_letter_of_it_is_open() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let elsewhere = Letter { topic: "reminders".to_owned(), ..letter(&ada, 1) };
    fixture.store.keep_letters(&[letter(&ada, 1), elsewhere], NOON).unwrap();
    let [first, second] = all(&fixture, LetterFilter::default()).try_into().unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'event'"), 1);
    let commit = change(&mut fixture, LetterAction::Discard, std::slice::from_ref(&first));
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'event' AND item = 'event-1'"), 1, "the other is open");
    fixture.rows(&format!("DELETE FROM dead_letter WHERE place = {}", first.place));
    assert_eq!(fixture.count("work WHERE kind = 'event' AND item = 'event-1'"), 1);
    let commit = change(&mut fixture, LetterAction::Discard, &[second]);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'event'"), 0);
    // And where letters are forgotten while they are open.
    fixture
        .store
        .keep_letters(&[letter(&ada, 2), Letter { topic: "reminders".to_owned(), ..letter(&ada, 2) }], NOON)
        .unwrap();
    for left in [1, 0] {
        fixture.rows("DELETE FROM dead_letter WHERE place = (SELECT max(place) FROM dead_letter WHERE status = 'open')");
        assert_eq!(fixture.count("work WHERE kind = 'event'"), left);
    }
}

/// A broker may deliver a dead letter twice: a copy opens no letter of what was applied, belongs to the letter that there is, and
/// takes no replay back that was asked for.
#[test]
fn a_copy_of_a_dead_letter_belongs_to_the_letter_that_there_is() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let copy = |number| Letter { consumer: None, consumers: vec![CONSUMER], ..letter(&ada, number) };
    let keep = |fixture: &Fixture, letters: &[Letter]| fixture.store.keep_letters(letters, NOON).unwrap();
    let status = |fixture: &Fixture| -> Vec<(String, LetterStatus)> {
        all(fixture, LetterFilter::default()).into_iter().map(|l| (l.consumer, l.status)).collect()
    };
    let one = |status| [(CONSUMER.to_owned(), status)];
    keep(&fixture, &[copy(1), copy(1)]);
    assert_eq!(status(&fixture), one(LetterStatus::Open));
    let letters = all(&fixture, LetterFilter::default());
    let commit = change(&mut fixture, LetterAction::Replay, &letters);
    fixture.store.commit(&commit).unwrap();
    keep(&fixture, &[copy(1)]);
    assert_eq!(status(&fixture), one(LetterStatus::Replaying), "what was asked for is not taken back");
    // Sent again and given up once more, it is open again.
    fixture.rows("UPDATE dead_letter SET status = 'replayed'");
    keep(&fixture, &[copy(1)]);
    assert_eq!(status(&fixture), one(LetterStatus::Open));
    // Applied after all, it is done with, as often as it comes, and its parked row stays away.
    fixture.rows("UPDATE dead_letter SET status = 'replayed'");
    fixture.rows(&format!("INSERT INTO inbox (consumer, event_id, at) VALUES ('{CONSUMER}', 'event-1', 1)"));
    assert_eq!(keep(&fixture, &[copy(1), copy(1)]), [Keeping::Applied; 2]);
    assert_eq!(status(&fixture), one(LetterStatus::Replayed));
    assert_eq!(fixture.count("work WHERE kind = 'event'"), 0);
    assert_eq!(fixture.count("tally WHERE name LIKE 'duplicate_events_total%' AND value = 2"), 1);

    // Of one that could not be published, or that another gave up, it is a copy too; on another topic it is another letter.
    fixture.rows("DELETE FROM dead_letter");
    keep(
        &fixture,
        &[
            Letter { consumer: Some(""), ..letter(&ada, 2) },
            Letter { consumer: Some("x"), ..letter(&ada, 3) },
        ],
    );
    keep(&fixture, &[copy(2), copy(3)]);
    let consumers: Vec<(String, i64)> =
        all(&fixture, LetterFilter::default()).into_iter().map(|l| (l.consumer, l.tries)).collect();
    assert_eq!(consumers, [(String::new(), 2), ("x".to_owned(), 2)]);
    keep(&fixture, &[Letter { topic: "reminders".to_owned(), ..copy(2) }]);
    assert_eq!(fixture.count("dead_letter"), 3);
    // What nobody acts upon is kept, once, as before.
    let unheard = Letter { consumers: Vec::new(), ..copy(4) };
    assert_eq!(keep(&fixture, &[unheard.clone(), unheard]), [Keeping::Kept; 2]);
    assert_eq!(fixture.count("dead_letter WHERE event_id = 'event-4' AND consumer = '' AND tries = 2"), 1);
    // A consumer that gives it up says so of itself.
    let letters = all(&fixture, LetterFilter::default());
    let commit = change(&mut fixture, LetterAction::Replay, &letters[..1]);
    fixture.store.commit(&commit).unwrap();
    keep(&fixture, &[Letter { consumer: Some(""), ..letter(&ada, 2) }]);
    assert_eq!(fixture.count("dead_letter WHERE status <> 'open'"), 0);
}

/// However many letters one stream has: others have their turn with the first, and each is in its order.
#[test]
fn streams_have_turns_to_be_sent_again() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (first, last) = if ada.as_str() < eve.as_str() { (ada, eve) } else { (eve, ada) };
    let many: Vec<Letter> = (0..300).rev().map(|number| letter(&first, number)).collect();
    fixture.store.keep_letters(&many, NOON).unwrap();
    let letters = fixture.store.letters(&LetterFilter::default(), 0, 500).unwrap().letters;
    let commit = change(&mut fixture, LetterAction::Replay, &letters);
    fixture.store.commit(&commit).unwrap();
    fixture.store.keep_letters(&[letter(&last, 1_000), letter(&last, 1_001)], NOON).unwrap();
    let open = LetterFilter { status: Some(LetterStatus::Open), ..LetterFilter::default() };
    let letters = all(&fixture, open);
    let commit = change(&mut fixture, LetterAction::Replay, &letters);
    fixture.store.commit(&commit).unwrap();
    let (mut at, mut taken) = (NOON, Vec::new());
    let mut waits = Vec::new();
    while let Some(replays) = fixture.store.take_replays(at, 10, 20).unwrap() {
        assert!(replays.letters.len() <= 20);
        let replayed: Vec<Replayed> = replays
            .letters
            .iter()
            .map(|l| Replayed { place: l.place, status: LetterStatus::Replayed, tries: 0, error: None })
            .collect();
        let mut turns: Vec<Turn> =
            replays.letters.iter().map(|l| Turn { stream: l.stream.clone(), pause: 0 }).collect();
        turns.dedup();
        waits.extend(replays.letters.iter().any(|l| l.stream == last.as_str()).then_some(taken.len()));
        taken.extend(replays.letters.iter().filter(|l| l.stream == first.as_str()).map(|l| l.event.clone()));
        fixture.store.settle_replays(replays.fence, (&replayed, &turns), at, at).unwrap();
        at = at.plus_millis(1_000);
    }
    assert_eq!(waits, [0], "in the first turn");
    let expected: Vec<String> = (0..300).map(|number| format!("{{\"number\":{number}}}")).collect();
    assert_eq!(taken, expected);
    assert_eq!(fixture.count("replay_stream"), 0);

    // One that pauses is not taken before its time, and goes on behind the others.
    fixture.rows("UPDATE dead_letter SET status = 'open'");
    let few = LetterFilter {
        ids: Some(all(&fixture, LetterFilter::default())[..1].iter().map(|l| l.id.clone()).collect()),
        ..LetterFilter::default()
    };
    let letters = all(&fixture, few);
    let commit = change(&mut fixture, LetterAction::Replay, &letters);
    fixture.store.commit(&commit).unwrap();
    let replays = fixture.store.take_replays(at, 10, 20).unwrap().unwrap();
    let turn = Turn { stream: first.to_string(), pause: 5_000 };
    fixture.store.settle_replays(replays.fence, (&[], &[turn]), at, at).unwrap();
    assert!(!fixture.store.due_work(at.plus_millis(4_999), "").unwrap().letters);
    assert!(fixture.store.take_replays(at.plus_millis(4_999), 10, 20).unwrap().is_none());
    assert!(fixture.store.due_work(at.plus_millis(5_000), "").unwrap().letters);
    assert!(fixture.store.take_replays(at.plus_millis(5_000), 10, 20).unwrap().is_some());
    // Forgotten letters have no turn.
    fixture.rows("DELETE FROM dead_letter");
    assert_eq!(fixture.count("replay_stream"), 0);
}
