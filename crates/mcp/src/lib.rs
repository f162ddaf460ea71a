//! The Model Context Protocol within one request.
//!
//! A guest is new at each request, so nothing is remembered between two: no sessions, answers as JSON, and a stream only for who
//! listens (`subscriptions/listen`). The protocol itself is rmcp's, over its own Streamable HTTP service; what a server offers is a
//! [`Server`], which need not be `Send`: rmcp's handler puts its questions to it over a channel.

mod confirm;
mod protocol;
mod relay;
mod server;
mod stream;
mod tell;

pub use bytes::Bytes;
pub use confirm::{Confirmations, Unconfirmed};
pub use protocol::{MAX_BODY, Names, Protocol, Reply};
pub use rmcp::{ErrorData, model};
pub use server::{Asker, Notices, Server};
pub use stream::{Change, Next, Stream};
pub use tell::{End, Feed, LASTS, Outside, tell};
