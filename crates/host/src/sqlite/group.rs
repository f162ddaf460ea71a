//! Running the statements of several guests in one transaction, with one sync.
//!
//! Each must come out as if it had run by itself. SQLite undoes a statement that fails, and that statement only, within a
//! transaction too. What it does not keep apart is told by its guards here, and then nothing of the transaction is kept
//! and each statement runs by itself: none was answered yet.

use std::ffi::c_int;

use rusqlite::{ErrorCode, ffi};

use super::commits::FULL;
use super::execute::collect;
use super::job::{Job, Ran};
use super::link::Link;

/// What one statement may compute beside others, in steps of a thousand operations: some tenths of a second.
const STEPS: u32 = 4000;

/// Runs jobs and tells their guests. When it returns, what they were told is on the disk.
pub(super) fn write(link: &mut Link, jobs: Vec<Job>) {
    if jobs.len() == 1 {
        return jobs.into_iter().for_each(|job| by_itself(link, job));
    }
    match together(link, jobs) {
        Together::Committed(done) => done.into_iter().for_each(|(job, ran)| job.tell(ran)),
        Together::Locked(jobs) => jobs.into_iter().for_each(Job::tell_locked),
        Together::Undone(jobs) => jobs.into_iter().for_each(|job| by_itself(link, job)),
    }
}

/// What became of a transaction.
enum Together {
    Committed(Vec<(Job, Ran)>),
    /// Somebody outside of this host has the database.
    Locked(Vec<Job>),
    /// Nothing of it is left.
    Undone(Vec<Job>),
}

fn together(link: &mut Link, jobs: Vec<Job>) -> Together {
    let level = jobs.iter().map(|job| job.level).max().unwrap_or(FULL);
    if set_level(link, level).is_err() {
        return Together::Undone(jobs);
    }
    if let Err(error) = execute(link, "BEGIN IMMEDIATE") {
        return if is_locked(&error) { Together::Locked(jobs) } else { Together::Undone(jobs) };
    }
    let mut done = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        if !job.begin() {
            continue;
        }
        let ran = run(link, &job);
        // A statement that ends its transaction ended everybody's; one that broke a promise which is looked at when a
        // transaction ends would break everybody's.
        if link.connection.is_autocommit() || owes(link) {
            roll_back(link);
            let before = done.into_iter().map(|(job, _)| job);
            if !ran.too_long {
                return Together::Undone(before.chain([job]).chain(jobs).collect());
            }
            job.send_away();
            return Together::Undone(before.chain(jobs).collect());
        }
        done.push((job, ran));
    }
    let committed = execute(link, "COMMIT");
    let Err(error) = committed else {
        count(link, &done, level);
        return Together::Committed(done);
    };
    roll_back(link);
    let jobs = done.into_iter().map(|(job, _)| job).collect();
    if is_locked(&error) { Together::Locked(jobs) } else { Together::Undone(jobs) }
}

/// The commit is that of the first whose guest asked for what it took.
fn count(link: &mut Link, done: &[(Job, Ran)], level: i64) {
    let asked = |(job, ran): &&(Job, Ran)| job.level == level && ran.result.is_ok();
    let Some(commit) = link.commits.take(&link.connection) else { return };
    if let Some((job, _)) = done.iter().find(asked).or(done.first()) {
        job.count(commit);
    }
}

/// Runs a statement as a transaction of its own.
fn by_itself(link: &mut Link, job: Job) {
    if set_level(link, job.level).is_err() {
        return job.send_away();
    }
    if !job.begin() {
        return;
    }
    let ran = run(link, &job);
    if let Some(commit) = link.commits.take(&link.connection) {
        job.count(commit);
    }
    if ran.too_long { job.send_away() } else { job.tell(ran) }
}

fn run(link: &Link, job: &Job) -> Ran {
    link.set_last_rowid(job.last_rowid);
    link.budget.grant(STEPS);
    let mut begun = false;
    let result = link.connection.prepare_cached(&job.statement.text).map_err(Into::into);
    let result =
        result.and_then(|mut prepared| collect(&mut prepared, &job.statement.parameters, &mut begun));
    let too_long = link.budget.lift() && result.is_err();
    let changes = begun.then(|| link.connection.changes());
    Ran { result, last_rowid: link.connection.last_insert_rowid(), changes, too_long }
}

fn execute(link: &Link, text: &str) -> rusqlite::Result<()> {
    link.connection.prepare_cached(text)?.execute([]).map(drop)
}

/// Makes the next commits as durable as they must be.
pub(super) fn set_level(link: &mut Link, level: i64) -> rusqlite::Result<()> {
    if link.commits.level() != level {
        link.connection.pragma_update(None, "synchronous", level)?;
        link.commits.note_synchronous(&link.connection);
    }
    Ok(())
}

fn roll_back(link: &mut Link) {
    if !link.connection.is_autocommit() {
        // If this fails too, the connection is not used again.
        let _ = execute(link, "ROLLBACK");
    }
}

fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether a foreign key that is looked at when the transaction ends is broken now.
#[expect(unsafe_code, reason = "SQLite's counters have no safe wrapper")]
fn owes(link: &Link) -> bool {
    let (mut broken, mut highest): (c_int, c_int) = (0, 0);
    // SAFETY: the handle is valid while the connection is borrowed, and both numbers live until the call returns.
    unsafe {
        ffi::sqlite3_db_status(
            link.connection.handle(),
            ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
            &mut broken,
            &mut highest,
            0,
        )
    };
    broken != 0
}
