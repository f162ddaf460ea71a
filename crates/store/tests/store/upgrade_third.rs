//! A database that the third schema's build has made is opened by this one, while that build goes on writing.

use std::cell::Cell;
use std::path::Path;

use perennial_domain::search::Query;
use perennial_domain::{Commit, Completion, RecurrenceId, TaskInput, UserId, complete, create_task};
use perennial_fixture::{Counting, context, sqlite_only};
use perennial_store::sqlite::{Durability, NativeSql, Sql, Sqlite};
use perennial_store::{AccountStore, Among, Listing, Sort, Store, WorkStore};

use crate::older::{make, quick};

/// The schema of the build before.
const THIRD: [&str; 9] = [
    include_str!("../../src/sqlite/schema/0001_tables.sql"),
    include_str!("../../src/sqlite/schema/0001_write.sql"),
    include_str!("../../src/sqlite/schema/0002_tables.sql"),
    include_str!("../../src/sqlite/schema/0002_work.sql"),
    include_str!("../../src/sqlite/schema/0002_write.sql"),
    include_str!("../../src/sqlite/schema/0003_tables.sql"),
    include_str!("../../src/sqlite/schema/0003_claims.sql"),
    include_str!("../../src/sqlite/schema/0003_write.sql"),
    include_str!("../../src/sqlite/schema/0003_fired.sql"),
];

/// The build before: what it executed.
struct Before {
    sql: NativeSql,
    ids: Counting,
}

impl Before {
    fn create(path: &Path) -> Self {
        let sql = make(path, (3, 2), &THIRD);
        let run = |statement: &str| sql.execute(statement, &[]).map(|_| ()).unwrap();
        run("INSERT INTO user (id, name, role, tz, created_at) VALUES ('ada', 'ada', 'member', 'UTC', 1)");
        Self { sql, ids: Counting(0) }
    }

    fn write(&self, view: &str, commit: &Commit) {
        let write = format!(
            "INSERT INTO {view} (ix, mode, relay_for, doc) VALUES (0, 'all', 0, jsonb(?1)) RETURNING ix"
        );
        assert_eq!(
            self.sql.execute(&write, &[serde_json::to_string(commit).unwrap().into()]).unwrap().len(),
            1
        );
    }

    fn task(&mut self, title: &str, tag: &str, day: u32) -> Commit {
        let document = format!(
            r#"{{ "title": "{title}", "tags": ["{tag}"], "priority": "high", "due": {{ "local": "2026-12-{day:02}" }} }}"#
        );
        let input: TaskInput = serde_json::from_str(&document).unwrap();
        let (commit, ..) = create_task(&mut context(&UserId::new("ada"), &mut self.ids), &input).unwrap();
        self.write("write_new_v3", &commit);
        commit
    }
}

fn titles(store: &Sqlite<NativeSql>, listing: &Listing) -> Vec<String> {
    let tasks = store.tasks(&UserId::new("ada"), listing, None, 10).unwrap();
    tasks.read().unwrap().iter().map(|task| task.title.get().trim_matches('"').to_owned()).collect()
}

#[test]
fn what_the_build_before_has_and_writes_is_in_every_list() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut before = Before::create(&path);
    let late = before.task("late", "old", 20);
    before.task("early", "old", 2);
    let store = Sqlite::open(NativeSql::open(&path).unwrap(), Durability::Full).unwrap();
    let (found, needed) = store.schema_version().unwrap();
    assert_eq!(found, needed);
    // While it is replaced, it goes on.
    before.task("between", "new", 10);
    let by_due = Listing { sort: Sort::Due, ..Listing::default() };
    assert_eq!(titles(&store, &by_due), ["early", "between", "late"]);
    let tagged = |tag: &str| Listing { among: Among::Tag(tag.to_owned()), ..by_due.clone() };
    assert_eq!(titles(&store, &tagged("old")), ["early", "late"]);
    assert_eq!(titles(&store, &tagged("new")), ["between"]);
    assert_eq!(titles(&store, &Listing { sort: Sort::Priority, ..Listing::default() }).len(), 3);
    assert_eq!(
        store.tags(&UserId::new("ada"), &perennial_store::Page { after: None, limit: 10 }).unwrap(),
        ["new", "old"]
    );

    // A search finds them once the sweep has made their words.
    let searched = Listing { search: Some(Query::parse("bet").unwrap()), ..Listing::default() };
    assert!(titles(&store, &searched).is_empty());
    store.make_words(10).unwrap();
    assert_eq!(titles(&store, &searched), ["between"]);

    // What it completes is done in them.
    let ada = UserId::new("ada");
    let state = store.series(&ada, late.tasks[0].id, Some(&RecurrenceId::single())).unwrap().unwrap();
    let Completion::Closes(commit, _) = complete(&mut context(&ada, &mut before.ids), &state).unwrap() else {
        panic!("it is open")
    };
    before.write("write_v2", &commit);
    let open = Listing { status: Some(perennial_domain::TaskStatus::Open), ..tagged("old") };
    assert_eq!(titles(&store, &open), ["early"]);
    // And what this build takes up of it, it takes up whole.
    let state = store.series(&ada, late.tasks[0].id, Some(&RecurrenceId::single())).unwrap().unwrap();
    assert_eq!((state.task.spec.metadata.len(), &state.task.position), (0, &None));
    let deletes = perennial_domain::delete_task(&mut context(&ada, &mut before.ids), &state);
    store.commit(&deletes).unwrap();
    assert_eq!(titles(&store, &tagged("old")), ["early"]);
}

#[test]
fn a_migration_that_is_cut_off_anywhere_is_finished_by_the_next() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    let mut before = Before::create(&original);
    before.task("first", "old", 20);
    drop(before);
    let ids = Cell::new(5_000_000);
    crate::cut::is_finished_by_the_next(
        &original,
        |path| {
            ids.set(ids.get() + 1_000);
            let sql = quick(path);
            Before { sql, ids: Counting(ids.get()) }.task("between", "old", 2);
        },
        |path| {
            let sql = NativeSql::open(path).unwrap();
            let lost = "SELECT id FROM task WHERE id NOT IN (SELECT task_id FROM task_tag WHERE tag = 'old') \
                        OR next_due_at IS NULL OR rank IS NULL";
            assert_eq!(sql.execute(lost, &[]).unwrap().len(), 0, "each task is in each list");
        },
    );
}
