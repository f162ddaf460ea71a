//! What holds for any token.

use std::sync::LazyLock;

use perennial_domain::Timestamp;
use perennial_jwt::{Algorithm, Keys, Policy, verify};
use proptest::prelude::*;

use crate::keys::{JWKS, Signer};
use crate::{AUDIENCE, HEADER, ISSUER, NOW, check_under, claims};

/// One accepted token for each algorithm.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let claims = claims(&[("jti", r#""1""#), ("iat", "1")]);
    [
        Signer::Rs256.token(r#"{"alg":"RS256","kid":"rsa-1"}"#, &claims),
        Signer::Es256.token(r#"{"alg":"ES256","kid":"ec-1"}"#, &claims),
        Signer::Ed25519.token(HEADER, &claims),
    ]
    .to_vec()
});

fn policy() -> Policy {
    Policy::new(ISSUER, AUDIENCE, &Algorithm::ALL).unwrap()
}

#[test]
fn what_is_mutated_below_is_accepted_as_it_is() {
    for token in TOKENS.iter() {
        assert!(check_under(&policy(), token).is_ok(), "{token}");
    }
}

proptest! {
    #[test]
    fn a_token_with_another_byte_is_refused(which in 0_usize..3, at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let token = &TOKENS[which];
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        prop_assert!(check_under(&policy(), &String::from_utf8(bytes).unwrap()).is_err());
    }

    #[test]
    fn a_token_cut_or_grown_is_refused(which in 0_usize..3, at in any::<prop::sample::Index>(), more in "[A-Za-z0-9_.=-]{0,8}") {
        let token = &TOKENS[which];
        let at = at.index(token.len());
        prop_assert!(check_under(&policy(), &token[..at]).is_err());
        let grown = format!("{}{more}{}", &token[..at], &token[at..]);
        prop_assert!(more.is_empty() || check_under(&policy(), &grown).is_err());
    }

    #[test]
    fn no_text_is_accepted(text in any::<String>()) {
        prop_assert!(check_under(&policy(), &text).is_err());
    }

    #[test]
    fn no_claims_that_the_issuer_signs_panic(text in any::<String>()) {
        prop_assert!(check_under(&policy(), &Signer::Ed25519.token(HEADER, &text)).is_err());
    }

    #[test]
    fn no_key_set_panics(text in r#"\{"keys":\[(\{("(kty|crv|kid|n|e|x|y|alg|use)":("(RSA|EC|OKP|P-256|Ed25519|sig|[A-Za-z0-9_=-]{0,44})"|[0-9]{1,3}),?){0,6}\},?){0,3}\]\}"#) {
        if let Ok(keys) = Keys::from_jwks(&text) {
            prop_assert!(keys.usable() + keys.unfit().count() <= 3);
        }
    }
}

/// Two seconds of tokens and key sets grown from what they are made of.
#[test]
fn fuzzed_tokens_and_key_sets_are_refused() {
    const PIECES: [&str; 14] = [
        ".",
        "{",
        "}",
        "\"alg\":",
        "\"EdDSA\"",
        "\"kid\":",
        "\"ed-1\"",
        ",",
        "\"exp\":",
        "1e400",
        "[",
        "]",
        "\\u0000",
        "null",
    ];
    arbtest::arbtest(|unstructured| {
        let mut header = String::new();
        for _ in 0..unstructured.int_in_range(0..=24)? {
            header.push_str(unstructured.choose(&PIECES)?);
        }
        let rest: String = unstructured.arbitrary()?;
        let keys = Keys::from_jwks(if unstructured.ratio(1, 2)? { &JWKS } else { &rest });
        let now = Timestamp::from_millis(unstructured.arbitrary()?);
        let (plain, signed) = (format!("{header}.{rest}"), Signer::Ed25519.token(&header, &rest));
        for keys in keys.iter() {
            for token in [plain.as_str(), signed.as_str(), header.as_str(), rest.as_str()] {
                assert!(verify(token, keys, &policy(), now).is_err(), "{token}");
            }
        }
        Ok(())
    })
    .budget_ms(2_000);
    let keys = Keys::from_jwks(&JWKS).unwrap();
    assert!(verify(&TOKENS[2], &keys, &policy(), Timestamp::from_millis(NOW * 1_000)).is_ok());
}
