//! The order of a list of tasks `t`, and what of it a page is made of: each kind of task is in the order of an index, from a place on.

use perennial_domain::filter::{Bounds, Condition, Quantity, Test};

use super::Bind;
use super::filtered::{self, Says};
use crate::{Among, Listing, Place, Sort};

/// A list as a statement is asked for it.
pub(crate) struct Asked<'a> {
    pub listing: &'a Listing,
    /// What stands for the project, the task or the tag that it is of.
    pub scope: Option<String>,
    /// What a task has to fulfil besides.
    pub conditions: Vec<String>,
    after: Option<After>,
    range: Range,
}

/// What of a page comes before all else of it, or after: in the order of its keys, where it has any, and of places.
pub(crate) struct Part {
    pub is_keyed: bool,
    pub kinds: Vec<Kind>,
}

/// Tasks of one kind of key that may be on a page.
pub(crate) struct Kind {
    pub key: &'static Key,
    /// Which they are, beside those of the list.
    pub condition: String,
}

impl<'a> Asked<'a> {
    /// A list after a place in it.
    pub fn of<S: Says>(listing: &'a Listing, after: Option<&Place>, parameters: &mut S) -> Self {
        let mut conditions: Vec<String> =
            listing.filter.iter().map(|filter| filtered::condition(filter, parameters)).collect();
        let scope = match &listing.among {
            Among::All | Among::Deleted => None,
            Among::Project(id) => Some(parameters.bind(id.to_string())),
            Among::Parent(id) => Some(parameters.bind(id.to_string())),
            Among::Tag(tag) if has_index(listing) => Some(parameters.bind(tag.as_str())),
            Among::Tag(tag) => {
                conditions.push(filtered::condition(&Condition::Test(Test::Tag(tag.clone())), parameters));
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
        let range = Range::of(listing, after.as_ref(), parameters);
        Self { listing, scope, conditions, after, range }
    }

    /// Its direction, and what follows in it.
    pub fn direction(&self) -> (&'static str, &'static str) {
        match self.listing.descending || matches!(self.listing.among, Among::Deleted) {
            true => ("DESC", "<"),
            false => ("ASC", ">"),
        }
    }

    /// What the page is made of. What has nothing to be ordered by comes after all that has.
    pub fn parts(&self) -> Vec<Part> {
        [false, true].into_iter().map(|last| self.part(last)).filter(|part| !part.kinds.is_empty()).collect()
    }

    fn part(&self, last: bool) -> Part {
        let those = || keys(self.listing).iter().filter(|key| key.last == last);
        let kind = |key: &'static Key| {
            let from = match &self.after {
                Some(after) => after.condition(key, self.direction().1)?,
                None => String::new(),
            };
            Some(Kind { key, condition: format!("{}{}{from}", key.condition, self.range.condition(key)) })
        };
        let is_outside = last && self.range.is_of_keys;
        Part {
            is_keyed: those().any(|key| key.column.is_some()),
            kinds: those().filter(|_| !is_outside).filter_map(kind).collect(),
        }
    }
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
    fn of(listing: &Listing, after: Option<&After>, parameters: &mut impl Bind) -> Self {
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
pub(crate) struct Key {
    /// Whether it comes after all others.
    last: bool,
    /// The column, where there is one beside the id.
    pub column: Option<&'static str>,
    /// The id that completes the order.
    pub id: &'static str,
    /// What is shown as its key.
    pub shown: &'static str,
    /// Which tasks.
    condition: &'static str,
}

impl Key {
    /// Whether it is found by its tag.
    pub fn is_of_tags(&self) -> bool {
        self.id == OF_TAG
    }
}

const fn key(last: bool, column: Option<&'static str>, shown: &'static str, condition: &'static str) -> Key {
    Key { last, column, id: "t.id", shown, condition }
}

const OF_TAG: &str = "g.task_id";

const CREATED: &[Key] = &[key(false, None, "NULL", "true")];
const DUE: &[Key] = &[
    key(false, Some("t.next_due_at"), "t.next_due_at", "t.next_due_at IS NOT NULL"),
    key(true, None, NOTHING, "t.next_due_at IS NULL"),
];
const PRIORITY: &[Key] = &[key(false, Some("t.rank"), "t.rank", "true")];
const UPDATED: &[Key] = &[key(false, Some("t.updated_at"), "t.updated_at", "true")];
const POSITION: &[Key] = &[
    key(false, Some("t.position"), "t.position", "t.position IS NOT NULL"),
    key(false, None, "t.id", "t.position IS NULL"),
];
const DELETED: &[Key] = &[key(false, Some("t.deleted_at"), "t.deleted_at", "true")];
const TAG_CREATED: &[Key] = &[Key { id: OF_TAG, ..key(false, None, "NULL", "true") }];
const TAG_DUE: &[Key] = &[
    Key { id: OF_TAG, ..key(false, Some("g.due_at"), "g.due_at", "g.due_at IS NOT NULL") },
    Key { id: OF_TAG, ..key(true, None, NOTHING, "g.due_at IS NULL") },
];

/// No instant.
const NOTHING: &str = "CAST(NULL AS bigint)";

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
