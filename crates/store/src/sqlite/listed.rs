//! Lists of tasks: each order is that of an index, so that a page costs what it shows, however many tasks there are.

use perennial_domain::filter::{Bounds, Condition, Quantity, Test};
use perennial_domain::{TaskStatus, UserId};

use super::shown::TASK;
use super::{Value, filtered};
use crate::{Among, Listing, Place, Sort, WALK};

/// What a list of tasks may take before it is cut, in bytes: fifty tasks have 20 KB, two hundred of the largest 13 MB.
const LIST: u32 = 256 * 1024;

/// A query, and what stands for its parameters.
pub(super) struct Listed {
    /// What it begins with: the tasks that are looked at, where not all of them are shown.
    walked: String,
    /// The tasks, as `task`.
    rows: String,
    parameters: Vec<Value>,
}

/// What is asked of a connection.
pub(super) struct Question {
    pub statement: String,
    pub parameters: Vec<Value>,
}

impl Listed {
    /// The tasks of the user with these ids, a JSON array, in its order.
    pub fn only(user: &UserId, ids: &str) -> Self {
        let rows = format!(
            "SELECT {TASK} AS task FROM json_each(?2) AS e CROSS JOIN task AS t ON t.id = e.value \
             WHERE t.user_id = ?1 AND t.deleted_at IS NULL ORDER BY e.key"
        );
        Self { walked: String::new(), rows, parameters: vec![user.as_str().into(), ids.into()] }
    }

    /// The tasks of a page as one list, and 0; or NULL and 1 where they are too large for one. Then where looking ended, if there
    /// is more to look at.
    pub fn whole(&self) -> Question {
        self.question(&format!(
            "SELECT CASE WHEN total(octet_length(task)) < {LIST} THEN '[' || group_concat(task, ',') || ']' END, \
             total(octet_length(task)) >= {LIST}, {} FROM ({})",
            self.end(),
            self.rows
        ))
    }

    /// The same of tasks that are too large for one list. It is cut after the task with which it has its bytes.
    pub fn cut(&self) -> Question {
        let sized = format!(
            "SELECT task, coalesce(sum(octet_length(task)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before \
             FROM ({})",
            self.rows
        );
        self.question(&format!(
            "SELECT '[' || group_concat(task, ',') FILTER (WHERE before < {LIST}) || ']', max(before) >= {LIST}, {} FROM ({sized})",
            self.end()
        ))
    }

    fn question(&self, select: &str) -> Question {
        Question { statement: format!("{}{select}", self.walked), parameters: self.parameters.clone() }
    }

    fn end(&self) -> String {
        match self.walked.as_str() {
            "" => "NULL".to_owned(),
            _ => format!("(SELECT json_array(key, id) FROM walked LIMIT 1 OFFSET {WALK} - 1)"),
        }
    }
}

