//! A user who is deleted is nobody at once, and nothing of theirs is left in the end, wherever the sweep is cut off.

use std::cell::Cell;

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, WEEKLY, Watch, webhook};
use perennial_recurrence::tzdata_version;
use perennial_store::*;

const HOUR: i64 = 3_600_000;

fn week() -> Timestamp {
    NOON.plus_millis(7 * 24 * HOUR)
}

fn delete(fixture: &mut Fixture, user: &UserId) -> Result<Outcome, StoreError> {
    let commit = delete_user(&mut fixture.context(&UserId::admin()), user);
    fixture.store.commit(&commit)
}

/// A token of the user's; its hash.
fn token(fixture: &mut Fixture, user: &UserId, secret: &str) -> (TokenRow, Commit) {
    let input = TokenInput {
        user: user.clone(),
        name: "phone".to_owned(),
        scopes: vec![Plain(Scope::TasksRead)],
        expires_at: None,
    };
    let owner = fixture.store.user(user).unwrap();
    let secret = TokenSecret::new(secret.to_owned());
    let mut ctx = fixture.context(&UserId::admin());
    let (commit, row) = create_token(&mut ctx, &input, owner.as_ref(), &[Scope::TasksRead], &secret).unwrap();
    (row, commit)
}

/// A user with rows in every table that has any.
fn with_everything(fixture: &mut Fixture, name: &str) -> (UserId, Task, Occurrence) {
    let identity = Identity { issuer: "https://id.example".to_owned(), subject: name.to_owned() };
    let input = UserInput { name: name.to_owned(), tz: "Europe/Berlin".to_owned(), identity: Some(identity) };
    let (commit, user) = create_user(&mut fixture.context(&UserId::admin()), &input).unwrap();
    fixture.store.commit(&commit).unwrap();
    let user = user.id;
    let (mut made, hook) = create_channel(
        &mut fixture.context(&user),
        "https://hooks.example.com",
        "whsec_AAAA".to_owned(),
        0,
        &WebhookPolicy::default(),
    )
    .unwrap();
    made.idempotency = Some(IdempotencyRecord {
        key: "key".to_owned(),
        fingerprint: "x".to_owned(),
        status: 201,
        etag: None,
        location: None,
        body: "{}".to_owned(),
        change_id: None,
    });
    fixture.store.commit(&made).unwrap();
    // One that was deleted long ago.
    let mut gone = delete_channel(&mut fixture.context(&user), &webhook(&format!("{name}'s old one")));
    gone.expect.secrets.clear();
    fixture.store.commit(&gone).unwrap();
    for secret in ["one", "two"] {
        let (row, commit) = token(fixture, &user, &format!("{name} {secret}"));
        fixture.store.commit(&commit).unwrap();
        if secret == "two" {
            let revoked = revoke_token(&mut fixture.context(&UserId::admin()), &row);
            fixture.store.commit(&revoked).unwrap();
        }
    }
    let project = ProjectInput { name: "Home".to_owned(), ..ProjectInput::default() };
    for kept in [true, false] {
        let project = ProjectInput { name: format!("{kept}"), ..project.clone() };
        let (commit, project) = create_project(&mut fixture.context(&user), &project).unwrap();
        fixture.store.commit(&commit).unwrap();
        if !kept {
            let deleted = delete_project(&mut fixture.context(&user), &project);
            fixture.store.commit(&deleted).unwrap();
        }
    }
    let types = ["reminder.fired", "task.created"].map(str::to_owned);
    let (takes, hook) =
        update_channel(&mut fixture.context(&user), &hook, Subscription::parse(&types).unwrap());
    fixture.store.commit(&takes).unwrap();
    let (task, occurrence) = fixture.task(&user, &WEEKLY.replacen('{', r#"{"tags": ["home", "out"], "#, 1));
    let due = fixture.due_reminders(week()).into_iter().find(|due| due.user.id == user).unwrap().alarm;
    let fired = fire(&mut fixture.context(&user), &due, &[hook]);
    fixture.store.commit(&fired).unwrap();
    let change = OverrideInput {
        recurrence_id: "2026-12-07T07:00:00[Europe/Berlin]".to_owned(),
        title: Some("Bins out".to_owned()),
        ..OverrideInput::default()
    };
    let state = fixture.state(&user, &task, None);
    let (change, _) = override_occurrence(&mut fixture.context(&user), &state, &change).unwrap();
    fixture.store.commit(&change).unwrap();
    fixture.task(&user, WEEKLY);
    let (bin, _) = fixture.task(&user, r#"{ "title": "Gone" }"#);
    let state = fixture.state(&user, &bin, None);
    let deleted = delete_task(&mut fixture.context(&user), &state);
    fixture.store.commit(&deleted).unwrap();
    let now = fixture.store.user(&user).unwrap().unwrap();
    let there = SettingsInput { tz: "Asia/Tokyo".to_owned(), ..SettingsInput::from(&now) };
    let moves = update_settings(&mut fixture.context(&user), &now, &there).unwrap().0;
    fixture.store.commit(&moves).unwrap();
    for (table, columns, values) in [
        ("channel", "id, user_id, kind, url, secret, created_at", "'first', ?, 'webhook', 'x', 'x', 1"),
        (
            "notification",
            "id, user_id, task_id, recurrence_id, reminder_id, channel_id, state, payload, created_at",
            "'first', ?, (SELECT id FROM task WHERE user_id = ? LIMIT 1), '', '', '', 'failed', '', {NOON}",
        ),
        (
            "audit",
            "user_id, at, actor, action, subject, correlation_id, tzdata",
            "?, 1, 'x', 'x', 'x', 'x', 'x'",
        ),
        (
            "work",
            "user_id, kind, lane, task_id, recurrence_id, item, parked_at, tries",
            "?, 'event', ?, 'first', '', 'x', 1, 1",
        ),
        ("hot_lane", "stream_id, lane, topic, last, before", "?, 3, 'x', 1, NULL"),
        ("conversation", "user_id, id, title, created_at, last_at", "?, 'first', 'x', {NOON}, {NOON}"),
        (
            "message",
            "user_id, conversation_id, sequence, id, role, created_at, body",
            "?, 'first', 1, 'first', 'user', {NOON}, '1'",
        ),
        (
            "message",
            "user_id, conversation_id, sequence, id, role, created_at, body",
            "?, 'first', 2, 'first', 'user', {NOON}, '1'",
        ),
        (
            "confirmation",
            "user_id, conversation_id, id, message, state, created_at, expires_at, call_id, tool, arguments, versions",
            "?, 'first', 'first', 1, 'pending', {NOON}, {NOON}, 'x', 'x', '{}', '{}'",
        ),
        ("listener", "id, user_id, until", "'first', ?, {NOON}"),
        (
            "dead_letter",
            "id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, event, error, error_class, tries, \
             first_at, last_at, instance, status, status_at",
            "'first', ?, 'x', 'first', 'x', ?, 1, 'x', 'x', '{}', 'x', 'permanent', 1, 1, 1, 'x', 'open', {NOON}",
        ),
    ] {
        if !fixture.is_sqlite() && ["channel", "notification", "audit"].contains(&table) {
            continue; // of older schemas
        }
        let values = values.replace("'first'", &format!("'{name}'")).replace('?', &format!("'{user}'"));
        let values = values.replace("{NOON}", &NOON.as_millis().to_string());
        fixture.rows(&format!("INSERT INTO {table} ({columns}) VALUES ({values})"));
    }
    (user, task, occurrence)
}

/// The tables that have a user's id anywhere, beside the user's own row, what an admin did, and the chain of seals, in which nothing
/// can be read.
fn with_anything_of(fixture: &Fixture, user: &UserId) -> Vec<String> {
    let names = |value: &Value| matches!(value, Value::Text(text) if text.contains(user.as_str()));
    let mut found = Vec::new();
    for (table, rows) in fixture.everything() {
        let admins = Value::Text("admin".to_owned());
        let stays = ["user", "seal"].contains(&table.as_str());
        let chain = |row: &Vec<Value>| {
            table == "stream" && is_chain(fixture, user) && row.contains(&Value::Text(user.to_string()))
        };
        let theirs = rows.iter().filter(|row| !stays && !row.contains(&admins) && !chain(row)).flatten();
        if theirs.filter(|value| names(value)).count() > 0 {
            found.push(table);
        }
    }
    found
}

/// Whether a user's stream stands for nothing but a chain that is sealed.
fn is_chain(fixture: &Fixture, user: &UserId) -> bool {
    fixture.count(&format!(
        "stream AS s WHERE s.id = '{user}' AND s.sealed = s.audited AND s.audited > 0 AND s.relay_at IS NULL \
         AND s.published = s.sequence AND NOT EXISTS (SELECT 1 FROM outbox WHERE stream_id = s.id)"
    )) == 1
}

fn published(fixture: &Fixture) {
    fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL");
}

/// As the sweep does before it forgets.
fn sealed(fixture: &Fixture) {
    while fixture.store.seal(NOON, 500).unwrap() > 0 {}
}

#[test]
fn nothing_of_a_deleted_user_is_left_and_all_of_the_others() {
    let mut fixture = Fixture::new();
    let (ada, ..) = with_everything(&mut fixture, "ada");
    let (bo, ..) = with_everything(&mut fixture, "bo");
    sealed(&fixture);
    for table in fixture.tables(Some("user_id")) {
        assert!(fixture.count(&format!("{table} WHERE user_id = '{ada}'")) > 0, "{table} is not tested");
    }
    published(&fixture);
    delete(&mut fixture, &ada).unwrap();
    let others = |fixture: &Fixture| {
        let tables = fixture.tables(Some("user_id")).into_iter();
        tables
            .map(|table| fixture.rows(&format!("SELECT * FROM {table} WHERE user_id = '{bo}'")))
            .collect::<Vec<_>>()
    };
    let before = others(&fixture);
    let mut calls = 0;
    while fixture.store.due_work(NOON, tzdata_version()).unwrap().old {
        fixture.store.prune(NOON, 2).unwrap();
        calls += 1;
        assert!(calls < 100, "{:?}", with_anything_of(&fixture, &ada));
    }
    assert!(calls > 2, "in pieces: {calls}");
    assert_eq!(with_anything_of(&fixture, &ada), Vec::<String>::new());
    assert_eq!(others(&fixture), before);
    // What is left says nothing but that there was someone.
    let left = format!("SELECT name, role, tz, settings, deleted_at FROM user WHERE id = '{ada}'");
    let text = |text: &str| Value::Text(text.to_owned());
    let expected = [text(""), text("member"), text("UTC"), Value::Null, Value::Integer(NOON.as_millis())];
    assert_eq!(fixture.rows(&left).concat(), expected);
    // And who did it.
    let told = format!(
        "audit_v4 WHERE user_id = 'admin' AND action = 'user.delete' AND subject = '{ada}' AND actor <> ''"
    );
    assert_eq!(fixture.count(&told), 1);
}

/// Fails from some statement on, as a guest does that is killed.
struct Cut(Cell<u32>);

impl Watch for Cut {
    fn before(&self, _: &str, _: &[Value]) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }
}

#[test]
fn wherever_it_is_cut_off_it_is_gone_on_with() {
    let mut fixture = Fixture::new();
    let (ada, ..) = with_everything(&mut fixture, "ada");
    published(&fixture);
    sealed(&fixture);
    delete(&mut fixture, &ada).unwrap();
    let left_until = Cut(Cell::new(1_000));
    let store = fixture.watched(&left_until);
    let mut cuts = 0;
    for after in 1.. {
        left_until.0.set(after);
        let cut = store.prune(NOON, 3).is_err();
        left_until.0.set(1_000);
        let left = store.due_work(NOON, tzdata_version()).unwrap().old;
        assert!(left || !cut, "after {after}");
        cuts += u32::from(cut);
        if !left {
            break;
        }
    }
    assert!(cuts > 20, "{cuts}");
    assert_eq!(with_anything_of(&fixture, &ada), Vec::<String>::new());
}

#[test]
fn a_deleted_user_is_nobody_at_once() {
    let mut fixture = Fixture::new();
    let (ada, task, occurrence) = with_everything(&mut fixture, "ada");
    let (spare, late) = token(&mut fixture, &ada, "late");
    assert!(fixture.store.token_owner(&hash_token("ada one"), NOON).unwrap().is_some());
    delete(&mut fixture, &ada).unwrap();
    let store = &fixture.store;
    assert_eq!(store.token_owner(&hash_token("ada one"), NOON).unwrap(), None);
    assert_eq!(store.identified("https://id.example", "ada").unwrap(), None);
    assert_eq!(store.user(&ada).unwrap(), None);
    let all = Page { after: None, limit: 10 };
    assert!(store.users(&all).unwrap().iter().all(|record| record.user.id != ada));
    assert!(store.tokens(&all).unwrap().iter().all(|token| token.user_id != ada));
    assert_eq!(store.token(spare.id).unwrap(), None);
    assert!(store.series(&ada, task.id, Some(&occurrence.recurrence_id)).unwrap().is_none());
    // Nobody makes them another token, nor deletes them twice; the identity may be another's.
    let refused = fixture.store.commit(&late);
    assert!(matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "user"), "{refused:?}");
    let again = delete(&mut fixture, &ada);
    assert!(matches!(&again, Err(StoreError::Changed(refusal)) if refusal.what == "user"), "{again:?}");
    let identity = Identity { issuer: "https://id.example".to_owned(), subject: "ada".to_owned() };
    let input = UserInput { name: "ada".to_owned(), tz: "UTC".to_owned(), identity: Some(identity) };
    let (commit, new) = create_user(&mut fixture.context(&UserId::admin()), &input).unwrap();
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.store.identified("https://id.example", "ada").unwrap().unwrap().id, new.id);
}

