//! The application's own HTTP routes as a bus: where there is neither Redis nor a sidecar, an event is POSTed to each
//! handler that waits for it, as Dapr would.

use spin_sdk::http::{Request, Response, send};

use super::{Bus, BusError};
use crate::{CloudEvent, EVENT_MEDIA_TYPE};

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
        let response: Response = send(request).await.map_err(|error| failed(error.to_string()))?;
        match *response.status() {
            200..=299 => Ok(()),
            status => Err(failed(format!("{path} answered {status}"))),
        }
    }
}

impl Bus for LocalBus {
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), BusError> {
        let handler = match topic {
            "task-events" => "/internal/events/recurrence-scheduler",
            "reminders" => "/internal/events/notifier",
            _ => return Ok(()),
        };
        let body = serde_json::to_vec(event).map_err(|error| failed(error.to_string()))?;
        self.post(handler, body).await
    }
}

fn failed(reason: String) -> BusError {
    BusError { bus: "local", reason }
}
