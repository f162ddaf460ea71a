//! A component of the application, ready to be instantiated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context;
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use super::state::GuestState;
use super::stdio::Logs;
use crate::counts::Counters;
use crate::http_out::Origin;
use crate::outbound::AllowedHosts;
use crate::services::Services;

/// What one component id may do, and the code behind it.
pub(crate) struct GuestComponent {
    pub id: String,
    pub variables: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
    pub allowed_hosts: AllowedHosts,
    pub databases: BTreeSet<String>,
    pub logs: Logs,
    pub counters: Counters,
    pub pre: InstancePre<GuestState>,
}

impl GuestComponent {
    /// A store for one invocation. `origin` is given to guests of the HTTP trigger only.
    pub fn store(self: &Arc<Self>, services: &Arc<Services>, origin: Option<Origin>) -> Store<GuestState> {
        self.counters.guest();
        let state = GuestState::new(self.clone(), services.clone(), origin);
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        let limit = services.limits.cpu;
        store.epoch_deadline_callback(move |context| {
            if context.data().meter.spent() > limit {
                wasmtime::bail!("the guest computed for too long and was stopped");
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// Whether the component exports what a trigger of this kind calls.
    pub fn check_export(&self, trigger: &str, export: &str) -> anyhow::Result<()> {
        let component = self.pre.component();
        component.get_export_index(None, export).map(|_| ()).with_context(|| {
            format!("component {:?} has a {trigger} trigger but does not export {export}", self.id)
        })
    }
}
