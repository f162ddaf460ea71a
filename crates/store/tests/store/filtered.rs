//! Filters in SQL say what the domain says of them.

use std::collections::BTreeSet;

use perennial_domain::filter::{Clock, Facts, Weekday, parse};
use perennial_domain::*;
use perennial_fixture::{Fixture, NOON};
use perennial_recurrence::Zone;
use perennial_store::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// Tasks of every shape, each with what a filter may know of it.
fn tasks(fixture: &mut Fixture, user: &UserId) -> Vec<(TaskId, Facts)> {
    let input = ProjectInput { name: "Home".to_owned(), ..ProjectInput::default() };
    let (commit, project) = create_project(&mut fixture.context(user), &input).unwrap();
    fixture.store.commit(&commit).unwrap();
    let parent = fixture.task(user, r#"{ "title": "Parent" }"#).0.id;
    let titles = ["Straße fegen", "ÉTÉ", "buy 100% milk_", "Pay", "O'Neill \\"];
    let priorities = ["none", "low", "medium", "high", "urgent"];
    let mut made = Vec::new();
    for number in 0..120_usize {
        let pick = |every: usize| number % every == 0;
        let mut task = json!({ "title": titles[number % 5], "priority": priorities[number / 5 % 5] });
        if !pick(3) {
            let day = 10 + number % 18;
            task["due"] = json!({ "local": format!("2026-11-{day}T09:00:00"), "tz": "Europe/Berlin" });
            if pick(2) {
                task["start"] = json!({ "local": format!("2026-11-{day}T08:00:00"), "tz": "Europe/Berlin" });
            }
            if pick(5) {
                task["reminders"] = json!([{ "trigger": "-PT15M" }]);
            }
            if pick(7) {
                task["recurrence"] = json!({ "rrule": "FREQ=WEEKLY" });
            }
        }
        if pick(4) {
            task["duration"] = json!(format!("PT{}M", number + 1));
        }
        if pick(6) {
            task["tags"] = json!(["work", "über"]);
        }
        if pick(8) {
            task["project"] = json!(project.id);
        }
        if pick(9) {
            task["parent"] = json!(parent);
        }
        let (task, occurrence) = fixture.task(user, &task.to_string());
        let done = pick(10) && task.spec.series.is_none();
        if done {
            fixture.complete(user, &task, &occurrence).unwrap();
        }
        let spec = &task.spec;
        let facts = Facts {
            title: spec.title.clone(),
            status: if done { TaskStatus::Done } else { TaskStatus::Open },
            priority: spec.priority,
            due: occurrence.due_at,
            start: occurrence.start_at,
            created: task.created_at,
            updated: task.updated_at,
            completed: done.then_some(NOON),
            duration: spec.duration.as_ref().map(|duration| duration.seconds),
            tags: spec.tags.clone(),
            project: spec.project.map(|id| (Uuid::try_parse(&id.to_string()).unwrap(), "Home".to_owned())),
            parent: spec.parent,
            has_reminders: !spec.reminders.is_empty(),
            recurs: spec.series.is_some(),
        };
        made.push((task.id, facts));
    }
    made
}

const SORTS: [Sort; 5] = [Sort::Created, Sort::Due, Sort::Priority, Sort::Updated, Sort::Position];

/// All that a list gives, page by page.
fn found(fixture: &Fixture, user: &UserId, listing: &Listing, limit: u32) -> Vec<TaskId> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..1_000 {
        let tasks = fixture.store.tasks(user, listing, after.as_ref(), limit).unwrap();
        let rows = tasks.read().unwrap();
        all.extend(rows.iter().map(|task| TaskId::parse(task.id).unwrap()));
        let full = u32::try_from(rows.len()).unwrap() == limit;
        let last = rows.last().and_then(|task| tasks.place(task, listing)).filter(|_| full);
        after = last.or_else(|| tasks.end().cloned());
        if after.is_none() {
            return all;
        }
    }
    panic!("a list without an end");
}

