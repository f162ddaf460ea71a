//! A stream read as a client reads it (HTML standard §9.2.6).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;

/// What was told: an event with its id and data.
#[derive(Debug, PartialEq)]
pub struct Told {
    pub id: String,
    pub event: String,
    pub data: Value,
}

/// The events of a text. Each has an id, a name and one line of data.
pub fn read(text: &str) -> Vec<Told> {
    assert!(text.is_empty() || text.ends_with("\n\n"), "{text:?}");
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    let events = blocks.filter(|block| !block.starts_with(':') && !block.starts_with("retry: "));
    events
        .map(|block| {
            let mut lines = block.lines();
            let mut next = |field: &str| {
                let line = lines.next().unwrap_or_else(|| panic!("no {field} in {block:?}"));
                line.strip_prefix(field).unwrap_or_else(|| panic!("no {field} in {block:?}")).to_owned()
            };
            let told = Told {
                id: next("id: "),
                event: next("event: "),
                data: serde_json::from_str(&next("data: ")).unwrap(),
            };
            assert_eq!(lines.next(), None, "{block:?}");
            told
        })
        .collect()
}
