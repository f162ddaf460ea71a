//! Waits for what follows a completed occurrence: looks into the database about each millisecond, past the API.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::Look;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// What has not come by then does not come.
const LIMIT: Duration = Duration::from_secs(120);

/// One thread that looks for all that are waited for.
#[derive(Debug, Clone)]
pub struct Followers(Sender<Asked>);

/// An occurrence that follows another.
#[derive(Debug)]
pub struct Follower {
    /// Its recurrence id.
    pub recurrence_id: String,
    /// When it could be seen.
    pub at: Instant,
}

/// One that is waited for.
#[derive(Debug)]
struct Asked {
    task: String,
    predecessor: String,
    seen: oneshot::Sender<Follower>,
}

impl Followers {
    /// Looks into this file until the last copy of what is given back is dropped.
    pub fn of(database: PathBuf) -> Self {
        let (asked, asking) = channel();
        thread::spawn(move || look(&Look::at(&database), &asking));
        Self(asked)
    }

    /// Waits for the occurrence that follows.
    ///
    /// # Panics
    /// When it has not come after two minutes.
    pub async fn of_one(&self, task: &str, predecessor: &str) -> Follower {
        let (seen, seeing) = oneshot::channel();
        let asked = Asked { task: task.to_owned(), predecessor: predecessor.to_owned(), seen };
        self.0.send(asked).unwrap();
        let came = tokio::time::timeout(LIMIT, seeing).await;
        came.unwrap_or_else(|_| panic!("nothing follows {predecessor} of {task} after {LIMIT:?}")).unwrap()
    }
}

fn look(look: &Look, asking: &Receiver<Asked>) {
    let mut waiting = Vec::new();
    let mut version = None;
    loop {
        if waiting.is_empty() {
            let Ok(asked) = asking.recv() else { return };
            waiting.push(asked);
            version = None;
        } else {
            thread::sleep(PAUSE);
        }
        // Where nobody has written since, only what is new is worth a look.
        let now = Some(look.version());
        let known = if version == now { waiting.len() } else { 0 };
        version = now;
        waiting.extend(asking.try_iter());
        let new = waiting.split_off(known);
        waiting.extend(new.into_iter().filter_map(|asked| follow(look, asked)));
    }
}

/// Tells of the follower where there is one; gives back what is to be waited for.
fn follow(look: &Look, asked: Asked) -> Option<Asked> {
    let Some(recurrence_id) = look.successor(&asked.task, &asked.predecessor) else { return Some(asked) };
    // Whoever asked may have given up.
    let _ = asked.seen.send(Follower { recurrence_id, at: Instant::now() });
    None
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[tokio::test]
    async fn a_follower_is_seen_whether_it_is_there_or_comes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db");
        let database = Connection::open(&file).unwrap();
        database
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE occurrence (task_id, recurrence_id, predecessor);",
            )
            .unwrap();
        let insert = |row: [&str; 3]| {
            database.execute("INSERT INTO occurrence VALUES (?1, ?2, ?3)", row).unwrap();
        };
        insert(["task", "b", "a"]);
        let followers = Followers::of(file);
        assert_eq!(followers.of_one("task", "a").await.recurrence_id, "b");
        let asked = tokio::spawn({
            let followers = followers.clone();
            async move { followers.of_one("task", "b").await }
        });
        tokio::time::sleep(10 * PAUSE).await;
        assert!(!asked.is_finished());
        insert(["other", "c", "b"]);
        insert(["task", "d", "b"]);
        assert_eq!(asked.await.unwrap().recurrence_id, "d");
    }
}
