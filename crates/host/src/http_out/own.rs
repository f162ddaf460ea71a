//! Requests that the application makes of itself over the network (`http://self`).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections that guests have open to where this host listens, by their own ends.
#[derive(Clone, Default)]
pub(crate) struct OwnCalls(Arc<Mutex<BTreeSet<SocketAddr>>>);

/// One of them; dropping it ends it.
pub(super) struct OwnCall {
    all: OwnCalls,
    address: SocketAddr,
}

impl OwnCalls {
    /// Notes a connection, before anything is sent over it.
    pub(super) fn begin(&self, address: SocketAddr) -> OwnCall {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address);
        OwnCall { all: self.clone(), address }
    }

    /// Whether a client is a guest of this host.
    pub fn has(&self, client: SocketAddr) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&client)
    }
}

impl Drop for OwnCall {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.address);
    }
}
