//! Lists of tasks: each order is that of an index, so that a page costs what it shows, however many tasks there are.

use perennial_domain::{TaskStatus, UserId};

use super::shown::TASK;
use crate::asked::Bind;
use crate::asked::order::{Asked, Key, Kind, Part};
use crate::rows::Value;
use crate::rows::shown::PAGE;
use crate::{Among, Listing, Place, WALK};

/// A statement, and what stands for its parameters.
pub(super) struct Question {
    pub statement: String,
    pub parameters: Vec<Value>,
}

/// What stands for the parameters of a statement.
pub(super) struct Parameters(pub Vec<Value>);

impl Parameters {
    /// Of a statement for a user, who is `$1`.
    pub fn of(user: &UserId) -> Self {
        Self(vec![user.as_str().into()])
    }
}

impl Bind for Parameters {
    fn bind(&mut self, value: impl Into<Value>) -> String {
        let value = value.into();
        let kind = if matches!(value, Value::Integer(_)) { "bigint" } else { "text" };
        self.0.push(value);
        format!("${}::{kind}", self.0.len())
    }
}

/// The tasks of the user with these ids, a JSON array, in its order.
pub(super) fn only(user: &UserId, ids: &str) -> Question {
    let rows = format!(
        "SELECT {TASK} AS task FROM jsonb_array_elements_text($2::text::jsonb) WITH ORDINALITY AS e (id, place) \
         CROSS JOIN LATERAL (SELECT * FROM task WHERE id = e.id AND user_id = $1::text AND deleted_at IS NULL LIMIT 1) AS t \
         ORDER BY e.place"
    );
    Question { statement: whole(&rows, "NULL"), parameters: vec![user.as_str().into(), ids.into()] }
}

/// The tasks of a page, in order: those of each status, and those with and without what they are ordered by, have an index
/// each, and are merged as they are read. What a filter asks for besides is looked for among so many of them.
pub(super) fn list(user: &UserId, listing: &Listing, after: Option<&Place>, limit: u32) -> Question {
    let mut parameters = Parameters(vec![user.as_str().into(), limit.into()]);
    let asked = Asked::of(listing, after, &mut parameters);
    let Parameters(parameters) = parameters;
    if asked.conditions.is_empty() {
        let rows = format!("SELECT {TASK} AS task FROM ({}) AS t", ordered(&asked, "t.*", "$2::bigint"));
        return Question { statement: whole(&rows, "NULL"), parameters };
    }
    let walk = WALK.to_string();
    let rows = format!(
        "SELECT {TASK} AS task FROM ({}) AS t WHERE {} LIMIT $2::bigint",
        ordered(&asked, "t.*", &walk),
        asked.conditions.join(" AND ")
    );
    // Who has a full page goes on after its last task.
    let end = format!(
        "CASE WHEN count(*) < $2::bigint THEN (SELECT json_build_array(key, place)::text FROM ({}) AS walked OFFSET {WALK} - 1) END",
        ordered(&asked, "t.id", &walk)
    );
    Question { statement: whole(&rows, &end), parameters }
}

/// The tasks of a page as one list, cut after the task with which it has its bytes; whether it was; then where looking ended, if
/// there is more to look at. What is beneath `OFFSET 0` is made once.
fn whole(rows: &str, end: &str) -> String {
    format!(
        "SELECT '[' || string_agg(task, ',') FILTER (WHERE before < {PAGE}) || ']', (max(before) >= {PAGE})::int::bigint, {end}::text \
         FROM (SELECT task, coalesce(sum(octet_length(task)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before \
          FROM ({rows} OFFSET 0) AS shown) AS sized"
    )
}

/// Tasks of a list in its order, from a place on: what is `wanted` of each, its key and its place. Each branch is bounded by itself, so
/// that it is read in the order of its index whatever is thought of how many rows there are.
fn ordered(asked: &Asked<'_>, wanted: &str, limit: &str) -> String {
    let (direction, _) = asked.direction();
    let parts: Vec<String> = asked
        .parts()
        .iter()
        .map(|Part { is_keyed, kinds }| {
            let branches: Vec<String> = kinds
                .iter()
                .flat_map(|Kind { key, condition }| {
                    let order = match key.column {
                        Some(column) => format!("{column} {direction}, {} {direction}", key.id),
                        None => format!("{} {direction}", key.id),
                    };
                    sources(asked, key).into_iter().map(move |source| {
                        format!(
                            "(SELECT {wanted}, {} AS key, {} AS place FROM {source} AND {condition} ORDER BY {order} LIMIT {limit})",
                            key.shown, key.id
                        )
                    })
                })
                .collect();
            match branches.as_slice() {
                [only] => only.clone(),
                _ if *is_keyed => format!(
                    "({} ORDER BY key {direction}, place {direction} LIMIT {limit})",
                    branches.join(" UNION ALL ")
                ),
                _ => format!("({} ORDER BY place {direction} LIMIT {limit})", branches.join(" UNION ALL ")),
            }
        })
        .collect();
    match parts.as_slice() {
        [only] => only.clone(),
        _ => format!("{} LIMIT {limit}", parts.join(" UNION ALL ")),
    }
}

/// The tables of a branch with the condition on them: one for each status that is asked for.
fn sources(asked: &Asked<'_>, key: &Key) -> Vec<String> {
    let listing = asked.listing;
    if matches!(listing.among, Among::Deleted) {
        return vec![
            "task AS t WHERE t.user_id = $1::text AND t.deleted_at IS NOT NULL AND NOT t.forgotten"
                .to_owned(),
        ];
    }
    let statuses: &[&str] = match listing.status {
        None => &["open", "done"],
        Some(TaskStatus::Open) => &["open"],
        Some(TaskStatus::Done) => &["done"],
    };
    let scope = asked.scope.as_deref().unwrap_or("NULL");
    let source = |status: &&str| match &listing.among {
        // Its parts are few, whoever they are of and whatever their order.
        Among::Parent(_) => format!(
            "(SELECT * FROM task WHERE parent_id = {scope} AND deleted_at IS NULL OFFSET 0) AS t \
             WHERE t.user_id = $1::text AND t.status = '{status}'"
        ),
        Among::Tag(_) if key.is_of_tags() => format!(
            "task_tag AS g CROSS JOIN LATERAL (SELECT * FROM task \
              WHERE id = g.task_id AND user_id = $1::text AND deleted_at IS NULL LIMIT 1) AS t \
             WHERE g.user_id = $1::text AND g.tag = {scope} AND g.status = '{status}'"
        ),
        among => {
            let of = match among {
                Among::Project(_) => format!(" AND t.project_id = {scope}"),
                _ => String::new(),
            };
            format!(
                "task AS t WHERE t.user_id = $1::text AND t.deleted_at IS NULL AND t.status = '{status}'{of}"
            )
        }
    };
    statuses.iter().map(source).collect()
}
