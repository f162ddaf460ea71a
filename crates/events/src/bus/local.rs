//! The application's own HTTP routes as a bus: where there is neither Redis nor a sidecar, an event is POSTed to each
//! handler that acts upon it, as Dapr would.

use spin_sdk::http::{Request, Response, send};

use super::{Bus, BusError, Fault, Message, document, fault_of, one_by_one, woken};
use crate::{EVENT_MEDIA_TYPE, within};

/// How long a handler may take, in milliseconds.
const PATIENCE: u64 = 5_000;

/// Hands events to the handlers of this application.
pub struct LocalBus {
    token: String,
}

impl LocalBus {
    /// `token` is what the callback routes ask for in `dapr-api-token`.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into() }
    }

    /// POSTs to a callback route of this application.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<(), BusError> {
        let request = Request::post(format!("http://self.alt{path}"), body)
            .header("content-type", EVENT_MEDIA_TYPE)
            .header("dapr-api-token", self.token.as_str())
            .build();
        let sent = within(PATIENCE, send::<_, Response>(request)).await;
        let response = sent
            .ok_or_else(|| failed(Fault::Bus, format!("{path} did not answer in {PATIENCE} ms")))?
            .map_err(|error| failed(Fault::Bus, error.to_string()))?;
        match *response.status() {
            200..=299 => Ok(()),
            status => Err(failed(fault_of(status), format!("{path} answered {status}"))),
        }
    }

    async fn publish_one(&self, batch: &[Message], index: usize, message: &Message) -> Result<(), BusError> {
        let mut body = None;
        for consumer in woken(batch, index) {
            let body = match &mut body {
                Some(body) => body,
                none => none.insert(document("local", message)?),
            };
            self.post(consumer.route, body.clone()).await?;
        }
        Ok(())
    }
}

impl Bus for LocalBus {
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        one_by_one(batch, async |index, message| self.publish_one(batch, index, message).await).await
    }
}

fn failed(fault: Fault, reason: String) -> BusError {
    BusError { bus: "local", reason, fault }
}
