//! The invariants that the store keeps, each under the number it has in docs/architecture.md.

use std::thread;

use perennial_domain::*;
use perennial_fixture::{Counting, Fixture, NOON, Recorded, WEEKLY, context, webhook};
use perennial_store::*;

/// Invariant 1: whatever part of a commit fails, none of it is there.
#[test]
fn a_commit_that_fails_in_any_part_leaves_nothing() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let before = fixture.everything();

    let mut ids = Counting::default();
    // The ids start anew, so that each kind of row collides with one that is there.
    let input = serde_json::from_str(WEEKLY).unwrap();
    let (fresh, ..) = create_task(&mut context(&user, &mut ids), &input).unwrap();
    let event = fixture.rows("SELECT event_id FROM outbox")[0][0].clone();
    let Value::Text(event) = event else { panic!("no event") };

    let mut colliding = vec![];
    let mut commit = fresh.clone();
    commit.opened[0].task_id = task.id;
    commit.opened[0].recurrence_id = occurrence.recurrence_id.clone();
    colliding.push(("occurrence", commit));
    let mut commit = fresh.clone();
    commit.events[0].id = EventId::parse(&event).unwrap();
    colliding.push(("event", commit));
    let mut commit = fresh.clone();
    commit.expect.tasks[0].version = 7;
    colliding.push(("expectation", commit));
    for (part, mut commit) in colliding {
        for row in &mut commit.tasks {
            row.id = TaskId::new(fixture.ids.next());
        }
        assert!(fixture.store.commit(&commit).is_err(), "{part} did not collide");
        assert_eq!(fixture.everything(), before, "a commit that failed at its {part} left something");
    }
}

/// Invariant 1: a commit is one statement, in no transaction of a guest's.
#[test]
fn a_commit_is_one_statement() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let statements = &recorded.statements;
    let input = serde_json::from_str(WEEKLY).unwrap();
    let commits: Vec<_> =
        (0..3).map(|_| create_task(&mut fixture.context(&user), &input).unwrap().0).collect();
    statements.borrow_mut().clear();
    store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    assert_eq!(statements.borrow().len(), 1, "{statements:?}");
    let one = fixture.dialect("INSERT INTO write_new_v5", "perennial_apply(");
    assert!(statements.borrow()[0].contains(one), "{statements:?}");
    assert_eq!(fixture.count("task"), 3);
}

/// Invariant 1: text behind a statement is refused, never dropped as a host would: so every text of the store's, which all
/// of these tests execute, is one statement.
#[test]
fn a_text_with_a_second_statement_is_refused() {
    let fixture = Fixture::new();
    assert!(fixture.try_rows("SELECT 1").is_ok());
    for text in ["SELECT 1; SELECT 2", "UPDATE task SET title = 'x'; DELETE FROM task"] {
        assert!(fixture.try_rows(text).is_err(), "{text}");
    }
}

/// Invariant 2: the sequence has no gap and is the order of commits, whoever commits at once.
#[test]
fn sequences_are_gapless_under_concurrent_commits() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    thread::scope(|scope| {
        for writer in 0..4_u64 {
            let (store, user) = (fixture.connection(), user.clone());
            scope.spawn(move || {
                let mut ids = Counting((writer + 1) * 1_000_000);
                let input = serde_json::from_str(WEEKLY).unwrap();
                for _ in 0..50 {
                    let (commit, ..) = create_task(&mut context(&user, &mut ids), &input).unwrap();
                    store.commit(&commit).unwrap();
                }
            });
        }
    });
    let sequences: Vec<_> = fixture.rows(fixture.dialect(
        "SELECT sequence FROM outbox ORDER BY rowid",
        // Rows keep no order of their making there.
        "SELECT sequence FROM outbox ORDER BY sequence",
    ));
    let sequences: Vec<_> = sequences.concat();
    assert_eq!(sequences, (1..=200).map(Value::Integer).collect::<Vec<_>>());
    assert_eq!(
        fixture.rows("SELECT sequence FROM stream WHERE sequence > 0").concat(),
        [Value::Integer(200)]
    );
    // `previous` chains the events of each topic.
    let broken = fixture.count("outbox WHERE previous IS DISTINCT FROM nullif(sequence - 1, 0)");
    assert_eq!(broken, 0);
}

