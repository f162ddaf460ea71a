//! In which order what is found is shown.

use perennial_domain::Timestamp;
use perennial_domain::search::{Candidate, Query, rank};

use super::{Text, score, tokens_of};

/// Candidates by their number, each an hour newer than the one before.
fn ranked(query: &str, texts: &[Text]) -> Vec<usize> {
    let query = Query::parse(query).unwrap();
    let candidates: Vec<Candidate<usize>> = (0..)
        .zip(texts)
        .map(|(key, text)| Candidate {
            key,
            created: Timestamp::from_millis(3_600_000 * i64::try_from(key).unwrap()),
            tokens: tokens_of(*text),
        })
        .collect();
    let found = rank(&query, &candidates);
    // The order of what was given plays no part.
    let mut turned = candidates;
    turned.reverse();
    assert_eq!(rank(&query, &turned), found);
    found.into_iter().map(|(key, _)| key).collect()
}

#[test]
fn a_term_counts_by_its_best_place() {
    for (query, text, expected) in [
        ("rent", ("rent", &[][..], ""), Some(6)),
        ("ren", ("rent", &[], ""), Some(5)),
        ("rent", ("x", &["rent"], ""), Some(4)),
        ("ren", ("x", &["rent"], ""), Some(3)),
        ("rent", ("x", &[], "rent"), Some(2)),
        ("ren", ("x", &[], "rent"), Some(1)),
        ("rent", ("rent", &["rent"], "rent rent"), Some(6)),
        ("ren", ("rents", &["ren"], ""), Some(5)),
        ("pay rent", ("pay rent", &[], ""), Some(6 + 6 + 6)),
        ("pay rent", ("rent pay", &[], ""), Some(6 + 6)),
        ("pay rent", ("pay", &["rent"], ""), Some(6 + 4)),
        ("pay ren", ("x", &[], "pay rent"), Some(2 + 1 + 2)),
        ("\"pay rent\"", ("pay rent", &[], ""), Some(12)),
        ("\"pay rent\"", ("x", &["pay rent"], ""), Some(8)),
        ("\"pay rent\" now", ("pay rent now", &[], ""), Some(12 + 6 + 6)),
        ("pay home", ("pay rent", &[], ""), None),
        ("pay -rent", ("pay rent", &[], ""), None),
    ] {
        assert_eq!(score(query, text), expected, "{query} in {text:?}");
    }
}

#[test]
fn the_title_comes_before_tags_and_they_before_the_description() {
    let texts: [Text; 3] = [("a", &[], "rent"), ("b", &["rent"], ""), ("rent", &[], "")];
    assert_eq!(ranked("rent", &texts), [2, 1, 0]);
    let turned: [Text; 3] = [texts[2], texts[1], texts[0]];
    assert_eq!(ranked("rent", &turned), [0, 1, 2]);
}

#[test]
fn whole_words_come_before_beginnings_and_phrases_before_words() {
    assert_eq!(ranked("ren", &[("ren", &[], ""), ("rent", &[], "")]), [0, 1]);
    assert_eq!(
        ranked("pay rent", &[("pay rent", &[], ""), ("rent: pay", &[], ""), ("pay my rent", &[], "")]),
        [0, 2, 1]
    );
}

#[test]
fn among_equals_the_newest_comes_first_and_then_the_key() {
    assert_eq!(
        ranked("rent", &[("rent", &[], ""), ("x", &[], ""), ("Rent!", &[], ""), ("a rent", &[], "")]),
        [3, 2, 0]
    );
    let query = Query::parse("rent").unwrap();
    let same =
        |key: u8| Candidate { key, created: Timestamp::from_millis(0), tokens: tokens_of(("rent", &[], "")) };
    assert_eq!(rank(&query, &[same(2), same(3), same(1)]), [(1, 6), (2, 6), (3, 6)]);
}