#[test]
fn a_commit_that_is_in_flight_when_its_user_is_deleted_changes_nothing() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (task, occurrence) = fixture.task(&ada, WEEKLY);
    let input = serde_json::from_str(WEEKLY).unwrap();
    let creates = create_task(&mut fixture.context(&ada), &input).unwrap().0;
    let due = fixture.due_reminders(week()).remove(0).alarm;
    let fires = fire(&mut fixture.context(&ada), &due, &[webhook("hook")]);
    let state = fixture.state(&ada, &task, Some(&occurrence.recurrence_id));
    let Completion::Closes(completes, _) = complete(&mut fixture.context(&ada), &state).unwrap() else {
        panic!("open")
    };
    fixture.store.commit(&completes).unwrap();
    let state = fixture.state(&ada, &task, Some(&occurrence.recurrence_id));
    let Plan::Opens(plans, _) = plan_successor(&mut fixture.context(&ada), &state).unwrap() else {
        panic!("owed")
    };
    delete(&mut fixture, &ada).unwrap();
    let before = fixture.everything();
    for (what, commit) in
        [("a create", creates), ("what a sweep fires", fires), ("what a sweep plans", *plans)]
    {
        let refused = fixture.store.commit(&commit);
        assert!(
            matches!(&refused, Err(StoreError::Forbidden(refusal)) if refusal.what == "user"),
            "{what}: {refused:?}"
        );
        let each = fixture.store.apply(&[commit], Apply { mode: Mode::Each, relay_for: 0 }).unwrap();
        assert_eq!(each, [Outcome::Refused], "{what}");
    }
    assert_eq!(fixture.everything(), before);
}

