//! The JOSE header of a token (RFC 7515 §4).

use serde_json::{Map, Value};

use crate::{Algorithm, Part, Policy, Refusal, json};

/// Members that bring a key or point to one. Following them lets whoever writes a token choose the key that verifies it. They
/// could as well be ignored, as RFC 7515 §4 would have it; they are refused, because no access token needs them here
/// (RFC 9068 has none), a log then tells who tries, and a later change cannot begin to follow them unseen.
const KEY_MEMBERS: [&str; 4] = ["jwk", "jku", "x5c", "x5u"];

/// Longest `kid`, in characters.
pub(crate) const MAX_KID: usize = 255;

/// What a header says that matters here.
pub(crate) struct Header {
    /// How it is signed: one of the policy's algorithms.
    pub algorithm: Algorithm,
    /// Which key signed it.
    pub kid: Option<String>,
}

impl Header {
    /// Reads and checks a header. Members that are not known here are ignored (RFC 7515 §4).
    pub fn read(text: &[u8], policy: &Policy) -> Result<Self, Refusal> {
        let members = json::object(text).map_err(|why| Refusal::Json(Part::Header, why))?;
        if members.contains_key("crit") {
            return Err(Refusal::Critical);
        }
        if members.contains_key("b64") {
            return Err(Refusal::UnencodedPayload);
        }
        if KEY_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(Refusal::KeyInHeader);
        }
        if !members.get("typ").is_none_or(|typ| is_media_type(typ, &["jwt", "at+jwt"])) {
            return Err(Refusal::Type);
        }
        if members.get("cty").is_some_and(|cty| is_media_type(cty, &["jwt"])) {
            return Err(Refusal::Nested);
        }
        Ok(Self { algorithm: algorithm(&members, policy)?, kid: kid(&members)? })
    }
}

fn algorithm(members: &Map<String, Value>, policy: &Policy) -> Result<Algorithm, Refusal> {
    let name = members.get("alg").and_then(Value::as_str).ok_or(Refusal::NoAlgorithm)?;
    let known = Algorithm::named(name).filter(|algorithm| policy.algorithms().contains(algorithm));
    known.ok_or(Refusal::AlgorithmRefused)
}

/// A `kid` is a name to compare, never a path or a query. One that is there and cannot be a name does not count as left out.
fn kid(members: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let Some(value) = members.get("kid") else { return Ok(None) };
    let kid = value.as_str().filter(|kid| is_kid(kid)).ok_or(Refusal::KeyId)?;
    Ok(Some(kid.to_owned()))
}

pub(crate) fn is_kid(kid: &str) -> bool {
    !kid.is_empty() && kid.chars().count() <= MAX_KID
}

/// Media types are written in any case, and without "application/" where no other slash is in them (RFC 7515 §4.1.9).
fn is_media_type(value: &Value, types: &[&str]) -> bool {
    let Some(text) = value.as_str().map(str::to_ascii_lowercase) else { return false };
    types.contains(&text.strip_prefix("application/").unwrap_or(&text))
}
