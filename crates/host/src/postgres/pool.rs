//! The sessions of each address, and who has them.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::address::Address;
use super::connect::{NoSession, cancel, connect};
use super::error::{refused, text};
use super::session::{Condition, Session};
use super::types::Parameter;
use crate::bindings::spin::postgres::postgres::{Error, RowSet};
use crate::outbound::Permission;
use crate::rest::{Resting, Way};
use crate::services::Services;

/// How many addresses have a pool, as in Spin.
const POOLS: usize = 16;

/// How long a session may wait for its next guest, and how old it may become: what a server's process keeps only grows.
const IDLE: Duration = Duration::from_secs(300);
const AGE: Duration = Duration::from_secs(3600);

/// All pools.
pub(crate) struct Servers {
    pools: Mutex<Vec<Arc<Pool>>>,
    resting: Resting,
}

/// The sessions of one address. Who may reach it by other rules has others.
struct Pool {
    address: Address,
    /// How many sessions there may be.
    places: Arc<Semaphore>,
    /// Those that nobody has, the last that was given back at the end.
    idle: Mutex<Vec<Session>>,
    /// Counts how often the server was found to hang: who waits for it then waits no more.
    hung: watch::Sender<u64>,
    /// Whether somebody looks whether it does.
    looked_after: AtomicBool,
}

/// A session that a guest has; dropped, it goes back.
pub(super) struct Lent {
    services: Arc<Services>,
    pool: Arc<Pool>,
    place: Option<OwnedSemaphorePermit>,
    session: Option<Session>,
}

/// Why a statement was not waited for any longer.
enum GivenUp {
    Hung,
    TooLong(Duration),
}

impl Servers {
    pub fn new(instances: u32) -> Self {
        Self { pools: Mutex::default(), resting: Resting::new("PostgreSQL", instances) }
    }

    /// The pool of an address; the one that was not used for longest goes where there are too many.
    fn pool(&self, address: &Address, places: usize) -> Arc<Pool> {
        let mut pools = lock(&self.pools);
        if let Some(at) = pools.iter().position(|pool| pool.is_for(address)) {
            let pool = pools.remove(at);
            pools.push(pool.clone());
            return pool;
        }
        if pools.len() >= POOLS {
            let unused = pools.iter().position(|pool| Arc::strong_count(pool) == 1);
            pools.remove(unused.unwrap_or_default());
        }
        let pool = Arc::new(Pool {
            address: address.clone(),
            places: Arc::new(Semaphore::new(places)),
            idle: Mutex::default(),
            hung: watch::Sender::default(),
            looked_after: AtomicBool::new(false),
        });
        pools.push(pool.clone());
        pool
    }
}

/// Lends a session with a server of the address.
pub(super) async fn lend(services: &Arc<Services>, address: Address) -> Result<Lent, Error> {
    let resting = &services.postgres.resting;
    match resting.way(&address.text) {
        Way::Free => {}
        Way::Closed => return Err(at_rest()),
        Way::Probe(probe) => {
            let services = services.clone();
            tokio::spawn(async move {
                if answers(&services, &address).await {
                    probe.answers();
                }
            });
            return Err(at_rest());
        }
    }
    let _waiting = resting.wait(&address.text).ok_or_else(crowded)?;
    let pool = services.postgres.pool(&address, services.limits.postgres_sessions);
    let place = pool.place(services.limits.postgres_wait).await?;
    let session = match pool.take_idle() {
        Some(session) => session,
        None => connect(services, &pool.address).await.map_err(|NoSession { why, silent }| {
            if silent {
                resting.failed(&address.text);
            }
            refused(&why)
        })?,
    };
    Ok(Lent { services: services.clone(), pool, place: Some(place), session: Some(session) })
}

impl Pool {
    fn is_for(&self, address: &Address) -> bool {
        let permissions = |address: &Address| -> Vec<Permission> { address.permissions().collect() };
        self.address.text == address.text && permissions(&self.address) == permissions(address)
    }

    /// A place for one more session, once there is one.
    async fn place(&self, limit: Duration) -> Result<OwnedSemaphorePermit, Error> {
        let mut hung = self.hung.subscribe();
        tokio::select! {
            biased;
            place = timeout(limit, self.places.clone().acquire_owned()) => match place {
                Ok(Ok(place)) => Ok(place),
                _ => Err(refused(&format!("all sessions with this PostgreSQL were in use for {limit:?}"))),
            },
            _ = hung.changed() => Err(at_rest()),
        }
    }

    /// The session that was given back last, of those that are still good.
    fn take_idle(&self) -> Option<Session> {
        let mut idle = lock(&self.idle);
        while let Some(session) = idle.pop() {
            if session.condition() == Condition::Fit {
                return Some(session);
            }
        }
        None
    }

