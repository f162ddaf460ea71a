//! A bound in time on what a host may take long over: the SDK's own requests have none.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use wasi::clocks::monotonic_clock::subscribe_duration;

/// Waits for `future`, at most `millis` milliseconds; `None` when they are over. What was under way is cancelled.
pub async fn within<T>(millis: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut timer = None;
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        // What is ready at once needs no timer.
        if timer.get_or_insert_with(|| subscribe_duration(millis.saturating_mul(1_000_000))).ready() {
            return Poll::Ready(None);
        }
        // A pollable is handed over to the executor, so each wait gets one of its own for the time that is left.
        spin_executor::push_waker(subscribe_duration(TICK), context.waker().clone());
        Poll::Pending
    })
    .await
}

/// How often the time is looked at, in nanoseconds: 50 milliseconds.
const TICK: u64 = 50_000_000;
