//! How far a response has got: its guest may go on for as long as its client reads.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use crate::guest::{Counted, Held};
use crate::options::GuestLimits;

/// How often within [`GuestLimits::unread`] the progress is looked at. Being told of each step would wake the guest.
const LOOKS: u32 = 4;

/// How far it has got, and since when.
#[derive(Clone, Copy)]
enum Progress {
    /// The guest has not answered.
    Waiting(Instant),
    /// The connection has been given something to send and has not asked for more.
    Sending(Instant),
    /// The connection waits for the guest.
    Sent,
}

type Shared = Arc<Mutex<Progress>>;

fn set(shared: &Shared, progress: Progress) {
    *shared.lock().unwrap_or_else(PoisonError::into_inner) = progress;
}

/// Who makes the response.
pub(super) struct Sender {
    progress: Shared,
    held: (Counted, Held),
    over: DropGuard,
}

/// Who watches over it.
pub(super) struct Watch {
    progress: Shared,
    over: CancellationToken,
}

/// A response to come, what its guest holds for it, and for which connection.
pub(super) fn sending(held: (Counted, Held)) -> (Sender, Watch) {
    let progress = Arc::new(Mutex::new(Progress::Waiting(Instant::now())));
    let over = CancellationToken::new();
    let sender = Sender { progress: progress.clone(), held, over: over.clone().drop_guard() };
    (sender, Watch { progress, over })
}

impl Sender {
    /// The head is there; `body` follows.
    pub fn start(self, body: HyperOutgoingBody) -> WatchedBody {
        set(&self.progress, Progress::Sending(Instant::now()));
        let (counted, held) = self.held;
        WatchedBody { body, progress: self.progress, counted, held, is_counted: true, _over: self.over }
    }
}

impl Watch {
    /// Ends when the guest must: with the limit that it has passed.
    pub async fn deadline(self, limits: &GuestLimits) -> Duration {
        tokio::select! {
            limit = self.standstill(limits) => limit,
            // Sent, or abandoned.
            () = self.over.cancelled() => {
                sleep(limits.after_response).await;
                limits.after_response
            }
        }
    }

    /// Ends when nothing has moved for too long.
    async fn standstill(&self, limits: &GuestLimits) -> Duration {
        let look = limits.unread.checked_div(LOOKS).unwrap_or_default();
        loop {
            let now = Instant::now();
            let next = now.checked_add(look).unwrap_or(now);
            let progress = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            let (since, limit) = match progress {
                Progress::Waiting(since) => (since, limits.until_response),
                Progress::Sending(since) => (since, limits.unread),
                Progress::Sent => (now, limits.unread),
            };
            match since.checked_add(limit) {
                Some(end) if end <= now => return limit,
                Some(end) => sleep_until(end.min(next)).await,
                None => sleep_until(next).await,
            }
        }
    }
}

/// A response body that tells how far it has got. Dropping it tells that it is over.
pub(super) struct WatchedBody {
    body: HyperOutgoingBody,
    progress: Shared,
    counted: Counted,
    /// The connection that it is for.
    held: Held,
    /// Whether what the guest holds counts as held for that.
    is_counted: bool,
    _over: DropGuard,
}

impl WatchedBody {
    /// What a guest holds counts while the client is to take what was sent. One that has sent all it has keeps nobody's answer: it
    /// waits for something to tell.
    fn count(&mut self, progress: Progress) {
        let counts = !matches!(progress, Progress::Sent);
        if counts != self.is_counted {
            self.counted.count_in(if counts { self.held.clone() } else { Held::default() });
            self.is_counted = counts;
        }
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.counted.is_sent();
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let progress = match &polled {
            Poll::Ready(Some(Ok(_))) => Progress::Sending(Instant::now()),
            _ => Progress::Sent,
        };
        set(&self.progress, progress);
        self.count(progress);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
