//! The sessions of each address, and who has them.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Mutex as Turn, Notify, watch};
use tokio::time::{sleep, sleep_until, timeout};

use super::address::Address;
use super::connect::{NoSession, cancel, connect};
use super::error::{refused, text};
use super::places::{Asker, Place, Places};
use super::session::{Condition, Session};
use super::types::Parameter;
use crate::bindings::spin::postgres::postgres::{Error, RowSet};
use crate::outbound::Permission;
use crate::rest::{Resting, Way};
use crate::services::Services;

/// How many addresses have a pool, as in Spin.
const POOLS: usize = 16;

/// How old a session may become: what a server's process keeps only grows.
const AGE: Duration = Duration::from_secs(3600);

/// How long it is before a server without room is asked again, by one guest for all.
const KNOCKS: Duration = Duration::from_millis(500);

/// All pools.
pub(crate) struct Servers {
    pools: Mutex<Vec<Arc<Pool>>>,
    resting: Resting,
}

/// The sessions of one address. Who may reach it by other rules has others.
struct Pool {
    address: Address,
    /// How many sessions there may be, and whose.
    places: Places,
    /// Those that nobody has.
    idle: Mutex<Idle>,
    /// Tells one of those who wait for such a one that there is.
    given_back: Notify,
    /// Who asks a server that had no room whether it has now.
    knocks: Turn<()>,
    /// Counts how often the server was found to hang: who waits for it then waits no more.
    hung: watch::Sender<u64>,
    /// Whether somebody looks whether it does.
    looked_after: AtomicBool,
}

/// The sessions that nobody has.
#[derive(Default)]
struct Idle {
    /// The last that was given back at the end.
    sessions: Vec<Session>,
    /// Whether somebody sees to it that none stays for too long.
    swept: bool,
}

/// A session that a guest has; dropped, it goes back.
pub(super) struct Lent {
    services: Arc<Services>,
    pool: Arc<Pool>,
    place: Option<Place>,
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
            places: Places::new(places),
            idle: Mutex::default(),
            given_back: Notify::new(),
            knocks: Turn::default(),
            hung: watch::Sender::default(),
            looked_after: AtomicBool::new(false),
        });
        pools.push(pool.clone());
        pool
    }
}

/// Lends a session with a server of the address.
pub(super) async fn lend(services: &Arc<Services>, address: Address, asker: Asker) -> Result<Lent, Error> {
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
    let pool = services.postgres.pool(&address, services.limits.postgres_sessions);
    let until = Instant::now().checked_add(services.limits.postgres_wait);
    let place = match pool.places.take(&asker) {
        Some(place) => place,
        None => {
            // Only they are counted: who has a place is one of few, and is not refused what it has.
            let _waiting = resting.wait(&address.text).ok_or_else(crowded)?;
            pool.place(&asker, services.limits.postgres_wait).await?
        }
    };
    let session = pool.session(services, until).await?;
    Ok(Lent { services: services.clone(), pool, place: Some(place), session: Some(session) })
}

impl Pool {
    fn is_for(&self, address: &Address) -> bool {
        let permissions = |address: &Address| -> Vec<Permission> { address.permissions().collect() };
        self.address.text == address.text && permissions(&self.address) == permissions(address)
    }

    /// A place for one more session, once there is one.
    async fn place(&self, asker: &Asker, limit: Duration) -> Result<Place, Error> {
        let mut hung = self.hung.subscribe();
        tokio::select! {
            biased;
            place = timeout(limit, self.places.wait(asker)) => match place {
                Ok(Some(place)) => Ok(place),
                _ => Err(refused(&format!("all sessions with this PostgreSQL were in use for {limit:?}"))),
            },
            _ = hung.changed() => Err(at_rest()),
        }
    }

