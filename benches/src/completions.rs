//! Clients that complete occurrences of series, and how long it then takes until the next ones are there.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use perennial_tests::Client;
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};

use crate::{Connection, Follower, Followers, Look, Requests, Running};

/// Where all series have their next occurrence, and whoever would give them a second one has had the time for it.
const SETTLED: Duration = Duration::from_secs(3);

/// How often it is looked whether one may be completed again.
const AGAIN: Duration = Duration::from_millis(1);

/// Series of a running service, and those who complete them.
#[derive(Debug)]
pub struct Completions {
    address: SocketAddr,
    requests: Requests,
    followers: Followers,
    series: Vec<Series>,
}

/// A series that comes back daily.
#[derive(Debug)]
struct Series {
    token: Arc<str>,
    task: String,
    /// The occurrence that is open.
    current: String,
    /// How many were completed.
    done: usize,
}

/// What came of completions that do not wait for each other.
#[derive(Debug, Default)]
pub struct Paced {
    /// From each answer to the next occurrence, in milliseconds.
    pub latencies: Vec<f64>,
    /// Completions a second.
    pub per_second: f64,
    /// How many had to wait for a series whose next occurrence was there.
    pub held_up: usize,
}

/// What came of completions that were all under way at once.
#[derive(Debug, Default)]
pub struct Burst {
    /// From the first request to the last answer, in seconds.
    pub sent_s: f64,
    /// From the last answer until all next occurrences were there, in seconds.
    pub after_s: f64,
    /// How many were missing at the last answer.
    pub in_flight: usize,
}

impl Completions {
    /// Makes so many series, the users in turn, and waits until each user's events come through.
    pub fn prepare(running: &Running, users: &[Client], series: usize) -> Self {
        let address = running.address();
        let made = std::thread::scope(|scope| {
            let making = users.iter().enumerate().map(|(number, user)| {
                let own = (number..series).step_by(users.len());
                scope.spawn(move || own.map(|_| Series::create(user)).collect::<Vec<_>>())
            });
            let making: Vec<_> = making.collect();
            making.into_iter().flat_map(|user| user.join().unwrap()).collect()
        });
        let requests = Requests { host: address.to_string() };
        let mut all = Self { address, requests, followers: Followers::of(running.database()), series: made };
        // Those that hear must have joined before anything is measured.
        let mut first = all.take(1);
        first = all.each_in_turn(first, 1, Duration::ZERO).0;
        all.series.extend(first);
        all
    }

    /// Takes some of the series away.
    fn take(&mut self, count: usize) -> Vec<Series> {
        assert!(count <= self.series.len(), "more series are needed than there are");
        self.series.drain(..count).collect()
    }

    /// `clients` complete so many series as fast as each has its next occurrence, for `time`; gives completions a second.
    pub fn closed(&mut self, series: usize, clients: usize, time: Duration) -> f64 {
        let chosen = self.take(series);
        let (series, per_second) = self.each_in_turn(chosen, clients, time);
        self.series.splice(..0, series);
        per_second
    }

    fn each_in_turn(&self, mut series: Vec<Series>, clients: usize, time: Duration) -> (Vec<Series>, f64) {
        let clients = clients.min(series.len());
        let mut shares: Vec<Vec<Series>> = Vec::new();
        for client in 0..clients {
            let left = clients - client;
            shares.push(series.split_off(series.len() - series.len() / left));
        }
        on_this_thread(async {
            let start = Instant::now();
            let mut running = JoinSet::new();
            for mut series in shares {
                let client = Caller::of(self);
                running.spawn_local(async move {
                    let mut connection = client.connect().await;
                    let mut count = 0;
                    // Each at least once.
                    while count < series.len() || start.elapsed() < time {
                        let turn = count % series.len();
                        let answered = client.complete(&mut connection, &mut series[turn]).await;
                        client.follower(&mut series[turn], answered).await;
                        count += 1;
                    }
                    (series, count)
                });
            }
            let done = running.join_all().await;
            let per_second =
                done.iter().map(|(_, count)| count).sum::<usize>() as f64 / start.elapsed().as_secs_f64();
            (done.into_iter().flat_map(|(series, _)| series).collect(), per_second)
        })
    }

