//! What a search looks for, and what is made of what was found.
//!
//! The rarest of its words leads to the tasks that may be found; of those with all of its words the newest are taken, with the
//! places of the words, and the domain says which are found and how well. What is looked at on the way is bounded, whatever is
//! searched for and however many tasks there are.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use perennial_domain::search::{Candidate, Posting, Query, Term, rank};
use perennial_domain::{TaskId, Timestamp};
use serde_json::{Value as Json, json};

use super::Bind;
use crate::{Listing, Place, Sort, StoreError};

/// Tasks of a word that are counted to find the rarest.
pub(crate) const COUNTED: u32 = 1_000;

/// Tasks of the rarest word that are looked at, the newest first; of a beginning, those of the whole word, as many entries of
/// others, and as many of the newest tasks of each status.
pub(crate) const WALKED: u32 = 5_000;

/// Words of a task that are read where only their beginning is asked for.
pub(crate) const BEGUN: u32 = 50;

/// What the places of all words may take together, in bytes: beyond, fewer tasks are ranked.
pub(crate) const PLACES: u32 = 4 * 1024 * 1024;

/// A task that may be found: when it was created, what it is ordered by unless by relevance, and the words with their places.
pub(crate) type Found = (TaskId, Timestamp, Json, Vec<(String, String)>);

/// A word of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'q> {
    pub text: &'q str,
    /// Whether it is the beginning of what is asked for.
    pub is_begun: bool,
}

impl<'q> Word<'q> {
    /// The words that must be there.
    pub fn all(query: &'q Query) -> Vec<Self> {
        query.terms.iter().flat_map(Self::of).collect()
    }

    /// Those none of which may be there. Of a phrase that must not be there the words may be.
    pub fn none(query: &'q Query) -> Vec<Self> {
        query.excluded.iter().filter(|term| term.words.len() == 1).flat_map(Self::of).collect()
    }

    /// Those whose places are needed.
    pub fn needed(query: &'q Query) -> Vec<Self> {
        query.needed().into_iter().map(|(text, is_begun)| Self { text, is_begun }).collect()
    }

    /// Of several, each with how many tasks have it, the one that the fewest have.
    pub fn rarest(words: Vec<Self>, counts: Vec<u32>) -> Result<Self, StoreError> {
        // Among equals one that is whole: of a beginning the words come in the order of the alphabet, not of the tasks.
        let rarest = words.into_iter().zip(counts).min_by_key(|(word, count)| (*count, word.is_begun));
        rarest.map(|(word, _)| word).ok_or_else(|| StoreError::Database("a search without words".to_owned()))
    }

    fn of(term: &'q Term) -> Vec<Self> {
        let last = term.words.len().saturating_sub(1);
        let words = term.words.iter().enumerate();
        words.map(|(at, text)| Self { text, is_begun: term.is_prefix && at == last }).collect()
    }

    /// That a row of words is of it. Text is compared by its bytes, whose order is that of the code points.
    pub fn is(self, row: &str, parameters: &mut impl Bind) -> String {
        let from = parameters.bind(self.text);
        match self.is_begun.then(|| beyond(self.text)).flatten() {
            Some(end) => format!("{row}.word >= {from} AND {row}.word < {}", parameters.bind(end.as_str())),
            None if self.is_begun => format!("{row}.word >= {from}"),
            None => format!("{row}.word = {from}"),
        }
    }
}

/// The first text that comes after all that begin so; `None`: nothing does.
fn beyond(text: &str) -> Option<String> {
    let mut rest = text.chars();
    while let Some(last) = rest.next_back() {
        let next = (u32::from(last).saturating_add(1)..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            return Some(format!("{}{next}", rest.as_str()));
        }
    }
    None
}

/// What tasks that are found are ordered by unless by relevance.
pub(crate) fn key(sort: Sort) -> &'static str {
    match sort {
        Sort::Relevance | Sort::Created => "NULL",
        Sort::Due => "t.next_due_at",
        Sort::Priority => "t.rank",
        Sort::Updated => "t.updated_at",
        Sort::Position => "coalesce(t.position, t.id)",
    }
}

