//! Connections of guests to a real Redis.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::AsyncDNSResolver;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, ParsingError, Value,
};
use url::{Host, Url};

use crate::bindings::fermyon::spin2_0_0::redis::{Error, RedisResult};
use crate::outbound::{Destination, Permission};
use crate::rest::Way;
use crate::services::Services;

/// The bound on what one command may answer, as in Spin.
pub(super) const RESULT_BYTES: usize = 128 * 1024 * 1024;

/// How long a connection may be silent before the kernel asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A connection to a Redis.
pub struct Remote {
    redis: MultiplexedConnection,
    services: Arc<Services>,
    address: String,
    /// It did not answer in time once, and is not asked again.
    dead: bool,
}

impl Remote {
    /// Sends one command and waits for its answer, within bounds.
    pub async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Error> {
        if self.dead {
            return Err(resting());
        }
        let _place = self.services.resting.wait(&self.address).ok_or_else(crowded)?;
        command.query_async(&mut self.redis).await.map_err(|error| {
            if error.is_io_error() {
                self.dead = true;
                self.services.resting.failed(&self.address);
            }
            match error.kind() {
                redis::ErrorKind::UnexpectedReturnType => Error::TypeError,
                _ => other(error),
            }
        })
    }
}

/// Connects, unless the address failed a moment ago.
pub(super) async fn connect(
    services: Arc<Services>,
    address: String,
    url: &Url,
    permission: Permission,
) -> Result<Remote, Error> {
    match services.resting.way(&address) {
        Way::Free => {}
        Way::Closed => return Err(resting()),
        Way::Probe(probe) => {
            let (services, url) = (services.clone(), url.clone());
            tokio::spawn(async move {
                let answered = match open(&services, &url, permission).await {
                    Ok(mut redis) => redis::cmd("PING").query_async::<Value>(&mut redis).await.map(drop),
                    Err(error) => Err(error),
                };
                // One that says no, as to a user who may not ask, answers too.
                if answered.err().is_none_or(|error| error.code().is_some()) {
                    probe.answers();
                }
            });
            return Err(resting());
        }
    }
    let place = services.resting.wait(&address).ok_or_else(crowded)?;
    let redis = open(&services, url, permission).await.map_err(|error| {
        if error.is_io_error() {
            services.resting.failed(&address);
        }
        other(error)
    })?;
    drop(place);
    Ok(Remote { redis, services, address, dead: false })
}

/// Connects, checking the very addresses it connects to.
async fn open(
    services: &Arc<Services>,
    url: &Url,
    permission: Permission,
) -> redis::RedisResult<MultiplexedConnection> {
    let client = redis::Client::open(settled(url.as_str())?)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(services.limits.redis_connect))
        .set_response_timeout(Some(services.limits.redis_command))
        .set_dns_resolver(Resolver { services: services.clone(), permission });
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The address, with what its sockets need: no waiting for more to send, and an end if the other side is gone.
pub(crate) fn settled(address: &str) -> redis::RedisResult<ConnectionInfo> {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    Ok(address.into_connection_info()?.set_tcp_settings(settings))
}

fn resting() -> Error {
    Error::Other("the Redis did not answer a moment ago: it is not tried again yet".into())
}

fn crowded() -> Error {
    Error::Other("too many wait for an answer of this Redis".into())
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
