//! Who counts among those who follow a user's events.

use http::StatusCode;
use live::listen;
use perennial_events::EventPlace;
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_http_api::MAX_STREAMS;
use perennial_store::Store;

#[test]
fn a_stream_that_does_not_begin_does_not_count() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let epoch = fixture.store.events(&user, 0, 1).unwrap().epoch;
    fixture.rows("ALTER TABLE outbox RENAME COLUMN data TO gone");
    let place = || Some(EventPlace { epoch: epoch.clone(), sequence: 0 });
    for number in 0..=MAX_STREAMS {
        let refused =
            listen(&fixture.store, &user, &number.to_string(), place(), NOON).map(|_| ()).unwrap_err();
        assert_ne!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{number}");
        assert_eq!(fixture.count("listener"), 0, "{number}");
    }
    fixture.rows("ALTER TABLE outbox RENAME COLUMN gone TO data");
    for number in 0..MAX_STREAMS {
        assert!(listen(&fixture.store, &user, &number.to_string(), None, NOON).is_ok(), "{number}");
    }
    let refused = listen(&fixture.store, &user, "more", None, NOON).map(|_| ()).unwrap_err();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}
