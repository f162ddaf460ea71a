//! The examples of the standards, signed by others: a token whose claims are looked at has a signature that is right.

use perennial_domain::Timestamp;
use perennial_jwt::{Algorithm, BadJson, Keys, Part, Policy, Refusal, verify};

/// The key, the token, and what is said of it once its signature is found right: each lacks what we ask for.
const EXAMPLES: [(&str, &str, &str, Refusal); 3] = [
    (
        "RFC 7515 A.2, RS256",
        r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        Refusal::Missing("aud"),
    ),
    (
        "RFC 7515 A.3, ES256",
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        Refusal::Missing("aud"),
    ),
    (
        "RFC 8037 A.4, Ed25519",
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        Refusal::Json(Part::Payload, BadJson::Syntax),
    ),
];

#[test]
fn signatures_made_by_others_are_verified() {
    let policy = Policy::new("joe", "us", &Algorithm::ALL).unwrap();
    let now = Timestamp::from_millis(1_300_819_000_000);
    for (name, key, token, expected) in EXAMPLES {
        let keys = Keys::from_jwks(&format!(r#"{{"keys":[{key}]}}"#)).unwrap();
        assert_eq!(verify(token, &keys, &policy, now), Err(expected), "{name}");
        for (_, other, ..) in EXAMPLES.into_iter().filter(|(other, ..)| *other != name) {
            let keys = Keys::from_jwks(&format!(r#"{{"keys":[{other}]}}"#)).unwrap();
            assert_eq!(verify(token, &keys, &policy, now), Err(Refusal::NoKey), "{name}");
        }
    }
}
