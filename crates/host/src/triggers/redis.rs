//! The redis trigger: one message at a time per trigger, each in a fresh guest.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use tokio::sync::mpsc::{self, Receiver};

use crate::bindings::redis_handler::RedisHandlerPre;
use crate::guest::{GuestComponent, GuestState, after, is_shutdown};
use crate::manifest::Manifest;
use crate::redis::{Bus, Message, QUEUE, settled};
use crate::services::Services;
use crate::variables::Variables;

/// The export a redis trigger calls.
const EXPORT: &str = "fermyon:spin/inbound-redis";

/// How long to wait before connecting again, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// How long connecting and subscribing may take.
const SUBSCRIBE: Duration = Duration::from_secs(10);

/// The queues that wait for a component.
pub(crate) struct Queue {
    component: String,
    channel: String,
    messages: Receiver<Message>,
}

/// Finds the addresses and channels of all redis triggers.
pub(crate) fn prepare(
    manifest: &Manifest,
    variables: &Variables,
    bus: &mut Bus,
) -> anyhow::Result<Vec<Queue>> {
    let default = manifest.redis_address.as_deref().unwrap_or_default();
    let mut queues = Vec::new();
    for trigger in &manifest.redis {
        let context = || format!("redis trigger of component {:?}", trigger.component);
        let address =
            variables.expand(trigger.address.as_deref().unwrap_or(default)).with_context(context)?;
        let channel = variables.expand(&trigger.channel).with_context(context)?;
        redis::Client::open(address.as_str())
            .map_err(|_| anyhow::anyhow!("Redis URL did not parse"))
            .with_context(context)?;
        let (queue, messages) = mpsc::channel(QUEUE);
        let component = trigger.component.clone();
        bus.addresses.entry(address).or_default().subscribe(channel.clone(), component.clone(), queue);
        queues.push(Queue { component, channel, messages });
    }
    Ok(queues)
}

/// Checks that the component can be called.
pub(crate) fn check(component: &GuestComponent) -> anyhow::Result<RedisHandlerPre<GuestState>> {
    component.check_export("redis", EXPORT)?;
    Ok(RedisHandlerPre::new(component.pre.clone())?)
}

impl Queue {
    pub fn component(&self) -> &str {
        &self.component
    }

    /// Handles messages until the host stops.
    pub async fn run(
        mut self,
        services: Arc<Services>,
        component: Arc<GuestComponent>,
        pre: RedisHandlerPre<GuestState>,
    ) {
        loop {
            let message = tokio::select! {
                () = services.kill.cancelled() => return,
                message = self.messages.recv() => message,
            };
            let Some(message) = message else { return };
            if let Err(error) = handle(&services, &component, &pre, &message).await
                && !is_shutdown(&error)
            {
                let error = format!("{error:#}");
                tracing::error!(
                    component = component.id,
                    channel = self.channel,
                    error,
                    "redis handler failed"
                );
            }
            drop(message.work);
        }
    }
}

async fn handle(
    services: &Arc<Services>,
    component: &Arc<GuestComponent>,
    pre: &RedisHandlerPre<GuestState>,
    message: &Message,
) -> anyhow::Result<()> {
    let mut store = component.store(services, None);
    let bounds = store.data().bounds();
    let call = async {
        let guest = pre.instantiate_async(&mut store).await?;
        guest.fermyon_spin_inbound_redis().call_handle_message(&mut store, &message.payload).await
    };
    services
        .guard(&bounds, after(services.limits.event), call)
        .await??
        .map_err(|_| anyhow::anyhow!("the handler returned an error"))
}

/// Listens to a real Redis until the host stops. Spin ends the application when the connection is lost; this connects
/// again.
pub(crate) async fn subscribe(services: Arc<Services>, address: String) {
    let mut pause = BACKOFF.0;
    loop {
        let listening = listen(&services, &address, &mut pause);
        let error = tokio::select! {
            () = services.kill.cancelled() => return,
            error = listening => error,
        };
        tracing::warn!(%error, retry_in = ?pause, "the Redis connection of the redis triggers is down");
        tokio::select! {
            () = services.kill.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = pause.saturating_mul(2).min(BACKOFF.1);
    }
}

async fn listen(services: &Services, address: &str, pause: &mut Duration) -> redis::RedisError {
    match try_listen(services, address, pause).await {
        Ok(()) => (redis::ErrorKind::Io, "disconnected").into(),
        Err(error) => error,
    }
}

async fn try_listen(services: &Services, address: &str, pause: &mut Duration) -> redis::RedisResult<()> {
    let Some(channels) = services.bus.addresses.get(address) else { return Ok(()) };
    let client = redis::Client::open(settled(address)?)?;
    let subscribing = async {
        let mut connection = client.get_async_pubsub().await?;
        for channel in channels.names() {
            connection.subscribe(channel).await?;
        }
        redis::RedisResult::Ok(connection)
    };
    let mut connection = tokio::time::timeout(SUBSCRIBE, subscribing)
        .await
        .map_err(|_| (redis::ErrorKind::Io, "it does not answer"))??;
    *pause = BACKOFF.0;
    tracing::info!(server = %client.get_connection_info().addr(), "redis triggers are subscribed");
    let mut messages = connection.on_message();
    while let Some(message) = messages.next().await {
        let payload = Arc::new(message.get_payload_bytes().to_vec());
        channels.deliver(&services.in_flight, message.get_channel_name(), &payload);
    }
    Ok(())
}
