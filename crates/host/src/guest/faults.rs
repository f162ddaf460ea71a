//! Where a test's [`FaultHook`] is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use tokio::sync::Notify;
use wasmtime::bail;

use crate::hooks::{Call, FaultHook, Moment, Point, Verdict};

/// The fault points of one invocation of one guest.
pub(crate) struct Faults {
    hook: Option<Arc<dyn FaultHook>>,
    component: String,
    invocation: u64,
    calls: AtomicU64,
    tripped: Notify,
}

/// The number of a call within its invocation.
#[derive(Clone, Copy)]
pub(crate) struct Index(u64);

impl Faults {
    pub fn new(hook: Option<Arc<dyn FaultHook>>, component: &str, invocation: u64) -> Self {
        let component = component.to_owned();
        Self { hook, component, invocation, calls: AtomicU64::new(0), tripped: Notify::new() }
    }

    /// The invocation is about to begin, for a request.
    pub fn begins(&self, headers: &HeaderMap) {
        if let Some(hook) = &self.hook {
            hook.begins(self.invocation, headers);
        }
    }

    /// A call is about to begin.
    pub fn before(&self, call: Call<'_>) -> wasmtime::Result<Index> {
        let index = self.calls.fetch_add(1, Ordering::Relaxed);
        self.ask(Moment::Before, call, index)?;
        Ok(Index(index))
    }

    /// The call has had its effect.
    pub fn after(&self, call: Call<'_>, Index(index): Index) -> wasmtime::Result<()> {
        self.ask(Moment::After, call, index)
    }

    /// Traps the guest from outside of its task; see [`Faults::tripped`].
    pub fn trip(&self) {
        self.tripped.notify_one();
    }

    /// Ends when [`Faults::trip`] was called.
    pub async fn tripped(&self) {
        self.tripped.notified().await;
    }

    fn ask(&self, moment: Moment, call: Call<'_>, index: u64) -> wasmtime::Result<()> {
        let Some(hook) = &self.hook else { return Ok(()) };
        let point = Point { moment, call, index, invocation: self.invocation };
        match hook.at(&self.component, point) {
            Verdict::Continue => Ok(()),
            Verdict::Interrupt if moment == Moment::Before => {
                self.trip();
                Ok(())
            }
            Verdict::Interrupt | Verdict::Trap => bail!("fault injected at {point:?}"),
        }
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        if let Some(hook) = &self.hook {
            hook.ended(self.invocation);
        }
    }
}
