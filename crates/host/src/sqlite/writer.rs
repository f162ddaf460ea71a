//! The one connection that writes for guests.
//!
//! It lives on a thread of its own with warm caches. Statements that come while it writes wait, and are then written
//! together. The write-ahead log is folded in after guests are answered, so that none of them pays for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::commits::FULL;
use super::group;
use super::job::Job;
use super::link::{LOG_PAGES, Link};

/// How many statements are written together.
const TOGETHER: usize = 64;

/// How much is written together, in bytes of what the guests sent.
const BYTES: usize = 1024 * 1024;

/// How much a guest may send to be written beside others.
pub(super) const JOB_BYTES: usize = 64 * 1024;

/// The page cache of the writer, in KiB. It stays valid from write to write, as nobody else writes much.
const CACHE: u32 = 16 * 1024;

/// The writer of one database file. Its thread starts with the first job.
pub(super) struct Writer {
    path: PathBuf,
    turn: Arc<tokio::sync::Mutex<()>>,
    thread: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Runs(Sender<Job>, JoinHandle<()>),
    Closed,
}

impl Writer {
    /// `turn` is held by whoever writes.
    pub fn new(path: PathBuf, turn: Arc<tokio::sync::Mutex<()>>) -> Self {
        Self { path, turn, thread: Mutex::default() }
    }

    /// Takes a job; gives it back if no thread is there for it.
    pub fn submit(&self, job: Job) -> Result<(), Job> {
        let mut thread = self.lock();
        if matches!(*thread, State::Idle) {
            let Some(started) = self.start() else { return Err(job) };
            *thread = started;
        }
        let State::Runs(jobs, _) = &*thread else { return Err(job) };
        jobs.send(job).map_err(|refused| {
            *thread = State::Idle;
            refused.0
        })
    }

    /// Writes what was begun and closes the connection. No job is taken any more.
    pub fn close(&self) {
        let closed = std::mem::replace(&mut *self.lock(), State::Closed);
        if let State::Runs(jobs, thread) = closed {
            drop(jobs);
            let _ = thread.join();
        }
    }

    fn start(&self) -> Option<State> {
        let (sender, jobs) = channel();
        let (path, turn) = (self.path.clone(), self.turn.clone());
        let thread = std::thread::Builder::new().name("sqlite-writer".into());
        let started = thread.spawn(move || serve(&path, &turn, &jobs));
        started.ok().map(|thread| State::Runs(sender, thread))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(path: &Path, turn: &tokio::sync::Mutex<()>, jobs: &Receiver<Job>) {
    let mut kept: Option<(Link, Log)> = None;
    while let Ok(first) = jobs.recv() {
        let turn = turn.blocking_lock();
        let group = gather(first, jobs);
        let (mut link, mut log) = match kept.take().map_or_else(|| open(path), Ok) {
            Ok(opened) => opened,
            // Each finds out by itself, and is told why.
            Err(_) => {
                group.into_iter().for_each(Job::send_away);
                continue;
            }
        };
        group::write(&mut link, group);
        drop(turn);
        log.fold(&mut link);
        if link.is_clean() {
            kept = Some((link, log));
        }
    }
}

/// The first job and those that have come since, within bounds.
fn gather(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.statement.bytes();
    let mut group = vec![first];
    while group.len() < TOGETHER && bytes < BYTES {
        let Ok(job) = jobs.try_recv() else { break };
        bytes = bytes.saturating_add(job.statement.bytes());
        group.push(job);
    }
    group
}

/// The write-ahead log as the writer knows it.
struct Log {
    pages: Arc<AtomicI32>,
    /// At how many pages it is folded in next.
    limit: i32,
}

fn open(path: &Path) -> rusqlite::Result<(Link, Log)> {
    let mut link = Link::open(Some(path), Some(CACHE))?;
    let pages = Arc::new(AtomicI32::new(0));
    let noted = pages.clone();
    // In the place of SQLite's own hook, which would fold the log in before the commit is answered.
    link.connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        noted.store(pages, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok((link, Log { pages, limit: LOG_PAGES }))
}

impl Log {
    /// Folds the log in when it has grown. Where somebody still reads it, it goes on growing until the next time.
    fn fold(&mut self, link: &mut Link) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < LOG_PAGES {
            // It has begun anew.
            self.limit = LOG_PAGES;
        }
        if pages < self.limit || group::set_level(link, FULL).is_err() {
            return;
        }
        self.limit = pages.saturating_add(LOG_PAGES / 4);
        if let Err(error) = link.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log cannot be folded in");
        }
    }
}
