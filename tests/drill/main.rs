//! The restore drill: a service under load is backed up, the store is restored somewhere else, holds the same, and the work goes on.
//!
//! `DRILL_WRITES` says how many writes are acknowledged before a backup and after it, `DRILL_ARCHIVE_TIMEOUT` after how many seconds at
//! most PostgreSQL archives its log. Every figure is printed.

mod after;
mod cluster;
mod load;
mod postgres;
mod scripts;
mod sqlite;

use perennial_tests::setting;

/// How many clients write at once.
const CLIENTS: usize = 8;

/// How many writes are acknowledged before a backup, and after it.
fn writes() -> usize {
    setting("DRILL_WRITES").unwrap_or(100)
}

/// `archive_timeout`, in seconds.
fn archive_timeout() -> usize {
    setting("DRILL_ARCHIVE_TIMEOUT").unwrap_or(1)
}
