//! Lists of what a search finds.
//!
//! The rarest of its words leads to the tasks that may be found; of those with all of its words the newest are taken, with the
//! places of the words, and the domain says which are found and how well. What is looked at on the way is bounded, whatever is
//! searched for and however many tasks there are.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use perennial_domain::search::{Candidate, Posting, Query, Term, rank};
use perennial_domain::{TaskId, TaskStatus, Timestamp, UserId};
use serde_json::{Value as Json, json};

use super::listed::{Listed, Parameters};
use super::row::Row;
use super::{Sql, Sqlite, filtered};
use crate::{Listing, MATCHES, Place, Sort, StoreError, Tasks};

/// Tasks of a word that are counted to find the rarest.
const COUNTED: u32 = 1_000;

/// Tasks of the rarest word that are looked at, the newest first; of a beginning, those of the whole word, as many entries of
/// others, and as many of the newest tasks of each status.
const WALKED: u32 = 5_000;

/// Words of a task that are read where only their beginning is asked for.
const BEGUN: u32 = 50;

/// What the places of all words may take together, in bytes: beyond, fewer tasks are ranked.
const PLACES: u32 = 4 * 1024 * 1024;

/// A task that may be found: when it was created, what it is ordered by unless by relevance, and the words with their places.
type Found = (TaskId, Timestamp, Json, Vec<(String, String)>);

/// A task that is found, and where it stands.
struct Hit {
    score: u32,
    created: Timestamp,
    key: Json,
    id: TaskId,
}

impl<S: Sql> Sqlite<S> {
    /// A page of what a search finds, which is looked for anew for each page.
    pub(super) fn found(
        &self,
        user: &UserId,
        (listing, query): (&Listing, &Query),
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Tasks, StoreError> {
        let leading = self.rarest(user, query)?;
        let mut hits = self.hits(user, listing, query, leading)?;
        if let Some(after) = after {
            let after = Hit::at(after);
            hits.retain(|hit| after.order(hit, listing).is_lt());
        }
        let page = hits.get(..limit).unwrap_or(&hits);
        let end = page.last().filter(|_| hits.len() > page.len()).map(|hit| hit.place(listing.sort));
        let ids: Vec<TaskId> = page.iter().map(|hit| hit.id).collect();
        let shown = Listed::only(user, &serde_json::to_string(&ids)?);
        let places = page.iter().map(|hit| (hit.id, hit.place(listing.sort))).collect();
        Ok(Tasks { places, end, ..self.shown(&shown)? })
    }

    /// Which of the words that must be there the fewest of the user's tasks have.
    fn rarest<'q>(&self, user: &UserId, query: &'q Query) -> Result<Word<'q>, StoreError> {
        let words: Vec<Word<'q>> = query.terms.iter().flat_map(Word::of).collect();
        if let [only] = words.as_slice() {
            return Ok(*only);
        }
        let mut parameters = Parameters::of(user);
        let counts: Vec<String> = words
            .iter()
            .map(|word| {
                let is = word.is("w", &mut parameters);
                format!("(SELECT count(*) FROM (SELECT 1 FROM task_word AS w WHERE w.user_id = ?1 AND {is} LIMIT {COUNTED}))")
            })
            .collect();
        let counts = format!("SELECT json_array({})", counts.join(", "));
        let counts: Vec<u32> = self.query_one(&counts, &parameters.0, Row::json)?.unwrap_or_default();
        // Among equals one that is whole: of a beginning the words come in the order of the alphabet, not of the tasks.
        let rarest = words.into_iter().zip(counts).min_by_key(|(word, count)| (*count, word.is_begun));
        rarest.map(|(word, _)| word).ok_or_else(|| StoreError::Database("a search without words".to_owned()))
    }

    fn hits(
        &self,
        user: &UserId,
        listing: &Listing,
        query: &Query,
        leading: Word<'_>,
    ) -> Result<Vec<Hit>, StoreError> {
        let mut parameters = Parameters::of(user);
        let statement = candidates(listing, query, leading, &mut parameters);
        let found: Vec<Found> = self.query(&statement, &parameters.0, Row::json)?;
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
        Ok(hits)
    }
}

