//! Callers who show a JWT: whom it speaks for, what it may, and that nothing but a right one opens the door. The tokens are those
//! of `crates/jwt`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

#[path = "../../../../crates/jwt/tests/tokens/claims.rs"]
mod claims;
mod fetched;
#[path = "../../../../crates/jwt/tests/tokens/form.rs"]
mod form;
mod given;
#[path = "../../../../crates/jwt/tests/tokens/header.rs"]
mod header;
#[expect(dead_code, reason = "some sign what only crates/jwt looks at")]
#[path = "../../../../crates/jwt/tests/tokens/keys.rs"]
mod keys;
#[path = "../../../../crates/jwt/tests/tokens/selection.rs"]
mod selection;
#[path = "../requests/service.rs"]
mod service;
#[path = "../../../../crates/jwt/tests/tokens/signatures.rs"]
mod signatures;

use perennial_domain::Timestamp;
use perennial_http_api::Response;
use perennial_jwt::{Algorithm, Issuer, KeySource, Keys, Policy, Refusal};
use serde_json::{Value, json};

use crate::keys::{JWKS, Signer};
use crate::service::{OWNER, Service};

/// What it is, its text, and why it is refused.
type Row = (&'static str, String, Refusal);

/// When the tokens are looked at, in seconds.
const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example/realms/home";
const AUDIENCE: &str = "https://tasks.example";
/// A header that is accepted, for the Ed25519 key.
const HEADER: &str = r#"{"alg":"EdDSA","kid":"ed-1"}"#;
/// Everything that may be asked for.
const ALL: &str = r#""tasks:read tasks:write admin""#;

/// The claims of the subject `ada`, but for what is changed: a member and its value as JSON, or nothing to leave it out.
fn claims(changes: &[(&str, &str)]) -> String {
    let exp = (NOW + 300).to_string();
    let (issuer, audience) = (format!("{ISSUER:?}"), format!("{AUDIENCE:?}"));
    let mut members = vec![
        ("iss", issuer.as_str()),
        ("sub", r#""ada""#),
        ("aud", audience.as_str()),
        ("exp", exp.as_str()),
        ("scope", ALL),
    ];
    for (name, value) in changes {
        members.retain(|(member, _)| member != name);
        members.push((name, value));
    }
    let members = members.iter().filter(|(_, value)| !value.is_empty());
    let members: Vec<String> = members.map(|(name, value)| format!("{name:?}:{value}")).collect();
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

/// An issuer whose keys are there.
fn issuer(keys: KeySource) -> Option<Issuer> {
    let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    Some(Issuer { policy: Policy::new(ISSUER, AUDIENCE, &algorithms).unwrap(), keys })
}

/// The API at the time of the tokens, with the users Ada and Eve, whom the issuer calls `ada` and `eve`; their ids.
fn service(keys: KeySource) -> (Service, [String; 2]) {
    let now = Timestamp::from_millis(NOW * 1_000);
    let mut service = Service::default();
    (service.issuer, service.now) = (issuer(keys), Some(now));
    let ids = ["ada", "eve"].map(|subject| {
        let body = json!({ "name": subject, "identity": { "issuer": ISSUER, "subject": subject } });
        service.json("POST /v1/users", &body)["id"].as_str().unwrap().to_owned()
    });
    (service, ids)
}

fn given() -> (Service, [String; 2]) {
    service(KeySource::Set(Keys::from_jwks(&JWKS).unwrap()))
}

fn get(service: &mut Service, token: &str) -> Response {
    service.send(token, "GET /v1/tasks", &[], &Value::Null)
}

/// The titles of the tasks that a token reaches, or the status.
fn titles(service: &mut Service, token: &str) -> Result<Vec<String>, u16> {
    let response = get(service, token);
    if response.status() != 200 {
        return Err(response.status().as_u16());
    }
    let page: Value = serde_json::from_slice(response.body()).unwrap();
    Ok(page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["title"].as_str().unwrap().to_owned())
        .collect())
}

/// What anybody with an unknown token is answered.
fn unknown(service: &mut Service) -> Response {
    get(service, "prn_unknown")
}

/// The owner's own list, so that a token which reaches it is seen.
fn owners_task(service: &mut Service) {
    service.json("POST /v1/tasks", &json!({ "title": "the owner's" }));
    assert_eq!(titles(service, OWNER).unwrap(), ["the owner's"]);
}
