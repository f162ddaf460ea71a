//! JWTs whose keys an issuer publishes: it changes them, hangs, and is away.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use ed25519_dalek::{Signer, SigningKey};
use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, Receiver, SOON, Service, Setup, until};
use serde_json::json;

/// What whoever waits for an issuer that hangs may wait, on a busy machine.
const WAIT: Duration = Duration::from_secs(8);

/// What the issuer does.
#[derive(Clone)]
enum Does {
    /// It publishes a key of this name.
    Publishes(&'static str),
    /// It takes requests and does not answer.
    Hangs,
    /// It is not there.
    IsAway,
}

/// An issuer of tokens and a service that takes them.
struct World {
    service: Service,
    does: Arc<Mutex<Does>>,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// One request to the issuer.
fn serve(mut stream: TcpStream, does: Does) {
    let _ = stream.read(&mut [0; 8_192]);
    match does {
        Does::IsAway => {}
        Does::Hangs => thread::sleep(Duration::from_secs(30)),
        Does::Publishes(kid) => {
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(key().verifying_key().to_bytes()) });
            let body = json!({ "keys": [key] }).to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    }
}

impl World {
    /// The issuer publishes the key `1`; its `ada` is a user of the service.
    fn new() -> Self {
        let does = Arc::new(Mutex::new(Does::Publishes("1")));
        let now = does.clone();
        let issuer = Receiver::talking(move |stream| {
            let does = now.lock().unwrap().clone();
            serve(stream, does);
        });
        let url = issuer.url();
        let host = url.trim_end_matches("/hook").to_owned();
        let variables = vec![
            ("jwt_issuer", "https://id.example".to_owned()),
            ("jwt_audience", "tasks".to_owned()),
            ("jwt_jwks_url", url),
            ("jwt_jwks_host", host),
        ];
        // The others have no part in it.
        let components = vec!["task-api"];
        let service = Service::with(Setup { variables, components, ..Setup::default() });
        let ada = json!({ "name": "Ada", "identity": { "issuer": "https://id.example", "subject": "ada" } });
        service.owner().post("/v1/users").json(&ada).answer().ok(StatusCode::CREATED);
        Self { service, does }
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    /// Ada with a token signed by the key of this name.
    fn ada(&self, kid: &str) -> Client {
        let header = json!({ "alg": "EdDSA", "kid": kid });
        let claims = json!({ "iss": "https://id.example", "sub": "ada", "aud": "tasks",
            "exp": Utc::now().timestamp() + 600, "scope": "tasks:read tasks:write" });
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let token = format!("{signed}.{}", encode(key().sign(signed.as_bytes()).to_bytes()));
        self.service.anyone().with_token(Some(&token))
    }

    /// As if so many seconds had passed since the keys were fetched, and since it was tried.
    fn later(&self, fetched: u32, tried: u32) {
        self.service.seed().write_all(&format!(
            "UPDATE jwks SET fetched_at = fetched_at - {fetched} * 1000, tried_at = tried_at - {tried} * 1000;"
        ));
    }
}

fn ask(client: &Client) -> Answer {
    client.call(Method::GET, "/v1/tasks").answer()
}

#[test]
fn a_key_that_takes_anothers_place_is_found_within_moments() {
    let world = World::new();
    let ada = world.ada("1");
    ada.create(&json!({ "title": "hers" }));
    assert_eq!(ada.get("/v1/tasks")["items"][0]["title"], "hers");
    ask(&world.ada("2")).is_problem(401, "unauthenticated");
    world.now(Does::Publishes("2"));
    world.later(60, 60);
    let new = world.ada("2");
    until("the new key is found", SOON, || (ask(&new).status == StatusCode::OK).then_some(()));
    assert_eq!(new.get("/v1/tasks")["items"][0]["title"], "hers");
    ask(&ada).is_problem(401, "unauthenticated");
}

#[test]
fn an_issuer_that_hangs_holds_only_who_needs_its_keys_and_not_for_long() {
    let world = World::new();
    let ada = world.ada("1");
    assert_eq!(ask(&ada).status, StatusCode::OK);
    world.now(Does::Hangs);
    world.later(60, 60);
    thread::scope(|scope| {
        let started = Instant::now();
        let waiting = scope.spawn(|| ask(&world.ada("unknown")));
        thread::sleep(Duration::from_millis(500));
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(ask(&ada).status, StatusCode::OK);
            ask(&world.ada("another")).is_problem(401, "unauthenticated");
            assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        }
        waiting.join().unwrap().is_problem(401, "unauthenticated");
        assert!(started.elapsed() < WAIT, "{:?}", started.elapsed());
    });
    // Keys of eleven minutes ago: who asks first waits for the issuer, in vain, and is let in all the same.
    world.later(600, 60);
    let asked = Instant::now();
    assert_eq!(ask(&ada).status, StatusCode::OK);
    assert!(asked.elapsed() < WAIT, "{:?}", asked.elapsed());
}

#[test]
fn while_the_issuer_is_away_its_keys_hold_for_a_day() {
    let world = World::new();
    let ada = world.ada("1");
    assert_eq!(ask(&ada).status, StatusCode::OK);
    world.now(Does::IsAway);
    world.later(3_600, 3_600);
    assert_eq!(ask(&ada).status, StatusCode::OK);
    world.later(24 * 3_600, 60);
    ask(&ada).is_problem(503, "unavailable");
    ask(&ada).is_problem(503, "unavailable");
    assert_eq!(ask(&world.service.owner()).status, StatusCode::OK, "other tokens need no issuer");
    world.now(Does::Publishes("1"));
    world.later(0, 60);
    assert_eq!(ask(&ada).status, StatusCode::OK);
}
