//! Lists of what a search finds (asked/search.rs).

use perennial_domain::search::Query;
use perennial_domain::{TaskStatus, UserId};

use super::listed::{Listed, Parameters};
use super::{Sql, Sqlite};
use crate::asked::filtered;
use crate::asked::search::{BEGUN, COUNTED, Found, PLACES, Page, WALKED, Word, key, page};
use crate::rows::Row;
use crate::{Listing, MATCHES, Place, StoreError, Tasks};

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
        let mut parameters = Parameters::of(user);
        let statement = candidates(listing, query, leading, &mut parameters);
        let found: Vec<Found> = self.query(&statement, &parameters.0, Row::json)?;
        let Page { ids, places, end } = page((listing, query), found, after, limit);
        let shown = Listed::only(user, &serde_json::to_string(&ids)?);
        Ok(Tasks { places, end, ..self.shown(&shown)? })
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
                format!("(SELECT count(*) FROM (SELECT 1 FROM task_word AS w WHERE w.user_id = ?1 AND {is} LIMIT {COUNTED}))")
            })
            .collect();
        let counts = format!("SELECT json_array({})", counts.join(", "));
        let counts: Vec<u32> = self.query_one(&counts, &parameters.0, Row::json)?.unwrap_or_default();
        Word::rarest(words, counts)
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
    conditions.extend(Word::all(query).into_iter().filter(|word| *word != leading).map(&mut has));
    conditions.extend(Word::none(query).into_iter().map(&mut has).map(|has| format!("NOT {has}")));
    let key = key(listing.sort);
    let places: Vec<String> = Word::needed(query)
        .into_iter()
        .map(|word| {
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
