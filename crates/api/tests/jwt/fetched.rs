//! With keys that are fetched.

use perennial_domain::Timestamp;
use perennial_jwt::KeySource;

use crate::keys::{Signer, ed_key, jwk_ed};
use crate::service::{Published, Service};
use crate::{NOW, claims, get, headed, service, titles};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// The API with keys that are fetched; the issuer is away until it is told what to answer.
fn fetching() -> Service {
    service(KeySource::Url("https://id.example/jwks".to_owned())).0
}

/// What the issuer answers next: a key set of the issuer's key under these names.
fn publishes(service: &Service, names: &[&str]) {
    let keys: Vec<String> = names.iter().map(|kid| jwk_ed(&ed_key(7), &format!("\"kid\":{kid:?}"))).collect();
    service.published.answers.borrow_mut().push_back(format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
}

/// A token of the key of this name, for a time so much later.
fn token(kid: &str, later: i64) -> String {
    let exp = (NOW + later / 1_000 + 300).to_string();
    Signer::Ed25519.token(&format!(r#"{{"alg":"EdDSA","kid":{kid:?}}}"#), &claims(&[("exp", &exp)]))
}

/// The status for a token of this key, so many milliseconds later, and how often the issuer was asked until then.
fn at(service: &mut Service, kid: &str, later: i64) -> (u16, u32) {
    service.now = Some(Timestamp::from_millis(NOW * 1_000 + later));
    let status = titles(service, &token(kid, later)).map_or_else(|status| status, |_| 200);
    (status, service.published.asked.get())
}

#[test]
fn keys_are_fetched_once_kept_and_fetched_again_in_time() {
    let mut service = fetching();
    publishes(&service, &["1"]);
    for (later, asked) in [(0, 1), (SECOND, 1), (9 * MINUTE, 1)] {
        assert_eq!(at(&mut service, "1", later), (200, asked), "{later}");
    }
    // After ten minutes it is asked again, and what it does not publish any more is not accepted.
    publishes(&service, &["2"]);
    assert_eq!(at(&mut service, "1", 10 * MINUTE), (401, 2));
    assert_eq!(at(&mut service, "2", 10 * MINUTE), (200, 2));
}

#[test]
fn a_new_key_is_found_at_once_and_an_unknown_one_costs_one_fetch_in_half_a_minute() {
    let mut service = fetching();
    publishes(&service, &["1"]);
    assert_eq!(at(&mut service, "1", 0), (200, 1));
    publishes(&service, &["1", "2"]);
    assert_eq!(at(&mut service, "2", 30 * SECOND), (200, 2));
    for millis in 0..50 {
        let unknown = format!("unknown {millis}");
        assert_eq!(at(&mut service, &unknown, 40 * SECOND + millis), (401, 2));
    }
    // The issuer is away: those whose key is known do not notice.
    for millis in 0..50 {
        assert_eq!(at(&mut service, "unknown", MINUTE + millis), (401, 3));
        assert_eq!(at(&mut service, "2", MINUTE + millis), (200, 3));
    }
}

#[test]
fn keys_hold_for_a_day_while_the_issuer_is_away_and_no_longer() {
    let mut service = fetching();
    publishes(&service, &["1"]);
    assert_eq!(at(&mut service, "1", 0), (200, 1));
    assert_eq!(at(&mut service, "1", 10 * MINUTE), (200, 2));
    assert_eq!(at(&mut service, "1", 10 * MINUTE + 29 * SECOND), (200, 2), "tried just now");
    assert_eq!(at(&mut service, "1", 24 * HOUR - SECOND), (200, 3));
    assert_eq!(at(&mut service, "1", 24 * HOUR + SECOND), (503, 3));
    assert_eq!(at(&mut service, "1", 24 * HOUR + MINUTE), (503, 4), "nobody can say whether it is right");
    assert_eq!(at(&mut service, "1", 24 * HOUR + MINUTE + SECOND), (503, 4));
    publishes(&service, &["1"]);
    assert_eq!(at(&mut service, "1", 25 * HOUR), (200, 5), "it is back");
}

#[test]
fn what_is_no_key_set_takes_the_place_of_none() {
    let mut service = fetching();
    publishes(&service, &["1"]);
    assert_eq!(at(&mut service, "1", 0), (200, 1));
    let long = "x".repeat(65 * 1_024);
    for (number, document) in (1..).zip(["", "<html>", "{}", r#"{"keys":{}}"#, &long]) {
        service.published.answers.borrow_mut().push_back(document.to_owned());
        let asked = u32::try_from(number).unwrap() + 1;
        assert_eq!(at(&mut service, "1", number * 11 * MINUTE), (200, asked), "{document:.10}");
    }
}

#[test]
fn nothing_is_fetched_for_what_cannot_be_right() {
    let mut service = fetching();
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256","kid":"1"}"#, r#"{"alg":"EdDSA","jwk":{}}"#, "[]"] {
        assert_eq!(get(&mut service, &headed(header)).status(), 401, "{header}");
    }
    assert_eq!(get(&mut service, "a.b.c").status(), 401);
    assert_eq!((service.published.asked.get(), service.fixture.count("jwks")), (0, 0));
}

/// The keys are the store's: other instances have them too.
#[test]
fn keys_that_were_fetched_serve_every_instance() {
    let mut service = fetching();
    publishes(&service, &["1"]);
    assert_eq!(at(&mut service, "1", 0), (200, 1));
    service.published = Published::default();
    assert_eq!(at(&mut service, "1", MINUTE), (200, 0));
}
