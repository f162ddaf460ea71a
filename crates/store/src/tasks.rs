//! Tasks as their user sees them: text that is read where it lies, and shown again as it came.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use perennial_domain::{Priority, RecurrenceInput, TaskId, TaskStatus, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::json;
use serde_json::value::RawValue;

use crate::{Among, Listing, OccurrenceRecord, ParkedRecord, Place, Sort, StoreError};

/// Tasks as the store gave them: a JSON array of [`TaskRecord`]s.
#[derive(Debug, Clone, PartialEq)]
pub struct Tasks {
    pub(crate) text: String,
    pub(crate) cut: bool,
    pub(crate) end: Option<Place>,
    /// Where those that a search has found stand.
    pub(crate) places: BTreeMap<TaskId, Place>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { text: "[]".to_owned(), cut: false, end: None, places: BTreeMap::new() }
    }
}

impl Tasks {
    /// There are more than these, which are large.
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Where looking for more ended, though there is more to look at.
    pub fn end(&self) -> Option<&Place> {
        self.end.as_ref()
    }

    /// Where one of them stands in the list.
    pub fn place(&self, task: &TaskRecord<'_>, listing: &Listing) -> Option<Place> {
        match listing.search {
            Some(_) => self.places.get(&TaskId::parse(task.id)?).cloned(),
            None => task.place(listing),
        }
    }

    /// Reads them.
    pub fn read(&self) -> Result<Vec<TaskRecord<'_>>, StoreError> {
        Ok(serde_json::from_str(&self.text)?)
    }
}

/// A task with its earliest open occurrence. It is read from an array, so the order of its members is that of the statement.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct TaskRecord<'a> {
    pub id: &'a str,
    pub version: i64,
    #[serde(borrow)]
    pub title: &'a RawValue,
    #[serde(borrow)]
    pub description: &'a RawValue,
    pub priority: Priority,
    #[serde(deserialize_with = "kept")]
    pub tags: KeptList,
    #[serde(borrow)]
    pub due: &'a RawValue,
    #[serde(borrow)]
    pub start: &'a RawValue,
    #[serde(borrow)]
    pub duration: &'a RawValue,
    pub project: Option<&'a str>,
    pub parent: Option<&'a str>,
    pub position: &'a str,
    #[serde(deserialize_with = "kept")]
    pub metadata: KeptMap,
    #[serde(deserialize_with = "kept")]
    pub recurrence: Option<RecurrenceInput>,
    #[serde(deserialize_with = "kept")]
    pub reminders: KeptList,
    pub status: TaskStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub next_due_at: Option<Timestamp>,
    pub rank: i64,
    pub occurrence: Option<OccurrenceRecord>,
    /// Why its next occurrence does not come.
    pub parked: Option<ParkedRecord>,
}

impl TaskRecord<'_> {
    /// Where it stands in a list.
    fn place(&self, listing: &Listing) -> Option<Place> {
        let key = match (&listing.among, listing.sort) {
            (Among::Deleted, _) => json!(self.deleted_at),
            (_, Sort::Created | Sort::Relevance) => json!(null),
            (_, Sort::Due) => json!(self.next_due_at),
            (_, Sort::Priority) => json!(self.rank),
            (_, Sort::Updated) => json!(self.updated_at),
            (_, Sort::Position) => json!(self.position),
        };
        Some(Place { key, id: TaskId::parse(self.id)? })
    }
}

/// A list that was checked when it was written. It is shown as it is kept; `None`: empty.
#[derive(Debug, Default)]
pub struct KeptList(Option<Box<RawValue>>);

impl KeptList {
    /// The JSON array.
    pub fn as_raw(&self) -> Option<&RawValue> {
        self.0.as_deref()
    }
}

/// A map that was checked when it was written, as it is kept; `None`: empty.
#[derive(Debug, Default)]
pub struct KeptMap(Option<Box<RawValue>>);

impl KeptMap {
    /// The JSON object.
    pub fn as_raw(&self) -> Option<&RawValue> {
        self.0.as_deref()
    }
}

/// What is kept as JSON text in a column. What is no such document, which nothing here has written, reads as nothing: it
/// spoils its own row and not the list that the row is in.
trait Kept: Default {
    fn read(text: &str) -> Option<Self>;
}

impl Kept for KeptList {
    fn read(text: &str) -> Option<Self> {
        if text == "[]" || !text.starts_with('[') {
            return None;
        }
        serde_json::from_str(&compact(text)).ok().map(|list| Self(Some(list)))
    }
}

impl Kept for KeptMap {
    fn read(text: &str) -> Option<Self> {
        if text == "{}" || !text.starts_with('{') {
            return None;
        }
        serde_json::from_str(&compact(text)).ok().map(|map| Self(Some(map)))
    }
}

impl Kept for Option<RecurrenceInput> {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// JSON without the spaces that PostgreSQL puts between its tokens, so that it is shown as it was made.
fn compact(text: &str) -> Cow<'_, str> {
    if !text.contains(", ") && !text.contains(": ") {
        return text.into();
    }
    let (mut quoted, mut escaped) = (false, false);
    let is_kept = |letter: &char| {
        let is_kept = quoted || *letter != ' ';
        quoted ^= *letter == '"' && !escaped;
        escaped = *letter == '\\' && !escaped;
        is_kept
    };
    text.chars().filter(is_kept).collect::<String>().into()
}

fn kept<'de, D: Deserializer<'de>, T: Kept>(column: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<T: Kept> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text or NULL")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            Ok(T::read(text).unwrap_or_default())
        }

        fn visit_unit<E: Error>(self) -> Result<T, E> {
            Ok(T::default())
        }
    }

    column.deserialize_any(Text(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_go_between_tokens_alone() {
        for (kept, shown) in [
            (r#"["a", "b, c", "d: \", \", e", "f"]"#, r#"["a","b, c","d: \", \", e","f"]"#),
            (r#"{"a": {"b, ": null}, "c": [1, 2]}"#, r#"{"a":{"b, ":null},"c":[1,2]}"#),
            (r#"["a\\", "b\\\\", " c "]"#, r#"["a\\","b\\\\"," c "]"#),
            (r#"["a","b"]"#, r#"["a","b"]"#),
        ] {
            assert_eq!(compact(kept), shown);
        }
    }
}
