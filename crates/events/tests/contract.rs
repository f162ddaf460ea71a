//! The contract of events: every kind fits its schema, and what was ever emitted can still be read.
//!
//! The files in `golden/` are events as version 1.0 emitted them, before (`1.0-…`) and since (`1.0-epoch-…`) it has an epoch, and those of
//! hot users (`1.0-lane-…`); they are never changed, only added to. `GOLDEN=write` adds the ones that are missing.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use perennial_domain::{
    Attempt, Commit, DueInput, Occurrence, OverrideInput, Plan, ProjectInput, RecurrenceId, SnoozeInput,
    Task, UserId, create_channel, create_project, delete_project, delete_task, fire, override_occurrence,
    plan_successor, record_attempt, restore_task, snooze, update_project, update_task,
};
use perennial_events::{Bus, BusError, CloudEvent, Message, relay_stream};
use perennial_fixture::{Fixture, NOON, WEEKLY};
use perennial_store::Store;
use serde_json::Value;

/// A bus that keeps what it is given.
#[derive(Default)]
struct Kept(RefCell<Vec<(String, CloudEvent)>>);

impl Bus for Kept {
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        self.0
            .borrow_mut()
            .extend(batch.iter().map(|message| (message.topic.clone(), message.event.clone())));
        (batch.len(), None)
    }
}

/// One event of every kind there is, as the relay publishes them: of a user as most are, and of a hot one.
fn every_kind() -> [Vec<(String, CloudEvent)>; 2] {
    [false, true].map(every_kind_of)
}

fn every_kind_of(hot: bool) -> Vec<(String, CloudEvent)> {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.store.hot_users(if hot { std::slice::from_ref(&user) } else { &[] });
    let apply = |fixture: &Fixture, commit: &Commit| _ = fixture.store.commit(commit).unwrap();

    let (task, first) = fixture.task(&user, WEEKLY);
    let input = serde_json::from_str(&WEEKLY.replace("Bins", "Bins out")).unwrap();
    let state = fixture.state(&user, &task, None);
    let (commit, task, _) = update_task(&mut fixture.context(&user), &state, &input).unwrap();
    apply(&fixture, &commit);

    let url = "https://hooks.example.com";
    let secret = "whsec_AAAA".to_owned();
    let (commit, channel) =
        create_channel(&mut fixture.context(&user), url, secret, 0, &Default::default()).unwrap();
    apply(&fixture, &commit);
    let due = fixture.due_reminders(NOON.plus_millis(7 * 86_400_000)).remove(0).alarm;
    let commit = fire(&mut fixture.context(&user), &due, &[channel]);
    apply(&fixture, &commit);
    let notification = fixture.due_notifications(NOON).remove(0).notification;
    let gone = Attempt::Gone { error: "the receiver answered 410".to_owned() };
    // What a receiver that is gone would have made of it; then what happens.
    let failed = record_attempt(&mut fixture.context(&user), &notification, &gone, 100);
    let delivered = record_attempt(&mut fixture.context(&user), &notification, &Attempt::Accepted, 100);
    apply(&fixture, &delivered);
    let mut failed_only = delete_nothing(&mut fixture, &user);
    failed_only.events = failed.events;
    apply(&fixture, &failed_only);

    fixture.complete(&user, &task, &first).unwrap();
    let commit = successor(&mut fixture, &user, &task, &first);
    apply(&fixture, &commit);

    let coming = OverrideInput {
        recurrence_id: "2026-12-07T07:00:00[Europe/Berlin]".to_owned(),
        title: Some("Bins, on a Tuesday".to_owned()),
        due: Some(DueInput { local: "2026-12-08T07:00:00".to_owned(), tz: Some("Europe/Berlin".to_owned()) }),
        cancelled: false,
    };
    let state = fixture.state(&user, &task, None);
    let (commit, _) = override_occurrence(&mut fixture.context(&user), &state, &coming).unwrap();
    apply(&fixture, &commit);

    let once = WEEKLY.replace("FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=1");
    let (task, only) = fixture.task(&user, &once);
    fixture.complete(&user, &task, &only).unwrap();
    let commit = successor(&mut fixture, &user, &task, &only);
    apply(&fixture, &commit);
    let state = fixture.state(&user, &task, None);
    let commit = delete_task(&mut fixture.context(&user), &state);
    apply(&fixture, &commit);
    let state = fixture.store.deleted_series(&user, task.id).unwrap().unwrap();
    let (commit, ..) = restore_task(&mut fixture.context(&user), &state).unwrap();
    apply(&fixture, &commit);

    let (task, _) = fixture.task(
        &user,
        r#"{ "title": "x", "due": { "local": "2026-11-30" }, "reminders": [{ "trigger": "PT9H" }] }"#,
    );
    let state = fixture.state(&user, &task, Some(&RecurrenceId::single()));
    let snoozed = SnoozeInput {
        recurrence_id: None,
        reminder: task.spec.reminders[0].id,
        for_: Some("P8D".to_owned()),
        until: None,
    };
    let (commit, _) = snooze(&mut fixture.context(&user), &state, &snoozed).unwrap();
    apply(&fixture, &commit);

    let input = ProjectInput { name: "Home".to_owned(), ..ProjectInput::default() };
    let (commit, project) = create_project(&mut fixture.context(&user), &input).unwrap();
    apply(&fixture, &commit);
    let input = ProjectInput { archived: true, ..input };
    let (commit, project) = update_project(&mut fixture.context(&user), &project, &input).unwrap();
    apply(&fixture, &commit);
    let commit = delete_project(&mut fixture.context(&user), &project);
    apply(&fixture, &commit);

    let kept = Kept::default();
    pollster::block_on(relay_stream(&fixture.store, &kept, &user.stream(), &|| NOON)).unwrap();
    kept.0.into_inner()
}

