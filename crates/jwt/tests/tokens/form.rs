//! Texts that are no signed token.

use perennial_jwt::{BadJson, MAX_TOKEN, Part, Refusal};

use crate::keys::{Signer, encode};
use crate::{HEADER, Row, claiming, claims, headed};

pub fn rows() -> Vec<Row> {
    use Refusal::{Encoding, Json, NotThreeParts, TooLong};
    let good = claiming(&[]);
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let long = "x".repeat(MAX_TOKEN);
    let deep = format!("{}1{}", r#"{"a":"#.repeat(17), "}".repeat(17));
    let last = signature.chars().last().unwrap();
    vec![
        ("empty", String::new(), NotThreeParts),
        ("a personal access token", "pat_0123456789abcdef".to_owned(), NotThreeParts),
        ("one dot", format!("{header}.{payload}"), NotThreeParts),
        ("two dots only", "..".to_owned(), Json(Part::Header, BadJson::Syntax)),
        ("four parts", format!("{good}.{signature}"), NotThreeParts),
        ("a dot more at the end", format!("{good}."), NotThreeParts),
        ("a dot more at the start", format!(".{good}"), NotThreeParts),
        ("JWE of five parts", format!("{}....", encode(r#"{"alg":"dir","enc":"A256GCM"}"#)), NotThreeParts),
        (
            "JSON serialization",
            format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
            NotThreeParts,
        ),
        ("percent-encoded dots", good.replace('.', "%2E"), NotThreeParts),
        ("full-width dots", good.replace('.', "\u{ff0e}"), NotThreeParts),
        ("longer than 8 KiB", claiming(&[("x", &format!("{long:?}"))]), TooLong),
        ("8 KiB and a byte of letters", format!("{long}A"), TooLong),
        ("white space before it", format!(" {good}"), Encoding(Part::Header)),
        ("white space after it", format!("{good} "), Encoding(Part::Signature)),
        ("a line break within", good.replacen('.', ".\n", 1), Encoding(Part::Payload)),
        ("a scheme before it", format!("Bearer {good}"), Encoding(Part::Header)),
        ("a letter beyond ASCII", good.replacen('e', "\u{435}", 1), Encoding(Part::Header)),
        ("a zero byte", format!("{good}\0"), Encoding(Part::Signature)),
        ("padding after the header", format!("{header}=.{payload}.{signature}"), Encoding(Part::Header)),
        ("padding after the claims", format!("{header}.{payload}=.{signature}"), Encoding(Part::Payload)),
        ("padding after the signature", format!("{good}=="), Encoding(Part::Signature)),
        (
            "the other alphabet of base64",
            format!("{header}.{payload}.+/{}", &signature[2..]),
            Encoding(Part::Signature),
        ),
        (
            "bits left over in the last letter",
            format!("{}{}", &good[..good.len() - 1], char::from(last as u8 + 1)),
            Encoding(Part::Signature),
        ),
        ("a letter too many", format!("{good}AAA"), Encoding(Part::Signature)),
        ("a header that is an array", headed(r#"["alg","EdDSA"]"#), Json(Part::Header, BadJson::NotObject)),
        ("a header that is text", headed(r#""EdDSA""#), Json(Part::Header, BadJson::NotObject)),
        ("a header that is null", headed("null"), Json(Part::Header, BadJson::NotObject)),
        ("a header that breaks off", headed(r#"{"alg":"EdDSA""#), Json(Part::Header, BadJson::Syntax)),
        ("a header and more", headed(&format!("{HEADER}{{}}")), Json(Part::Header, BadJson::Syntax)),
        ("a header with a comment", headed(r#"{"alg":"EdDSA"/**/}"#), Json(Part::Header, BadJson::Syntax)),
        (
            "a header with a byte order mark",
            headed(&format!("\u{feff}{HEADER}")),
            Json(Part::Header, BadJson::Syntax),
        ),
        (
            "a header with half a surrogate pair",
            headed(r#"{"alg":"EdDSA","kid":"\ud800"}"#),
            Json(Part::Header, BadJson::Syntax),
        ),
        (
            "a header that is not UTF-8",
            format!("{}.{payload}.{signature}", encode(b"{\"alg\":\"\xff\"}")),
            Json(Part::Header, BadJson::Syntax),
        ),
        (
            "alg given twice",
            headed(r#"{"alg":"none","alg":"EdDSA","kid":"ed-1"}"#),
            Json(Part::Header, BadJson::Duplicate),
        ),
        (
            "alg given twice, once escaped",
            headed(r#"{"alg":"EdDSA","\u0061lg":"none","kid":"ed-1"}"#),
            Json(Part::Header, BadJson::Duplicate),
        ),
        (
            "an unknown member given twice, deep",
            headed(r#"{"alg":"EdDSA","kid":"ed-1","x":[{"y":1,"y":1}]}"#),
            Json(Part::Header, BadJson::Duplicate),
        ),
        ("a deep header", headed(&deep), Json(Part::Header, BadJson::TooDeep)),
        (
            "a very deep header",
            headed(&format!("{}{}", "[".repeat(3_000), "]".repeat(2_000))),
            Json(Part::Header, BadJson::TooDeep),
        ),
        (
            "claims that are an array",
            Signer::Ed25519.token(HEADER, &format!("[{}]", claims(&[]))),
            Json(Part::Payload, BadJson::NotObject),
        ),
        (
            "claims that are a number",
            Signer::Ed25519.token(HEADER, "1"),
            Json(Part::Payload, BadJson::NotObject),
        ),
        ("no claims", Signer::Ed25519.token(HEADER, ""), Json(Part::Payload, BadJson::Syntax)),
        (
            "a token within a token, unsaid",
            Signer::Ed25519.token(HEADER, &good),
            Json(Part::Payload, BadJson::Syntax),
        ),
        ("deep claims", Signer::Ed25519.token(HEADER, &deep), Json(Part::Payload, BadJson::TooDeep)),
        (
            "claims and more",
            Signer::Ed25519.token(HEADER, &format!("{}{}", claims(&[]), claims(&[]))),
            Json(Part::Payload, BadJson::Syntax),
        ),
    ]
}
