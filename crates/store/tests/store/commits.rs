//! What applying commits comes to: one by one, in sets, refused, repeated; and that all of a commit arrives.

use perennial_domain::search::Posting;
use perennial_domain::*;
use perennial_fixture::{Counting, Fixture, NOON, WEEKLY, context, sqlite_only};
use perennial_store::{AccountStore, Apply, Mode, Outcome, Store, StoreError, Value, WorkStore};
use serde_json::{Value as Json, json};

const ALL: Apply = Apply { mode: Mode::All, relay_for: 0 };
const EACH: Apply = Apply { mode: Mode::Each, relay_for: 0 };

fn creates(fixture: &mut Fixture, user: &UserId, number: usize) -> Vec<Commit> {
    let input = serde_json::from_str(WEEKLY).unwrap();
    (0..number).map(|_| create_task(&mut fixture.context(user), &input).unwrap().0).collect()
}

fn keyed(key: &str, body: &str) -> Option<IdempotencyRecord> {
    Some(IdempotencyRecord {
        key: key.to_owned(),
        fingerprint: "fingerprint".to_owned(),
        status: 201,
        etag: Some("\"1\"".to_owned()),
        location: Some("/v1/tasks/1".to_owned()),
        body: body.to_owned(),
        change_id: None,
    })
}

/// What a refusal says: its kind and which commit it was.
fn refusal(error: StoreError) -> (String, usize) {
    match error {
        StoreError::Changed(refusal) | StoreError::Duplicate(refusal) | StoreError::Forbidden(refusal) => {
            (refusal.what, refusal.index)
        }
        StoreError::AlreadyApplied => ("applied".to_owned(), 0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_set_of_which_one_is_refused_is_not_applied_and_the_one_is_named() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let mut commits = creates(&mut fixture, &user, 5);
    commits[3].expect.tasks[0].version = 7;
    let before = fixture.everything();
    let refused = fixture.store.apply(&commits, ALL).unwrap_err();
    assert_eq!(refusal(refused), ("task".to_owned(), 3));
    assert_eq!(fixture.everything(), before);
    commits.remove(3);
    let outcomes = fixture.store.apply(&commits, ALL).unwrap();
    assert_eq!(outcomes, vec![Outcome::Applied(None); 4]);
    assert_eq!(fixture.count("task"), 4);
    assert!(fixture.store.apply(&[], ALL).unwrap().is_empty());
}

#[test]
fn of_a_set_applied_each_for_itself_only_the_refused_are_left_out() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let mut commits = creates(&mut fixture, &user, 5);
    commits[0].expect.tasks[0].version = 7;
    // What an earlier one of the set writes counts for a later one.
    commits[3] = commits[2].clone();
    let outcomes = fixture.store.apply(&commits, EACH).unwrap();
    let applied: Vec<bool> = outcomes.iter().map(|outcome| *outcome == Outcome::Applied(None)).collect();
    assert_eq!(applied, [false, true, true, false, true]);
    assert_eq!(fixture.count("task"), 3);
    assert_eq!(
        fixture.rows("SELECT sequence FROM outbox ORDER BY 1").concat(),
        [1, 2, 3].map(Value::Integer)
    );
}

#[test]
fn equal_requests_under_one_key_have_one_effect_and_one_answer() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let mut commits = creates(&mut fixture, &ada, 8);
    for (number, commit) in commits.iter_mut().enumerate() {
        commit.idempotency = keyed("key", &format!("answer {number}"));
    }
    // Under a known key nothing is looked at: not even what the commit expects.
    commits[5].expect.tasks[0].version = 7;
    let answer = |outcome: &Outcome| match outcome {
        Outcome::Answered(stored) => stored.body.clone(),
        other => format!("{other:?}"),
    };
    let first = fixture.store.commit(&commits[0]).unwrap();
    assert_eq!(first, Outcome::Applied(None));
    for how in [ALL, EACH] {
        let outcomes = fixture.store.apply(&commits[1..6], how).unwrap();
        assert_eq!(outcomes.iter().map(answer).collect::<Vec<_>>(), ["answer 0"; 5]);
    }
    let Outcome::Answered(stored) = fixture.store.commit(&commits[6]).unwrap() else { panic!("no answer") };
    assert_eq!(Some(&stored), fixture.store.idempotent_answer(&ada, "key").unwrap().as_ref());
    assert_eq!(
        (stored.status, stored.etag.as_deref(), stored.location.as_deref()),
        (201, Some("\"1\""), Some("/v1/tasks/1"))
    );
    assert_eq!(fixture.count("task"), 1);
    assert_eq!(fixture.count("audit_v4 WHERE action = 'task.create'"), 1);
    // Another user's key is another key, also within one set.
    let mut hers = creates(&mut fixture, &eve, 3);
    hers.iter_mut().for_each(|commit| commit.idempotency = keyed("key", "hers"));
    let outcomes = fixture.store.apply(&hers, EACH).unwrap();
    assert_eq!(outcomes.iter().map(answer).collect::<Vec<_>>(), ["Applied(None)", "hers", "hers"]);
}

