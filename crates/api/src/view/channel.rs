//! Channels.

#[cfg(feature = "schema")]
use perennial_domain::MAX_TYPES;
use perennial_domain::{Channel, ChannelConfig, ChannelKind};
use serde::Serialize;

use super::At;

/// A channel; its secret only when it is made.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ChannelView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    id: &'a str,
    #[serde(rename = "type")]
    kind: ChannelKind,
    #[cfg_attr(feature = "schema", schemars(length(max = 2000)))]
    url: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_TYPES), inner(length(max = 100))))]
    types: Vec<&'static str>,
    created_at: At,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> ChannelView<'a> {
    pub(crate) fn new(channel: &'a Channel) -> Self {
        let ChannelConfig::Webhook { url, .. } = &channel.config;
        Self {
            id: channel.id.as_str(),
            kind: channel.config.kind(),
            url,
            types: channel.config.types().names(),
            created_at: At(channel.created_at),
            secret: None,
        }
    }

    pub(crate) fn with_secret(channel: &'a Channel) -> Self {
        let ChannelConfig::Webhook { secret, .. } = &channel.config;
        Self { secret: Some(secret), ..Self::new(channel) }
    }
}
