//! A connection without a host: for tests and native commands.

use std::cell::RefCell;

use postgres::types::{ToSql, Type};
use postgres::{Client, NoTls};

use super::sql::{Pg, PgError};
use crate::rows::Value;

/// A connection of this process.
pub struct NativePg(RefCell<Client>);

impl NativePg {
    /// Connects to an address (`postgres://user:password@host:port/database`), without TLS.
    pub fn open(address: &str) -> Result<Self, PgError> {
        Client::connect(address, NoTls)
            .map(|client| Self(RefCell::new(client)))
            .map_err(|found| error(&found))
    }

    /// Executes a text of many statements, as one transaction unless they say otherwise.
    pub fn batch(&self, text: &str) -> Result<(), PgError> {
        self.0.borrow_mut().batch_execute(text).map_err(|found| error(&found))
    }
}

impl Pg for NativePg {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, PgError> {
        let parameters: Vec<Box<dyn ToSql + Sync>> = parameters
            .iter()
            .map(|value| -> Box<dyn ToSql + Sync> {
                match value {
                    Value::Null => Box::new(Null),
                    Value::Integer(number) => Box::new(*number),
                    Value::Text(text) => Box::new(text.clone()),
                }
            })
            .collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(AsRef::as_ref).collect();
        let rows = self.0.borrow_mut().query(statement, &parameters).map_err(|found| error(&found))?;
        rows.iter()
            .map(|row| {
                row.columns()
                    .iter()
                    .enumerate()
                    .map(|(index, column)| match *column.type_() {
                        Type::INT8 => {
                            Ok(row.get::<_, Option<i64>>(index).map_or(Value::Null, Value::Integer))
                        }
                        Type::TEXT => {
                            Ok(row.get::<_, Option<String>>(index).map_or(Value::Null, Value::Text))
                        }
                        ref other => {
                            Err(PgError::Type(format!("a column of a type that is not used here: {other}")))
                        }
                    })
                    .collect()
            })
            .collect()
    }
}

/// NULL of any type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut postgres::types::private::BytesMut,
    ) -> Result<postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(postgres::types::IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    postgres::types::to_sql_checked!();
}

fn error(error: &postgres::Error) -> PgError {
    match error.as_db_error() {
        Some(said) => PgError::Said {
            code: said.code().code().to_owned(),
            message: said.message().to_owned(),
            constraint: said.constraint().unwrap_or_default().to_owned(),
        },
        None if error.is_closed()
            || std::error::Error::source(error)
                .is_some_and(<dyn std::error::Error>::is::<std::io::Error>) =>
        {
            PgError::Lost(error.to_string())
        }
        None => PgError::Type(error.to_string()),
    }
}
