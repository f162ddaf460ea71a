//! What a reader of a stream is told: everything that happens after where they are, once, in order, and nothing of others.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod told;

use live::Follower;
use perennial_domain::UserId;
use perennial_events::{CloudEvent, EventPlace};
use perennial_fixture::{Fixture, NOON, TestStore, WEEKLY};
use perennial_store::{Mark, OutboxStore, Store, WorkStore};
use serde_json::{Value, json};
use told::{Told, read};

type Following<'s> = Follower<'s, TestStore>;

fn begin<'s>(fixture: &'s Fixture, user: &UserId, after: Option<&str>) -> (Following<'s>, Vec<Told>) {
    let after = after.map(|text| EventPlace::parse(text).unwrap());
    let (follower, first) = Follower::begin(&fixture.store, user.clone(), after).unwrap();
    (follower, read(&first.text))
}

fn look(follower: &mut Following<'_>) -> Vec<Told> {
    read(&follower.look().unwrap().text)
}

fn epoch(fixture: &Fixture, user: &UserId) -> String {
    fixture.store.events(user, 0, 1).unwrap().epoch
}

fn ids(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.id.as_str()).collect()
}

#[test]
fn without_a_place_it_begins_with_what_comes_from_now_on() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let other = fixture.connection();
    let (mut follower, first) = Follower::begin(&other, user.clone(), None).unwrap();
    let (epoch, first) = (epoch(&fixture, &user), read(&first.text));
    assert_eq!((first.len(), first[0].event.as_str(), &first[0].id), (1, "ready", &format!("{epoch}.1")));
    assert_eq!(first[0].data, json!({ "epoch": epoch, "after": 1 }));
    assert_eq!(look(&mut follower), []);
    fixture.task(&user, WEEKLY);
    let told = look(&mut follower);
    assert_eq!(ids(&told), [format!("{epoch}.2")]);
    assert_eq!(told[0].event, "task.created");
    let events = fixture.store.events(&user, 1, 9).unwrap().events;
    assert_eq!(told[0].data, serde_json::to_value(CloudEvent::from(events[0].clone())).unwrap());
    assert_eq!(look(&mut follower), []);
    // Who comes back before anything was told has missed nothing.
    assert_eq!(begin(&fixture, &user, Some(&first[0].id)).1, told);
}

#[test]
fn after_each_event_it_goes_on_with_the_next() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..7 {
        fixture.task(&user, WEEKLY);
    }
    let epoch = epoch(&fixture, &user);
    for after in 0..=7 {
        let (mut follower, first) = begin(&fixture, &user, Some(&format!("{epoch}.{after}")));
        let expected: Vec<String> = (after + 1..=7).map(|sequence| format!("{epoch}.{sequence}")).collect();
        assert_eq!(ids(&first), expected, "after {after}");
        assert_eq!(look(&mut follower), []);
    }
}

#[test]
fn many_come_a_hundred_at_a_time() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..250 {
        fixture.task(&user, WEEKLY);
    }
    let (mut follower, ready) = begin(&fixture, &user, None);
    assert_eq!(ready[0].data["after"], 250);
    let place = EventPlace { epoch: epoch(&fixture, &user), sequence: 0 };
    let (mut all, first) = Follower::begin(&fixture.store, user.clone(), Some(place)).unwrap();
    let looks = [first, all.look().unwrap(), all.look().unwrap(), all.look().unwrap()];
    let counted: Vec<(usize, bool)> = looks.iter().map(|look| (read(&look.text).len(), look.more)).collect();
    assert_eq!(counted, [(100, true), (100, true), (50, false), (0, false)]);
    assert_eq!(look(&mut follower), []);
}

