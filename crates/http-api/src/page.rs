//! Pages of lists: limits and opaque cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use perennial_domain::{TaskId, UserId};
use perennial_store::Page;
use serde::Serialize;

use crate::{Form, Parameter, Problem, Query};

/// Items of a page unless told otherwise.
const DEFAULT: u32 = 50;
/// Most items of a page.
const MAX: u32 = 200;
/// Longest cursor, in characters.
const MAX_CURSOR: usize = 800;

/// The parameter for the items of a page.
pub const LIMIT: Parameter = Parameter {
    name: "limit",
    form: Form::Number { from: 1, to: MAX, default: DEFAULT },
    words: "Most items of the page.",
};

/// The parameter for where a page starts.
pub const CURSOR: Parameter = Parameter {
    name: "cursor",
    form: Form::Text(MAX_CURSOR, "^[A-Za-z0-9_-]+$"),
    words: "The `next_cursor` of the page before.",
};

/// Where a page starts and how much it shows.
#[derive(Debug, Clone)]
pub struct PageQuery {
    limit: u32,
    after: Option<String>,
}

impl PageQuery {
    /// Reads `limit` and `cursor`.
    pub fn read(query: &Query) -> Result<Self, Problem> {
        let limit = query.get("limit").and_then(|text| text.parse().ok()).unwrap_or(DEFAULT);
        let wrong = || Problem::malformed("cursor is not one that was given out");
        let after = query.get("cursor").map(|text| decode(text).ok_or_else(wrong)).transpose()?;
        Ok(Self { limit, after })
    }

    /// Reads them for a list in the order in which its rows were made.
    pub fn of_rows(query: &Query) -> Result<Self, Problem> {
        Self::read_of(query, |text| text.parse::<i64>().is_ok())
    }

    /// Reads them for a list whose places look so.
    fn read_of(query: &Query, is_place: impl Fn(&str) -> bool) -> Result<Self, Problem> {
        let page = Self::read(query)?;
        page.after(|text| is_place(text).then_some(()))?;
        Ok(page)
    }

    /// Reads them for a list in the order of ids: UUIDs, or the first user's.
    pub fn of_ids(query: &Query) -> Result<Self, Problem> {
        Self::read_of(query, |text| TaskId::parse(text).is_some() || text == UserId::admin().as_str())
    }

    /// Most items shown.
    pub fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    /// Where the page starts, read by whoever made the cursor.
    pub fn after<T>(&self, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let wrong = || Problem::malformed("cursor is not one that was given out for this list");
        self.after.as_deref().map(|text| read(text).ok_or_else(wrong)).transpose()
    }

    /// What to ask the store for: one item more than is shown, to learn whether there is another page.
    pub fn to_store(&self) -> Page {
        Page { after: self.after.clone(), limit: self.limit.saturating_add(1) }
    }

    /// The page to show: `place` gives an item's place in the list, `show` its representation.
    pub fn show<'a, T, R>(
        &self,
        rows: &'a [T],
        place: impl Fn(&T) -> String,
        show: impl Fn(&'a T) -> R,
    ) -> Items<R> {
        self.show_part(rows, false, None, place, show)
    }

    /// The same of a list that may have been `cut` before the page was full, or whose looking for more came to an `end`.
    pub fn show_part<'a, T, R>(
        &self,
        rows: &'a [T],
        cut: bool,
        end: Option<String>,
        place: impl Fn(&T) -> String,
        show: impl Fn(&'a T) -> R,
    ) -> Items<R> {
        let shown = rows.get(..self.limit()).unwrap_or(rows);
        let next_cursor = match (shown.last(), cut || rows.len() > shown.len()) {
            (Some(last), true) => Some(URL_SAFE_NO_PAD.encode(place(last))),
            _ => end.map(|end| URL_SAFE_NO_PAD.encode(end)),
        };
        Items { items: shown.iter().map(show).collect(), next_cursor }
    }
}

fn decode(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

/// A page as shown.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "{R}Page"))]
pub struct Items<R> {
    #[cfg_attr(feature = "schema", schemars(length(max = MAX)))]
    items: Vec<R>,
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_CURSOR)))]
    next_cursor: Option<String>,
}
