//! Many guests that find no database: the first requests of a new service, or those that meet a new build.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use perennial_fixture::sqlite_only;
use perennial_store::AccountStore;
use perennial_store::sqlite::{Durability, NativeSql, Sql, SqlError, Sqlite, Value};

const GUESTS: usize = 16;

/// Counts what is asked of the database. After each step every connection has to read the whole schema again.
struct Counted<'a> {
    sql: NativeSql,
    statements: &'a AtomicUsize,
}

impl Sql for Counted<'_> {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, SqlError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.sql.execute(statement, parameters)
    }
}

/// How many statements it takes to make the schema, by so many at once.
fn statements(guests: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("perennial.db");
    let (statements, start) = (AtomicUsize::new(0), Barrier::new(guests));
    std::thread::scope(|scope| {
        for _ in 0..guests {
            scope.spawn(|| {
                let sql = Counted { sql: NativeSql::open(&path).unwrap(), statements: &statements };
                start.wait();
                let store = Sqlite::open(sql, Durability::Full).unwrap();
                assert!(store.schema_version().unwrap() > (1, 0));
            });
        }
    });
    statements.into_inner()
}

#[test]
fn many_at_once_leave_the_work_to_one() {
    sqlite_only!();
    let (one, many) = (statements(1), statements(GUESTS));
    assert!(many < one * 2, "{one} statements by one, {many} by {GUESTS}");
}
