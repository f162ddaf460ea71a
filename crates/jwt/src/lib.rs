//! JWT bearer tokens (RFC 7519, RFC 8725): a token, keys, a policy and the time go in; verified claims or a refusal come out.
//! Nothing here reads a clock or the network, and nothing here can sign.
//!
//! ```
//! use perennial_domain::Timestamp;
//! use perennial_jwt::{Algorithm, Keys, Policy, Refusal, verify};
//!
//! let jwks = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! let keys = Keys::from_jwks(jwks).expect("a key set");
//! let policy = Policy::new("https://id.example", "https://tasks.example", &[Algorithm::EdDsa]).expect("a policy");
//! let forged = "eyJhbGciOiJub25lIn0.e30."; // {"alg":"none"}
//! assert_eq!(verify(forged, &keys, &policy, Timestamp::from_millis(0)), Err(Refusal::AlgorithmRefused));
//! ```

mod algorithm;
pub mod cache;
mod claims;
mod compact;
mod header;
mod issuer;
mod json;
mod jwk;
mod keys;
mod policy;
mod public_key;
mod refusal;

use perennial_domain::Timestamp;

pub use algorithm::Algorithm;
pub use claims::Claims;
pub use compact::MAX_TOKEN;
pub use issuer::{Issuer, KeySource};
pub use json::BadJson;
pub use jwk::Unfit;
pub use keys::{Keys, KeysError, MAX_JWKS, MAX_KEYS};
pub use policy::{LEEWAY_SECONDS, Policy, PolicyError};
pub use refusal::{Part, Refusal};

/// Verifies a token in compact serialization (RFC 7515 §7.1) and gives what it claims.
///
/// Its claims are not looked at before its signature has been verified, so that a refusal about them speaks of a token that
/// the issuer made.
///
/// # Errors
/// The first thing that is wrong, for the log. The caller is to see one answer, whatever it is.
pub fn verify(token: &str, keys: &Keys, policy: &Policy, now: Timestamp) -> Result<Claims, Refusal> {
    let compact = compact::Compact::read(token)?;
    let header = header::Header::read(&compact.header, policy)?;
    let key = keys.select(header.kid.as_deref(), header.algorithm)?;
    if !key.verifies(header.algorithm, compact.signed, &compact.signature) {
        return Err(Refusal::BadSignature);
    }
    Claims::read(&compact.payload, policy, now)
}

/// Says what is wrong with a token that can be seen without a key: its form and its header. What looks right here may still be
/// forged; but nobody need fetch keys for what does not.
///
/// # Errors
/// The first thing that is wrong, for the log.
pub fn look(token: &str, policy: &Policy) -> Result<(), Refusal> {
    let compact = compact::Compact::read(token)?;
    header::Header::read(&compact.header, policy).map(|_| ())
}
