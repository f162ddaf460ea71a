//! Filters as conditions on a task `t`. Each is true or false and never NULL: what a task does not have fulfils no test, and its
//! opposite is fulfilled.

use perennial_domain::TaskStatus;
use perennial_domain::filter::{Bounds, Condition, Part, Quantity, Test};

use super::Bind;

/// What each store says in its own words.
pub(crate) trait Says: Bind {
    /// The parameter that says whose task it is.
    const USER: &str;
    /// When the task's earliest open occurrence can be begun; where none is open, when the last one could.
    const START: &str;
    /// That it has a tag.
    const HAS_TAG: &str;
    /// That it has a reminder.
    const HAS_REMINDER: &str;

    /// That it has the tag that a parameter says.
    fn has_tag(tag: &str) -> String;
    /// That its title, in lower case, contains what a parameter says.
    fn title_contains(part: &str) -> String;
}

/// What is to be fulfilled. It is no deeper than the filter that was read.
pub(crate) fn condition<S: Says>(filter: &Condition, parameters: &mut S) -> String {
    let mut joined = |all: &[Condition], word: &str| {
        let all: Vec<String> = all.iter().map(|one| condition(one, parameters)).collect();
        format!("({})", all.join(word))
    };
    match filter {
        Condition::And(all) => joined(all, " AND "),
        Condition::Or(all) => joined(all, " OR "),
        Condition::Not(one) => format!("NOT {}", condition(one, parameters)),
        Condition::Test(test) => format!("coalesce({}, false)", fulfilled(test, parameters)),
    }
}

fn fulfilled<S: Says>(test: &Test, parameters: &mut S) -> String {
    match test {
        Test::Within(quantity, bounds) => {
            let column = column::<S>(*quantity);
            match *bounds {
                Bounds::From(from) => format!("{column} >= {}", parameters.bind(from)),
                Bounds::Below(to) => format!("{column} < {}", parameters.bind(to)),
                Bounds::Between(from, to) => {
                    format!("({column} >= {} AND {column} < {})", parameters.bind(from), parameters.bind(to))
                }
            }
        }
        Test::Has(part) => has::<S>(*part).to_owned(),
        Test::Tag(tag) => S::has_tag(&parameters.bind(tag.as_str())),
        Test::ProjectNamed(name) => format!(
            "t.project_id IN (SELECT id FROM project WHERE user_id = {} AND name = {} AND deleted_at IS NULL)",
            S::USER,
            parameters.bind(name.as_str())
        ),
        Test::Project(id) => format!("t.project_id = {}", parameters.bind(id.to_string())),
        Test::Parent(id) => format!("t.parent_id = {}", parameters.bind(id.to_string())),
        Test::Status(TaskStatus::Open) => "t.status = 'open'".to_owned(),
        Test::Status(TaskStatus::Done) => "t.status = 'done'".to_owned(),
        Test::TitleIs(title) => format!("t.title = {}", parameters.bind(title.as_str())),
        Test::TitleContains(part) => S::title_contains(&parameters.bind(part.as_str())),
    }
}

fn column<S: Says>(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Due => "t.next_due_at",
        Quantity::Start => S::START,
        Quantity::Created => "t.created_at",
        Quantity::Updated => "t.updated_at",
        Quantity::Completed => "t.completed_at",
        Quantity::Priority => "t.rank",
        Quantity::Duration => "t.duration_s",
    }
}

fn has<S: Says>(part: Part) -> &'static str {
    match part {
        Part::Due => "t.next_due_at IS NOT NULL",
        Part::Start => "t.start_local IS NOT NULL",
        Part::Completed => "t.completed_at IS NOT NULL",
        Part::Duration => "t.duration_s IS NOT NULL",
        Part::Tag => S::HAS_TAG,
        Part::Project => "t.project_id IS NOT NULL",
        Part::Parent => "t.parent_id IS NOT NULL",
        Part::Reminder => S::HAS_REMINDER,
        Part::Recurrence => "t.recurrence IS NOT NULL",
    }
}
