//! Whom the tokens of an issuer speak for, and the keys that verify them.

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON};
use perennial_store::{AccountStore, KeySetRecord, Page, Store, StoreError};

fn identity(issuer: &str, subject: &str) -> Identity {
    Identity { issuer: issuer.to_owned(), subject: subject.to_owned() }
}

fn make(fixture: &mut Fixture, name: &str, identity: &Identity) -> Result<User, StoreError> {
    let input = UserInput { name: name.to_owned(), tz: "UTC".to_owned(), identity: Some(identity.clone()) };
    let (commit, user) = create_user(&mut fixture.context(&UserId::admin()), &input).unwrap();
    fixture.store.commit(&commit).map(|_| user)
}

#[test]
fn an_identity_is_one_users_and_is_looked_up_letter_by_letter() {
    let mut fixture = Fixture::new();
    let (home, away) = (identity("https://a.example", "ada"), identity("https://b.example", "ada"));
    let ada = make(&mut fixture, "Ada", &home).unwrap();
    let eve = make(&mut fixture, "Eve", &away).unwrap();
    match make(&mut fixture, "Mallory", &home) {
        Err(StoreError::Forbidden(refusal)) => assert_eq!(refusal.what, "identity"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.count("user"), 3, "the admin, Ada and Eve");

    let found = |issuer: &str, subject: &str| fixture.store.identified(issuer, subject).unwrap();
    assert_eq!(found("https://a.example", "ada"), Some(ada.clone()));
    assert_eq!(found("https://b.example", "ada"), Some(eve));
    for (issuer, subject) in [
        ("https://a.example", "Ada"),
        ("https://a.example/", "ada"),
        ("https://a.example", "ada "),
        ("https://a.example", ada.id.as_str()),
        ("https://a.example", "admin"),
        ("", ""),
    ] {
        assert_eq!(found(issuer, subject), None, "{issuer} {subject}");
    }
    let users = fixture.store.users(&Page { after: None, limit: 10 }).unwrap();
    let shown = |id: &UserId| users.iter().find(|record| record.user.id == *id).unwrap().identity.clone();
    assert_eq!(shown(&ada.id), Some(home));
    assert_eq!(shown(&UserId::admin()), None);
}

#[test]
fn of_those_who_would_fetch_keys_at_once_one_may() {
    let fixture = Fixture::new();
    let mut others: Vec<_> = (0..4).map(|_| fixture.connection()).collect();
    let url = "https://id.example/jwks";
    assert_eq!(fixture.store.key_set(url).unwrap(), None);
    let mut before = None;
    for round in 0..3_i64 {
        let now = NOON.plus_millis(round * 30_000);
        let may = std::thread::scope(|scope| {
            let threads: Vec<_> = others
                .iter_mut()
                .map(|store| scope.spawn(move || store.try_key_set(url, before, now).unwrap()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|may| *may).count()
        });
        assert_eq!(may, 1, "round {round}");
        before = Some(now);
    }
    // What is tried and fails keeps what is there; another address is another set.
    let tried_at = before.unwrap();
    let held = |document: Option<&str>| KeySetRecord {
        document: document.map(str::to_owned),
        fetched_at: document.map(|_| tried_at),
        tried_at,
    };
    assert_eq!(fixture.store.key_set(url).unwrap(), Some(held(None)));
    fixture.store.keep_key_set(url, "{}", tried_at).unwrap();
    assert_eq!(fixture.store.key_set(url).unwrap(), Some(held(Some("{}"))));
    assert_eq!(fixture.store.key_set("https://id.example/other").unwrap(), None);
}
