//! Lists of what a search finds (asked/search.rs).

use perennial_domain::search::Query;
use perennial_domain::{TaskStatus, UserId};

use super::listed::{self, Parameters};
use super::{Pg, Postgres};
use crate::asked::filtered;
use crate::asked::search::{BEGUN, COUNTED, Found, PLACES, Page, WALKED, Word, key, page};
use crate::rows::Row;
use crate::rows::shown::tasks;
use crate::{Listing, MATCHES, Place, StoreError, Tasks};

impl<S: Pg> Postgres<S> {
    /// A page of what a search finds, which is looked for anew for each page.
    pub(super) fn searched(
        &self,
        user: &UserId,
        (listing, query): (&Listing, &Query),
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Tasks, StoreError> {
        let leading = self.rarest(user, query)?;
        let mut parameters = Parameters::of(user);
        let statement = candidates(listing, query, leading, &mut parameters);
        let found: Vec<Found> = self.query(&statement, &parameters.0, Row::json)?;
        let Page { ids, places, end } = page((listing, query), found, after, limit);
        if ids.is_empty() {
            return Ok(Tasks::default());
        }
        let shown = listed::only(user, &serde_json::to_string(&ids)?);
        let shown = self.query_one(&shown.statement, &shown.parameters, tasks)?;
        Ok(Tasks { places, end, ..shown.unwrap_or_default() })
    }

    /// Which of the words that must be there the fewest of the user's tasks have.
    fn rarest<'q>(&self, user: &UserId, query: &'q Query) -> Result<Word<'q>, StoreError> {
        let words = Word::all(query);
        if let [only] = words.as_slice() {
            return Ok(*only);
        }
        let mut parameters = Parameters::of(user);
        let counts: Vec<String> = words
            .iter()
            .map(|word| {
                let is = word.is("w", &mut parameters);
                format!(
                    "(SELECT count(*) FROM (SELECT 1 FROM task_word AS w WHERE w.user_id = $1::text AND {is} LIMIT {COUNTED}) AS w)"
                )
            })
            .collect();
        let counts = format!("SELECT json_build_array({})::text", counts.join(", "));
        let counts: Vec<u32> = self.query_one(&counts, &parameters.0, Row::json)?.unwrap_or_default();
        Word::rarest(words, counts)
    }
}

/// The newest tasks that have all words of a search, as [`Found`]. What is asked of a task by its id, or of its words, is asked of one
/// after the other (`LATERAL`, `OFFSET 0`): they are few, whatever is thought of their number.
fn candidates(listing: &Listing, query: &Query, leading: Word<'_>, parameters: &mut Parameters) -> String {
    let walk = |word: Word<'_>, order: &str, parameters: &mut Parameters| {
        let is = word.is("w", parameters);
        format!(
            "SELECT w.task_id AS id FROM task_word AS w WHERE w.user_id = $1::text AND {is} ORDER BY {order} LIMIT {WALKED}"
        )
    };
    let whole = walk(Word { is_begun: false, ..leading }, "w.task_id DESC", parameters);
    let walked = if leading.is_begun {
        let begun = walk(leading, "w.word DESC, w.task_id DESC", parameters);
        // A task may have hundreds of such words: where there are more than are looked at, the newest tasks are, whatever others have.
        let is = leading.is("w", parameters);
        let of = |status: &str| {
            format!(
                "(SELECT t.id FROM task AS t WHERE t.user_id = $1::text AND t.deleted_at IS NULL AND t.status = '{status}' \
                 ORDER BY t.id DESC LIMIT {WALKED})"
            )
        };
        let newest = format!(
            "SELECT n.id FROM ({} UNION ALL {}) AS n \
             WHERE (SELECT count(*) FROM begun) >= {WALKED} \
             AND EXISTS (SELECT 1 FROM task_word AS w WHERE w.task_id = n.id AND {is} OFFSET 0)",
            of("open"),
            of("done")
        );
        format!(
            "WITH begun AS MATERIALIZED ({begun}) \
             SELECT id FROM (({whole}) UNION (SELECT id FROM begun) UNION ({newest})) AS found ORDER BY id DESC OFFSET 0"
        )
    } else {
        whole
    };
    let mut conditions = vec!["t.user_id = $1::text AND t.deleted_at IS NULL".to_owned()];
    conditions.extend(listing.status.map(|status| match status {
        TaskStatus::Open => "t.status = 'open'".to_owned(),
        TaskStatus::Done => "t.status = 'done'".to_owned(),
    }));
    conditions.extend(listing.filter.iter().map(|filter| filtered::condition(filter, parameters)));
    let mut has = |word: Word<'_>| {
        let is = word.is("x", parameters);
        format!("EXISTS (SELECT 1 FROM task_word AS x WHERE x.task_id = walked.id AND {is} OFFSET 0)")
    };
    conditions.extend(Word::all(query).into_iter().filter(|word| *word != leading).map(&mut has));
    conditions.extend(Word::none(query).into_iter().map(&mut has).map(|has| format!("NOT {has}")));
    let places: Vec<String> = Word::needed(query)
        .into_iter()
        .map(|word| {
            let is = word.is("p", parameters);
            format!("(SELECT p.word, p.places FROM task_word AS p WHERE p.task_id = found.id AND {is} LIMIT {BEGUN})")
        })
        .collect();
    format!(
        "SELECT json_build_array(id, created, key, words)::text FROM ( \
          SELECT id, created, key, words, sum(octet_length(words::text)) OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING) AS size FROM ( \
           SELECT id, created, key, (SELECT coalesce(json_agg(json_build_array(word, places)), '[]') FROM ({}) AS p) AS words FROM ( \
            SELECT walked.id, t.created_at AS created, {} AS key FROM ({walked}) AS walked \
            CROSS JOIN LATERAL (SELECT * FROM task WHERE id = walked.id LIMIT 1) AS t \
            WHERE {} ORDER BY walked.id DESC LIMIT {MATCHES}) AS found OFFSET 0) AS placed) AS sized \
         WHERE size <= {PLACES}",
        places.join(" UNION ALL "),
        key(listing.sort),
        conditions.join(" AND "),
    )
}
