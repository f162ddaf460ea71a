//! What a search finds, in which order, and what it costs.

use perennial_domain::filter::{Clock, parse};
use perennial_domain::search::{Candidate, Query, matches, rank, tokens};
use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, Recorded, sqlite_only};
use perennial_recurrence::{Zone, tzdata_version};
use perennial_store::sqlite::{NativeSql, Sql};
use perennial_store::{Apply, Listing, MATCHES, Mode, Place, Sort, Store, Value, WorkStore};
use serde_json::json;

fn made(fixture: &mut Fixture, user: &UserId, document: &serde_json::Value) -> Task {
    fixture.task(user, &document.to_string()).0
}

fn listing(text: &str, sort: Sort) -> Listing {
    Listing { search: Some(Query::parse(text).unwrap()), sort, ..Listing::default() }
}

/// All pages of a list, one after the other.
fn pages(fixture: &Fixture, user: &UserId, listing: &Listing, limit: u32) -> Vec<TaskId> {
    let mut after: Option<Place> = None;
    let mut all = Vec::new();
    for _ in 0..2_000 {
        let page = fixture.store.tasks(user, listing, after.as_ref(), limit + 1).unwrap();
        let rows = page.read().unwrap();
        assert!(rows.len() <= limit as usize, "{}", rows.len());
        all.extend(rows.iter().map(|row| TaskId::parse(row.id).unwrap()));
        let last = rows.last().and_then(|row| page.place(row, listing));
        after = match (page.cut(), page.end()) {
            (true, _) => last,
            (false, end) => end.cloned(),
        };
        let Some(place) = &after else { return all };
        assert_eq!(
            listing.read(&listing.write(place)).as_ref(),
            Some(place),
            "a cursor is read as it is written"
        );
    }
    panic!("no end");
}

fn found(fixture: &Fixture, user: &UserId, text: &str) -> Vec<TaskId> {
    pages(fixture, user, &listing(text, Sort::Relevance), 50)
}

/// Numbers that look like chance, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn text(&mut self, most: usize) -> String {
        const WORDS: [&str; 14] = [
            "pay", "rent", "pays", "re", "tax", "home", "Café", "東京", "e-mail", "R&D", "a", "ab", "12",
            "straße",
        ];
        let count = self.below(most + 1);
        (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_search_finds_what_the_definition_says_and_as_it_ranks() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let mut dice = Dice(7);
    let mut tasks = Vec::new();
    for number in 0..240 {
        let user = if number % 3 == 0 { &eve } else { &ada };
        let title = format!("{} x", dice.text(4));
        let tags: Vec<String> =
            (0..dice.below(3)).map(|at| format!("{at}{}", dice.text(1)).to_lowercase()).collect();
        let mut document = json!({ "title": title, "description": dice.text(9), "tags": tags });
        if dice.below(2) == 0 {
            document["due"] = json!({ "local": format!("2026-12-{:02}", 1 + dice.below(28)) });
        }
        document["priority"] = json!(["none", "low", "medium", "high", "urgent"][dice.below(5)]);
        let task = made(&mut fixture, user, &document);
        if user == &ada {
            tasks.push(task);
        }
    }
    let fixed = [
        "pay",
        "pay re",
        "\"pay rent\"",
        "-tax pay",
        "r&d",
        "e-mail",
        "東",
        "東京 -home",
        "a*",
        "x",
        "-\"pay rent\" pay",
        "cafe str*",
        "12 12",
        "nothing",
        "x -x",
    ];
    let mut texts: Vec<String> = fixed.map(str::to_owned).to_vec();
    texts.extend((0..60).map(|_| dice.text(3)).filter(|text| !text.is_empty()));
    let mut finds = 0;
    for text in texts {
        let query = Query::parse(&text).unwrap();
        let candidates: Vec<Candidate<TaskId>> = tasks
            .iter()
            .map(|task| Candidate {
                key: task.id,
                created: task.created_at,
                tokens: tokens(&task.spec.title, &task.spec.tags, &task.spec.description),
            })
            .collect();
        let ranked: Vec<TaskId> = rank(&query, &candidates).into_iter().map(|(id, _)| id).collect();
        let plain: Vec<&Task> = tasks
            .iter()
            .filter(|task| matches(&query, &task.spec.title, &task.spec.tags, &task.spec.description))
            .collect();
        assert_eq!(ranked.len(), plain.len(), "{text}");
        finds += ranked.len();
        for limit in [1, 7, 200] {
            assert_eq!(
                pages(&fixture, &ada, &listing(&text, Sort::Relevance), limit),
                ranked,
                "{text} by {limit}"
            );
        }
        // In every other order: that of the list without a search.
        for sort in [Sort::Created, Sort::Due, Sort::Priority, Sort::Updated, Sort::Position] {
            for descending in [false, true] {
                let all = Listing { sort, descending, ..Listing::default() };
                let rows = fixture.store.tasks(&ada, &all, None, 1_000).unwrap();
                let order = rows.read().unwrap();
                let expected: Vec<TaskId> = order
                    .iter()
                    .map(|row| TaskId::parse(row.id).unwrap())
                    .filter(|id| ranked.contains(id))
                    .collect();
                let searched = Listing { descending, ..listing(&text, sort) };
                assert_eq!(pages(&fixture, &ada, &searched, 7), expected, "{text} by {sort:?}, {descending}");
            }
        }
    }
    assert!(finds > 500, "{finds}");
}

