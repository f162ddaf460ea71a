//! Fixed keys, and what signs with them.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::{SignatureEncoding, Signer as _};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PrivateKey, pkcs1v15, pss};
use sha2::{Sha256, Sha512};

/// The primes of two RSA keys of 2048 bits: the issuer's, and a stranger's.
const RSA: [&str; 2] = [
    "7Orrx3jSXhobcK1NofLQPTj14wqX4yFRwLtYIfTs0vYcydEKroMwxHsIsLLBOdT5J-Gl-f_AfVYgkgY7UrKMEi4x-GxvV_Omr_7b7eKi-yDcpvLwwHQljYCO9S5PRm9w2eV1Z6tlA6ETvW9ndDck4TXp55gEPmj6a1Tk8z2tVIk",
    "uMMygYAg7yE2I1oLOl2vZ1aySB9AWX-5Xf0kvr2QwAxI5Py8DLssePliBQQKZxOjY3_RtZStCRqqCBWsCxn3V-ydAG-kudwCCYm3zgcL36dkXILHs5kZbH9kYtkvReHlzii1OZgxC52QOda_c-t2siav-xFgiS5MZa1X5MiMLmE",
];
const STRANGERS_RSA: [&str; 2] = [
    "9i2fri8YlkNT-oQ3Q6wvg7hPutBUj-QZOWOK0ACPsFM83CdjllFjuPx1WsOmWnlVSaR8tmRpbYxhbzJEN4fJigCOoWQTSIaqefdNupC_eQjeL-dfRZ164M4n5-UkrnxPYf4IXG1bWkWHn9AgdgqJ4oEvKrkoICtmdIpfpuOi5Kc",
    "6uwW5jt8h6YGZxN8b8keL0aphrzHCP1-_78EJA3wftp1bzc33GcBlvIAOGCCsEi4dz84DBXBiB77lFOHfyfhJRiwPJo5ygEvCb1MRA0GYKNCtch-yqJvRqq-PCybKPlf5FQ0onUh1KH5s7ldiE1tlKmWH94bntmnQpGt7hgb_0M",
];

pub static RSA_KEY: LazyLock<PrivateKey> = LazyLock::new(|| rsa(RSA));
static STRANGERS_RSA_KEY: LazyLock<PrivateKey> = LazyLock::new(|| rsa(STRANGERS_RSA));

/// The set of keys against which tokens are looked at: two for Ed25519, one of each kind that can verify nothing.
pub static JWKS: LazyLock<String> = LazyLock::new(|| {
    let keys = [
        jwk_rsa(&RSA_KEY, r#""kid":"rsa-1""#),
        jwk_rsa(&STRANGERS_RSA_KEY, r#""kid":"rsa-2","use":"sig","alg":"PS256""#),
        jwk_ec(r#""kid":"ec-1","use":"sig","key_ops":["verify"],"alg":"ES256""#),
        jwk_ed(&ed_key(7), r#""kid":"ed-1""#),
        jwk_ed(&ed_key(9), r#""kid":"ed-2""#),
        jwk_ed(&ed_key(7), r#""kid":"encrypts","use":"enc""#),
        jwk_ed(&ed_key(7), r#""kid":"signs","key_ops":["sign"]"#),
        jwk_ed(&[1].into_iter().chain([0; 31]).collect::<Vec<u8>>(), r#""kid":"small""#),
        r#"{"kty":"EC","crv":"P-384","kid":"p-384","x":"AA","y":"AA"}"#.to_owned(),
        r#"{"kty":"oct","kid":"shared","k":"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I"}"#.to_owned(),
        format!(r#"{{"kty":"RSA","kid":"weak","e":"AQAB","n":"{WEAK}"}}"#),
    ];
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
});

/// A modulus of 1024 bits.
const WEAK: &str = "x7llkDdDr4I6wnc0cv6QLeR_divw3sV7maCVFdDfuYkhmow73tgkAnRyTOw8946tCoNQ_lWwcZdccrLNI7CimoRNcGqYM8goJO8plcWwFv1QiPyAkou6kFLE7vJPMEOm3aGP1dq9UUHE6zYa6CASiRhMKD7PgJkW60PqzAbuiqM";

fn rsa([p, q]: [&str; 2]) -> PrivateKey {
    let number = |text: &str| BoxedUint::from_be_slice_vartime(&URL_SAFE_NO_PAD.decode(text).unwrap());
    PrivateKey::from_p_q(number(p), number(q), BoxedUint::from(65_537u64)).unwrap()
}

pub fn jwk_rsa(key: &PrivateKey, more: &str) -> String {
    format!(r#"{{"kty":"RSA","e":"AQAB","n":"{}",{more}}}"#, encode(key.n_bytes()))
}

pub fn jwk_ec(more: &str) -> String {
    let point = ec_key().verifying_key().to_sec1_point(false);
    let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}",{more}}}"#)
}

pub fn jwk_ed(key: &[u8], more: &str) -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}",{more}}}"#, encode(key))
}

pub fn ec_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

/// A public Ed25519 key: the issuer's are 7 and 9, a stranger's is 8.
pub fn ed_key(seed: u8) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes()
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Who signs, and how.
#[derive(Clone, Copy)]
pub enum Signer<'k> {
    Rs256,
    Ps256,
    Es256,
    Ed25519,
    /// A stranger's Ed25519 key.
    Foreign,
    /// A stranger's RSA key; PS256.
    SecondPs256,
    ForeignEs256,
    /// PKCS1-v1_5 with another hash.
    Rs512,
    /// A salt of another length than RFC 7518 §3.5 says.
    ShortSalt,
    /// A shared secret.
    Hs256(&'k [u8]),
}

impl Signer<'_> {
    pub fn sign(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rs256 => pkcs1v15::SigningKey::<Sha256>::new(RSA_KEY.clone()).sign(message).to_vec(),
            Self::Rs512 => pkcs1v15::SigningKey::<Sha512>::new(RSA_KEY.clone()).sign(message).to_vec(),
            Self::Ps256 => pss_with(&RSA_KEY, 32, message),
            Self::ShortSalt => pss_with(&RSA_KEY, 20, message),
            Self::SecondPs256 => pss_with(&STRANGERS_RSA_KEY, 32, message),
            Self::Es256 => es256(&ec_key(), message),
            Self::ForeignEs256 => es256(&p256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap(), message),
            Self::Ed25519 => ed25519_dalek::SigningKey::from_bytes(&[7; 32]).sign(message).to_vec(),
            Self::Foreign => ed25519_dalek::SigningKey::from_bytes(&[8; 32]).sign(message).to_vec(),
            Self::Hs256(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            }
        }
    }

    /// A token of this header and these claims.
    pub fn token(self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", encode(signature))
    }
}

fn es256(key: &p256::ecdsa::SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = key.sign(message);
    signature.to_vec()
}

fn pss_with(key: &PrivateKey, salt: usize, message: &[u8]) -> Vec<u8> {
    let key = pss::SigningKey::<Sha256>::new_with_salt_len(key.clone(), salt);
    key.sign(message).to_vec()
}