/// What follows a closed occurrence.
fn successor(fixture: &mut Fixture, user: &UserId, task: &Task, closed: &Occurrence) -> Commit {
    let state = fixture.state(user, task, Some(&closed.recurrence_id));
    match plan_successor(&mut fixture.context(user), &state).unwrap() {
        Plan::Opens(commit, _) | Plan::Ends(commit) => *commit,
        other => panic!("{other:?}"),
    }
}

/// A commit that changes no row.
fn delete_nothing(fixture: &mut Fixture, user: &UserId) -> Commit {
    let (task, _) = fixture.task(user, r#"{"title": "x"}"#);
    let state = fixture.state(user, &task, None);
    let mut commit = delete_task(&mut fixture.context(user), &state);
    commit.tasks.clear();
    commit.occurrences.clear();
    commit.expect = Default::default();
    commit
}

fn assert_fits(event: &Value, from: &str) {
    let wrong = errors(event);
    assert!(wrong.is_empty(), "{} from {from}: {wrong:?}", event["type"]);
}

/// Where an event does not fit its schema.
fn errors(event: &Value) -> Vec<String> {
    let kind = event["type"].as_str().unwrap();
    let path = root().join("schemas/events").join(format!("{kind}.json"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
fn every_kind_of_event_fits_its_schema_and_travels_on_its_topic() {
    for (events, name) in every_kind().iter().zip(["epoch", "lane"]) {
        let mut kinds: Vec<&str> = events.iter().map(|(_, event)| event.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut described: Vec<String> = std::fs::read_dir(root().join("schemas/events"))
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        described.sort_unstable();
        assert_eq!(kinds, described, "an event without a schema, or a schema without an event");
        for (topic, event) in events {
            assert_fits(&serde_json::to_value(event).unwrap(), "this version");
            let expected = match event.kind.split('.').next() {
                Some("reminder") if event.kind != "reminder.snoozed" => "reminders",
                Some("reminder") => "task-updates",
                Some("notification") => "task-updates",
                _ => "task-events",
            };
            assert_eq!(topic, expected, "{}", event.kind);
            if std::env::var("GOLDEN").is_ok_and(|mode| mode == "write") {
                let file = golden().join(format!("1.0-{name}-{}.json", event.kind));
                if !file.exists() {
                    std::fs::write(file, serde_json::to_string_pretty(event).unwrap() + "\n").unwrap();
                }
            }
        }
    }
}

#[test]
fn every_event_ever_emitted_still_fits_and_can_be_read() {
    let mut read = 0;
    for file in std::fs::read_dir(golden()).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let event = CloudEvent::parse(text.as_bytes()).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_fits(&document, &file.display().to_string());
        assert_eq!(serde_json::to_value(&event).unwrap(), document, "what was read is not what was written");
        read += 1;
    }
    assert!(read >= 10, "{read} golden events");
}

/// By the CloudEvents project's own library.
#[test]
fn whoever_reads_cloudevents_reads_ours() {
    use cloudevents::{AttributesReader, Data, Event};

    for (_, event) in every_kind().into_iter().flatten() {
        let text = serde_json::to_string(&event).unwrap();
        let read: Event = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (read.id(), read.ty(), read.source().as_str()),
            (&*event.id, &*event.kind, &*event.source)
        );
        assert_eq!(read.subject(), Some(event.subject.as_str()));
        assert_eq!(read.dataschema().map(ToString::to_string), Some(event.dataschema.clone()));
        assert_eq!(read.time().unwrap().timestamp_millis(), NOON.as_millis());
        for (name, value) in [
            ("userid", &event.userid),
            ("stream", &event.stream),
            ("sequence", &event.sequence),
            ("epoch", &event.epoch),
            ("partitionkey", &event.partitionkey),
            ("correlationid", &event.correlationid),
        ] {
            assert!(!value.is_empty(), "{name}");
            assert_eq!(read.extension(name).map(ToString::to_string).as_ref(), Some(value), "{name}");
        }
        assert_eq!(read.data(), Some(&Data::Json(event.data.clone())), "{}", event.kind);
    }
}

#[test]
fn what_a_newer_producer_adds_is_ignored() {
    let text = std::fs::read_to_string(golden().join("1.0-task.completed.json")).unwrap();
    let mut newer: Value = serde_json::from_str(&text).unwrap();
    newer["weather"] = "fine".into();
    newer["data"]["mood"] = "good".into();
    assert_fits(&newer, "a newer producer");
    CloudEvent::parse(newer.to_string().as_bytes()).unwrap();
}

#[test]
fn previous_chains_the_events_of_a_stream_on_a_topic() {
    for events in every_kind() {
        let mut last = std::collections::HashMap::new();
        for (topic, event) in events {
            let before = last.insert((topic, event.stream), event.sequence);
            assert_eq!(event.previous, before, "{}", event.kind);
        }
    }
}

#[test]
fn a_stream_is_a_users_or_a_lane_of_it() {
    let (_, event) = every_kind_of(true).remove(0);
    let mut event = serde_json::to_value(&event).unwrap();
    let user = event["userid"].as_str().unwrap().to_owned();
    for (lane, fits) in
        [("", true), ("|00", true), ("|15", true), ("|16", false), ("|1", false), ("|", false)]
    {
        for name in ["stream", "partitionkey"] {
            event[name] = format!("{user}{lane}").into();
            assert_eq!(errors(&event).is_empty(), fits, "{lane}");
            event[name] = user.clone().into();
        }
    }
}
