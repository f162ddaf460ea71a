//! PostgreSQL for guests: sessions with real servers, a pool of them for each address.
//!
//! As in Spin, a guest has a session of its own from `open` on until it lets go of it, and the next gets what was left, cleaned. Unlike
//! there nobody gets a session with a transaction that is open, or one whose statement was cut off; and a server that hangs holds
//! those for a moment only who asked it.
#![expect(
    clippy::result_large_err,
    reason = "the error is Spin's, as the interface has it, and is made where something failed"
)]

mod address;
mod cache;
mod connect;
mod error;
mod host;
mod left;
mod numbers;
mod places;
mod pool;
mod session;
mod tls;
mod types;
mod watch;

pub(crate) use pool::Servers;
pub(crate) use tls::Connector;

/// A guest's connection.
pub struct Connection(pool::Lent);
