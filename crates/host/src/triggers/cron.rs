//! The cron trigger: six fields with seconds, in UTC, as the plugin of Spin reads them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::Utc;
use croner::Cron;
use tokio::sync::Semaphore;

use crate::bindings::cron_handler::SpinCronPre;
use crate::bindings::cron_handler::spin::cron::cron_types::{Error, Metadata};
use crate::guest::{GuestComponent, GuestState, after, is_shutdown};
use crate::manifest::Manifest;
use crate::services::Services;

/// The export a cron trigger calls.
const EXPORT: &str = "handle-cron-event";

/// How many ticks of one trigger may run at once; a tick beyond that is skipped.
pub(crate) const CONCURRENT_TICKS: usize = 4;

/// The schedules of the manifest, by component.
pub(crate) fn prepare(manifest: &Manifest) -> anyhow::Result<Vec<(String, Cron)>> {
    let schedule = |trigger: &crate::manifest::CronTrigger| {
        let expression = trigger.expression.as_ref();
        let cron =
            Cron::new(expression).with_seconds_required().with_dom_and_dow().parse().map_err(|error| {
                let message = format!("invalid cron_expression {expression:?}: {error}");
                manifest.error(trigger.expression.span(), &message)
            })?;
        Ok((trigger.component.clone(), cron))
    };
    manifest.cron.iter().map(schedule).collect()
}

/// One cron trigger.
pub(crate) struct CronTrigger {
    component: Arc<GuestComponent>,
    services: Arc<Services>,
    schedule: Cron,
    pre: SpinCronPre<GuestState>,
    ticks: Arc<Semaphore>,
}

impl CronTrigger {
    pub fn new(
        component: Arc<GuestComponent>,
        services: Arc<Services>,
        schedule: Cron,
    ) -> anyhow::Result<Self> {
        component.check_export("cron", EXPORT)?;
        let pre = SpinCronPre::new(component.pre.clone())?;
        Ok(Self { component, services, schedule, pre, ticks: Arc::new(Semaphore::new(CONCURRENT_TICKS)) })
    }

    pub fn component(&self) -> &str {
        &self.component.id
    }

    /// Ticks on schedule until the host stops. What was missed while the host was down is not made up for.
    pub async fn run(self: Arc<Self>) {
        loop {
            let now = Utc::now();
            let Ok(next) = self.schedule.find_next_occurrence(&now, false) else {
                tracing::info!(component = self.component.id, "the cron schedule has no further occurrence");
                return;
            };
            let wait = next.signed_duration_since(now).to_std().unwrap_or_default();
            tokio::select! {
                () = self.services.kill.cancelled() => return,
                () = tokio::time::sleep(wait) => self.clone().start_tick(),
            }
        }
    }

    fn start_tick(self: Arc<Self>) {
        let Ok(permit) = self.ticks.clone().try_acquire_owned() else {
            tracing::warn!(component = self.component.id, "cron tick skipped: earlier ticks still run");
            return;
        };
        tokio::spawn(async move {
            if let Err(error) = self.tick().await
                && !is_shutdown(&error)
            {
                tracing::error!(
                    component = self.component.id,
                    error = format!("{error:#}"),
                    "cron tick failed"
                );
            }
            drop(permit);
        });
    }

    /// Runs one tick now.
    pub async fn tick(&self) -> anyhow::Result<()> {
        let _work = self.services.in_flight.begin();
        let metadata = Metadata { timestamp: self.now().as_secs() };
        let mut store = self.component.store(&self.services, None);
        let bounds = store.data().bounds();
        let call = async {
            let guest = self.pre.instantiate_async(&mut store).await?;
            store.run_concurrent(async |store| guest.call_handle_cron_event(store, metadata).await).await?
        };
        self.services
            .guard(&bounds, after(self.services.limits.event), call)
            .await??
            .map_err(|Error::Other(error)| anyhow::anyhow!("the handler returned an error: {error}"))
    }

    fn now(&self) -> Duration {
        match &self.services.hooks.clock {
            Some(clock) => clock.now(),
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }
}