#[test]
fn a_search_is_of_the_words_that_a_task_has_now() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let task = made(
        &mut fixture,
        &user,
        &json!({ "title": "Pay the rent", "tags": ["home"], "description": "by wire" }),
    );
    for text in ["pay", "rent", "home", "wire", "the rent", "\"pay the\""] {
        assert_eq!(found(&fixture, &user, text), [task.id], "{text}");
    }
    let kept = fixture.rows("SELECT word, places FROM task_word ORDER BY word");
    // What changes no text leaves the words, and what cannot change any does not make them.
    let state = fixture.state(&user, &task, None);
    let moved = MoveInput { project: Some(None), ..MoveInput::default() };
    let (commit, _) = move_task(&mut fixture.context(&user), &state, &moved, None).unwrap();
    assert_eq!(commit.tasks[0].words, None);
    let urgent = TaskInput { priority: Priority::Urgent, ..TaskInput::from(&task.spec) };
    let state = fixture.state(&user, &task, None);
    let (commit, task, _) = update_task(&mut fixture.context(&user), &state, &urgent).unwrap();
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.rows("SELECT word, places FROM task_word ORDER BY word"), kept);
    assert_eq!(found(&fixture, &user, "rent"), [task.id]);

    let changed = TaskInput { title: "Pay taxes".to_owned(), ..TaskInput::from(&task.spec) };
    let state = fixture.state(&user, &task, None);
    let (commit, task, _) = update_task(&mut fixture.context(&user), &state, &changed).unwrap();
    fixture.store.commit(&commit).unwrap();
    assert_eq!(found(&fixture, &user, "rent"), []);
    assert_eq!(found(&fixture, &user, "taxes wire"), [task.id]);
    assert_eq!(fixture.count("task WHERE NOT has_words"), 0);
    let state = fixture.state(&user, &task, None);
    let wordless = TaskInput {
        title: "!!!".to_owned(),
        tags: Vec::new(),
        description: String::new(),
        ..TaskInput::from(&task.spec)
    };
    let (commit, ..) = update_task(&mut fixture.context(&user), &state, &wordless).unwrap();
    fixture.store.commit(&commit).unwrap();
    assert_eq!((fixture.count("task_word"), fixture.count("task WHERE NOT has_words")), (0, 0));
    let state = fixture.state(&user, &task, None);
    let (commit, task, _) =
        update_task(&mut fixture.context(&user), &state, &TaskInput::from(&task.spec)).unwrap();
    fixture.store.commit(&commit).unwrap();

    let state = fixture.state(&user, &task, None);
    let commit = delete_task(&mut fixture.context(&user), &state);
    fixture.store.commit(&commit).unwrap();
    assert_eq!(found(&fixture, &user, "taxes"), [], "what is in the bin is not found");
    let state = fixture.store.deleted_series(&user, task.id).unwrap().unwrap();
    let (commit, ..) = restore_task(&mut fixture.context(&user), &state).unwrap();
    fixture.store.commit(&commit).unwrap();
    assert_eq!(found(&fixture, &user, "taxes"), [task.id]);
}