/// A range of what a list is ordered by is begun where it begins: nobody walks to it.
#[test]
fn a_range_in_the_middle_of_many_is_found_at_once() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let commits: Vec<Commit> = (0..5_000)
        .map(|number| {
            let (year, month, day) = (2027 + number / 336, 1 + number / 28 % 12, 1 + number % 28);
            let due = json!({ "local": format!("{year}-{month:02}-{day:02}T09:00:00"), "tz": "UTC" });
            let input = serde_json::from_value(json!({ "title": "t", "due": due })).unwrap();
            create_task(&mut fixture.context(&user), &input).unwrap().0
        })
        .collect();
    fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    let clock = Clock { now: NOON, zone: Zone::parse("UTC").unwrap(), week_start: Weekday::Mon };
    for (text, expected) in [
        ("due >= 2034-01-01 and due < 2034-03-01", 56),
        ("due >= 2034-01-01 and not title = x and due < 2034-03-01", 56),
        ("due < 2027-02-01", 28),
    ] {
        let filter = Some(parse(text, &clock).unwrap());
        for descending in [false, true] {
            let listing =
                Listing { sort: Sort::Due, descending, filter: filter.clone(), ..Listing::default() };
            let page = fixture.store.tasks(&user, &listing, None, 201).unwrap();
            let rows = page.read().unwrap();
            assert_eq!((rows.len(), page.end()), (expected, None), "{text}, {descending}");
            assert_eq!(found(&fixture, &user, &listing, 20).len(), expected, "{text} in pages");
        }
    }
}

#[test]
fn a_filter_in_sql_finds_what_the_domain_finds() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let made = tasks(&mut fixture, &user);
    let clock = Clock { now: NOON, zone: Zone::parse("Europe/Berlin").unwrap(), week_start: Weekday::Mon };
    let parent = made.iter().find_map(|(_, facts)| facts.parent).unwrap();
    let filters = [
        "due < +7d".to_owned(),
        "due < +7d and priority = high and tag = work and not project = Home".to_owned(),
        "not due < today".to_owned(),
        "due = none".to_owned(),
        "due = 2026-11-12..2026-11-15 or start > today".to_owned(),
        "start < today or start = none and due != none".to_owned(),
        "overdue".to_owned(),
        "not overdue".to_owned(),
        "priority >= medium and (tag = \"über\" or duration > PT1H)".to_owned(),
        "duration <= PT30M or not duration <= PT90M".to_owned(),
        "status = done and completed >= today".to_owned(),
        "title ~ straße or title ~ été or title = Pay".to_owned(),
        "title ~ \"100% milk_\"".to_owned(),
        "title ~ \"o'neill\"".to_owned(),
        "recurring and reminder != none".to_owned(),
        "not recurring and reminder = none and tag = none".to_owned(),
        "project = Home or project = nowhere".to_owned(),
        "not project = nowhere".to_owned(),
        format!("parent = {parent} or parent = none and priority = urgent"),
        "created < now or updated > +1d".to_owned(),
    ];
    for text in filters {
        let condition = parse(&text, &clock).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
        let mine: BTreeSet<TaskId> = made.iter().map(|(id, _)| *id).collect();
        let expected: BTreeSet<TaskId> =
            made.iter().filter(|(_, facts)| condition.matches(facts)).map(|(id, _)| *id).collect();
        for sort in SORTS {
            let listing = Listing { sort, filter: Some(condition.clone()), ..Listing::default() };
            let all = found(&fixture, &user, &listing, 7);
            let set: BTreeSet<TaskId> = all.iter().copied().filter(|id| mine.contains(id)).collect();
            assert_eq!(set, expected, "{text} by {sort:?}");
            let others = all.iter().filter(|id| !mine.contains(id)).count();
            assert_eq!(set.len() + others, all.len(), "{text} by {sort:?}: something came twice");
        }
    }
}

