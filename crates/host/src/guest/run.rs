//! Running a guest within its bounds.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::faults::Faults;
use super::meter::Meter;
use crate::services::Services;

/// Why a guest was stopped from outside. Its store is dropped, so what it held is rolled back and freed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stopped {
    /// The host is going down.
    #[error("the host is stopping")]
    Shutdown,
    /// A test's fault hook.
    #[error("fault injected")]
    Fault,
    /// It took longer than its kind of work may take.
    #[error("the guest took longer than {0:?}")]
    TooLong(Duration),
}

/// What a guest's call is held against while it runs.
#[derive(Clone)]
pub(crate) struct Bounds {
    /// A test's faults.
    pub faults: Arc<Faults>,
    /// How long it has computed.
    pub meter: Arc<Meter>,
}

impl Services {
    /// Runs a guest's call until it ends or must end.
    pub async fn guard<T>(
        &self,
        bounds: &Bounds,
        deadline: impl Future<Output = Duration>,
        call: impl Future<Output = T>,
    ) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.kill.cancelled() => Err(Stopped::Shutdown),
            () = bounds.faults.tripped() => Err(Stopped::Fault),
            result = bounds.meter.run(call) => Ok(result),
            limit = deadline => Err(Stopped::TooLong(limit)),
        }
    }
}

/// Whether that is only the host that stops.
pub(crate) fn is_shutdown(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Stopped::Shutdown))
}

/// A deadline of a fixed length.
pub(crate) async fn after(limit: Duration) -> Duration {
    tokio::time::sleep(limit).await;
    limit
}