    /// Takes a session back that is fit for the next guest.
    fn put(&self, mut session: Session) {
        if session.born.elapsed() > AGE {
            return;
        }
        session.used = Instant::now();
        let mut idle = lock(&self.idle);
        idle.retain(|session| session.used.elapsed() < IDLE);
        idle.push(session);
    }

    /// Waits for a statement. Where it takes long, it is looked whether the server answers others; where it does not, nobody waits
    /// for it any more.
    async fn patiently<T>(
        self: &Arc<Self>,
        services: &Arc<Services>,
        statement: impl Future<Output = T>,
    ) -> Result<T, GivenUp> {
        let limit = services.limits.postgres_statement;
        let mut hung = self.hung.subscribe();
        let mut statement = pin!(statement);
        let mut limited = pin!(sleep(limit));
        loop {
            tokio::select! {
                biased;
                result = &mut statement => return Ok(result),
                _ = hung.changed() => return Err(GivenUp::Hung),
                () = &mut limited => return Err(GivenUp::TooLong(limit)),
                () = sleep(services.limits.postgres_silence) => self.look_after(services),
            }
        }
    }

    /// Looks whether the server answers, unless somebody does.
    fn look_after(self: &Arc<Self>, services: &Arc<Services>) {
        if self.looked_after.swap(true, Ordering::AcqRel) {
            return;
        }
        let (pool, services) = (self.clone(), services.clone());
        tokio::spawn(async move {
            if !answers(&services, &pool.address).await {
                services.postgres.resting.failed(&pool.address.text);
                drop(std::mem::take(&mut *lock(&pool.idle)));
                pool.hung.send_modify(|times| *times = times.saturating_add(1));
            }
            pool.looked_after.store(false, Ordering::Release);
        });
    }
}

impl Lent {
    pub async fn query(&mut self, statement: &str, parameters: &[Parameter]) -> Result<RowSet, Error> {
        let session = self.session.as_mut().ok_or_else(gone)?;
        let _waiting = self.services.postgres.resting.wait(&self.pool.address.text).ok_or_else(crowded)?;
        let result = self.pool.patiently(&self.services, session.query(statement, parameters)).await;
        result.unwrap_or_else(|given_up| Err(self.give_up(given_up)))
    }

    pub async fn execute(&mut self, statement: &str, parameters: &[Parameter]) -> Result<u64, Error> {
        let session = self.session.as_mut().ok_or_else(gone)?;
        let _waiting = self.services.postgres.resting.wait(&self.pool.address.text).ok_or_else(crowded)?;
        let result = self.pool.patiently(&self.services, session.execute(statement, parameters)).await;
        result.unwrap_or_else(|given_up| Err(self.give_up(given_up)))
    }

    /// Lets go of a session whose statement was not waited for to its end.
    fn give_up(&mut self, why: GivenUp) -> Error {
        self.give_back();
        match why {
            GivenUp::Hung => {
                text("the PostgreSQL does not answer any more: what became of the statement is not known")
            }
            GivenUp::TooLong(limit) => {
                text(format!("the statement took longer than {limit:?}, and was given up"))
            }
        }
    }

    fn give_back(&mut self) {
        let (Some(session), Some(place)) = (self.session.take(), self.place.take()) else { return };
        if session.condition() == Condition::Fit {
            return self.pool.put(session);
        }
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(clean(self.services.clone(), self.pool.clone(), session, place));
    }
}

/// Makes a session fit for the next guest, or ends it; its place is kept until then.
async fn clean(services: Arc<Services>, pool: Arc<Pool>, mut session: Session, place: OwnedSemaphorePermit) {
    let limit = services.limits.postgres_connect;
    if session.condition() == Condition::Unsettled && timeout(limit, session.settle()).await == Ok(true) {
        pool.put(session);
    } else if session.is_under_way()
        && let Ok(Err(NoSession { why, .. })) = timeout(limit, cancel(&session)).await
    {
        tracing::debug!(why, "a PostgreSQL could not be told that nobody waits any more");
    }
    drop(place);
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Whether a server of the address answers at all, be it that it has no more room.
async fn answers(services: &Services, address: &Address) -> bool {
    let asked = async {
        match connect(services, address).await {
            Ok(session) => session.client().simple_query("SELECT 1").await.is_ok(),
            Err(error) => !error.silent,
        }
    };
    timeout(services.limits.postgres_connect, asked).await.unwrap_or_default()
}

fn at_rest() -> Error {
    refused("the PostgreSQL did not answer a moment ago: it is not tried again yet")
}

fn crowded() -> Error {
    refused("too many wait for an answer of this PostgreSQL")
}

fn gone() -> Error {
    refused("the session was given up")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
