//! What holds of every search and every task, whatever is in them.

use std::collections::BTreeSet;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use perennial_domain::search::{
    Field, MAX_PLACES, MAX_QUERY_WORDS, MAX_TERMS, MAX_TOKENS, MAX_WORD, MAX_WORDS, Posting, Query, Token,
    matches, tokens, words,
};
use proptest::prelude::*;

use super::mutated;

/// Few words, so that searches and tasks meet; and signs.
const PIECES: &str = "a b ab abc a b ab cafe Café cafe\u{301} é STRASSE straße ς 東 京 東京 タワー タ 한국 ก็ 12 2026-12-01 e-mail don't \
    R&D x.y 🎂 ﷺ ½ \u{0} \u{200d} \u{ad} \u{301}";
const SIGNS: &str = "\" \" - * “ ” ' ( : , .";

fn text(most: usize) -> impl Strategy<Value = String> {
    let pieces: Vec<&'static str> = PIECES.split(' ').filter(|piece| !piece.is_empty()).collect();
    let piece = prop_oneof![12 => prop::sample::select(pieces).prop_map(str::to_owned), 1 => any::<String>()];
    let gap = prop_oneof![6 => Just(" "), 1 => Just(""), 1 => Just("\n"), 1 => Just(", ")];
    prop::collection::vec((piece, gap), 0..most)
        .prop_map(|parts| parts.into_iter().map(|(piece, gap)| piece + gap).collect())
}

fn search() -> impl Strategy<Value = String> {
    let pieces: Vec<&'static str> = PIECES.split(' ').filter(|piece| !piece.is_empty()).collect();
    let signs: Vec<&'static str> = SIGNS.split(' ').collect();
    let piece = prop_oneof![3 => prop::sample::select(pieces), 1 => prop::sample::select(signs)];
    let gap = prop_oneof![2 => Just(" "), 1 => Just("")];
    prop::collection::vec((piece, gap), 1..7)
        .prop_map(|parts| parts.into_iter().map(|(piece, gap)| piece.to_owned() + gap).collect())
}

/// Holds a search against all that must be true of one; whether it was read.
fn check(text: &str) -> Option<Query> {
    let read = Query::parse(text);
    match &read {
        Ok(query) => {
            assert!(!query.terms.is_empty(), "{text:?}");
            let terms: Vec<_> = query.terms.iter().chain(&query.excluded).collect();
            let words: Vec<&String> = terms.iter().flat_map(|term| &term.words).collect();
            assert!(terms.len() <= MAX_TERMS && words.len() <= MAX_QUERY_WORDS, "{text:?}");
            assert!(terms.iter().all(|term| !term.words.is_empty()), "{text:?}");
            for word in words {
                assert!((1..=MAX_WORD).contains(&word.chars().count()), "{text:?}");
            }
        }
        Err(invalid) => {
            assert_eq!(invalid.errors.len(), 1, "{text:?}");
            assert_eq!(invalid.errors[0].pointer, "/q", "{text:?}");
        }
    }
    read.ok()
}

/// Holds the tokens of a task against all that must be true of them.
fn check_tokens(title: &str, tags: &[String], description: &str) -> Vec<Token> {
    let found = tokens(title, tags, description);
    assert!(found.len() <= MAX_TOKENS);
    let keys: BTreeSet<(&str, Field)> =
        found.iter().map(|token| (token.text.as_str(), token.field)).collect();
    assert_eq!(keys.len(), found.len(), "each once");
    let positions: BTreeSet<u32> = found.iter().flat_map(|token| token.positions.iter().copied()).collect();
    let places: usize = found.iter().map(|token| token.positions.len()).sum();
    assert_eq!(positions.len(), places, "one word stands in one place");
    assert!(places <= MAX_WORDS);
    for token in &found {
        assert!((1..=MAX_WORD).contains(&token.text.chars().count()), "{token:?}");
        assert!(token.positions.windows(2).all(|pair| pair[0] < pair[1]) && !token.positions.is_empty());
        assert!(token.text.contains(char::is_alphanumeric), "{token:?}");
        assert!(token.positions.len() <= MAX_PLACES, "{token:?}");
    }
    let postings = Posting::of(found.clone());
    let words: BTreeSet<&str> = postings.iter().map(|posting| posting.0.as_str()).collect();
    assert_eq!(words.len(), postings.len(), "each word is kept once");
    assert_eq!(
        postings.iter().flat_map(Posting::tokens).collect::<Vec<_>>(),
        found,
        "what is kept is read again"
    );
    found
}

