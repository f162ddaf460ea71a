//! What must be so in the end, as the tables of SQLite have it.

use perennial_tests::Database;
use perennial_tests::load::{LEFT, WRONG};

/// Successors that are owed, where the occurrence itself is the work list: before there was a table of work.
const OWED: &str = "SELECT count(*) FROM occurrence WHERE succession = 'pending'";

/// What is left to do, by table.
pub fn left_to_do(database: &Database) -> Vec<(String, i64)> {
    let mut left = Vec::new();
    if !database.has("work", "wake_at") {
        left.push(("occurrence".to_owned(), database.number(OWED, [])));
    }
    for (table, column, query) in LEFT {
        let table = of_sqlite(table);
        if database.has(&table, column) {
            left.push((table, database.number(&of_sqlite(query), [])));
        }
    }
    left.retain(|(_, count)| *count > 0);
    left
}

/// Nothing is there twice, nothing is missing that follows from what is there, and no stream's sequence has a gap.
pub fn agree(database: &Database) {
    for (what, query) in WRONG {
        assert_eq!(database.number(&of_sqlite(query), []), 0, "{what}");
    }
    assert_eq!(
        database.number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", []),
        0
    );
}

fn of_sqlite(query: &str) -> String {
    query.replace("{now}", "unixepoch('subsec') * 1000").replace("{notification}", "notification_v2")
}
