//! Tokens for which no key is there, or not this one.

use perennial_jwt::{Refusal, Unfit};

use crate::keys::Signer;
use crate::{Row, claims, headed};

pub fn rows() -> Vec<Row> {
    use Refusal::{AmbiguousKey, BadSignature, KeyMismatch, UnfitKey, UnknownKey};
    let by = |signer: Signer<'_>, header: &str| signer.token(header, &claims(&[]));
    vec![
        ("kid of no key", headed(r#"{"alg":"EdDSA","kid":"ed-3"}"#), UnknownKey),
        ("kid in other letters", headed(r#"{"alg":"EdDSA","kid":"ED-1"}"#), UnknownKey),
        ("kid with a space", headed(r#"{"alg":"EdDSA","kid":"ed-1 "}"#), UnknownKey),
        ("kid with a path", headed(r#"{"alg":"EdDSA","kid":"../../../dev/null"}"#), UnknownKey),
        ("kid with SQL", headed(r#"{"alg":"EdDSA","kid":"x' UNION SELECT 'key' --"}"#), UnknownKey),
        ("kid with a command", headed(r#"{"alg":"EdDSA","kid":"|/usr/bin/id"}"#), UnknownKey),
        ("kid with a zero byte", headed(r#"{"alg":"EdDSA","kid":"ed-1\u0000"}"#), UnknownKey),
        (
            "kid that is an address",
            headed(r#"{"alg":"EdDSA","kid":"https://evil.example/jwks"}"#),
            UnknownKey,
        ),
        ("kid of a key of another type", headed(r#"{"alg":"EdDSA","kid":"ec-1"}"#), KeyMismatch),
        ("kid of an RSA key under ES256", by(Signer::Es256, r#"{"alg":"ES256","kid":"rsa-1"}"#), KeyMismatch),
        (
            "kid of an Ed25519 key under RS256",
            by(Signer::Rs256, r#"{"alg":"RS256","kid":"ed-1"}"#),
            KeyMismatch,
        ),
        (
            "a key whose own alg is another",
            by(Signer::Rs256, r#"{"alg":"RS256","kid":"rsa-2"}"#),
            KeyMismatch,
        ),
        (
            "kid of another key of that type",
            by(Signer::ForeignEs256, r#"{"alg":"ES256","kid":"ec-1"}"#),
            BadSignature,
        ),
        (
            "no kid, signed by a key that the set has for another alg",
            by(Signer::SecondPs256, r#"{"alg":"RS256"}"#),
            BadSignature,
        ),
        ("kid of another key of its issuer", headed(r#"{"alg":"EdDSA","kid":"ed-2"}"#), BadSignature),
        ("no kid and several keys for its alg", headed(r#"{"alg":"EdDSA"}"#), AmbiguousKey),
        ("a key for encryption", headed(r#"{"alg":"EdDSA","kid":"encrypts"}"#), UnfitKey(Unfit::Use)),
        (
            "a key without the operation verify",
            headed(r#"{"alg":"EdDSA","kid":"signs"}"#),
            UnfitKey(Unfit::KeyOps),
        ),
        ("a weak RSA key", by(Signer::Rs256, r#"{"alg":"RS256","kid":"weak"}"#), UnfitKey(Unfit::Modulus)),
        (
            "a shared secret of the set",
            by(Signer::Rs256, r#"{"alg":"RS256","kid":"shared"}"#),
            UnfitKey(Unfit::Type),
        ),
        (
            "a key of another curve",
            by(Signer::Es256, r#"{"alg":"ES256","kid":"p-384"}"#),
            UnfitKey(Unfit::Curve),
        ),
        ("a key of small order", small_order(), UnfitKey(Unfit::SmallOrder)),
    ]
}

/// For the neutral element as a key, the neutral element and 0 are a signature of any message.
fn small_order() -> String {
    let mut signature = [0; 64];
    signature[0] = 1;
    let signed = headed(r#"{"alg":"EdDSA","kid":"small"}"#);
    let (signed, _) = signed.rsplit_once('.').unwrap();
    format!("{signed}.{}", crate::keys::encode(signature))
}