/// The tasks of a page, in order: those of each status, and those with and without what they are ordered by, have an index
/// each, and are merged as they are read. What a filter asks for besides is looked for among so many of them.
pub(super) fn list(user: &UserId, listing: &Listing, after: Option<&Place>, limit: u32) -> Listed {
    let mut parameters = Parameters(vec![user.as_str().into(), limit.into()]);
    let mut conditions: Vec<String> =
        listing.filter.iter().map(|filter| filtered::condition(filter, &mut parameters)).collect();
    let scope = match &listing.among {
        Among::All | Among::Deleted => None,
        Among::Project(id) => Some(parameters.bind(id.to_string())),
        Among::Parent(id) => Some(parameters.bind(id.to_string())),
        Among::Tag(tag) if has_index(listing) => Some(parameters.bind(tag.as_str())),
        Among::Tag(tag) => {
            conditions.push(filtered::condition(&Condition::Test(Test::Tag(tag.clone())), &mut parameters));
            None
        }
    };
    let after = after.map(|place| After {
        id: parameters.bind(place.id.to_string()),
        key: match &place.key {
            serde_json::Value::Number(number) => number.as_i64().map(|number| parameters.bind(number)),
            serde_json::Value::String(text) => Some(parameters.bind(text.as_str())),
            _ => None,
        },
    });
    let range = Range::of(listing, after.as_ref(), &mut parameters);
    let Parameters(parameters) = parameters;
    if conditions.is_empty() {
        let rows = ordered(
            listing,
            scope.as_deref(),
            (after.as_ref(), &range),
            ("task", &format!("{TASK} AS task")),
            "?2",
        );
        return Listed { walked: String::new(), rows, parameters };
    }
    let walked =
        ordered(listing, scope.as_deref(), (after.as_ref(), &range), ("key, id", "NULL"), &WALK.to_string());
    let rows = format!(
        "SELECT {TASK} AS task FROM walked CROSS JOIN task AS t ON t.id = walked.id WHERE {} LIMIT ?2",
        conditions.join(" AND ")
    );
    Listed { walked: format!("WITH walked (key, id) AS MATERIALIZED ({walked}) "), rows, parameters }
}

/// What stands for the parameters of a statement.
pub(super) struct Parameters(pub Vec<Value>);

impl Parameters {
    /// Of a statement for a user, who is `?1`.
    pub fn of(user: &UserId) -> Self {
        Self(vec![user.as_str().into()])
    }

    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("?{}", self.0.len())
    }
}

/// Tasks in an order, from a place on: what is `wanted` of what is `shown` of each.
fn ordered(
    listing: &Listing,
    scope: Option<&str>,
    (after, range): (Option<&After>, &Range),
    (wanted, shown): (&str, &str),
    limit: &str,
) -> String {
    let descending = listing.descending || matches!(listing.among, Among::Deleted);
    let (direction, than) = if descending { ("DESC", "<") } else { ("ASC", ">") };
    // What has nothing to be ordered by comes after all that has.
    let parts: Vec<String> = [false, true]
        .into_iter()
        .filter_map(|last| {
            let mut branches = Vec::new();
            let mut order = String::new();
            for key in keys(listing).iter().filter(|key| key.last == last && !(last && range.is_of_keys)) {
                order = match key.column {
                    None if last || listing.sort == Sort::Created => format!("3 {direction}"),
                    _ => format!("2 {direction}, 3 {direction}"),
                };
                let Some(from) = after.map_or(Some(String::new()), |after| after.condition(key, than)) else {
                    continue;
                };
                for source in sources(listing, key, scope) {
                    branches.push(format!(
                        "SELECT {shown}, {} AS key, {} AS id FROM {source} AND {}{}{from}",
                        key.shown,
                        key.id,
                        key.condition,
                        range.condition(key)
                    ));
                }
            }
            let merged = branches.join(" UNION ALL ");
            (!branches.is_empty())
                .then(|| format!("SELECT {wanted} FROM ({merged} ORDER BY {order} LIMIT {limit})"))
        })
        .collect();
    format!("{} LIMIT {limit}", parts.join(" UNION ALL "))
}

/// What a filter asks of that which a list is ordered by: it is begun where that begins, and ends where it ends.
struct Range {
    /// Comparisons, each without its column.
    bounds: Vec<String>,
    /// Whether tasks that have nothing to be ordered by are outside of it.
    is_of_keys: bool,
}

