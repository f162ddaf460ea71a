//! Stored answers that hold a secret: sealed, so that only the caller who was given them can read them again.
//!
//! The key is derived (HKDF-SHA256, RFC 5869) from the bearer token and the Idempotency-Key, neither of which is stored,
//! and the answer is sealed with XChaCha20-Poly1305 (RFC 8439, with the 24-byte nonce). What is bound to it as
//! additional data is the request's fingerprint. docs/decisions/0002-sealed-answers.md says why.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

/// What a sealed body begins with; no JSON document does.
const PREFIX: &str = "sealed:1:";

/// Bytes of a nonce.
const NONCE: usize = 24;

/// Seals and opens the answers of one caller's key.
#[derive(Clone)]
pub(crate) struct Seal(XChaCha20Poly1305);

impl Seal {
    /// The seal of a bearer token and an Idempotency-Key.
    pub fn new(token: &str, key: &str) -> Option<Self> {
        let mut derived = Key::default();
        let info = [b"perennial idempotent answer 1".as_slice(), &[0], key.as_bytes()];
        Hkdf::<Sha256>::new(None, token.as_bytes()).expand_multi_info(&info, &mut derived).ok()?;
        Some(Self(XChaCha20Poly1305::new(&derived)))
    }

    /// Seals a body, bound to `context`. `None` where there is no randomness.
    pub fn seal(&self, body: &[u8], context: &str) -> Option<String> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: body, aad: context.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(format!("{PREFIX}{}", STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens a sealed body. `None` for another token, key or context, or where it was tampered with.
    pub fn open(&self, sealed: &str, context: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD_NO_PAD.decode(sealed.strip_prefix(PREFIX)?).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: context.as_bytes() };
        self.0.decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

/// Whether a stored body is sealed.
pub(crate) fn is_sealed(body: &str) -> bool {
    body.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_token_key_and_context_open_what_was_sealed() {
        let seal = Seal::new("prn_token", "key").unwrap();
        let sealed = seal.seal(b"{\"secret\":\"whsec_x\"}", "context").unwrap();
        assert!(is_sealed(&sealed) && !sealed.contains("whsec"));
        assert_eq!(seal.open(&sealed, "context").unwrap(), b"{\"secret\":\"whsec_x\"}");
        assert_ne!(seal.seal(b"{}", "context"), seal.seal(b"{}", "context"), "a nonce is used once");
        for (token, key, context) in [
            ("prn_other", "key", "context"),
            ("prn_token", "other", "context"),
            ("prn_token", "key", "other"),
        ] {
            assert_eq!(
                Seal::new(token, key).unwrap().open(&sealed, context),
                None,
                "{token} {key} {context}"
            );
        }
        // The last characters are the tag; the first are the nonce.
        for at in [PREFIX.len(), sealed.len() - 2] {
            let mut tampered = sealed.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.open(&String::from_utf8(tampered).unwrap(), "context"), None);
        }
        assert_eq!(seal.open("sealed:1:AAAA", "context"), None);
        assert_eq!(seal.open("{}", "context"), None);
    }
}
