//! Requests whose body has not arrived yet.
//!
//! A guest starts with the head of its request, so that it can answer what needs no body at once. But a guest that
//! waits for a slow sender holds an instance, so only half of the instances may wait. Beyond that the host itself
//! collects small bodies, and their senders hold a connection and nothing else. A quarter of the instances is kept for
//! bodies of which more has arrived than the host collects: slow senders that fill the half cannot keep them out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error, WasiBody};

/// How much of a body the host collects without a guest.
const HELD_BYTES: usize = 64 * 1024;

/// The places of guests that wait for a body.
pub(super) struct Arrivals {
    places: Arc<Semaphore>,
    /// For large bodies that are on their way.
    large: Arc<Semaphore>,
    /// How long a request may wait for a place.
    patience: Duration,
}

/// Why no guest is started.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotArrived {
    #[error("the body of the request did not arrive in time")]
    TooSlow,
    #[error("too many requests wait for their bodies")]
    NoPlace,
}

impl Arrivals {
    /// Half of `instances` may wait, and a quarter for large bodies.
    pub fn new(instances: u32, patience: Duration) -> Self {
        let share = |of: u32| instances.checked_div(of).unwrap_or_default() as usize;
        let (places, large) = (share(2).max(1), share(4));
        Self { places: Arc::new(Semaphore::new(places)), large: Arc::new(Semaphore::new(large)), patience }
    }

    /// Ends when a guest may be started with `body`: a place is free, or the body is there.
    pub async fn admit(&self, body: WasiBody) -> Result<WasiBody, NotArrived> {
        if body.is_end_stream() {
            return Ok(body);
        }
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(Arriving::new(body, Some(place)).boxed_unsync());
        }
        let mut arriving = Arriving::new(body, None);
        match tokio::time::timeout(self.patience, self.collect(&mut arriving)).await {
            Ok(collected) => collected?,
            Err(_) if arriving.held_bytes < HELD_BYTES => return Err(NotArrived::TooSlow),
            Err(_) => return Err(NotArrived::NoPlace),
        }
        Ok(arriving.boxed_unsync())
    }

    /// Collects until all is there or a place is free.
    async fn collect(&self, arriving: &mut Arriving) -> Result<(), NotArrived> {
        let place = self.places.clone().acquire_owned();
        let large = self.large.clone().acquire_owned();
        tokio::pin!(place, large);
        while !arriving.arrived() {
            tokio::select! {
                biased;
                frame = arriving.body.frame(), if arriving.held_bytes < HELD_BYTES => match frame {
                    Some(Ok(frame)) => arriving.hold(frame),
                    Some(Err(_)) => return Err(NotArrived::TooSlow),
                    None => arriving.ended = true,
                },
                place = &mut large, if arriving.held_bytes >= HELD_BYTES => {
                    arriving.place = place.ok();
                    return Ok(());
                }
                place = &mut place => {
                    arriving.place = place.ok();
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// A body, and the place of the guest that waits for it. The place is free once all has arrived.
struct Arriving {
    held: VecDeque<Frame<Bytes>>,
    held_bytes: usize,
    body: WasiBody,
    ended: bool,
    place: Option<OwnedSemaphorePermit>,
}

impl Arriving {
    fn new(body: WasiBody, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { held: VecDeque::new(), held_bytes: 0, body, ended: false, place }
    }

    fn arrived(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn hold(&mut self, frame: Frame<Bytes>) {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        self.held.push_back(frame);
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Some(frame) = this.held.pop_front() {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            this.held_bytes = this.held_bytes.saturating_sub(bytes);
            return Poll::Ready(Some(Ok(frame)));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(frame) = &polled {
            this.ended = !matches!(frame, Some(Ok(_)));
            if this.arrived() {
                this.place = None;
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.arrived()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held_bytes as u64;
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}