/// Every list in every order, one way and the other, page by page: the same tasks, none twice, in order.
#[test]
fn a_list_is_in_order_and_whole_in_pages_of_any_size() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let made = tasks(&mut fixture, &user);
    let project = made.iter().find_map(|(_, facts)| facts.project.clone()).unwrap().0;
    let parent = made.iter().find_map(|(_, facts)| facts.parent).unwrap();
    // Some were moved, to the front and into the middle.
    for (place, (id, _)) in ["-", "0", "z", "00000000-0000-00"].iter().zip(made.iter().step_by(24)) {
        fixture.rows(&format!("UPDATE task SET position = '{place}' WHERE id = '{id}'"));
    }
    let amongs = [
        Among::All,
        Among::Project(ProjectId::new(project)),
        Among::Parent(parent),
        Among::Tag("work".to_owned()),
        Among::Tag("nothing".to_owned()),
    ];
    for among in amongs {
        for status in [None, Some(TaskStatus::Open), Some(TaskStatus::Done)] {
            let mut sets: Vec<BTreeSet<TaskId>> = Vec::new();
            for sort in SORTS {
                for descending in [false, true] {
                    let listing = Listing {
                        among: among.clone(),
                        status,
                        sort,
                        descending,
                        filter: None,
                        search: None,
                    };
                    let whole = found(&fixture, &user, &listing, 201);
                    for limit in [2, 3, 50] {
                        assert_eq!(found(&fixture, &user, &listing, limit), whole, "{listing:?} by {limit}");
                    }
                    let rows = fixture.store.tasks(&user, &listing, None, 201).unwrap();
                    let keys: Vec<Value> = rows
                        .read()
                        .unwrap()
                        .iter()
                        .map(|task| rows.place(task, &listing).unwrap().key)
                        .collect();
                    assert!(in_order(&keys, descending), "{listing:?}: {keys:?}");
                    let set: BTreeSet<TaskId> = whole.iter().copied().collect();
                    assert_eq!(set.len(), whole.len(), "{listing:?}");
                    sets.push(set);
                }
            }
            assert!(sets.windows(2).all(|two| two[0] == two[1]), "{among:?} {status:?}");
        }
    }
}

/// Numbers or text in order, and nothing after that.
fn in_order(keys: &[Value], descending: bool) -> bool {
    keys.windows(2).all(|two| match (&two[0], &two[1]) {
        (Value::Number(one), Value::Number(next)) if descending => one.as_i64() >= next.as_i64(),
        (Value::Number(one), Value::Number(next)) => one.as_i64() <= next.as_i64(),
        (Value::String(one), Value::String(next)) if descending => one >= next,
        (Value::String(one), Value::String(next)) => one <= next,
        (_, Value::Null) => true,
        _ => false,
    })
}

/// However rare what is looked for is: a page looks at so many tasks, and says where it ended.
#[test]
fn a_page_looks_at_so_many_tasks_and_no_more() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let input: TaskInput = serde_json::from_str(r#"{ "title": "hay" }"#).unwrap();
    for _ in 0..9 {
        let commits: Vec<Commit> =
            (0..500).map(|_| create_task(&mut fixture.context(&user), &input).unwrap().0).collect();
        fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    }
    let (needle, _) = fixture.task(&user, r#"{ "title": "needle" }"#);
    let clock = Clock { now: NOON, zone: Zone::utc(), week_start: Weekday::Mon };
    for sort in SORTS {
        let filter = Some(parse("title ~ needle", &clock).unwrap());
        let listing = Listing { sort, filter, ..Listing::default() };
        let (mut pages, mut after, mut seen) = (0, None, Vec::new());
        loop {
            let page = fixture.store.tasks(&user, &listing, after.as_ref(), 51).unwrap();
            seen.extend(page.read().unwrap().iter().map(|task| task.id.to_owned()));
            pages += 1;
            after = page.end().cloned();
            if after.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), (vec![needle.id.to_string()], 3), "{sort:?}");
    }
}