#[test]
fn a_search_goes_with_a_filter_and_a_status() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let low = made(&mut fixture, &user, &json!({ "title": "Rent", "priority": "low" }));
    let high = made(&mut fixture, &user, &json!({ "title": "Rent", "priority": "high" }));
    let clock = Clock { now: NOON, zone: Zone::parse("UTC").unwrap(), week_start: Weekday::Monday.into() };
    let filter = Some(parse("priority = high", &clock).unwrap());
    let only = Listing { filter, ..listing("rent", Sort::Relevance) };
    assert_eq!(pages(&fixture, &user, &only, 10), [high.id]);
    let open = Listing { status: Some(TaskStatus::Open), ..listing("rent", Sort::Relevance) };
    assert_eq!(pages(&fixture, &user, &open, 10).len(), 2);
    let done = Listing { status: Some(TaskStatus::Done), ..listing("rent", Sort::Relevance) };
    assert_eq!(pages(&fixture, &user, &done, 10), []);
    assert_eq!(found(&fixture, &user, "rent"), [low.id, high.id], "of one time and equally good: by id");
}

/// A connection of a build that writes by what an older schema had for that.
fn older(fixture: &Fixture, writes: &str) -> NativeSql {
    let sql = NativeSql::open(&fixture.path()).unwrap();
    for statement in writes.split("\n--;\n") {
        sql.execute(statement, &[]).unwrap();
    }
    sql
}

/// What the build before the fifth schema wrote: it makes no words.
fn by_the_build_before(fixture: &Fixture, commit: &Commit) {
    if !fixture.is_sqlite() {
        fixture.store.commit(commit).unwrap();
        let id = commit.tasks[0].id;
        fixture.rows(&format!("DELETE FROM task_word WHERE task_id = '{id}'"));
        fixture.rows(&format!("UPDATE task SET has_words = false WHERE id = '{id}'"));
        return;
    }
    let write =
        "INSERT INTO write_v4 (ix, mode, relay_for, doc) VALUES (0, 'all', 0, jsonb(?1)) RETURNING ix";
    let sql = older(fixture, include_str!("../../src/sqlite/schema/0004_write.sql"));
    assert_eq!(sql.execute(write, &[serde_json::to_string(commit).unwrap().into()]).unwrap().len(), 1);
}

#[test]
fn what_a_build_without_words_has_written_is_found_after_a_sweep() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let mut ids = Vec::new();
    for number in 0..7 {
        let input: TaskInput =
            serde_json::from_value(json!({ "title": format!("old {number}"), "description": "rent" }))
                .unwrap();
        let (commit, task, _) = create_task(&mut fixture.context(&user), &input).unwrap();
        by_the_build_before(&fixture, &commit);
        ids.push(task);
    }
    let new = made(&mut fixture, &user, &json!({ "title": "new rent" }));
    // One that had words is changed by the build before: those that it has are no longer its.
    let changed = TaskInput { title: "new house".to_owned(), ..TaskInput::from(&new.spec) };
    let state = fixture.state(&user, &new, None);
    let (commit, ..) = update_task(&mut fixture.context(&user), &state, &changed).unwrap();
    by_the_build_before(&fixture, &commit);
    assert_eq!(fixture.count("task WHERE NOT has_words"), 8);
    assert!(fixture.store.due_work(NOON, tzdata_version()).unwrap().words);
    // A few at a time; whoever is cut off is followed by the next.
    for left in [5, 2, 0, 0] {
        fixture.store.make_words(3).unwrap();
        assert_eq!(fixture.count("task WHERE NOT has_words"), left);
    }
    assert!(!fixture.store.due_work(NOON, tzdata_version()).unwrap().words);
    let expected: Vec<TaskId> = ids.iter().map(|task| task.id).collect();
    let mut both = found(&fixture, &user, "rent");
    both.sort();
    assert_eq!(both, expected);
    assert_eq!(found(&fixture, &user, "house"), [new.id]);
    assert_eq!(found(&fixture, &user, "new rent"), []);
}

