//! Dapr: a sidecar takes events for the broker that it is configured with, such as Kafka, and delivers them to the callback routes.

mod bulk;

#[cfg(target_arch = "wasm32")]
use bulk::Bulk;

#[cfg(target_arch = "wasm32")]
use super::{Bus, Message};
use super::{BusError, Fault};
#[cfg(target_arch = "wasm32")]
use crate::Sidecar;

const NAME: &str = "dapr";

/// Publishes through the application's sidecar.
#[cfg(target_arch = "wasm32")]
pub struct DaprBus {
    sidecar: Sidecar,
    pubsub: String,
}

#[cfg(target_arch = "wasm32")]
impl DaprBus {
    /// `pubsub` is the name of the sidecar's component.
    pub fn new(sidecar: Sidecar, pubsub: impl Into<String>) -> Self {
        Self { sidecar, pubsub: pubsub.into() }
    }

    async fn publish_first(&self, bulk: &Bulk<'_>) -> (usize, Option<BusError>) {
        let path =
            format!("/v1.0-alpha1/publish/bulk/{}/{}?metadata.rawPayload=true", self.pubsub, bulk.topic);
        match self.sidecar.post(&path, bulk.body.clone()).await {
            Ok((status, answer)) => bulk.outcome(status, &answer),
            Err(reason) => (0, Some(failed(Fault::Bus, reason))),
        }
    }
}

#[cfg(target_arch = "wasm32")]
impl Bus for DaprBus {
    /// One request a call, so that a call takes no longer than the sidecar is waited for.
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        match Bulk::first_of(batch) {
            Ok(Some(bulk)) => self.publish_first(&bulk).await,
            Ok(None) => (0, None),
            Err(error) => (0, Some(error)),
        }
    }
}

fn failed(fault: Fault, reason: String) -> BusError {
    BusError { bus: NAME, reason, fault }
}
