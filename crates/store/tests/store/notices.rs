//! Events become notices for the channels that take their type, in the statement that writes them: exactly once, or not at all.

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, WEEKLY, sqlite_only};
use perennial_store::*;
use serde_json::{Value as Json, json};

const EACH: Apply = Apply { mode: Mode::Each, relay_for: 0 };

/// A channel of these types.
fn channel(fixture: &mut Fixture, user: &UserId, types: &[&str]) -> Channel {
    let names: Vec<String> = types.iter().map(|name| (*name).to_owned()).collect();
    let types = Subscription::parse(&names).unwrap();
    let there = fixture.store.channels(user).unwrap().len();
    let (secret, policy) = ("whsec_AAAA".to_owned(), WebhookPolicy::default());
    let at = ("https://hooks.example.com", types);
    let (commit, channel) =
        create_channel_for(&mut fixture.context(user), at, secret, there, &policy).unwrap();
    fixture.store.commit(&commit).unwrap();
    channel
}

/// A commit that tells of one event of each type that a channel can take, and nothing else.
fn tells_all(fixture: &mut Fixture, user: &UserId) -> Commit {
    let mut commit = note_bulk(&mut fixture.context(user));
    for kind in EventType::SUBSCRIBABLE {
        commit.events.push(Event {
            id: EventId::new(fixture.ids.next()),
            kind,
            topic: kind.topic(),
            subject: TaskId::new(fixture.ids.next()).to_string(),
            data: json!({ "version": 7, "nothing": null }),
            correlation_id: "x".to_owned(),
            causation_id: None,
            traceparent: None,
            idempotency_key: None,
        });
    }
    commit
}

/// Where notices go, and of what type they are.
fn told(fixture: &Fixture) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let rows = fixture.rows("SELECT channel_id, type FROM notice ORDER BY id");
    rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect()
}

fn list(fixture: &Fixture, user: &UserId, told: &Told) -> Vec<NotificationRecord> {
    fixture.store.notifications_among(user, told, &Page { after: None, limit: 100 }).unwrap()
}

#[test]
fn an_event_of_each_type_reaches_the_channels_of_its_user_that_take_it_and_no_others() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let names = EventType::SUBSCRIBABLE.map(EventType::name);
    let all = channel(&mut fixture, &ada, &names);
    let one = channel(&mut fixture, &ada, &["project.created"]);
    channel(&mut fixture, &ada, &["reminder.fired"]);
    channel(&mut fixture, &eve, &names);
    let mut commit = tells_all(&mut fixture, &ada);
    commit.at = NOON.plus_millis(7);
    fixture.store.commit(&commit).unwrap();
    let mut found = told(&fixture);
    found.sort();
    // Reminders that come due are notifications by themselves.
    let mut expected: Vec<_> =
        names[1..].iter().map(|name| (all.id.to_string(), (*name).to_owned())).collect();
    expected.push((one.id.to_string(), "project.created".to_owned()));
    expected.sort();
    assert_eq!(found, expected);
    assert!(list(&fixture, &eve, &Told::default()).is_empty());

    // What is sent is the event, in the shape of a reminder's.
    let due = fixture.due_notifications(NOON.plus_millis(7));
    let project = commit.events.iter().find(|event| event.kind == EventType::ProjectCreated).unwrap();
    let sent: Vec<Json> =
        due.iter().map(|due| serde_json::from_str(&due.notification.payload).unwrap()).collect();
    let of_project = json!({
        "type": "project.created",
        "timestamp": NOON.plus_millis(7).to_string(),
        "data": { "version": 7, "nothing": null, "event_id": project.id, "subject": project.subject },
    });
    assert!(sent.contains(&of_project), "{sent:?}");
    let place = due.iter().find(|due| due.notification.subject == project.subject).unwrap();
    assert_eq!(place.notification.id.to_string().as_bytes()[14], b'7', "a UUID of version 7");

    let of_one = list(&fixture, &ada, &Told { task: None, channel: Some(one.id.clone()) });
    assert_eq!((of_one.len(), of_one[0].task_id, of_one[0].event_id), (1, None, Some(project.id)));
    let task = TaskId::parse(&commit.events[1].subject).unwrap();
    let of_task = list(&fixture, &ada, &Told { task: Some(task), channel: None });
    assert_eq!((of_task.len(), of_task[0].task_id), (1, Some(task)));
}

/// Whole seconds are written without a fraction, as everywhere.
#[test]
fn a_notice_says_its_instant_as_a_reminder_does() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    channel(&mut fixture, &ada, &["task.created"]);
    fixture.task(&ada, WEEKLY);
    let instant = fixture.rows("SELECT payload ->> 'timestamp' FROM notice");
    assert_eq!(instant, [[Value::Text(NOON.to_string())]]);
    assert_eq!(fixture.count("outbox WHERE type = 'task.created'"), 1);
}

