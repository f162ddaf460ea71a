//! Databases as older builds have made them, and what is in them.

use std::path::Path;

use perennial_store::sqlite::{NativeSql, Sql, Value};

/// Makes a database as the build of a schema did, out of the files of that: its version, and the smallest with which it could work.
pub fn make(path: &Path, (version, compatible): (i64, i64), files: &[&str]) -> NativeSql {
    let sql = NativeSql::open(path).unwrap();
    let run = |statement: &str| sql.execute(statement, &[]).unwrap();
    run("PRAGMA journal_mode = WAL");
    run("CREATE TABLE schema_version (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, \
         compatible INTEGER NOT NULL) STRICT");
    run(
        "CREATE TABLE schema_step (version INTEGER NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (version, step)) \
         STRICT, WITHOUT ROWID",
    );
    for statement in files.iter().flat_map(|text| text.split("\n--;\n")) {
        // Repeated until it finds nothing.
        while !run(statement).is_empty() {}
    }
    run(&format!("PRAGMA user_version = {version}"));
    run(&format!(
        "INSERT INTO schema_version (only, version, compatible) VALUES (1, {version}, {compatible})"
    ));
    sql
}

/// A connection that waits for no disk.
pub fn quick(path: &Path) -> NativeSql {
    let sql = NativeSql::open(path).unwrap();
    sql.execute("PRAGMA synchronous = OFF", &[]).unwrap();
    sql
}

pub fn rows(path: &Path, query: &str) -> Vec<Vec<Value>> {
    NativeSql::open(path).unwrap().execute(query, &[]).unwrap()
}

pub fn count(path: &Path, what: &str) -> i64 {
    match rows(path, &format!("SELECT count(*) FROM {what}"))[0][0] {
        Value::Integer(count) => count,
        _ => panic!("no count"),
    }
}
