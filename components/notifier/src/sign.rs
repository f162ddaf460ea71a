//! Signatures of webhooks: Standard Webhooks 1.0, symmetric (`v1`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use perennial_domain::Timestamp;
use sha2::Sha256;
use thiserror::Error;

/// The three headers of a signed webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`: seconds since the epoch.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
}

/// The secret is not one.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the signing secret is not whsec_ and base64")]
pub struct SignError;

/// Signs a body with each of some secrets, the newest first: HMAC-SHA256 over `id.timestamp.body` under the bytes that the secret
/// spells in base64. The signatures stand in one header with a space between them.
pub fn sign<'s>(
    secrets: impl Iterator<Item = &'s str>,
    id: &str,
    at: Timestamp,
    body: &str,
) -> Result<Signature, SignError> {
    let timestamp = at.as_millis().div_euclid(1_000).to_string();
    let signed = format!("{id}.{timestamp}.{body}");
    let signatures = secrets.map(|secret| one(secret, &signed)).collect::<Result<Vec<_>, _>>()?;
    Ok(Signature { id: id.to_owned(), timestamp, signature: signatures.join(" ") })
}

fn one(secret: &str, signed: &str) -> Result<String, SignError> {
    let key = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()).ok_or(SignError)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| SignError)?;
    mac.update(signed.as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn the_published_example_is_signed_alike() {
        let signed = sign(
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"].into_iter(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_millis(1_614_265_330_000),
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.unwrap().signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_refused() {
        assert_eq!(sign(["hunter2"].into_iter(), "id", Timestamp::from_millis(0), "{}"), Err(SignError));
    }
}
