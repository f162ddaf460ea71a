//! Tokens that are accepted.

use p256::ecdsa::Signature;
use perennial_domain::{Scope, Timestamp};
use perennial_jwt::{Algorithm, Keys, Policy, Refusal, verify};

use crate::keys::{JWKS, Signer, encode};
use crate::{AUDIENCE, HEADER, ISSUER, NOW, check, check_under, claiming, claims, headed};

#[test]
fn each_algorithm_is_accepted_with_its_key() {
    let policy = Policy::new(ISSUER, AUDIENCE, &Algorithm::ALL).unwrap();
    for (name, signer, header) in [
        ("RS256", Signer::Rs256, r#"{"alg":"RS256","kid":"rsa-1"}"#),
        ("RS256 without kid", Signer::Rs256, r#"{"alg":"RS256"}"#),
        ("PS256", Signer::Ps256, r#"{"alg":"PS256","kid":"rsa-1"}"#),
        ("PS256 by a key that is for nothing else", Signer::SecondPs256, r#"{"alg":"PS256","kid":"rsa-2"}"#),
        ("ES256", Signer::Es256, r#"{"alg":"ES256","kid":"ec-1"}"#),
        ("ES256 without kid", Signer::Es256, r#"{"alg":"ES256"}"#),
        ("EdDSA", Signer::Ed25519, HEADER),
    ] {
        let token = signer.token(header, &claims(&[]));
        assert_eq!(check_under(&policy, &token).map(|claims| claims.subject).as_deref(), Ok("ada"), "{name}");
    }
    let short = Signer::ShortSalt.token(r#"{"alg":"PS256","kid":"rsa-1"}"#, &claims(&[]));
    assert_eq!(
        check_under(&policy, &short),
        Err(Refusal::BadSignature),
        "a salt of 20 bytes (RFC 7518 §3.5)"
    );
    let unnamed = Signer::Ps256.token(r#"{"alg":"PS256"}"#, &claims(&[]));
    assert_eq!(check_under(&policy, &unnamed), Err(Refusal::AmbiguousKey), "two keys are for PS256");
}

#[test]
fn headers_may_say_more_than_is_needed() {
    for header in [
        r#"{"alg":"EdDSA","kid":"ed-1","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"ed-1","typ":"jwt"}"#,
        r#"{"alg":"EdDSA","kid":"ed-1","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"ed-1","typ":"application/at+JWT"}"#,
        r#" { "x5t" : "abc", "nonce": {"a": [1, null, true, -1, 0.5]}, "k\u0069d":"ed-1", "alg":"EdDSA" } "#,
    ] {
        assert!(check(&headed(header)).is_ok(), "{header}");
    }
}

/// Signers need not choose the lower of the two s (RFC 7518 §3.4 asks for none): both are accepted.
#[test]
fn a_high_s_is_accepted() {
    let token = Signer::Es256.token(r#"{"alg":"ES256","kid":"ec-1"}"#, &claims(&[]));
    let (signed, _) = token.rsplit_once('.').unwrap();
    let low = Signature::from_slice(&Signer::Es256.sign(signed.as_bytes())).unwrap().normalize_s();
    let high = Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
    assert_ne!(low, high);
    for signature in [low, high] {
        assert!(check(&format!("{signed}.{}", encode(signature.to_bytes()))).is_ok());
    }
}

#[test]
fn claims_are_read_as_they_are_written() {
    let read = check(&claiming(&[
        ("aud", &format!(r#"["https://mail.example",{AUDIENCE:?}]"#)),
        ("exp", &format!("{}.5", NOW + 1)),
        ("nbf", &format!("{}.25", NOW - 1)),
        ("iat", "0"),
        ("jti", r#""id\u002d1""#),
        ("scope", r#""email tasks:write  admin tasks:write tasks:readx""#),
        ("sub", r#""Zoë|☃""#),
        ("nested", r#"{"a":{"b":{"c":[{}]}}}"#),
    ]))
    .unwrap();
    let millis = |millis: i64| Timestamp::from_millis(NOW * 1_000 + millis);
    assert_eq!(read.issuer, ISSUER);
    assert_eq!(read.subject, "Zoë|☃");
    assert_eq!(read.audience, ["https://mail.example", AUDIENCE]);
    assert_eq!(read.expires_at, millis(1_500));
    assert_eq!(read.not_before, Some(millis(-750)));
    assert_eq!(read.issued_at, Some(Timestamp::from_millis(0)));
    assert_eq!(read.id.as_deref(), Some("id-1"));
    assert_eq!(read.scopes, [Scope::TasksWrite, Scope::Admin]);
    let bare = check(&claiming(&[("scope", "")])).unwrap();
    assert!(bare.scopes.is_empty() && bare.id.is_none() && bare.issued_at.is_none());
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let at = |seconds: i64| (NOW + seconds).to_string();
    for (member, value) in [
        ("exp", at(-59)),
        ("exp", format!("{}.999", at(-60))),
        ("exp", "253402300799".to_owned()),
        ("exp", "1.8000003e9".to_owned()),
        ("nbf", at(60)),
        ("nbf", "0".to_owned()),
        ("iat", at(60)),
        ("iat", at(-1_000_000)),
        ("sub", format!("{:?}", "é".repeat(255))),
    ] {
        assert!(check(&claiming(&[(member, &value)])).is_ok(), "{member} {value}");
    }
}

#[test]
fn a_policy_may_ask_for_young_tokens() {
    let policy = crate::policy().with_max_age(600);
    for (iat, expected) in [
        ((NOW - 659).to_string(), Ok(())),
        ((NOW - 660).to_string(), Err(Refusal::TooOld)),
        ("0".to_owned(), Err(Refusal::TooOld)),
        (String::new(), Err(Refusal::Missing("iat"))),
    ] {
        assert_eq!(check_under(&policy, &claiming(&[("iat", &iat)])).map(drop), expected, "{iat}");
    }
}

/// Times are compared with the time passed in, whatever it is.
#[test]
fn no_clock_overflows() {
    let keys = Keys::from_jwks(&JWKS).unwrap();
    let policy = crate::policy().with_max_age(u32::MAX);
    let token = claiming(&[("iat", "0")]);
    for (now, expected) in [(i64::MIN, Refusal::IssuedInFuture), (i64::MAX, Refusal::Expired)] {
        assert_eq!(verify(&token, &keys, &policy, Timestamp::from_millis(now)), Err(expected));
    }
}

#[test]
fn a_policy_names_all_that_it_needs() {
    for (issuer, audience, algorithms) in
        [("", AUDIENCE, &Algorithm::ALL[..]), (ISSUER, "", &Algorithm::ALL[..]), (ISSUER, AUDIENCE, &[])]
    {
        assert!(Policy::new(issuer, audience, algorithms).is_err(), "{issuer:?} {audience:?} {algorithms:?}");
    }
}
