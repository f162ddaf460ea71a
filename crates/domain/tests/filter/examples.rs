//! Filters and what they come to: those of docs/filter.md, and more of them beside this file.

use perennial_domain::filter;

use super::{berlin, held};

/// How a filter is read, below it. What it comes to is read as the same again.
fn shown(text: &str) -> String {
    match filter::parse(text, &berlin()) {
        Ok(condition) => {
            let printed = condition.to_string();
            assert_eq!(filter::parse(&printed, &berlin()).as_ref(), Ok(&condition), "{text}: {printed}");
            format!("  = {printed}\n")
        }
        Err(invalid) => {
            assert_eq!(invalid.errors.len(), 1, "{text}");
            let error = &invalid.errors[0];
            assert_eq!(error.pointer, "/filter", "{text}");
            let span = error.span.unwrap();
            let words: String = text.chars().skip(span.start).take(span.end - span.start).collect();
            assert!(error.detail.starts_with(&format!("{words:?} ")), "{text}: {words}: {}", error.detail);
            format!("  ! {}\n", error.detail)
        }
    }
}

#[test]
fn the_examples_of_the_documentation_are_read_as_it_says() {
    assert_eq!(held::hold("../../docs/filter.md", "filter", shown), 17);
}

#[test]
fn filters_are_read_as_written_down() {
    assert!(held::hold("tests/filter/filters.txt", "", shown) >= 80);
}
