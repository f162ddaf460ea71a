//! `fermyon:spin/redis@2.0.0`.

use redis::{Cmd, FromRedisValue};
use url::Url;
use wasmtime::component::Resource;

use super::Connection;
use super::client::{self, Flat, RESULT_BYTES};
use crate::bindings::fermyon::spin2_0_0::redis::{Error, Host, HostConnection, RedisParameter, RedisResult};
use crate::guest::GuestState;
use crate::hooks::Call;
use crate::outbound::Permission;

impl Host for GuestState {}

impl HostConnection for GuestState {
    async fn open(&mut self, address: String) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        match self.connect(address).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn publish(
        &mut self,
        connection: Resource<Connection>,
        channel: String,
        payload: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let call = Call::Redis { command: "PUBLISH" };
        let index = self.faults.before(call)?;
        let result = match self.table.get_mut(&connection)? {
            Connection::InProcess(address) => {
                self.services.bus.publish(&self.services.in_flight, address, &channel, payload);
                Ok(())
            }
            Connection::Redis(redis) => redis.query(&Cmd::publish(channel, payload)).await,
        };
        self.faults.after(call, index)?;
        Ok(result)
    }

    async fn get(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let value = self.command::<Option<Vec<u8>>>(&connection, "GET", Cmd::get(key)).await?;
        Ok(value.and_then(|value| match &value {
            Some(bytes) if bytes.len() > RESULT_BYTES => Err(too_large()),
            _ => Ok(value),
        }))
    }

    async fn set(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        self.command(&connection, "SET", Cmd::set(key, value)).await
    }

    async fn incr(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> wasmtime::Result<Result<i64, Error>> {
        self.command(&connection, "INCR", Cmd::incr(key, 1)).await
    }

    async fn del(
        &mut self,
        connection: Resource<Connection>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        self.command(&connection, "DEL", Cmd::del(keys)).await
    }

    async fn sadd(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        self.command(&connection, "SADD", Cmd::sadd(key, values)).await
    }

    async fn smembers(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        self.command(&connection, "SMEMBERS", Cmd::smembers(key)).await
    }

    async fn srem(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> wasmtime::Result<Result<u32, Error>> {
        self.command(&connection, "SREM", Cmd::srem(key, values)).await
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> wasmtime::Result<Result<Vec<RedisResult>, Error>> {
        let mut cmd = redis::cmd(&command);
        for argument in &arguments {
            match argument {
                RedisParameter::Int64(integer) => cmd.arg(integer),
                RedisParameter::Binary(bytes) => cmd.arg(bytes),
            };
        }
        let flat = self.command::<Flat>(&connection, &command.to_ascii_uppercase(), cmd).await?;
        Ok(flat.and_then(|Flat(results)| match client::size(&results) {
            size if size > RESULT_BYTES => Err(too_large()),
            _ => Ok(results),
        }))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl GuestState {
    async fn connect(&mut self, address: String) -> Result<Connection, Error> {
        let url = Url::parse(&address).map_err(|_| Error::InvalidAddress)?;
        let permission = self.component.allowed_hosts.check(&url);
        if permission == Permission::Denied {
            tracing::warn!(
                component = self.component.id,
                host = url.host_str().unwrap_or_default(),
                "a Redis address is not in allowed_outbound_hosts"
            );
            return Err(Error::InvalidAddress);
        }
        if self.services.bus.local(&address) {
            return Ok(Connection::InProcess(address));
        }
        client::connect(self.services.clone(), address, &url, permission).await.map(Connection::Redis)
    }

    async fn command<T: FromRedisValue>(
        &mut self,
        connection: &Resource<Connection>,
        name: &str,
        command: Cmd,
    ) -> wasmtime::Result<Result<T, Error>> {
        let call = Call::Redis { command: name };
        let index = self.faults.before(call)?;
        let result = match self.table.get_mut(connection)? {
            Connection::Redis(redis) => redis.query(&command).await,
            Connection::InProcess(_) => Err(Error::Other(format!(
                "{name} needs a Redis: the in-process bus only publishes; give `redis_url` to use one"
            ))),
        };
        self.faults.after(call, index)?;
        Ok(result)
    }
}

fn too_large() -> Error {
    Error::Other(format!("query result exceeds limit of {RESULT_BYTES} bytes"))
}
