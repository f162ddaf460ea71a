//! Headers that ask for what is not given.

use perennial_jwt::Refusal;
use rsa::pkcs8::{EncodePublicKey, LineEnding};

use crate::keys::{JWKS, RSA_KEY, Signer, ed_key, encode, jwk_ed, jwk_rsa};
use crate::{Row, claims, headed};

pub fn rows() -> Vec<Row> {
    use Refusal::{
        AlgorithmRefused, Critical, KeyId, KeyInHeader, Nested, NoAlgorithm, Type, UnencodedPayload,
    };
    let with = |more: &str| headed(&format!(r#"{{"alg":"EdDSA","kid":"ed-1",{more}}}"#));
    let mut rows = unsecured();
    rows.extend(shared_secrets());
    rows.extend([
        ("no alg", headed(r#"{"kid":"ed-1"}"#), NoAlgorithm),
        ("alg null", headed(r#"{"alg":null,"kid":"ed-1"}"#), NoAlgorithm),
        ("alg an array", headed(r#"{"alg":["EdDSA"],"kid":"ed-1"}"#), NoAlgorithm),
        ("alg a number", headed(r#"{"alg":1,"kid":"ed-1"}"#), NoAlgorithm),
        ("alg empty", headed(r#"{"alg":"","kid":"ed-1"}"#), AlgorithmRefused),
        ("alg in other letters", headed(r#"{"alg":"eddsa","kid":"ed-1"}"#), AlgorithmRefused),
        ("alg with a space", headed(r#"{"alg":"EdDSA ","kid":"ed-1"}"#), AlgorithmRefused),
        ("alg of another curve", headed(r#"{"alg":"ES384","kid":"ed-1"}"#), AlgorithmRefused),
        ("alg of another hash", headed(r#"{"alg":"RS512","kid":"ed-1"}"#), AlgorithmRefused),
        ("alg unknown", headed(r#"{"alg":"ES256K","kid":"ed-1"}"#), AlgorithmRefused),
        ("alg of encryption", headed(r#"{"alg":"RSA-OAEP","enc":"A128GCM","kid":"ed-1"}"#), AlgorithmRefused),
        (
            "alg known and not in the policy",
            Signer::Ps256.token(r#"{"alg":"PS256","kid":"rsa-1"}"#, &claims(&[])),
            AlgorithmRefused,
        ),
        ("crit", with(r#""crit":["exp"],"exp":1"#), Critical),
        ("crit empty", with(r#""crit":[]"#), Critical),
        ("crit null", with(r#""crit":null"#), Critical),
        ("crit of b64=false", with(r#""crit":["b64"],"b64":false"#), Critical),
        ("b64=false without crit", with(r#""b64":false"#), UnencodedPayload),
        ("b64=true", with(r#""b64":true"#), UnencodedPayload),
        ("jku", with(r#""jku":"https://evil.example/jwks.json""#), KeyInHeader),
        ("x5u", with(r#""x5u":"https://evil.example/cert.pem""#), KeyInHeader),
        ("x5c", with(r#""x5c":["MIIB"]"#), KeyInHeader),
        ("jwk, signed with it", own_key(), KeyInHeader),
        ("jwk null", with(r#""jwk":null"#), KeyInHeader),
        ("typ of another token", with(r#""typ":"dpop+jwt""#), Type),
        ("typ of a logout token", with(r#""typ":"logout+jwt""#), Type),
        ("typ of a security event", with(r#""typ":"application/secevent+jwt""#), Type),
        ("typ JOSE", with(r#""typ":"JOSE""#), Type),
        ("typ of letters beyond ASCII", with(r#""typ":"\u212aWT""#), Type),
        ("typ empty", with(r#""typ":"""#), Type),
        ("typ null", with(r#""typ":null"#), Type),
        ("typ an array", with(r#""typ":["JWT"]"#), Type),
        ("a token within a token", with(r#""typ":"JWT","cty":"JWT""#), Nested),
        ("kid empty", headed(r#"{"alg":"EdDSA","kid":""}"#), KeyId),
        ("kid null", headed(r#"{"alg":"EdDSA","kid":null}"#), KeyId),
        ("kid a number", headed(r#"{"alg":"EdDSA","kid":1}"#), KeyId),
        ("kid an object", headed(r#"{"alg":"EdDSA","kid":{"$ne":""}}"#), KeyId),
        (
            "kid of 256 characters",
            headed(&format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "k".repeat(256))),
            KeyId,
        ),
    ]);
    rows
}

/// Tokens that nobody signed.
fn unsecured() -> Vec<Row> {
    let spelled = |alg: &str| {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
        format!("{}.{}.", encode(header), encode(claims(&[])))
    };
    vec![
        ("alg none", spelled("none"), Refusal::AlgorithmRefused),
        ("alg None", spelled("None"), Refusal::AlgorithmRefused),
        ("alg NONE", spelled("NONE"), Refusal::AlgorithmRefused),
        ("alg nOnE", spelled("nOnE"), Refusal::AlgorithmRefused),
        ("alg none with a space", spelled("none "), Refusal::AlgorithmRefused),
        ("alg none with a zero byte", spelled(r"none\u0000"), Refusal::AlgorithmRefused),
        ("alg none, escaped", spelled(r"\u006eone"), Refusal::AlgorithmRefused),
        ("alg none with a signature", headed(r#"{"alg":"none","kid":"ed-1"}"#), Refusal::AlgorithmRefused),
        (
            "no signature",
            format!("{}.{}.", encode(crate::HEADER), encode(claims(&[]))),
            Refusal::BadSignature,
        ),
    ]
}

/// Tokens whose secret is what everybody may read.
fn shared_secrets() -> Vec<Row> {
    let key = RSA_KEY.to_public_key();
    let signed = |alg: &str, secret: &[u8]| {
        Signer::Hs256(secret).token(&format!(r#"{{"alg":"{alg}","kid":"rsa-1"}}"#), &claims(&[]))
    };
    let pem = key.to_public_key_pem(LineEnding::LF).unwrap();
    let der = key.to_public_key_der().unwrap();
    let jwk = jwk_rsa(&RSA_KEY, r#""kid":"rsa-1""#);
    let refused = Refusal::AlgorithmRefused;
    vec![
        ("HS256 with the public key as PEM", signed("HS256", pem.as_bytes()), refused),
        (
            "HS256 with the public key as PEM without its last line break",
            signed("HS256", pem.trim().as_bytes()),
            refused,
        ),
        ("HS256 with the public key as DER", signed("HS256", der.as_bytes()), refused),
        ("HS256 with the public key as JWK", signed("HS256", jwk.as_bytes()), refused),
        ("HS256 with the key set", signed("HS256", JWKS.as_bytes()), refused),
        ("HS256 with an empty secret", signed("HS256", b""), refused),
        ("HS384", signed("HS384", b"secret"), refused),
        ("HS512", signed("HS512", b"secret"), refused),
        ("an HMAC with the public key under RS256", signed("RS256", pem.as_bytes()), Refusal::BadSignature),
        (
            "HS256 with the shared secret of the key set",
            Signer::Hs256(b"secret secret secret secret secr")
                .token(r#"{"alg":"HS256","kid":"shared"}"#, &claims(&[])),
            refused,
        ),
    ]
}

fn own_key() -> String {
    let jwk = jwk_ed(&ed_key(8), r#""kid":"ed-1""#);
    Signer::Foreign.token(&format!(r#"{{"alg":"EdDSA","kid":"ed-1","jwk":{jwk}}}"#), &claims(&[]))
}
