//! Whose JWT bearer tokens are accepted: all of the settings, or none.

use perennial_guest::{JwtSettings, SettingError, Settings};
use perennial_jwt::{Algorithm, KeySource};

const SET: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const WHOLE: [(&str, &str); 4] = [
    ("jwt_issuer", "https://id.example/"),
    ("jwt_audience", "tasks"),
    ("jwt_jwks", SET),
    ("jwt_algorithms", "RS256,ES256,EdDSA"),
];

/// Reads the settings of a whole set with some changed.
fn with(changes: &[(&str, &str)]) -> Result<JwtSettings, SettingError> {
    JwtSettings::read(&|asked| {
        let found = changes.iter().chain(&WHOLE).find(|(name, _)| *name == asked);
        Ok(found.map_or("", |(_, value)| *value).to_owned())
    })
}

#[test]
fn nothing_set_is_no_jwt() {
    let none = [("jwt_issuer", ""), ("jwt_audience", ""), ("jwt_jwks", "")];
    assert!(with(&none).unwrap().issuer.is_none());
}

#[test]
fn a_whole_set_is_an_issuer() {
    let issuer = with(&[]).unwrap().issuer.unwrap();
    assert_eq!((issuer.policy.issuer(), issuer.policy.audience()), ("https://id.example/", "tasks"));
    assert_eq!(issuer.policy.algorithms(), [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]);
    assert!(matches!(issuer.keys, KeySource::Set(keys) if keys.usable() == 1));
    for url in [
        "https://id.example/jwks.json",
        "https://id.example:8443/a?b=c",
        "https://[2001:db8::1]",
        "http://127.0.0.1:8080/jwks",
        "http://[::1]/jwks",
        "http://localhost:80",
    ] {
        let issuer = with(&[("jwt_jwks", ""), ("jwt_jwks_url", url)]).unwrap().issuer.unwrap();
        assert!(matches!(issuer.keys, KeySource::Url(read) if read == url), "{url}");
    }
}

#[test]
fn half_a_set_and_wrong_values_are_refused_by_name() {
    let url = |url| vec![("jwt_jwks", ""), ("jwt_jwks_url", url)];
    let secret = SET.replace(r#""kty""#, r#""d":"hush","kty""#);
    let weak = r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#;
    let long = "x".repeat(513);
    for (changes, expected) in [
        (vec![("jwt_issuer", "")], "jwt_issuer"),
        (vec![("jwt_audience", "")], "jwt_audience"),
        (vec![("jwt_jwks", "")], "jwt_jwks_url"),
        (vec![("jwt_jwks", ""), ("jwt_audience", "")], "jwt_jwks_url"),
        (vec![("jwt_jwks_url", "https://id.example/jwks")], "jwt_jwks"),
        (vec![("jwt_issuer", "https://id.example ")], "jwt_issuer"),
        (vec![("jwt_issuer", &long)], "jwt_issuer"),
        (vec![("jwt_audience", "täsks")], "jwt_audience"),
        (vec![("jwt_algorithms", "")], "jwt_algorithms"),
        (vec![("jwt_algorithms", "none")], "jwt_algorithms"),
        (vec![("jwt_algorithms", "RS256,HS256")], "jwt_algorithms"),
        (vec![("jwt_algorithms", "rs256")], "jwt_algorithms"),
        (vec![("jwt_algorithms", "RS256,")], "jwt_algorithms"),
        (vec![("jwt_jwks", "https://id.example/jwks")], "jwt_jwks"),
        (vec![("jwt_jwks", r#"{"keys":[]}"#)], "jwt_jwks"),
        (vec![("jwt_jwks", weak)], "jwt_jwks"),
        (vec![("jwt_jwks", &secret)], "jwt_jwks"),
        (url("http://id.example/jwks"), "jwt_jwks_url"),
        (url("http://127.0.0.1.evil.example/jwks"), "jwt_jwks_url"),
        (url("http://127.0.0.1@evil.example/jwks"), "jwt_jwks_url"),
        (url("http://localhost\\@evil.example/jwks"), "jwt_jwks_url"),
        (url("HTTPS://id.example/jwks"), "jwt_jwks_url"),
        (url("https:///jwks"), "jwt_jwks_url"),
        (url("https://:443/jwks"), "jwt_jwks_url"),
        (url("https://id.example:0/jwks"), "jwt_jwks_url"),
        (url("https://id.example:+443/jwks"), "jwt_jwks_url"),
        (url("https://id.example:/jwks"), "jwt_jwks_url"),
        (url("https://me:hush@id.example/jwks"), "jwt_jwks_url"),
        (url("https://id.example/jwks#keys"), "jwt_jwks_url"),
        (url("id.example/jwks"), "jwt_jwks_url"),
        (url("file:///etc/jwks"), "jwt_jwks_url"),
    ] {
        let error = with(&changes).unwrap_err();
        assert_eq!(error.name, expected, "{changes:?}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}

/// A wrong list of algorithms is found before the rest is given.
#[test]
fn algorithms_are_checked_where_jwt_is_off() {
    let off = [("jwt_issuer", ""), ("jwt_audience", ""), ("jwt_jwks", ""), ("jwt_algorithms", "HS256")];
    assert_eq!(with(&off).unwrap_err().name, "jwt_algorithms");
}