#[test]
fn a_place_of_another_history_is_told_so_and_gone_on_from_the_end() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..3 {
        fixture.task(&user, WEEKLY);
    }
    let now = epoch(&fixture, &user);
    // Of before a restore, or of a history that was longer.
    for place in ["before.2".to_owned(), format!("{now}.4"), format!("{now}.99999999999999999999")] {
        let (mut follower, first) = begin(&fixture, &user, Some(&place));
        assert_eq!((ids(&first), first[0].event.as_str()), (vec![format!("{now}.3").as_str()], "reset"));
        assert_eq!(first[0].data, json!({ "reason": "restored", "epoch": now, "oldest": 1 }), "{place}");
        assert_eq!(look(&mut follower), []);
    }
    // Also where that happens while it is followed.
    let other = fixture.connection();
    let place = EventPlace::parse(&format!("{now}.2")).unwrap();
    let (mut follower, _) = Follower::begin(&other, user.clone(), Some(place)).unwrap();
    fixture.rows("UPDATE epoch SET id = 'after'");
    let told = look(&mut follower);
    assert_eq!((ids(&told), &told[0].data["reason"]), (vec!["after.3"], &json!("restored")));
    fixture.task(&user, WEEKLY);
    assert_eq!(ids(&look(&mut follower)), ["after.4"]);
}

#[test]
fn a_place_before_what_is_kept_is_told_so() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..3 {
        fixture.task(&user, WEEKLY);
    }
    let epoch = epoch(&fixture, &user);
    fixture.rows("DELETE FROM outbox WHERE sequence <= 2");
    let (mut follower, first) = begin(&fixture, &user, Some(&format!("{epoch}.1")));
    assert_eq!((ids(&first), first[0].event.as_str()), (vec![format!("{epoch}.3").as_str()], "reset"));
    assert_eq!(first[0].data, json!({ "reason": "forgotten", "epoch": epoch, "oldest": 3 }));
    assert_eq!(look(&mut follower), []);
    assert_eq!(ids(&begin(&fixture, &user, Some(&format!("{epoch}.2"))).1), [format!("{epoch}.3")]);
    // Nothing is kept: what is missed is told, and where nothing is, nothing.
    let lease = fixture.store.lease_stream(&user.stream(), NOON, 1_000).unwrap().unwrap();
    fixture.store.mark_published(&[Mark { lease, up_to: 3, pause: None, refused: false }], NOON).unwrap();
    fixture.store.prune(NOON.plus_millis(31 * 86_400_000), 100).unwrap();
    assert_eq!(begin(&fixture, &user, Some(&format!("{epoch}.2"))).1[0].data["oldest"], 4);
    assert_eq!(begin(&fixture, &user, Some(&format!("{epoch}.3"))).1, []);
}

#[test]
fn an_event_that_was_taken_out_holds_up_nothing() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    for _ in 0..3 {
        fixture.task(&user, WEEKLY);
    }
    let place = EventPlace { epoch: epoch(&fixture, &user), sequence: 0 };
    fixture.rows("DELETE FROM outbox WHERE sequence >= 2");
    let (mut follower, first) = Follower::begin(&fixture.store, user.clone(), Some(place)).unwrap();
    assert_eq!(read(&first.text).len(), 1);
    // There seems to be more; that there is not is seen at the next look.
    assert!(!follower.look().unwrap().more);
}

#[test]
fn another_users_events_are_not_there() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    fixture.task(&ada, WEEKLY);
    let place = format!("{}.0", epoch(&fixture, &eve));
    assert_eq!(begin(&fixture, &eve, Some(&place)).1, []);
    assert_eq!(begin(&fixture, &eve, None).1[0].data["after"], 0);
    // Not even one that lies in her stream.
    fixture.rows(&format!("UPDATE outbox SET stream_id = '{}'", eve.as_str()));
    fixture.rows(&format!("UPDATE stream SET sequence = 1 WHERE id = '{}'", eve.as_str()));
    assert_eq!(begin(&fixture, &eve, Some(&place)).1, []);
}

#[test]
fn data_are_one_line() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let place = format!("{}.0", epoch(&fixture, &user));
    fixture.task(&user, r#"{ "title": "x", "description": "a\n\nevent: forged\ndata: b\r\u2028c" }"#);
    let told = begin(&fixture, &user, Some(&place)).1;
    let description: Vec<&Value> =
        told.iter().map(|told| &told.data["data"]["task"]["description"]).collect();
    assert_eq!(told.len(), 1);
    assert!(
        description[0].is_null() || description[0] == "a\n\nevent: forged\ndata: b\r\u{2028}c",
        "{description:?}"
    );
}
