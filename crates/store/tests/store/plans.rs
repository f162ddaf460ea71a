//! No statement of the store reads what it does not need: each has an index for what it asks, triggers included, and makes
//! no more than it says.

use std::collections::BTreeSet;

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, Recorded, WEEKLY, Watched, sqlite_only};
use perennial_recurrence::tzdata_version;
use perennial_store::*;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// A store that somebody looks at.
type Watching<'a> = AnyStore<Watched<&'a Recorded>, Watched<&'a Recorded>>;

/// Everything that the store can be asked for, once.
fn everything(fixture: &mut Fixture, store: &Watching<'_>) {
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let page = Page { after: None, limit: 10 };
    store.user(&user).unwrap();
    store.users(&page).unwrap();
    store.identified("x", "x").unwrap();
    store.key_set("x").unwrap();
    assert!(store.try_key_set("x", None, NOON).unwrap());
    store.keep_key_set("x", "{}", NOON).unwrap();
    store.schema_version().unwrap();
    store.probe().unwrap();
    store.token_owner("x", NOON).unwrap();
    store.token(TokenId::new(fixture.ids.next())).unwrap();
    store.tokens(&page).unwrap();
    store.token_used(&user, TokenId::new(fixture.ids.next()), NOON).unwrap();
    store.own_tokens(&user, &page).unwrap();
    store.own_token(&user, TokenId::new(fixture.ids.next())).unwrap();
    store.parked_of_all(&page).unwrap();
    store.parked_count_of_all().unwrap();
    store.parked_item_of_all(1).unwrap();

    let bound = |text| Bound::parse(text, "from").unwrap();
    store.idempotent_answer(&user, "key").unwrap();
    store.series(&user, task.id, Some(&occurrence.recurrence_id)).unwrap();
    store.task(&user, task.id).unwrap();
    for status in [None, Some(TaskStatus::Open), Some(TaskStatus::Done)] {
        for sort in [Sort::Created, Sort::Due, Sort::Priority, Sort::Updated, Sort::Position] {
            let project = ProjectId::new(fixture.ids.next());
            for among in
                [Among::All, Among::Project(project), Among::Parent(task.id), Among::Tag("x".to_owned())]
            {
                for descending in [false, true] {
                    lists(
                        store,
                        &user,
                        &Listing {
                            among: among.clone(),
                            status,
                            sort,
                            descending,
                            filter: None,
                            search: None,
                        },
                    );
                }
            }
        }
    }
    lists(store, &user, &Listing { among: Among::Deleted, ..Listing::default() });
    for text in ["pay re", "\"pay rent\" -tax"] {
        for sort in [Sort::Relevance, Sort::Due] {
            let search = Some(search::Query::parse(text).unwrap());
            store.tasks(&user, &Listing { search, sort, ..Listing::default() }, None, 10).unwrap();
        }
    }
    store.make_words(10).unwrap();
    store.deleted_series(&user, task.id).unwrap();
    store.beside(&user, task.id, true).unwrap();
    store.beside(&user, task.id, false).unwrap();
    store.taken(&user, task.id, "x").unwrap();
    store.may_be_part(&user, task.id, task.id).unwrap();
    store.projects(&user, &page).unwrap();
    store.project(&user, ProjectId::new(fixture.ids.next())).unwrap();
    store.tags(&user, &page).unwrap();
    store.changes(&user, None, &page).unwrap();
    store.changes(&user, Some("x"), &page).unwrap();
    store.change(&user, "x").unwrap();
    store.events(&user, 0, 10).unwrap();
    assert!(store.begin_listening(&user, "x", (NOON, NOON.plus_millis(60_000)), 20).unwrap());
    store.end_listening(&user, "x").unwrap();
    store.occurrences(&user, task.id, &page).unwrap();
    for (from, to) in [
        ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2026-11-01", "2026-12-01"),
        ("2026-11-01T00:00:00Z", "2026-12-01"),
    ] {
        store.occurrences_between(&user, task.id, (bound(from), bound(to)), 10).unwrap();
    }
    store.projection(&user, task.id).unwrap();
    for part in PARTS {
        store.export(&user, part, "", (10, 1_000)).unwrap();
    }
    store.identity(&user).unwrap();
    store.channels(&user).unwrap();
    store.channel(&user, &ChannelId::new("x")).unwrap();
    store.notifications(&user, None, &page).unwrap();
    store.notifications(&user, Some(task.id), &page).unwrap();
    let over = Told { task: None, channel: Some(ChannelId::new("x")) };
    store.notifications_among(&user, &over, &page).unwrap();
    store.parked(&user, &page).unwrap();
    store.parked_count(&user).unwrap();
    store.parked_item(&user, 1).unwrap();
    conversations(fixture, store, &user);

    let (commit, ..) =
        create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
    store.commit(&commit).unwrap();
    let set = [0; 2]
        .map(|_| create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap().0);
    store.apply(&set, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    let state = store.series(&user, task.id, Some(&occurrence.recurrence_id)).unwrap().unwrap();
    if let Completion::Closes(commit, _) = complete(&mut fixture.context(&user), &state).unwrap() {
        store.commit(&commit).unwrap();
    }
    store.due_work(NOON, tzdata_version()).unwrap();
    store.due_work_of(Shard::new(1), NOON, tzdata_version()).unwrap();
    let later = NOON.plus_millis(7 * 86_400_000);
    for kind in 0..4 {
        let claim = fixture.claim(later);
        match kind {
            0 => drop(store.claim_successors(&claim).unwrap()),
            1 => {
                let reminder = store.claim_reminders(&claim).unwrap().remove(0);
                let due = reminder.what.unwrap().unwrap();
                store.commit(&fire(&mut fixture.context(&user), &due.alarm, &due.channels)).unwrap();
                store.settle(&[(reminder.ticket, Settlement::Release { after: 0 })], NOON).unwrap();
            }
            2 => drop(store.claim_zones(&claim).unwrap()),
            _ => {
                let share = Share { proven: false, endpoints: 10, per_endpoint: 1, per_user: 1 };
                drop(store.claim_shares(&claim, &[share]).unwrap());
                let (user, recurrence_id) = (user.clone(), occurrence.recurrence_id.clone());
                let held =
                    Ticket { id: 1, claim: claim.id.clone(), tries: 1, user, task: task.id, recurrence_id };
                store.renew(&[held], NOON, 10_000).unwrap();
                drop(store.claim_notifications(&claim).unwrap());
            }
        }
    }
    store.due_series(&user, task.id, &occurrence.recurrence_id).unwrap();
    let state = store.series(&user, task.id, None).unwrap().unwrap();
    store.commit(&delete_task(&mut fixture.context(&user), &state)).unwrap();
    let ada = store.user(&user).unwrap().unwrap();
    let there = SettingsInput { tz: "Asia/Tokyo".to_owned(), ..SettingsInput::from(&ada) };
    store.commit(&update_settings(&mut fixture.context(&user), &ada, &there).unwrap().0).unwrap();
    // Twice: to the last task, and to find that none is left.
    store.offer_zones(tzdata_version(), 10).unwrap();
    store.offer_zones(tzdata_version(), 10).unwrap();
    store.clock_went_back(NOON).unwrap();
    store.prune(NOON, 10).unwrap();
    let lease = store.lease_stream(&user.stream(), later, 10).unwrap().unwrap();
    store.lease_streams(later, 10, 10, None).unwrap();
    store.owed_successors(&user, later, 10).unwrap();
    for shard in Shard::all() {
        store.lease_streams(later, 10, 10, Some(shard)).unwrap();
        let fence = store.take_shard(shard, later, 10).unwrap().unwrap();
        store.give_back_shard(shard, fence).unwrap();
        store.next_due(shard, NOON, later).unwrap();
        store.wake_shard(shard, later, NOON).unwrap();
    }
    let waiting = store.waiting_events(std::slice::from_ref(&lease), 10).unwrap();
    store.hot_users(std::slice::from_ref(&user));
    assert!(store.lanes(std::slice::from_ref(&lease)).unwrap()[0].last.is_some());
    let end = LaneEnd {
        stream: lease.stream.clone(),
        fence: lease.fence,
        lane: (3, "task-events".to_owned()),
        last: waiting[0].sequence,
        before: None,
    };
    store.note_lanes(&[end]).unwrap();
    let letter = DeadLetter {
        stream: lease.stream.clone(),
        fence: lease.fence,
        sequence: waiting[0].sequence,
        published_in: lease.stream.to_string(),
        event: "{}".to_owned(),
        reason: "x".to_owned(),
        class: ErrorClass::Permanent,
    };
    store.bury(&[letter], NOON).unwrap();
    letters(fixture, store, &user);
    store.metrics(NOON).unwrap();
    audit(store, &user, &task);
    store.mark_published(&[Mark { lease, up_to: 1, pause: None, refused: false }], NOON).unwrap();
    // What is deleted is forgotten, and so is what a deleted user has.
    store.prune(NOON.plus_millis(31 * 86_400_000), 10).unwrap();
    store.commit(&delete_user(&mut fixture.context(&UserId::admin()), &user)).unwrap();
    store.prune(NOON, 10).unwrap();
}

/// All that is done with conversations.
fn conversations(fixture: &mut Fixture, store: &Watching<'_>, user: &UserId) {
    let page = Page { after: None, limit: 10 };
    let new = NewConversation { id: ConversationId::new(fixture.ids.next()), title: "x".to_owned() };
    assert_eq!(store.begin_conversation(user, &new, NOON).unwrap(), Begun::Begun);
    assert_eq!(store.begin_conversation(user, &new, NOON).unwrap(), Begun::There);
    let Take::Taken { fence, .. } = store.take_turn(user, new.id, "x", (NOON, 1_000)).unwrap() else {
        panic!("it is nobody's")
    };
    let messages = [NewMessage {
        id: MessageId::new(fixture.ids.next()),
        role: MessageRole::User,
        body: "1".to_owned(),
    }];
    let confirmations = [NewConfirmation {
        id: ConfirmationId::new(fixture.ids.next()),
        message: 1,
        call_id: "x".to_owned(),
        tool: "x".to_owned(),
        arguments: "{}".to_owned(),
        versions: "{}".to_owned(),
    }];
    let added = Addition { after: 0, fence, messages: &messages, confirmations: &confirmations };
    assert_eq!(store.add_messages(user, new.id, &added, NOON).unwrap(), Added::Applied);
    store.conversations(user, &page).unwrap();
    store.conversation(user, new.id).unwrap();
    assert_eq!(store.messages(user, new.id, 0, (10, 1_000)).unwrap().len(), 1);
    assert_eq!(store.confirmations(user, new.id, 0, 10).unwrap().len(), 1);
    store.settle_confirmation(user, (new.id, confirmations[0].id), true, NOON).unwrap();
    store.settle_confirmation(user, (new.id, confirmations[0].id), true, NOON).unwrap();
    store.renew_turn(user, new.id, fence, (NOON, 1_000)).unwrap();
    store.give_back_turn(user, new.id, fence).unwrap();
    for part in PARTS {
        store.export(user, part, "", (10, 1_000)).unwrap();
    }
    assert!(store.delete_conversation(user, new.id).unwrap());
}

/// All that is done with dead letters.
fn letters(fixture: &mut Fixture, store: &Watching<'_>, user: &UserId) {
    let text = || Some("x".to_owned());
    let all = LetterFilter::default();
    for status in [None, Some(LetterStatus::Open)] {
        for user in [None, text()] {
            for ids in [None, Some(vec!["x".to_owned()])] {
                for topic in [None, text()] {
                    let filter =
                        LetterFilter { status, topic, user: user.clone(), ids: ids.clone(), ..all.clone() };
                    store.letters(&filter, 0, 10).unwrap();
                }
            }
        }
    }
    let kept = store.letters(&all, 0, 10).unwrap().letters.pop().unwrap();
    store.letter(&kept.id).unwrap();
    store.letter_of(user, &kept.event_id, "").unwrap();
    let again = Letter {
        topic: kept.topic.clone(),
        event_id: kept.event_id.clone(),
        consumer: None,
        consumers: vec!["x"],
        hearers: std::collections::BTreeMap::new(),
        user: user.to_string(),
        stream: user.to_string(),
        sequence: 1,
        kind: kept.kind.clone(),
        subject: "x".to_owned(),
        event: "{}".to_owned(),
        error: "x".to_owned(),
        error_class: ErrorClass::Transient,
        instance: "x",
    };
    store.keep_letters(&[again], NOON).unwrap();
    let expected = ExpectLetter { place: kept.place, user_id: kept.user_id, status: kept.status };
    let commit = change_letters(
        &mut fixture.context(&UserId::admin()),
        LetterAction::Replay,
        vec![expected],
        &kept.id,
        true.into(),
    );
    store.commit(&commit).unwrap();
    let taken = store.take_replays(NOON, 10, 10).unwrap().unwrap();
    let replayed = |letter: &Replay| Replayed {
        place: letter.place,
        status: LetterStatus::Replayed,
        tries: 0,
        error: None,
    };
    let replayed: Vec<Replayed> = taken.letters.iter().map(replayed).collect();
    let turn = Turn { stream: taken.letters[0].stream.clone(), pause: 0 };
    store.settle_replays(taken.fence, (&replayed, &[turn]), NOON, NOON).unwrap();
    store.count_repeated("x", &["x".to_owned()]).unwrap();
}

/// Everything that the audit can be asked for.
fn audit(store: &Watching<'_>, user: &UserId, task: &Task) {
    let tomorrow = NOON.plus_millis(86_400_000);
    store.oldest_unsealed(NOON).unwrap();
    assert_eq!(store.seal_of(std::slice::from_ref(user), NOON, 10).unwrap(), 1);
    store.seal(NOON, 10).unwrap();
    let due = store.due_anchors(tomorrow, 10).unwrap();
    assert!(!due.heads.is_empty());
    store.put_off_anchors(&[(due.heads[0].user.clone(), due.heads[0].due_at)], tomorrow).unwrap();
    store.anchored(&due.heads, tomorrow).unwrap();
    let of_task = Audited { subject: Some(task.id.to_string()), ..Audited::default() };
    for asked in [Audited::default(), of_task] {
        let next = store.audited(user, &asked, None, 1).unwrap().next;
        store.audited(user, &asked, next.as_ref(), 1).unwrap();
    }
    store.audited_at(user, &task.id.to_string(), tomorrow, 10).unwrap();
    store.chain(user).unwrap();
    assert!(!store.links(user, 0, 10, 1_000).unwrap().is_empty());
    store.hashes(user, &[1]).unwrap();
}

/// The parts of an export.
const PARTS: [ExportPart; 8] = [
    ExportPart::Projects,
    ExportPart::Tasks,
    ExportPart::Occurrences,
    ExportPart::Overrides,
    ExportPart::Changes,
    ExportPart::Conversations,
    ExportPart::Messages,
    ExportPart::Confirmations,
];

/// The first page of a list, and those after places with and without a key.
fn lists(store: &Watching<'_>, user: &UserId, listing: &Listing) {
    let id = TaskId::parse("0198c0de-0000-7000-8000-000000000000").unwrap();
    let keys = [serde_json::json!(null), serde_json::json!(1), serde_json::json!("a")];
    store.tasks(user, listing, None, 10).unwrap();
    for place in keys.map(|key| Place { key, id }) {
        if listing.read(&listing.write(&place)).is_some() {
            store.tasks(user, listing, Some(&place), 10).unwrap();
        }
    }
}

/// Steps of a plan that read a table or an index from end to end, or sort.
fn reads_too_much(step: &str) -> bool {
    let small = [
        "CONSTANT ROW",
        "VIRTUAL TABLE",
        "schema_version",
        "NEW",
        "(subquery",
        "(join",
        "SCAN walked",
        "SCAN found",
        "SCAN told",
    ];
    (step.starts_with("SCAN ") && !small.iter().any(|small| step.contains(small)))
        || step.contains("USE TEMP B-TREE")
}

#[test]
fn no_statement_scans_a_table_or_sorts() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    everything(&mut fixture, &store);
    let connection = Connection::open(fixture.path()).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRIGGER_EQP, true).unwrap();
    let statements: BTreeSet<String> = recorded.statements.borrow().iter().cloned().collect();
    let mut wrong = Vec::new();
    for statement in statements.iter().filter(|statement| !statement.starts_with("PRAGMA")) {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        for number in 1..=plan.parameter_count() {
            plan.raw_bind_parameter(number, rusqlite::types::Null).unwrap();
        }
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get(3).unwrap();
            if reads_too_much(&step)
                && !EXCEPTIONS.iter().any(|(what, said)| statement.contains(what) && step.contains(said))
            {
                let words: Vec<&str> = statement.split_whitespace().collect();
                let end = words[words.len().saturating_sub(70)..].join(" ");
                wrong.push(format!("{step}\n    in {} … {end}", words[..words.len().min(6)].join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What reads no more than it gives, whatever the plan is called: a statement and a step of its plan.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Of each shard's lanes and streams that are due, so many and no more.
    ("INSERT INTO claim_v6", "TEMP B-TREE FOR ORDER BY"),
    ("UPDATE stream SET relay_at", "TEMP B-TREE FOR ORDER BY"),
    // Of the endpoints that are due, so many and no more.
    ("INSERT INTO claim_notification_v3", "SCAN l"),
    ("INSERT INTO claim_notification_v3", "TEMP B-TREE FOR ORDER BY"),
    // Users who have moved and whose tasks have not all followed yet: the first of them; and some of those tasks.
    ("'kinds'", "SCAN zone_change"),
    ("AS z ORDER BY z.turn LIMIT 1", "SCAN z USING INDEX zone_change_in_turn"),
    ("SET tzdata = ''", "SCAN t"),
    // The members of a document.
    ("INSERT INTO write_fired_v5", "SCAN e"),
    // The admins, who are few.
    ("INSERT INTO write_v5", "SCAN user USING INDEX user_admin"),
    // Tasks that are being forgotten: no more than a piece has rows. And some deleted users, whose turn it is.
    ("task_forgotten", "task_forgotten"),
    ("ORDER BY forget_at LIMIT ?4", "SCAN u"),
    // In the order of the table, up to a limit.
    ("ORDER BY rowid LIMIT", "SCAN outbox"),
    ("ORDER BY rowid LIMIT", "SCAN o"),
    ("ORDER BY rowid LIMIT", "SCAN answer"),
    ("ORDER BY rowid LIMIT", "SCAN idempotency"),
    // Tasks without words, and no others.
    ("has_words = 0", "task_without_words"),
    // What a search has found: at most a page, and at most a thousand.
    (
        "FROM json_each(?2) AS e CROSS JOIN task AS t ON t.id = e.value WHERE t.user_id",
        "USE TEMP B-TREE FOR ORDER BY",
    ),
    ("MATERIALIZED (SELECT t.id, t.created_at", "USE TEMP B-TREE"),
    ("MATERIALIZED (SELECT t.id, t.created_at", "SCAN placed"),
    // The one name that the history of a store has.
    ("(SELECT id FROM epoch)", "SCAN epoch"),
    // Counts and looks of the metrics, which stop at a limit; the counters, which are few.
    ("'outbox_since'", "SCAN stream USING INDEX stream_unsealed"),
    ("'outbox_since'", "SCAN stream USING COVERING INDEX"),
    ("'outbox_since'", "SCAN work USING INDEX work_parked"),
    ("'outbox_since'", "SCAN tally"),
    // Of the streams that have their turn so many, and so many letters of them all.
    ("UPDATE replay SET until", "SCAN s"),
    ("UPDATE replay SET until", "USE TEMP B-TREE"),
    // What a build that knows no letters has given up, and no other work: some of it.
    ("work_without_letter", "work_without_letter"),
    ("coalesce(parked_at, 0) AS at", "SCAN w"),
    // What is given up, and no other work.
    ("SELECT count(*) FROM work WHERE parked_at IS NOT NULL", "work_parked"),
    // Of each of a few streams a few events.
    ("AS o ON o.stream_id = e.value ->> 0", "ORDER BY"),
    // The first occurrence of a task, and those that a change of its series has replaced.
    ("UNION ALL SELECT json_array(o.id", "LAST TERM OF ORDER BY"),
    ("UNION ALL SELECT json_array(o.id", "USE TEMP B-TREE FOR ORDER BY"),
    // Groups of one: a task that was never moved stands at its id.
    ("t.position IS NULL", "LAST TERM OF ORDER BY"),
    // The parts of a task, at most a hundred.
    ("t.parent_id = ?3", "USE TEMP B-TREE"),
    // The one row of its table.
    ("epoch", "SCAN epoch"),
    // Of the chains that wait, so many and no more; the entries that come next in them; a piece of one chain.
    ("stream_unsealed", "SCAN s"),
    ("stream_unanchored", "SCAN s"),
    ("FROM json_each(?1) LIMIT ?2) AS e CROSS JOIN stream", "SCAN e"),
    ("WINDOW ranked AS", "SCAN p"),
    ("WINDOW ranked AS", "USE TEMP B-TREE FOR ORDER BY"),
    ("FROM seal AS l LEFT JOIN audit_v4 AS a", "SCAN l"),
    ("FROM (SELECT ?1 AS id) AS u", "SCAN u"),
    // Rows that refer to a user who is new: looked for where a reference without one is open, which never is.
    ("write_v5", "SCAN task"),
    ("write_v5", "SCAN token"),
    ("write_v5", "SCAN channel"),
    ("write_v5", "SCAN project"),
];

/// Steps of SQLite's machine that a statement takes.
fn steps(connection: &Connection, statement: &str, parameters: &[&dyn rusqlite::ToSql]) -> i32 {
    let mut prepared = connection.prepare(statement).unwrap();
    {
        let mut rows = prepared.query(parameters).unwrap();
        while rows.next().unwrap().is_some() {}
    }
    prepared.get_status(rusqlite::StatementStatus::VmStep)
}

/// The plans say what is looked at; this says that it does not grow, triggers and references included.
#[test]
fn a_write_and_a_look_cost_the_same_whatever_there_is() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    store.due_work(NOON, tzdata_version()).unwrap();
    let commit = |fixture: &mut Fixture| {
        create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap().0
    };
    let write = {
        store.commit(&commit(&mut fixture)).unwrap();
        recorded.statements.borrow().last().unwrap().clone()
    };
    let look =
        recorded.statements.borrow().iter().find(|statement| statement.contains("'kinds'")).unwrap().clone();
    let cost = |fixture: &mut Fixture| {
        let connection = Connection::open(fixture.path()).unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        let document = serde_json::to_string(&commit(fixture)).unwrap();
        let written = steps(&connection, &write, &[&document, &"all", &0]);
        let now = NOON.as_millis();
        (
            written,
            steps(
                &connection,
                &look,
                &[
                    &now,
                    &tzdata_version(),
                    &(now - 1),
                    &(now - 1),
                    &(now - 1),
                    &(now - 1),
                    &(now - 1),
                    &None::<i64>,
                    &(now - 1),
                ],
            ),
        )
    };
    let few = cost(&mut fixture);
    let many: Vec<Commit> = (0..3_000).map(|_| commit(&mut fixture)).collect();
    store.apply(&many, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    // Endpoints that hang are held for up to an hour each.
    fixture.rows(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) \
         INSERT INTO lane (kind, again, lane, next_at, hold_until, failures) \
         SELECT 'notification', 0, n, 1, {} + n, 5 FROM n",
        NOON.plus_millis(1_800_000).as_millis()
    ));
    let much = cost(&mut fixture);
    assert!(few.0 > 100 && few.1 > 20, "{few:?}");
    assert!(much.0 * 10 <= few.0 * 12 && much.1 * 10 <= few.1 * 12, "{few:?} became {much:?}");
}

/// A claim reads at most ten rows for one that it gives, under any backlog.
#[test]
fn a_claim_reads_little_more_than_it_gives() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let (mallory, ada) = (fixture.user("mallory"), fixture.user("ada"));
    let commits: Vec<Commit> = (0..5_000)
        .map(|_| {
            create_task(&mut fixture.context(&mallory), &serde_json::from_str(WEEKLY).unwrap()).unwrap().0
        })
        .collect();
    fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    fixture.task(&ada, WEEKLY);
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let now = NOON.plus_millis(7 * 86_400_000);
    let small = Claim { lanes: 50, per_lane: 5, ..fixture.claim(now) };
    let claimed = store.claim_reminders(&small).unwrap();
    assert_eq!(
        claimed.iter().filter(|claimed| claimed.ticket.user == ada).count(),
        1,
        "served in the first round"
    );
    assert_eq!(claimed.len(), 6);
    let statement = recorded.statements.borrow().last().unwrap().clone();
    let connection = Connection::open(fixture.path()).unwrap();
    let mut cost = |per_lane: i64| {
        let id = fixture.ids.next().to_string();
        steps(
            &connection,
            &statement,
            &[&id, &"reminder", &0, &now.as_millis(), &5_000, &0, &50, &per_lane, &12, &None::<i64>],
        )
    };
    let (five, fifty) = (cost(5), cost(50));
    // The 5,000 that wait are not read: forty-five more cost what forty-five cost, some hundred steps each.
    assert!(five < 5_000, "{five} steps for five");
    assert!((fifty - five) / 45 < 800, "{five} steps for five, {fifty} for fifty");
}

