//! Pages of lists: limits and opaque cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use perennial_store::Page;
use serde::Serialize;

use crate::Problem;

/// Items of a page unless told otherwise.
const DEFAULT: u32 = 50;
/// Most items of a page.
const MAX: u32 = 200;
/// Longest cursor, in characters.
const MAX_CURSOR: usize = 200;

/// Where a page starts and how much it shows.
#[derive(Debug, Clone)]
pub struct PageQuery {
    limit: u32,
    after: Option<String>,
}

impl PageQuery {
    /// Reads `limit` and `cursor`.
    pub fn parse(query: &[(String, String)]) -> Result<Self, Problem> {
        let value =
            |name: &str| query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let limit = match value("limit") {
            None => DEFAULT,
            Some(text) => Some(text)
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .filter(|limit| (1..=MAX).contains(limit))
                .ok_or_else(|| Problem::malformed(format!("limit must be a number from 1 to {MAX}")))?,
        };
        let after = match value("cursor") {
            None => None,
            Some(text) => {
                Some(decode(text).ok_or_else(|| Problem::malformed("cursor is not one that was given out"))?)
            }
        };
        Ok(Self { limit, after })
    }

    /// Most items shown.
    pub fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
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
        self.show_part(rows, false, place, show)
    }

    /// The same of a list that may have been `cut` before the page was full.
    pub fn show_part<'a, T, R>(
        &self,
        rows: &'a [T],
        cut: bool,
        place: impl Fn(&T) -> String,
        show: impl Fn(&'a T) -> R,
    ) -> Items<R> {
        let shown = rows.get(..self.limit()).unwrap_or(rows);
        let next_cursor = match (shown.last(), cut || rows.len() > shown.len()) {
            (Some(last), true) => Some(URL_SAFE_NO_PAD.encode(place(last))),
            _ => None,
        };
        Items { items: shown.iter().map(show).collect(), next_cursor }
    }
}

fn decode(cursor: &str) -> Option<String> {
    if cursor.is_empty() || cursor.len() > MAX_CURSOR {
        return None;
    }
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

/// A page as shown.
#[derive(Debug, Serialize)]
pub struct Items<R> {
    items: Vec<R>,
    next_cursor: Option<String>,
}
