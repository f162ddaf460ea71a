//! An answer that is sent piece by piece.

use std::future::poll_fn;
use std::task::Poll;

use http::response::Parts;
use spin_executor::{CancelOnDropToken, push_waker_and_get_token};
use spin_sdk::http::{Headers, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::OutputStream;

/// The client has left, or the host has closed the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLeft;

/// An answer whose head has gone out. The SDK's own sink does not tell that the client has left before there is something to send.
pub struct StreamedAnswer {
    // Dropped before the body that it is of.
    stream: OutputStream,
    body: OutgoingBody,
}

impl StreamedAnswer {
    /// Sends the head.
    pub fn begin(out: ResponseOutparam, head: &Parts) -> Result<Self, ClientLeft> {
        let headers: Vec<(String, Vec<u8>)> =
            head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        let answer = OutgoingResponse::new(Headers::from_list(&headers).map_err(|_| ClientLeft)?);
        answer.set_status_code(head.status.as_u16()).map_err(|()| ClientLeft)?;
        let body = answer.body().map_err(|()| ClientLeft)?;
        let stream = body.write().map_err(|()| ClientLeft)?;
        out.set(answer);
        Ok(Self { stream, body })
    }

    /// Whether the client is still there, as far as the host knows.
    pub fn is_read(&self) -> bool {
        self.stream.check_write().is_ok()
    }

    /// Hands a piece on; waits for as long as the client does not read.
    pub async fn send(&self, piece: &[u8]) -> Result<(), ClientLeft> {
        let (mut rest, mut _writable) = (piece, None);
        poll_fn(|context| {
            while !rest.is_empty() {
                let room = match self.stream.check_write() {
                    Ok(0) => {
                        let waker = context.waker().clone();
                        let token = push_waker_and_get_token(self.stream.subscribe(), waker);
                        _writable = Some(CancelOnDropToken::from(token));
                        return Poll::Pending;
                    }
                    Ok(room) => usize::try_from(room).unwrap_or(usize::MAX),
                    Err(_) => return Poll::Ready(Err(ClientLeft)),
                };
                let (now, later) = rest.split_at(room.min(rest.len()));
                if self.stream.write(now).is_err() {
                    return Poll::Ready(Err(ClientLeft));
                }
                rest = later;
            }
            Poll::Ready(self.stream.flush().map_err(|_| ClientLeft))
        })
        .await
    }

    /// Ends the answer as one that is whole.
    pub fn end(self) {
        let Self { stream, body } = self;
        drop(stream);
        // Only a client that left can be in the way.
        OutgoingBody::finish(body, None).ok();
    }
}
