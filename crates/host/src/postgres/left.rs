//! What a statement may leave in a session that the next guest must not find.

/// What was left behind, beside a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Left {
    /// Nothing.
    #[default]
    Nothing,
    /// Settings, temporary tables, locks of the session and the like, which can be put back.
    Settings,
    /// Something that only the end of the session takes away.
    Unknown,
}

/// Statements that leave nothing but rows, or what everybody sees.
const PLAIN: [&str; 32] = [
    "SELECT",
    "WITH",
    "VALUES",
    "TABLE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT",
    "RELEASE",
    "LOCK",
    "SHOW",
    "EXPLAIN",
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "COMMENT",
    "GRANT",
    "REVOKE",
    "ANALYZE",
    "ANALYSE",
    "VACUUM",
    "REINDEX",
    "NOTIFY",
    "REFRESH",
];

/// Statements whose leavings are not known, or which speak a part of the protocol that is not for guests.
const UNKNOWN: [&str; 6] = ["PREPARE", "EXECUTE", "DEALLOCATE", "DISCARD", "LOAD", "COPY"];

/// What a statement may leave, by its text. What functions of the database do to their session is not seen: they are to do it for their
/// transaction (`SET LOCAL`), as those of Spin's guests would have to for a session of theirs.
pub(super) fn left_by(text: &str) -> Left {
    let first = first_word(text).to_ascii_uppercase();
    if UNKNOWN.contains(&first.as_str()) {
        return Left::Unknown;
    }
    let plain = PLAIN.contains(&first.as_str()) && !has_trace(text);
    if plain { Left::Nothing } else { Left::Settings }
}

/// Whether a word of a text may leave something, wherever it stands.
fn has_trace(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let is_trace = |word: &str| {
        matches!(word, "temp" | "temporary")
            || ["pg_temp", "advisory", "dblink"].iter().any(|trace| word.contains(trace))
    };
    words.any(is_trace) || lower.split("set_config").skip(1).any(|arguments| !is_of_transaction(arguments))
}

/// Whether the arguments of `set_config` are two plain texts and `true`, which ends a setting with its transaction.
fn is_of_transaction(arguments: &str) -> bool {
    let after = after_text(arguments, "(").and_then(|rest| after_text(rest, ", "));
    after.is_some_and(|rest| rest.starts_with(", true)"))
}

/// What follows a plain text that follows a beginning.
fn after_text<'a>(rest: &'a str, begin: &str) -> Option<&'a str> {
    rest.strip_prefix(begin)?.strip_prefix('\'')?.split_once('\'').map(|(_, rest)| rest)
}

/// The first word behind blanks, parentheses and comments.
fn first_word(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || matches!(letter, '(' | ';'));
        let after = match rest {
            _ if rest.starts_with("--") => rest.split_once('\n'),
            _ if rest.starts_with("/*") => rest.split_once("*/"),
            _ => break,
        };
        rest = after.map_or("", |(_, after)| after);
    }
    rest.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_leaves_is_seen_in_its_text() {
        for (text, left) in [
            ("SELECT 1", Left::Nothing),
            ("  (select 1)", Left::Nothing),
            ("/* SET x = 1 */ -- SET\nUPDATE t SET x = 1", Left::Nothing),
            ("BEGIN", Left::Nothing),
            ("CREATE TABLE t (x text)", Left::Nothing),
            ("", Left::Settings),
            ("SET search_path = x", Left::Settings),
            ("/* a */ set x = 1", Left::Settings),
            ("SELECT Set_Config('x.y', '1', false)", Left::Settings),
            ("SELECT set_config('x.y', '1', true), set_config('x.z', '1', false)", Left::Settings),
            ("SELECT set_config('x.y', 'a, true)', false)", Left::Settings),
            ("SELECT set_config($$a$$, $$b, true)$$, false)", Left::Settings),
            ("SELECT set_config('a', '1', /* , true) */ false)", Left::Settings),
            ("SELECT set_config(E'a\\'', 'b, true)', false)", Left::Settings),
            ("SELECT set_config('a', 'b'', true)', false)", Left::Settings),
            ("SELECT set_config('a', x, true)", Left::Settings),
            ("UPDATE t SET attempts = 1 WHERE (SELECT set_config('x.y', '1', true)) = '1'", Left::Nothing),
            ("SELECT pg_advisory_lock(1)", Left::Settings),
            ("SELECT 1 AS x INTO TEMP t", Left::Settings),
            ("CREATE TEMPORARY TABLE t (x text)", Left::Settings),
            ("SELECT 1 AS x INTO pg_temp.t", Left::Settings),
            ("LISTEN x", Left::Settings),
            ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", Left::Settings),
            ("DO $$ BEGIN END $$", Left::Settings),
            ("CALL p()", Left::Settings),
            ("prepare p AS SELECT 1", Left::Unknown),
            ("COPY t FROM STDIN", Left::Unknown),
            ("DISCARD ALL", Left::Unknown),
        ] {
            assert_eq!(left_by(text), left, "{text}");
        }
    }
}
