//! What requests are carried out with where a host runs us: what its variables say, and its bus.

use perennial_domain::{Ids, WebhookPolicy};
use perennial_events::relay_commit;
use perennial_guest::{
    BusSettings, CallbackSettings, GuestStore, LimitSettings, RedisCounter, SettingError, Settings,
    WebhookSettings, now, open_bus, tell_hot_users,
};
use perennial_http_api::{RatePolicy, RateServer};

use crate::{Api, Limits, Written};

/// What the variables say of requests.
pub struct Hosted {
    webhooks: WebhookPolicy,
    tasks: i64,
    reads: Option<RatePolicy>,
    writes: Option<RatePolicy>,
    counter: Option<RedisCounter>,
}

impl Hosted {
    /// As the host has them now.
    ///
    /// # Errors
    /// Where a variable is wrong, by its name.
    pub fn from_host() -> Result<Self, SettingError> {
        let webhooks = WebhookSettings::from_host()?.policy;
        let LimitSettings { tasks, reads, writes, redis_url } = LimitSettings::from_host()?;
        Ok(Self { webhooks, tasks, reads, writes, counter: redis_url.map(RedisCounter::new) })
    }

    /// What a request is carried out with, as from now.
    pub fn api<'a>(
        &'a self,
        store: &'a GuestStore,
        ids: &'a mut dyn Ids,
        correlation_id: String,
    ) -> Api<'a, GuestStore> {
        let server = self.counter.as_ref().map(|counter| counter as &dyn RateServer);
        Api {
            store,
            webhooks: &self.webhooks,
            limits: Limits { tasks: self.tasks, reads: self.reads, writes: self.writes, server },
            now: now(),
            ids,
            correlation_id,
            dry_run: false,
        }
    }
}

/// Has the events of a write published, once its client has the answer. Whatever fails here is made up for by the next sweep.
///
/// # Errors
/// Where the bus cannot be reached, or the variables that name it are wrong.
pub async fn publish(store: &GuestStore, written: &Written) -> anyhow::Result<()> {
    let callbacks = CallbackSettings::from_host()?;
    let Some(bus) = open_bus(&BusSettings::from_host()?, Some(&callbacks))? else { return Ok(()) };
    // Whoever had the lease may have left the stream to the next: a clock that planned for it relays when its sweep is over.
    if written.own.is_some() || bus.local().is_none() {
        tell_hot_users(store);
        relay_commit(store, &bus, &written.commit, written.own.as_ref(), &now).await?;
    }
    // Without a clock trigger, each write also runs one slice of the clock's work.
    if let Some(local) = bus.local() {
        local.post("/internal/sweep", Vec::new()).await?;
    }
    Ok(())
}
