//! Channels: where a user wants to be notified.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::commit::ExpectSecret;
use crate::identity::hash_token;
use crate::{
    ChannelId, ChannelRow, Commit, Context, Invalid, NoticeRow, NotificationId, Subscription, Timestamp,
};

/// The channel of users who have set up none: their notifications wait to be read.
pub const INBOX_CHANNEL: &str = "inbox";

/// The type of a notification that is sent to try a channel.
pub const TEST: &str = "test";

/// Longest address, in characters.
pub(crate) const MAX_URL: usize = 2_000;

/// For how long a secret signs beside the one that has taken its place, in milliseconds: a day.
const OVERLAP: i64 = 86_400_000;

/// Most secrets that sign beside the newest.
pub(crate) const MAX_RETIRED: usize = 3;

/// Most tests of a channel that wait to be delivered.
pub const MAX_TESTS: usize = 10;

/// Length of the digest of a channel, in hexadecimal digits.
const DIGEST: usize = 32;

/// Most channels of a user.
pub(crate) const MAX_CHANNELS: usize = 10;

/// A channel as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// What it is, and what it takes to reach someone over it.
    pub config: ChannelConfig,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// What a channel is, with the settings of its kind. A further kind is a variant here and a way to deliver in the notifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "config", rename_all = "lowercase")]
pub enum ChannelConfig {
    /// A signed HTTP POST (Standard Webhooks 1.0).
    Webhook {
        /// Where notifications go.
        url: String,
        /// The secret that signs them (`whsec_…`), told once.
        secret: String,
        /// Those before it that still sign beside it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<Retired>,
        /// What it is told of; what a build wrote that knew no types means reminders.
        #[serde(default)]
        types: Subscription,
    },
}

/// A secret that another has taken the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// The secret.
    pub secret: String,
    /// From when on it signs no more.
    pub until: Timestamp,
}

impl ChannelConfig {
    /// What kind of channel.
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Webhook { .. } => ChannelKind::Webhook,
        }
    }

    /// What it is told of.
    pub fn types(&self) -> &Subscription {
        match self {
            Self::Webhook { types, .. } => types,
        }
    }
}

/// The kinds of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// Waits in the service to be read.
    Inbox,
    /// A signed HTTP POST (Standard Webhooks 1.0).
    Webhook,
}

/// Which addresses users may name, beside any public https one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WebhookPolicy {
    /// One plain-http origin, `http://host:port` or `http://host:*`, for development.
    pub http_origin: Option<String>,
}

/// Sets up a webhook channel for reminders. `existing` is how many the user has.
pub fn create_channel(
    ctx: &mut Context<'_>,
    url: &str,
    secret: String,
    existing: usize,
    policy: &WebhookPolicy,
) -> Result<(Commit, Channel), Invalid> {
    create_channel_for(ctx, (url, Subscription::default()), secret, existing, policy)
}

/// Sets up a webhook channel at an address for what it is to be told of. `existing` is how many the user has.
pub fn create_channel_for(
    ctx: &mut Context<'_>,
    (url, types): (&str, Subscription),
    secret: String,
    existing: usize,
    policy: &WebhookPolicy,
) -> Result<(Commit, Channel), Invalid> {
    policy.check(url).map_err(|why| Invalid::at("/url", why))?;
    // A fragment is for whoever asks, and never sent (RFC 3986 §3.5): the address is kept as it is called.
    let url = url.split('#').next().unwrap_or(url);
    if existing >= MAX_CHANNELS {
        return Err(Invalid::at(
            "",
            format!("there are {existing} channels; at most {MAX_CHANNELS} are kept"),
        ));
    }
    let id = ChannelId::new(ctx.ids.next().to_string());
    let config = ChannelConfig::Webhook { url: url.to_owned(), secret, previous: Vec::new(), types };
    let channel = Channel { id, config, created_at: ctx.now };
    let mut commit = ctx.commit("channel.create", channel.id.as_str());
    commit.expect.channels = i64::try_from(existing).ok();
    commit.channels.push(row(&channel, None));
    Ok((commit, channel))
}

/// Gives a channel a new secret. The one before signs beside it for a day, so that a receiver never meets what it cannot check.
///
/// # Errors
/// [`Invalid`] if as many as may be sign already.
pub fn rotate_secret(
    ctx: &mut Context<'_>,
    channel: &Channel,
    fresh: String,
) -> Result<(Commit, Channel), Invalid> {
    let ChannelConfig::Webhook { url, secret, previous, types } = &channel.config;
    let mut previous: Vec<Retired> = previous.iter().filter(|old| old.until > ctx.now).cloned().collect();
    if let (true, Some(first)) = (previous.len() >= MAX_RETIRED, previous.first()) {
        let detail =
            format!("{MAX_RETIRED} secrets before this one still sign, the first until {}", first.until);
        return Err(Invalid::at("", detail));
    }
    previous.push(Retired { secret: secret.clone(), until: ctx.now.plus_millis(OVERLAP) });
    let config = ChannelConfig::Webhook { url: url.clone(), secret: fresh, previous, types: types.clone() };
    let next = Channel { config, ..channel.clone() };
    let mut commit = ctx.commit("channel.rotate", channel.id.as_str());
    commit.expect.secrets.push(expected(channel));
    commit.channels.push(row(&next, None));
    Ok((commit, next))
}

