//! What a condition means, said in another way.

use std::collections::BTreeSet;

use perennial_domain::Timestamp;
use perennial_domain::filter::{Bounds, Condition, Facts, Part, Quantity, Test, lowered};

/// The tasks that a condition is of, by the algebra of sets: another way to the same answer.
pub fn found(condition: &Condition, tasks: &[Facts]) -> BTreeSet<usize> {
    let every: BTreeSet<usize> = (0..tasks.len()).collect();
    match condition {
        Condition::And(parts) => parts.iter().fold(every, |left, part| &left & &found(part, tasks)),
        Condition::Or(parts) => parts.iter().fold(BTreeSet::new(), |left, part| &left | &found(part, tasks)),
        Condition::Not(inner) => &every - &found(inner, tasks),
        Condition::Test(test) => every.into_iter().filter(|index| fulfilled(test, &tasks[*index])).collect(),
    }
}

/// A test, by the printed values of a task: each field has none, one or several.
fn fulfilled(test: &Test, task: &Facts) -> bool {
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis).into_iter().collect::<Vec<_>>();
    let values = |quantity: Quantity| match quantity {
        Quantity::Due => millis(task.due),
        Quantity::Start => millis(task.start),
        Quantity::Created => millis(Some(task.created)),
        Quantity::Updated => millis(Some(task.updated)),
        Quantity::Completed => millis(task.completed),
        Quantity::Duration => task.duration.into_iter().collect(),
        Quantity::Priority => vec![task.priority as i64],
    };
    match test {
        Test::Within(quantity, bounds) => values(*quantity).into_iter().any(|value| {
            let (from, to) = match *bounds {
                Bounds::From(from) => (from, i64::MAX),
                Bounds::Below(to) => (i64::MIN, to),
                Bounds::Between(from, to) => (from, to),
            };
            (from..to).contains(&value)
        }),
        Test::Has(Part::Due) => !values(Quantity::Due).is_empty(),
        Test::Has(Part::Start) => !values(Quantity::Start).is_empty(),
        Test::Has(Part::Completed) => !values(Quantity::Completed).is_empty(),
        Test::Has(Part::Duration) => !values(Quantity::Duration).is_empty(),
        Test::Has(Part::Tag) => task.tags.concat() != "",
        Test::Has(Part::Project) => task.project.is_some(),
        Test::Has(Part::Parent) => task.parent.is_some(),
        Test::Has(Part::Reminder) => task.has_reminders,
        Test::Has(Part::Recurrence) => task.recurs,
        Test::Tag(tag) => task.tags.iter().any(|other| other == tag),
        Test::ProjectNamed(name) => task.project.iter().any(|(_, other)| other == name),
        Test::Project(id) => task.project.iter().any(|(other, _)| other == id),
        Test::Parent(id) => task.parent.iter().any(|other| other == id),
        Test::Status(status) => task.status == *status,
        Test::TitleIs(title) => task.title == *title,
        Test::TitleContains(part) => lowered(&task.title).matches(part.as_str()).next().is_some(),
    }
}

/// How deep a condition is: at least as deep as it is printed.
pub fn depth(condition: &Condition) -> usize {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => 1 + parts.iter().map(depth).max().unwrap(),
        Condition::Not(inner) => 1 + depth(inner),
        Condition::Test(_) => 0,
    }
}
