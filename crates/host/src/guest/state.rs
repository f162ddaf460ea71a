//! What the host keeps for one running guest.

use std::sync::Arc;

use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::component::GuestComponent;
use super::faults::Faults;
use super::memory::Memory;
use super::meter::Meter;
use super::run::Bounds;
use crate::caller::Caller;
use crate::hooks::WallClock;
use crate::http_out::{Origin, OutgoingHttp};
use crate::services::Services;

/// The data of a guest's store.
pub(crate) struct GuestState {
    pub component: Arc<GuestComponent>,
    pub services: Arc<Services>,
    pub table: ResourceTable,
    pub faults: Arc<Faults>,
    pub limits: Memory,
    pub meter: Arc<Meter>,
    /// Whether it answers a request.
    pub is_request: bool,
    /// Whose request that is.
    pub caller: Option<Caller>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outgoing: OutgoingHttp,
}

impl GuestState {
    pub fn new(component: Arc<GuestComponent>, services: Arc<Services>, origin: Option<Origin>) -> Self {
        let faults = Faults::new(services.hooks.faults.clone(), &component.id, services.next_invocation());
        let faults = Arc::new(faults);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(component.logs.stdout()).stderr(component.logs.stderr());
        for (name, value) in &component.environment {
            wasi.env(name, value);
        }
        if let Some(clock) = &services.hooks.clock {
            wasi.wall_clock(MovedClock(clock.clone()));
        }
        let wasi = wasi.build();
        let (limits, is_request) = (Memory::new(services.limits.memory), origin.is_some());
        let outgoing = OutgoingHttp::new(component.clone(), services.clone(), faults.clone(), origin);
        let (table, http) = (ResourceTable::new(), WasiHttpCtx::new());
        Self {
            component,
            services,
            table,
            faults,
            limits,
            meter: Arc::new(Meter::new()),
            is_request,
            caller: None,
            wasi,
            http,
            outgoing,
        }
    }

    /// What its call is held against.
    pub fn bounds(&self) -> Bounds {
        Bounds { faults: self.faults.clone(), meter: self.meter.clone() }
    }
}

impl HasData for GuestState {
    type Data<'a> = &'a mut GuestState;
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outgoing, table: &mut self.table, ctx: &mut self.http }
    }
}

/// A test's clock in WASI's shape.
struct MovedClock(Arc<dyn WallClock>);

impl HostWallClock for MovedClock {
    fn resolution(&self) -> std::time::Duration {
        std::time::Duration::from_nanos(1)
    }

    fn now(&self) -> std::time::Duration {
        self.0.now()
    }
}
