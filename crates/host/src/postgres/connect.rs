//! A new session with a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::config::{SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::error::SqlState;

use super::address::{Address, Server, full};
use super::session::Session;
use super::tls::Connector;
use super::watch::{Status, Watched};
use crate::outbound::ResolveError;
use crate::services::Services;

/// How long a connection may be silent before the kernel asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why there is no session.
#[derive(Debug)]
pub(super) struct NoSession {
    pub why: String,
    /// Whether nobody answered. Who is refused was answered.
    pub silent: bool,
    /// Whether the server has no room for one more.
    pub full: bool,
}

impl NoSession {
    fn silent(why: impl Into<String>) -> Self {
        Self { why: why.into(), silent: true, full: false }
    }

    fn refused(why: impl Into<String>) -> Self {
        Self { why: why.into(), silent: false, full: false }
    }
}

/// Where a session goes.
#[derive(Clone)]
pub(super) struct Route {
    address: SocketAddr,
    host: String,
    unframed: usize,
}

/// Connects to the first server of an address that is there, and is as the address wants it. Each has the same time: one that takes
/// connections and says nothing does not keep the next from being tried.
pub(super) async fn connect(services: &Services, address: &Address) -> Result<Session, NoSession> {
    let most = services.limits.postgres_connect;
    let limit = address.config.get_connect_timeout().map_or(most, |own| most.min(*own));
    let mut last = NoSession::refused("");
    for server in &address.servers {
        match to(services, address, server, limit).await {
            Ok(session) => return Ok(session),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects to the first place of a server that is there.
async fn to(
    services: &Services,
    address: &Address,
    server: &Server,
    limit: Duration,
) -> Result<Session, NoSession> {
    let too_long = |_| NoSession::silent(format!("the PostgreSQL did not answer within {limit:?}"));
    let resolved = timeout(limit, services.outbound.resolve(&server.destination)).await.map_err(too_long)?;
    let found = resolved.map_err(|error| match error {
        ResolveError::NoAddress => NoSession::silent(error.to_string()),
        _ => NoSession::refused(error.to_string()),
    })?;
    let mut last = None;
    for place in found {
        let route = Route { address: place, host: server.host.clone(), unframed: unframed(address) };
        match timeout(limit, along(address, route)).await.map_err(too_long).flatten() {
            Ok(session) => return Ok(session),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| NoSession::silent("address not available")))
}

async fn along(address: &Address, route: Route) -> Result<Session, NoSession> {
    let status = Arc::<Status>::default();
    let stream = dial(&route, status.clone()).await.map_err(|error| NoSession::silent(error.to_string()))?;
    let tls = Connector::to(&route.host, status.clone());
    let connected = address.config.connect_raw(stream, tls).await;
    let (client, connection) = connected.map_err(|error| no_session(&error))?;
    let session = Session::new(client, connection, status, route);
    check_role(&session, address).await?;
    Ok(session)
}

/// Refuses a server that only reads where one that writes is wanted, and the other way round.
async fn check_role(session: &Session, address: &Address) -> Result<(), NoSession> {
    let (unwanted, why) = match address.config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => ("on", "database does not allow writes"),
        TargetSessionAttrs::ReadOnly => ("off", "database is not read only"),
        _ => return Ok(()),
    };
    let told = session
        .client()
        .simple_query("SHOW transaction_read_only")
        .await
        .map_err(|error| no_session(&error))?;
    let is_unwanted = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(unwanted));
    if told.iter().any(is_unwanted) {
        return Err(NoSession::refused(why));
    }
    Ok(())
}

/// Asks the server to stop what a session waits for.
pub(super) async fn cancel(session: &Session) -> Result<(), NoSession> {
    let status = Arc::<Status>::default();
    let route = session.route();
    let stream = dial(route, status.clone()).await.map_err(|error| NoSession::silent(error.to_string()))?;
    let tls = Connector::to(&route.host, status);
    session.client().cancel_token().cancel_query_raw(stream, tls).await.map_err(|error| no_session(&error))
}

async fn dial(route: &Route, status: Arc<Status>) -> std::io::Result<Watched<TcpStream>> {
    let stream = TcpStream::connect(route.address).await?;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, KEEPALIVE)?;
    sockopt::set_tcp_keepintvl(&stream, KEEPALIVE)?;
    Ok(Watched::new(stream, status, route.unframed))
}

/// How many bytes a server says before its first message: whether it has TLS, if it is asked.
fn unframed(address: &Address) -> usize {
    let asks = address.config.get_ssl_mode() != SslMode::Disable
        && address.config.get_ssl_negotiation() == SslNegotiation::Postgres;
    usize::from(asks)
}

fn no_session(error: &tokio_postgres::Error) -> NoSession {
    use std::error::Error as _;
    let lost = error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
    let of_tls = error.to_string().contains("TLS");
    let full_up = error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS);
    // It starts or stops: nobody is there yet, or any more.
    let away = error.code() == Some(&SqlState::CANNOT_CONNECT_NOW);
    NoSession { why: full(error), silent: (lost && !of_tls) || away, full: full_up }
}
