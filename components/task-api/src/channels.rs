//! Channels: where a user wants to be notified.

use http::StatusCode;
use perennial_domain::{ChannelId, create_channel, delete_channel, rotate_secret};
use perennial_http_api::{Caller, PageQuery, Problem, Query, Request, Response, answer, json, no_content};
use perennial_store::{Store, SystemStore};
use serde::Deserialize;

use crate::Api;
use crate::api::{Answered, Decision, fresh_secret};
use crate::view::ChannelView;

/// A channel as sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelInput {
    #[serde(rename = "type", deserialize_with = "perennial_domain::plain_name")]
    kind: ChannelType,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 2_000), regex(pattern = perennial_domain::pattern::URL)))]
    url: String,
}

/// The kinds of channels that can be set up.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum ChannelType {
    Webhook,
}

pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::read(query)?;
    // They are few, and come in the order of their ids.
    let mut channels = store.channels(&caller.user.id)?;
    channels.retain(|channel| page.to_store().after.is_none_or(|after| *channel.id.as_str() > *after));
    Ok(answer(StatusCode::OK, &page.show(&channels, |channel| channel.id.to_string(), ChannelView::new)))
}

pub(crate) fn get(store: &impl Store, caller: &Caller, id: &str) -> Result<Response, Problem> {
    let channel = store.channel(&caller.user.id, &ChannelId::new(id))?.ok_or_else(Problem::not_found)?;
    Ok(answer(StatusCode::OK, &ChannelView::new(&channel)))
}

pub(crate) fn create<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let ChannelInput { kind: ChannelType::Webhook, url } = json(request, &["application/json"])?;
    let policy = api.webhooks.clone();
    let user = caller.user.id.clone();
    api.write(caller, request, |store, ctx| {
        let existing = store.channels(&user)?.len();
        let secret = fresh_secret("whsec_")?;
        let (commit, channel) = create_channel(ctx, &url, secret, existing, &policy)?;
        Ok(Decision::secret(commit, answer(StatusCode::CREATED, &ChannelView::with_secret(&channel))))
    })
}

/// A new secret, told once; the one before signs beside it for a day.
pub(crate) fn rotate<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    let (user, id) = (caller.user.id.clone(), ChannelId::new(id));
    api.write(caller, request, |store, ctx| {
        let channel = store.channel(&user, &id)?.ok_or_else(Problem::not_found)?;
        let secret = fresh_secret("whsec_")?;
        let (commit, channel) = rotate_secret(ctx, &channel, secret)?;
        Ok(Decision::secret(commit, answer(StatusCode::OK, &ChannelView::with_secret(&channel))))
    })
}

pub(crate) fn delete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    let (user, id) = (caller.user.id.clone(), ChannelId::new(id));
    api.write(caller, request, |store, ctx| {
        let channel = store.channel(&user, &id)?.ok_or_else(Problem::not_found)?;
        Ok(Decision::write(delete_channel(ctx, &channel), no_content()))
    })
}
