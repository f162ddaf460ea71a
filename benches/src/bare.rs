//! What the disk and SQLite alone can do: one row, one statement, one commit, one sync.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use uuid::Uuid;

/// Rows of `bytes` bytes that one connection inserts a second, each by a statement of its own, in WAL with
/// `synchronous = FULL`.
pub fn inserts_per_second(folder: &Path, bytes: usize, time: Duration) -> f64 {
    let database = Connection::open(folder.join("bare.db")).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.pragma_update(None, "synchronous", "FULL").unwrap();
    database.execute("CREATE TABLE IF NOT EXISTS bare (id TEXT PRIMARY KEY, body TEXT) STRICT", []).unwrap();
    let body = "x".repeat(bytes);
    let mut insert = database.prepare("INSERT INTO bare VALUES (?1, ?2)").unwrap();
    per_second(time, || {
        insert.execute((Uuid::now_v7().to_string(), &body)).unwrap();
    })
}

/// How often a second a page that was written is on the disk.
pub fn syncs_per_second(folder: &Path, time: Duration) -> f64 {
    let mut file = File::options().create(true).append(true).open(folder.join("bare.pages")).unwrap();
    per_second(time, || {
        file.write_all(&[b'x'; 4096]).unwrap();
        file.sync_data().unwrap();
    })
}

fn per_second(time: Duration, mut once: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut times = 0_u32;
    while start.elapsed() < time {
        once();
        times += 1;
    }
    f64::from(times) / start.elapsed().as_secs_f64()
}
