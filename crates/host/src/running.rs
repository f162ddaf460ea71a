//! A started application.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::counts::Counts;
use crate::guest::GuestComponent;
use crate::locks::Locks;
use crate::services::Services;
use crate::triggers::cron::CronTrigger;
use crate::triggers::http::{Clients, Unread};

/// How long guests in flight may go on once the host stops. Spin cuts them at once.
const DRAIN: Duration = Duration::from_millis(1500);

/// An application that serves. Dropping it stops it without waiting.
pub struct Running {
    /// Where the HTTP trigger listens.
    pub address: SocketAddr,
    /// The first token, if the application declares `bootstrap_token` and nobody gave one: the content of
    /// `STATE_DIR/token`.
    pub token: Option<String>,
    /// The folder that holds the data.
    pub state_dir: PathBuf,
    /// The address whose messages stay in this process, if the in-process bus is used.
    pub in_process_bus: Option<String>,
    /// The port of the Dapr sidecar, if the application says that this is its bus.
    pub sidecar: Option<String>,
    /// The routes as pairs of target and pattern, for people to read.
    pub routes: Vec<(String, String)>,
    /// How long the start took.
    pub started_in: Duration,
    /// How many of the distinct wasm files had to be compiled; the others came from the cache.
    pub compiled: usize,
    pub(crate) services: Arc<Services>,
    pub(crate) components: BTreeMap<String, Arc<GuestComponent>>,
    pub(crate) _locks: Locks,
    pub(crate) cron: Vec<Arc<CronTrigger>>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) stop: CancellationToken,
}

impl Running {
    /// Stops accepting, lets guests in flight go on for up to 1.5 s, then cuts them and closes the databases.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(DRAIN, self.idle()).await;
        self.services.kill.cancel();
        // Cut guests give their connections back at once; nothing waits for long here.
        let _ = tokio::time::timeout(DRAIN, self.idle()).await;
        self.services.databases.close();
    }

    /// Waits until no guest runs and no message waits for one.
    pub async fn idle(&self) {
        self.services.in_flight.idle().await;
    }

    /// What the guests of each component have cost so far, by component id. Whoever waits for [`Running::idle`] first
    /// finds all of it.
    pub fn counts(&self) -> BTreeMap<String, Counts> {
        self.components.iter().map(|(id, component)| (id.clone(), component.counters.read())).collect()
    }

    /// What the answers that clients do not read hold now.
    pub fn unread(&self) -> Unread {
        self.clients.unread()
    }

    /// Hands a message to every redis trigger of the channel, whichever bus is used.
    pub fn publish(&self, channel: &str, payload: impl Into<Vec<u8>>) {
        self.services.bus.publish_everywhere(&self.services.in_flight, channel, payload.into());
    }

    /// Runs one tick of the component's cron trigger and waits for its end.
    ///
    /// # Errors
    /// When the component has no cron trigger, traps, or answers an error.
    pub async fn tick(&self, component: &str) -> anyhow::Result<()> {
        let trigger = self.cron.iter().find(|trigger| trigger.component() == component);
        trigger.with_context(|| format!("component {component:?} has no cron trigger"))?.tick().await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.services.kill.cancel();
    }
}
