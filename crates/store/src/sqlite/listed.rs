//! Lists of tasks: each order is that of an index, so that a page costs what it shows, however many tasks there are.

use perennial_domain::{TaskStatus, UserId};

use super::Value;
use super::shown::TASK;
use crate::asked::Bind;
use crate::asked::order::{Asked, Key, Kind, Part};
use crate::rows::shown::PAGE;
use crate::{Among, Listing, Place, Sort, WALK};

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
            "SELECT CASE WHEN total(octet_length(task)) < {PAGE} THEN '[' || group_concat(task, ',') || ']' END, \
             total(octet_length(task)) >= {PAGE}, {} FROM ({})",
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
            "SELECT '[' || group_concat(task, ',') FILTER (WHERE before < {PAGE}) || ']', max(before) >= {PAGE}, {} FROM ({sized})",
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
    let asked = Asked::of(listing, after, &mut parameters);
    let Parameters(parameters) = parameters;
    if asked.conditions.is_empty() {
        let rows = ordered(&asked, ("task", &format!("{TASK} AS task")), "?2");
        return Listed { walked: String::new(), rows, parameters };
    }
    let walked = ordered(&asked, ("key, id", "NULL"), &WALK.to_string());
    let rows = format!(
        "SELECT {TASK} AS task FROM walked CROSS JOIN task AS t ON t.id = walked.id WHERE {} LIMIT ?2",
        asked.conditions.join(" AND ")
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

impl Bind for Parameters {
    fn bind(&mut self, value: impl Into<Value>) -> String {
        Self::bind(self, value)
    }
}

/// Tasks of a list in its order, from a place on: what is `wanted` of what is `shown` of each.
fn ordered(asked: &Asked<'_>, (wanted, shown): (&str, &str), limit: &str) -> String {
    let (direction, _) = asked.direction();
    let parts: Vec<String> = asked
        .parts()
        .iter()
        .map(|Part { is_keyed, kinds }| {
            let order = match is_keyed {
                true => format!("2 {direction}, 3 {direction}"),
                false => format!("3 {direction}"),
            };
            let branches: Vec<String> = kinds
                .iter()
                .flat_map(|Kind { key, condition }| {
                    sources(asked, key).into_iter().map(move |source| {
                        format!(
                            "SELECT {shown}, {} AS key, {} AS id FROM {source} AND {condition}",
                            key.shown, key.id
                        )
                    })
                })
                .collect();
            let merged = branches.join(" UNION ALL ");
            format!("SELECT {wanted} FROM ({merged} ORDER BY {order} LIMIT {limit})")
        })
        .collect();
    format!("{} LIMIT {limit}", parts.join(" UNION ALL "))
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
fn sources(asked: &Asked<'_>, key: &Key) -> Vec<String> {
    let listing = asked.listing;
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
    let scope = asked.scope.as_deref().unwrap_or("NULL");
    let source = |status: &&str| match &listing.among {
        Among::Tag(_) if key.is_of_tags() => format!(
            "task_tag AS g CROSS JOIN task AS t ON t.id = g.task_id \
             WHERE g.user_id = ?1 AND g.tag = {scope} AND g.status = '{status}' AND t.user_id = ?1 AND t.deleted_at IS NULL"
        ),
        among => {
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
