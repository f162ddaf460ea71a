//! Who is let in, by the head of a request alone.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use http::Method;
use live::admit;
use perennial_domain::{Plain, Scope, TokenInput, TokenSecret, UserId, create_token};
use perennial_events::EventPlace;
use perennial_fixture::{Fixture, NOON};
use perennial_http_api::{Accepted, Head, KeyServer, Problem, Response};
use perennial_store::{AccountStore, Store};

/// Nobody's keys.
struct NoKeys;

impl KeyServer for NoKeys {
    async fn fetch(&self, _: &str) -> Result<String, String> {
        panic!("no JWT is sent here")
    }

    fn failed(&self, _: &str) {}
}

fn head(line: &str, headers: &[(&str, &str)]) -> Head {
    let (method, address) = line.split_once(' ').unwrap();
    let mut request = http::Request::new(());
    *request.method_mut() = Method::try_from(method).unwrap();
    *request.uri_mut() = address.parse().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    request.into_parts().0
}

/// The place of who is let in, or the answer.
fn tried(fixture: &Fixture, line: &str, headers: &[(&str, &str)]) -> Result<Option<EventPlace>, Problem> {
    let accepted = Accepted { bootstrap_token: "owner", issuer: None, key_server: NoKeys };
    let head = head(line, headers);
    let admitted = pollster::block_on(admit(&head, &accepted, || Ok(&fixture.store), NOON));
    admitted.map(|admitted| admitted.after)
}

const OWNER: (&str, &str) = ("authorization", "Bearer owner");

#[test]
fn a_place_is_in_the_header_or_in_the_query() {
    let fixture = Fixture::new();
    let place = |epoch: &str, sequence| Some(EventPlace { epoch: epoch.to_owned(), sequence });
    for (line, id, expected) in [
        ("GET /v1/stream", None, None),
        ("HEAD /v1/stream/", None, None),
        ("GET /v1/stream", Some("5f0c.7"), place("5f0c", 7)),
        ("GET /v1/stream?after=5f0c.7", None, place("5f0c", 7)),
        // A client that names a place in its address names it again when it was cut off: the later one is in the header.
        ("GET /v1/stream?after=5f0c.7", Some("5f0c.9"), place("5f0c", 9)),
    ] {
        let id = id.map(|id| ("last-event-id", id));
        let headers: Vec<_> = [Some(OWNER), id].into_iter().flatten().collect();
        assert_eq!(tried(&fixture, line, &headers).unwrap(), expected, "{line} {id:?}");
    }
}

#[test]
fn who_may_not_follow_learns_why() {
    let fixture = Fixture::new();
    for (line, headers, status, kind) in [
        ("GET /v1/streams", vec![OWNER], 404, "not-found"),
        ("GET /v1/stream/1", vec![OWNER], 404, "not-found"),
        ("POST /v1/stream", vec![OWNER], 405, "method-not-allowed"),
        ("GET /v1/stream", vec![], 401, "unauthenticated"),
        ("GET /v1/stream", vec![("authorization", "Bearer other")], 401, "unauthenticated"),
        ("GET /v1/stream", vec![OWNER, ("content-length", "65537")], 413, "too-large"),
        ("GET /v1/stream", vec![OWNER, ("accept", "application/json")], 406, "not-acceptable"),
        ("GET /v1/stream?x=1", vec![OWNER], 400, "malformed"),
        ("GET /v1/stream?after=7", vec![OWNER], 400, "malformed"),
        ("GET /v1/stream?after=", vec![OWNER], 400, "malformed"),
        ("GET /v1/stream", vec![OWNER, ("last-event-id", "7")], 400, "malformed"),
        ("GET /v1/stream", vec![OWNER, ("last-event-id", "")], 400, "malformed"),
        ("GET /v1/stream", vec![OWNER, ("last-event-id", "\u{e9}.1")], 400, "malformed"),
        ("GET /v1/stream", vec![OWNER, ("last-event-id", "a.1"), ("last-event-id", "a.2")], 400, "malformed"),
    ] {
        let answer = Response::from(tried(&fixture, line, &headers).unwrap_err());
        let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(answer.status().as_u16(), status, "{line} {headers:?}");
        assert_eq!(problem["type"], format!("urn:perennial:problem:{kind}"), "{line} {headers:?}");
    }
    let answer = Response::from(tried(&fixture, "PUT /v1/stream", &[]).unwrap_err());
    assert_eq!(answer.headers().get("allow").unwrap(), "GET, HEAD");
}

#[test]
fn a_token_that_may_only_write_does_not_read() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let minted = TokenInput {
        user: user.clone(),
        name: "writer".to_owned(),
        scopes: vec![Plain(Scope::TasksWrite)],
        expires_at: None,
    };
    let owner = fixture.store.user(&user).unwrap();
    let secret = TokenSecret::new("prn_writer".to_owned());
    let scopes = [Scope::TasksWrite];
    let (commit, _) =
        create_token(&mut fixture.context(&UserId::admin()), &minted, owner.as_ref(), &scopes, &secret)
            .unwrap();
    fixture.store.commit(&commit).unwrap();
    let answer = tried(&fixture, "GET /v1/stream", &[("authorization", "Bearer prn_writer")]).unwrap_err();
    assert_eq!(answer.status().as_u16(), 403);
}

#[test]
fn the_answer_is_kept_by_nobody() {
    let head = live::head();
    assert_eq!(head.status.as_u16(), 200);
    let value = |name: &str| head.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(
        [value("content-type"), value("cache-control"), value("x-accel-buffering")],
        ["text/event-stream", "no-store", "no"]
    );
}
