//! The compact serialization of a signed token (RFC 7515 §7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Part, Refusal};

/// Longest token looked at, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// A token, taken apart.
pub(crate) struct Compact<'t> {
    /// What is signed: the text of header and payload with the dot between.
    pub signed: &'t [u8],
    /// The header, decoded.
    pub header: Vec<u8>,
    /// The payload, decoded.
    pub payload: Vec<u8>,
    /// The signature, decoded.
    pub signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    /// Takes a token apart.
    pub fn read(token: &'t str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::NotThreeParts)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::NotThreeParts)?;
        if payload.contains('.') {
            return Err(Refusal::NotThreeParts);
        }
        Ok(Self {
            signed: signed.as_bytes(),
            header: decode(header).ok_or(Refusal::Encoding(Part::Header))?,
            payload: decode(payload).ok_or(Refusal::Encoding(Part::Payload))?,
            signature: decode(signature).ok_or(Refusal::Encoding(Part::Signature))?,
        })
    }
}

/// Strict base64url (RFC 7515 §2): no padding, no white space, no other letters, and no bits left over that are not zero, so
/// that one value has one text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
