//! So many clients that call as fast as they are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::{Connection, quantile};

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// How long each answer took, in milliseconds.
    pub latencies: Vec<f64>,
    /// Answers per second.
    pub per_second: f64,
}

impl Load {
    /// The time that a share of the answers took at most, in milliseconds.
    pub fn within(&self, share: f64) -> f64 {
        quantile(&self.latencies, share)
    }
}

/// Lets `clients` call for `time`, each on a connection of its own, on this thread alone. `request` makes the bytes of
/// one more request.
///
/// # Panics
/// When an answer is not of the `expected` status: what fails is not to be measured.
pub fn drive(
    address: SocketAddr,
    clients: usize,
    time: Duration,
    expected: u16,
    request: impl Fn() -> Arc<[u8]> + 'static,
) -> Load {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = std::rc::Rc::new(request);
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(Connection::open(address).await.unwrap());
        }
        let start = Instant::now();
        let mut running = JoinSet::new();
        for mut connection in connections {
            let request = request.clone();
            running.spawn_local(async move {
                let mut latencies = Vec::new();
                while start.elapsed() < time {
                    let request = request();
                    let sent = Instant::now();
                    let status = connection.call(&request).await.unwrap();
                    latencies.push(sent.elapsed().as_secs_f64() * 1_000.0);
                    let body = || String::from_utf8_lossy(connection.body()).into_owned();
                    assert_eq!(status, expected, "{}", body());
                }
                latencies
            });
        }
        let latencies: Vec<f64> = running.join_all().await.into_iter().flatten().collect();
        let per_second = latencies.len() as f64 / start.elapsed().as_secs_f64();
        Load { latencies, per_second }
    })
}
