//! What the server said, read from text: Spin 3.6 and 4.0 give a guest no more once a statement's rows may come, which is when our functions
//! raise.
//!
//! Spin 3.6 has the error and its causes, `db error … ERROR: message`, and no SQLSTATE: it is found by the message of those that are
//! told apart. Spin 4.0 has all parts, as `DbError { …, severity: "ERROR", code: "P0001", message: "message", …, extras: [("constraint", "name")] }`.

use super::apply::RAISED;
use super::schema::UNDEFINED_TABLE;
use super::sql::PgError;

/// SQLSTATEs by how their messages begin (PostgreSQL, appendix A).
const CODES: [(&str, &str); 9] = [
    ("deadlock detected", "40P01"),
    ("could not serialize access", "40001"),
    ("duplicate key value violates unique constraint", "23505"),
    ("canceling statement due to lock timeout", "55P03"),
    ("canceling statement", "57014"),
    ("terminating connection", "57P01"),
    ("could not extend file", "53100"),
    ("could not write", "58030"),
    ("cannot execute", "25006"),
];

/// What our own functions raise begins so.
const OURS: [&str; 4] = ["expect:", "rule:", "exists:", "applied:"];

/// What a text tells of what the server said. A text in which it says nothing tells of a connection that was lost.
pub(super) fn told(text: String) -> PgError {
    let said = of_parts(&text).or_else(|| of_message(&text));
    said.unwrap_or(PgError::Lost(text))
}

/// What is between two marks.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.split_once(begin)?.1.split(end).next()
}

fn of_parts(text: &str) -> Option<PgError> {
    let part = |begin| between(text, begin, "\"").map(str::to_owned);
    Some(PgError::Said {
        code: part(", code: \"")?,
        message: part(", message: \"")?,
        constraint: part("(\"constraint\", \"").unwrap_or_default(),
    })
}

fn of_message(text: &str) -> Option<PgError> {
    let message = ["ERROR: ", "FATAL: "].iter().find_map(|severity| between(text, severity, "\n"))?;
    let code = if OURS.iter().any(|begin| message.starts_with(begin)) {
        RAISED
    } else if message.ends_with("does not exist") {
        // A table, a column or a function: whichever it is, the schema is another.
        UNDEFINED_TABLE
    } else {
        CODES.iter().find(|(begin, _)| message.starts_with(begin)).map(|(_, code)| *code)?
    };
    let constraint = between(message, "constraint \"", "\"").unwrap_or_default();
    Some(PgError::Said {
        code: code.to_owned(),
        message: message.to_owned(),
        constraint: constraint.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str, constraint: &str) -> PgError {
        PgError::Said { code: code.into(), message: message.into(), constraint: constraint.into() }
    }

    #[test]
    fn what_spin_3_tells_is_read() {
        for (text, expected) in [
            (
                "db error\n\nCaused by:\n    ERROR: expect:task#12\n\nStack backtrace:\n   0: x",
                said(RAISED, "expect:task#12", ""),
            ),
            ("db error: ERROR: applied:x#0", said(RAISED, "applied:x#0", "")),
            (
                "db error: ERROR: deadlock detected\nDETAIL: Process 1 waits\nHINT: See server log",
                said("40P01", "deadlock detected", ""),
            ),
            (
                "db error\n\nCaused by:\n    ERROR: duplicate key value violates unique constraint \"notification_once\"\n    DETAIL: Key (id)=(rule:x) already exists.",
                said(
                    "23505",
                    "duplicate key value violates unique constraint \"notification_once\"",
                    "notification_once",
                ),
            ),
            (
                "db error: ERROR: canceling statement due to lock timeout",
                said("55P03", "canceling statement due to lock timeout", ""),
            ),
            (
                "db error: FATAL: terminating connection due to administrator command",
                said("57P01", "terminating connection due to administrator command", ""),
            ),
            (
                "db error: ERROR: column t.later does not exist",
                said(UNDEFINED_TABLE, "column t.later does not exist", ""),
            ),
        ] {
            assert_eq!(told(text.to_owned()), expected, "{text}");
        }
    }

    #[test]
    fn what_spin_4_tells_is_read() {
        let text = r#"Error::QueryFailed(QueryError::DbError(DbError { as-text: "Error { kind: Db, cause: Some(DbError { severity: \"ERROR\", code: SqlState(E23505), message: \"duplicate\" }) }", severity: "ERROR", code: "23505", message: "duplicate key value violates unique constraint \"notification_once\"", detail: Some("Key (id)=(1)"), extras: [("constraint", "notification_once"), ("routine", "x")] }))"#;
        let PgError::Said { code, constraint, .. } = told(text.to_owned()) else { panic!("{text}") };
        assert_eq!((code.as_str(), constraint.as_str()), ("23505", "notification_once"));
        let text = r#"Error::QueryFailed(QueryError::DbError(DbError { as-text: "…", severity: "ERROR", code: "P0001", message: "rule:parent#3", detail: None, extras: [] }))"#;
        assert_eq!(told(text.to_owned()), said(RAISED, "rule:parent#3", ""));
    }

    #[test]
    fn what_says_nothing_of_the_server_is_a_connection_that_was_lost() {
        for text in
            ["connection closed", "query result exceeds limit of 1 bytes", "db error: ERROR: who knows"]
        {
            assert_eq!(told(text.to_owned()), PgError::Lost(text.to_owned()));
        }
    }

    /// As the server says it today, in the words of the library that Spin has.
    #[cfg(feature = "native")]
    #[test]
    fn what_a_server_says_is_told_apart() {
        let Some(server) = perennial_postgres::Server::shared() else { return };
        let database = server.lend();
        let mut client = perennial_postgres::connect(&database);
        client.batch_execute("CREATE TABLE one (id bigint CONSTRAINT one_once UNIQUE)").unwrap();
        for (statement, code, constraint) in [
            ("DO $$ BEGIN RAISE EXCEPTION 'expect:task#1'; END $$", RAISED, ""),
            ("INSERT INTO one VALUES (1), (1)", "23505", "one_once"),
            ("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$", "40P01", ""),
            ("SET statement_timeout = 10; SELECT pg_sleep(1)", "57014", ""),
            ("DO $$ BEGIN PERFORM gone(); END $$", UNDEFINED_TABLE, ""),
        ] {
            let error = anyhow::Error::from(client.batch_execute(statement).unwrap_err());
            for text in [format!("{error:?}"), format!("{error:#}")] {
                let PgError::Said { code: found, constraint: named, .. } = told(text.clone()) else {
                    panic!("{text}")
                };
                assert_eq!((found.as_str(), named.as_str()), (code, constraint), "{text}");
            }
        }
    }
}
