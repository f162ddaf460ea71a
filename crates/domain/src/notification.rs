//! The delivery of a notification, and what becomes of it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{ChannelConfig, Commit, Context, Delivery, EventType, NotificationId, Timestamp};

/// Waits before the second, third, … attempt, in seconds. With the first attempt that makes ten over three days, as
/// Standard Webhooks 1.0 suggests.
const BACKOFF: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Attempts after which a notification is given up.
pub const MAX_ATTEMPTS: i64 = 10;

/// Longest wait that a receiver may ask for with `Retry-After`, in seconds.
const MAX_RETRY_AFTER: i64 = 86_400;

/// The pause of an endpoint after the first attempt that hung, in milliseconds; it doubles with each further one.
const FIRST_PAUSE: i64 = 15_000;

/// How long an endpoint may take to answer and count as prompt, in milliseconds.
const PROMPT: i64 = 2_000;

/// The longest such pause: an hour.
const LONGEST_PAUSE: i64 = 3_600_000;

/// Longest error text kept, in characters.
const MAX_ERROR: usize = 200;

/// A notification whose delivery is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Its id, the same at every attempt: receivers recognise a repetition by it.
    pub id: NotificationId,
    /// What it is about: a task or a project; of a test, the channel.
    pub subject: String,
    /// Where it goes.
    pub channel: ChannelConfig,
    /// The body, the same at every attempt.
    pub payload: String,
    /// The number of the attempt under way, 1 for the first.
    pub attempt: i64,
    /// How the last attempt at the same endpoint ended: 0 = it answered promptly, or there was none; -1 = it answered, but
    /// slowly; else the attempts in a row that hung.
    pub endpoint_failures: i64,
}

/// The state of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum NotificationState {
    /// To be delivered.
    Pending,
    /// The receiver said yes.
    Delivered,
    /// Given up.
    Failed,
    /// Nobody waits for it any more: its task or its channel was deleted.
    Cancelled,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// The receiver answered 2xx.
    Accepted,
    /// No answer, or one that another attempt may change.
    Refused {
        /// What went wrong, without anything secret.
        error: String,
        /// Seconds the receiver asked us to wait.
        retry_after: Option<i64>,
    },
    /// The receiver did not answer in time: nobody should wait for it for a while.
    Hung {
        /// What went wrong.
        error: String,
    },
    /// The receiver will never take it: 410 Gone, or an address that may not be called.
    Gone {
        /// What went wrong.
        error: String,
    },
}

/// Records an attempt that took so many milliseconds: delivered, to be tried again later, or given up.
pub fn record_attempt(
    ctx: &mut Context<'_>,
    notification: &Notification,
    attempt: &Attempt,
    took: i64,
) -> Commit {
    let mut commit = ctx.commit("notification.attempt", &notification.id.to_string());
    let (state, next_attempt_at, error) = match attempt {
        Attempt::Accepted => (NotificationState::Delivered, None, None),
        Attempt::Gone { error } => (NotificationState::Failed, None, Some(error)),
        Attempt::Refused { error, retry_after } => again(ctx.now, notification, error, *retry_after),
        Attempt::Hung { error } => again(ctx.now, notification, error, None),
    };
    let endpoint_failures = match attempt {
        Attempt::Hung { .. } => notification.endpoint_failures.max(0).saturating_add(1),
        _ if took > PROMPT => -1,
        _ => 0,
    };
    commit.deliveries.push(Delivery {
        id: notification.id,
        attempt: notification.attempt,
        state,
        next_attempt_at,
        delivered_at: (state == NotificationState::Delivered).then_some(ctx.now),
        last_error: error.map(|text| text.chars().take(MAX_ERROR).collect()),
        endpoint_failures,
        endpoint_pause: pause(endpoint_failures),
    });
    let outcome = match state {
        NotificationState::Pending | NotificationState::Cancelled => None,
        NotificationState::Delivered => Some(EventType::NotificationDelivered),
        NotificationState::Failed => Some(EventType::NotificationFailed),
    };
    if let Some(kind) = outcome {
        let data = json!({ "notification_id": notification.id, "attempts": notification.attempt });
        commit.events.push(ctx.event(kind, &notification.subject, data));
    }
    commit
}

/// To be tried again, or given up.
fn again<'a>(
    now: Timestamp,
    notification: &Notification,
    error: &'a String,
    retry_after: Option<i64>,
) -> (NotificationState, Option<Timestamp>, Option<&'a String>) {
    match wait(notification, retry_after) {
        Some(millis) => (NotificationState::Pending, Some(now.plus_millis(millis)), Some(error)),
        None => (NotificationState::Failed, None, Some(error)),
    }
}

/// Milliseconds for which an endpoint is left alone after so many attempts in a row that hung: a breaker that opens at the
/// first and lets one attempt through when the pause is over.
fn pause(failures: i64) -> i64 {
    let Some(doublings) = u32::try_from(failures).ok().and_then(|failures| failures.checked_sub(1)) else {
        return 0;
    };
    FIRST_PAUSE.saturating_mul(1_i64.checked_shl(doublings.min(16)).unwrap_or(i64::MAX)).min(LONGEST_PAUSE)
}

/// Milliseconds until the next attempt: the schedule or what the receiver asked for, whichever is longer, spread by up
/// to a fifth so that many failures do not come back at one instant. `None` = no further attempt.
fn wait(notification: &Notification, retry_after: Option<i64>) -> Option<i64> {
    let step = usize::try_from(notification.attempt).ok()?.checked_sub(1)?;
    let seconds = (*BACKOFF.get(step)?).max(retry_after.unwrap_or(0).clamp(0, MAX_RETRY_AFTER));
    let spread = notification
        .id
        .to_string()
        .bytes()
        .fold(0_i64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let percent = spread.rem_euclid(21);
    seconds.checked_mul(1_000)?.checked_add(seconds.checked_mul(10)?.checked_mul(percent)?)
}
