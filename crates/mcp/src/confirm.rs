//! What a user has to confirm in the middle of a call (Multi Round-Trip Requests, SEP-2322).
//!
//! What was asked goes to the client and comes back with its user's answer: it is sealed by rmcp's own codec, with a key derived
//! (HKDF-SHA256, RFC 5869) from the caller's bearer token, and bound to the user and to the call. So no further secret is needed, and
//! what one caller was asked no other can confirm, nor for another call, nor later.

use std::time::Duration;

use hkdf::Hkdf;
use rmcp::model::{CallToolRequestParams, RequestStateCodec, SealOptions};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// How long a question may wait for its answer.
const EXPIRES: Duration = Duration::from_secs(600);

/// What the key is for.
const PURPOSE: &[u8] = b"perennial mcp request state 1";

/// Seals what a caller is asked to confirm, and opens it again.
pub struct Confirmations {
    codec: RequestStateCodec,
    user: String,
}

/// What was to be confirmed is not what was asked: another caller, another call, too late, or tampered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the request state is not one of this call: ask again without it")]
pub struct Unconfirmed;

impl Confirmations {
    /// Those of a user who showed this bearer token.
    pub fn of(user: &str, token: &str) -> Option<Self> {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, token.as_bytes()).expand(PURPOSE, &mut key).ok()?;
        Some(Self { codec: RequestStateCodec::try_new(key).ok()?, user: user.to_owned() })
    }

    /// Seals what the server has to know again once the user has answered.
    pub fn seal(&self, call: &CallToolRequestParams, state: &[u8]) -> String {
        let bound = self.bound(call);
        self.codec.seal_with(state, &SealOptions::new().associated_data(&bound).ttl(EXPIRES))
    }

    /// What was sealed for this call.
    pub fn open(&self, call: &CallToolRequestParams, sealed: &str) -> Result<Vec<u8>, Unconfirmed> {
        self.codec.open_with(sealed, &self.bound(call)).map_err(|_| Unconfirmed)
    }

    /// The user, and a digest of the tool and its arguments, in which the order of members plays no part.
    fn bound(&self, call: &CallToolRequestParams) -> Vec<u8> {
        let mut digest = Sha256::new();
        for part in [self.user.as_bytes(), call.name.as_bytes()] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        digest.update(serde_json::to_vec(&call.arguments).unwrap_or_default());
        digest.finalize().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(ids: &[&str]) -> CallToolRequestParams {
        let arguments = json!({ "ids": ids }).as_object().cloned().unwrap_or_default();
        CallToolRequestParams::new("delete_tasks").with_arguments(arguments)
    }

    #[test]
    fn only_who_was_asked_confirms_and_only_that_call() {
        let asked = Confirmations::of("ada", "prn_token").unwrap();
        let sealed = asked.seal(&call(&["a"]), b"2 tasks");
        assert_eq!(asked.open(&call(&["a"]), &sealed).unwrap(), b"2 tasks");
        assert_eq!(asked.open(&call(&["b"]), &sealed), Err(Unconfirmed), "another call");
        for (user, token) in [("ada", "prn_other"), ("bob", "prn_token")] {
            let other = Confirmations::of(user, token).unwrap();
            assert_eq!(other.open(&call(&["a"]), &sealed), Err(Unconfirmed), "{user} {token}");
        }
        let mut tampered = sealed.clone();
        tampered.pop();
        assert_eq!(asked.open(&call(&["a"]), &tampered), Err(Unconfirmed));
        assert_eq!(asked.open(&call(&["a"]), ""), Err(Unconfirmed));
    }
}
