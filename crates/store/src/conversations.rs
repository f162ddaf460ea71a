//! Conversations with an assistant: what was said, whose turn it is to write, and what waits to be confirmed.
//!
//! A conversation is written by one at a time, who takes its turn first and gets a fence with it. What is added names that fence and the
//! last message that the writer knows, so that nobody writes after somebody else unknowingly. A call that is repeated has one effect:
//! conversations, messages and confirmations have ids that the caller makes.

use perennial_domain::{ConfirmationId, ConversationId, MessageId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{Page, StoreError};

/// A conversation as it is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversation {
    /// Its id: a UUID of version 7, by which conversations are in the order of their beginnings.
    pub id: ConversationId,
    /// Its title, of at most [`Conversation::MOST_TITLE`] bytes.
    pub title: String,
}

/// What became of one that was to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is there now.
    Begun,
    /// The user has one of that id already: it stays as it is.
    There,
    /// The user has [`Conversation::MOST`] already.
    Full,
    /// There is no such user any more.
    NotFound,
}

/// A conversation of a user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Its title.
    pub title: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When something was said in it last; where nothing was, when it was begun.
    pub last_at: Timestamp,
    /// How many messages it has, which is the sequence of the last.
    pub messages: i64,
    /// How many bytes they have, with the confirmations.
    pub bytes: i64,
}

impl Conversation {
    /// Most conversations of a user.
    pub const MOST: u32 = 1_000;
    /// Most bytes of a title.
    pub const MOST_TITLE: usize = 400;
    /// Most messages of a conversation.
    pub const MOST_MESSAGES: i64 = 1_000;
    /// Most bytes of a conversation: 4 MiB.
    pub const MOST_BYTES: i64 = 4_194_304;
    /// Most confirmations of a conversation, whatever has become of them.
    pub const MOST_CONFIRMATIONS: i64 = 1_000;
    /// Most confirmations of a conversation that are pending.
    pub const MOST_PENDING: i64 = 20;
    /// Most milliseconds that a turn is taken for at once: five minutes.
    pub const LONGEST_TURN: i64 = 300_000;
}

/// Who says something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MessageRole {
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool, what it gave.
    Tool,
}

/// A message that is to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewMessage {
    /// Its id: by it a call that is repeated is known.
    pub id: MessageId,
    /// Who says it.
    pub role: MessageRole,
    /// What is said: JSON text of at most [`Message::MOST_BODY`] bytes, kept as it is.
    pub body: String,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// Its place in the conversation: from 1 on, without a gap.
    pub sequence: i64,
    /// Its id.
    pub id: MessageId,
    /// Who says it.
    pub role: MessageRole,
    /// What is said: JSON text.
    pub body: String,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Message {
    /// Most bytes of a body: 256 KiB.
    pub const MOST_BODY: usize = 262_144;
    /// Most messages that are added at once.
    pub const MOST_AT_ONCE: usize = 64;
}

/// A call of a tool that is to wait until the user has confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewConfirmation {
    /// Its id.
    pub id: ConfirmationId,
    /// The sequence of the message that has the call: of one that is there, or is added in the same call.
    pub message: i64,
    /// The call's id in that message; at most [`Confirmation::MOST_NAME`] bytes.
    pub call_id: String,
    /// The exact name of the tool; at most [`Confirmation::MOST_NAME`] bytes.
    pub tool: String,
    /// Its exact arguments: JSON text of at most [`Confirmation::MOST_JSON`] bytes, kept as it is.
    pub arguments: String,
    /// The versions of what it changes, as the user is shown it: JSON text of at most [`Confirmation::MOST_JSON`] bytes, kept as it is.
    pub versions: String,
}

/// What became of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationState {
    /// It waits; once it has expired, for ever.
    Pending,
    /// The user has approved of it.
    Approved,
    /// The user has refused it.
    Refused,
}

/// A call of a tool that waits, or has waited, until its user confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Confirmation {
    /// Its id.
    pub id: ConfirmationId,
    /// The conversation that it is of.
    pub conversation: ConversationId,
    /// The sequence of the message that has the call.
    pub message: i64,
    /// The call's id in that message.
    pub call_id: String,
    /// The exact name of the tool.
    pub tool: String,
    /// Its exact arguments: JSON text.
    pub arguments: String,
    /// The versions of what it changes: JSON text.
    pub versions: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// From when on it can be neither approved nor refused.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: ConfirmationState,
    /// When that was settled.
    pub settled_at: Option<Timestamp>,
}

impl Confirmation {
    /// How long it can be confirmed, in milliseconds: ten minutes.
    pub const LASTS: i64 = 600_000;
    /// Most bytes of the id of a call, and of the name of a tool.
    pub const MOST_NAME: usize = 256;
    /// Most bytes of arguments, and of versions: 64 KiB.
    pub const MOST_JSON: usize = 65_536;
}

/// What is added to a conversation: all of it or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Addition<'a> {
    /// The sequence of the last message that the writer knows; 0: none is there.
    pub after: i64,
    /// The fence of the turn that the writer has.
    pub fence: i64,
    /// The messages, in order: one to [`Message::MOST_AT_ONCE`].
    pub messages: &'a [NewMessage],
    /// What waits to be confirmed from now on: at most [`Conversation::MOST_PENDING`].
    pub confirmations: &'a [NewConfirmation],
}

