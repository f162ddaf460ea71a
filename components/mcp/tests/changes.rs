//! What a listener is told: each change of what they listen for, and nothing of others.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use mcp::Changes;
use perennial_domain::UserId;
use perennial_fixture::{Fixture, WEEKLY};
use perennial_mcp::model::SubscriptionFilter;
use perennial_mcp::{Change, Feed};
use perennial_store::Store;
use serde_json::json;

fn listens_for(uris: &[&str]) -> SubscriptionFilter {
    let filter = json!({ "resourcesListChanged": true, "resourceSubscriptions": uris });
    serde_json::from_value(filter).unwrap()
}

fn look<S: Store>(changes: &mut Changes<'_, S>, uris: &[&str]) -> Vec<Change> {
    let (told, more) = changes.look(&listens_for(uris)).unwrap();
    assert!(!more);
    told
}

fn resource(uri: &str) -> Change {
    Change::Resource(uri.to_owned())
}

fn two_users(fixture: &mut Fixture) -> [UserId; 2] {
    [fixture.user("ada"), fixture.user("bob")]
}

#[test]
fn a_change_of_a_task_is_one_of_the_task_and_of_the_agenda() {
    let mut fixture = Fixture::new();
    let [ada, bob] = two_users(&mut fixture);
    let (before, occurrence) = fixture.task(&ada, WEEKLY);
    let uri = format!("task://{}", before.id);
    let watched = [uri.as_str(), "agenda://today", "task://other"];
    let other = fixture.connection();
    let mut changes = Changes::from_now(&other, ada.clone()).unwrap();
    assert_eq!(look(&mut changes, &watched), [], "what happened before is not told");

    fixture.task(&bob, WEEKLY);
    assert_eq!(look(&mut changes, &watched), [], "nor what happens to others");

    fixture.complete(&ada, &before, &occurrence).unwrap();
    assert_eq!(look(&mut changes, &watched), [Change::Resources, resource(&uri), resource("agenda://today")]);
    assert_eq!(look(&mut changes, &watched), [], "once");

    fixture.task(&ada, WEEKLY);
    assert_eq!(look(&mut changes, &watched), [Change::Resources, resource("agenda://today")]);
    assert_eq!(look(&mut changes, &[]), []);
}

#[test]
fn after_many_changes_at_once_there_is_more() {
    let mut fixture = Fixture::new();
    let [ada, _] = two_users(&mut fixture);
    let other = fixture.connection();
    let mut changes = Changes::from_now(&other, ada.clone()).unwrap();
    for _ in 0..250 {
        fixture.task(&ada, WEEKLY);
    }
    let looks: Vec<(usize, bool)> = (0..4)
        .map(|_| changes.look(&listens_for(&["agenda://today"])).unwrap())
        .map(|(told, more)| (told.len(), more))
        .collect();
    assert_eq!(looks, [(2, true), (2, true), (2, false), (0, false)]);
}

#[test]
fn of_another_history_everything_may_have_changed() {
    let mut fixture = Fixture::new();
    let [ada, _] = two_users(&mut fixture);
    let other = fixture.connection();
    let mut changes = Changes::from_now(&other, ada).unwrap();
    fixture.rows("UPDATE epoch SET id = 'after'");
    let watched = ["task://one", "agenda://today"];
    let all = [Change::Resources, resource("task://one"), resource("agenda://today")];
    assert_eq!(look(&mut changes, &watched), all);
    assert_eq!(look(&mut changes, &watched), [], "once");
}