    /// Completes `rate` a second of so many series for `time`, whether or not those before have their next occurrence.
    pub fn paced(&mut self, series: usize, rate: f64, time: Duration) -> Paced {
        let chosen = self.take(series);
        let ready = Rc::new(RefCell::new(VecDeque::from(chosen)));
        let client = Caller::of(self);
        let paced = on_this_thread(async {
            let idle = Rc::new(RefCell::new(Vec::new()));
            let (mut running, mut paced) = (JoinSet::new(), Paced::default());
            let start = tokio::time::Instant::now();
            for number in 0.. {
                let at = Duration::from_secs_f64(f64::from(number) / rate);
                if at >= time {
                    break;
                }
                tokio::time::sleep_until(start + at).await;
                let next = || ready.borrow_mut().pop_front();
                let mut series = next();
                paced.held_up += usize::from(series.is_none());
                while series.is_none() {
                    tokio::time::sleep(AGAIN).await;
                    series = next();
                }
                let (mut series, ready) = (series.unwrap(), ready.clone());
                let (client, idle) = (client.clone(), idle.clone());
                running.spawn_local(async move {
                    let kept = idle.borrow_mut().pop();
                    let mut connection = match kept {
                        Some(connection) => connection,
                        None => client.connect().await,
                    };
                    let answered = client.complete(&mut connection, &mut series).await;
                    idle.borrow_mut().push(connection);
                    let after = client.follower(&mut series, answered).await;
                    ready.borrow_mut().push_back(series);
                    after.as_secs_f64() * 1_000.0
                });
            }
            let sent = start.elapsed().as_secs_f64();
            paced.latencies = running.join_all().await;
            paced.per_second = paced.latencies.len() as f64 / sent;
            paced
        });
        self.series.splice(..0, ready.borrow_mut().drain(..));
        paced
    }

    /// `clients` complete so many series once, as fast as they are answered, and wait for all that follows.
    pub fn burst(&mut self, series: usize, clients: usize) -> Burst {
        let left = Rc::new(RefCell::new(self.take(series)));
        let client = Caller::of(self);
        let (series, burst) = on_this_thread(async {
            let start = Instant::now();
            let (mut sending, seen) = (JoinSet::new(), Rc::new(Cell::new(0)));
            for _ in 0..clients {
                let (client, left, seen) = (client.clone(), left.clone(), seen.clone());
                sending.spawn_local(async move {
                    let mut connection = client.connect().await;
                    let mut following = JoinSet::new();
                    loop {
                        let next = left.borrow_mut().pop();
                        let Some(mut series) = next else { return following };
                        let answered = client.complete(&mut connection, &mut series).await;
                        let (client, seen) = (client.clone(), seen.clone());
                        following.spawn_local(async move {
                            let after = client.follower(&mut series, answered).await;
                            seen.set(seen.get() + 1);
                            (series, answered + after)
                        });
                    }
                });
            }
            let following = sending.join_all().await;
            let last = Instant::now();
            let missing = seen.get();
            let mut all = Vec::new();
            for one in following {
                all.extend(one.join_all().await);
            }
            let end = all.iter().map(|(_, at)| *at).max().unwrap_or(last);
            let burst = Burst {
                sent_s: last.duration_since(start).as_secs_f64(),
                after_s: end.saturating_duration_since(last).as_secs_f64(),
                in_flight: all.len() - missing,
            };
            (all.into_iter().map(|(series, _)| series).collect::<Vec<_>>(), burst)
        });
        self.series.extend(series);
        burst
    }

    /// Checks that each occurrence that was completed has one successor, that it was told once, and that nobody has given up on
    /// an event; gives the number of completions.
    ///
    /// # Panics
    /// When anything is missing or doubled.
    pub fn check(&self, database: &Path) -> usize {
        std::thread::sleep(SETTLED);
        verify(&Look::at(database), &self.series).unwrap_or_else(|wrong| panic!("{wrong}"));
        self.series.iter().map(|series| series.done).sum()
    }
}

/// What is missing or doubled, if anything is.
fn verify(look: &Look, series: &[Series]) -> Result<(), String> {
    let openings = look.openings();
    for Series { task, done, .. } in series {
        let (found, expected) = (look.occurrences(task), [done + 1, done + 1, *done, 1]);
        if found != expected {
            return Err(format!(
                "occurrences of {task}, of which {done} were completed: {found:?}, not {expected:?}"
            ));
        }
        let told = openings.get(task).copied().unwrap_or_default();
        if told != *done {
            return Err(format!(
                "{told} openings were told of {task}, of which {done} occurrences were completed"
            ));
        }
    }
    match look.dead_letters() {
        0 => Ok(()),
        letters => Err(format!("{letters} dead letters")),
    }
}

