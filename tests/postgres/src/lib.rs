//! A real PostgreSQL for tests: found or installed by `make postgres`, started in a folder of its own, ended with the process that
//! started it, however that ends.
//!
//! ```no_run
//! let Some(server) = perennial_postgres::Server::shared() else { return };
//! let database = server.lend();
//! perennial_postgres::connect(&database);
//! ```

mod certificates;
mod database;
mod installed;
mod keeper;
mod port;
mod server;
mod user;

pub use database::{Database, batch, connect, number};
pub use installed::Installed;
pub use port::free as free_port;
pub use postgres;
pub use server::{Server, Setup};
pub use user::{as_servers_do, give};

use std::thread;
use std::time::{Duration, Instant};

/// How often something is asked for that must come.
const PAUSE: Duration = Duration::from_millis(20);

/// Does something on a thread of its own: the client cannot be used by one that runs an asynchronous test.
pub fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Asks `probe` until it answers, and gives its answer; fails when `limit` is over.
fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        thread::sleep(PAUSE);
    }
}
