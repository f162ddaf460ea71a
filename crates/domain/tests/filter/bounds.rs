//! What a filter may cost.

use perennial_domain::Invalid;
use perennial_domain::filter::{self, Condition};

use super::algebra::depth;
use super::berlin;

fn read(text: &str) -> Result<Condition, Invalid> {
    filter::parse(text, &berlin())
}

/// Why a text is refused, and where.
fn refused(text: &str) -> (String, Option<(usize, usize)>) {
    let error = read(text).unwrap_err().errors.remove(0);
    assert_eq!(error.pointer, "/filter");
    (error.detail, error.span.map(|span| (span.start, span.end)))
}

#[test]
fn a_filter_has_a_thousand_characters_at_most() {
    let text = |length: usize| format!("{:é<1$}", "overdue or title ~ \"", length - 1) + "\"";
    let long_name = text(1_000);
    assert!(refused(&long_name).0.ends_with("has 979 characters; at most 200 are read"), "{long_name}");
    let padded = format!("{:1000}", "overdue");
    assert!(read(&padded).is_ok());
    let padded = format!("{:1001}", "overdue");
    assert_eq!(refused(&padded), ("has 1001 characters; at most 1000 are read".to_owned(), None));
    // Characters are counted, not bytes.
    let wide = format!("overdue{}", "\u{3000}".repeat(993));
    assert!(wide.len() > 2_000 && read(&wide).is_ok());
}

#[test]
fn a_filter_has_fifty_comparisons_at_most() {
    let many = |count: usize| vec!["tag = a"; count].join(" or ");
    let Ok(Condition::Or(parts)) = read(&many(50)) else { panic!("fifty are read") };
    assert_eq!(parts.len(), 50);
    let (detail, span) = refused(&many(51));
    assert_eq!(detail, "\"tag\" begins one comparison more than the 50 that are read");
    assert_eq!(span, Some((550, 553)));
    // Words that are conditions of their own count as well.
    let Ok(Condition::And(parts)) = read(&vec!["overdue"; 50].join(" and ")) else {
        panic!("fifty are read")
    };
    assert_eq!(parts.len(), 100);
    assert!(read(&vec!["recurring"; 51].join(" and ")).is_err());
}

#[test]
fn a_filter_is_nested_twenty_deep_at_most() {
    let nested = |depth: usize| format!("{}overdue{}", "(".repeat(depth), ")".repeat(depth));
    assert!(read(&nested(20)).is_ok());
    assert_eq!(
        refused(&nested(21)),
        ("\"(\" is nested 21 deep; at most 20 are read".to_owned(), Some((20, 21)))
    );
    let denied = |depth: usize| format!("{}overdue", "not ".repeat(depth));
    assert!(read(&denied(20)).is_ok());
    assert_eq!(refused(&denied(21)).1, Some((80, 83)));
    let both = |depth: usize| format!("{}overdue{}", "not (".repeat(depth), ")".repeat(depth));
    assert!(read(&both(10)).is_ok());
    assert!(read(&both(11)).is_err());
    // The deepest condition: two steps for each pair of parentheses.
    let deepest = format!("{}recurring{}", "overdue or overdue and (".repeat(20), ")".repeat(20));
    assert!(read(&deepest).is_ok_and(|condition| depth(&condition) == 40));
    // What is closed again is not nested.
    assert!(read(&vec!["((overdue))"; 50].join(" or ")).is_ok());
    // The deepest that fits into a text is refused in the same way.
    assert!(refused(&"(".repeat(1_000)).0.contains("nested 21 deep"));
}

#[test]
fn a_string_has_two_hundred_characters_at_most() {
    let title = |length: usize| format!("title = \"{}\"", "é".repeat(length));
    assert!(read(&title(200)).is_ok());
    let (detail, span) = refused(&title(201));
    assert!(detail.ends_with("has 201 characters; at most 200 are read"), "{detail}");
    assert_eq!(span, Some((8, 211)));
    // An escaped sign is one character.
    assert!(read(&format!("title = \"{}\"", "\\\"".repeat(200))).is_ok());
    let bare = |length: usize| format!("title = {}", "a".repeat(length));
    assert!(read(&bare(200)).is_ok());
    assert!(read(&bare(201)).is_err());
    // A name that no tag can have is refused as tags are.
    let tag = |length: usize| format!("tag = {}", "a".repeat(length));
    assert!(read(&tag(100)).is_ok());
    assert!(refused(&tag(101)).0.ends_with("has 101 characters; at most 100 are kept"));
}

#[test]
fn nothing_says_nothing_and_control_characters_are_refused() {
    for empty in ["", " \t\n", "\u{3000}"] {
        let (detail, span) = refused(empty);
        assert!(detail.starts_with("says nothing: write "), "{detail}");
        assert_eq!(span, None);
    }
    for (text, place) in [
        ("overdue\u{0}", (7, 8)),
        ("\u{7f}overdue", (0, 1)),
        ("tag = \"a\u{0}b\"", (6, 9)),
        ("title ~ \"a\nb\"", (8, 11)),
    ] {
        assert_eq!(refused(text).1, Some(place), "{text:?}");
    }
}
