//! Conversations with an assistant, as an export has them.

use perennial_domain::{ConfirmationId, ConversationId, MessageId};
use perennial_store::{Confirmation, ConfirmationState, Conversation, Message, MessageRole, StoreError};
use serde::Serialize;
use serde_json::Value;

use super::At;

/// A conversation.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ConversationView<'a> {
    id: ConversationId,
    #[cfg_attr(feature = "schema", schemars(length(max = 400)))]
    title: &'a str,
    created_at: At,
    /// When something was said in it last.
    last_at: At,
}

impl<'a> ConversationView<'a> {
    pub(crate) fn new(conversation: &'a Conversation) -> Self {
        Self {
            id: conversation.id,
            title: &conversation.title,
            created_at: At(conversation.created_at),
            last_at: At(conversation.last_at),
        }
    }
}

/// A message of a conversation.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct MessageView {
    conversation_id: ConversationId,
    sequence: i64,
    id: MessageId,
    role: MessageRole,
    /// What was said.
    body: Value,
    created_at: At,
}

impl MessageView {
    pub(crate) fn new(conversation_id: ConversationId, message: &Message) -> Result<Self, StoreError> {
        Ok(Self {
            conversation_id,
            sequence: message.sequence,
            id: message.id,
            role: message.role,
            body: serde_json::from_str(&message.body)?,
            created_at: At(message.created_at),
        })
    }
}

/// A call of a tool that waits, or has waited, to be confirmed.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ConfirmationView<'a> {
    conversation_id: ConversationId,
    id: ConfirmationId,
    /// The sequence of the message that has the call.
    message: i64,
    #[cfg_attr(feature = "schema", schemars(length(max = 256)))]
    call_id: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 256)))]
    tool: &'a str,
    arguments: Value,
    state: ConfirmationState,
    created_at: At,
    expires_at: At,
    settled_at: Option<At>,
}

impl<'a> ConfirmationView<'a> {
    pub(crate) fn new(confirmation: &'a Confirmation) -> Result<Self, StoreError> {
        Ok(Self {
            conversation_id: confirmation.conversation,
            id: confirmation.id,
            message: confirmation.message,
            call_id: &confirmation.call_id,
            tool: &confirmation.tool,
            arguments: serde_json::from_str(&confirmation.arguments)?,
            state: confirmation.state,
            created_at: At(confirmation.created_at),
            expires_at: At(confirmation.expires_at),
            settled_at: confirmation.settled_at.map(At),
        })
    }
}
