//! Whether a search finds a task, said as plainly as can be: what stores are held against.

use super::query::{Query, Term};
use super::words::words;

/// Whether a search finds a task of this title, these tags and this description. Slow; without positions, tokens or their bounds:
/// of a task of which nothing is left out it says what [`Query::score`] of its [`tokens`](super::tokens) says.
pub fn matches(query: &Query, title: &str, tags: &[String], description: &str) -> bool {
    let texts = [title, description].into_iter().chain(tags.iter().map(String::as_str));
    let texts: Vec<Vec<String>> = texts.map(words).collect();
    let found = |term: &Term| texts.iter().any(|text| term.stands_in(text));
    query.terms.iter().all(found) && !query.excluded.iter().any(found)
}

impl Term {
    fn stands_in(&self, text: &[String]) -> bool {
        let Some((last, before)) = self.words.split_last() else { return false };
        text.windows(self.words.len()).any(|run| {
            let Some((end, start)) = run.split_last() else { return false };
            start == before && (end == last || self.is_prefix && end.starts_with(last.as_str()))
        })
    }
}
