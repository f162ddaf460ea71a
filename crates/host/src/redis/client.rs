//! Connections of guests to a real Redis.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::io::AsyncDNSResolver;
use redis::{AsyncConnectionConfig, FromRedisValue, ParsingError, Value};
use url::{Host, Url};

use crate::bindings::fermyon::spin2_0_0::redis::{Error, RedisResult};
use crate::outbound::{Destination, Permission};
use crate::services::Services;

/// The bound on what one command may answer, as in Spin.
pub(super) const RESULT_BYTES: usize = 128 * 1024 * 1024;

/// Connects, checking the very addresses it connects to.
pub(super) async fn connect(
    services: Arc<Services>,
    url: &Url,
    permission: Permission,
) -> Result<MultiplexedConnection, Error> {
    let client = redis::Client::open(url.as_str()).map_err(|_| Error::InvalidAddress)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_dns_resolver(Resolver { services, permission });
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(other)
}

/// Any other error, in Redis's words.
pub(super) fn other(error: redis::RedisError) -> Error {
    Error::Other(error.to_string())
}

struct Resolver {
    services: Arc<Services>,
    permission: Permission,
}

impl AsyncDNSResolver for Resolver {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        host: &'b str,
        port: u16,
    ) -> redis::RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let host = match host.parse::<IpAddr>() {
                Ok(IpAddr::V4(ip)) => Host::Ipv4(ip),
                Ok(IpAddr::V6(ip)) => Host::Ipv6(ip),
                Err(_) => Host::parse(host).map_err(|error| invalid(&error))?,
            };
            let destination = Destination { host, port, permission: self.permission };
            let addresses =
                self.services.outbound.resolve(&destination).await.map_err(|error| invalid(&error))?;
            Ok(Box::new(addresses.into_iter()) as Box<dyn Iterator<Item = SocketAddr> + Send>)
        })
    }
}

fn invalid(error: &dyn std::error::Error) -> redis::RedisError {
    (redis::ErrorKind::InvalidClientConfig, "the address cannot be used", error.to_string()).into()
}

/// The flat list that `execute` answers.
pub(super) struct Flat(pub Vec<RedisResult>);

impl FromRedisValue for Flat {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut flat = Vec::new();
        flatten(&mut flat, value)?;
        Ok(Self(flat))
    }
}

fn flatten(flat: &mut Vec<RedisResult>, value: Value) -> Result<(), ParsingError> {
    flat.push(match value {
        Value::Nil => RedisResult::Nil,
        Value::Int(integer) => RedisResult::Int64(integer),
        Value::Boolean(truth) => RedisResult::Int64(i64::from(truth)),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => RedisResult::Binary(bytes),
        Value::Double(double) => RedisResult::Binary(double.to_string().into_bytes()),
        Value::SimpleString(text) => RedisResult::Status(text),
        Value::Okay => RedisResult::Status("OK".into()),
        Value::Array(values) | Value::Set(values) => {
            return values.into_iter().try_for_each(|value| flatten(flat, value));
        }
        other => {
            return Err(ParsingError::from(format!(
                "a Redis value of this type is not supported: {other:?}"
            )));
        }
    });
    Ok(())
}

/// How much memory a list of results takes.
pub(super) fn size(results: &[RedisResult]) -> usize {
    results.iter().fold(size_of::<Vec<RedisResult>>(), |sum, result| {
        let content = match result {
            RedisResult::Nil | RedisResult::Int64(_) => 0,
            RedisResult::Binary(bytes) => bytes.len(),
            RedisResult::Status(text) => text.len(),
        };
        sum.saturating_add(content).saturating_add(size_of::<RedisResult>())
    })
}
