//! No token, a wrong one, or one that does not reach that far.

use http::Method;

use crate::case::{Case, Token};
use crate::door::Ids;

const TITLE: &str = r#"{"title": "Mine now"}"#;

pub fn cases(ids: &Ids) -> Vec<Case> {
    let task = format!("/v1/tasks/{}", ids.series);
    let occurrences = format!("{task}/occurrences");
    let [complete, reopen, change, split] =
        ["complete", "reopen", "override", "split"].map(|verb| format!("{task}/{verb}"));
    let doors = [
        (Method::GET, "/v1/tasks"),
        (Method::POST, "/v1/tasks"),
        (Method::GET, &task),
        (Method::PATCH, &task),
        (Method::DELETE, &task),
        (Method::POST, &complete),
        (Method::POST, &reopen),
        (Method::POST, &change),
        (Method::POST, &split),
        (Method::GET, "/v1/parked"),
        (Method::POST, "/v1/parked/1/retry"),
        (Method::GET, &occurrences),
        (Method::GET, "/v1/channels"),
        (Method::POST, "/v1/channels"),
        (Method::GET, "/v1/notifications"),
        (Method::GET, "/v1/users"),
        (Method::POST, "/v1/users"),
        (Method::GET, "/v1/tokens"),
        (Method::POST, "/v1/tokens"),
        (Method::POST, "/internal/sweep"),
    ];
    let tokens =
        [Token::None, Token::Some("wrong".to_owned()), Token::Some("prn_0000000000000000".to_owned())];
    let mut cases = Vec::new();
    for (method, path) in &doors {
        for token in &tokens {
            let case = Case::new(
                format!("{method} {path} with {token:?}"),
                method.clone(),
                *path,
                (401, "unauthenticated"),
            );
            let case = if method == Method::GET { case } else { case.body(TITLE) };
            cases.push(case.token(token.clone()));
        }
    }
    let basic = Case::new("another scheme", Method::GET, "/v1/tasks", (401, "unauthenticated"));
    cases.push(basic.token(Token::None).header("authorization", "Basic b3duZXI6c2VjcmV0"));
    let two = Case::new("two tokens", Method::GET, "/v1/tasks", (401, "unauthenticated"));
    cases.push(two.header("authorization", "Bearer another"));
    cases.extend(of_another_user(ids));
    cases
}

/// The owner may do everything with what is theirs, and nothing with what is not.
fn of_another_user(ids: &Ids) -> Vec<Case> {
    let theirs = format!("/v1/tasks/{}", ids.other);
    let complete = r#"{"recurrence_id": "2026-11-30T09:00:00[Europe/Berlin]"}"#;
    let case = |method: Method, path: String| {
        Case::new(format!("another's: {method} {path}"), method, path, (404, "not-found"))
    };
    let mut cases = vec![
        case(Method::GET, theirs.clone()),
        case(Method::GET, format!("{theirs}/occurrences")),
        case(Method::PATCH, theirs.clone()).body(TITLE),
        case(Method::DELETE, theirs.clone()),
        case(Method::POST, format!("{theirs}/complete")).body(complete),
        case(Method::POST, format!("{theirs}/reopen")).body(complete),
        case(Method::POST, format!("{theirs}/override")).body(complete),
        case(Method::POST, format!("{theirs}/split")).body(complete),
    ];
    let all = Case::new("everyone's parked work", Method::GET, "/v1/parked?all=true", (403, "forbidden"));
    cases.push(all.token(Token::Some(ids.member.clone())));
    for (method, path, body) in [
        (Method::POST, "/v1/users", r#"{"name": "Eve", "tz": "UTC"}"#.to_owned()),
        (Method::POST, "/v1/tokens", format!(r#"{{"user": "{}", "name": "x"}}"#, ids.owner)),
    ] {
        let case = Case::new(format!("a member's {method} {path}"), method, path, (403, "forbidden"));
        cases.push(case.token(Token::Some(ids.member.clone())).body(body));
    }
    cases
}
