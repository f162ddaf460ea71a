//! What a search and the tokens of a task may cost.

use perennial_domain::search::{
    Field, MAX_PLACES, MAX_TOKENS, MAX_WORD, MAX_WORDS, Posting, Query, Token, matches, tokens,
};

use super::tags;

fn refused(text: &str) -> String {
    let error = Query::parse(text).unwrap_err().errors.remove(0);
    assert_eq!((error.pointer.as_str(), error.span), ("/q", None));
    error.detail
}

#[test]
fn a_search_has_bounds() {
    assert!(Query::parse(&"é".repeat(200)).is_ok());
    assert_eq!(refused(&"é".repeat(201)), "has 201 characters; at most 200 are looked for");
    let terms = |count: usize| vec!["a"; count].join(" ");
    assert_eq!(Query::parse(&terms(10)).unwrap().terms.len(), 10);
    assert_eq!(refused(&terms(11)), "has 11 terms; at most 10 are looked for");
    assert_eq!(refused(&format!("a{}", " -b".repeat(10))), "has 11 terms; at most 10 are looked for");
    let phrase = |count: usize| format!("\"{}\"", vec!["a"; count].join(" "));
    assert_eq!(Query::parse(&phrase(40)).unwrap().terms[0].words.len(), 40);
    assert_eq!(refused(&phrase(41)), "has 41 words; at most 40 are looked for");
    // What becomes more when it is folded does so within bounds: this one sign is 18 letters in four words.
    assert_eq!(refused(&"ﷺ ".repeat(11)), "has 11 terms; at most 10 are looked for");
    assert_eq!(refused(&"ﷺ.".repeat(11)), "has 44 words; at most 40 are looked for");
    for nothing in ["", " ", "!!!", "\"\"", "-", "*", "🎂", "\u{200d}"] {
        assert_eq!(refused(nothing), "has no words to look for", "{nothing:?}");
    }
    assert_eq!(refused("a\u{0}b"), "has the control character U+0000");
    assert!(refused("-a").contains("only what is excluded"));
}

#[test]
fn a_long_word_is_cut_in_the_same_way_everywhere() {
    let long = "x".repeat(60);
    let found = tokens(&long, &[], "");
    assert_eq!(found[0].text.chars().count(), MAX_WORD);
    for search in [long.clone(), format!("\"{long}\""), "x".repeat(30), format!("{} y", "x".repeat(40))] {
        let query = Query::parse(&search).unwrap();
        let text = format!("{long} y");
        assert!(query.score(&tokens(&text, &[], "")).is_some(), "{search}");
        assert!(matches(&query, &text, &[], ""), "{search}");
    }
}

#[test]
fn a_task_has_three_hundred_tokens_at_most_and_those_of_title_and_tags_first() {
    let many: String = (0..2_000).map(|number| format!("w{number} ")).collect();
    let names: Vec<String> = (0..50).map(|number| format!("t{number} u{number}")).collect();
    let found = tokens("the title w0", &names, &format!("{many} the end w0 w0"));
    assert_eq!(found.len(), MAX_TOKENS);
    let of = |field: Field| found.iter().filter(|token| token.field == field).count();
    assert_eq!((of(Field::Title), of(Field::Tag), of(Field::Description)), (3, 100, 197));
    // A word that is kept is kept wherever it stands.
    let w0: Vec<&Token> = found.iter().filter(|token| token.text == "w0").collect();
    assert_eq!(w0.iter().map(|token| token.positions.len()).collect::<Vec<_>>(), [1, 3]);
    assert!(!found.iter().any(|token| token.text == "w1999" || token.text == "end"));
}

#[test]
fn a_task_is_read_to_its_ten_thousandth_word() {
    // Sixteen thousand characters of which each is a word, and one of which each is many.
    for (text, words) in
        [("東京".repeat(8_000), 16_000), ("ﷺ".repeat(16_000), 64_000), ("½".repeat(16_000), 32_000)]
    {
        assert!(words > MAX_WORDS);
        let found = tokens("", &[], &text);
        let kept: Vec<usize> = found.iter().map(|token| token.positions.len()).collect();
        assert_eq!(kept.iter().max(), Some(&MAX_PLACES), "{kept:?}");
    }
    let word_after = |count: usize| tokens("", &[], &format!("{}end", "a ".repeat(count))).len();
    assert_eq!((word_after(7_998), MAX_WORDS), (2, 10_000));
    let many = format!("{}終", "東".repeat(MAX_WORDS - 1));
    assert_eq!(tokens("", &[], &many).len(), 2);
    let more = format!("{}終", "東".repeat(MAX_WORDS));
    assert_eq!(tokens("", &[], &more).len(), 1);
    // What no task can have is not read either.
    let (title, name) = ("a ".repeat(600), "b ".repeat(150));
    let names = vec![name; 60];
    let found = tokens(&title, &names, "");
    let counts: Vec<(Field, usize)> =
        found.iter().map(|token| (token.field, token.positions.len())).collect();
    assert_eq!(counts, [(Field::Title, MAX_PLACES), (Field::Tag, MAX_PLACES)]);
    let title = format!("{}end", "a ".repeat(4_000));
    assert_eq!(tokens(&title, &[], "").len(), 1, "no title is so long");
}

#[test]
fn what_is_kept_of_a_word_is_short_and_anything_else_reads_as_nothing() {
    let long = tokens("", &[], &"東".repeat(16_000));
    let kept = Posting::of(long);
    assert!(kept[0].1.len() <= 1 + MAX_PLACES * 6, "{}", kept[0].1);
    for text in ["", "t", "t,", "x1", "t-1", "t1,,2", "t4294967296", "  ", "1,2"] {
        assert_eq!(Posting("a".to_owned(), text.to_owned()).tokens(), [], "{text:?}");
    }
    assert_eq!(Posting("a".to_owned(), "t1,2 ? d7".to_owned()).tokens().len(), 2);
}

#[test]
fn a_phrase_spans_no_fields() {
    let names = tags(&["b", "c"]);
    for (phrase, expected) in
        [("\"a b\"", false), ("\"b c\"", false), ("\"c d\"", false), ("\"a d\"", false), ("\"d e\"", true)]
    {
        let query = Query::parse(phrase).unwrap();
        assert_eq!(query.score(&tokens("a", &names, "d e")).is_some(), expected, "{phrase}");
        assert_eq!(matches(&query, "a", &names, "d e"), expected, "{phrase}");
        assert!(query.score(&tokens("a", &[], "d")).is_none());
    }
}
