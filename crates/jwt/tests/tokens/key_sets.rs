//! Key sets that are refused, and keys that are set aside.

use perennial_jwt::{BadJson, Keys, KeysError, MAX_JWKS, Unfit};

use crate::keys::{JWKS, RSA_KEY, ed_key, encode, jwk_ec, jwk_ed, jwk_rsa};

#[test]
fn a_document_that_is_no_key_set_is_refused() {
    let key = |kid: &str| jwk_ed(&ed_key(7), &format!(r#""kid":{kid:?}"#));
    let set = |keys: &[String]| format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    let many = |count: usize| set(&(0..count).map(|number| key(&number.to_string())).collect::<Vec<_>>());
    for (text, expected) in [
        (String::new(), KeysError::Json(BadJson::Syntax)),
        ("[]".to_owned(), KeysError::Json(BadJson::NotObject)),
        ("<html>".to_owned(), KeysError::Json(BadJson::Syntax)),
        (r#"{"keys":[],"keys":[]}"#.to_owned(), KeysError::Json(BadJson::Duplicate)),
        (r#"{"keys":[{"kty":"RSA","kty":"oct"}]}"#.to_owned(), KeysError::Json(BadJson::Duplicate)),
        (format!(r#"{{"keys":[{}{}]}}"#, "[".repeat(20), "]".repeat(20)), KeysError::Json(BadJson::TooDeep)),
        ("{}".to_owned(), KeysError::NoKeys),
        (r#"{"keys":{}}"#.to_owned(), KeysError::NoKeys),
        (key("1"), KeysError::NoKeys),
        (many(51), KeysError::TooMany),
        (format!("{}{}", many(1), " ".repeat(MAX_JWKS)), KeysError::TooLong),
        (set(&[key("1"), jwk_ec(r#""kid":"1""#)]), KeysError::SameKid),
    ] {
        assert_eq!(Keys::from_jwks(&text).map(drop), Err(expected), "{text}");
    }
    for (text, usable) in [
        (r#"{"keys":[]}"#.to_owned(), 0),
        (many(50), 50),
        (JWKS.clone(), 5),
        // A name that is also that of a key which can verify nothing still means one key.
        (set(&[jwk_ed(&ed_key(9), r#""kid":"1","use":"enc""#), key("1")]), 1),
        (set(&[jwk_ed(&ed_key(7), r#""x5c":[]"#), jwk_ed(&ed_key(9), r#""x5t":"a""#)]), 2),
    ] {
        assert_eq!(Keys::from_jwks(&text).unwrap().usable(), usable, "{text}");
    }
}

#[test]
fn a_key_that_can_verify_nothing_is_set_aside() {
    let ed = |more: &str| jwk_ed(&ed_key(7), more);
    let rsa = |n: &[u8], e: &str| format!(r#"{{"kty":"RSA","n":"{}","e":"{e}"}}"#, encode(n));
    let mut modulus = [0xff; 256];
    let leading_zero = [&[0], modulus.as_slice()].concat();
    let mut even = modulus;
    even[255] = 0xfe;
    let point = |x: [u8; 32], y: &[u8]| {
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#, encode(x), encode(y))
    };
    let mut rows = vec![
        ("1".to_owned(), Unfit::NotObject),
        ("{}".to_owned(), Unfit::Type),
        (r#"{"kty":"oct","k":"AAAA"}"#.to_owned(), Unfit::Type),
        (r#"{"kty":"rsa","n":"AQAB","e":"AQAB"}"#.to_owned(), Unfit::Type),
        (r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#.to_owned(), Unfit::Curve),
        (r#"{"kty":"EC","crv":"Ed25519","x":"AA","y":"AA"}"#.to_owned(), Unfit::Curve),
        (r#"{"kty":"EC","x":"AA","y":"AA"}"#.to_owned(), Unfit::Curve),
        (r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#.to_owned(), Unfit::Curve),
        (r#"{"kty":"OKP","crv":"P-256","x":"AA"}"#.to_owned(), Unfit::Curve),
        (ed(r#""kid":1"#), Unfit::Kid),
        (ed(r#""kid":"""#), Unfit::Kid),
        (ed(r#""use":"enc""#), Unfit::Use),
        (ed(r#""use":["sig"]"#), Unfit::Use),
        (ed(r#""key_ops":[]"#), Unfit::KeyOps),
        (ed(r#""key_ops":["sign","encrypt"]"#), Unfit::KeyOps),
        (ed(r#""key_ops":"verify""#), Unfit::KeyOps),
        (ed(r#""key_ops":["verify","verify"]"#), Unfit::KeyOps),
        (ed(r#""key_ops":["verify",1]"#), Unfit::KeyOps),
        (ed(r#""alg":"ES256""#), Unfit::Algorithm),
        (ed(r#""alg":"HS256""#), Unfit::Algorithm),
        (ed(r#""alg":null"#), Unfit::Algorithm),
        (ed(r#""d":"AAAA""#), Unfit::Private),
        (jwk_ec(r#""alg":"RS256""#), Unfit::Algorithm),
        (jwk_rsa(&RSA_KEY, r#""alg":"RSA-OAEP""#), Unfit::Algorithm),
        (jwk_rsa(&RSA_KEY, r#""d":"AAAA""#), Unfit::Private),
        (jwk_ed(&[1; 31], r#""kid":"1""#), Unfit::Member("x")),
        (jwk_ed(&[2; 32], r#""kid":"1""#), Unfit::NoPoint),
        (jwk_ed(&[0; 32], r#""kid":"1""#), Unfit::SmallOrder),
        (r#"{"kty":"OKP","crv":"Ed25519"}"#.to_owned(), Unfit::Member("x")),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}"#.to_owned(),
            Unfit::Member("x"),
        ),
        (point([1; 32], &[1; 32]), Unfit::NoPoint),
        (point([0; 32], &[0; 32]), Unfit::NoPoint),
        (point([1; 32], &[1; 31]), Unfit::Member("y")),
        (rsa(&modulus[1..], "AQAB"), Unfit::Modulus),
        (rsa(&[0xff; 513], "AQAB"), Unfit::Modulus),
        (rsa(&leading_zero, "AQAB"), Unfit::Member("n")),
        (rsa(&[], "AQAB"), Unfit::Member("n")),
        (rsa(&even, "AQAB"), Unfit::Member("n")),
        (rsa(&modulus, "Aw"), Unfit::Exponent),
        (rsa(&modulus, "AQ"), Unfit::Exponent),
        (rsa(&modulus, "AQAC"), Unfit::Exponent),
        (rsa(&modulus, "AQAAAAE"), Unfit::Exponent),
        (rsa(&modulus, "AQAAAAAAAAAB"), Unfit::Exponent),
        (rsa(&modulus, "AAEAAQ"), Unfit::Member("e")),
        (rsa(&modulus, ""), Unfit::Member("e")),
    ];
    // 2047 bits.
    modulus[0] = 0x7f;
    rows.push((rsa(&modulus, "AQAB"), Unfit::Modulus));
    for (key, expected) in rows {
        let keys = Keys::from_jwks(&format!(r#"{{"keys":[{key}]}}"#)).unwrap();
        assert_eq!((keys.usable(), keys.unfit().collect::<Vec<_>>()), (0, vec![expected]), "{key}");
    }
}
