//! A place in a user's events, as a reader names it.

use std::fmt;

/// Right after an event: the history of the store that it is of, and its sequence; `0` is before the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlace {
    /// The history.
    pub epoch: String,
    /// The sequence.
    pub sequence: i64,
}

/// Longest epoch, in characters.
const EPOCH: usize = 100;

/// Most figures of a sequence.
const FIGURES: usize = 20;

impl EventPlace {
    /// What it looks like, as a regular expression: `5f0c3a9be1d24478.12`.
    pub const PATTERN: &str = "^[0-9A-Za-z_-]{1,100}\\.[0-9]{1,20}$";

    /// Longest place, in characters.
    pub const MAX: usize = 121;

    /// Reads one. A sequence that is longer than any can be is the last of all.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, sequence) = text.split_once('.')?;
        let is_sequence =
            (1..=FIGURES).contains(&sequence.len()) && sequence.bytes().all(|byte| byte.is_ascii_digit());
        (is_epoch(epoch) && is_sequence)
            .then(|| Self { epoch: epoch.to_owned(), sequence: sequence.parse().unwrap_or(i64::MAX) })
    }
}

/// Whether a text can name a history of a store.
pub(crate) fn is_epoch(text: &str) -> bool {
    (1..=EPOCH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in ["5f0c3a9be1d24478.12", "a.0", "A-b_9.9223372036854775807"] {
            assert_eq!(EventPlace::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(EventPlace::parse("a.00000000000000000012").unwrap().sequence, 12);
        assert_eq!(EventPlace::parse("a.99999999999999999999").unwrap().sequence, i64::MAX);
    }

    #[test]
    fn whatever_else_there_is_is_no_place() {
        let long = [format!("{}.1", "a".repeat(101)), format!("a.{}", "1".repeat(21))];
        for text in [
            "",
            ".",
            "a",
            "a.",
            ".1",
            "12",
            "a.b",
            "a.-1",
            "a.+1",
            "a.1.2",
            "a. 1",
            " a.1",
            "a.1 ",
            "\u{e9}.1",
            "a.\u{661}",
        ]
        .into_iter()
        .chain(long.iter().map(String::as_str))
        {
            assert_eq!(EventPlace::parse(text), None, "{text:?}");
        }
    }
}
