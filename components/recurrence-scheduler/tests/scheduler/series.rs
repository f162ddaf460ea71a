//! The policies of a series, on a real store: what opens, when, and under which name.

use perennial_domain::{
    Bound, Due, Occurrence, OccurrenceStatus, OverrideInput, RecurrenceId, SeriesState, Task, TaskInput,
    TaskStatus, Timestamp, UserId, override_occurrence, project, split_series, update_task,
};
use perennial_fixture::{Fixture, NOON};
use perennial_recurrence::Zone;
use perennial_store::{OccurrenceRecord, Page, Store, WorkStore};
use recurrence_scheduler::sweep;

const DAY: i64 = 86_400_000;

/// A task of every day at nine in the morning, UTC, from 22 November 2026 on: the day after the fixture's noon.
fn daily(policies: &str) -> String {
    format!(
        r#"{{"title": "Walk", "due": {{"local": "2026-11-22T09:00:00", "tz": "UTC"}},
            "recurrence": {{"rrule": "FREQ=DAILY"{policies}}}, "reminders": [{{"trigger": "PT0S"}}]}}"#
    )
}

struct House {
    fixture: Fixture,
    user: UserId,
    task: Task,
    first: Occurrence,
}

fn house(document: &str) -> House {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, first) = fixture.task(&user, document);
    House { fixture, user, task, first }
}

impl House {
    fn sweep(&mut self, at: Timestamp) {
        let swept = sweep(&self.fixture.store, &|| at, &mut self.fixture.ids).unwrap();
        assert!(swept.failures.is_empty(), "{:?}", swept.failures);
    }

    fn all(&self) -> Vec<OccurrenceRecord> {
        let page = Page { after: None, limit: 200 };
        self.fixture.store.occurrences(&self.user, self.task.id, &page).unwrap()
    }

    /// Day of the month and status of every occurrence so far.
    fn days(&self) -> Vec<(String, OccurrenceStatus)> {
        self.all()
            .iter()
            .map(|o| (o.recurrence_id.as_str().get(8..10).unwrap().to_owned(), o.status))
            .collect()
    }

    fn task(&self) -> Task {
        self.state().task
    }

    fn state(&self) -> SeriesState {
        self.fixture.state(&self.user, &self.task, None)
    }

    fn open(&self) -> Vec<Occurrence> {
        self.state().open
    }

    fn complete(&mut self, occurrence: &Occurrence) {
        let task = self.task();
        let occurrence = self.fixture.read(&self.user, &task, occurrence).1;
        self.fixture.complete(&self.user, &task, &occurrence).unwrap();
    }

    fn change(&mut self, id: &str, title: Option<&str>, due: Option<&str>, cancelled: bool) {
        let due = due
            .map(|local| perennial_domain::DueInput { local: local.to_owned(), tz: Some("UTC".to_owned()) });
        let input =
            OverrideInput { recurrence_id: id.to_owned(), title: title.map(str::to_owned), due, cancelled };
        let state = self.fixture.state(&self.user, &self.task, Some(&RecurrenceId::from_text(id)));
        let (commit, _) = override_occurrence(&mut self.fixture.context(&self.user), &state, &input).unwrap();
        self.fixture.store.commit(&commit).unwrap();
    }
}

use OccurrenceStatus::{Cancelled, Done, Open};

fn days(expected: &[(&str, OccurrenceStatus)]) -> Vec<(String, OccurrenceStatus)> {
    expected.iter().map(|(day, status)| ((*day).to_owned(), *status)).collect()
}

#[test]
fn by_default_the_next_waits_until_the_last_is_closed_and_none_is_dropped() {
    let mut house = house(&daily(""));
    house.sweep(NOON.plus_millis(10 * DAY));
    assert_eq!(house.days(), days(&[("22", Open)]));
    house.complete(&house.first.clone());
    house.sweep(NOON.plus_millis(10 * DAY));
    assert_eq!(house.days(), days(&[("22", Done), ("23", Open)]));
}

