//! What a statement is, told by its first words alone. SQLite has the last word.

/// What a statement seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `SELECT`, `VALUES`, or `WITH`, behind which a change may stand too.
    Query,
    /// `INSERT`, `REPLACE`, `UPDATE` or `DELETE`.
    Change,
    /// `PRAGMA synchronous`: it reaches no file but to read the schema.
    Synchronous,
    /// Another `PRAGMA`.
    Pragma,
    /// A transaction's bounds, tables and the like, or nothing at all.
    Other,
}

impl Kind {
    pub fn of(text: &str) -> Self {
        let text = without_comments(text);
        let end = text.find(|sign: char| !sign.is_ascii_alphabetic()).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        if is(&["select", "values", "with"]) {
            Self::Query
        } else if is(&["insert", "replace", "update", "delete"]) {
            Self::Change
        } else if !is(&["pragma"]) {
            Self::Other
        } else if begins(without_comments(rest), "synchronous") {
            Self::Synchronous
        } else {
            Self::Pragma
        }
    }

    pub fn is_pragma(self) -> bool {
        matches!(self, Self::Synchronous | Self::Pragma)
    }
}

/// The text without whitespace, comments and empty statements before it.
fn without_comments(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        }
    }
}

fn begins(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn the_first_word_is_found_behind_comments() {
        for (text, kind) in [
            ("PRAGMA x", Kind::Pragma),
            (" pragma x=1", Kind::Pragma),
            ("-- a\n/* b */ ;PRAGMA x", Kind::Pragma),
            ("/**/PrAgMa/**/x", Kind::Pragma),
            ("PRAGMA x /* synchronous */", Kind::Pragma),
            ("pragma /* a */ Synchronous = 1", Kind::Synchronous),
            ("SELECT 1", Kind::Query),
            ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", Kind::Query),
            ("-- SELECT\ninsert into t values (1)", Kind::Change),
            ("UPDATE t SET a = 1", Kind::Change),
            ("BEGIN IMMEDIATE", Kind::Other),
            ("INSERTED", Kind::Other),
            ("-- PRAGMA x", Kind::Other),
            ("/* PRAGMA", Kind::Other),
            ("EXPLAIN PRAGMA x", Kind::Other),
            ("", Kind::Other),
            ("é", Kind::Other),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }
}
