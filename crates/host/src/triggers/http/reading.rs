//! Clients that do not read what they are sent.
//!
//! An answer that nobody takes lies in its guest's memory and in the buffers of its connection. A connection that takes next
//! to nothing for too long is closed; where such answers together hold more than they may, the oldest of them go earlier.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::guest::Held;
use crate::options::GuestLimits;

/// What a client must have taken for its time to begin anew, in bytes: one that takes a byte now and then reads nothing.
const PIECE: usize = 64 * 1024;

/// What the buffers of a connection hold besides its guests' memory, in bytes.
const BUFFERS: usize = 512 * 1024;

/// How long a client may take nothing while answers hold too much.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same while they hold a multiple of it: so much less, but never less than this.
const LEAST_PATIENCE: Duration = Duration::from_millis(250);

/// What the guests of one connection must hold for its silence alone to count, in bytes. HTTP/2 lets a client keep answers
/// back while its connection takes all that is sent.
const MUCH: usize = 16 * 1024 * 1024;

/// The longest time between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// One connection, as its client reads.
pub(crate) struct Client {
    began: Instant,
    /// Since when it takes too little, in milliseconds after `began`, plus one; 0 = it takes what there is.
    stalled: AtomicU64,
    taken: AtomicUsize,
    /// When it last asked for something or had taken a piece, in milliseconds after `began`.
    moved: AtomicU64,
    /// What it has taken since.
    since_moved: AtomicUsize,
    /// What the guests that answer it hold.
    pub held: Held,
    /// The connection is to be closed.
    pub cut: CancellationToken,
}

impl Client {
    fn wrote(&self, polled: &Poll<io::Result<usize>>) {
        match polled {
            Poll::Pending => {
                let since = self.age().saturating_add(1);
                let _ = self.stalled.compare_exchange(0, since, Ordering::Relaxed, Ordering::Relaxed);
            }
            Poll::Ready(Ok(bytes)) => {
                if self.since_moved.fetch_add(*bytes, Ordering::Relaxed).saturating_add(*bytes) >= PIECE {
                    self.moves();
                }
                let taken = self.taken.fetch_add(*bytes, Ordering::Relaxed).saturating_add(*bytes);
                if taken >= PIECE {
                    self.begin_anew();
                }
            }
            Poll::Ready(Err(_)) => {}
        }
    }

    /// It asks for something, or has taken a piece.
    pub fn moves(&self) {
        self.since_moved.store(0, Ordering::Relaxed);
        self.moved.store(self.age(), Ordering::Relaxed);
    }

    /// Milliseconds since it came.
    fn age(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn begin_anew(&self) {
        self.taken.store(0, Ordering::Relaxed);
        self.stalled.store(0, Ordering::Relaxed);
    }

    /// What its answers hold, in bytes.
    fn holds(&self) -> usize {
        self.held.bytes().saturating_add(BUFFERS)
    }

    /// For how long it has taken too little.
    fn stalled_for(&self) -> Option<Duration> {
        let since = self.stalled.load(Ordering::Relaxed).checked_sub(1)?;
        self.began.elapsed().checked_sub(Duration::from_millis(since))
    }

    /// For how long it has taken next to nothing while its guests hold much, whoever keeps what back.
    fn silent_for(&self) -> Option<Duration> {
        (self.held.bytes() >= MUCH)
            .then(|| Duration::from_millis(self.age().saturating_sub(self.moved.load(Ordering::Relaxed))))
            .filter(|silent| *silent >= PATIENCE)
    }
}

/// Answers that their clients do not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// Connections that take too little.
    pub connections: usize,
    /// What their guests and buffers hold.
    pub bytes: usize,
}

/// All connections.
#[derive(Default)]
pub(crate) struct Clients {
    all: Mutex<BTreeMap<u64, Weak<Client>>>,
    next: AtomicU64,
}

impl Clients {
    /// A client that has just come.
    pub fn enter(&self) -> Arc<Client> {
        let client = Arc::new(Client {
            began: Instant::now(),
            stalled: AtomicU64::new(0),
            taken: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            since_moved: AtomicUsize::new(0),
            held: Held::default(),
            cut: CancellationToken::new(),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::downgrade(&client));
        client
    }

    /// Closes connections whose clients do not read, for as long as it is polled.
    pub async fn watch(&self, limits: &GuestLimits) {
        let look = limits.unread.checked_div(4).unwrap_or_default().clamp(Duration::from_millis(10), LOOK);
        loop {
            sleep(look).await;
            let cut = self.close(limits);
            if cut > 0 {
                tracing::warn!(connections = cut, "clients that do not read their answers were left");
            }
        }
    }

    /// How many take too little, and what their answers hold.
    pub fn unread(&self) -> Unread {
        self.idle().iter().fold(Unread::default(), |sum, (_, _, client)| Unread {
            connections: sum.connections.saturating_add(1),
            bytes: sum.bytes.saturating_add(client.holds()),
        })
    }

    /// Those that take too little, for how long, and whether it is certain that they do not read: a silent one may wait for a
    /// guest that still works.
    fn idle(&self) -> Vec<(Duration, bool, Arc<Client>)> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, client| client.strong_count() > 0);
        let clients = all.values().filter_map(Weak::upgrade);
        let idle = |client: Arc<Client>| match (client.stalled_for(), client.silent_for()) {
            (Some(stalled), _) => Some((stalled, true, client)),
            (None, Some(silent)) => Some((silent, false, client)),
            (None, None) => None,
        };
        clients.filter_map(idle).collect()
    }

    fn close(&self, limits: &GuestLimits) -> usize {
        let mut idle = self.idle();
        // Those that have stood longest go first.
        idle.sort_by_key(|(duration, ..)| std::cmp::Reverse(*duration));
        let mut held = idle.iter().fold(0_usize, |sum, (.., client)| sum.saturating_add(client.holds()));
        let mut cut: usize = 0;
        for (duration, certain, client) in &idle {
            let too_much = held > limits.unread_memory
                && *duration >= patience(held, limits.unread_memory).min(limits.unread);
            if !too_much && (!certain || *duration < limits.unread) {
                continue;
            }
            held = held.saturating_sub(client.holds());
            cut = cut.saturating_add(1);
            client.cut.cancel();
        }
        cut
    }
}

/// How long a client may take nothing while answers hold so much where they may hold so much: twice as much has half the time.
fn patience(held: usize, may: usize) -> Duration {
    let times = held.checked_div(may.max(1)).unwrap_or_default().max(1);
    let millis =
        PATIENCE.as_millis().checked_div(u128::try_from(times).unwrap_or(u128::MAX)).unwrap_or_default();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)).max(LEAST_PATIENCE)
}

/// A connection's stream that tells how its client reads.
pub(super) struct Reading<S> {
    stream: S,
    client: Arc<Client>,
}

impl<S> Reading<S> {
    pub fn new(stream: S, client: Arc<Client>) -> Self {
        Self { stream, client }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Reading<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Reading<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.client.wrote(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.client.wrote(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called once all has been written: nothing waits any more.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.client.begin_anew();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_they_hold_the_less_time_they_have() {
        const MAY: usize = 512 << 20;
        for (times, millis) in [(0, 2_000), (1, 2_000), (2, 1_000), (4, 500), (8, 250), (100, 250)] {
            assert_eq!(patience(MAY.saturating_mul(times), MAY), Duration::from_millis(millis), "{times}");
        }
        assert_eq!(patience(1, 0), PATIENCE);
        assert_eq!(patience(usize::MAX, 0), LEAST_PATIENCE);
    }
}