    /// A session for who has a place: one that nobody has, or a new one. Where the server has no room for that, it is waited for whichever
    /// comes first: one that is given back, or room.
    async fn session(&self, services: &Services, until: Option<Instant>) -> Result<Session, Error> {
        let idle = services.limits.postgres_idle;
        let mut hung = self.hung.subscribe();
        if let Some(session) = self.take_idle(idle) {
            return Ok(session);
        }
        let mut failed = match connect(services, &self.address).await {
            Ok(session) => return Ok(session),
            Err(failed) => failed,
        };
        while failed.full && until.is_some_and(|until| Instant::now() < until) {
            let left = until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default();
            tokio::select! {
                biased;
                _ = hung.changed() => return Err(at_rest()),
                _ = timeout(KNOCKS.min(left), self.given_back.notified()) => {}
            }
            if let Some(session) = self.take_idle(idle) {
                return Ok(session);
            }
            let Ok(_turn) = self.knocks.try_lock() else { continue };
            match connect(services, &self.address).await {
                Ok(session) => return Ok(session),
                Err(again) => failed = again,
            }
        }
        if failed.silent {
            services.postgres.resting.failed(&self.address.text);
        }
        Err(refused(&failed.why))
    }

    /// The session that was given back last, of those that are still good.
    fn take_idle(&self, limit: Duration) -> Option<Session> {
        let mut idle = lock(&self.idle);
        while let Some(session) = idle.sessions.pop() {
            if session.condition() == Condition::Fit && session.used.elapsed() < limit {
                return Some(session);
            }
        }
        None
    }

    /// Takes a session back that is fit for the next guest.
    fn put(self: &Arc<Self>, mut session: Session, limit: Duration) {
        if session.born.elapsed() > AGE {
            return;
        }
        session.used = Instant::now();
        let mut idle = lock(&self.idle);
        idle.sessions.push(session);
        if !idle.swept
            && let Ok(runtime) = Handle::try_current()
        {
            idle.swept = true;
            runtime.spawn(sweep(Arc::downgrade(self), limit));
        }
        drop(idle);
        self.given_back.notify_one();
    }

    /// Closes those that nobody has had for so long; when the next will have been. `None` where none is left, and nobody looks any more.
    fn close_unused(&self, limit: Duration) -> Option<Instant> {
        let mut idle = lock(&self.idle);
        idle.sessions.retain(|session| session.used.elapsed() < limit);
        let oldest = idle.sessions.iter().map(|session| session.used).min();
        let next = oldest.and_then(|used| used.checked_add(limit));
        idle.swept = next.is_some();
        next
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
                drop(std::mem::take(&mut lock(&pool.idle).sessions));
                pool.hung.send_modify(|times| *times = times.saturating_add(1));
            }
            pool.looked_after.store(false, Ordering::Release);
        });
    }
}

impl Lent {
    pub async fn query(&mut self, statement: &str, parameters: &[Parameter]) -> Result<RowSet, Error> {
        let session = self.session.as_mut().ok_or_else(gone)?;
        let result = self.pool.patiently(&self.services, session.query(statement, parameters)).await;
        result.unwrap_or_else(|given_up| Err(self.give_up(given_up)))
    }

    pub async fn execute(&mut self, statement: &str, parameters: &[Parameter]) -> Result<u64, Error> {
        let session = self.session.as_mut().ok_or_else(gone)?;
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
            return self.pool.put(session, self.services.limits.postgres_idle);
        }
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(clean(self.services.clone(), self.pool.clone(), session, place));
    }
}

/// Makes a session fit for the next guest, or ends it; its place is kept until then.
async fn clean(services: Arc<Services>, pool: Arc<Pool>, mut session: Session, place: Place) {
    let limit = services.limits.postgres_connect;
    if session.condition() == Condition::Unsettled && timeout(limit, session.settle()).await == Ok(true) {
        pool.put(session, services.limits.postgres_idle);
    } else if session.is_under_way()
        && let Ok(Err(NoSession { why, .. })) = timeout(limit, cancel(&session)).await
    {
        tracing::debug!(why, "a PostgreSQL could not be told that nobody waits any more");
    }
    drop(place);
}

/// Closes the sessions that nobody has had for so long, until there are none.
async fn sweep(pool: Weak<Pool>, limit: Duration) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.close_unused(limit)) {
        sleep_until(next.into()).await;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Whether a server of the address answers at all, be it that it has no more room.
async fn answers(services: &Services, address: &Address) -> bool {
    let limit = services.limits.postgres_connect;
    match connect(services, address).await {
        Ok(session) => matches!(timeout(limit, session.client().simple_query("SELECT 1")).await, Ok(Ok(_))),
        Err(error) => !error.silent,
    }
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