/// Invariant 12: of a request of many commits, whichever of them carries the key, all are applied under it or none.
#[test]
fn commits_that_expect_an_answer_are_applied_under_no_other() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let request = |fixture: &mut Fixture, user: &UserId, fingerprint: &str, own: bool| {
        let mut keeper = note_bulk(&mut fixture.context(user));
        keeper.idempotency = keyed("key", "answer");
        keeper.idempotency.as_mut().unwrap().fingerprint = fingerprint.to_owned();
        let answer = ExpectAnswer {
            key: "key".to_owned(),
            fingerprint: fingerprint.to_owned(),
            commit_id: own.then_some(keeper.id),
        };
        let mut commits = creates(fixture, user, 2);
        commits.iter_mut().for_each(|commit| commit.expect.answer = Some(answer.clone()));
        commits.insert(0, keeper);
        commits
    };
    let applied = Outcome::Applied(None);
    let first = request(&mut fixture, &ada, "one", true);
    assert_eq!(fixture.store.apply(&first, ALL).unwrap(), vec![applied.clone(); 3]);
    // An equal request, and another, both under a key that is known.
    for fingerprint in ["one", "other"] {
        let again = request(&mut fixture, &ada, fingerprint, true);
        let refused = fixture.store.apply(&again, ALL);
        assert!(
            matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "answer" && refusal.index == 1),
            "{refused:?}"
        );
        let outcomes = fixture.store.apply(&again, EACH).unwrap();
        assert!(matches!(outcomes[0], Outcome::Answered(_)), "{outcomes:?}");
        assert_eq!(outcomes[1..], [Outcome::Refused, Outcome::Refused]);
    }
    assert_eq!(fixture.count("task"), 2);
    // Where any commit of an equal request will do, and only there.
    let other = request(&mut fixture, &ada, "other", false);
    assert_eq!(fixture.store.apply(&other, EACH).unwrap()[1..], [Outcome::Refused, Outcome::Refused]);
    let equal = request(&mut fixture, &ada, "one", false);
    assert_eq!(fixture.store.apply(&equal, EACH).unwrap()[1..], [applied.clone(), applied.clone()]);
    // Another user's key is another key.
    let hers = request(&mut fixture, &eve, "one", false);
    assert_eq!(fixture.store.apply(&hers[1..], EACH).unwrap(), [Outcome::Refused, Outcome::Refused]);
    assert_eq!(fixture.store.apply(&hers, ALL).unwrap(), vec![applied; 3]);
    assert_eq!(fixture.count("task"), 6);
}

