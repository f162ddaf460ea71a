//! Channels: where a user wants to be notified.

use http::StatusCode;
use perennial_domain::{
    Channel, ChannelId, Context, NotificationState, RecurrenceId, Subscription, create_channel_for,
    delete_channel, leave_channel, rotate_secret, test_channel, update_channel,
};
use perennial_http_api::{
    Caller, PageQuery, Problem, Query, Request, Response, answer, json, json_value, no_content,
};
use perennial_store::{NotificationRecord, Store, SystemStore};
use serde::{Deserialize, Serialize};

use crate::Api;
use crate::api::{Answered, Decision, Tagged, fresh_secret};
use crate::tasks::{MERGE_PATCH, merge, merge_patch, tagged};
use crate::view::{ChannelView, NotificationView};

/// A channel as sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelInput {
    #[serde(rename = "type", deserialize_with = "perennial_domain::plain_name")]
    kind: ChannelType,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 2_000), regex(pattern = perennial_domain::pattern::URL)))]
    url: String,
    /// What it is told of; unless said, reminders. Each type once.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "types_schema"))]
    types: Option<Vec<String>>,
}

/// What can be changed of a channel.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelPatch {
    /// What it is told of; null: reminders, as of a new channel. Each type once.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "types_schema"))]
    types: Option<Vec<String>>,
}

#[cfg(feature = "schema")]
fn types_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names = perennial_domain::EventType::SUBSCRIBABLE.map(perennial_domain::EventType::name);
    schemars::json_schema!({
        "type": ["array", "null"],
        "items": { "type": "string", "enum": names },
        "minItems": 1,
        "maxItems": perennial_domain::MAX_TYPES,
        "uniqueItems": true,
    })
}

/// What a channel is told of, as it was asked for.
fn subscription(types: Option<&[String]>) -> Result<Subscription, Problem> {
    Ok(types.map_or_else(|| Ok(Subscription::default()), Subscription::parse)?)
}

/// The kinds of channels that can be set up.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum ChannelType {
    Webhook,
}

pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::of_ids(query)?;
    // They are few, and come in the order of their ids.
    let mut channels = store.channels(&caller.user.id)?;
    channels.retain(|channel| page.to_store().after.is_none_or(|after| *channel.id.as_str() > *after));
    Ok(answer(StatusCode::OK, &page.show(&channels, |channel| channel.id.to_string(), ChannelView::new)))
}

pub(crate) fn get(store: &impl Store, caller: &Caller, id: &str) -> Result<Response, Problem> {
    let channel = store.channel(&caller.user.id, &ChannelId::new(id))?.ok_or_else(Problem::not_found)?;
    Ok(show(&channel))
}

pub(crate) fn create<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let ChannelInput { kind: ChannelType::Webhook, url, types } = json(request, &["application/json"])?;
    let types = subscription(types.as_deref())?;
    let policy = api.webhooks.clone();
    let user = caller.user.id.clone();
    api.write(caller, request, |store, ctx| {
        let existing = store.channels(&user)?.len();
        let secret = fresh_secret("whsec_")?;
        let (commit, channel) = create_channel_for(ctx, (&url, types.clone()), secret, existing, &policy)?;
        Ok(Decision::secret(commit, told(StatusCode::CREATED, &channel)))
    })
}

/// Changes what a channel is told of.
pub(crate) fn update<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    let patch = merge_patch(json_value(request, &MERGE_PATCH)?, "a channel")?;
    on_channel(api, caller, request, id, |ctx, channel| {
        let names = channel.config.types().names();
        let before = ChannelPatch { types: Some(names.into_iter().map(str::to_owned).collect()) };
        let ChannelPatch { types } = merge(&before, &patch)?;
        let types = subscription(types.as_deref())?;
        if types == *channel.config.types() {
            return Ok(Decision::nothing(leave_channel(ctx, channel), show(channel)));
        }
        let (commit, channel) = update_channel(ctx, channel, types);
        Ok(Decision::write(commit, show(&channel)))
    })
}

/// Sends a notification that tells of nothing. What becomes of it is among the notifications.
pub(crate) fn test<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    on_channel(api, caller, request, id, |ctx, channel| {
        let now = ctx.now;
        let (commit, notice) = test_channel(ctx, channel);
        let sent = NotificationRecord {
            id: notice.id,
            kind: notice.kind.to_owned(),
            event_id: None,
            task_id: None,
            recurrence_id: RecurrenceId::single(),
            reminder_id: None,
            channel_id: notice.channel_id,
            state: NotificationState::Pending,
            attempts: 0,
            next_attempt_at: Some(notice.next_attempt_at),
            delivered_at: None,
            last_error: None,
            created_at: now,
        };
        Ok(Decision::write(commit, answer(StatusCode::ACCEPTED, &NotificationView::new(&sent))))
    })
}

/// A new secret, told once; the one before signs beside it for a day.
pub(crate) fn rotate<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    on_channel(api, caller, request, id, |ctx, channel| {
        let secret = fresh_secret("whsec_")?;
        let (commit, channel) = rotate_secret(ctx, channel, secret)?;
        Ok(Decision::secret(commit, told(StatusCode::OK, &channel)))
    })
}

pub(crate) fn delete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    on_channel(api, caller, request, id, |ctx, channel| {
        Ok(Decision::write(delete_channel(ctx, channel), no_content()))
    })
}

/// Carries out a write on one channel of the caller.
fn on_channel<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
    mut decide: impl FnMut(&mut Context<'_>, &Channel) -> Result<Decision, Problem>,
) -> Result<Answered, Problem> {
    let id = ChannelId::new(id);
    api.write_on(
        caller,
        request,
        |store, user| store.channel(user, &id),
        |_, ctx, channel| decide(ctx, channel),
    )
}

fn show(channel: &Channel) -> Response {
    tagged(answer(StatusCode::OK, &ChannelView::new(channel)), channel.tag())
}

/// With its secret.
fn told(status: StatusCode, channel: &Channel) -> Response {
    tagged(answer(status, &ChannelView::with_secret(channel)), channel.tag())
}
