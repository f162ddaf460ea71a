#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
//! scratch
use perennial_store::sqlite::{Durability, NativeSql, Sqlite};
use perennial_store::*;
#[test]
fn opens() {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(NativeSql::open(&dir.path().join("db")).unwrap(), Durability::Full).unwrap();
    assert_eq!(store.schema_version().unwrap(), (1, 1));
}
