//! Opening what a component works with.

use perennial_events::{Bus, BusError, DaprBus, LocalBus, Message, RedisBus, Sidecar, SidecarState};
use perennial_store::postgres::{Clock, Postgres, SpinPg};
use perennial_store::sqlite::{SpinSql, Sqlite};
use perennial_store::{AnyStore, Either, StoreError};

use crate::{
    BusChoice, BusSettings, CallbackSettings, HotSettings, Settings, SidecarSettings, StateSettings,
    StoreChoice, StoreSettings, go_by, log,
};

/// The store that a component works with.
pub type GuestStore = AnyStore<SpinSql, SpinPg>;

/// Opens the store that the settings name.
pub fn open_store(settings: &StoreSettings) -> Result<GuestStore, StoreError> {
    match &settings.choice {
        StoreChoice::Sqlite(durability) => {
            let sql = SpinSql::open().map_err(|error| StoreError::Database(error.to_string()))?;
            Ok(Either::A(Sqlite::open(sql, *durability)?))
        }
        StoreChoice::Postgres(url) => {
            let sql = SpinPg::open(url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
            Ok(Either::B(Postgres::open(sql, Clock::Database)?))
        }
    }
}

/// Leaves what the store is reached by to others, until it is needed again.
pub fn let_go(store: &GuestStore) {
    match store {
        // Each guest has its own.
        Either::A(_) => {}
        Either::B(store) => store.let_go(),
    }
}

/// Goes by the clock of the store from now on, where the replicas of a service share one.
///
/// # Errors
/// Where the store does not say what time it is.
pub fn go_by_clock_of(store: &GuestStore) -> Result<(), StoreError> {
    store.time()?.into_iter().for_each(go_by);
    Ok(())
}

/// Tells the store whose events go out in lanes. Where that cannot be read, nobody's do, and all go out.
pub fn tell_hot_users(store: &GuestStore) {
    match HotSettings::from_host() {
        Ok(hot) => store.hot_users(&hot.users),
        Err(error) => log::error("no user is hot", &error.to_string()),
    }
}

/// The sidecar of this application.
pub fn open_sidecar(settings: &SidecarSettings) -> Sidecar {
    Sidecar::new(settings.http_port, settings.api_token.as_str())
}

/// The state store of that sidecar, if the settings name one.
pub fn open_state(settings: &StateSettings) -> Option<SidecarState> {
    let component = settings.component.as_deref()?;
    Some(SidecarState::new(open_sidecar(&settings.sidecar), component))
}

/// One of the buses.
pub enum AnyBus {
    /// Redis, or the embedded host's in-process bus.
    Redis(RedisBus),
    /// This application's own routes.
    Local(LocalBus),
    /// A Dapr sidecar.
    Dapr(DaprBus),
}

impl AnyBus {
    /// The application's own routes, if they are the bus.
    pub fn local(&self) -> Option<&LocalBus> {
        match self {
            Self::Local(bus) => Some(bus),
            Self::Redis(_) | Self::Dapr(_) => None,
        }
    }

    /// Whether a broker keeps what it is given. Then handlers may have no clock but the events: what a relay before had no time for
    /// goes out with the next commit of its stream.
    pub fn is_a_broker(&self) -> bool {
        matches!(self, Self::Dapr(_))
    }
}

impl Bus for AnyBus {
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        match self {
            Self::Redis(bus) => bus.publish(batch).await,
            Self::Local(bus) => bus.publish(batch).await,
            Self::Dapr(bus) => bus.publish(batch).await,
        }
    }
}

/// Opens the bus that the settings name. The application's own routes are within reach of HTTP guests only, which have
/// `callbacks`; elsewhere there is `None` in their place, and relaying is left to the HTTP components.
pub fn open_bus(
    settings: &BusSettings,
    callbacks: Option<&CallbackSettings>,
) -> Result<Option<AnyBus>, BusError> {
    let local = || callbacks.map(|callbacks| AnyBus::Local(LocalBus::new(callbacks.token.as_str())));
    match settings.choice {
        BusChoice::Local => Ok(local()),
        BusChoice::Dapr => {
            let bus = DaprBus::new(open_sidecar(&settings.sidecar), settings.pubsub.as_str());
            Ok(Some(AnyBus::Dapr(bus)))
        }
        BusChoice::Redis => RedisBus::open(&settings.redis_url).map(AnyBus::Redis).map(Some),
        BusChoice::Auto => {
            Ok(RedisBus::open(&settings.redis_url).map_or_else(|_| local(), |bus| Some(AnyBus::Redis(bus))))
        }
    }
}
