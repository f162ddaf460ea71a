//! What guests are told when something fails, in Spin's variants.

use tokio_postgres::error::DbError as Said;

use crate::bindings::spin::postgres::postgres::{DbError, Error, QueryError};

/// No session is to be had.
pub(super) fn refused(why: &str) -> Error {
    Error::ConnectionFailed(why.to_owned())
}

/// A statement failed, and the server did not say why.
pub(super) fn text(why: impl Into<String>) -> Error {
    Error::QueryFailed(QueryError::Text(why.into()))
}

/// A statement failed. What the server said is told in full at whatever moment it did: Spin has only its text once rows may come.
pub(super) fn failed(error: &tokio_postgres::Error) -> Error {
    let all = format!("{error:?}");
    let Some(said) = error.as_db_error() else { return text(all) };
    Error::QueryFailed(QueryError::DbError(DbError {
        as_text: all,
        severity: said.severity().to_owned(),
        code: said.code().code().to_owned(),
        message: said.message().to_owned(),
        detail: said.detail().map(str::to_owned),
        extras: extras(said),
    }))
}

/// What else the server said, under the names that Spin has for it.
fn extras(said: &Said) -> Vec<(String, String)> {
    let line = said.line().map(|line| line.to_string());
    let all = [
        ("column", said.column()),
        ("constraint", said.constraint()),
        ("routine", said.routine()),
        ("hint", said.hint()),
        ("table", said.table()),
        ("datatype", said.datatype()),
        ("schema", said.schema()),
        ("file", said.file()),
        ("line", line.as_deref()),
        ("where_", said.where_()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}
