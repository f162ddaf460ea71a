//! Which tasks a filter is of.

use perennial_domain::filter::{self, Facts};
use perennial_domain::{Priority, TaskId, TaskStatus, Timestamp};
use uuid::Uuid;

use super::{at, bare, berlin};

fn holds(text: &str, facts: &Facts) -> bool {
    let condition = filter::parse(text, &berlin()).map_err(|invalid| format!("{text}: {invalid}"));
    condition.unwrap().matches(facts)
}

fn due(at: Timestamp) -> Facts {
    Facts { due: Some(at), ..bare() }
}

#[test]
fn a_day_has_a_beginning_and_an_end() {
    let (begins, ends) = (at("2026-11-20T23:00:00Z"), at("2026-11-21T23:00:00Z"));
    let before = (begins.plus_millis(-1), [false, true, true, true, false, false]);
    let first = (begins, [true, false, false, true, false, true]);
    let last = (ends.plus_millis(-1), [true, false, false, true, false, true]);
    let after = (ends, [false, true, false, false, true, true]);
    for (at, expected) in [before, first, last, after] {
        for (operator, expected) in ["=", "!=", "<", "<=", ">", ">="].into_iter().zip(expected) {
            let text = format!("due {operator} today");
            assert_eq!(holds(&text, &due(at)), expected, "{text} at {at}");
        }
    }
}

#[test]
fn what_a_task_does_not_have_is_compared_with_nothing_and_not_is_the_opposite() {
    for text in [
        "due < today",
        "due <= today",
        "due > today",
        "due >= today",
        "due = today",
        "due = 1970-01-01..9998-12-31",
        "start < now",
        "completed > -1w",
        "duration < PT1H",
        "duration >= PT0S",
        "tag = work",
        "project = Home",
        "project = 0198c5f0-7a2b-7c3d-8e4f-5a6b7c8d9e0f",
        "parent = 0198c5f0-7a2b-7c3d-8e4f-5a6b7c8d9e0f",
        "overdue",
        "recurring",
        "reminder != none",
        "tag != none",
    ] {
        assert!(!holds(text, &bare()), "{text}");
        assert!(holds(&format!("not {text}"), &bare()), "not {text}");
        assert!(!holds(&format!("not not ({text})"), &bare()), "{text}");
        assert!(!holds(&format!("({text}) and not recurring"), &bare()), "{text}");
        assert!(holds(&format!("({text}) or not recurring"), &bare()), "{text}");
    }
    for text in [
        "due != today",
        "tag != work",
        "project != Home",
        "duration != PT1H",
        "due = none",
        "start = none",
        "completed = none",
        "duration = none",
        "tag = none",
        "project = none",
        "parent = none",
        "reminder = none",
        "priority = none",
        "priority <= low",
        "not overdue",
    ] {
        assert!(holds(text, &bare()), "{text}");
    }
}

#[test]
fn overdue_is_open_and_due_before_now() {
    let late = due(at("2026-11-21T10:59:59.999Z"));
    assert!(holds("overdue", &late));
    assert!(!holds("overdue", &due(at("2026-11-21T11:00:00Z"))));
    assert!(!holds("overdue", &Facts { status: TaskStatus::Done, ..late }));
}

#[test]
fn every_field_is_asked_of_what_it_is_called() {
    let (project, parent) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let facts = Facts {
        title: "Die Straße İzmir".to_owned(),
        status: TaskStatus::Done,
        priority: Priority::High,
        due: Some(at("2026-11-22T08:00:00Z")),
        start: Some(at("2026-11-19T08:00:00Z")),
        created: at("2026-10-10T08:00:00Z"),
        updated: at("2026-11-14T08:00:00Z"),
        completed: Some(at("2026-11-20T08:00:00Z")),
        duration: Some(5_400),
        tags: vec!["work".to_owned(), "Next action".to_owned()],
        project: Some((project, "Home".to_owned())),
        parent: Some(TaskId::new(parent)),
        has_reminders: true,
        recurs: true,
    };
    for text in [
        "title = \"Die Straße İzmir\"",
        "title ~ straße",
        "title ~ \"DIE STRA\"",
        "title ~ İZM",
        "title ~ \" \u{130}\"",
        "status = done",
        "priority = high",
        "priority > medium",
        "priority < urgent",
        "priority = medium..urgent",
        "due = tomorrow",
        "start = 2026-11-19",
        "created = last month",
        "updated < -6d",
        "completed = yesterday",
        "duration = PT90M",
        "duration > PT1H",
        "duration <= PT1H30M",
        "duration = PT1H..PT2H",
        "tag = work and tag = \"Next action\"",
        "project = Home",
        "project = 00000000-0000-0000-0000-000000000001",
        "parent = 00000000-0000-0000-0000-000000000002",
        "reminder != none",
        "recurring",
        "due != none and start != none and completed != none and duration != none",
        "tag != none and project != none and parent != none",
    ] {
        assert!(holds(text, &facts), "{text}");
    }
    for text in [
        "title = \"die straße i̇zmir\"",
        "title = Straße",
        "title ~ strasse",
        "tag = \"next action\"",
        "tag != work",
        "project = home",
        "project = \"00000000-0000-0000-0000-000000000001\"",
        "parent = 00000000-0000-0000-0000-000000000001",
        "due = none or start = none or completed = none or duration = none",
        "tag = none or project = none or parent = none or reminder = none",
        "not recurring",
        "priority = none",
    ] {
        assert!(!holds(text, &facts), "{text}");
    }
}

#[test]
fn not_binds_closer_than_and_and_and_than_or() {
    let tagged = |tags: &[&str]| Facts { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..bare() };
    for (text, tags, expected) in [
        ("tag = a or tag = b and tag = c", &["a"][..], true),
        ("(tag = a or tag = b) and tag = c", &["a"], false),
        ("not tag = a and tag = b", &["b"], true),
        ("not (tag = a and tag = b)", &["a"], true),
        ("not tag = a or tag = a", &[], true),
        ("not (tag = a or tag = b)", &["b"], false),
    ] {
        assert_eq!(holds(text, &tagged(tags)), expected, "{text} of {tags:?}");
    }
}
