//! Searches and what they ask for, and what they find.

use perennial_domain::search::{Field, Query, Term, tokens};

use super::{held, score, tags};

/// What a search asks for, below it.
fn shown(text: &str) -> String {
    let term = |term: &Term| {
        let end = if term.is_prefix { "*" } else { "" };
        format!("{}{end}", term.words.join(" "))
    };
    match Query::parse(text) {
        Ok(query) => {
            let terms = query.terms.iter().map(term);
            let excluded = query.excluded.iter().map(|one| format!("not {}", term(one)));
            format!("  = {}\n", terms.chain(excluded).collect::<Vec<_>>().join(" · "))
        }
        Err(invalid) => {
            assert_eq!(invalid.errors.len(), 1, "{text}");
            assert_eq!(invalid.errors[0].pointer, "/q", "{text}");
            format!("  ! {}\n", invalid.errors[0].detail)
        }
    }
}

#[test]
fn the_examples_of_the_documentation_are_read_as_it_says() {
    assert_eq!(held::hold("../../docs/search.md", "search", shown), 9);
}

#[test]
fn searches_are_read_as_written_down() {
    assert!(held::hold("tests/search/searches.txt", "", shown) >= 40);
}

#[test]
fn a_search_finds_what_has_all_its_words() {
    let text = (
        "Pay the café's rent",
        &["next action", "e-mail"][..],
        "Straße 12, 東京タワー.\nSee www.example.com",
    );
    for found in [
        "pay",
        "PAY",
        "pa",
        "rent pay",
        "pay re",
        "pa* rent",
        "cafe",
        "Cafe\u{301}",
        "ＣＡＦＥ",
        "strasse",
        "STRAẞE",
        "next mail",
        "\"next action\"",
        "\"pay the\"",
        "\"the cafe s rent\"",
        "café's",
        "e-mail",
        "mail",
        "example.com",
        "example",
        "東",
        "京",
        "東京",
        "タワー",
        "タワ",
        "東京タワー",
        "12",
        "strasse-12",
        "pay -home",
        "pay -\"rent pay\"",
        "pay -ren",
        "\"rent",
        "pay \"\" !!",
    ] {
        assert!(score(found, text).is_some(), "{found}");
    }
    for missed in [
        "pay home",
        "ent",
        "\"pay rent\"",
        "\"rent pay\"",
        "\"re\"",
        "re pay",
        "\"action e\"",
        "\"rent next\"",
        "\"mail strasse\"",
        "action-e",
        "京東",
        "ワー",
        "pay -rent",
        "pay -ren*",
        "pay -\"next action\"",
        "pay -東京",
    ] {
        assert!(score(missed, text).is_none(), "{missed}");
    }
}

#[test]
fn a_token_says_where_a_word_stands() {
    let found = tokens("Pay rent, pay tax", &tags(&["tax", "new house"]), "Tax of the house");
    let shown: Vec<String> =
        found.iter().map(|token| format!("{} {:?} {:?}", token.text, token.field, token.positions)).collect();
    assert_eq!(
        shown,
        [
            "house Tag [8]",
            "house Description [13]",
            "new Tag [7]",
            "of Description [11]",
            "pay Title [0, 2]",
            "rent Title [1]",
            "tax Title [3]",
            "tax Tag [5]",
            "tax Description [10]",
            "the Description [12]",
        ]
    );
    assert!(Field::Title < Field::Tag && Field::Tag < Field::Description);
    assert_eq!(tokens("🎂 !!", &[], "\u{0}"), []);
}

#[test]
fn what_a_search_needs_is_told_once() {
    let query = Query::parse("pay \"pay rent\" -pay* ren").unwrap();
    assert_eq!(query.needed(), [("pay", false), ("rent", false), ("ren", true), ("pay", true)]);
}
