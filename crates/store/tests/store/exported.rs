//! An export has everything once: whatever the size of its pieces, and whatever is written while it is read.

use std::collections::BTreeSet;

use perennial_domain::*;
use perennial_fixture::{Fixture, WEEKLY};
use perennial_store::*;

const PARTS: [ExportPart; 5] = [
    ExportPart::Projects,
    ExportPart::Tasks,
    ExportPart::Occurrences,
    ExportPart::Overrides,
    ExportPart::Changes,
];

/// The places of all that is in a part, read in pieces; `between` is done after each.
fn read(
    fixture: &mut Fixture,
    user: &UserId,
    part: ExportPart,
    size: (u32, u32),
    mut between: impl FnMut(&mut Fixture),
) -> Vec<String> {
    let (mut places, mut after) = (Vec::new(), String::new());
    loop {
        let piece = fixture.store.export(user, part, &after, size).unwrap();
        assert!(piece.rows.len() <= usize::try_from(size.0).unwrap());
        assert!(size.1 > 1 || piece.rows.len() <= 1, "more bytes than were asked for");
        places.extend(piece.rows.into_iter().map(|row| row.place));
        between(fixture);
        match piece.next {
            Some(next) => after = next,
            None => return places,
        }
    }
}

fn delete(fixture: &mut Fixture, user: &UserId, task: &Task) {
    let state = fixture.state(user, task, None);
    let commit = delete_task(&mut fixture.context(user), &state);
    fixture.store.commit(&commit).unwrap();
}

/// Tasks that are open, done and deleted, each with a change of an occurrence.
fn some(fixture: &mut Fixture, user: &UserId, count: usize) -> Vec<Task> {
    let mut tasks = Vec::new();
    for number in 0..count {
        let (task, occurrence) =
            fixture.task(user, if number % 3 == 1 { r#"{ "title": "Once" }"# } else { WEEKLY });
        if number % 3 != 1 {
            let change = OverrideInput {
                recurrence_id: "2026-12-07T07:00:00[Europe/Berlin]".to_owned(),
                title: Some("Bins out".to_owned()),
                ..OverrideInput::default()
            };
            let state = fixture.state(user, &task, None);
            let (change, _) = override_occurrence(&mut fixture.context(user), &state, &change).unwrap();
            fixture.store.commit(&change).unwrap();
        }
        match number % 3 {
            1 => fixture.complete(user, &task, &occurrence).unwrap(),
            2 => delete(fixture, user, &task),
            _ => {}
        }
        let name = ProjectInput { name: format!("{number}"), ..ProjectInput::default() };
        let project = create_project(&mut fixture.context(user), &name).unwrap().0;
        fixture.store.commit(&project).unwrap();
        tasks.push(task);
    }
    tasks
}

#[test]
fn each_part_has_everything_once_in_pieces_of_any_size() {
    let mut fixture = Fixture::new();
    let (ada, bo) = (fixture.user("ada"), fixture.user("bo"));
    some(&mut fixture, &bo, 3);
    some(&mut fixture, &ada, 12);
    for (part, query) in PARTS.into_iter().zip([
        "SELECT id FROM project WHERE user_id",
        "SELECT id FROM task WHERE user_id",
        "SELECT task_id || ' ' || recurrence_id FROM occurrence WHERE user_id",
        "SELECT task_id || ' ' || recurrence_id FROM override WHERE user_id",
        "SELECT id FROM audit_v4 WHERE told AND user_id",
    ]) {
        let all = fixture.rows(&format!("{query} = '{ada}' ORDER BY 1")).concat();
        assert!(all.len() >= 8, "{part:?}");
        for size in [(1, 100_000), (5, 100_000), (200, 100_000), (200, 1), (200, 1_500)] {
            let places = read(&mut fixture, &ada, part, size, |_| ());
            let places: Vec<_> = places.into_iter().map(Value::Text).collect();
            assert_eq!(places, all, "{part:?} in pieces of {size:?}");
        }
    }
    // And each is what it is.
    let one = |part| fixture.store.export(&ada, part, "", (1, 1)).unwrap().rows.remove(0);
    assert_eq!(one(ExportPart::Projects).project().unwrap().input.name, "0");
    assert_eq!(one(ExportPart::Tasks).task().unwrap().title.get(), "\"Bins\"");
    assert_eq!(one(ExportPart::Occurrences).occurrence().unwrap().1.ordinal, 1);
    assert_eq!(
        one(ExportPart::Overrides).change_of_occurrence().unwrap().1.title.as_deref(),
        Some("Bins out")
    );
    assert_eq!(one(ExportPart::Changes).change().unwrap().action, "task.create");
}

/// What moves between the lists that an export is read from is neither left out nor told twice.
#[test]
fn what_is_there_throughout_comes_once_whatever_becomes_of_it_meanwhile() {
    for part in [ExportPart::Tasks, ExportPart::Occurrences] {
        let mut fixture = Fixture::new();
        let ada = fixture.user("ada");
        let tasks = some(&mut fixture, &ada, 12);
        let mut turn = 0;
        let places = read(&mut fixture, &ada, part, (1, 100_000), |fixture| {
            // Each moves to the bin, or out of it, in turn.
            let task = &tasks[(turn * 5) % 12];
            turn += 1;
            if fixture.store.series(&ada, task.id, None).unwrap().is_some() {
                delete(fixture, &ada, task);
            } else {
                let state = fixture.store.deleted_series(&ada, task.id).unwrap().unwrap();
                let commit = restore_task(&mut fixture.context(&ada), &state).unwrap().0;
                fixture.store.commit(&commit).unwrap();
            }
        });
        let of_tasks: Vec<&str> = places.iter().map(|place| place.split(' ').next().unwrap()).collect();
        let unique: BTreeSet<&String> = places.iter().collect();
        assert_eq!(unique.len(), places.len(), "{part:?}");
        for task in tasks {
            assert!(of_tasks.contains(&task.id.to_string().as_str()), "{part:?}");
        }
    }
}

/// Most tasks have nothing that differs: a piece looks at so many and says where to go on.
#[test]
fn a_piece_looks_at_so_many_tasks_and_no_more() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let input: TaskInput = serde_json::from_str(r#"{ "title": "x" }"#).unwrap();
    let commits: Vec<Commit> =
        (0..1_100).map(|_| create_task(&mut fixture.context(&ada), &input).unwrap().0).collect();
    fixture.store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
    some(&mut fixture, &ada, 1);
    let mut pieces = 0;
    let places = read(&mut fixture, &ada, ExportPart::Overrides, (10, 100_000), |_| pieces += 1);
    assert_eq!((places.len(), pieces), (1, 4));
}