/// What became of an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there now.
    Applied,
    /// It was there before: the call was made again. Nothing was added.
    There,
    /// The writer has not the turn any more, or somebody else has written after the message that the writer knows: read again.
    Changed,
    /// The conversation has no room for it.
    Full(Limit),
    /// The user has no such conversation.
    NotFound,
}

/// What a conversation has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Conversation::MOST_MESSAGES`].
    Messages,
    /// [`Conversation::MOST_BYTES`].
    Bytes,
    /// [`Conversation::MOST_PENDING`].
    Pending,
    /// [`Conversation::MOST_CONFIRMATIONS`].
    Confirmations,
}

/// What became of a turn that somebody wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// It is theirs.
    Taken {
        /// What their writes name; higher than that of each turn before.
        fence: i64,
        /// Until when, by the store's clock.
        until: Timestamp,
        /// The sequence of the last message.
        last: i64,
    },
    /// Another has it.
    Held {
        /// Who.
        holder: String,
        /// Until when, by the store's clock.
        until: Timestamp,
    },
    /// The user has no such conversation.
    NotFound,
}

/// What became of a confirmation that was to be settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settling {
    /// It is settled now, as was asked: by this call and by no other.
    Settled(Confirmation),
    /// It was settled before, in this way or the other.
    AlreadySettled(Confirmation),
    /// It waited for too long.
    Expired(Confirmation),
    /// The user has no such confirmation.
    NotFound,
}

/// A user's conversations: each statement carries the user's id, and a conversation of somebody else answers like one that does not exist.
/// What is larger than it may be, or not what it must be, is refused as [`StoreError::Forbidden`], with the name of the member. `now` is
/// the time to go by where the store has no clock of its own ([`AnyStore::time`](crate::AnyStore::time)).
pub trait ConversationStore {
    /// Begins a conversation, unless the user has [`Conversation::MOST`].
    fn begin_conversation(
        &self,
        user: &UserId,
        new: &NewConversation,
        now: Timestamp,
    ) -> Result<Begun, StoreError>;
    /// The user's conversations, the newest first: after one of them, the last of the page before.
    fn conversations(&self, user: &UserId, page: &Page) -> Result<Vec<Conversation>, StoreError>;
    /// One conversation.
    fn conversation(&self, user: &UserId, id: ConversationId) -> Result<Option<Conversation>, StoreError>;
    /// Deletes a conversation with its messages and its confirmations, in the midst of a turn too; says whether it was there.
    fn delete_conversation(&self, user: &UserId, id: ConversationId) -> Result<bool, StoreError>;
    /// Messages of a conversation after a place in it, in order: up to `limit`, and fewer where they have `bytes` bytes, but one at
    /// least where there is any; none of a conversation that the user has not.
    fn messages(
        &self,
        user: &UserId,
        id: ConversationId,
        after: i64,
        size: (u32, u32),
    ) -> Result<Vec<Message>, StoreError>;
    /// Adds messages, and what waits to be confirmed, or nothing. The same call again is told that it was there, also without the turn.
    fn add_messages(
        &self,
        user: &UserId,
        id: ConversationId,
        added: &Addition<'_>,
        now: Timestamp,
    ) -> Result<Added, StoreError>;
    /// Takes the turn of a conversation for so many milliseconds from now, at most [`Conversation::LONGEST_TURN`], unless another has it. Who
    /// has it and takes it again has it for as long, with the fence that it had.
    fn take_turn(
        &self,
        user: &UserId,
        id: ConversationId,
        holder: &str,
        time: (Timestamp, i64),
    ) -> Result<Take, StoreError>;
    /// Has a turn last for so many milliseconds from now; gives until when, or nothing where it is another's by now, or was given back.
    fn renew_turn(
        &self,
        user: &UserId,
        id: ConversationId,
        fence: i64,
        time: (Timestamp, i64),
    ) -> Result<Option<Timestamp>, StoreError>;
    /// Gives a turn back: its fence is worth nothing any more. Who was overtaken gives nothing back.
    fn give_back_turn(&self, user: &UserId, id: ConversationId, fence: i64) -> Result<(), StoreError>;
    /// What waits, or has waited, to be confirmed of the messages from one on, in the order of the ids; up to `limit`.
    fn confirmations(
        &self,
        user: &UserId,
        id: ConversationId,
        from: i64,
        limit: u32,
    ) -> Result<Vec<Confirmation>, StoreError>;
    /// One of them.
    fn confirmation(
        &self,
        user: &UserId,
        conversation: ConversationId,
        id: ConfirmationId,
    ) -> Result<Option<Confirmation>, StoreError>;
    /// Approves of a call, or refuses it, once and while it has not expired.
    fn settle_confirmation(
        &self,
        user: &UserId,
        which: (ConversationId, ConfirmationId),
        approved: bool,
        now: Timestamp,
    ) -> Result<Settling, StoreError>;
}
