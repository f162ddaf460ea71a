//! A body that nobody reads to its end.
//!
//! A request may be answered by its head alone. A sender that is still sending would be reset, and lose the answer that waits
//! for it: so what is on its way is taken off it, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, WasiBody};

/// How much is taken off a sender whose body nobody wants.
const BYTES: usize = 1024 * 1024;

/// For how long.
const TIME: Duration = Duration::from_secs(2);

/// Hands a body on. What is left of it when it is dropped is read and thrown away.
struct Lingering(Option<WasiBody>);

/// The request, with a body whose sender may finish. One who waits to be asked for it is not asked, and HTTP/2 ends a single
/// body by itself.
pub(super) fn lingering(request: Request<WasiBody>) -> Request<WasiBody> {
    if request.version() >= Version::HTTP_2 || request.headers().contains_key(header::EXPECT) {
        return request;
    }
    request.map(|body| match body.is_end_stream() {
        true => body,
        false => Lingering(Some(body)).boxed_unsync(),
    })
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let left = self.0.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (left, Handle::try_current()) {
            runtime.spawn(timeout(TIME, take(body)));
        }
    }
}

async fn take(mut body: WasiBody) {
    let mut left = BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(less) => left = less,
            None => return,
        }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
