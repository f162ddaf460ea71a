//! Cuts a migration off: one database at each of its steps in turn, and whole copies of it at some.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use perennial_store::sqlite::{Durability, NativeSql, Sql, SqlError, Sqlite, Value};

use crate::older::{quick, rows};

/// How many copies are cut once and then finished at one go.
const COPIES: usize = 12;

const SCHEMA: &str = "SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2";

/// How a step is remembered; the store executes it after the step.
const REMEMBERS: &str = "INSERT INTO schema_step";

/// A connection that is lost at the statement that `lost` says yes to, before it is executed.
struct Cut<F> {
    sql: NativeSql,
    lost: F,
    gone: Cell<bool>,
}

impl<F: Fn(&str, &[Value]) -> bool> Sql for Cut<F> {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, SqlError> {
        if self.gone.get() || (self.lost)(statement, parameters) {
            self.gone.set(true);
            return Err(SqlError("cut off".to_owned()));
        }
        self.sql.execute(statement, parameters)
    }
}

/// Opens the store; whether it came to its end. Any error but the cut fails the test.
fn opens(path: &Path, lost: impl Fn(&str, &[Value]) -> bool) -> bool {
    let sql = quick(path);
    match Sqlite::open(Cut { sql, lost, gone: Cell::new(false) }, Durability::Normal) {
        Ok(_) => true,
        Err(error) => {
            assert!(format!("{error:?}").contains("cut off"), "{error:?}");
            false
        }
    }
}

/// A connection that stays: SQLite writes the log back and syncs whenever the last one closes.
fn kept(path: &Path) -> NativeSql {
    let sql = NativeSql::open(path).unwrap();
    sql.execute("SELECT count(*) FROM sqlite_schema", &[]).unwrap();
    sql
}

/// A database of a build before is brought up to date however its migration is cut off, while `between` writes as that build
/// does; `assert` looks at what has come of it.
///
/// In one copy the migration is cut at every mark that it sets, each for the first time that it is to be set: so each step of
/// the store is done, is not remembered, and is done again by the next. That costs as many openings as there are steps. Other
/// copies are cut once each, after some number of statements, and then finished.
pub fn is_finished_by_the_next(original: &Path, between: impl Fn(&Path), assert: impl Fn(&Path)) {
    rows(original, "PRAGMA wal_checkpoint(TRUNCATE)");
    let dir = tempfile::tempdir().unwrap();
    let copy = |name: String| -> PathBuf {
        let path = dir.path().join(name);
        std::fs::copy(original, &path).unwrap();
        path
    };
    let whole = copy("whole".to_owned());
    let statements = Cell::new(0);
    assert!(opens(&whole, |_, _| {
        statements.set(statements.get() + 1);
        false
    }));
    let expected = rows(&whole, SCHEMA);
    let is_whole = |path: &Path, cut: &str| {
        let found = rows(path, SCHEMA);
        let differs: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
        let lacks: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
        assert!(differs.is_empty() && lacks.is_empty(), "cut {cut}: {differs:?} for {lacks:?}");
        assert(path);
    };

    let path = copy("each".to_owned());
    let _kept = kept(&path);
    let known = rows(&path, "SELECT name FROM sqlite_schema WHERE name = 'schema_step'").len();
    let before = if known == 0 { 0 } else { rows(&path, "SELECT 1 FROM schema_step").len() };
    let marks = RefCell::new(HashSet::new());
    let first = |statement: &str, parameters: &[Value]| {
        let marks_it = statement.contains("schema_") || statement.starts_with("PRAGMA user_version =");
        marks_it
            && !statement.starts_with("SELECT")
            && marks.borrow_mut().insert(format!("{statement} {parameters:?}"))
    };
    while !opens(&path, first) {
        between(&path);
    }
    let steps = marks.borrow().iter().filter(|mark| mark.starts_with(REMEMBERS)).count();
    assert_eq!(steps, rows(&path, "SELECT 1 FROM schema_step").len() - before, "each step was cut");
    is_whole(&path, "at each step");

    // Of two statements one is a step and one remembers it: an odd stride meets both.
    let stride = (statements.get() / COPIES) | 1;
    for cut in (1..statements.get()).step_by(stride) {
        let path = copy(format!("once-{cut}"));
        let _kept = kept(&path);
        let left = Cell::new(cut);
        assert!(!opens(&path, |_, _| left.replace(left.get().saturating_sub(1)) == 0), "cut after {cut}");
        between(&path);
        assert!(opens(&path, |_, _| false));
        is_whole(&path, &format!("after {cut}"));
    }
    println!("{steps} steps, {} statements", statements.get());
}
