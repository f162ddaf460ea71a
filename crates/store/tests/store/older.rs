//! Databases as older builds have made them, and what is in them.

use std::path::Path;

use perennial_store::sqlite::{NativeSql, Sql, Value};

/// What a database is made of that no older build has met, each with its version.
const FRESH: [(i64, &str); 21] = [
    (1, include_str!("../../src/sqlite/schema/0001_tables.sql")),
    (2, include_str!("../../src/sqlite/schema/0002_tables.sql")),
    (2, include_str!("../../src/sqlite/schema/0002_work.sql")),
    (3, include_str!("../../src/sqlite/schema/0003_tables.sql")),
    (3, include_str!("../../src/sqlite/schema/0003_claims.sql")),
    (4, include_str!("../../src/sqlite/schema/0004_tables.sql")),
    (4, include_str!("../../src/sqlite/schema/0004_identity.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_search.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_forget.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_limits.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_channels.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_places.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_write.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_new.sql")),
    (5, include_str!("../../src/sqlite/schema/0005_fired.sql")),
    (6, include_str!("../../src/sqlite/schema/0006_audit.sql")),
    (6, include_str!("../../src/sqlite/schema/0006_events.sql")),
    (6, include_str!("../../src/sqlite/schema/0006_clock.sql")),
    (6, include_str!("../../src/sqlite/schema/0006_letters.sql")),
    (7, include_str!("../../src/sqlite/schema/0007_lanes.sql")),
    (7, include_str!("../../src/sqlite/schema/0007_letters.sql")),
];

/// Makes a database as the build of a schema did that no older one has met: its version, and the smallest with which it could work. Ada is
/// a user of it.
pub fn fresh(path: &Path, (version, compatible): (i64, i64)) -> NativeSql {
    let steps = "INSERT INTO schema_step (version, step) VALUES (0, 0)";
    let ada = "INSERT INTO user (id, name, role, tz, created_at) VALUES ('ada', 'ada', 'member', 'Europe/Berlin', 1)";
    let files = FRESH.iter().filter(|(of, _)| *of <= version).map(|(_, text)| *text);
    let files: Vec<&str> = [steps].into_iter().chain(files).chain([ada]).collect();
    make(path, (version, compatible), &files)
}

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
