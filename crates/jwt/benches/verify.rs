//! What a token costs, in microseconds: reading a key set, and verifying a token of each algorithm with it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop anywhere and prints its result"
)]

#[expect(dead_code, reason = "the tests forge more than is measured here")]
#[path = "../tests/tokens/keys.rs"]
mod keys;

use std::hint::black_box;
use std::time::Instant;

use perennial_domain::Timestamp;
use perennial_jwt::{Algorithm, Keys, Policy, verify};

use crate::keys::{JWKS, Signer};

/// The best of two hundred short rounds, in microseconds a call: short ones, so that some are not interrupted.
fn time(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 10;
    let round = |call: &mut dyn FnMut()| {
        let begun = Instant::now();
        (0..CALLS).for_each(|_| call());
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
    };
    (0..200).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}

fn main() {
    let policy = Policy::new("issuer", "us", &Algorithm::ALL).unwrap();
    let keys = Keys::from_jwks(&JWKS).unwrap();
    let now = Timestamp::from_millis(0);
    println!("key set of 5 usable keys: {:.1} µs", time(|| drop(black_box(Keys::from_jwks(&JWKS)))));
    for (algorithm, signer, kid) in [
        (Algorithm::Rs256, Signer::Rs256, "rsa-1"),
        (Algorithm::Ps256, Signer::Ps256, "rsa-1"),
        (Algorithm::Es256, Signer::Es256, "ec-1"),
        (Algorithm::EdDsa, Signer::Ed25519, "ed-1"),
    ] {
        let token = signer.token(
            &format!(r#"{{"alg":"{}","kid":"{kid}"}}"#, algorithm.name()),
            r#"{"iss":"issuer","aud":"us","sub":"ada","exp":60,"scope":"tasks:read"}"#,
        );
        verify(&token, &keys, &policy, now).unwrap();
        let cost = time(|| drop(black_box(verify(black_box(&token), &keys, &policy, now))));
        println!("{}: {cost:.1} µs", algorithm.name());
    }
}
