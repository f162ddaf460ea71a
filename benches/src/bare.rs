//! What the disk and SQLite alone can do: one row, one statement, one commit, one sync.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use uuid::Uuid;

/// The size of a page of SQLite.
const PAGE: usize = 4096;

/// Pages after which SQLite begins its write-ahead log again, unless told otherwise.
const LOG: usize = 1_000;

/// A file and a database beside the service's own, kept open as the service keeps its own.
///
/// Both have their size from the beginning: a file that grows needs more of a file system than one that is written again,
/// and a log grows only once in the life of a service.
#[derive(Debug)]
pub struct Bare {
    pages: File,
    database: Connection,
    body: String,
}

impl Bare {
    /// Makes both; rows will have `bytes` bytes.
    pub fn new(folder: &Path, bytes: usize) -> Self {
        let pages = File::create_new(folder.join("bare.pages")).unwrap();
        pages.write_all_at(&vec![0; LOG * PAGE], 0).unwrap();
        pages.sync_all().unwrap();

        let database = Connection::open(folder.join("bare.db")).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, body TEXT) STRICT", []).unwrap();
        let bare = Self { pages, database, body: "x".repeat(bytes) };
        bare.database.pragma_update(None, "synchronous", "OFF").unwrap();
        bare.insert(|inserted| inserted < 2 * LOG);
        bare.database.pragma_update(None, "synchronous", "FULL").unwrap();
        bare
    }

    /// Rows that one connection inserts a second, each by a statement of its own, at `synchronous = FULL`.
    pub fn inserts_per_second(&self, time: Duration) -> f64 {
        let start = Instant::now();
        let inserted = self.insert(|_| start.elapsed() < time);
        inserted as f64 / start.elapsed().as_secs_f64()
    }

    /// How often a second a page that was written is on the disk.
    pub fn syncs_per_second(&self, time: Duration) -> f64 {
        let start = Instant::now();
        let mut synced = 0;
        while start.elapsed() < time {
            self.pages.write_all_at(&[1; PAGE], (synced % LOG * PAGE) as u64).unwrap();
            self.pages.sync_data().unwrap();
            synced += 1;
        }
        synced as f64 / start.elapsed().as_secs_f64()
    }

    /// Inserts as long as `more` says so of the number inserted so far; gives that number.
    fn insert(&self, more: impl Fn(usize) -> bool) -> usize {
        let mut insert = self.database.prepare_cached("INSERT INTO bare VALUES (?1, ?2)").unwrap();
        let mut inserted = 0;
        while more(inserted) {
            insert.execute((Uuid::now_v7().to_string(), &self.body)).unwrap();
            inserted += 1;
        }
        inserted
    }
}