/// A page of what is found.
pub(crate) struct Page {
    /// The tasks, in their order.
    pub ids: Vec<TaskId>,
    /// Where each of them stands.
    pub places: BTreeMap<TaskId, Place>,
    /// The last of them, where there are more.
    pub end: Option<Place>,
}

/// The page after a place, of what is found among tasks.
pub(crate) fn page(
    (listing, query): (&Listing, &Query),
    found: Vec<Found>,
    after: Option<&Place>,
    limit: usize,
) -> Page {
    let mut hits = hits(listing, query, found);
    if let Some(after) = after {
        let after = Hit::at(after);
        hits.retain(|hit| after.order(hit, listing).is_lt());
    }
    let page = hits.get(..limit).unwrap_or(&hits);
    Page {
        ids: page.iter().map(|hit| hit.id).collect(),
        places: page.iter().map(|hit| (hit.id, hit.place(listing.sort))).collect(),
        end: page.last().filter(|_| hits.len() > page.len()).map(|hit| hit.place(listing.sort)),
    }
}

fn hits(listing: &Listing, query: &Query, found: Vec<Found>) -> Vec<Hit> {
    let mut keys = BTreeMap::new();
    let mut candidates = Vec::new();
    for (id, created, key, words) in found {
        let postings = words.into_iter().map(|(word, places)| Posting(word, places));
        let tokens = postings.flat_map(|posting| posting.tokens()).collect();
        candidates.push(Candidate { key: id, created, tokens });
        keys.insert(id, (created, key));
    }
    let ranked = rank(query, &candidates);
    let hit = |(id, score)| keys.remove(&id).map(|(created, key)| Hit { score, created, key, id });
    let mut hits: Vec<Hit> = ranked.into_iter().filter_map(hit).collect();
    if listing.sort != Sort::Relevance {
        hits.sort_by(|one, other| one.order(other, listing));
    }
    hits
}

/// A task that is found, and where it stands.
struct Hit {
    score: u32,
    created: Timestamp,
    key: Json,
    id: TaskId,
}

impl Hit {
    fn place(&self, sort: Sort) -> Place {
        let key = match sort {
            Sort::Relevance => json!([self.score, self.created]),
            _ => self.key.clone(),
        };
        Place { key, id: self.id }
    }

    /// What stood at a place, as far as the order needs it.
    fn at(place: &Place) -> Self {
        let number = |at: usize| place.key.get(at).and_then(Json::as_i64).unwrap_or_default();
        Self {
            score: u32::try_from(number(0)).unwrap_or_default(),
            created: Timestamp::from_millis(number(1)),
            key: place.key.clone(),
            id: place.id,
        }
    }

    /// How two follow each other: that of [`rank`], or that of the list without a search.
    fn order(&self, other: &Self, listing: &Listing) -> Ordering {
        let turned = |order: Ordering| if listing.descending { order.reverse() } else { order };
        let by_id = self.id.cmp(&other.id);
        match (listing.sort, &self.key, &other.key) {
            (Sort::Relevance, ..) => {
                let rank = |hit: &Self| (Reverse(hit.score), Reverse(hit.created), hit.id);
                rank(self).cmp(&rank(other))
            }
            // What has nothing to be ordered by comes last.
            (_, Json::Null, Json::Null) => turned(by_id),
            (_, Json::Null, _) => Ordering::Greater,
            (_, _, Json::Null) => Ordering::Less,
            (_, one, another) => {
                let numbers = one.as_i64().cmp(&another.as_i64());
                turned(numbers.then(one.as_str().cmp(&another.as_str())).then(by_id))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_beginning_is_the_next_text() {
        for (begin, end) in [
            ("a", Some("b")),
            ("re", Some("rf")),
            ("é", Some("ê")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(beyond(begin).as_deref(), end, "{begin:?}");
        }
    }
}