#[test]
fn nothing_is_done_or_sent_for_a_deleted_user() {
    let mut fixture = Fixture::new();
    let (ada, ..) = with_everything(&mut fixture, "ada");
    delete(&mut fixture, &ada).unwrap();
    assert!(
        fixture.count("notification_v2 WHERE state = 'pending'") > 0,
        "what is much is left to the sweep"
    );
    let claimed = |claimed: Vec<Option<bool>>| {
        assert!(!claimed.is_empty());
        assert!(claimed.iter().all(Option::is_none), "{claimed:?}");
    };
    let claim = fixture.claim(week());
    claimed(
        fixture
            .store
            .claim_notifications(&claim)
            .unwrap()
            .into_iter()
            .map(|one| one.what.unwrap().map(|_| true))
            .collect(),
    );
    let claim = fixture.claim(week());
    claimed(
        fixture
            .store
            .claim_reminders(&claim)
            .unwrap()
            .into_iter()
            .map(|one| one.what.unwrap().map(|_| true))
            .collect(),
    );
}

#[test]
fn the_events_of_a_deleted_user_are_published_first_or_dropped_after_an_hour() {
    for published_in_time in [true, false] {
        let mut fixture = Fixture::new();
        let (ada, ..) = with_everything(&mut fixture, "ada");
        sealed(&fixture);
        delete(&mut fixture, &ada).unwrap();
        let waiting = fixture.waiting_events(&ada).len();
        for second in 0..20 {
            fixture.store.prune(NOON.plus_millis(second * 1_000), 500).unwrap();
        }
        assert_eq!(with_anything_of(&fixture, &ada), ["hot_lane", "outbox", "stream", "stream_topic"]);
        assert_eq!(fixture.waiting_events(&ada).len(), waiting);
        let now = if published_in_time {
            published(&fixture);
            NOON.plus_millis(60_000)
        } else {
            NOON.plus_millis(HOUR + 1)
        };
        for _ in 0..3 {
            fixture.store.prune(now, 500).unwrap();
        }
        assert_eq!(with_anything_of(&fixture, &ada), Vec::<String>::new());
    }
}

