//! In its user's quiet hours a notification waits, unless its task is urgent; the inbox and the alarm wait for nothing.

use perennial_domain::*;
use perennial_fixture::{Fixture, webhook};
use perennial_store::{AccountStore, Store, Value};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn set(fixture: &mut Fixture, user: &UserId, quiet: Option<(&str, &str)>) {
    let now = fixture.store.user(user).unwrap().unwrap();
    let quiet = quiet.map(|(from, to)| QuietInput { from: from.to_owned(), to: to.to_owned() });
    let input = SettingsInput { quiet_hours: quiet, ..SettingsInput::from(&now) };
    let commit = update_settings(&mut fixture.context(user), &now, &input).unwrap().0;
    fixture.store.commit(&commit).unwrap();
}

/// A task in Berlin that reminds at an instant.
fn reminds(fixture: &mut Fixture, user: &UserId, when: &str, priority: &str) {
    fixture.task(
        user,
        &format!(
            r#"{{"title": "x", "priority": "{priority}", "due": {{"local": "2027-12-01", "tz": null}},
                "reminders": [{{"trigger": "{when}"}}]}}"#
        ),
    );
}

/// Fires all that is due, as a sweep would; gives when each notification is sent.
fn fire_due(fixture: &mut Fixture, user: &UserId, now: Timestamp, channels: &[Channel]) -> Vec<Value> {
    let due = fixture.due_reminders(now);
    let alarms: Vec<_> = due.iter().map(|due| &due.alarm).collect();
    let commit = fire_all(&mut Context { now, ..fixture.context(user) }, &alarms, channels);
    fixture.store.commit(&commit).unwrap();
    fixture.rows("SELECT next_attempt_at FROM notification_v2 ORDER BY id").concat()
}

#[test]
fn a_notification_waits_until_the_quiet_hours_are_over() {
    let night = Some(("22:00", "07:00"));
    for (quiet, priority, fires, sent) in [
        (None, "none", "2026-12-01T23:00:00Z", "2026-12-01T23:00:00Z"),
        (night, "none", "2026-12-01T20:59:00Z", "2026-12-01T20:59:00Z"),
        (night, "none", "2026-12-01T21:00:00Z", "2026-12-02T06:00:00Z"),
        (night, "high", "2026-12-02T02:00:00Z", "2026-12-02T06:00:00Z"),
        (night, "urgent", "2026-12-02T02:00:00Z", "2026-12-02T02:00:00Z"),
        (night, "none", "2026-12-02T06:00:00Z", "2026-12-02T06:00:00Z"),
        // Nights in which the clocks of Berlin are set.
        (night, "none", "2027-03-27T22:00:00Z", "2027-03-28T05:00:00Z"),
        (night, "none", "2027-10-30T21:00:00Z", "2027-10-31T06:00:00Z"),
        (Some(("12:00", "13:00")), "low", "2026-12-01T11:30:00Z", "2026-12-01T12:00:00Z"),
    ] {
        let mut fixture = Fixture::new();
        let user = fixture.user("ada");
        set(&mut fixture, &user, quiet);
        reminds(&mut fixture, &user, fires, priority);
        let sends = fire_due(&mut fixture, &user, at(fires), &[webhook("hook")]);
        assert_eq!(sends, [Value::from(at(sent))], "{quiet:?} {priority} at {fires}");
        // The list of work has it for then, and what happened has happened.
        assert_eq!(fixture.due_notifications(at(sent).plus_millis(-1)).len(), 0);
        assert_eq!(
            fixture
                .count(&format!("work WHERE kind = 'notification' AND wake_at = {}", at(sent).as_millis())),
            1
        );
        assert_eq!(fixture.count("alarm WHERE state = 'fired'"), 1);
        assert_eq!(
            fixture
                .count(&format!("outbox WHERE type = 'reminder.fired' AND at = {}", at(fires).as_millis())),
            1
        );
    }
}

#[test]
fn of_alarms_that_fire_together_each_waits_for_itself_and_the_inbox_does_not() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (now, morning) = (at("2026-12-02T02:00:00Z"), at("2026-12-02T06:00:00Z"));
    set(&mut fixture, &ada, Some(("22:00", "07:00")));
    reminds(&mut fixture, &ada, "2026-12-02T02:00:00Z", "none");
    reminds(&mut fixture, &ada, "2026-12-02T02:00:00Z", "urgent");
    let mut sends = fire_due(&mut fixture, &ada, now, &[webhook("hook")]);
    sends.sort_by_key(|at| format!("{at:?}"));
    assert_eq!(sends, [Value::from(now), Value::from(morning)]);

    // Quiet hours are their user's own.
    fixture.rows("DELETE FROM notification_v2");
    reminds(&mut fixture, &eve, "2026-12-02T02:00:00Z", "none");
    assert_eq!(fire_due(&mut fixture, &eve, now, &[webhook("hers")]), [Value::from(now)]);

    fixture.rows("DELETE FROM notification_v2");
    reminds(&mut fixture, &ada, "2026-12-02T02:30:00Z", "none");
    let now = at("2026-12-02T02:30:00Z");
    assert_eq!(fire_due(&mut fixture, &ada, now, &[]), [Value::Null]);
    let waits = format!("notification_v2 WHERE state = 'delivered' AND delivered_at = {}", now.as_millis());
    assert_eq!(fixture.count(&waits), 1, "in the inbox at once");
}

#[test]
fn quiet_hours_count_as_they_are_when_a_reminder_fires() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let channels = [webhook("hook")];
    let (first, second) = ("2026-12-01T22:30:00Z", "2026-12-01T23:30:00Z");
    set(&mut fixture, &user, Some(("08:00", "09:00")));
    reminds(&mut fixture, &user, first, "none");
    reminds(&mut fixture, &user, second, "none");
    // Set between the making of the task and its time.
    set(&mut fixture, &user, Some(("23:00", "06:00")));
    let morning = Value::from(at("2026-12-02T05:00:00Z"));
    assert_eq!(fire_due(&mut fixture, &user, at(first), &channels), std::slice::from_ref(&morning));
    // Switched off afterwards: what waits, waits on; what fires now, goes out.
    set(&mut fixture, &user, None);
    assert_eq!(fire_due(&mut fixture, &user, at(second), &channels), [morning, Value::from(at(second))]);
}
