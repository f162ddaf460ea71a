//! Which of the tasks that have the words of a search it finds, and in which order.

use std::cmp::Reverse;

use super::query::{Query, Term};
use super::token::{Field, Token};
use crate::Timestamp;

/// A task that may be found.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<K> {
    /// What names it.
    pub key: K,
    /// When it was created.
    pub created: Timestamp,
    /// Its tokens, or those that [`Query::needed`] asks for.
    pub tokens: Vec<Token>,
}

/// Where a term stands: from one word of the task to another, and what that counts for.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: u32,
    last: u32,
    field: Field,
    weight: u32,
}

impl Query {
    /// How well a task of these tokens is found; `None` if it is not. They are all that it has, or those that
    /// [`needed`](Self::needed) asks for.
    ///
    /// Each term counts by the best place where it stands: a whole word 6 in the title, 4 in a tag, 2 in the description, the
    /// beginning of one 5, 3 and 1, a phrase so much for each of its words. Two terms that stand side by side, in the order of
    /// the search, count once more what a whole word of that field does.
    pub fn score(&self, tokens: &[Token]) -> Option<u32> {
        if self.excluded.iter().any(|term| !term.places(tokens).is_empty()) {
            return None;
        }
        let mut score: u32 = 0;
        let mut before: Vec<Place> = Vec::new();
        for term in &self.terms {
            let places = term.places(tokens);
            score = score.saturating_add(places.iter().map(|place| place.weight).max()?);
            let mut next: Vec<u32> = before.iter().map(|place| place.last.saturating_add(1)).collect();
            next.sort_unstable();
            let beside = places.iter().filter(|place| next.binary_search(&place.first).is_ok());
            let bonus = beside.map(|place| whole(place.field)).max().unwrap_or(0);
            score = score.saturating_add(bonus);
            before = places;
        }
        Some(score)
    }
}

/// The candidates that a search finds, with their scores: the best first, among equals the newest, and then by key.
pub fn rank<K: Ord + Clone>(query: &Query, candidates: &[Candidate<K>]) -> Vec<(K, u32)> {
    let mut found: Vec<(Reverse<u32>, Reverse<Timestamp>, &K)> = candidates
        .iter()
        .filter_map(|one| Some((Reverse(query.score(&one.tokens)?), Reverse(one.created), &one.key)))
        .collect();
    found.sort();
    found.into_iter().map(|(score, _, key)| (key.clone(), score.0)).collect()
}

impl Term {
    /// Every place where its words follow each other.
    fn places(&self, tokens: &[Token]) -> Vec<Place> {
        let Some((last, before)) = self.words.split_last() else { return Vec::new() };
        // Where the words so far may go on; anywhere, before the first.
        let mut next: Option<Vec<u32>> = None;
        for word in before {
            let same = tokens.iter().filter(|token| token.text == *word);
            let mut positions: Vec<u32> = same.flat_map(|token| token.positions.iter().copied()).collect();
            positions.sort_unstable();
            let found = match next {
                Some(next) => common(&positions, &next),
                None => positions,
            };
            next = Some(found.into_iter().map(|at| at.saturating_add(1)).collect());
        }
        let length = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        let mut places = Vec::new();
        for token in tokens {
            let is_whole = token.text == *last;
            let is_begun = self.is_prefix && token.text.starts_with(last.as_str());
            if !is_whole && !is_begun {
                continue;
            }
            let one = whole(token.field).saturating_sub(u32::from(!is_whole));
            let weight = one.saturating_mul(length);
            let found = next.as_ref().map(|next| common(&token.positions, next));
            for last in found.as_ref().unwrap_or(&token.positions).iter().copied() {
                let first = last.saturating_sub(length.saturating_sub(1));
                places.push(Place { first, last, field: token.field, weight });
            }
        }
        places
    }
}

/// Those of some numbers that are among others as well; both in order.
fn common(some: &[u32], others: &[u32]) -> Vec<u32> {
    let mut others = others.iter().peekable();
    let is_common = |one: &u32| {
        while others.next_if(|other| *other < one).is_some() {}
        others.peek() == Some(&one)
    };
    some.iter().copied().filter(is_common).collect()
}

/// What a whole word counts for.
fn whole(field: Field) -> u32 {
    match field {
        Field::Title => 6,
        Field::Tag => 4,
        Field::Description => 2,
    }
}