/// Tokens of the words that a search needs: what a store fetches.
fn fetched(query: &Query, tokens: &[Token]) -> Vec<Token> {
    let needed = query.needed();
    let is_needed = |token: &&Token| {
        needed.iter().any(
            |(word, begins)| {
                if *begins { token.text.starts_with(word) } else { token.text == *word }
            },
        )
    };
    tokens.iter().filter(is_needed).cloned().collect()
}

fn agree(query: &Query, title: &str, tags: &[String], description: &str) -> bool {
    let all = check_tokens(title, tags, description);
    let score = query.score(&all);
    assert_eq!(
        score.is_some(),
        matches(query, title, tags, description),
        "{query:?}: {title:?} {tags:?} {description:?}"
    );
    assert_eq!(score, query.score(&fetched(query, &all)), "{query:?}: {all:?}");
    let turned: Vec<Token> = all.iter().rev().cloned().collect();
    assert_eq!(score, query.score(&turned), "in any order");
    assert_ne!(score, Some(0));
    score.is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        check(&text);
        check_tokens(&text, std::slice::from_ref(&text), &text);
    }

    #[test]
    fn tokens_say_what_the_plain_definition_says(
        search in search(), title in text(6), tags in prop::collection::vec(text(3), 0..3), description in text(12)
    ) {
        if let Some(query) = check(&search) {
            agree(&query, &title, &tags, &description);
        }
    }

    /// What is folded once stays as it is: a word found in a task finds it.
    #[test]
    fn every_word_of_a_task_finds_it(title in text(8)) {
        for word in words(&title) {
            prop_assert_eq!(words(&word).concat(), word.clone(), "{:?}", title);
            let query = Query::parse(&format!("\"{word}\"")).unwrap();
            prop_assert!(agree(&query, &title, &[], ""), "{word:?} in {title:?}");
        }
    }

    /// A text is found by itself as a phrase, however it is written.
    #[test]
    fn every_text_is_found_by_itself(title in text(5)) {
        let plain: String = title.chars().filter(|letter| !"\"“”".contains(*letter)).take(100).collect();
        for written in [plain.clone(), plain.to_uppercase()] {
            if let Some(query) = check(&format!("\"{written}\"")) {
                let found = query.score(&tokens(&plain, &[], "")).is_some();
                prop_assert!(found || words(&written) != words(&plain), "{written:?} in {plain:?}");
            }
        }
    }
}

/// A search and a text of pieces and bytes.
fn fuzzed(u: &mut Unstructured<'_>, most: u8) -> Result<String> {
    let pieces: Vec<&str> = PIECES.split(' ').chain(SIGNS.split(' ')).collect();
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=most)? {
        match u.int_in_range(0..=12_u8)? {
            0 => text += u.arbitrary::<&str>()?,
            1 => text.push(u.arbitrary()?),
            _ => text += u.choose(&pieces)?,
        }
        text += u.choose(&[" ", " ", ""])?;
    }
    Ok(text)
}

/// For as long as it may take: `SEARCH_FUZZ_SECONDS`, two unless told otherwise.
#[test]
fn fuzzing_finds_no_search_on_which_tokens_and_definition_differ() {
    let seconds: u64 = std::env::var("SEARCH_FUZZ_SECONDS").map_or(2, |text| text.parse().unwrap());
    let (mut searches, mut read, mut found) = (0_u64, 0_u64, 0_u64);
    arbtest(|u| {
        searches += 1;
        if let Some(query) = check(&fuzzed(u, 5)?) {
            read += 1;
            let tags = [fuzzed(u, 3)?, fuzzed(u, 3)?];
            found += u64::from(agree(&query, &fuzzed(u, 8)?, &tags, &fuzzed(u, 20)?));
        }
        Ok(())
    })
    .budget_ms(seconds * 1_000)
    .size_max(4_096)
    .run();
    println!("{searches} searches, {read} of them read, {found} found what they were tried on");
    assert!(read > 20 && searches > read && found > 20, "{searches}, {read}, {found}");
}

#[test]
fn fuzzing_finds_no_mutant_without_an_answer() {
    mutated::fuzz(include_str!("searches.txt"), |text| check(text).is_some());
}
