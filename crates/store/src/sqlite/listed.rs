//! Lists of tasks: each order is that of an index, so that a page costs what it shows, however many tasks there are.

use perennial_domain::{TaskStatus, UserId};

use super::Value;
use super::shown::TASK;
use crate::{Among, Listing, Place, Sort};

/// What a list of tasks may take before it is cut, in bytes: fifty tasks have 20 KB, two hundred of the largest 13 MB.
const LIST: u32 = 1024 * 1024;

/// A query, and what stands for its parameters.
pub(super) struct Listed {
    pub statement: String,
    pub parameters: Vec<Value>,
}

/// The tasks of a page as one list, and 0; or NULL and 1 where they are too large for one.
pub(super) fn whole(rows: &Listed) -> Listed {
    let statement = format!(
        "SELECT CASE WHEN total(octet_length(task)) < {LIST} THEN '[' || group_concat(task, ',') || ']' END, \
         total(octet_length(task)) >= {LIST} FROM ({})",
        rows.statement
    );
    Listed { statement, parameters: rows.parameters.clone() }
}

/// The same of tasks that are too large for one list. It is cut after the task with which it has its bytes.
pub(super) fn cut(rows: &Listed) -> Listed {
    let sized = format!(
        "SELECT task, coalesce(sum(octet_length(task)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before \
         FROM ({})",
        rows.statement
    );
    let statement = format!(
        "SELECT '[' || group_concat(task, ',') FILTER (WHERE before < {LIST}) || ']', max(before) >= {LIST} FROM ({sized})"
    );
    Listed { statement, parameters: rows.parameters.clone() }
}

/// The tasks of a page, in order: those of each status, and those with and without what they are ordered by, have an index
/// each, and are merged as they are read.
pub(super) fn rows(user: &UserId, listing: &Listing, after: Option<&Place>, limit: u32) -> Listed {
    let mut parameters: Vec<Value> = vec![user.as_str().into(), limit.into()];
    let mut bind = |value: Value| {
        parameters.push(value);
        format!("?{}", parameters.len())
    };
    let scope = match &listing.among {
        Among::All | Among::Deleted => None,
        Among::Project(id) => Some(bind(id.to_string().into())),
        Among::Parent(id) => Some(bind(id.to_string().into())),
        Among::Tag(tag) => Some(bind(tag.as_str().into())),
    };
    let after = after.map(|place| After {
        id: bind(place.id.to_string().into()),
        key: match &place.key {
            serde_json::Value::Number(number) => number.as_i64().map(|number| bind(number.into())),
            serde_json::Value::String(text) => Some(bind(text.as_str().into())),
            _ => None,
        },
    });
    let descending = listing.descending || matches!(listing.among, Among::Deleted);
    let (direction, than) = if descending { ("DESC", "<") } else { ("ASC", ">") };
    // What has nothing to be ordered by comes after all that has.
    let mut classes: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    for key in keys(listing) {
        let Some(from) = after.as_ref().map_or(Some(String::new()), |after| after.condition(key, than))
        else {
            continue;
        };
        let class = if key.last { &mut classes[1] } else { &mut classes[0] };
        class.extend(sources(listing, key, scope.as_deref()).into_iter().map(|source| {
            format!(
                "SELECT {TASK} AS task, {} AS key, {} AS id FROM {source} AND {}{from}",
                key.shown, key.id, key.condition
            )
        }));
    }
    let by = |key: &Key| match key.column {
        None if key.last || listing.sort == Sort::Created => format!("3 {direction}"),
        _ => format!("2 {direction}, 3 {direction}"),
    };
    let orders = [keys(listing).first().map(by), keys(listing).last().map(by)];
    let ordered: Vec<String> = classes
        .iter()
        .zip(orders)
        .filter(|(branches, _)| !branches.is_empty())
        .map(|(branches, order)| {
            let order = order.unwrap_or_default();
            format!("SELECT task FROM ({} ORDER BY {order} LIMIT ?2)", branches.join(" UNION ALL "))
        })
        .collect();
    let statement = format!("{} LIMIT ?2", ordered.join(" UNION ALL "));
    Listed { statement, parameters }
}

/// Where the page before ended.
struct After {
    key: Option<String>,
    id: String,
}

impl After {
    /// What follows it among the tasks of a kind of key; `None`: none of them does.
    fn condition(&self, key: &Key, than: &str) -> Option<String> {
        let Self { key: at, id } = self;
        match (at, key.column) {
            // By their ids alone.
            (None, None) => Some(format!(" AND {} {than} {id}", key.id)),
            // What has no key comes last.
            (None, Some(_)) => None,
            (Some(_), None) if key.last => Some(String::new()),
            // A place that an id says.
            (Some(at), None) => Some(format!(" AND ({}, {}) {than} ({at}, {id})", key.id, key.id)),
            (Some(at), Some(column)) => Some(format!(" AND ({column}, {}) {than} ({at}, {id})", key.id)),
        }
    }
}

