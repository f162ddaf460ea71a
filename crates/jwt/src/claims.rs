//! What a verified token claims (RFC 7519 §4.1, RFC 9068 §2.2).

use perennial_domain::{Scope, Timestamp};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde_json::{Map, Value};

use crate::{LEEWAY_SECONDS, Part, Policy, Refusal, json};

/// Longest `sub` and `jti`, in characters: what OpenID Connect Core §2 allows a `sub`.
const MAX_TEXT: usize = 255;
/// The last second that RFC 3339 can write. A time in milliseconds instead of seconds lies beyond it.
const MAX_SECONDS: f64 = 253_402_300_799.0;
/// How far clocks may differ, in milliseconds.
const LEEWAY: i64 = 1_000 * LEEWAY_SECONDS as i64;

/// What a verified token claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// `iss`: who issued it.
    pub issuer: String,
    /// `sub`: whom it speaks of, by the issuer's name for them. Never an id of ours.
    pub subject: String,
    /// `aud`: whom it is for; ours is among them.
    pub audience: Vec<String>,
    /// `exp`: from then on it is not valid.
    pub expires_at: Timestamp,
    /// `nbf`: before that it is not valid.
    pub not_before: Option<Timestamp>,
    /// `iat`: when it was issued.
    pub issued_at: Option<Timestamp>,
    /// `jti`: its own id.
    pub id: Option<String>,
    /// `scope`: what it allows, as far as it is known here; each once.
    pub scopes: Vec<Scope>,
}

impl Claims {
    /// Reads and checks the payload of a token whose signature is right.
    pub(crate) fn read(payload: &[u8], policy: &Policy, now: Timestamp) -> Result<Self, Refusal> {
        let members = json::object(payload).map_err(|why| Refusal::Json(Part::Payload, why))?;
        let issuer = text(&members, "iss")?.ok_or(Refusal::Missing("iss"))?;
        if issuer != policy.issuer() {
            return Err(Refusal::Issuer);
        }
        let audience = audience(&members)?;
        if !audience.iter().any(|name| name == policy.audience()) {
            return Err(Refusal::Audience);
        }
        let claims = Self {
            issuer: issuer.to_owned(),
            subject: name(&members, "sub")?.ok_or(Refusal::Missing("sub"))?,
            audience,
            expires_at: time(&members, "exp")?.ok_or(Refusal::Missing("exp"))?,
            not_before: time(&members, "nbf")?,
            issued_at: time(&members, "iat")?,
            id: name(&members, "jti")?,
            scopes: scopes(text(&members, "scope")?.unwrap_or_default()),
        };
        claims.check_times(policy, now)?;
        Ok(claims)
    }

    fn check_times(&self, policy: &Policy, now: Timestamp) -> Result<(), Refusal> {
        if now >= self.expires_at.plus_millis(LEEWAY) {
            return Err(Refusal::Expired);
        }
        let latest = now.plus_millis(LEEWAY);
        if self.not_before.is_some_and(|from| from > latest) {
            return Err(Refusal::NotYetValid);
        }
        if self.issued_at.is_some_and(|at| at > latest) {
            return Err(Refusal::IssuedInFuture);
        }
        let Some(max_age) = policy.max_age() else { return Ok(()) };
        let issued_at = self.issued_at.ok_or(Refusal::Missing("iat"))?;
        let last = issued_at.plus_millis(i64::from(max_age).saturating_mul(1_000)).plus_millis(LEEWAY);
        if now >= last { Err(Refusal::TooOld) } else { Ok(()) }
    }
}

/// A text; `null` is none.
fn text<'m>(members: &'m Map<String, Value>, name: &'static str) -> Result<Option<&'m str>, Refusal> {
    members.get(name).map(|value| value.as_str().ok_or(Refusal::WrongType(name))).transpose()
}

/// A text that names something: 1 to 255 characters, none of them a control.
fn name(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Refusal> {
    let Some(text) = text(members, name)? else { return Ok(None) };
    if text.is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(Refusal::OutOfRange(name));
    }
    Ok(Some(text.to_owned()))
}

/// One name or an array of them (RFC 7519 §4.1.3).
fn audience(members: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::WrongType("aud");
    match members.get("aud") {
        None => Err(Refusal::Missing("aud")),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(several)) => {
            several.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// Seconds since 1970, perhaps with a fraction (NumericDate, RFC 7519 §2), rounded down to a millisecond.
fn time(members: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let seconds = value.as_f64().ok_or(Refusal::WrongType(name))?;
    if !(0.0..=MAX_SECONDS).contains(&seconds) {
        return Err(Refusal::OutOfRange(name));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 253,402,300,799,000")]
    let millis = (seconds * 1_000.0).floor() as i64;
    Ok(Some(Timestamp::from_millis(millis)))
}

/// The scopes known here among words with spaces between (RFC 6749 §3.3); others are another service's.
fn scopes(text: &str) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for word in text.split(' ') {
        let word: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = word.into_deserializer();
        if let Ok(scope) = Scope::deserialize(word)
            && !scopes.contains(&scope)
        {
            scopes.push(scope);
        }
    }
    scopes
}
