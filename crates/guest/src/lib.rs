//! The edge between a component and its host: settings, clock, ids, the store, the bus, HTTP in and out. Spin's
//! interfaces are used here, in `events::bus`, `store::sqlite` and `store::postgres`, and nowhere else but at entry points.

#[cfg(target_arch = "wasm32")]
pub mod callback;
mod clock;
#[cfg(target_arch = "wasm32")]
mod counter;
#[cfg(target_arch = "wasm32")]
mod door;
#[cfg(target_arch = "wasm32")]
mod http_in;
#[cfg(target_arch = "wasm32")]
mod http_stream;
#[cfg(target_arch = "wasm32")]
mod keys;
pub mod log;
pub mod settings;
#[cfg(target_arch = "wasm32")]
mod wiring;

pub use clock::{FreshIds, draw, go_by, now, random_secret};
#[cfg(target_arch = "wasm32")]
pub use counter::RedisCounter;
#[cfg(target_arch = "wasm32")]
pub use door::{Accepting, Opened, told};
#[cfg(target_arch = "wasm32")]
pub(crate) use http_in::read_beginning;
#[cfg(target_arch = "wasm32")]
pub use http_in::{read_body, read_head, respond};
#[cfg(target_arch = "wasm32")]
pub use http_stream::{ClientLeft, StreamedAnswer};
#[cfg(target_arch = "wasm32")]
pub use keys::HttpKeys;
#[cfg(target_arch = "wasm32")]
pub use perennial_events::within;
pub use settings::{
    AuditSettings, AuthSettings, BusChoice, BusSettings, CallbackSettings, HotSettings, JwtSettings,
    LimitSettings, McpSettings, MetricsSettings, OutsideTokens, RetentionSettings, SettingError, Settings,
    SidecarSettings, StateSettings, StoreChoice, StoreSettings, WebhookSettings,
};
#[cfg(target_arch = "wasm32")]
pub use wiring::{
    AnyBus, GuestStore, go_by_clock_of, let_go, open_bus, open_sidecar, open_state, open_store,
    tell_hot_users,
};