/// Invariant 3: the effect of an event happens once, however often it is delivered.
#[test]
fn a_repeated_event_has_no_second_effect() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let inbox = Some(InboxRecord { consumer: "test".to_owned(), event_id: EventId::new(fixture.ids.next()) });
    let input = serde_json::from_str(WEEKLY).unwrap();
    for delivery in 0..3 {
        // Each delivery decides anew, with ids of its own: only the inbox can tell that it is the same event.
        let (mut commit, ..) = create_task(&mut fixture.context(&user), &input).unwrap();
        commit.inbox = inbox.clone();
        let applied = fixture.store.commit(&commit);
        assert_eq!(delivery > 0, matches!(applied, Err(StoreError::AlreadyApplied)), "{applied:?}");
    }
    assert_eq!(fixture.count("task"), 1);
    assert_eq!(fixture.count("outbox"), 1);
}

/// Invariant 4: open → done happens once, also for two who have both read it open.
#[test]
fn two_completions_of_what_both_read_open_close_it_once() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let second = fixture.complete(&user, &task, &occurrence);
    assert!(matches!(second, Err(StoreError::Changed(_))), "{second:?}");
    assert_eq!(fixture.count("outbox WHERE type = 'task.completed'"), 1);
}

/// Invariant 4: one successor per closed occurrence, whoever plans it and from however old a look.
#[test]
fn two_plans_of_one_successor_make_one() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let state = fixture.state(&user, &task, Some(&occurrence.recurrence_id));
    assert_eq!(state.asked.as_ref().unwrap().succession, Succession::Pending);

    let plan = |fixture: &mut Fixture| match plan_successor(&mut fixture.context(&user), &state).unwrap() {
        Plan::Opens(commit, opened) => (*commit, *opened),
        other => panic!("{other:?}"),
    };
    let (first, successor) = plan(&mut fixture);
    assert_eq!(successor.recurrence_id.as_str(), "2026-11-30T07:00:00[Europe/Berlin]");
    fixture.store.commit(&first).unwrap();

    let (mut second, _) = plan(&mut fixture);
    assert!(matches!(fixture.store.commit(&second), Err(StoreError::Changed(_))));
    // Even a plan that expects nothing and names another date meets the unique successor.
    second.expect = Default::default();
    second.opened[0].recurrence_id = RecurrenceId::from_text("2026-12-07T07:00:00[Europe/Berlin]");
    let refused = fixture.store.commit(&second);
    assert!(
        matches!(&refused, Err(StoreError::Duplicate(refusal)) if refusal.what == "occurrence.predecessor"),
        "{refused:?}"
    );
    assert_eq!(fixture.count("occurrence WHERE predecessor IS NOT NULL"), 1);
}

/// Invariant 4: what is done stays done, even for a write that expects nothing.
#[test]
fn a_done_occurrence_does_not_open_again() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let state = fixture.state(&user, &task, None);
    let name = occurrence.recurrence_id.as_str().to_owned();
    let stale =
        SeriesState { asked: Some(occurrence.clone()), open: vec![occurrence], last_closed: None, ..state };
    let Skipping::Skips(mut stale, _) = skip(&mut fixture.context(&user), &stale, &name).unwrap() else {
        panic!("it was open when it was read")
    };
    stale.expect = Default::default();
    let refused = fixture.store.commit(&stale);
    assert!(
        matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "occurrence"),
        "{refused:?}"
    );
    assert_eq!(fixture.count("occurrence WHERE status = 'done'"), 1);
}

/// Invariant 5: one notification per (task, occurrence, reminder, channel), however often the reminder is fired.
#[test]
fn a_reminder_fires_once_per_channel() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let later = NOON.plus_millis(7 * 86_400_000);
    let due = fixture.due_reminders(later).remove(0).alarm;
    let channels = [webhook("one"), webhook("two")];
    let first = fire(&mut fixture.context(&user), &due, &channels);
    let mut second = fire(&mut fixture.context(&user), &due, &channels);
    fixture.store.commit(&first).unwrap();
    assert!(matches!(fixture.store.commit(&second), Err(StoreError::Changed(_))));
    // Even a sweep that expects nothing meets the unique notification.
    second.expect = Default::default();
    assert!(matches!(fixture.store.commit(&second), Err(StoreError::Duplicate(_))));
    assert_eq!(fixture.count("notification_v2"), 2);
    assert_eq!(fixture.count("outbox WHERE type = 'reminder.fired'"), 1);
    assert_eq!(fixture.count("work WHERE kind = 'reminder'"), 0);
    assert!(fixture.due_reminders(later.plus_millis(86_400_000)).is_empty());
}

