//! A body from the network that fails when its sender pauses for too long, or takes too long altogether.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::Error;

pub(crate) struct TimedBody {
    body: Incoming,
    pause: Duration,
    /// When all must have arrived.
    end: Option<Instant>,
    /// Runs while somebody waits for the next bytes.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    /// `whole` counts from now.
    pub fn new(body: Incoming, pause: Duration, whole: Option<Duration>) -> Self {
        let end = whole.and_then(|whole| Instant::now().checked_add(whole));
        Self { body, pause, end, waiting: None }
    }

    /// When to give up on the next bytes.
    fn patience(&self) -> Sleep {
        let now = Instant::now();
        let pause = now.checked_add(self.pause).unwrap_or(now);
        sleep_until(self.end.map_or(pause, |end| end.min(pause)))
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let waiting = match &mut this.waiting {
            Some(waiting) => waiting,
            None => {
                let patience = Box::pin(this.patience());
                this.waiting.insert(patience)
            }
        };
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
