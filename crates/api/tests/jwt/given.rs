//! With keys that are given.

use http::HeaderValue;
use perennial_api::Limits;
use perennial_http_api::RatePolicy;
use serde_json::{Value, json};

use crate::keys::Signer;
use crate::service::Service;
use crate::{
    Row, claiming, form, get, given, headed, header, owners_task, selection, signatures, titles, unknown,
};

/// A token of each algorithm, with claims of this subject and these scopes.
fn of_each_algorithm(subject: &str, scope: &str) -> [String; 3] {
    let (subject, scope) = (format!("{subject:?}"), format!("{scope:?}"));
    let claims = crate::claims(&[("sub", &subject), ("scope", &scope)]);
    [
        Signer::Rs256.token(r#"{"alg":"RS256","kid":"rsa-1","typ":"at+jwt"}"#, &claims),
        Signer::Es256.token(r#"{"alg":"ES256","kid":"ec-1"}"#, &claims),
        Signer::Ed25519.token(r#"{"alg":"EdDSA","kid":"ed-1"}"#, &claims),
    ]
}

fn status(service: &mut Service, token: &str, line: &str, body: &Value) -> u16 {
    service.send(token, line, &[], body).status().as_u16()
}

#[test]
fn a_token_of_each_algorithm_reaches_its_users_tasks_and_nobody_elses() {
    let (mut service, _) = given();
    owners_task(&mut service);
    for subject in ["ada", "eve"] {
        for (number, token) in of_each_algorithm(subject, "tasks:read tasks:write").iter().enumerate() {
            let body = json!({ "title": format!("{subject} {number}") });
            assert_eq!(status(&mut service, token, "POST /v1/tasks", &body), 201, "{subject} {number}");
        }
        for token in of_each_algorithm(subject, "openid tasks:read") {
            let expected: Vec<String> = (0..3).map(|number| format!("{subject} {number}")).collect();
            assert_eq!(titles(&mut service, &token).unwrap(), expected);
        }
    }
    let actors =
        service.fixture.rows("SELECT DISTINCT actor FROM audit_v4 WHERE action = 'task.create' ORDER BY 1");
    let actors = format!("{actors:?}");
    assert!(actors.contains("jwt:id.example:ada") && actors.contains("jwt:id.example:eve"), "{actors}");
}

/// A JWT is replaced every few minutes: its successor goes on where it was.
#[test]
fn the_tokens_of_a_user_are_limited_together() {
    let (mut service, _) = given();
    let writes = RatePolicy { name: "writes", limit: 2, window: 60 };
    service.limits = Limits { writes: Some(writes), ..Limits::default() };
    for (subject, expected) in [("ada", [201, 201, 429]), ("eve", [201, 201, 429])] {
        let tokens = of_each_algorithm(subject, "tasks:write");
        let body = json!({ "title": subject });
        assert_eq!(tokens.map(|token| status(&mut service, &token, "POST /v1/tasks", &body)), expected);
    }
}

#[test]
fn no_forged_expired_foreign_or_confused_token_is_told_more_than_an_unknown_one() {
    let (mut service, _) = given();
    let expected = unknown(&mut service);
    assert_eq!(expected.status(), 401);
    let tables = [form::rows(), header::rows(), selection::rows(), signatures::rows(), crate::claims::rows()];
    let rows: Vec<Row> = tables.into_iter().flatten().collect();
    // What no header can carry as it is: nothing, control characters, and blanks at an end.
    let sent: Vec<&Row> = rows
        .iter()
        .filter(|(_, token, _)| {
            HeaderValue::from_str(token).is_ok_and(|value| value.to_str().is_ok())
                && !token.is_empty()
                && token.trim() == token
        })
        .collect();
    assert!(sent.len() >= 190, "{} of {}", sent.len(), rows.len());
    for (name, token, _) in sent {
        let answer = get(&mut service, token);
        assert_eq!((answer.status(), answer.headers()), (expected.status(), expected.headers()), "{name}");
        assert_eq!(answer.body(), expected.body(), "{name}");
    }
    // It was not the door that was shut.
    assert!(titles(&mut service, &claiming(&[])).is_ok());
}

#[test]
fn a_subject_is_never_the_id_of_a_user() {
    let (mut service, [ada, _]) = given();
    owners_task(&mut service);
    for subject in ["admin", ada.as_str(), "Ada", "ada ", "mallory", "*", "%"] {
        let token = claiming(&[("sub", &format!("{subject:?}"))]);
        let expected = unknown(&mut service);
        let answer = get(&mut service, &token);
        assert_eq!((answer.status(), answer.body()), (expected.status(), expected.body()), "{subject}");
    }
    // Nor does an identity that is called like another's id lead there.
    let body = json!({ "name": "Mallory", "identity": { "issuer": crate::ISSUER, "subject": "admin" } });
    service.json("POST /v1/users", &body);
    assert_eq!(titles(&mut service, &claiming(&[("sub", r#""admin""#)])), Ok(vec![]));
}

#[test]
fn an_identity_that_is_gone_is_nobody() {
    let (mut service, _) = given();
    let token = claiming(&[]);
    assert_eq!(titles(&mut service, &token), Ok(vec![]));
    service.fixture.rows("DELETE FROM identity WHERE subject = 'ada'");
    assert_eq!(titles(&mut service, &token), Err(401));
    assert_eq!(titles(&mut service, &claiming(&[("sub", r#""eve""#)])), Ok(vec![]));
}

#[test]
fn a_token_may_what_it_says_and_its_user_may() {
    let (mut service, _) = given();
    let task = json!({ "title": "x" });
    let may = |service: &mut Service, changes: &[(&str, &str)]| {
        let token = claiming(changes);
        ["GET /v1/tasks", "POST /v1/tasks", "GET /v1/users"].map(|line| {
            let body = if line.starts_with("POST") { &task } else { &Value::Null };
            status(service, &token, line, body)
        })
    };
    for (scope, expected) in [
        ("", [403, 403, 403]),
        (r#""""#, [403, 403, 403]),
        (r#""openid tasks:READ tasks""#, [403, 403, 403]),
        (r#""tasks:read""#, [200, 403, 403]),
        (r#""email tasks:write""#, [403, 201, 403]),
        (r#""admin""#, [403, 403, 403]),
        (r#""tasks:read tasks:write admin""#, [200, 201, 403]),
    ] {
        assert_eq!(may(&mut service, &[("scope", scope)]), expected, "{scope}");
    }
    // What is an admin's an admin has, whose token asks for it.
    service.fixture.rows("UPDATE user SET role = 'admin' WHERE name = 'ada'");
    assert_eq!(may(&mut service, &[("scope", r#""tasks:read admin""#)]), [200, 403, 200]);
    assert_eq!(may(&mut service, &[("scope", r#""tasks:read""#)]), [200, 403, 403]);
}

#[test]
fn where_jwt_is_not_set_up_none_is_accepted() {
    let (mut service, _) = given();
    service.issuer = None;
    let long = claiming(&[("x", &format!("{:?}", "x".repeat(600)))]);
    for token in [claiming(&[]), headed(crate::HEADER), long] {
        let expected = unknown(&mut service);
        let answer = get(&mut service, &token);
        assert_eq!((answer.status(), answer.body()), (expected.status(), expected.body()), "{token}");
    }
}

/// Tokens of one's own, the bootstrap token among them, are what they were.
#[test]
fn other_tokens_are_taken_beside_and_are_no_longer_than_before() {
    let (mut service, [ada, _]) = given();
    let made = service.json("POST /v1/tokens", &json!({ "user": ada, "name": "x" }));
    assert_eq!(titles(&mut service, made["secret"].as_str().unwrap()), Ok(vec![]));
    let long = claiming(&[("x", &format!("{:?}", "x".repeat(4_000)))]);
    assert!(long.len() > 5_000);
    assert_eq!(titles(&mut service, &long), Ok(vec![]));
    assert_eq!(titles(&mut service, &"x".repeat(513)), Err(401));
}

#[test]
fn an_identity_is_shown_and_belongs_to_one_user() {
    let (mut service, [ada, _]) = given();
    let users = service.json("GET /v1/users", &Value::Null);
    let of =
        |id: &str| users["items"].as_array().unwrap().iter().find(|user| user["id"] == id).cloned().unwrap();
    assert_eq!(of(&ada)["identity"], json!({ "issuer": crate::ISSUER, "subject": "ada" }));
    assert_eq!(of("admin").get("identity"), None);
    for (identity, pointer) in [
        (json!({ "issuer": crate::ISSUER, "subject": "ada" }), "/identity"),
        (json!({ "issuer": "", "subject": "x" }), "/identity/issuer"),
        (json!({ "issuer": "two words", "subject": "x" }), "/identity/issuer"),
        (json!({ "issuer": "i", "subject": "" }), "/identity/subject"),
        (json!({ "issuer": "i", "subject": "s".repeat(256) }), "/identity/subject"),
        (json!({ "issuer": "i" }), "/identity/subject"),
        (json!({ "issuer": "i", "subject": "x", "user": "admin" }), "/identity/user"),
        (json!(["i", "x"]), "/identity"),
    ] {
        let body = json!({ "name": "Mallory", "identity": identity });
        let answer = service.send(crate::OWNER, "POST /v1/users", &[], &body);
        let problem: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(
            (answer.status().as_u16(), &problem["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{problem}"
        );
    }
    assert_eq!(service.fixture.count("user"), 3);
}