/// Changes what a channel is told of, from the next event on. What waits for it already is delivered all the same.
pub fn update_channel(ctx: &mut Context<'_>, channel: &Channel, types: Subscription) -> (Commit, Channel) {
    let ChannelConfig::Webhook { url, secret, previous, .. } = &channel.config;
    let config = ChannelConfig::Webhook {
        url: url.clone(),
        secret: secret.clone(),
        previous: previous.clone(),
        types,
    };
    let next = Channel { config, ..channel.clone() };
    let mut commit = ctx.commit("channel.update", channel.id.as_str());
    commit.expect.secrets.push(expected(channel));
    commit.channels.push(row(&next, None));
    (commit, next)
}

/// Writes nothing but that the command was asked, so that its answer can be kept under the request's key. Applied only if the
/// channel is still as the answer says.
pub fn leave_channel(ctx: &mut Context<'_>, channel: &Channel) -> Commit {
    let mut commit = ctx.commit("channel.unchanged", channel.id.as_str());
    commit.expect.secrets.push(expected(channel));
    commit
}

/// Sends a notification over a channel that tells of nothing, to see whether it arrives. The store lets
/// [`MAX_TESTS`] of a channel wait.
pub fn test_channel(ctx: &mut Context<'_>, channel: &Channel) -> (Commit, NoticeRow) {
    let payload = json!({
        "type": TEST,
        "timestamp": ctx.now.to_string(),
        "data": { "channel_id": channel.id },
    });
    let notice = NoticeRow {
        id: NotificationId::new(ctx.ids.next()),
        channel_id: channel.id.clone(),
        kind: TEST,
        subject: channel.id.to_string(),
        payload,
        next_attempt_at: ctx.now,
    };
    let mut commit = ctx.commit("channel.test", channel.id.as_str());
    commit.notices.push(notice.clone());
    (commit, notice)
}

impl Channel {
    /// A digest of what can change of it, in hex; neither the address nor a secret can be found from it.
    pub fn digest(&self) -> String {
        let ChannelConfig::Webhook { secret, types, .. } = &self.config;
        let mut digest = hash_token(&format!("{secret} {}", types.names().join(" ")));
        digest.truncate(DIGEST);
        digest
    }
}

/// The channel as it was read.
fn expected(channel: &Channel) -> ExpectSecret {
    let ChannelConfig::Webhook { secret, types, .. } = &channel.config;
    ExpectSecret { id: channel.id.clone(), secret: secret.clone(), types: Some(types.clone()) }
}

/// Removes a channel. Notifications that wait for it are delivered no more.
pub fn delete_channel(ctx: &mut Context<'_>, channel: &Channel) -> Commit {
    let mut commit = ctx.commit("channel.delete", channel.id.as_str());
    // Types that only a later build knows are not in the way.
    commit.expect.secrets.push(ExpectSecret { types: None, ..expected(channel) });
    commit.channels.push(row(channel, Some(ctx.now)));
    commit
}

fn row(channel: &Channel, deleted_at: Option<Timestamp>) -> ChannelRow {
    ChannelRow {
        id: channel.id.clone(),
        config: channel.config.clone(),
        created_at: channel.created_at,
        deleted_at,
    }
}

impl WebhookPolicy {
    /// Whether an address may be called; the error says why not. The host enforces what cannot be seen here: where a
    /// name resolves to.
    pub fn check(&self, url: &str) -> Result<(), String> {
        if url.len() > MAX_URL || !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(format!("must be an ASCII URL of at most {MAX_URL} characters"));
        }
        if self.allows_http(url) {
            return Ok(());
        }
        let rest = url.strip_prefix("https://").ok_or("must start with https://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("must not contain a user name or password".to_owned());
        }
        if authority.starts_with('[') {
            return Err("must name a host, not an IP address".to_owned());
        }
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        if port != "443" {
            return Err("must use port 443".to_owned());
        }
        let labels: Vec<&str> = host.trim_end_matches('.').split('.').collect();
        let is_label = |label: &&str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if host.len() > 253 || labels.len() < 2 || !labels.iter().all(is_label) {
            return Err("must name a public host, such as hooks.example.com".to_owned());
        }
        // As in the WHATWG URL standard, a host whose last label is a number is an IPv4 address, however written.
        let last = labels.last().copied().unwrap_or_default().to_ascii_lowercase();
        if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
            return Err("must name a host, not an IP address".to_owned());
        }
        Ok(())
    }

    fn allows_http(&self, url: &str) -> bool {
        let Some(origin) = &self.http_origin else { return false };
        let path_start = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?', '#']);
        match origin.strip_suffix('*') {
            Some(any_port) => url.strip_prefix(any_port).is_some_and(|rest| {
                let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
                // A number's reader also takes a sign.
                port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
            }),
            None => url.strip_prefix(origin.as_str()).is_some_and(path_start),
        }
    }
}
