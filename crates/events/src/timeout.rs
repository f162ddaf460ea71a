//! A bound in time on what a host may take long over: the SDK's own requests have none.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker};

use spin_executor::{CancelOnDropToken, push_waker_and_get_token};
use wasi::clocks::monotonic_clock::{now, subscribe_instant};

/// A clock may wake a moment early, and wakes once: a millisecond, in nanoseconds.
const MOMENT: u64 = 1_000_000;

/// Waits for `future`, at most `millis` milliseconds; `None` when they are over. What was under way is cancelled.
pub async fn within<T>(millis: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let (mut end, mut timer) = (None, None::<Timer>);
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        // What is ready at once needs no timer.
        let end = *end.get_or_insert_with(|| now().saturating_add(millis.saturating_mul(1_000_000)));
        if now().saturating_add(MOMENT) >= end {
            return Poll::Ready(None);
        }
        // However often this is looked at, it has one timer: each would have it looked at once more.
        if !timer.as_ref().is_some_and(|timer| timer.waker.will_wake(context.waker())) {
            timer = Some(Timer::new(end, context.waker()));
        }
        Poll::Pending
    })
    .await
}

/// What wakes a wait when its time is over, unless it has gone before.
struct Timer {
    waker: Waker,
    _token: CancelOnDropToken,
}

impl Timer {
    fn new(end: u64, waker: &Waker) -> Self {
        let token = push_waker_and_get_token(subscribe_instant(end), waker.clone());
        Self { waker: waker.clone(), _token: token.into() }
    }
}