/// Giving back many items costs each what it costs alone.
#[test]
fn settling_many_costs_no_more_for_each() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..410 {
        fixture.task(&user, WEEKLY);
    }
    let now = NOON.plus_millis(7 * 86_400_000);
    let claim = Claim { lanes: 1, per_lane: 410, ..fixture.claim(now) };
    let claimed = fixture.store.claim_reminders(&claim).unwrap();
    let settled: Vec<(Ticket, Settlement)> =
        claimed.into_iter().map(|claimed| (claimed.ticket, Settlement::Release { after: 0 })).collect();
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let cost = |settled: &[(Ticket, Settlement)]| {
        store.settle(settled, now).unwrap();
        let statement = recorded.statements.borrow().last().unwrap().clone();
        let connection = Connection::open(fixture.path()).unwrap();
        // What was settled is settled already: what is left is the finding.
        let rows: Vec<_> = settled
            .iter()
            .map(|(ticket, _)| {
                serde_json::json!({ "id": ticket.id, "tries": ticket.tries, "claim": ticket.claim })
            })
            .collect();
        steps(&connection, &statement, &[&serde_json::to_string(&rows).unwrap(), &now.as_millis()])
    };
    let (few, many) = (cost(&settled[..10]), cost(&settled[10..]));
    assert!(many <= few * 60, "{few} steps for ten, {many} for four hundred");
}