#[test]
fn a_commit_that_is_refused_tells_nobody_and_one_that_is_repeated_once() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    channel(&mut fixture, &ada, &["task.created", "task.completed"]);
    let input = serde_json::from_str(WEEKLY).unwrap();
    let (mut commit, ..) = create_task(&mut fixture.context(&ada), &input).unwrap();
    // By the view for creates, and by the one for all.
    for other in [None, Some(note_bulk(&mut fixture.context(&ada)))] {
        let mut refused = commit.clone();
        refused.expect.tasks[0].version = 9;
        let commits: Vec<Commit> = [Some(refused), other].into_iter().flatten().collect();
        assert_eq!(fixture.store.apply(&commits, EACH).unwrap()[0], Outcome::Refused);
        assert_eq!(told(&fixture), []);
    }
    commit.idempotency = Some(IdempotencyRecord {
        key: "key".to_owned(),
        fingerprint: "x".to_owned(),
        status: 201,
        etag: None,
        location: None,
        body: "{}".to_owned(),
        change_id: None,
    });
    for _ in 0..3 {
        fixture.store.commit(&commit).unwrap();
    }
    assert_eq!(told(&fixture).len(), 1);
}

/// Reminders of a task that is deleted are of no use; that it was deleted, and what was done before, is told.
#[test]
fn a_task_that_is_deleted_takes_no_event_with_it() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    channel(&mut fixture, &ada, &["task.created", "task.deleted"]);
    let (task, occurrence) = fixture.task(&ada, WEEKLY);
    let state = fixture.state_with(&ada, &task, &occurrence);
    let commit = delete_task(&mut fixture.context(&ada), &state);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("notice WHERE state = 'pending'"), 2);
    assert_eq!(fixture.due_notifications(NOON).len(), 2);
}

#[test]
fn what_a_channel_takes_changes_from_the_next_event_on() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let hook = channel(&mut fixture, &ada, &["task.created"]);
    fixture.task(&ada, WEEKLY);
    let types = Subscription::parse(&["project.created".to_owned()]).unwrap();
    let (commit, hook) = update_channel(&mut fixture.context(&ada), &hook, types);
    fixture.store.commit(&commit).unwrap();
    // What another has read before is no longer so.
    let refused = fixture.store.commit(&commit);
    assert!(matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "secret"), "{refused:?}");
    fixture.task(&ada, WEEKLY);
    assert_eq!(told(&fixture), [(hook.id.to_string(), "task.created".to_owned())]);
    let commit = delete_channel(&mut fixture.context(&ada), &hook);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("notice WHERE state = 'cancelled'"), 1);
    assert_eq!(fixture.count("work WHERE kind = 'notification'"), 0);
    assert_eq!(fixture.count("channel_type"), 0);
    let commit = tells_all(&mut fixture, &ada);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(told(&fixture).len(), 1);
}

/// A channel of a build that knew no types takes reminders, and can be changed.
#[test]
fn a_channel_without_types_takes_reminders() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    channel(&mut fixture, &ada, &["task.created"]);
    fixture.rows("UPDATE channel_v2 SET config = json_remove(config, '$.types')");
    assert_eq!(fixture.count("channel_type"), 0);
    let old = fixture.store.channels(&ada).unwrap().remove(0);
    assert_eq!(old.config.types().names(), ["reminder.fired"]);
    let types = Subscription::parse(&["task.deleted".to_owned()]).unwrap();
    let (commit, _) = update_channel(&mut fixture.context(&ada), &old, types);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("channel_type WHERE type = 'task.deleted'"), 1);
}

#[test]
fn ten_tests_of_a_channel_wait_and_no_more() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (hook, other) =
        (channel(&mut fixture, &ada, &["task.created"]), channel(&mut fixture, &ada, &["task.created"]));
    for number in 0..=MAX_TESTS {
        let (commit, _) = test_channel(&mut fixture.context(&ada), &hook);
        let outcome = fixture.store.commit(&commit);
        match outcome {
            Err(StoreError::Forbidden(refusal)) => {
                assert_eq!((number, refusal.what), (MAX_TESTS, "tests".to_owned()))
            }
            other => assert!(other.is_ok() && number < MAX_TESTS, "{other:?}"),
        }
    }
    let (commit, _) = test_channel(&mut fixture.context(&ada), &other);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(list(&fixture, &ada, &Told::default()).len(), MAX_TESTS + 1);
    // Not over another's, nor over one that is gone.
    let eve = fixture.user("eve");
    let (foreign, _) = test_channel(&mut fixture.context(&eve), &other);
    let deletes = delete_channel(&mut fixture.context(&ada), &other);
    fixture.store.commit(&deletes).unwrap();
    let (gone, _) = test_channel(&mut fixture.context(&ada), &other);
    for commit in [foreign, gone] {
        let refused = fixture.store.commit(&commit);
        assert!(
            matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "channel"),
            "{refused:?}"
        );
    }
}

