//! Tokens that the issuer signed, and that are not for us, not for now, or not whole.

use perennial_jwt::Refusal::{
    self, Audience, Expired, IssuedInFuture, Issuer, Json, Missing, NotYetValid, OutOfRange, WrongType,
};
use perennial_jwt::{BadJson, Part};

use crate::keys::Signer;
use crate::{AUDIENCE, HEADER, ISSUER, NOW, Row, claiming, claims};

pub fn rows() -> Vec<Row> {
    let claim = |name: &'static str, member: &str, value: &str, why: Refusal| {
        (name, claiming(&[(member, value)]), why)
    };
    let text = |value: String| format!("{value:?}");
    let at = |seconds: i64| (NOW + seconds).to_string();
    let twice = |more: &str| Signer::Ed25519.token(HEADER, &format!("{{{more},{}", &claims(&[])[1..]));
    let mut rows = vec![
        claim("another issuer", "iss", r#""https://other.example""#, Issuer),
        claim("an issuer with a slash more", "iss", &text(format!("{ISSUER}/")), Issuer),
        claim("an issuer in capitals", "iss", &text(ISSUER.to_uppercase()), Issuer),
        claim("an issuer that begins as ours", "iss", &text(format!("{ISSUER}.evil.example")), Issuer),
        claim("an issuer with a space", "iss", &text(format!(" {ISSUER}")), Issuer),
        claim("an issuer over http", "iss", &text(ISSUER.replace("https", "http")), Issuer),
        claim("an issuer that is empty", "iss", r#""""#, Issuer),
        claim("an array of issuers", "iss", &format!("[{ISSUER:?}]"), WrongType("iss")),
        claim("an issuer that is null", "iss", "null", WrongType("iss")),
        claim("no issuer", "iss", "", Missing("iss")),
        claim("another audience", "aud", r#""https://mail.example""#, Audience),
        claim("an audience with a slash more", "aud", &text(format!("{AUDIENCE}/")), Audience),
        claim("an audience of which ours is a piece", "aud", &text(format!("{AUDIENCE} x")), Audience),
        claim("audiences without ours", "aud", r#"["a","b"]"#, Audience),
        claim("an empty array of audiences", "aud", "[]", Audience),
        claim("an empty audience", "aud", r#""""#, Audience),
        claim("an audience that is an object", "aud", &format!("{{{AUDIENCE:?}:1}}"), WrongType("aud")),
        claim("audiences of which one is a number", "aud", &format!("[{AUDIENCE:?},1]"), WrongType("aud")),
        claim("an audience that is null", "aud", "null", WrongType("aud")),
        claim("no audience", "aud", "", Missing("aud")),
        claim("no subject", "sub", "", Missing("sub")),
        claim("an empty subject", "sub", r#""""#, OutOfRange("sub")),
        claim("a subject that is a number", "sub", "1", WrongType("sub")),
        claim("a subject with a line break", "sub", r#""ada\nadmin""#, OutOfRange("sub")),
        claim("a subject of 256 characters", "sub", &text("s".repeat(256)), OutOfRange("sub")),
        claim("an id that is a number", "jti", "1", WrongType("jti")),
        claim("an empty id", "jti", r#""""#, OutOfRange("jti")),
        claim("scopes as an array", "scope", r#"["admin"]"#, WrongType("scope")),
        claim("a scope that is null", "scope", "null", WrongType("scope")),
        (
            "the issuer given twice",
            twice(&format!(r#""iss":{ISSUER:?}"#)),
            Json(Part::Payload, BadJson::Duplicate),
        ),
        (
            "exp given twice",
            twice(&format!(r#""exp":{}"#, NOW - 999)),
            Json(Part::Payload, BadJson::Duplicate),
        ),
        (
            "scope given twice, once escaped",
            twice(r#""\u0073cope":"admin""#),
            Json(Part::Payload, BadJson::Duplicate),
        ),
        claim("no exp", "exp", "", Missing("exp")),
        claim("exp of an hour ago", "exp", &at(-3_600), Expired),
        claim("exp just beyond the leeway", "exp", &at(-60), Expired),
        claim("exp zero", "exp", "0", Expired),
        claim("exp as text", "exp", &text(at(300)), WrongType("exp")),
        claim("exp as a date", "exp", r#""2099-01-01T00:00:00Z""#, WrongType("exp")),
        claim("exp null", "exp", "null", WrongType("exp")),
        claim("exp true", "exp", "true", WrongType("exp")),
        claim("exp an array", "exp", &format!("[{}]", at(300)), WrongType("exp")),
        claim("exp 1e400", "exp", "1e400", Json(Part::Payload, BadJson::Syntax)),
        claim("exp NaN", "exp", "NaN", Json(Part::Payload, BadJson::Syntax)),
        claim("exp Infinity", "exp", "Infinity", Json(Part::Payload, BadJson::Syntax)),
        claim("exp hexadecimal", "exp", "0x7fffffff", Json(Part::Payload, BadJson::Syntax)),
        claim("exp negative", "exp", "-1", OutOfRange("exp")),
        claim("exp in milliseconds", "exp", &format!("{}000", at(300)), OutOfRange("exp")),
        claim("exp in the year 10000", "exp", "253402300800", OutOfRange("exp")),
        claim("exp 1e308", "exp", "1e308", OutOfRange("exp")),
        claim("exp 2^64 + 300", "exp", "18446744073709551916", OutOfRange("exp")),
        claim("exp of fifty digits", "exp", &"9".repeat(50), OutOfRange("exp")),
        claim("nbf in an hour", "nbf", &at(3_600), NotYetValid),
        claim("nbf just beyond the leeway", "nbf", &at(61), NotYetValid),
        claim("nbf a moment beyond the leeway", "nbf", &format!("{}.001", at(60)), NotYetValid),
        claim("nbf as text", "nbf", r#""0""#, WrongType("nbf")),
        claim("nbf null", "nbf", "null", WrongType("nbf")),
        claim("nbf negative", "nbf", "-0.5", OutOfRange("nbf")),
        claim("iat in an hour", "iat", &at(3_600), IssuedInFuture),
        claim("iat just beyond the leeway", "iat", &at(61), IssuedInFuture),
        claim("iat as text", "iat", r#""now""#, WrongType("iat")),
        claim("iat in milliseconds", "iat", &format!("{}000", at(0)), OutOfRange("iat")),
    ];
    rows.push(("claims of nothing", Signer::Ed25519.token(HEADER, "{}"), Missing("iss")));
    rows.push((
        "an ID token: its audience is a client",
        claiming(&[("aud", r#""web-client""#), ("nonce", r#""n-0S6""#)]),
        Audience,
    ));
    rows
}