#[test]
fn equal_requests_at_once_from_many_connections_have_one_effect_and_one_answer() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let state = fixture.state_with(&user, &task, &occurrence);
    let bodies: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u64)
            .map(|number| {
                let (store, user, state) = (fixture.connection(), &user, &state);
                scope.spawn(move || {
                    let mut ids = Counting((number + 1) * 1_000_000);
                    let mut commit = delete_task(&mut context(user, &mut ids), state);
                    commit.idempotency = keyed("key", &format!("{number}"));
                    match store.commit(&commit).unwrap() {
                        Outcome::Applied(_) | Outcome::Counted(..) => format!("{number}"),
                        Outcome::Answered(stored) => stored.body,
                        other => panic!("{other:?}"),
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    assert_eq!(fixture.count("outbox WHERE type = 'task.deleted'"), 1);
}

#[test]
fn a_commit_that_finds_nothing_waiting_takes_the_relay_with_it() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let commits = creates(&mut fixture, &user, 2);
    let how = Apply { mode: Mode::All, relay_for: 2_000 };
    let mut outcomes = fixture.store.apply(&commits[..1], how).unwrap();
    let Some(Outcome::Applied(Some(own))) = outcomes.pop() else { panic!("no lease") };
    assert_eq!(
        own.events(&commits[0]),
        fixture.waiting_events(&user),
        "what it publishes is what it would have read"
    );
    // The next finds the first one's event waiting, and somebody at it.
    assert_eq!(fixture.store.apply(&commits[1..], how).unwrap(), [Outcome::Applied(None)]);
    assert_eq!(fixture.waiting_events(&user).len(), 2);
}

/// A world in which every kind of refusal can be met, and a commit that is fit to be applied in it.
struct World {
    fixture: Fixture,
    user: UserId,
    /// An armed alarm of the user's.
    own: AlarmRow,
    foreign: Commit,
    fit: Commit,
}

fn world() -> World {
    let mut fixture = Fixture::new();
    let (user, other) = (fixture.user("ada"), fixture.user("eve"));
    let armed = creates(&mut fixture, &user, 1).remove(0);
    fixture.store.commit(&armed).unwrap();
    let own = armed.alarms[0].clone();
    let foreign = full(&mut fixture, &other, "theirs");
    fixture.store.commit(&foreign).unwrap();
    fixture.rows("UPDATE alarm SET fire_at = 5 WHERE state = 'armed'");
    let fit = full(&mut fixture, &user, "mine");
    World { fixture, user, own, foreign, fit }
}

/// A commit with a row in every list that makes one.
fn full(fixture: &mut Fixture, user: &UserId, word: &str) -> Commit {
    let (mut commit, task, occurrence) =
        create_task(&mut fixture.context(user), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
    let ids = &mut fixture.ids;
    let word = |what: &str| format!("{word} {what}");
    commit.inbox = Some(InboxRecord { consumer: word("consumer"), event_id: EventId::new(ids.next()) });
    commit.idempotency = keyed(&word("key"), &word("body"));
    commit.users.push(UserRow {
        id: UserId::new(word("user")),
        name: word("name"),
        role: Role::Member,
        tz: "Asia/Tokyo".to_owned(),
        created_at: Timestamp::from_millis(11),
    });
    commit.identities.push(IdentityRow {
        issuer: "https://id.example".to_owned(),
        subject: word("subject"),
        user_id: UserId::new(word("user")),
        created_at: Timestamp::from_millis(44),
    });
    commit.tokens.push(TokenRow {
        id: TokenId::new(ids.next()),
        user_id: UserId::new(word("user")),
        name: word("token"),
        hash: word("hash"),
        scopes: vec![Scope::Admin],
        created_at: Timestamp::from_millis(12),
        expires_at: Some(Timestamp::from_millis(13)),
        revoked_at: Some(Timestamp::from_millis(14)),
        last_used_at: None,
    });
    commit.channels.push(ChannelRow {
        id: ChannelId::new(word("channel")),
        config: ChannelConfig::Webhook {
            url: word("url"),
            secret: word("secret"),
            previous: vec![Retired { secret: word("old"), until: Timestamp::from_millis(45) }],
            types: Subscription::default(),
        },
        created_at: Timestamp::from_millis(15),
        deleted_at: Some(Timestamp::from_millis(16)),
    });
    commit.projects.push(ProjectRow {
        id: ProjectId::new(ids.next()),
        version: 41,
        name: word("project"),
        description: word("description"),
        archived: 1,
        created_at: Timestamp::from_millis(42),
        updated_at: Timestamp::from_millis(43),
        deleted_at: None,
    });
    let row = OccurrenceRow {
        recurrence_id: RecurrenceId::from_text(word("second")),
        predecessor: Some(occurrence.recurrence_id.clone()),
        ordinal: 2,
        status: OccurrenceStatus::Cancelled,
        succession: Succession::Ended,
        title: Some(word("occurrence")),
        due_local: Some("2026-12-01T08:00:00".to_owned()),
        due_tz: Some("Asia/Tokyo".to_owned()),
        tzdata: "2027z".to_owned(),
        due_at: Some(Timestamp::from_millis(17)),
        start_local: Some("2026-11-30T08:00:00".to_owned()),
        start_tz: Some("Asia/Tokyo".to_owned()),
        start_at: Some(Timestamp::from_millis(40)),
        completed_at: Some(Timestamp::from_millis(18)),
        ..OccurrenceRow::from(&occurrence)
    };
    commit.occurrences.push(row.clone());
    commit.opened.push(OccurrenceRow {
        recurrence_id: RecurrenceId::from_text(word("third")),
        predecessor: Some(RecurrenceId::from_text(word("second"))),
        ordinal: 3,
        ..row
    });
    commit.overrides.push(OverrideRow {
        task_id: task.id,
        recurrence_id: RecurrenceId::from_text(word("override")),
        title: Some(word("title")),
        due_local: Some("2026-12-02T08:00:00".to_owned()),
        due_tz: Some("Asia/Seoul".to_owned()),
        cancelled: 1,
    });
    let reminder = commit.alarms[0].reminder_id;
    commit.alarms.push(AlarmRow {
        task_id: task.id,
        recurrence_id: RecurrenceId::from_text(word("third")),
        reminder_id: reminder,
        fire_at: Timestamp::from_millis(19),
        state: AlarmState::Missed,
        snoozed_from: Some(Timestamp::from_millis(39)),
    });
    commit.notifications.push(NotificationRow {
        id: NotificationId::new(ids.next()),
        task_id: task.id,
        recurrence_id: RecurrenceId::from_text(word("third")),
        reminder_id: reminder,
        channel_id: ChannelId::new(word("channel")),
        fire_at: Timestamp::from_millis(20),
        state: NotificationState::Pending,
        payload: json!({ "word": word("payload") }),
        next_attempt_at: Some(Timestamp::from_millis(21)),
        delivered_at: Some(Timestamp::from_millis(22)),
    });
    commit
}

/// Every kind of refusal, and how to make a commit meet it.
fn refusals(world: &World) -> Vec<(&'static str, Commit)> {
    let rows = |query: &str| world.fixture.rows(query);
    let text = |query: &str| match &rows(query)[0][0] {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let foreign = &world.foreign;
    let mut all = Vec::new();
    let mut case = |what: &'static str, change: &dyn Fn(&mut Commit)| {
        let mut commit = world.fit.clone();
        change(&mut commit);
        all.push((what, commit));
    };
    case("task", &|commit| commit.expect.tasks[0].version = 7);
    case("task", &|commit| commit.expect.tasks[0] = ExpectTask { id: foreign.tasks[0].id, version: 1 });
    case("occurrence", &|commit| {
        commit.expect.occurrences.push(ExpectOccurrence {
            task_id: foreign.opened[0].task_id,
            recurrence_id: foreign.opened[0].recurrence_id.clone(),
            status: foreign.opened[0].status,
            succession: foreign.opened[0].succession,
        });
    });
    let expected = |alarm: &AlarmRow, fire_at: i64| ExpectAlarm {
        task_id: alarm.task_id,
        recurrence_id: alarm.recurrence_id.clone(),
        reminder_id: alarm.reminder_id,
        state: alarm.state,
        fire_at: Timestamp::from_millis(fire_at),
    };
    case("alarm", &|commit| commit.expect.alarms.push(expected(&foreign.alarms[0], 5)));
    // One's own, in its state, for another time.
    case("alarm", &|commit| commit.expect.alarms.push(expected(&world.own, 6)));
    case("channels", &|commit| commit.expect.channels = Some(9));
    case("secret", &|commit| {
        let id = foreign.channels[0].id.clone();
        commit.expect.secrets.push(ExpectSecret {
            id,
            secret: "theirs secret".to_owned(),
            types: Some(Subscription::default()),
        });
    });
    case("settings", &|commit| commit.expect.settings = Some(2));
    case("zone", &|commit| commit.expect.zone = Some("Asia/Tokyo".to_owned()));
    case("attempt", &|commit| {
        commit.deliveries.push(delivery(foreign.notifications[0].id, 0));
    });
    case("parked", &|commit| commit.retried.push(Retried { id: 4_711, user_id: world.user.clone() }));
    case("owner", &|commit| commit.tasks[0].id = foreign.tasks[0].id);
    case("occurrence", &|commit| {
        commit.occurrences[0].task_id = foreign.opened[0].task_id;
        commit.occurrences[0].recurrence_id = foreign.opened[0].recurrence_id.clone();
    });
    case("reopened", &|commit| commit.reopened.push(foreign.opened[0].clone()));
    case("owner", &|commit| {
        commit.alarms[1] = foreign.alarms[0].clone();
    });
    case("owner", &|commit| commit.overrides[0] = foreign.overrides[0].clone());
    case("owner", &|commit| commit.channels[0] = foreign.channels[0].clone());
    case("user", &|commit| commit.users[0].id = UserId::admin());
    case("identity", &|commit| commit.identities[0].subject = foreign.identities[0].subject.clone());
    case("token", &|commit| commit.tokens[0].hash = foreign.tokens[0].hash.clone());
    case("occurrence.recurrence_id", &|commit| {
        commit.opened[0].task_id = foreign.opened[0].task_id;
        commit.opened[0].recurrence_id = foreign.opened[0].recurrence_id.clone();
    });
    case("occurrence.predecessor", &|commit| {
        commit.opened[0].task_id = foreign.opened[0].task_id;
        commit.opened[0].recurrence_id = RecurrenceId::from_text("another");
        commit.opened[0].predecessor = foreign.opened[1].predecessor.clone();
    });
    case("notification", &|commit| {
        let id = commit.notifications[0].id;
        commit.notifications[0] = NotificationRow { id, ..foreign.notifications[0].clone() };
    });
    case("channel", &|commit| {
        // Deleted before.
        commit.notifications[0].channel_id = foreign.notifications[0].channel_id.clone();
    });
    case("channel", &|commit| {
        commit.notices.push(notice(&foreign.channels[0].id, commit.notifications[0].id))
    });
    let event = text("SELECT max(event_id) FROM outbox");
    case("event", &|commit| commit.events[0].id = EventId::parse(&event).unwrap());
    case("applied", &|commit| commit.inbox = foreign.inbox.clone());
    all
}

fn notice(channel: &ChannelId, id: NotificationId) -> NoticeRow {
    NoticeRow {
        id,
        channel_id: channel.clone(),
        kind: TEST,
        subject: "subject".to_owned(),
        payload: json!({ "word": "notice" }),
        next_attempt_at: Timestamp::from_millis(49),
    }
}

fn delivery(id: NotificationId, attempt: i64) -> Delivery {
    Delivery {
        id,
        attempt,
        state: NotificationState::Failed,
        next_attempt_at: None,
        delivered_at: None,
        last_error: Some("gone".to_owned()),
        endpoint_failures: 3,
        endpoint_pause: 4,
    }
}

/// Invariant 1, and what each refusal rests on: a refused row is skipped (`RAISE(IGNORE)`) without being undone, so nothing
/// may be written before the last check.
#[test]
fn every_kind_of_refusal_comes_before_the_first_write() {
    let world = world();
    let before = world.fixture.everything();
    for (what, commit) in refusals(&world) {
        let outcomes = world.fixture.store.apply(std::slice::from_ref(&commit), EACH);
        assert_eq!(outcomes.unwrap(), [Outcome::Refused], "{what}");
        assert_eq!(world.fixture.everything(), before, "{what}: something was written");
        let error = world.fixture.store.commit(&commit).unwrap_err();
        assert_eq!(refusal(error).0, what);
    }
    // It was nothing else that was wrong with any of them.
    assert_eq!(world.fixture.store.commit(&world.fit).unwrap(), Outcome::Applied(None));
}

/// Creates have a view of their own (schema/0003_write.sql), and their refusals are the same.
#[test]
fn a_create_that_is_refused_has_written_nothing() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let mut commits = creates(&mut fixture, &ada, 3);
    let applied = fixture.store.apply(&commits[..1], EACH).unwrap();
    assert_eq!(applied, [Outcome::Applied(None)]);
    // The task is there; it is another user's; the event is there. Each with a key, which goes in first.
    let mut again = commits.remove(0);
    again.idempotency = keyed("again", "again");
    let foreign = Commit { user: eve.clone(), stream: eve.stream(), ..again.clone() };
    let mut repeated = commits.remove(0);
    repeated.idempotency = keyed("repeated", "repeated");
    repeated.events[0].id = again.events[0].id;
    let before = fixture.everything();
    for (what, commit) in [("task", again), ("task", foreign), ("event", repeated)] {
        let outcomes = fixture.store.apply(&[commit.clone(), commit.clone()], EACH).unwrap();
        assert_eq!(outcomes, [Outcome::Refused, Outcome::Refused], "{what}");
        assert_eq!(refusal(fixture.store.commit(&commit).unwrap_err()), (what.to_owned(), 0));
        assert_eq!(fixture.everything(), before, "{what}: something was written");
    }
    assert_eq!(fixture.store.commit(&commits[0]).unwrap(), Outcome::Applied(None));
}

/// A create that does more than its own view can is written by the one for all commits: each member by itself.
#[test]
fn a_create_that_does_more_is_written_whole() {
    type Keeps = fn(&mut Commit, Commit);
    let cases: [(&str, Keeps); 9] = [
        ("user WHERE tz = 'Asia/Tokyo'", |kept, all| kept.users = all.users),
        ("identity", |kept, all| (kept.users, kept.identities) = (all.users, all.identities)),
        ("token", |kept, all| (kept.users, kept.tokens) = (all.users, all.tokens)),
        ("channel_v2", |kept, all| kept.channels = all.channels),
        ("occurrence WHERE tzdata = '2027z'", |kept, all| kept.occurrences = all.occurrences),
        ("override", |kept, all| kept.overrides = all.overrides),
        ("notification_v2", |kept, all| kept.notifications = all.notifications),
        ("inbox", |kept, all| kept.inbox = all.inbox),
        ("occurrence WHERE predecessor IS NOT NULL", |kept, all| {
            (kept.occurrences, kept.opened) = (all.occurrences, all.opened);
        }),
    ];
    for (what, keeps) in cases {
        let mut fixture = Fixture::new();
        let user = fixture.user("ada");
        let all = full(&mut fixture, &user, "my");
        let mut kept = creates(&mut fixture, &user, 1).remove(0);
        (kept.tasks, kept.expect) = (all.tasks.clone(), all.expect.clone());
        kept.opened = all.opened[..1].to_vec();
        kept.alarms.clear();
        keeps(&mut kept, all);
        assert_eq!(fixture.store.commit(&kept).unwrap(), Outcome::Applied(None), "{what}");
        assert!(fixture.count(what) > 0, "{what} is not there");
    }
}

/// Whatever a create writes by its own view, it writes by the one for all commits.
#[test]
fn a_create_writes_the_same_by_either_view() {
    let written = |beside_others: bool| {
        let mut fixture = Fixture::new();
        fixture.rows("UPDATE epoch SET id = 'one'");
        let user = fixture.user("ada");
        let mut commits = creates(&mut fixture, &user, 2);
        for (number, commit) in commits.iter_mut().enumerate() {
            commit.idempotency = keyed(&format!("{number}"), "body");
        }
        if beside_others {
            let input = UserInput { name: "eve".to_owned(), tz: "Europe/Berlin".to_owned(), identity: None };
            commits.push(create_user(&mut fixture.context(&UserId::admin()), &input).unwrap().0);
        }
        let how = Apply { mode: Mode::Each, relay_for: 2_000 };
        let mut outcomes = fixture.store.apply(&commits, how).unwrap();
        outcomes.truncate(2);
        let tables =
            ["task", "occurrence", "alarm", "work", "idempotency", "stream", "outbox", "stream_topic"];
        let lanes = fixture.rows("SELECT * FROM lane ORDER BY kind, again, lane");
        // The stream of who makes users counts what they did.
        let others = |table| if table == "stream" { "id <> 'admin'" } else { "true" };
        let rows =
            tables.map(|table| fixture.rows(&format!("SELECT * FROM {table} WHERE {}", others(table))));
        (outcomes, rows, lanes)
    };
    let (own, all) = (written(false), written(true));
    assert_eq!(own.0, all.0);
    for (mine, theirs) in own.1.iter().zip(&all.1) {
        assert!(!mine.is_empty());
        assert!(mine.iter().all(|row| theirs.contains(row)), "{mine:?} {theirs:?}");
    }
    assert_eq!(own.2, all.2);
}

/// What the checks rest on: without them the constraints would refuse too.
#[test]
fn what_must_be_unique_is_unique_whatever_is_checked() {
    sqlite_only!();
    let world = world();
    world.fixture.rows("DROP TRIGGER write_commit_v5");
    let trigger = include_str!("../../src/sqlite/schema/0005_write.sql").split("\n--;\n").nth(1).unwrap();
    let unchecked = trigger.replace("WHERE why IS NOT NULL", "WHERE false");
    assert_ne!(unchecked, trigger);
    world.fixture.rows(&unchecked);
    let store = world.fixture.connection();
    let unique = [
        "user",
        "token",
        "occurrence.recurrence_id",
        "occurrence.predecessor",
        "notification",
        "event",
        "applied",
    ];
    for (what, commit) in refusals(&world).into_iter().filter(|(what, _)| unique.contains(what)) {
        let refused = store.commit(&commit);
        assert!(matches!(refused, Err(StoreError::Duplicate(_))), "{what}: {refused:?}");
    }
}

#[test]
fn what_is_done_opens_again_as_reopened_and_in_no_other_way() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let state = fixture.state(&user, &task, Some(&occurrence.recurrence_id));
    let Reopening::Opens(reopens, _) = reopen(&mut fixture.context(&user), &state).unwrap() else {
        panic!("open")
    };
    let mut replaces = (*reopens).clone();
    replaces.occurrences.append(&mut replaces.reopened);
    assert_eq!(refusal(fixture.store.commit(&replaces).unwrap_err()).0, "occurrence");
    fixture.store.commit(&reopens).unwrap();
    assert_eq!(fixture.count("occurrence WHERE status = 'open' AND completed_at IS NULL"), 1);
}

#[test]
fn zone_data_only_move_forward() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let state = fixture.state_with(&user, &task, &occurrence);
    let refresh = refresh_zone(&mut fixture.context(&user), &state).unwrap();
    fixture.rows("UPDATE occurrence SET tzdata = '9999a'");
    let before = fixture.everything();
    assert_eq!(refusal(fixture.store.commit(&refresh).unwrap_err()).0, "occurrence");
    assert_eq!(fixture.everything(), before);
    fixture.rows("UPDATE occurrence SET tzdata = '1999a'");
    fixture.store.commit(&refresh).unwrap();
    // What its owner does is not refused for it.
    fixture.rows("UPDATE occurrence SET tzdata = '9999a'");
    let (task, occurrence) = fixture.read(&user, &task, &occurrence);
    fixture.complete(&user, &task, &occurrence).unwrap();
    // What already lies on newer data is offered to nobody.
    fixture.store.offer_zones("1998z", 10).unwrap();
    assert_eq!(fixture.count("work WHERE kind = 'zone'"), 0);
}

/// The row of a table that `condition` finds, as a document: NULL columns and those that `past` names left out.
fn stored(fixture: &Fixture, table: &str, condition: &str, past: &[&str]) -> Json {
    let columns = fixture.columns(table);
    let rows = fixture.rows(&format!("SELECT {} FROM {table} WHERE {condition}", columns.join(", ")));
    assert_eq!(rows.len(), 1, "{table} WHERE {condition}");
    let row = columns.iter().zip(&rows[0]).filter(|(name, _)| !past.contains(&name.as_str()));
    Json::Object(
        row.filter_map(|(name, value)| match value {
            Value::Null => None,
            Value::Integer(number) => Some((name.clone(), json!(number))),
            Value::Text(text) if text.starts_with(['{', '[']) => {
                let document: Json = serde_json::from_str(text).unwrap();
                Some((name.clone(), json!(document.to_string())))
            }
            Value::Text(text) => Some((name.clone(), json!(text))),
        })
        .collect(),
    )
}

/// A member as its column holds it: lists and objects as text.
fn as_columns(row: &impl serde::Serialize, more: Json) -> Json {
    let Json::Object(mut members) = serde_json::to_value(row).unwrap() else { panic!("no object") };
    let Json::Object(more) = more else { panic!("no object") };
    members.extend(more);
    members.retain(|_, value| !value.is_null());
    for value in members.values_mut() {
        if value.is_array() || value.is_object() {
            *value = json!(value.to_string());
        }
    }
    Json::Object(members)
}

#[test]
fn every_member_of_a_commit_arrives_in_its_column() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let mut commit = full(&mut fixture, &user, "my");
    let task = TaskRow {
        version: 31,
        title: "task title".to_owned(),
        title_lower: "44".to_owned(),
        words: Some(vec![Posting("46".to_owned(), "t47 d48".to_owned())]),
        description: "description".to_owned(),
        priority: Priority::High,
        tags: vec!["one".to_owned(), "two".to_owned()],
        status: TaskStatus::Done,
        created_at: Timestamp::from_millis(32),
        updated_at: Timestamp::from_millis(33),
        completed_at: Some(Timestamp::from_millis(34)),
        deleted_at: Some(Timestamp::from_millis(35)),
        start_local: Some("2026-11-22T07:00:00".to_owned()),
        start_tz: Some("Europe/Berlin".to_owned()),
        duration: Some("PT36S".to_owned()),
        duration_s: Some(36),
        project_id: Some(commit.projects[0].id),
        parent_id: Some(TaskId::new(fixture.ids.next())),
        metadata: [("note".to_owned(), "37".to_owned())].into(),
        position: Some("38".to_owned()),
        ..commit.tasks[0].clone()
    };
    commit.tasks[0] = task.clone();
    let event = &mut commit.events[0];
    event.causation_id = Some(EventId::new(fixture.ids.next()));
    event.traceparent = Some("traceparent".to_owned());
    event.idempotency_key = Some("idempotency".to_owned());
    fixture.store.commit(&commit).unwrap();

    let mine = json!({ "user_id": user });
    let check = |table: &str, condition: &str, expected: Json| {
        assert_eq!(stored(&fixture, table, condition, &["rowid", "forgotten"]), expected, "{table}");
    };
    check("user", "name = 'my name'", as_columns(&commit.users[0], json!({ "version": 1 })));
    check("identity", "true", as_columns(&commit.identities[0], json!({})));
    check("token", "true", as_columns(&commit.tokens[0], json!({})));
    let channel = &commit.channels[0];
    check(
        "channel_v2",
        "true",
        json!({ "id": channel.id, "user_id": user, "kind": "webhook", "created_at": 15,
        "deleted_at": 16, "config": json!({ "url": "my url", "secret": "my secret", "previous": [{ "secret": "my old", "until": 45 }],
            "types": ["reminder.fired"] }).to_string() }),
    );
    // What is due next is that of the earliest open occurrence.
    check(
        "task",
        "true",
        as_columns(
            &TaskRow { words: None, ..task.clone() },
            json!({ "user_id": user, "next_due_at": commit.opened[0].due_at, "change_id": commit.id, "has_words": 0 }),
        ),
    );
    let project = &commit.projects[0];
    check("project", "true", as_columns(project, json!({ "user_id": user, "change_id": commit.id })));
    for (row, id) in [(&commit.opened[0], 2), (&commit.occurrences[0], 1), (&commit.opened[1], 3)] {
        let name = format!("recurrence_id = '{}'", row.recurrence_id);
        check("occurrence", &name, as_columns(row, json!({ "user_id": user, "id": id })));
    }
    check("override", "true", as_columns(&commit.overrides[0], mine.clone()));
    for row in &commit.alarms {
        check("alarm", &format!("recurrence_id = '{}'", row.recurrence_id), as_columns(row, mine.clone()));
    }
    let made = json!({ "user_id": user, "attempts": 0, "created_at": commit.at });
    check("notification_v2", "true", as_columns(&commit.notifications[0], made));
    let event = &commit.events[0];
    let place = json!({ "stream_id": commit.stream, "sequence": 1, "user_id": user, "at": commit.at,
        "event_id": event.id, "id": null });
    check("outbox", "true", as_columns(event, place));
    let salted = &["rowid", "salt", "place"];
    assert_eq!(
        stored(&fixture, "audit_v4", "action = 'task.create'", salted),
        as_columns(
            &commit.audit,
            json!({ "user_id": user, "at": commit.at, "id": commit.id, "told": 1, "seq": 1 }),
        ),
    );
    let kept = json!({ "user_id": user, "created_at": commit.at, "commit_id": commit.id });
    check("idempotency", "true", as_columns(commit.idempotency.as_ref().unwrap(), kept));
    check("inbox", "true", as_columns(commit.inbox.as_ref().unwrap(), json!({ "at": commit.at })));

    // Settings change the row of their user, and no other.
    let before = fixture.store.user(&user).unwrap().unwrap();
    let mut settings = leave_settings(&mut fixture.context(&user), &before);
    settings.settings = Some(SettingsRow {
        version: 44,
        tz: "Asia/Seoul".to_owned(),
        settings: json!({ "week_start": "sunday", "quiet_hours": { "from": "22:00", "to": "07:00" } }),
    });
    let others = fixture.rows(&format!("SELECT * FROM user WHERE id <> '{user}'"));
    fixture.store.commit(&settings).unwrap();
    let row = stored(&fixture, "user", &format!("id = '{user}'"), &["id", "name", "role", "created_at"]);
    assert_eq!(row, as_columns(settings.settings.as_ref().unwrap(), json!({})));
    assert_eq!(fixture.rows(&format!("SELECT * FROM user WHERE id <> '{user}'")), others);
    let moved = fixture.rows("SELECT user_id, version, after FROM zone_change").concat();
    assert_eq!(moved, [Value::Text(user.to_string()), Value::Integer(44), Value::Text(String::new())]);
    fixture.rows("UPDATE user SET tz = 'Europe/Berlin' WHERE tz = 'Asia/Seoul'");

    // What changes rows that are there: a delivery, another look at work, an occurrence that opens again.
    let notification = commit.notifications[0].id;
    let mut ticket = fixture.rows("SELECT id FROM work WHERE kind = 'notification'").concat();
    let Some(Value::Integer(id)) = ticket.pop() else { panic!("no work") };
    let mut changes = creates(&mut fixture, &user, 1).remove(0);
    changes.deliveries.push(delivery(notification, 0));
    changes.occurrences.push(OccurrenceRow { status: OccurrenceStatus::Done, ..commit.opened[1].clone() });
    fixture.rows(
        "UPDATE work SET parked_at = 1, reason = 'x', wake_at = NULL, tries = 3 WHERE kind = 'reminder'",
    );
    fixture.store.commit(&changes).unwrap();
    assert_eq!(fixture.count(&format!("work WHERE id = {id}")), 0, "what has failed waits no more");
    let after = stored(&fixture, "notification_v2", &format!("id = '{notification}'"), &[]);
    assert_eq!(
        (&after["state"], &after["attempts"], &after["last_error"]),
        (&json!("failed"), &json!(0), &json!("gone"))
    );
    assert!(after.get("next_attempt_at").is_none() && after.get("delivered_at").is_none(), "{after}");

    let (parked, owner) =
        (fixture.rows("SELECT id FROM work WHERE parked_at = 1").concat().remove(0), user.clone());
    let Value::Integer(parked) = parked else { panic!("no id") };
    let again = retry_parked(&mut fixture.context(&user), parked, &owner);
    fixture.store.commit(&again).unwrap();
    let work = stored(&fixture, "work", &format!("id = {parked}"), &[]);
    assert_eq!((&work["wake_at"], &work["tries"]), (&json!(NOON.as_millis()), &json!(0)));
    assert!(work.get("parked_at").is_none() && work.get("reason").is_none(), "{work}");
    // What is in the bin has no words; elsewhere they arrive.
    let mut live = full(&mut fixture, &user, "live");
    live.tasks[0].words.clone_from(&task.words);
    fixture.store.commit(&live).unwrap();
    assert_eq!(
        stored(&fixture, "task_word", "word = '46'", &[]),
        json!({ "task_id": live.tasks[0].id, "word": "46", "user_id": user, "places": "t47 d48" })
    );
}

/// A probe writes something new each time: what is the same as before would not be written, and a full disk not be noticed.
#[test]
fn a_probe_writes() {
    let fixture = Fixture::new();
    let filler = || {
        fixture.rows(fixture.dialect("SELECT hex(filler) FROM probe", "SELECT filler FROM probe")).concat()
    };
    fixture.store.probe().unwrap();
    let first = filler();
    fixture.store.probe().unwrap();
    assert_eq!(first.len(), 1);
    assert_ne!(first, filler());
}
