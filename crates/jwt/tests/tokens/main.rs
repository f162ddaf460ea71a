//! Tokens that are refused, each with its reason, and tokens that are accepted, without which the refusals would prove nothing.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod accepted;
mod claims;
mod form;
mod header;
mod key_sets;
mod keys;
mod laws;
mod selection;
mod signatures;
mod standards;

use std::collections::BTreeSet;

use perennial_domain::Timestamp;
use perennial_jwt::{Algorithm, Claims, Keys, Policy, Refusal, verify};

use crate::keys::{JWKS, Signer};

/// What it is, its text, and why it is refused.
type Row = (&'static str, String, Refusal);

/// When the tokens are looked at, in seconds.
const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example/realms/home";
const AUDIENCE: &str = "https://tasks.example";
/// A header that is accepted, for the Ed25519 key.
const HEADER: &str = r#"{"alg":"EdDSA","kid":"ed-1"}"#;

fn policy() -> Policy {
    Policy::new(ISSUER, AUDIENCE, &[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]).unwrap()
}

fn check(token: &str) -> Result<Claims, Refusal> {
    check_under(&policy(), token)
}

fn check_under(policy: &Policy, token: &str) -> Result<Claims, Refusal> {
    let keys = Keys::from_jwks(&JWKS).unwrap();
    verify(token, &keys, policy, Timestamp::from_millis(NOW * 1_000))
}

/// Claims that are accepted, but for what is changed: a member and its value as JSON, or nothing to leave it out.
fn claims(changes: &[(&str, &str)]) -> String {
    let exp = (NOW + 300).to_string();
    let (issuer, audience) = (format!("{ISSUER:?}"), format!("{AUDIENCE:?}"));
    let mut members = vec![
        ("iss", issuer.as_str()),
        ("sub", r#""ada""#),
        ("aud", audience.as_str()),
        ("exp", exp.as_str()),
        ("scope", r#""tasks:read openid""#),
    ];
    for (name, value) in changes {
        members.retain(|(member, _)| member != name);
        members.push((name, value));
    }
    let members: Vec<String> = members
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name:?}:{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A token that is accepted but for its claims.
fn claiming(changes: &[(&str, &str)]) -> String {
    Signer::Ed25519.token(HEADER, &claims(changes))
}

/// A token that is accepted but for its header.
fn headed(header: &str) -> String {
    Signer::Ed25519.token(header, &claims(&[]))
}

#[test]
fn no_forged_expired_foreign_or_confused_token_is_accepted() {
    let tables = [form::rows(), header::rows(), selection::rows(), signatures::rows(), claims::rows()];
    let rows: Vec<Row> = tables.into_iter().flatten().collect();
    let mut names = BTreeSet::new();
    for (name, token, expected) in &rows {
        assert_eq!(check(token), Err(*expected), "{name}: {token}");
        assert!(names.insert(*name), "two rows are called {name}");
    }
    assert!(names.len() >= 200, "{} tokens", names.len());
}

/// What is written to a log holds nothing of a token.
#[test]
fn a_reason_is_the_same_whatever_the_token_holds() {
    let told = |sub: &str, kid: &str| {
        let token = Signer::Foreign
            .token(&format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#), &claims(&[("sub", sub), ("iss", sub)]));
        check(&token).unwrap_err().to_string()
    };
    for kid in ["ed-1", "other"] {
        let reason = told(r#""hush""#, kid);
        assert_eq!(reason, told(r#""a\nb""#, kid));
        assert!(reason.len() < 80 && !reason.contains("hush") && !reason.contains(kid), "{reason}");
    }
}
