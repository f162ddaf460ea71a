//! How things look from outside, borrowed from what they are made of.

mod account;
mod change;
mod channel;
mod conversation;
mod event;
mod notification;
mod occurrence;
mod parked;
mod project;
mod quick;
mod reminder;
mod task;

use perennial_domain::{RecurrenceId, Timestamp};
use serde::{Serialize, Serializer};

pub(crate) use account::{MeView, TokenView, UserView};
pub(crate) use change::ChangeView;
pub(crate) use channel::ChannelView;
pub(crate) use conversation::{ConfirmationView, ConversationView, MessageView};
pub(crate) use event::EventView;
pub(crate) use notification::NotificationView;
pub(crate) use occurrence::{CompletedView, OccurrenceView, OverrideView};
pub(crate) use parked::{ParkedPage, ParkedView};
pub(crate) use project::{ProjectView, TagView};
pub(crate) use quick::QuickView;
pub(crate) use reminder::SnoozedView;
pub(crate) use task::TaskView;

/// An instant, as RFC 3339 writes it.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct At(
    #[cfg_attr(feature = "schema", schemars(with = "String", length(max = 30), extend("format" = "date-time")))]
     Timestamp,
);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The name of an occurrence; that of a single task has none.
fn name(id: &RecurrenceId) -> Option<&str> {
    (!id.is_single()).then(|| id.as_str())
}