#[test]
fn a_task_that_changes_while_its_words_are_made_keeps_those_of_its_change() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let input: TaskInput = serde_json::from_value(json!({ "title": "old" })).unwrap();
    let (commit, task, _) = create_task(&mut fixture.context(&user), &input).unwrap();
    by_the_build_before(&fixture, &commit);
    let slow = json!([{ "id": task.id, "version": 1, "words": [["old", "t0"]] }]).to_string();
    let state = fixture.state(&user, &task, None);
    let changed = TaskInput { title: "new".to_owned(), ..TaskInput::from(&task.spec) };
    let (commit, ..) = update_task(&mut fixture.context(&user), &state, &changed).unwrap();
    fixture.store.commit(&commit).unwrap();
    let sql = NativeSql::open(&fixture.path()).unwrap();
    sql.execute("INSERT INTO words_v5 (doc) SELECT value FROM json_each(?1)", &[slow.into()]).unwrap();
    assert_eq!((found(&fixture, &user, "old").len(), found(&fixture, &user, "new").len()), (0, 1));
}

/// Texts with hundreds of words that begin alike fill what is looked at of a beginning; the newest tasks are looked at all the same.
#[test]
fn long_texts_hide_nothing_and_those_in_the_bin_less_still() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let old = made(&mut fixture, &user, &json!({ "title": "pay rent" }));
    let long = |number: usize| {
        let words: Vec<String> = (0..290).map(|word| format!("pz{number}x{word}")).collect();
        json!({ "title": format!("list {number}"), "description": words.join(" ") })
    };
    let lists: Vec<Task> = (0..20).map(|number| made(&mut fixture, &user, &long(number))).collect();
    let new = made(&mut fixture, &user, &json!({ "title": "pay tax" }));
    let all = found(&fixture, &user, "p");
    assert_eq!(all.len(), 22);
    assert!(all.contains(&old.id) && all.contains(&new.id));
    for list in &lists {
        let state = fixture.state(&user, list, None);
        let commit = delete_task(&mut fixture.context(&user), &state);
        fixture.store.commit(&commit).unwrap();
    }
    assert_eq!(found(&fixture, &user, "p").len(), 2);
    assert_eq!(fixture.count("task_word"), 4, "what is in the bin has no words");
    assert!(!fixture.store.due_work(NOON, tzdata_version()).unwrap().words, "nor is given any");
}

#[test]
fn what_another_build_has_changed_is_not_taken_back() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let task = made(&mut fixture, &user, &json!({ "title": "apples" }));
    let update = |fixture: &mut Fixture, title: &str| {
        let state = fixture.state(&user, &task, None);
        let changed = TaskInput { title: title.to_owned(), ..TaskInput::from(&state.task.spec) };
        update_task(&mut fixture.context(&user), &state, &changed).unwrap().0
    };
    let commit = update(&mut fixture, "PÉARS");
    fixture.store.commit(&commit).unwrap();
    assert!(fixture.store.change(&user, &commit.id.to_string()).unwrap().unwrap().1);
    let write =
        "INSERT INTO write_v2 (ix, mode, relay_for, doc) VALUES (0, 'all', 0, jsonb(?1)) RETURNING ix";
    let other = update(&mut fixture, "PLÜMS");
    let sql = older(&fixture, include_str!("../../src/sqlite/schema/0002_write.sql"));
    assert_eq!(sql.execute(write, &[serde_json::to_string(&other).unwrap().into()]).unwrap().len(), 1);
    assert!(!fixture.store.change(&user, &commit.id.to_string()).unwrap().unwrap().1);
    // Its title in lower case, as filters know it, follows with the words.
    fixture.store.make_words(10).unwrap();
    assert_eq!(fixture.count("task WHERE title_lower = 'plüms'"), 1);
}