/// A kind of task by what it is ordered by.
struct Key {
    /// Whether it comes after all others.
    last: bool,
    /// The column, where there is one beside the id.
    column: Option<&'static str>,
    /// The id that completes the order.
    id: &'static str,
    /// What is shown as its key.
    shown: &'static str,
    /// Which tasks.
    condition: &'static str,
}

const fn key(last: bool, column: Option<&'static str>, shown: &'static str, condition: &'static str) -> Key {
    Key { last, column, id: "t.id", shown, condition }
}

const CREATED: &[Key] = &[key(false, None, "NULL", "true")];
const DUE: &[Key] = &[
    key(false, Some("t.next_due_at"), "t.next_due_at", "t.next_due_at IS NOT NULL"),
    key(true, None, "NULL", "t.next_due_at IS NULL"),
];
const PRIORITY: &[Key] = &[key(false, Some("t.rank"), "t.rank", "true")];
const UPDATED: &[Key] = &[key(false, Some("t.updated_at"), "t.updated_at", "true")];
const POSITION: &[Key] = &[
    key(false, Some("t.position"), "t.position", "t.position IS NOT NULL"),
    key(false, None, "t.id", "t.position IS NULL"),
];
const DELETED: &[Key] = &[key(false, Some("t.deleted_at"), "t.deleted_at", "true")];
const TAG_CREATED: &[Key] = &[Key { id: "g.task_id", ..key(false, None, "NULL", "true") }];
const TAG_DUE: &[Key] = &[
    Key { id: "g.task_id", ..key(false, Some("g.due_at"), "g.due_at", "g.due_at IS NOT NULL") },
    Key { id: "g.task_id", ..key(true, None, "NULL", "g.due_at IS NULL") },
];

fn keys(listing: &Listing) -> &'static [Key] {
    match (&listing.among, listing.sort) {
        (Among::Deleted, _) => DELETED,
        (Among::Tag(_), Sort::Created) => TAG_CREATED,
        (Among::Tag(_), Sort::Due) => TAG_DUE,
        (_, Sort::Created) => CREATED,
        (_, Sort::Due) => DUE,
        (_, Sort::Priority) => PRIORITY,
        (_, Sort::Updated) => UPDATED,
        (_, Sort::Position) => POSITION,
    }
}

/// The index that has tasks in an order. It is named, for what is not known of the tables is guessed otherwise.
fn index(among: &Among, sort: Sort, key: &Key) -> &'static str {
    match (among, sort) {
        (Among::Parent(_), _) => "task_part",
        (Among::Deleted, _) => "task_deleted",
        (Among::Project(_), Sort::Position) if key.column.is_some() => "task_in_project_by_position",
        (Among::Project(_), Sort::Created | Sort::Position) => "task_in_project",
        (Among::Project(_), Sort::Due) => "task_in_project_by_due",
        (Among::Project(_), Sort::Priority) => "task_in_project_by_rank",
        (Among::Project(_), Sort::Updated) => "task_in_project_by_updated",
        (_, Sort::Position) if key.column.is_some() => "task_by_position",
        (_, Sort::Created | Sort::Position) => "task_by_status",
        (_, Sort::Due) => "task_by_due",
        (_, Sort::Priority) => "task_by_rank",
        (_, Sort::Updated) => "task_by_updated",
    }
}

/// The tables of a branch with the condition on them: one for each status that is asked for.
fn sources(listing: &Listing, key: &Key, scope: Option<&str>) -> Vec<String> {
    if matches!(listing.among, Among::Deleted) {
        return vec![
            "task AS t INDEXED BY task_deleted WHERE t.user_id = ?1 AND t.deleted_at IS NOT NULL".to_owned(),
        ];
    }
    let statuses: &[&str] = match listing.status {
        None => &["open", "done"],
        Some(TaskStatus::Open) => &["open"],
        Some(TaskStatus::Done) => &["done"],
    };
    let scope = scope.unwrap_or("NULL");
    let source = |status: &&str| match (&listing.among, key.id) {
        (Among::Tag(_), "g.task_id") => format!(
            "task_tag AS g CROSS JOIN task AS t ON t.id = g.task_id \
             WHERE g.user_id = ?1 AND g.tag = {scope} AND g.status = '{status}' AND t.user_id = ?1 AND t.deleted_at IS NULL"
        ),
        (among, _) => {
            let of = match among {
                Among::Project(_) => format!(" AND t.project_id = {scope}"),
                Among::Parent(_) => format!(" AND t.parent_id = {scope}"),
                Among::Tag(_) => format!(
                    " AND EXISTS (SELECT 1 FROM task_tag WHERE user_id = ?1 AND tag = {scope} AND status = '{status}' \
                     AND task_id = t.id)"
                ),
                Among::All | Among::Deleted => String::new(),
            };
            let index = index(among, listing.sort, key);
            format!(
                "task AS t INDEXED BY {index} WHERE t.user_id = ?1 AND t.deleted_at IS NULL AND t.status = '{status}'{of}"
            )
        }
    };
    statuses.iter().map(source).collect()
}