impl Range {
    /// Whatever is filtered by what the list is ordered by. From a place on, that place is its beginning.
    fn of(listing: &Listing, after: Option<&After>, parameters: &mut Parameters) -> Self {
        let quantity = match listing.sort {
            Sort::Due => Some(Quantity::Due),
            Sort::Priority => Some(Quantity::Priority),
            Sort::Updated => Some(Quantity::Updated),
            Sort::Created | Sort::Position | Sort::Relevance => None,
        };
        let quantity = quantity.filter(|_| !matches!(listing.among, Among::Deleted));
        let asked: Vec<Bounds> = match (quantity, &listing.filter) {
            (Some(quantity), Some(filter)) => within(filter, quantity),
            _ => Vec::new(),
        };
        let first = after.is_none();
        let mut bounds = Vec::new();
        for one in &asked {
            let (from, below) = match *one {
                Bounds::From(from) => (Some(from), None),
                Bounds::Below(below) => (None, Some(below)),
                Bounds::Between(from, below) => (Some(from), Some(below)),
            };
            let from = from.filter(|_| first || listing.descending);
            let below = below.filter(|_| first || !listing.descending);
            bounds.extend(from.map(|from| format!(">= {}", parameters.bind(from))));
            bounds.extend(below.map(|below| format!("< {}", parameters.bind(below))));
        }
        // A cursor among those that have nothing is of another filter: there it finds nothing.
        let is_of_keys = !asked.is_empty() && after.is_none_or(|after| after.key.is_some());
        Self { bounds, is_of_keys }
    }

    fn condition(&self, key: &Key) -> String {
        let Some(column) = key.column else { return String::new() };
        self.bounds.iter().map(|bound| format!(" AND {column} {bound}")).collect()
    }
}

/// What must be so of a quantity, whatever else.
fn within(filter: &Condition, quantity: Quantity) -> Vec<Bounds> {
    match filter {
        Condition::Test(Test::Within(of, bounds)) if *of == quantity => vec![*bounds],
        Condition::And(all) => all.iter().flat_map(|one| within(one, quantity)).collect(),
        _ => Vec::new(),
    }
}

/// Whether the tasks with a tag have an index for the order asked for.
fn has_index(listing: &Listing) -> bool {
    matches!(listing.sort, Sort::Created | Sort::Due)
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
        (_, Sort::Created | Sort::Relevance) => CREATED,
        (_, Sort::Due) => DUE,
        (_, Sort::Priority) => PRIORITY,
        (_, Sort::Updated) => UPDATED,
        (_, Sort::Position) => POSITION,
    }
}

/// The index that has tasks in an order. It is named, for what is not known of the tables is guessed otherwise.
fn index(among: &Among, sort: Sort, key: &Key) -> &'static str {
    match (among, sort) {
        (Among::Parent(_), _) => "task_part_kept",
        (Among::Deleted, _) => "task_deleted",
        (Among::Project(_), Sort::Position) if key.column.is_some() => "task_in_project_by_position",
        (Among::Project(_), Sort::Created | Sort::Position | Sort::Relevance) => "task_in_project",
        (Among::Project(_), Sort::Due) => "task_in_project_by_due",
        (Among::Project(_), Sort::Priority) => "task_in_project_by_rank",
        (Among::Project(_), Sort::Updated) => "task_in_project_by_updated",
        (_, Sort::Position) if key.column.is_some() => "task_by_position",
        (_, Sort::Created | Sort::Position | Sort::Relevance) => "task_by_status",
        (_, Sort::Due) => "task_by_due",
        (_, Sort::Priority) => "task_by_rank",
        (_, Sort::Updated) => "task_by_updated",
    }
}

/// The tables of a branch with the condition on them: one for each status that is asked for.
fn sources(listing: &Listing, key: &Key, scope: Option<&str>) -> Vec<String> {
    if matches!(listing.among, Among::Deleted) {
        return vec![
            "task AS t INDEXED BY task_deleted WHERE t.user_id = ?1 AND t.deleted_at IS NOT NULL AND t.forgotten IS NULL"
                .to_owned(),
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
                Among::All | Among::Tag(_) | Among::Deleted => String::new(),
            };
            let index = index(among, listing.sort, key);
            format!(
                "task AS t INDEXED BY {index} WHERE t.user_id = ?1 AND t.deleted_at IS NULL AND t.status = '{status}'{of}"
            )
        }
    };
    statuses.iter().map(source).collect()
}
