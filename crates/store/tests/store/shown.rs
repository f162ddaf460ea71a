//! What is only shown: tasks and occurrences as their user sees them.

use perennial_domain::{DueInput, ReminderInput, TaskId, TaskInput, create_task};
use perennial_fixture::{Fixture, WEEKLY};
use perennial_store::{KeptList, Listing, Page, Sort, Store, TaskRecord};
use serde::Serialize;
use serde_json::value::RawValue;

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// A list as it means: PostgreSQL writes its own spaces.
fn list(kept: &KeptList) -> String {
    let list: serde_json::Value = serde_json::from_str(kept.as_raw().map_or("[]", RawValue::get)).unwrap();
    json(&list)
}

fn page() -> Page {
    Page { after: None, limit: 10 }
}

#[test]
fn a_task_is_shown_as_it_was_made() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let asked: TaskInput = serde_json::from_str(WEEKLY).unwrap();
    let text = fixture.store.task(&user, task.id).unwrap().unwrap();
    let shown = text.read().unwrap().remove(0);
    assert_eq!((shown.id, shown.version), (task.id.to_string().as_str(), task.version));
    assert_eq!(shown.title.get(), json(&asked.title));
    assert_eq!(shown.description.get(), json(&asked.description));
    assert_eq!(list(&shown.tags), json(&asked.tags));
    assert_eq!(shown.due.get(), json(&task.spec.due.as_ref().map(DueInput::from)));
    assert_eq!(shown.recurrence, asked.recurrence);
    let reminders: Vec<ReminderInput> = task.spec.reminders.iter().map(ReminderInput::from).collect();
    assert_eq!(list(&shown.reminders), json(&reminders));
    assert_eq!((shown.created_at, shown.updated_at), (task.created_at, task.updated_at));
    assert_eq!((shown.status, shown.priority, shown.parked.as_ref()), (task.status, asked.priority, None));
    let open = shown.occurrence.clone().unwrap();
    assert_eq!((&open.recurrence_id, open.ordinal), (&occurrence.recurrence_id, occurrence.ordinal));
    assert_eq!((open.due_at, open.status), (occurrence.due_at, occurrence.status));
    assert_eq!(open.due, occurrence.due.as_ref().map(DueInput::from));
    assert_eq!(fixture.store.tasks(&user, &Listing::default(), None, 10).unwrap(), text);
    assert_eq!(fixture.store.occurrences(&user, task.id, &page()).unwrap(), [open]);
}

/// Text goes from the database to the answer as it is: both write it as JSON in the same way.
#[test]
fn every_character_is_shown_as_an_answer_to_its_making_shows_it() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let strange: String = ('\0'..='\u{a0}').chain("äß\u{2028}\u{feff}\u{fffd}漢😀".chars()).collect();
    let (mut commit, ..) =
        create_task(&mut fixture.context(&user), &serde_json::from_str(WEEKLY).unwrap()).unwrap();
    // Past the rules of a title, which take some of these away; the end of a text in C is not text in SQLite either.
    let title = strange.replace('\0', "");
    commit.tasks[0].title.clone_from(&title);
    commit.tasks[0].tags = vec![title.clone()];
    fixture.store.commit(&commit).unwrap();
    let text = fixture.store.tasks(&user, &Listing::default(), None, 10).unwrap();
    let shown = text.read().unwrap().remove(0);
    assert_eq!(shown.title.get(), json(&title));
    assert_eq!(list(&shown.tags), json(&[title]));
}

/// What nothing here has written, as a row edited by hand: the list that it is in is still answered.
#[test]
fn a_spoiled_row_spoils_no_list() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (spoiled, _) = fixture.task(&user, WEEKLY);
    let (whole, _) = fixture.task(&user, WEEKLY);
    // What is no JSON at all is not kept as such by PostgreSQL.
    let no_json = if fixture.is_sqlite() { ("not", "{", "[") } else { ("\"not\"", "\"{\"", "\"[\"") };
    for (tags, recurrence, reminders) in [no_json, ("{}", "7", "\"\"")] {
        fixture.rows(&format!(
            "UPDATE task SET tags = '{tags}', recurrence = '{recurrence}', reminders = '{reminders}' WHERE id = '{}'",
            spoiled.id
        ));
        let text = fixture.store.tasks(&user, &Listing::default(), None, 10).unwrap();
        let shown = text.read().unwrap();
        let of = |id: TaskId| shown.iter().find(|task| task.id == id.to_string()).unwrap();
        let TaskRecord { title, tags, recurrence, reminders, .. } = of(spoiled.id);
        assert_eq!(title.get(), json(&spoiled.spec.title));
        assert_eq!((list(tags).as_str(), recurrence, list(reminders).as_str()), ("[]", &None, "[]"));
        assert!(of(whole.id).recurrence.is_some());
    }
}

#[test]
fn what_is_parked_is_shown_on_its_own_task() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (parked, _) = fixture.task(&ada, WEEKLY);
    fixture.task(&ada, WEEKLY);
    fixture.task(&eve, WEEKLY);
    for (kind, reason) in [("zone", "another kind"), ("successor", "no date is left")] {
        fixture.rows(&format!(
            "INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, reason, parked_at) \
             VALUES ('{kind}', '{ada}', '{ada}', '{}', 'x', '{reason}', 1)",
            parked.id
        ));
    }
    let why = |user| {
        let text = fixture.store.tasks(user, &Listing::default(), None, 10).unwrap();
        text.read()
            .unwrap()
            .into_iter()
            .map(|task| task.parked.and_then(|parked| parked.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(why(&ada), [Some("no date is left".to_owned()), None]);
    assert_eq!(why(&eve), [None]);
}

/// However many are asked for at once: what one answer takes is bounded, and the next page goes on where it ended.
#[test]
fn a_page_of_large_tasks_ends_early() {
    const PAGE: usize = 256 * 1024;
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let large = serde_json::json!({ "title": "large", "description": "😀".repeat(15_000) }).to_string();
    let mut made: Vec<String> = (0..40).map(|_| fixture.task(&user, &large).0.id.to_string()).collect();
    made.sort_unstable();
    let (mut seen, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let list = fixture.store.tasks(&user, &Listing::default(), after.as_ref(), 201).unwrap();
        let rows = list.read().unwrap();
        let bytes: usize = rows.iter().map(|task| task.description.get().len()).sum();
        assert!(bytes < PAGE + 70_000, "{bytes} bytes");
        seen.extend(rows.iter().map(|task| task.id.to_owned()));
        (pages, after) = (pages + 1, rows.last().and_then(|task| list.place(task, &Listing::default())));
        if !list.cut() {
            break;
        }
        assert!(bytes >= PAGE - 70_000, "cut at {bytes} bytes");
    }
    assert_eq!((seen, pages), (made, 8));
}

/// A place that somebody made up is a place like any other: there may be nothing at it.
#[test]
fn a_place_with_a_sign_that_no_text_has_is_read_from() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, r#"{"title": "Tea"}"#);
    let listing = Listing { sort: Sort::Position, ..Listing::default() };
    let list = fixture.store.tasks(&user, &listing, None, 2).unwrap();
    let place = list.place(list.read().unwrap().first().unwrap(), &listing).unwrap();
    let written = listing.write(&place);
    let mut parts: Vec<&str> = written.splitn(3, ' ').collect();
    parts[2] = r#""\u0000""#;
    let made_up = listing.read(&parts.join(" ")).unwrap();
    assert_eq!(fixture.store.tasks(&user, &listing, Some(&made_up), 2).unwrap().read().unwrap().len(), 1);
}