impl Series {
    /// Daily, far ahead: what follows does not depend on what time it is.
    fn create(user: &Client) -> Self {
        let task = user.create(&json!({
            "title": "Water the plants", "recurrence": { "rrule": "FREQ=DAILY" },
            "due": { "local": "2031-03-13T09:00:00", "tz": "Europe/Berlin" },
        }));
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        Self {
            token: user.token().unwrap().into(),
            task: text(&task["id"]),
            current: text(&task["occurrence"]["recurrence_id"]),
            done: 0,
        }
    }
}

/// What one client needs.
#[derive(Clone)]
struct Caller {
    address: SocketAddr,
    requests: Requests,
    followers: Followers,
}

impl Caller {
    fn of(all: &Completions) -> Self {
        Self { address: all.address, requests: all.requests.clone(), followers: all.followers.clone() }
    }

    async fn connect(&self) -> Connection {
        Connection::open(self.address).await.unwrap()
    }

    /// Completes the open occurrence; gives when that was answered.
    async fn complete(&self, connection: &mut Connection, series: &mut Series) -> Instant {
        let request = self.requests.complete(&series.token, &series.task, &series.current);
        let status = connection.call(&request).await.unwrap();
        let answered = Instant::now();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(connection.body()));
        series.done += 1;
        answered
    }

    /// Waits for the next occurrence; gives how long after the answer it could be seen.
    async fn follower(&self, series: &mut Series, answered: Instant) -> Duration {
        let Follower { recurrence_id, at } = self.followers.of_one(&series.task, &series.current).await;
        series.current = recurrence_id;
        at.saturating_duration_since(answered)
    }
}

fn on_this_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work)
}

#[cfg(test)]
mod tests {
    use perennial_domain::{Timestamp, UserId};
    use rusqlite::Connection;

    use super::*;
    use crate::{Seed, seed};

    const OPENED: &str = "
        UPDATE occurrence SET status = 'done', succession = 'planned';
        INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, tzdata)
        SELECT task_id, 'second', user_id, recurrence_id, 2, 'open', 'none', tzdata FROM occurrence;";

    const TOLD: &str = "
        INSERT INTO outbox (stream_id, sequence, topic, event_id, type, subject, user_id, data, at, correlation_id)
        SELECT user_id, 1 + (SELECT count(*) FROM outbox), 'task-events', hex(randomblob(8)), 'occurrence.opened', task_id,
            user_id, '{}', 0, '' FROM occurrence LIMIT 1;";

    const ANOTHER: &str = "
        INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, tzdata)
        SELECT task_id, 'third', user_id, 'none', 2, 'open', 'none', tzdata FROM occurrence LIMIT 1;";

    /// A store with one series; gives its id.
    fn store(file: &Path) -> String {
        let document = |_| {
            json!({ "title": "Daily", "due": { "local": "2031-03-13T09:00:00", "tz": "UTC" },
                "recurrence": { "rrule": "FREQ=DAILY" } })
        };
        let at = Timestamp::from_millis(1_795_262_400_000);
        seed(file, &Seed { users: &[UserId::admin()], count: 1, at, document: &document });
        Connection::open(file).unwrap().query_row("SELECT id FROM task", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_is_missing_or_doubled_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (first, file) = (folder.path().join("first"), folder.path().join("db"));
        let series = [Series { token: "".into(), task: store(&first), current: String::new(), done: 1 }];
        let found = |writes: &[&str]| {
            std::fs::copy(&first, &file).unwrap();
            Connection::open(&file).unwrap().execute_batch(&writes.concat()).unwrap();
            verify(&Look::at(&file), &series)
        };
        assert_eq!(found(&[OPENED, TOLD]), Ok(()));
        for wrong in [&[][..], &[OPENED], &[TOLD], &[OPENED, TOLD, TOLD], &[OPENED, ANOTHER, TOLD]] {
            assert!(found(wrong).is_err(), "{wrong:?}");
        }
    }
}