/// The newest tasks that have all words of a search, as [`Found`].
fn candidates(listing: &Listing, query: &Query, leading: Word<'_>, parameters: &mut Parameters) -> String {
    let walk = |word: Word<'_>, order: &str, parameters: &mut Parameters| {
        let is = word.is("w", parameters);
        format!(
            "SELECT w.task_id FROM task_word AS w WHERE w.user_id = ?1 AND {is} ORDER BY {order} LIMIT {WALKED}"
        )
    };
    let whole = walk(Word { is_begun: false, ..leading }, "w.task_id DESC", parameters);
    let walked = if leading.is_begun {
        let begun = walk(leading, "w.word DESC, w.task_id DESC", parameters);
        // A task may have hundreds of such words: the newest tasks are looked at whatever others have.
        let is = leading.is("w", parameters);
        let of = |status: &str| {
            format!(
                "SELECT * FROM (SELECT id FROM task INDEXED BY task_by_status WHERE user_id = ?1 AND deleted_at IS NULL \
                 AND status = '{status}' ORDER BY id DESC LIMIT {WALKED})"
            )
        };
        let newest = format!(
            "SELECT n.id AS task_id FROM ({} UNION ALL {}) AS n \
             WHERE EXISTS (SELECT 1 FROM task_word AS w WHERE w.task_id = n.id AND {is})",
            of("open"),
            of("done")
        );
        format!(
            "SELECT task_id FROM ({whole}) UNION SELECT task_id FROM ({begun}) UNION SELECT task_id FROM ({newest})"
        )
    } else {
        whole
    };
    let mut conditions = vec!["t.user_id = ?1 AND t.deleted_at IS NULL".to_owned()];
    conditions.extend(listing.status.map(|status| match status {
        TaskStatus::Open => "t.status = 'open'".to_owned(),
        TaskStatus::Done => "t.status = 'done'".to_owned(),
    }));
    conditions.extend(listing.filter.iter().map(|filter| filtered::condition(filter, parameters)));
    let mut has = |word: Word<'_>| {
        let is = word.is("x", parameters);
        format!("EXISTS (SELECT 1 FROM task_word AS x WHERE x.task_id = t.id AND {is})")
    };
    conditions.extend(query.terms.iter().flat_map(Word::of).filter(|word| *word != leading).map(&mut has));
    // Of a phrase that must not be there the words may be.
    let single = query.excluded.iter().filter(|term| term.words.len() == 1).flat_map(Word::of);
    conditions.extend(single.map(&mut has).map(|has| format!("NOT {has}")));
    let key = match listing.sort {
        Sort::Relevance | Sort::Created => "NULL",
        Sort::Due => "t.next_due_at",
        Sort::Priority => "t.rank",
        Sort::Updated => "t.updated_at",
        Sort::Position => "coalesce(t.position, t.id)",
    };
    let places: Vec<String> = query
        .needed()
        .into_iter()
        .map(|(text, is_begun)| {
            let word = Word { text, is_begun };
            let is = word.is("p", parameters);
            format!("SELECT word, places FROM (SELECT p.word, p.places FROM task_word AS p WHERE p.task_id = found.id AND {is} LIMIT {BEGUN})")
        })
        .collect();
    format!(
        "WITH walked (id) AS MATERIALIZED ({walked}), \
         found (id, created, key) AS MATERIALIZED (SELECT t.id, t.created_at, {key} FROM walked CROSS JOIN task AS t ON t.id = walked.id \
          WHERE {} ORDER BY t.id DESC LIMIT {MATCHES}), \
         placed (id, created, key, words) AS MATERIALIZED (SELECT id, created, key, (SELECT json_group_array(json_array(word, places)) \
          FROM ({})) FROM found) \
         SELECT json_array(id, created, key, json(words)) FROM ( \
          SELECT id, created, key, words, sum(octet_length(words)) OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING) AS size FROM placed) \
         WHERE size <= {PLACES}",
        conditions.join(" AND "),
        places.join(" UNION ALL ")
    )
}

/// A word of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word<'q> {
    text: &'q str,
    /// Whether it is the beginning of what is asked for.
    is_begun: bool,
}

impl<'q> Word<'q> {
    fn of(term: &'q Term) -> Vec<Self> {
        let last = term.words.len().saturating_sub(1);
        let words = term.words.iter().enumerate();
        words.map(|(at, text)| Self { text, is_begun: term.is_prefix && at == last }).collect()
    }

    /// That a row of words is of it. Text is compared by its bytes, whose order is that of the code points.
    fn is(self, row: &str, parameters: &mut Parameters) -> String {
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
