//! `spin:postgres/postgres@4.0.0`.

use wasmtime::component::Resource;

use super::address::Address;
use super::places::Asker;
use super::types::parameters;
use super::{Connection, pool};
use crate::bindings::spin::postgres::postgres::{Error, Host, HostConnection, ParameterValue, RowSet};
use crate::guest::GuestState;
use crate::hooks::Call;

impl Host for GuestState {}

impl HostConnection for GuestState {
    async fn open(&mut self, address: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let address = match Address::parse(address, &self.component.allowed_hosts) {
            Ok(address) => address,
            Err(error) => {
                tracing::warn!(component = self.component.id, "a PostgreSQL address was refused");
                return Ok(Err(error));
            }
        };
        let asker =
            Asker { component: self.component.id.clone(), is_request: self.is_request, caller: self.caller };
        match pool::lend(&self.services, address, asker).await {
            Ok(lent) => Ok(Ok(self.table.push(Connection(lent))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<RowSet, Error>> {
        let call = Call::Postgres { statement: &statement };
        let index = self.faults.before(call)?;
        self.component.counters.statement();
        let result = match parameters(&values) {
            Ok(parameters) => self.table.get_mut(&connection)?.0.query(&statement, &parameters).await,
            Err(error) => Err(Error::BadParameter(error)),
        };
        self.faults.after(call, index)?;
        Ok(result)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let call = Call::Postgres { statement: &statement };
        let index = self.faults.before(call)?;
        self.component.counters.statement();
        let result = match parameters(&values) {
            Ok(parameters) => self.table.get_mut(&connection)?.0.execute(&statement, &parameters).await,
            // Spin has another error for the same here.
            Err(error) => Err(Error::ValueConversionFailed(error)),
        };
        self.faults.after(call, index)?;
        Ok(result)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