/// Steps of SQLite's machine that the last statement takes.
fn steps(recorded: &Recorded, fixture: &Fixture) -> i32 {
    let (statement, parameters) = recorded.last_with("walked");
    let connection = rusqlite::Connection::open(fixture.path()).unwrap();
    let mut prepared = connection.prepare(&statement).unwrap();
    let values: Vec<rusqlite::types::Value> = parameters
        .into_iter()
        .map(|value| match value {
            Value::Text(text) => rusqlite::types::Value::Text(text),
            Value::Integer(number) => rusqlite::types::Value::Integer(number),
            _ => rusqlite::types::Value::Null,
        })
        .collect();
    {
        let mut rows = prepared.query(rusqlite::params_from_iter(values)).unwrap();
        while rows.next().unwrap().is_some() {}
    }
    prepared.get_status(rusqlite::StatementStatus::VmStep)
}

#[test]
fn a_search_costs_the_same_however_many_tasks_have_its_words() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let add = |fixture: &mut Fixture, count: usize| {
        let commits: Vec<Commit> = (0..count)
            .map(|number| {
                let input = json!({ "title": format!("common word {}", if number == 5_500 { "rare" } else { "often" }) });
                create_task(&mut fixture.context(&user), &serde_json::from_value(input).unwrap()).unwrap().0
            })
            .collect();
        fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    };
    add(&mut fixture, 6_000);
    let texts = [
        "common word",
        "common wor",
        "common -often",
        "rare common",
        "c*",
        "\"common word\" -\"word often\"",
    ];
    let costs = |fixture: &Fixture| {
        texts.map(|text| {
            store.tasks(&user, &listing(text, Sort::Relevance), None, 51).unwrap();
            if fixture.is_sqlite() { steps(&recorded, fixture) } else { 0 }
        })
    };
    let first = costs(&fixture);
    let all = pages(&fixture, &user, &listing("common", Sort::Relevance), 200);
    assert_eq!(all.len(), MATCHES as usize);
    // Made in one instant, they stand in the order of their ids; those of the newest are ranked.
    let ids = fixture
        .rows("SELECT id FROM (SELECT id FROM task ORDER BY id DESC LIMIT 1000) AS newest ORDER BY id");
    let newest: Vec<Value> = all.iter().map(|id| id.to_string().into()).collect();
    assert!(ids.into_iter().flatten().eq(newest), "the newest");
    // The rare word leads: it is found however old it is.
    assert_eq!(found(&fixture, &user, "common rare").len(), 1);
    add(&mut fixture, 3_000);
    let second = costs(&fixture);
    for ((text, first), second) in texts.iter().zip(first).zip(second) {
        assert!(second * 10 <= first * 12, "{text}: {first} steps became {second}");
        assert!(second < 600_000, "{text}: {second} steps");
        println!("{text}: {second} steps");
    }
}

#[test]
fn the_dearest_search_is_bounded() {
    sqlite_only!();
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    // Each task has three hundred words, those of the search a hundred times.
    let many: String = (0..290).map(|number| format!("a{number:03} ")).collect();
    let again = "b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ".repeat(100);
    let input: TaskInput =
        serde_json::from_value(json!({ "title": "x", "description": format!("{again}{many}") })).unwrap();
    for _ in 0..4 {
        let commits: Vec<Commit> =
            (0..300).map(|_| create_task(&mut fixture.context(&user), &input).unwrap().0).collect();
        fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    }
    let text = "\"b0 b1 b2 b3 b4 b5 b6 b7 b8 b9\" \"b1 b2 b3 b4 b5 b6 b7\" a* b* b0* b1* a0* a1* a2*";
    let page = store.tasks(&user, &listing(text, Sort::Relevance), None, 51).unwrap();
    assert_eq!(page.read().unwrap().len(), 50);
    let (statement, parameters) = recorded.last_with("walked");
    let read: usize = fixture_rows(&fixture, &statement, &parameters);
    assert!(read <= 6 * 1024 * 1024, "{read} bytes");
    let steps = steps(&recorded, &fixture);
    assert!(steps < 12_000_000, "{steps}");
}

/// Bytes that a statement gives.
fn fixture_rows(fixture: &Fixture, statement: &str, parameters: &[Value]) -> usize {
    let rows = NativeSql::open(&fixture.path()).unwrap().execute(statement, parameters).unwrap();
    let text = |value: &Value| if let Value::Text(text) = value { text.len() } else { 0 };
    rows.iter().flatten().map(text).sum()
}
