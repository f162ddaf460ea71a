//! Signatures that are not those of the token.

use p256::ecdsa::Signature;
use perennial_jwt::Refusal::{self, BadSignature};

use crate::keys::{Signer, encode};
use crate::{HEADER, Row, claiming, claims};

pub fn rows() -> Vec<Row> {
    let rows = [rsa(), ecdsa(), ed25519()].into_iter().flatten();
    rows.map(|(name, token)| (name, token, BadSignature)).chain(pieces()).collect()
}

/// A token with this signature instead of its own.
fn with(token: &str, signature: &[u8]) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", encode(signature))
}

/// What its signature is made over, and the signature.
fn parts(signer: Signer<'_>, token: &str) -> (String, Vec<u8>) {
    let (signed, _) = token.rsplit_once('.').unwrap();
    (signed.to_owned(), signer.sign(signed.as_bytes()))
}

fn rsa() -> Vec<(&'static str, String)> {
    let header = r#"{"alg":"RS256","kid":"rsa-1"}"#;
    let token = Signer::Rs256.token(header, &claims(&[]));
    let (_, signature) = parts(Signer::Rs256, &token);
    let zero_first = [&[0], signature.as_slice()].concat();
    vec![
        ("RS256 by PSS", Signer::Ps256.token(header, &claims(&[]))),
        ("RS256 with SHA-512", Signer::Rs512.token(header, &claims(&[]))),
        ("RS256 by a stranger", Signer::SecondPs256.token(header, &claims(&[]))),
        ("RS256 of 256 zero bytes", with(&token, &[0; 256])),
        ("RS256 of 256 bytes 255", with(&token, &[255; 256])),
        ("RS256 of one", with(&token, &[vec![0; 255], vec![1]].concat())),
        ("RS256 with a zero byte before", with(&token, &zero_first)),
        ("RS256 cut by a byte", with(&token, &signature[..255])),
        ("RS256 twice", with(&token, &signature.repeat(2))),
        ("RS256 by ES256", with(&token, &parts(Signer::Es256, &token).1)),
    ]
}

/// The order of P-256 (SP 800-186 §3.2.1.3): zero by another name.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn ecdsa() -> Vec<(&'static str, String)> {
    let header = r#"{"alg":"ES256","kid":"ec-1"}"#;
    let token = Signer::Es256.token(header, &claims(&[]));
    let (_, signature) = parts(Signer::Es256, &token);
    let (r, s) = signature.split_at(32);
    let der = Signature::from_slice(&signature).unwrap().to_der();
    let order = ORDER.as_slice();
    vec![
        ("ES256 in DER", with(&token, der.as_bytes())),
        ("ES256 with r and s zero", with(&token, &[0; 64])),
        ("ES256 with r zero", with(&token, &[&[0; 32], s].concat())),
        ("ES256 with s zero", with(&token, &[r, &[0; 32]].concat())),
        ("ES256 with r and s the order", with(&token, &[order, order].concat())),
        ("ES256 with r the order", with(&token, &[order, s].concat())),
        ("ES256 with r and s one", with(&token, &[[0; 31].as_slice(), &[1], &[0; 31], &[1]].concat())),
        ("ES256 with r and s changed over", with(&token, &[s, r].concat())),
        ("ES256 of 96 bytes, as of P-384", with(&token, &[0x55; 96])),
        ("ES256 with a byte more", with(&token, &[&signature[..], &[0]].concat())),
        ("ES256 with padding zeros", with(&token, &[&[0], r, &[0], s].concat())),
        ("ES256 by Ed25519", with(&token, &parts(Signer::Ed25519, &token).1)),
    ]
}

fn ed25519() -> Vec<(&'static str, String)> {
    let token = claiming(&[]);
    let (signed, signature) = parts(Signer::Ed25519, &token);
    let mut neutral = [0; 64];
    neutral[0] = 1;
    let mut flipped = signature.clone();
    flipped[10] ^= 1;
    vec![
        ("EdDSA by a stranger", Signer::Foreign.token(HEADER, &claims(&[]))),
        ("EdDSA of 64 zero bytes", with(&token, &[0; 64])),
        ("EdDSA with R of small order", with(&token, &neutral)),
        ("EdDSA with the order added to S", with(&token, &plus_order(&signature))),
        ("EdDSA cut by a byte", with(&token, &signature[..63])),
        ("EdDSA with a byte more", with(&token, &[&signature[..], &[0]].concat())),
        ("a bit of the signature flipped", with(&token, &flipped)),
        (
            "the signature of other claims",
            with(&token, &parts(Signer::Ed25519, &claiming(&[("sub", r#""eve""#)])).1),
        ),
        (
            "the signature of the claims alone",
            with(&token, &Signer::Ed25519.sign(signed.split_once('.').unwrap().1.as_bytes())),
        ),
        (
            "the signature of what is not encoded",
            with(&token, &Signer::Ed25519.sign(format!("{HEADER}.{}", claims(&[])).as_bytes())),
        ),
    ]
}

/// Tokens put together from pieces of others.
fn pieces() -> Vec<Row> {
    let good = claiming(&[]);
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let admin = encode(claims(&[("scope", r#""admin""#)]));
    let spaced = encode(format!(" {HEADER}"));
    let es256 = encode(r#"{"alg":"ES256","kid":"ec-1"}"#);
    vec![
        ("claims of another token", format!("{header}.{admin}.{signature}"), BadSignature),
        ("a space more in the header", format!("{spaced}.{payload}.{signature}"), BadSignature),
        (
            "a space more in the claims",
            format!("{header}.{}.{signature}", encode(format!("{} ", claims(&[])))),
            BadSignature,
        ),
        ("the header of another algorithm", format!("{es256}.{payload}.{signature}"), BadSignature),
        ("the claims left out (RFC 7515 F)", format!("{header}..{signature}"), BadSignature),
        (
            "the header left out",
            format!(".{payload}.{signature}"),
            Refusal::Json(perennial_jwt::Part::Header, perennial_jwt::BadJson::Syntax),
        ),
        ("a bit of the claims flipped", flip(&good, header.len() + 40), BadSignature),
        ("cut in the signature", good[..good.len() - 2].to_owned(), BadSignature),
    ]
}

/// Another letter at a place of the claims, so that the JSON in them stays as it is but for a letter of the issuer.
fn flip(token: &str, at: usize) -> String {
    let letter = char::from(token.as_bytes()[at]);
    let other = if letter == 'a' { 'b' } else { 'a' };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

/// The same signature with S + L instead of S (RFC 8032 §5.1.7 refuses it).
fn plus_order(signature: &[u8]) -> Vec<u8> {
    const L: [u8; 16] =
        [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14];
    let mut sum = signature.to_vec();
    let mut carry = 0;
    for at in 0..32 {
        let order = L.get(at).copied().unwrap_or(if at == 31 { 0x10 } else { 0 });
        let total = u16::from(sum[32 + at]) + u16::from(order) + carry;
        sum[32 + at] = total.to_le_bytes()[0];
        carry = total >> 8;
    }
    sum
}
