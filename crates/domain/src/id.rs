//! Identifiers. Each names one kind of thing, so that none can stand in for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID made by the caller (version 7, so that ids sort by creation).
            pub fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// Reads the canonical text form; anything else is no id.
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    )*};
}

uuid_id! {
    /// A task, single or recurring.
    TaskId;
    /// A project: a list that tasks are in.
    ProjectId;
    /// One reminder of a task.
    ReminderId;
    /// One delivery of a reminder over one channel; also the `webhook-id` of that delivery.
    NotificationId;
    /// An event; the CloudEvents `id`.
    EventId;
    /// A personal access token.
    TokenId;
    /// A dead letter: an event that was given up.
    LetterId;
    /// A conversation with an assistant.
    ConversationId;
    /// A message of a conversation.
    MessageId;
    /// A call of a tool that waits to be confirmed.
    ConfirmationId;
}

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))] String);

        impl $name {
            /// Wraps an id that came from the store or was just made.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

name_id! {
    /// A user: the owner of tasks and of one stream. `admin`, or a UUID.
    UserId;
    /// The unit of order of events: one per user.
    StreamId;
    /// A channel over which a user is notified: a UUID, or `inbox`.
    ChannelId;
}

impl UserId {
    /// The owner that the bootstrap token speaks for.
    pub fn admin() -> Self {
        Self::new("admin")
    }

    /// The stream that orders this user's events.
    pub fn stream(&self) -> StreamId {
        StreamId::new(self.as_str())
    }
}
