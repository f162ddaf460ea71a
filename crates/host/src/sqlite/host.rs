//! `spin:sqlite/sqlite@3.0.0`.

use wasmtime::component::Resource;

use super::{Connection, statement};
use crate::bindings::spin::sqlite::sqlite::{Error, Host, HostConnection, QueryResult, Value};
use crate::guest::GuestState;
use crate::hooks::Call;

impl Host for GuestState {}

impl HostConnection for GuestState {
    async fn open(&mut self, label: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        if !self.component.databases.contains(&label) {
            return Ok(Err(Error::AccessDenied));
        }
        let Some(database) = self.services.databases.get(&label) else {
            return Ok(Err(Error::NoSuchDatabase));
        };
        let connection = Connection::new(database.clone());
        Ok(Ok(self.table.push(connection)?))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        text: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let faults = self.faults.clone();
        let point = text.clone();
        let call = Call::Sqlite { statement: &point };
        let index = faults.before(call)?;
        let component = self.component.clone();
        component.counters.statement();
        let entry = self.table.get_mut(&connection)?;
        let (database, lease) = (entry.database.clone(), entry.lease.take());
        let (lease, result) =
            statement::run(&component, &database, lease, statement::Statement { text, parameters }).await;
        let entry = self.table.get_mut(&connection)?;
        entry.lease = lease;
        entry.note();
        faults.after(call, index)?;
        Ok(result)
    }

    async fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        Ok(self.table.get(&connection)?.last_insert_rowid)
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&connection)?.changes)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
