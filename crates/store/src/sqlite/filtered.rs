//! Filters as conditions on a task `t`. Each is 0 or 1 and never NULL: what a task does not have fulfils no test, and its
//! opposite is fulfilled.

use perennial_domain::TaskStatus;
use perennial_domain::filter::{Bounds, Condition, Part, Quantity, Test};

use super::listed::Parameters;

/// What is to be fulfilled. It is no deeper than the filter that was read.
pub(super) fn condition(filter: &Condition, parameters: &mut Parameters) -> String {
    let mut joined = |all: &[Condition], word: &str| {
        let all: Vec<String> = all.iter().map(|one| condition(one, parameters)).collect();
        format!("({})", all.join(word))
    };
    match filter {
        Condition::And(all) => joined(all, " AND "),
        Condition::Or(all) => joined(all, " OR "),
        Condition::Not(one) => format!("NOT {}", condition(one, parameters)),
        Condition::Test(test) => format!("coalesce({}, 0)", fulfilled(test, parameters)),
    }
}

fn fulfilled(test: &Test, parameters: &mut Parameters) -> String {
    match test {
        Test::Within(quantity, bounds) => {
            let column = column(*quantity);
            match *bounds {
                Bounds::From(from) => format!("{column} >= {}", parameters.bind(from)),
                Bounds::Below(to) => format!("{column} < {}", parameters.bind(to)),
                Bounds::Between(from, to) => {
                    format!("({column} >= {} AND {column} < {})", parameters.bind(from), parameters.bind(to))
                }
            }
        }
        Test::Has(part) => has(*part).to_owned(),
        Test::Tag(tag) => format!(
            "EXISTS (SELECT 1 FROM json_each(iif(json_valid(t.tags), t.tags, '[]')) WHERE value = {})",
            parameters.bind(tag.as_str())
        ),
        Test::ProjectNamed(name) => format!(
            "t.project_id IN (SELECT id FROM project WHERE user_id = ?1 AND name = {} AND deleted_at IS NULL)",
            parameters.bind(name.as_str())
        ),
        Test::Project(id) => format!("t.project_id = {}", parameters.bind(id.to_string())),
        Test::Parent(id) => format!("t.parent_id = {}", parameters.bind(id.to_string())),
        Test::Status(TaskStatus::Open) => "t.status = 'open'".to_owned(),
        Test::Status(TaskStatus::Done) => "t.status = 'done'".to_owned(),
        Test::TitleIs(title) => format!("t.title = {}", parameters.bind(title.as_str())),
        Test::TitleContains(part) => {
            format!("instr(coalesce(t.title_lower, lower(t.title)), {}) > 0", parameters.bind(part.as_str()))
        }
    }
}

/// When an occurrence can be begun is kept with it.
const START: &str = "(SELECT o.start_at FROM occurrence AS o WHERE o.task_id = t.id AND o.user_id = t.user_id \
     ORDER BY o.status <> 'open', o.ordinal * iif(o.status = 'open', 1, -1) LIMIT 1)";

fn column(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Due => "t.next_due_at",
        Quantity::Start => START,
        Quantity::Created => "t.created_at",
        Quantity::Updated => "t.updated_at",
        Quantity::Completed => "t.completed_at",
        Quantity::Priority => "t.rank",
        Quantity::Duration => "t.duration_s",
    }
}

fn has(part: Part) -> &'static str {
    match part {
        Part::Due => "t.next_due_at IS NOT NULL",
        Part::Start => "t.start_local IS NOT NULL",
        Part::Completed => "t.completed_at IS NOT NULL",
        Part::Duration => "t.duration_s IS NOT NULL",
        Part::Tag => "t.tags <> '[]'",
        Part::Project => "t.project_id IS NOT NULL",
        Part::Parent => "t.parent_id IS NOT NULL",
        Part::Reminder => "t.reminders <> '[]'",
        Part::Recurrence => "t.recurrence IS NOT NULL",
    }
}