/// A relay that has published, and comes to note and mark it after all is gone, as after it hung.
#[test]
fn a_relay_that_comes_late_leaves_nothing_of_a_deleted_user() {
    let mut fixture = Fixture::new();
    let (ada, ..) = with_everything(&mut fixture, "ada");
    fixture.store.hot_users(std::slice::from_ref(&ada));
    let lease = fixture.store.lease_stream(&ada.stream(), NOON, 30_000).unwrap().unwrap();
    sealed(&fixture);
    delete(&mut fixture, &ada).unwrap();
    let late = NOON.plus_millis(HOUR + 1);
    for _ in 0..20 {
        fixture.store.prune(late, 500).unwrap();
    }
    assert_eq!(with_anything_of(&fixture, &ada), Vec::<String>::new());
    let lane = (3, "task-events".to_owned());
    let end = LaneEnd { stream: ada.stream(), fence: lease.fence, lane, last: 1, before: None };
    fixture.store.note_lanes(&[end]).unwrap();
    fixture.store.mark_published(&[Mark { lease, up_to: 1, pause: None, refused: false }], late).unwrap();
    assert_eq!(with_anything_of(&fixture, &ada), Vec::<String>::new());
}

#[test]
fn the_last_admin_cannot_be_deleted() {
    let mut fixture = Fixture::new();
    let refused = delete(&mut fixture, &UserId::admin());
    assert!(
        matches!(&refused, Err(StoreError::Forbidden(refusal)) if refusal.what == "last-admin"),
        "{refused:?}"
    );
    fixture.rows(
        "INSERT INTO user (id, name, role, tz, created_at) VALUES ('second', 'second', 'admin', 'UTC', 1)",
    );
    delete(&mut fixture, &UserId::new("second")).unwrap();
    let refused = delete(&mut fixture, &UserId::admin());
    assert!(matches!(&refused, Err(StoreError::Forbidden(_))), "one who is deleted is no admin: {refused:?}");
}
