//! A session with a server.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::TryStreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Connection};

use super::cache::{Cache, Known};
use super::connect::Route;
use super::error::{failed, text};
use super::left::{Left, left_by};
use super::types::{self, Parameter};
use super::watch::Status;
use crate::bindings::spin::postgres::postgres::{Error, RowSet};

/// The bound on what one statement may answer, as in Spin.
const RESULT_BYTES: usize = 128 * 1024 * 1024;

/// Puts back what a guest may have set, but for what this host has prepared.
const PUT_BACK: &str = "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; \
     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// What is to be done with a session before somebody else may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing.
    Fit,
    /// A transaction is open, or something was left.
    Unsettled,
    /// Nothing helps.
    Lost,
}

/// A session with a server. One that is lost when it is dropped is cut.
pub(super) struct Session {
    client: Client,
    /// What carries its messages.
    driver: JoinHandle<()>,
    status: Arc<Status>,
    route: Route,
    cache: Cache,
    /// What its guest may have left.
    left: Left,
    /// A statement was begun and has not ended.
    under_way: bool,
    pub born: Instant,
    pub used: Instant,
}

impl Session {
    pub fn new<S, T>(client: Client, connection: Connection<S, T>, status: Arc<Status>, route: Route) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a session with a PostgreSQL has ended");
            }
        });
        let (cache, now) = (Cache::default(), Instant::now());
        Self {
            client,
            driver,
            status,
            route,
            cache,
            left: Left::Nothing,
            under_way: false,
            born: now,
            used: now,
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn route(&self) -> &Route {
        &self.route
    }

    /// What is to be done before somebody else may have it.
    pub fn condition(&self) -> Condition {
        if self.client.is_closed() || self.under_way || self.left == Left::Unknown {
            Condition::Lost
        } else if self.left == Left::Nothing && self.status.is_idle() {
            Condition::Fit
        } else {
            Condition::Unsettled
        }
    }

    /// Whether its server may still be at work for it.
    pub fn is_under_way(&self) -> bool {
        self.under_way && !self.client.is_closed()
    }

    /// Ends an open transaction, and puts back what was left; whether that has worked.
    pub async fn settle(&mut self) -> bool {
        self.under_way = true;
        let done = async {
            if !self.status.is_idle() {
                self.client.batch_execute("ROLLBACK").await?;
            }
            if self.left != Left::Nothing {
                self.client.batch_execute(PUT_BACK).await?;
            }
            Ok::<(), tokio_postgres::Error>(())
        };
        if done.await.is_err() {
            return false;
        }
        self.under_way = false;
        self.left = Left::Nothing;
        self.condition() == Condition::Fit
    }

    /// Runs a statement and gives its rows.
    pub async fn query(&mut self, statement: &str, parameters: &[Parameter]) -> Result<RowSet, Error> {
        self.under_way = true;
        let mut result = self.try_query(statement, parameters).await;
        if self.is_out_of_date(&result) {
            self.cache.forget(statement);
            result = self.try_query(statement, parameters).await;
        }
        result.unwrap_or_else(|error| self.ended(Err(failed(&error))))
    }

    /// Runs a statement and gives how many rows it has written.
    pub async fn execute(&mut self, statement: &str, parameters: &[Parameter]) -> Result<u64, Error> {
        self.under_way = true;
        let mut result = self.try_execute(statement, parameters).await;
        if self.is_out_of_date(&result) {
            self.cache.forget(statement);
            result = self.try_execute(statement, parameters).await;
        }
        self.ended(result.map_err(|error| failed(&error)))
    }

    async fn try_execute(
        &mut self,
        statement: &str,
        parameters: &[Parameter],
    ) -> Result<u64, tokio_postgres::Error> {
        let known = self.prepare(statement).await?;
        self.client.execute_raw(&known.statement, borrowed(parameters)).await
    }

    /// Errors of the server are outside: those of what it sent are inside, where there is nothing to try again.
    async fn try_query(
        &mut self,
        statement: &str,
        parameters: &[Parameter],
    ) -> Result<Result<RowSet, Error>, tokio_postgres::Error> {
        let known = self.prepare(statement).await?;
        let mut answer = pin!(self.client.query_raw(&known.statement, borrowed(parameters)).await?);
        let mut set = RowSet { columns: Vec::new(), rows: Vec::new() };
        let mut size = size_of::<RowSet>();
        while let Some(row) = answer.try_next().await? {
            if set.columns.is_empty() {
                set.columns = types::columns(&row);
            }
            // Whoever stops here leaves a statement under way: the rest of its rows are of no use to anybody.
            let values = match types::values(&row) {
                Ok(values) => values,
                Err(error) => return Ok(Err(text(error))),
            };
            size = values.iter().fold(size, |size, value| size.saturating_add(types::size(value)));
            if size > RESULT_BYTES {
                return Ok(Err(text(format!("query result exceeds limit of {RESULT_BYTES} bytes"))));
            }
            set.rows.push(values);
        }
        Ok(self.ended(Ok(set)))
    }

    async fn prepare(&mut self, statement: &str) -> Result<Known, tokio_postgres::Error> {
        let known = match self.cache.get(statement) {
            Some(known) => known,
            None => {
                let prepared = self.client.prepare(statement).await?;
                let known = Known { statement: prepared, left: left_by(statement) };
                self.cache.keep(statement, &known);
                known
            }
        };
        self.left = self.left.max(known.left);
        Ok(known)
    }

    /// Whether a statement was refused, before anything of it was done, since what was prepared is no longer so: a table has other columns
    /// now, or the server has forgotten it. In a transaction, which has failed with it, nothing can be tried again.
    fn is_out_of_date<T>(&self, result: &Result<T, tokio_postgres::Error>) -> bool {
        let Err(error) = result else { return false };
        let said = error.as_db_error();
        let changed = said.is_some_and(|said| {
            *said.code() == SqlState::FEATURE_NOT_SUPPORTED && said.routine() == Some("RevalidateCachedQuery")
        });
        let forgotten = said.is_some_and(|said| *said.code() == SqlState::INVALID_SQL_STATEMENT_NAME);
        (changed || forgotten) && self.status.is_idle()
    }

    /// Notes that a statement has ended.
    fn ended<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.under_way = false;
        result
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // One that is fit, or has only to be settled, takes its leave of the server.
        if self.condition() == Condition::Lost {
            self.driver.abort();
        }
    }
}

fn borrowed(parameters: &[Parameter]) -> impl ExactSizeIterator<Item = &(dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync))
}
