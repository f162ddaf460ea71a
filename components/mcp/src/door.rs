//! Which address is asked for, and what is said of tokens (RFC 9728).

use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use perennial_guest::OutsideTokens;
use perennial_http_api::{Head, Problem, Response, answer};
use serde_json::json;

/// Where the protocol is spoken.
const ENDPOINT: &str = "/mcp";

/// Where it is said who gives out tokens, without and with the address of the endpoint (RFC 9728 §3.1).
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// What a request is for, by its `Mcp-Method` (2026-07-28, Streamable HTTP).
const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// What tokens may allow here.
const SCOPES: [&str; 2] = ["tasks:read", "tasks:write"];

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The protocol.
    Protocol {
        /// Whether it says that it listens for changes: it is held to that, and counted before it is carried out.
        listens: bool,
    },
    /// Who gives out tokens.
    Metadata,
}

/// What a request is for.
///
/// # Errors
/// Where there is nothing at its address.
pub fn asked(head: &Head) -> Result<Asked, Problem> {
    let path = head.uri.path();
    if path == ENDPOINT {
        let listens = head.headers.get(MCP_METHOD).is_some_and(|method| method == "subscriptions/listen");
        return Ok(Asked::Protocol { listens });
    }
    match path.strip_prefix(METADATA) {
        Some("" | ENDPOINT) => Ok(Asked::Metadata),
        _ => Err(Problem::not_found()),
    }
}

/// The document that says who gives out tokens (RFC 9728 §2). There is none where nobody outside does.
///
/// # Errors
/// Where there is none, and for a method that changes things.
pub fn metadata(method: &Method, outside: Option<&OutsideTokens>) -> Result<Response, Problem> {
    let outside = outside.ok_or_else(Problem::not_found)?;
    if ![Method::GET, Method::HEAD].contains(method) {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    let document = json!({
        "resource": outside.resource,
        "authorization_servers": [outside.authorization_server],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
        "resource_name": "Perennial",
    });
    let mut response = answer(StatusCode::OK, &document);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    if method == Method::HEAD {
        response.body_mut().clear();
    }
    Ok(response)
}

/// Says, in an answer of 401 or 403, which scopes are asked for, and where it is written who gives out tokens (RFC 6750 §3, RFC 9728 §5.1).
pub fn challenge(response: &mut Response, outside: Option<&OutsideTokens>) {
    let error = match response.status() {
        StatusCode::UNAUTHORIZED => "",
        StatusCode::FORBIDDEN => r#"error="insufficient_scope", "#,
        _ => return,
    };
    let place = outside.and_then(|outside| place(&outside.resource));
    let place = place.map(|place| format!(r#"resource_metadata="{place}", "#)).unwrap_or_default();
    let scope = SCOPES.join(" ");
    if let Ok(value) = HeaderValue::try_from(format!(r#"Bearer {error}{place}scope="{scope}""#)) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

/// Where the metadata of a resource are: its path comes after the well-known one (RFC 9728 §3.1).
fn place(resource: &str) -> Option<String> {
    let (scheme, rest) = resource.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    // What would end the quoted string early is in no address.
    let is_plain = !resource.contains(['"', '\\']);
    let slash = if path.is_empty() { "" } else { "/" };
    is_plain.then(|| format!("{scheme}://{authority}{METADATA}{slash}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(resource: &str) -> OutsideTokens {
        OutsideTokens { authorization_server: "https://id.example".to_owned(), resource: resource.to_owned() }
    }

    fn head(path: &str, method: &str) -> Head {
        let request = http::Request::post(path).header("mcp-method", method).body(()).unwrap();
        request.into_parts().0
    }

    #[test]
    fn addresses_are_told_apart() {
        let protocol = |listens| Ok(Asked::Protocol { listens });
        assert_eq!(asked(&head("/mcp", "tools/list")), protocol(false));
        assert_eq!(asked(&head("/mcp?a=b", "subscriptions/listen")), protocol(true));
        for path in ["", "/mcp"] {
            assert_eq!(asked(&head(&format!("{METADATA}{path}"), "x")), Ok(Asked::Metadata));
        }
        for path in ["/mcp/", "/mcp/x", "/.well-known/oauth-protected-resource/other", "/"] {
            assert_eq!(asked(&head(path, "x")).unwrap_err().status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn who_gives_out_tokens_is_told_where_somebody_does() {
        let outside = outside("https://tasks.example/mcp");
        let told = metadata(&Method::GET, Some(&outside)).unwrap();
        let document: serde_json::Value = serde_json::from_slice(told.body()).unwrap();
        assert_eq!(document["resource"], "https://tasks.example/mcp");
        assert_eq!(document["authorization_servers"], json!(["https://id.example"]));
        assert!(metadata(&Method::HEAD, Some(&outside)).unwrap().body().is_empty());
        let refused = |method, outside| metadata(method, outside).unwrap_err().status();
        assert_eq!(refused(&Method::POST, Some(&outside)), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused(&Method::GET, None), StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_refusal_says_where_tokens_come_from() {
        let challenged = |problem: Problem, outside: Option<&OutsideTokens>| {
            let mut response: Response = problem.into();
            challenge(&mut response, outside);
            response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned())
        };
        let outside = outside("https://tasks.example/mcp");
        assert_eq!(
            challenged(Problem::unauthenticated("no"), Some(&outside)).unwrap(),
            r#"Bearer resource_metadata="https://tasks.example/.well-known/oauth-protected-resource/mcp", scope="tasks:read tasks:write""#
        );
        assert_eq!(
            challenged(Problem::unauthenticated("no"), None).unwrap(),
            r#"Bearer scope="tasks:read tasks:write""#
        );
        assert_eq!(
            challenged(Problem::forbidden("tasks:read"), None).unwrap(),
            r#"Bearer error="insufficient_scope", scope="tasks:read tasks:write""#
        );
        assert_eq!(challenged(Problem::not_found(), None), None);
        assert_eq!(place("https://a.example").unwrap(), format!("https://a.example{METADATA}"));
    }
}
