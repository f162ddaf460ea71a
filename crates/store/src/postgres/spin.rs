//! The connection that Spin gives a guest (`spin:postgres@4.0.0`).

use std::cell::RefCell;

use spin_sdk::pg4::{Connection, DbValue, ParameterValue, PgError as Error, QueryError};

use super::sql::{Pg, PgError};
use super::told::told;
use crate::rows::Value;

/// A connection of the host.
pub struct SpinPg {
    address: String,
    connection: RefCell<Option<Connection>>,
}

impl SpinPg {
    /// Opens a connection to an address (`postgres://user:password@host:port/database`).
    pub fn open(address: &str) -> Result<Self, PgError> {
        let connection = RefCell::new(Some(Connection::open(address).map_err(error)?));
        Ok(Self { address: address.to_owned(), connection })
    }
}

impl Pg for SpinPg {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, PgError> {
        let parameters: Vec<ParameterValue> = parameters
            .iter()
            .map(|value| match value {
                Value::Null => ParameterValue::DbNull,
                Value::Integer(number) => ParameterValue::Int64(*number),
                Value::Text(text) => ParameterValue::Str(text.clone()),
            })
            .collect();
        let mut held = self.connection.borrow_mut();
        let connection = match held.take() {
            Some(connection) => connection,
            None => Connection::open(&self.address).map_err(error)?,
        };
        let set = held.insert(connection).query(statement, &parameters).map_err(error)?;
        set.rows
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .map(|value| match value {
                        DbValue::DbNull => Ok(Value::Null),
                        DbValue::Int64(number) => Ok(Value::Integer(number)),
                        DbValue::Str(text) => Ok(Value::Text(text)),
                        other => {
                            Err(PgError::Type(format!("a column of a type that is not used here: {other:?}")))
                        }
                    })
                    .collect()
            })
            .collect()
    }

    fn let_go(&self) {
        self.connection.take();
    }
}

fn error(error: Error) -> PgError {
    match error {
        Error::QueryFailed(QueryError::DbError(said)) => {
            let constraint = said.extras.into_iter().find(|(name, _)| name == "constraint");
            PgError::Said {
                code: said.code,
                message: said.message,
                constraint: constraint.map(|(_, name)| name).unwrap_or_default(),
            }
        }
        Error::BadParameter(text) | Error::ValueConversionFailed(text) => PgError::Type(text),
        Error::QueryFailed(QueryError::Text(text)) => told(text),
        Error::ConnectionFailed(text) | Error::Other(text) => PgError::Lost(text),
    }
}
