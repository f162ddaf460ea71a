//! The application's Dapr sidecar, which listens on this machine.

use spin_sdk::http::{Request, Response, send};

use crate::{StateStore, within};

/// How long a sidecar may take, in milliseconds.
const PATIENCE: u64 = 5_000;

/// How long its state store may take, in milliseconds. Whoever asks can do without, and a partition waits meanwhile.
const BRIEFLY: u64 = 300;

/// A sidecar's HTTP API.
pub struct Sidecar {
    port: u16,
    token: String,
}

impl Sidecar {
    /// `token` is what the sidecar asks for in `dapr-api-token`; empty where it asks for none.
    pub fn new(port: u16, token: impl Into<String>) -> Self {
        Self { port, token: token.into() }
    }

    /// POSTs JSON; gives the status and the body of the answer, or why there is none.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        self.post_within(PATIENCE, path, body).await
    }

    async fn post_within(&self, millis: u64, path: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        let mut request = Request::post(format!("http://127.0.0.1:{}{path}", self.port), body);
        request.header("content-type", "application/json");
        if !self.token.is_empty() {
            request.header("dapr-api-token", self.token.as_str());
        }
        let response = within(millis, send::<_, Response>(request.build()))
            .await
            .ok_or_else(|| format!("the sidecar did not answer in {millis} ms"))?
            .map_err(|error| format!("the sidecar cannot be reached: {error}"))?;
        Ok((*response.status(), response.into_body()))
    }

    /// POSTs what must be answered 2xx.
    pub async fn tell(&self, path: &str, body: Vec<u8>) -> Result<(), String> {
        match self.post(path, body).await? {
            (200..=299, _) => Ok(()),
            (status, answer) => {
                let said: String = String::from_utf8_lossy(&answer).chars().take(300).collect();
                Err(format!("the sidecar answered {status} to {path}: {said}"))
            }
        }
    }
}

/// A state store of a sidecar's.
pub struct SidecarState {
    sidecar: Sidecar,
    component: String,
}

impl SidecarState {
    /// `component` is the name of the sidecar's component.
    pub fn new(sidecar: Sidecar, component: impl Into<String>) -> Self {
        Self { sidecar, component: component.into() }
    }
}

impl StateStore for SidecarState {
    async fn post(&self, below: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        let path = format!("/v1.0/state/{}{below}", self.component);
        self.sidecar.post_within(BRIEFLY, &path, body).await
    }
}
