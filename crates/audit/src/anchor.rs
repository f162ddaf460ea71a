//! Anchors: what the hash of a chain was at some place, signed, to be kept where whoever can change the chain cannot reach.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use perennial_domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::encode::{encoded, hex};

/// What makes a signature that of an anchor.
const TAG: &str = "perennial audit anchor 1";

/// The key that anchors are signed with. Nothing of it is ever printed.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl Key {
    /// Fewest characters of a key.
    pub const SHORTEST: usize = 32;

    /// A key of these characters: the bytes of their UTF-8.
    pub fn new(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// HMAC-SHA256 (RFC 2104).
    fn mac(&self, message: &[u8]) -> Option<Hmac<Sha256>> {
        // A key of any length is taken.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(message);
        Some(mac)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

/// A signed word on a chain: at this time its hash was this, at this place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "AnchorSigned"))]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Whose chain it is of.
    pub user: UserId,
    /// The place: 0 where nothing is sealed.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = i64::MAX)))]
    pub seq: i64,
    /// The hash at that place.
    #[cfg_attr(feature = "schema", schemars(length(max = 64), regex(pattern = "^[0-9a-f]{64}$")))]
    pub hash: String,
    /// When it was made, as RFC 3339 has it.
    #[cfg_attr(feature = "schema", schemars(length(max = 30), regex(pattern = perennial_domain::pattern::INSTANT)))]
    pub at: String,
    /// HMAC-SHA256 over all of this, in hexadecimal digits.
    #[cfg_attr(feature = "schema", schemars(length(max = 64), regex(pattern = "^[0-9a-f]{64}$")))]
    pub mac: String,
}

impl Anchor {
    /// Signs what the hash of a chain is at a place.
    pub fn sign(key: &Key, user: &UserId, (seq, hash): (i64, &str), at: Timestamp) -> Self {
        let mut anchor =
            Self { user: user.clone(), seq, hash: hash.to_owned(), at: at.to_string(), mac: String::new() };
        let mac = key.mac(&anchor.message()).map(|mac| hex(&mac.finalize().into_bytes()));
        anchor.mac = mac.unwrap_or_default();
        anchor
    }

    /// Whether it was signed with this key, and is as it was then. Takes as long whatever is wrong.
    pub fn is_genuine(&self, key: &Key) -> bool {
        let Some(mac) = key.mac(&self.message()) else { return false };
        unhex(&self.mac).is_some_and(|given| mac.verify_slice(&given).is_ok())
    }

    /// The first member that no anchor has so, and why.
    pub fn unlike(&self) -> Option<(&'static str, &'static str)> {
        let is_hash = |text: &str| {
            text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if self.seq < 0 {
            return Some(("seq", "must not be negative"));
        }
        if Timestamp::parse(&self.at).is_none() {
            return Some(("at", "is not an instant, such as 2026-11-30T08:00:00Z"));
        }
        let hashes = [("hash", &self.hash), ("mac", &self.mac)];
        let wrong = hashes.iter().find(|(_, text)| !is_hash(text));
        wrong.map(|(member, _)| (*member, "must be 64 hexadecimal digits, in small letters"))
    }

    /// What is signed.
    fn message(&self) -> Vec<u8> {
        let seq = self.seq.to_string();
        encoded(&[Some(TAG), Some(self.user.as_str()), Some(&seq), Some(&self.hash), Some(&self.at)])
    }
}

/// Bytes that hexadecimal digits spell.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    let byte = |pair: &[u8]| match pair {
        [high, low] => high << 4 | low,
        _ => 0,
    };
    Some(digits.chunks(2).map(byte).collect())
}
