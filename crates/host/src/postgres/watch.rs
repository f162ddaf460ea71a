//! Whether a session is in a transaction: read along with what the server sends, since the client does not tell. The server says it at
//! the end of each answer (PostgreSQL, 55.7, ReadyForQuery); nothing is asked for it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// The message at the end of an answer, and what it says where there is no transaction.
const READY: u8 = b'Z';
const IDLE: u8 = b'I';

/// What was read of a session.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// The last that the server said; 0 before it has.
    last: AtomicU8,
    /// Whether the stream below carries TLS.
    encrypted: AtomicBool,
}

impl Status {
    /// Whether no transaction is open.
    pub fn is_idle(&self) -> bool {
        self.last.load(Ordering::Acquire) == IDLE
    }

    /// From now on what the stream below carries cannot be read.
    pub fn encrypt(&self) {
        self.encrypted.store(true, Ordering::Release);
    }
}

/// A stream from a server that is read along.
pub(crate) struct Watched<S> {
    stream: S,
    status: Arc<Status>,
    frames: Frames,
    /// Whether it is what TLS carries, and not what carries TLS.
    inside: bool,
}

impl<S> Watched<S> {
    /// A stream that begins with so many bytes which belong to no message: the answer to whether there is TLS.
    pub fn new(stream: S, status: Arc<Status>, unframed: usize) -> Self {
        Self { stream, status, frames: Frames::after(unframed), inside: false }
    }

    /// What TLS carries.
    pub fn encrypted(stream: S, status: Arc<Status>) -> Self {
        Self { stream, status, frames: Frames::after(0), inside: true }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        if self.inside || !self.status.encrypted.load(Ordering::Acquire) {
            let read = into.filled().get(before..).unwrap_or_default();
            if let Some(last) = self.frames.read(read) {
                self.status.last.store(last, Ordering::Release);
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<S: TlsStream + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// Where in the messages of a server reading has come to. A message is a byte for its kind, four for its length, those included, and the rest.
#[derive(Debug)]
struct Frames {
    /// Bytes to come that say nothing here.
    skipped: usize,
    /// The beginning of a message, as far as it was read.
    head: [u8; 6],
    read: usize,
}

impl Frames {
    fn after(unframed: usize) -> Self {
        Self { skipped: unframed, head: [0; 6], read: 0 }
    }

    /// Reads on; the last status among what was read.
    fn read(&mut self, mut bytes: &[u8]) -> Option<u8> {
        let mut found = None;
        while !bytes.is_empty() {
            let passed = self.skipped.min(bytes.len());
            self.skipped = self.skipped.saturating_sub(passed);
            bytes = bytes.get(passed..).unwrap_or_default();
            while let Some((byte, rest)) = bytes.split_first() {
                bytes = rest;
                if let Some(place) = self.head.get_mut(self.read) {
                    *place = *byte;
                }
                self.read = self.read.saturating_add(1);
                // Of the message that matters its only byte belongs to the head.
                let [kind, length @ .., status] = self.head;
                let is_ready = kind == READY;
                if self.read == 5 && !is_ready {
                    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                    self.skipped = length.saturating_sub(4);
                    self.read = 0;
                    break;
                }
                if self.read == 6 {
                    found = Some(status);
                    self.read = 0;
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().saturating_add(4);
        [&[kind][..], &length.to_be_bytes(), content].concat()
    }

    #[test]
    fn the_status_is_read_however_the_bytes_come() {
        let all = [
            b"N".to_vec(),
            message(b'R', &[0, 0, 0, 0]),
            message(b'D', b"ZZZZ\0\0\0\x05I"),
            message(b'1', b""),
            message(b'Z', b"T"),
            message(b'C', b"COMMIT\0"),
            message(b'Z', b"I"),
            message(b'S', b"x"),
        ]
        .concat();
        for size in 1..=all.len() {
            let mut frames = Frames::after(1);
            let found: Vec<u8> = all.chunks(size).filter_map(|chunk| frames.read(chunk)).collect();
            assert_eq!(found.last(), Some(&b'I'), "in pieces of {size}");
            if size < 8 {
                assert_eq!(found, b"TI", "in pieces of {size}");
            }
        }
    }
}