/// Invariant 6: no statement of a user's request reaches another user's rows.
#[test]
fn another_users_rows_are_not_there() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (task, occurrence) = fixture.task(&ada, WEEKLY);
    let due = fixture.due_reminders(NOON.plus_millis(7 * 86_400_000)).remove(0).alarm;
    let fired = fire(&mut fixture.context(&ada), &due, &[]);
    fixture.store.commit(&fired).unwrap();
    let (mut set_up, channel) = create_channel(
        &mut fixture.context(&ada),
        "https://hooks.example.com",
        "whsec_AAAA".to_owned(),
        0,
        &WebhookPolicy::default(),
    )
    .unwrap();
    set_up.idempotency = Some(answer("key"));
    fixture.store.commit(&set_up).unwrap();
    let change = OverrideInput {
        recurrence_id: "2026-12-07T07:00:00[Europe/Berlin]".to_owned(),
        title: Some("Bins out".to_owned()),
        ..OverrideInput::default()
    };
    let state = fixture.state(&ada, &task, None);
    let (change, _) = override_occurrence(&mut fixture.context(&ada), &state, &change).unwrap();
    fixture.store.commit(&change).unwrap();
    fixture.rows(
        "INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, parked_at) \
         SELECT 'successor', user_id, user_id, id, '', 1 FROM task",
    );
    let parked = fixture.store.parked(&ada, &page()).unwrap().remove(0).id;
    let event = fixture.waiting_events(&ada).remove(0).event_id;
    let lease = fixture.store.lease_stream(&ada.stream(), NOON.plus_millis(60_000), 1).unwrap().unwrap();
    let buried = DeadLetter {
        stream: ada.stream(),
        fence: lease.fence,
        sequence: 1,
        published_in: ada.stream().to_string(),
        event: String::new(),
        reason: String::new(),
        class: ErrorClass::Permanent,
    };
    fixture.store.bury(&[buried], NOON).unwrap();

    let minted = TokenInput {
        user: ada.clone(),
        name: "phone".to_owned(),
        scopes: vec![Plain(Scope::TasksRead)],
        expires_at: None,
    };
    let owner = fixture.store.user(&ada).unwrap();
    let (mint, token) = create_token(
        &mut fixture.context(&UserId::admin()),
        &minted,
        owner.as_ref(),
        &[Scope::TasksRead],
        &TokenSecret::new("prn_x".to_owned()),
    )
    .unwrap();
    fixture.store.commit(&mint).unwrap();
    fixture.store.token_used(&eve, token.id, NOON).unwrap();
    assert_eq!(fixture.count("token WHERE last_used_at IS NOT NULL"), 0, "it is not hers");
    fixture.store.token_used(&ada, token.id, NOON).unwrap();
    assert_eq!(fixture.count("token WHERE last_used_at IS NOT NULL"), 1);

    let (project, deleted, made) = project_and_parts(&mut fixture, &ada, &task);
    fixture.store.seal_of(std::slice::from_ref(&ada), NOON, 500).unwrap();
    fixture.rows(&format!("UPDATE task SET position = 'h' WHERE id = '{}'", task.id));
    // Every read of a user's requests, by whether it finds anything.
    let store = &fixture.store;
    let bounds = (
        Bound::parse("2026-11-20T00:00:00Z", "from").unwrap(),
        Bound::parse("2026-11-26T00:00:00Z", "to").unwrap(),
    );
    let shows = |user: &UserId, among: Among, status| {
        let sorts = [Sort::Created, Sort::Due, Sort::Priority, Sort::Updated, Sort::Position];
        let all = sorts.map(|sort| {
            let listing =
                Listing { among: among.clone(), status, sort, descending: false, filter: None, search: None };
            !store.tasks(user, &listing, None, 10).unwrap().read().unwrap().is_empty()
        });
        assert!(all.iter().all(|any| *any == all[0]), "{among:?}: {all:?}");
        all[0]
    };
    let exports = |user: &UserId, part, after: &str| {
        !store.export(user, part, after, (10, 10_000)).unwrap().rows.is_empty()
    };
    let audits = |user: &UserId, subject| {
        let asked = Audited { subject, ..Audited::default() };
        !store.audited(user, &asked, None, 10).unwrap().entries.is_empty()
    };
    let found = |user: &UserId| {
        let (last, overrides) = store.projection(user, task.id).unwrap();
        [
            ("idempotent_answer", store.idempotent_answer(user, "key").unwrap().is_some()),
            ("series", store.series(user, task.id, Some(&occurrence.recurrence_id)).unwrap().is_some()),
            ("task", store.task(user, task.id).unwrap().is_some()),
            ("tasks", shows(user, Among::All, None)),
            ("open tasks", shows(user, Among::All, Some(TaskStatus::Open))),
            ("tasks of a project", shows(user, Among::Project(project.id), None)),
            ("parts", shows(user, Among::Parent(task.id), None)),
            ("tasks with a tag", shows(user, Among::Tag("home".to_owned()), None)),
            ("deleted tasks", shows(user, Among::Deleted, None)),
            (
                "found tasks",
                !store
                    .tasks(
                        user,
                        &Listing {
                            search: Some(search::Query::parse("sweep").unwrap()),
                            ..Listing::default()
                        },
                        None,
                        10,
                    )
                    .unwrap()
                    .read()
                    .unwrap()
                    .is_empty(),
            ),
            ("deleted_series", store.deleted_series(user, deleted.id).unwrap().is_some()),
            ("beside", store.beside(user, task.id, true).unwrap().is_some()),
            ("taken", store.taken(user, deleted.id, "h").unwrap().is_some()),
            ("may_be_part", store.may_be_part(user, deleted.id, task.id).unwrap()),
            ("projects", !store.projects(user, &page()).unwrap().is_empty()),
            ("project", store.project(user, project.id).unwrap().is_some()),
            ("tags", !store.tags(user, &page()).unwrap().is_empty()),
            ("changes", !store.changes(user, None, &page()).unwrap().is_empty()),
            (
                "changes of a task",
                !store.changes(user, Some(&task.id.to_string()), &page()).unwrap().is_empty(),
            ),
            ("change", store.change(user, &made).unwrap().is_some()),
            ("events", !store.events(user, 0, 10).unwrap().events.is_empty()),
            ("occurrences", !store.occurrences(user, task.id, &page()).unwrap().is_empty()),
            ("occurrences_between", !store.occurrences_between(user, task.id, bounds, 9).unwrap().is_empty()),
            ("projection", last.is_some()),
            ("overrides", !overrides.is_empty()),
            ("exported projects", exports(user, ExportPart::Projects, "")),
            ("exported tasks", exports(user, ExportPart::Tasks, "")),
            ("exported occurrences", exports(user, ExportPart::Occurrences, "")),
            ("exported overrides", exports(user, ExportPart::Overrides, "")),
            (
                "exported occurrences of a task",
                exports(user, ExportPart::Occurrences, &format!("{} ", task.id)),
            ),
            ("exported overrides of a task", exports(user, ExportPart::Overrides, &format!("{} ", task.id))),
            ("exported changes", exports(user, ExportPart::Changes, "")),
            ("audited", audits(user, None)),
            ("audited of a task", audits(user, Some(task.id.to_string()))),
            ("audited of a deleted task", audits(user, Some(deleted.id.to_string()))),
            ("audited_at", !store.audited_at(user, &task.id.to_string(), NOON, 10).unwrap().0.is_empty()),
            ("chain", store.chain(user).unwrap().audited > 0),
            ("links", !store.links(user, 0, 10, 10_000).unwrap().is_empty()),
            ("hashes", !store.hashes(user, &[1]).unwrap().is_empty()),
            ("channels", !store.channels(user).unwrap().is_empty()),
            ("channel", store.channel(user, &channel.id).unwrap().is_some()),
            ("own_tokens", !store.own_tokens(user, &page()).unwrap().is_empty()),
            ("own_token", store.own_token(user, token.id).unwrap().is_some()),
            ("notifications", !store.notifications(user, None, &page()).unwrap().is_empty()),
            (
                "notifications of a task",
                !store.notifications(user, Some(task.id), &page()).unwrap().is_empty(),
            ),
            ("parked", !store.parked(user, &page()).unwrap().is_empty()),
            ("parked_count", store.parked_count(user).unwrap() > 0),
            ("parked_item", store.parked_item(user, parked).unwrap().is_some()),
            ("letter_of", store.letter_of(user, &event, "").unwrap().is_some()),
            ("due_series", store.due_series(user, task.id, &occurrence.recurrence_id).unwrap().is_some()),
        ]
    };
    assert_eq!(found(&ada).map(|(read, any)| (read, !any)), found(&eve));
    assert!(found(&eve).iter().all(|(_, any)| !any), "{:?}", found(&eve));

    // A write of hers that names the task changes nothing of it.
    let before = fixture.rows("SELECT * FROM task").concat();
    let state = fixture.state(&ada, &task, None);
    let foreign = delete_task(&mut fixture.context(&eve), &state);
    assert!(matches!(fixture.store.commit(&foreign), Err(StoreError::Changed(_))));
    let mut unguarded = foreign;
    unguarded.expect = Default::default();
    let refused = fixture.store.commit(&unguarded);
    assert!(matches!(&refused, Err(StoreError::Changed(refusal)) if refusal.what == "owner"), "{refused:?}");
    assert_eq!(fixture.rows("SELECT * FROM task").concat(), before);
    assert_eq!(fixture.count("occurrence WHERE status = 'open'"), 3);
}

