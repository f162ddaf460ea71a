//! Conversations: what may be written, as statements are given it, and what is made of their rows.

use perennial_domain::{ConfirmationId, ConversationId, MessageId};
use serde_json::json;

use super::Row;
use crate::{
    Added, Addition, Begun, Confirmation, Conversation, Limit, Message, NewConversation, Refusal, StoreError,
    Take,
};

/// A turn that ends later than so many milliseconds from now was taken by a clock that was wrong, and is nobody's.
pub(crate) const FURTHEST: i64 = Conversation::LONGEST_TURN * 2;

/// The columns of a conversation `c`.
pub(crate) const CONVERSATION: &str = "c.id, c.title, c.created_at, c.last_at, c.messages, c.bytes";

/// The columns of a message `m`.
pub(crate) const MESSAGE: &str = "m.sequence, m.id, m.role, m.body, m.created_at";

/// The columns of a confirmation `f`.
pub(crate) const CONFIRMATION: &str = "f.id, f.conversation_id, f.message, f.call_id, f.tool, f.arguments, f.versions, \
     f.created_at, f.expires_at, f.state, f.settled_at";

/// Those columns as the members of an object, by the names that they are read by.
pub(crate) fn members(columns: &str) -> String {
    let member = |column: &str| {
        let name = column.split('.').nth(1).unwrap_or_default();
        format!("'{}', {column}", if name == "conversation_id" { "conversation" } else { name })
    };
    columns.split(',').map(|column| member(column.trim())).collect::<Vec<_>>().join(", ")
}

fn refused(what: &str, index: usize) -> StoreError {
    StoreError::Forbidden(Refusal { what: what.to_owned(), index })
}

/// Whether a conversation may be begun.
pub(crate) fn check(new: &NewConversation) -> Result<(), StoreError> {
    if new.title.len() > Conversation::MOST_TITLE || new.title.contains('\0') {
        return Err(refused("conversation.title", 0));
    }
    Ok(())
}

/// For how long a turn may be taken that somebody wants for so many milliseconds.
pub(crate) fn lasts(wanted: i64) -> i64 {
    wanted.clamp(0, Conversation::LONGEST_TURN)
}

/// What is added, as a statement is given it: a document, and how many bytes the conversation has with it.
pub(crate) fn addition(added: &Addition<'_>) -> Result<(String, i64), StoreError> {
    let many = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let most_asked = usize::try_from(Conversation::MOST_PENDING).unwrap_or(usize::MAX);
    if added.messages.is_empty() || added.messages.len() > Message::MOST_AT_ONCE {
        return Err(refused("messages", added.messages.len()));
    }
    if added.confirmations.len() > most_asked {
        return Err(refused("confirmations", added.confirmations.len()));
    }
    let mut bytes: usize = 0;
    for (index, message) in added.messages.iter().enumerate() {
        if message.body.len() > Message::MOST_BODY || !is_json(&message.body) {
            return Err(refused("message.body", index));
        }
        bytes = bytes.saturating_add(message.body.len());
    }
    let last = added.after.saturating_add(many(added.messages.len()));
    for (index, asked) in added.confirmations.iter().enumerate() {
        let is_name =
            |name: &str| !name.is_empty() && name.len() <= Confirmation::MOST_NAME && !name.contains('\0');
        let is_document = |text: &str| text.len() <= Confirmation::MOST_JSON && is_json(text);
        let wrong = [
            ("confirmation.message", !(1..=last).contains(&asked.message)),
            ("confirmation.call_id", !is_name(&asked.call_id)),
            ("confirmation.tool", !is_name(&asked.tool)),
            ("confirmation.arguments", !is_document(&asked.arguments)),
            ("confirmation.versions", !is_document(&asked.versions)),
        ];
        if let Some((what, _)) = wrong.into_iter().find(|(_, wrong)| *wrong) {
            return Err(refused(what, index));
        }
        let texts = [&asked.call_id, &asked.tool, &asked.arguments, &asked.versions];
        bytes = texts.iter().fold(bytes, |bytes, text| bytes.saturating_add(text.len()));
    }
    let document = json!({"messages": added.messages, "confirmations": added.confirmations});
    Ok((document.to_string(), many(bytes)))
}

/// Whether it is JSON text: nothing of it is kept but the text.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// What a statement says of a conversation that was to be begun.
pub(crate) fn begun(verdict: &str) -> Result<Begun, StoreError> {
    match verdict {
        "begun" => Ok(Begun::Begun),
        "there" => Ok(Begun::There),
        "full" => Ok(Begun::Full),
        "missing" => Ok(Begun::NotFound),
        other => Err(StoreError::Corrupt(format!("{other:?} says nothing of a conversation"))),
    }
}

/// What a statement says of an addition.
pub(crate) fn added(verdict: &str) -> Result<Added, StoreError> {
    match verdict {
        "applied" => Ok(Added::Applied),
        "there" => Ok(Added::There),
        "changed" => Ok(Added::Changed),
        "missing" => Ok(Added::NotFound),
        "messages" => Ok(Added::Full(Limit::Messages)),
        "bytes" => Ok(Added::Full(Limit::Bytes)),
        "pending" => Ok(Added::Full(Limit::Pending)),
        "confirmations" => Ok(Added::Full(Limit::Confirmations)),
        other => Err(StoreError::Corrupt(format!("{other:?} says nothing of an addition"))),
    }
}

/// What became of a turn that somebody wanted: who has it, its fence, until when, and the last message.
pub(crate) fn take(row: &mut Row, wanted_by: &str) -> Result<Take, StoreError> {
    let (holder, fence, until, last) = (row.text()?, row.integer()?, row.instant()?, row.integer()?);
    Ok(if holder == wanted_by { Take::Taken { fence, until, last } } else { Take::Held { holder, until } })
}

/// Reads a conversation.
pub(crate) fn conversation(row: &mut Row) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: row.id(ConversationId::parse)?,
        title: row.text()?,
        created_at: row.instant()?,
        last_at: row.instant()?,
        messages: row.integer()?,
        bytes: row.integer()?,
    })
}

/// Reads a message.
pub(crate) fn message(row: &mut Row) -> Result<Message, StoreError> {
    Ok(Message {
        sequence: row.integer()?,
        id: row.id(MessageId::parse)?,
        role: row.name()?,
        body: row.text()?,
        created_at: row.instant()?,
    })
}

/// Reads a confirmation.
pub(crate) fn confirmation(row: &mut Row) -> Result<Confirmation, StoreError> {
    Ok(Confirmation {
        id: row.id(ConfirmationId::parse)?,
        conversation: row.id(ConversationId::parse)?,
        message: row.integer()?,
        call_id: row.text()?,
        tool: row.text()?,
        arguments: row.text()?,
        versions: row.text()?,
        created_at: row.instant()?,
        expires_at: row.instant()?,
        state: row.name()?,
        settled_at: row.instant_or_null()?,
    })
}