/// The build before knows no notices: it takes their work, finds nothing to send and drops it.
#[test]
fn what_the_build_before_drops_comes_back() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    channel(&mut fixture, &ada, &["task.created"]);
    fixture.task(&ada, WEEKLY);
    let claim = fixture.claim(NOON);
    let claimed = fixture.store.claim_notifications(&claim).unwrap().remove(0);
    fixture.store.settle(&[(claimed.ticket, Settlement::Drop)], NOON).unwrap();
    assert_eq!(
        fixture.count("work WHERE kind = 'notification' AND wake_at IS NOT NULL AND unsettled = 0"),
        1
    );
}

#[test]
fn notices_that_have_ended_are_forgotten_after_thirty_days() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    channel(&mut fixture, &ada, &["task.created"]);
    (0..4).for_each(|_| drop(fixture.task(&ada, WEEKLY)));
    fixture.rows("UPDATE notice SET state = 'delivered' WHERE id > (SELECT min(id) FROM notice)");
    fixture.rows("UPDATE stream SET published = 0");
    let month = NOON.plus_millis(30 * 86_400_000);
    fixture.store.prune(month, 10).unwrap();
    assert_eq!(fixture.count("notice"), 4);
    assert!(fixture.store.due_work(month.plus_millis(1), "").unwrap().old);
    fixture.store.prune(month.plus_millis(1), 2).unwrap();
    assert_eq!(fixture.count("notice"), 2);
    fixture.store.prune(month.plus_millis(1), 2).unwrap();
    assert_eq!(told(&fixture).len(), 1, "what waits stays");
    assert_eq!(fixture.count("notice WHERE state = 'pending'"), 1);
}

/// Who has channels for other things alone finds reminders in the inbox.
#[test]
fn a_reminder_goes_over_the_channels_that_take_reminders() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    channel(&mut fixture, &ada, &["task.created"]);
    fixture.task(&ada, WEEKLY);
    let due = fixture.due_reminders(NOON.plus_millis(7 * 86_400_000)).remove(0);
    let targets = |fixture: &mut Fixture, channels: &[Channel]| {
        let commit = fire(&mut fixture.context(&ada), &due.alarm, channels);
        commit.notifications.into_iter().map(|row| row.channel_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(due.channels.len(), 1);
    assert_eq!(targets(&mut fixture, &due.channels), [INBOX_CHANNEL]);
    let takes = channel(&mut fixture, &ada, &["series.ended", "reminder.fired"]);
    let channels = fixture.store.channels(&ada).unwrap();
    assert_eq!(targets(&mut fixture, &channels), [takes.id.to_string()]);
}

/// However many wait, a deletion takes a bounded number along; the others end when their turn comes, and are sent to nobody.
#[test]
fn what_waits_for_a_channel_that_is_deleted_ends_in_pieces() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let hook = channel(&mut fixture, &ada, &["project.created"]);
    fixture.rows(&format!(
        "INSERT INTO notice (id, user_id, channel_id, type, subject, payload, state, next_attempt_at, created_at) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) \
         SELECT '00000000-0000-0000-0000-' || substr(CAST(1000000000000 + i AS TEXT), 2), '{ada}', '{}', 'project.created', 'x', '{{}}', 'pending', 0, 0 FROM n",
        hook.id
    ));
    let commit = delete_channel(&mut fixture.context(&ada), &hook);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("notice WHERE state = 'pending'"), 500);
    let mut left = 500;
    for round in 1..=500 {
        let now = NOON.plus_millis(round * 60_000);
        let claim = fixture.claim(now);
        let claimed = fixture.store.claim_notifications(&claim).unwrap();
        assert!(claimed.iter().all(|claimed| matches!(claimed.what, Ok(None))), "nobody is told");
        let dropped: Vec<_> = claimed.into_iter().map(|one| (one.ticket, Settlement::Drop)).collect();
        fixture.store.settle(&dropped, now).unwrap();
        left = fixture.count("notice WHERE state = 'pending'");
        if left == 0 {
            break;
        }
    }
    assert_eq!((left, fixture.count("work WHERE kind = 'notification'")), (0, 0));
}