/// Invariant 6: how many follow one user's events is nothing to another, and nobody ends another's.
#[test]
fn another_users_listeners_are_not_there() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let begins = |user: &UserId, id: &str| {
        fixture.store.begin_listening(user, id, (NOON, NOON.plus_millis(60_000)), 2).unwrap()
    };
    assert!(begins(&ada, "1") && begins(&ada, "2"));
    assert!(!begins(&ada, "3"), "she has two");
    assert!(begins(&eve, "4"));
    fixture.store.end_listening(&eve, "1").unwrap();
    assert!(!begins(&ada, "3"), "it was not Eve's to end");
    fixture.store.end_listening(&ada, "1").unwrap();
    assert!(begins(&ada, "3"));
}

/// Invariant 9: a user has no more listeners than they may, however many begin at once; one that has not said its end counts until
/// it must have come, and one of a clock that was ahead does not.
#[test]
fn a_user_has_so_many_listeners_and_no_more() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let begun: usize = thread::scope(|scope| {
        let writers = (0..4).map(|writer| {
            let (store, user) = (fixture.connection(), user.clone());
            scope.spawn(move || {
                let begins = |number: &u32| {
                    let id = format!("{writer}-{number}");
                    store.begin_listening(&user, &id, (NOON, NOON.plus_millis(60_000)), 20).unwrap()
                };
                (0..10).filter(begins).count()
            })
        });
        let writers: Vec<_> = writers.collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!((begun, fixture.count("listener")), (20, 20));
    let later = |millis: i64| {
        let now = NOON.plus_millis(millis);
        fixture.store.begin_listening(&user, &millis.to_string(), (now, now.plus_millis(60_000)), 20).unwrap()
    };
    assert!(!later(59_999));
    assert!(!later(-50), "who comes last may have read the clock first");
    assert!(later(60_000));
    assert!(later(-600_000), "those of a clock that was ahead");
}

/// A project with a task in it that is a part of another and has a tag, a deleted task, and the id of the change that made it.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn project_and_parts(fixture: &mut Fixture, user: &UserId, parent: &Task) -> (Project, Task, String) {
    let input = ProjectInput { name: "Home".to_owned(), ..ProjectInput::default() };
    let (commit, project) = create_project(&mut fixture.context(user), &input).unwrap();
    fixture.store.commit(&commit).unwrap();
    let part =
        serde_json::json!({ "title": "Sweep", "project": project.id, "parent": parent.id, "tags": ["home"] });
    fixture.task(user, &part.to_string());
    let (deleted, _) = fixture.task(user, r#"{ "title": "Gone" }"#);
    let state = fixture.state(user, &deleted, None);
    let commit = delete_task(&mut fixture.context(user), &state);
    fixture.store.commit(&commit).unwrap();
    (project, deleted, commit.id.to_string())
}

fn page() -> Page {
    Page { after: None, limit: 10 }
}

fn answer(key: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        key: key.to_owned(),
        fingerprint: "fingerprint".to_owned(),
        status: 201,
        etag: None,
        location: None,
        body: "{}".to_owned(),
        change_id: None,
    }
}

/// Invariant 7: a relay that is overtaken cannot mark what another is publishing, and nothing that waits is skipped.
#[test]
fn a_relay_that_lost_its_lease_marks_nothing() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let stream = user.stream();
    let slow = fixture.store.lease_stream(&stream, NOON, 10).unwrap().unwrap();
    assert!(fixture.store.lease_stream(&stream, NOON, 10).unwrap().is_none());
    let late = NOON.plus_millis(11);
    let next = fixture.store.lease_stream(&stream, late, 10).unwrap().unwrap();
    let done = |lease: &Lease| [Mark { lease: lease.clone(), up_to: 1, pause: None, refused: false }];
    fixture.store.mark_published(&done(&slow), late).unwrap();
    assert_eq!(fixture.store.waiting_events(std::slice::from_ref(&next), 10).unwrap().len(), 1);
    assert_eq!(fixture.waiting_events(&user).len(), 1, "who was overtaken has marked");
    fixture.store.mark_published(&done(&next), late).unwrap();
    assert!(fixture.waiting_events(&user).is_empty());
    assert!(fixture.store.lease_stream(&stream, late, 10).unwrap().is_none(), "nothing waits");
}
