//! What changes beside work that is claimed, or behind another build's back.

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, webhook};
use perennial_store::{Store, StoreError, WorkStore};

/// A task with a reminder at noon.
const NOW: &str = r#"{"title": "Now", "due": {"local": "2026-11-21T13:00:00", "tz": "Europe/Berlin"},
    "reminders": [{"trigger": "PT0S"}]}"#;

fn hook(fixture: &mut Fixture, user: &UserId) -> Channel {
    let secret = "whsec_AAAA".to_owned();
    let made = create_channel(
        &mut fixture.context(user),
        "https://hooks.example.com",
        secret,
        0,
        &WebhookPolicy::default(),
    );
    let (commit, channel) = made.unwrap();
    fixture.store.commit(&commit).unwrap();
    channel
}

#[test]
fn what_fires_while_its_channel_is_deleted_is_decided_anew() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let channel = hook(&mut fixture, &user);
    fixture.task(&user, NOW);
    let due = fixture.due_reminders(NOON).pop().unwrap();
    assert_eq!(due.channels.len(), 1);
    let gone = delete_channel(&mut fixture.context(&user), &channel);
    fixture.store.commit(&gone).unwrap();

    let fires = fire(&mut fixture.context(&user), &due.alarm, &due.channels);
    match fixture.store.commit(&fires) {
        Err(StoreError::Changed(refusal)) => assert_eq!(refusal.what, "channel"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.count("notification_v2"), 0);
    // A channel that the store does not keep, such as the inbox, is not asked for.
    let fires = fire(&mut fixture.context(&user), &due.alarm, &[webhook("elsewhere")]);
    fixture.store.commit(&fires).unwrap();
}

#[test]
fn an_older_build_that_moves_an_occurrence_has_it_offered_again() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, _) = fixture.task(&user, NOW);
    fixture.store.offer_zones("9999z", 10).unwrap();
    // The newer build has laid it on its data.
    fixture.rows("UPDATE occurrence SET tzdata = '9999z' RETURNING 1");
    assert_eq!(fixture.count("work WHERE kind = 'zone'"), 0);
    assert!(!fixture.store.due_work(NOON, "9999z").unwrap().zones);

    let state = fixture.state(&user, &task, None);
    let input: TaskInput = serde_json::from_str(&NOW.replace("13:00", "14:00")).unwrap();
    let (commit, _, _) = update_task(&mut fixture.context(&user), &state, &input).unwrap();
    fixture.store.commit(&commit).unwrap();
    assert_eq!(fixture.count("occurrence WHERE status = 'open' AND tzdata < '9999z'"), 1);
    assert!(fixture.store.due_work(NOON, "9999z").unwrap().zones);
}