#[test]
fn a_series_that_stacks_opens_the_next_when_the_last_is_due() {
    let mut house = house(&daily(r#", "overlap": "stack""#));
    house.sweep(NOON);
    assert_eq!(house.days(), days(&[("22", Open)]));
    house.sweep(NOON.plus_millis(DAY));
    house.sweep(NOON.plus_millis(DAY));
    assert_eq!(house.days(), days(&[("22", Open), ("23", Open)]));
    house.sweep(NOON.plus_millis(2 * DAY));
    assert_eq!(house.days(), days(&[("22", Open), ("23", Open), ("24", Open)]));
    // Completing one whose successor is there brings no second successor.
    house.complete(&house.first.clone());
    house.sweep(NOON.plus_millis(2 * DAY));
    assert_eq!(house.days(), days(&[("22", Done), ("23", Open), ("24", Open)]));
}

#[test]
fn after_a_downtime_a_series_that_stacks_does_as_its_misfire_policy_says() {
    for (policy, expected) in [
        ("all", days(&[("22", Open), ("23", Open), ("24", Open), ("25", Open), ("26", Open), ("27", Open)])),
        ("once", days(&[("22", Open), ("26", Open), ("27", Open)])),
        ("skip", days(&[("22", Open), ("27", Open)])),
    ] {
        let mut house = house(&daily(&format!(r#", "overlap": "stack", "misfire": "{policy}""#)));
        // Nothing ran from noon of the 21st to noon of the 26th.
        for _ in 0..8 {
            house.sweep(NOON.plus_millis(5 * DAY));
        }
        assert_eq!(house.days(), expected, "{policy}");
    }
}

#[test]
fn a_series_that_skips_drops_what_came_while_the_last_was_open() {
    let mut house = house(&daily(r#", "overlap": "skip""#));
    house.complete(&house.first.clone());
    house.sweep(NOON.plus_millis(3 * DAY));
    assert_eq!(house.days(), days(&[("22", Done), ("25", Open)]));
}

#[test]
fn a_series_that_skips_what_it_missed_does_not_remind_late() {
    for (policy, fired) in [("skip", 0), ("once", 1), ("all", 1)] {
        let mut house = house(&daily(&format!(r#", "misfire": "{policy}""#)));
        house.sweep(NOON.plus_millis(3 * DAY));
        assert_eq!(house.fixture.count("notification_v2"), fired, "{policy}");
        assert_eq!(house.fixture.count("alarm WHERE state = 'armed'"), 0, "{policy}");
    }
}

#[test]
fn a_stack_ends_when_its_last_occurrence_is_closed() {
    let document = daily(r#", "overlap": "stack""#).replace("FREQ=DAILY", "FREQ=DAILY;COUNT=2");
    let mut house = house(&document);
    for _ in 0..3 {
        house.sweep(NOON.plus_millis(5 * DAY));
    }
    assert_eq!(house.days(), days(&[("22", Open), ("23", Open)]));
    for (occurrence, status) in house.open().into_iter().zip([TaskStatus::Open, TaskStatus::Done]) {
        house.complete(&occurrence);
        house.sweep(NOON.plus_millis(5 * DAY));
        assert_eq!(house.task().status, status);
    }
    assert_eq!(house.fixture.count("outbox WHERE type = 'series.ended'"), 1);
}

#[test]
fn exceptions_and_additions_are_part_of_the_series() {
    let exceptions = r#", "exdate": ["2026-11-23T09:00:00"], "rdate": ["2026-11-24T15:00:00"]"#;
    let mut house = house(&daily(exceptions));
    let mut names = Vec::new();
    for _ in 0..3 {
        let open = house.open().remove(0);
        names.push(open.recurrence_id.as_str().get(8..16).unwrap().to_owned());
        house.complete(&open);
        house.sweep(NOON);
    }
    assert_eq!(names, ["22T09:00", "24T09:00", "24T15:00"]);
}

#[test]
fn one_occurrence_moves_and_keeps_its_name() {
    let mut house = house(&daily(""));
    house.change("2026-11-22T09:00:00[UTC]", Some("Long walk"), Some("2026-11-22T17:30:00"), false);
    let open = house.open().remove(0);
    assert_eq!(open.recurrence_id.as_str(), "2026-11-22T09:00:00[UTC]");
    assert_eq!(open.due.as_ref().map(Due::local).unwrap(), "2026-11-22T17:30:00");
    assert_eq!(open.title.as_deref(), Some("Long walk"));
    // Its reminder has moved with it, and says the title it has.
    house.sweep(Timestamp::from_millis(1_795_368_600_000 - 1));
    assert_eq!(house.fixture.count("notification_v2"), 0);
    house.sweep(Timestamp::from_millis(1_795_368_600_000));
    assert_eq!(house.fixture.count("notification_v2 WHERE CAST(payload AS TEXT) LIKE '%Long walk%'"), 1);
    // The next one follows from the name, not from where it was moved to.
    house.complete(&open);
    house.sweep(NOON);
    assert_eq!(house.open().remove(0).recurrence_id.as_str(), "2026-11-23T09:00:00[UTC]");
}

#[test]
fn an_occurrence_still_to_come_is_opened_as_it_was_changed() {
    let mut house = house(&daily(""));
    house.change("2026-11-23T09:00:00[UTC]", Some("Swim"), None, false);
    house.change("2026-11-24T09:00:00[UTC]", None, None, true);
    house.complete(&house.first.clone());
    house.sweep(NOON);
    let swim = house.open().remove(0);
    assert_eq!(swim.title.as_deref(), Some("Swim"));
    house.complete(&swim);
    house.sweep(NOON);
    // The 24th does not take place.
    assert_eq!(house.days(), days(&[("22", Done), ("23", Done), ("25", Open)]));
}

#[test]
fn cancelling_what_is_open_brings_the_next_and_reminds_no_more() {
    let mut house = house(&daily(""));
    house.change("2026-11-22T09:00:00[UTC]", None, None, true);
    house.sweep(NOON.plus_millis(DAY));
    assert_eq!(house.days(), days(&[("22", Cancelled), ("23", Open)]));
    assert_eq!(house.fixture.count("notification_v2"), 0);
}

#[test]
fn what_is_no_occurrence_cannot_be_changed() {
    let mut house = house(&daily(""));
    for id in ["2026-11-23T10:00:00[UTC]", "2026-11-23T09:00:00[Europe/Berlin]", "2026-11-23", "tomorrow"] {
        let input = OverrideInput { recurrence_id: id.to_owned(), ..OverrideInput::default() };
        let state = house.fixture.state(&house.user, &house.task, Some(&RecurrenceId::from_text(id)));
        let ctx = &mut house.fixture.context(&house.user);
        let wrong = override_occurrence(ctx, &state, &input).unwrap_err();
        assert_eq!(wrong.errors.first().unwrap().pointer, "/recurrence_id", "{id}");
    }
}

#[test]
fn this_and_following_go_on_as_a_series_of_their_own() {
    let document = daily("").replace("FREQ=DAILY", "FREQ=DAILY;COUNT=10");
    let mut house = house(&document);
    let id = RecurrenceId::from_text("2026-11-25T09:00:00[UTC]");
    let state = house.state();
    let (commit, new, first) =
        split_series(&mut house.fixture.context(&house.user), &state, &id, |following| {
            Ok(TaskInput { title: "Run".to_owned(), ..following })
        })
        .unwrap();
    house.fixture.store.commit(&commit).unwrap();
    assert_eq!(new.spec.title, "Run");
    assert_eq!(new.spec.series.as_ref().unwrap().input().rrule, "FREQ=DAILY;COUNT=7");
    assert_eq!(first.recurrence_id.as_str(), "2026-11-25T09:00:00[UTC]");
    // The old one ends with the 24th.
    for _ in 0..3 {
        let open = house.open().remove(0);
        house.complete(&open);
        house.sweep(NOON);
    }
    assert_eq!(house.days(), days(&[("22", Done), ("23", Done), ("24", Done)]));
    assert_eq!(house.task().status, TaskStatus::Done);
}

#[test]
fn what_is_to_come_can_be_seen() {
    let mut house = house(&daily(""));
    house.change("2026-11-24T09:00:00[UTC]", None, Some("2026-11-24T20:00:00"), false);
    let task = house.task();
    let (last, overrides) = house.fixture.store.projection(&house.user, task.id).unwrap();
    let bounds = (
        Bound::parse("2026-11-20T00:00:00Z", "from").unwrap(),
        Bound::parse("2026-11-26T00:00:00Z", "to").unwrap(),
    );
    let coming = project(&task, last.as_ref(), &overrides, (&Zone::utc(), NOON), bounds, 100).unwrap();
    let due: Vec<String> = coming.occurrences.iter().map(|occurrence| occurrence.due.local()).collect();
    assert_eq!(due, ["2026-11-23T09:00:00", "2026-11-24T20:00:00", "2026-11-25T09:00:00"]);
    assert!(coming.complete);
    let opened = house.fixture.store.occurrences_between(&house.user, task.id, bounds, 100).unwrap();
    assert_eq!(opened.len(), 1);
}

#[test]
fn new_zone_data_moves_what_is_open_and_leaves_names_and_the_past() {
    let document = daily("").replace("\"UTC\"", "\"Europe/Berlin\"");
    let mut house = house(&document);
    house.complete(&house.first.clone());
    house.sweep(NOON);
    let before = house.all();
    // As if all of it had been computed with older data, by which Berlin was an hour elsewhere.
    house.fixture.rows("UPDATE occurrence SET tzdata = '2025b', due_at = due_at + 3600000");
    house.fixture.rows("UPDATE alarm SET fire_at = fire_at + 3600000");
    house.sweep(NOON);
    let after = house.all();
    let names = |all: &[OccurrenceRecord]| all.iter().map(|o| o.recurrence_id.clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    let (past, open) = (after.first().unwrap(), after.last().unwrap());
    assert_eq!(open.due_at, before.last().unwrap().due_at);
    assert_ne!(past.due_at, before.first().unwrap().due_at);
    let alarm = house.fixture.rows("SELECT fire_at FROM alarm WHERE state = 'armed'").concat();
    assert_eq!(alarm, [open.due_at.unwrap().into()]);
    assert_eq!(house.fixture.count("outbox WHERE type = 'occurrence.changed'"), 1);
    let left = house.fixture.store.due_work(NOON, perennial_recurrence::tzdata_version()).unwrap();
    assert!(!left.zones && left.kinds.is_empty(), "{left:?}");
}

#[test]
fn a_rescheduled_series_keeps_the_names_it_has_given() {
    let mut house = house(&daily(""));
    house.complete(&house.first.clone());
    house.sweep(NOON);
    let state = house.state();
    let input: TaskInput = serde_json::from_str(&daily("").replace("09:00:00", "08:00:00")).unwrap();
    let ctx = &mut house.fixture.context(&house.user);
    let (commit, ..) = update_task(ctx, &state, &input).unwrap();
    house.fixture.store.commit(&commit).unwrap();
    let names: Vec<String> =
        house.all().iter().map(|o| format!("{} {:?}", o.recurrence_id, o.status)).collect();
    assert_eq!(
        names,
        [
            "2026-11-22T09:00:00[UTC] Done",
            "2026-11-23T09:00:00[UTC] Cancelled",
            "2026-11-23T08:00:00[UTC] Open",
        ]
    );
}

#[test]
fn a_name_that_was_given_up_can_come_again() {
    let mut house = house(&daily(""));
    house.complete(&house.first.clone());
    house.sweep(NOON);
    for rule in ["FREQ=WEEKLY", "FREQ=DAILY;INTERVAL=2", "FREQ=DAILY"] {
        let state = house.state();
        let input = serde_json::from_str(&daily("").replace("FREQ=DAILY", rule)).unwrap();
        let ctx = &mut house.fixture.context(&house.user);
        let (commit, ..) = update_task(ctx, &state, &input).unwrap();
        house.fixture.store.commit(&commit).unwrap();
    }
    // The 23rd, the 29th and the 24th were open and given up on the way; now every day comes, each once.
    let mut names = Vec::new();
    for _ in 0..8 {
        let open = house.open().remove(0);
        names.push(open.recurrence_id.as_str().get(8..10).unwrap().to_owned());
        house.complete(&open);
        house.sweep(NOON);
    }
    assert_eq!(names, ["23", "24", "25", "26", "27", "28", "29", "30"]);
}