/// Of one user there may be very many dead letters, and many of one stream may wait to be sent again: neither finding one nor taking
/// a few costs more for it.
#[test]
fn a_letter_costs_the_same_however_many_there_are() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let more = |from: i64, to: i64, user: &UserId| {
        fixture.rows(&format!(
            "WITH RECURSIVE n (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM n WHERE n < {to}) \
             INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class, \
             tries, first_at, last_at, instance, status, status_at, event) \
             SELECT '{user}' || n, '{user}', 'task-events', '{user}' || n, 'x', '{user}', n % 3, 'task.completed', n, '', 'transient', 1, 1, 1, \
             '', iif(n % 2, 'replaying', 'open'), 1, '{{}}' FROM n"
        ));
        fixture.rows(&format!(
            "INSERT INTO replay_stream (stream_id, turn_at) VALUES ('{user}', 1) ON CONFLICT DO NOTHING"
        ));
    };
    more(1, 300, &ada);
    more(1, 3, &eve);
    assert!(store.letter_of(&ada, &format!("{ada}2"), "x").unwrap().is_some());
    let find = recorded.statements.borrow().last().unwrap().clone();
    assert_eq!(store.take_replays(NOON, 1, 100).unwrap().unwrap().letters.len(), 52);
    let take = recorded.statements.borrow().last().unwrap().clone();
    let mut now = NOON.as_millis();
    let mut cost = || {
        let connection = Connection::open(fixture.path()).unwrap();
        now += 10;
        (
            steps(&connection, &find, &[&ada.as_str(), &format!("{ada}2"), &"x"]),
            steps(&connection, &take, &[&now, &1, &100]),
        )
    };
    let few = cost();
    more(301, 30_000, &ada);
    let many = cost();
    assert!(few.0 > 10 && few.1 > 500, "{few:?}");
    assert!(many.0 * 10 <= few.0 * 12 && many.1 * 10 <= few.1 * 12, "{few:?} became {many:?}");
    // Also where a great many streams wait.
    fixture.rows(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000) \
        INSERT INTO replay_stream (stream_id, turn_at) SELECT 'x' || n, 2 FROM n",
    );
    assert!(cost().1 < many.1 * 3);

    // Statistics lead nobody astray.
    fixture.rows("ANALYZE");
    let connection = Connection::open(fixture.path()).unwrap();
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {find}")).unwrap();
    let found: Vec<String> =
        plan.query_map(["a", "b", "c"], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    assert!(found.concat().contains("(event_id=? AND consumer=?)"), "{found:?}");
}

/// What one create costs: a look at the schema, one at the token, the write, and the mark of its event with the word that it
/// need not be synced. One full sync.
#[test]
fn a_create_is_five_statements_and_one_sync() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (mut commit, ..) =
        create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
    commit.idempotency = Some(IdempotencyRecord {
        key: "key".to_owned(),
        fingerprint: "x".to_owned(),
        status: 201,
        etag: None,
        location: None,
        body: "{}".to_owned(),
        change_id: None,
    });
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    store.token_owner("hash", NOON).unwrap();
    let how = Apply { mode: Mode::All, relay_for: 2_000 };
    let outcome = store.apply(std::slice::from_ref(&commit), how).unwrap().pop();
    let Some(Outcome::Applied(Some(own))) = outcome else { panic!("{outcome:?}") };
    assert!(
        store
            .mark_published(&[Mark { lease: own.lease, up_to: 1, pause: None, refused: false }], NOON)
            .unwrap()
            .is_empty()
    );
    let statements = recorded.statements.borrow();
    let begins: Vec<&str> = statements.iter().map(|statement| statement.split(' ').next().unwrap()).collect();
    assert_eq!(begins, ["SELECT", "SELECT", "INSERT", "PRAGMA", "UPDATE"], "{statements:?}");
}
