//! Conversations with an assistant.

use perennial_domain::{ConfirmationId, ConversationId, Timestamp, UserId};

use super::{Sql, Sqlite, Sync};
use crate::rows::conversations::{
    CONFIRMATION, CONVERSATION, FURTHEST, MESSAGE, added, addition, begun, check, confirmation, conversation,
    lasts, message, take,
};
use crate::{
    Added, Addition, Begun, Confirmation, ConfirmationState, Conversation, ConversationStore, Message,
    NewConversation, Page, Settling, StoreError, Take,
};

/// Comes after every id.
const LAST: &str = "~";

/// Whether the user `?1` is there.
const IS_THERE: &str = "EXISTS (SELECT 1 FROM user WHERE id = ?1 AND deleted_at IS NULL)";

impl<S: Sql> ConversationStore for Sqlite<S> {
    fn begin_conversation(
        &self,
        user: &UserId,
        new: &NewConversation,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        check(new)?;
        self.sync(Sync::Full)?;
        let ids = [user.as_str().into(), new.id.to_string().into()];
        let made = self.execute(
            &format!(
                "INSERT INTO conversation (user_id, id, title, created_at, last_at) SELECT ?1, ?2, ?3, ?4, ?4 WHERE {IS_THERE} \
                 AND (SELECT count(*) FROM (SELECT 1 FROM conversation WHERE user_id = ?1 LIMIT ?5)) < ?5 \
                 ON CONFLICT DO NOTHING RETURNING 1"
            ),
            &[
                user.as_str().into(),
                new.id.to_string().into(),
                new.title.as_str().into(),
                now.into(),
                Conversation::MOST.into(),
            ],
        )?;
        if !made.is_empty() {
            return Ok(Begun::Begun);
        }
        // Nothing was done: this only says why.
        let why = format!(
            "SELECT CASE WHEN NOT {IS_THERE} THEN 'missing' \
             WHEN EXISTS (SELECT 1 FROM conversation WHERE user_id = ?1 AND id = ?2) THEN 'there' ELSE 'full' END"
        );
        begun(&self.query_one(&why, &ids, |row| row.text())?.unwrap_or_default())
    }

    fn conversations(&self, user: &UserId, page: &Page) -> Result<Vec<Conversation>, StoreError> {
        let before = page.after.as_deref().unwrap_or(LAST);
        self.query(
            &format!(
                "SELECT {CONVERSATION} FROM conversation AS c WHERE c.user_id = ?1 AND c.id < ?2 ORDER BY c.id DESC LIMIT ?3"
            ),
            &[user.as_str().into(), before.into(), page.limit.into()],
            conversation,
        )
    }

    fn conversation(&self, user: &UserId, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        self.query_one(
            &format!("SELECT {CONVERSATION} FROM conversation AS c WHERE c.user_id = ?1 AND c.id = ?2"),
            &[user.as_str().into(), id.to_string().into()],
            conversation,
        )
    }

    /// A trigger takes away what it has.
    fn delete_conversation(&self, user: &UserId, id: ConversationId) -> Result<bool, StoreError> {
        self.sync(Sync::Full)?;
        let deleted = self.execute(
            "DELETE FROM conversation WHERE user_id = ?1 AND id = ?2 RETURNING 1",
            &[user.as_str().into(), id.to_string().into()],
        )?;
        Ok(!deleted.is_empty())
    }

    fn messages(
        &self,
        user: &UserId,
        id: ConversationId,
        after: i64,
        (limit, bytes): (u32, u32),
    ) -> Result<Vec<Message>, StoreError> {
        let mut messages = self.query(
            &format!(
                "SELECT {} FROM (SELECT found.*, coalesce(sum(octet_length(body)) OVER ( \
                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM ( \
                 SELECT * FROM message WHERE user_id = ?1 AND conversation_id = ?2 AND sequence > ?3 \
                 ORDER BY sequence LIMIT ?4) AS found) AS told WHERE before < ?5",
                MESSAGE.replace("m.", "")
            ),
            &[user.as_str().into(), id.to_string().into(), after.into(), limit.into(), bytes.into()],
            message,
        )?;
        messages.sort_by_key(|message| message.sequence);
        Ok(messages)
    }

    /// What may be is found out by the rows that are inserted, in the order of what is said of them; the trigger does the rest
    /// (schema/0009_conversations.sql).
    fn add_messages(
        &self,
        user: &UserId,
        id: ConversationId,
        new: &Addition<'_>,
        now: Timestamp,
    ) -> Result<Added, StoreError> {
        let (document, bytes) = addition(new)?;
        self.sync(Sync::Full)?;
        let verdict = self.query_one(
            &format!(
                "INSERT INTO conversation_addition_v9 (user_id, conversation_id, after, at, until, bytes, doc, verdict) \
                 SELECT ?1, ?2, ?3, ?5, ?5 + ?6, ?7, ?8, CASE WHEN c.id IS NULL OR NOT {IS_THERE} THEN 'missing' \
                 WHEN EXISTS (SELECT 1 FROM message WHERE user_id = ?1 AND conversation_id = ?2 AND sequence = ?3 + 1 \
                  AND id = ?8 ->> '$.messages[0].id') THEN 'there' \
                 WHEN c.turn_by IS NULL OR c.turn_fence <> ?4 OR c.messages <> ?3 THEN 'changed' \
                 WHEN c.messages + json_array_length(?8, '$.messages') > ?9 THEN 'messages' \
                 WHEN c.bytes + ?7 > ?10 THEN 'bytes' \
                 WHEN json_array_length(?8, '$.confirmations') > 0 AND json_array_length(?8, '$.confirmations') \
                  + (SELECT count(*) FROM confirmation WHERE user_id = ?1 AND conversation_id = ?2 AND state = 'pending' \
                  AND expires_at > ?5) > ?11 THEN 'pending' \
                 WHEN c.confirmations + json_array_length(?8, '$.confirmations') > ?12 THEN 'confirmations' ELSE 'applied' END \
                 FROM (SELECT 1) LEFT JOIN conversation AS c ON c.user_id = ?1 AND c.id = ?2 RETURNING verdict"
            ),
            &[
                user.as_str().into(),
                id.to_string().into(),
                new.after.into(),
                new.fence.into(),
                now.into(),
                Confirmation::LASTS.into(),
                bytes.into(),
                document.into(),
                Conversation::MOST_MESSAGES.into(),
                Conversation::MOST_BYTES.into(),
                Conversation::MOST_PENDING.into(),
                Conversation::MOST_CONFIRMATIONS.into(),
            ],
            |row| row.text(),
        )?;
        added(&verdict.unwrap_or_default())
    }

    /// Whoever has the turn, the row tells of it.
    fn take_turn(
        &self,
        user: &UserId,
        id: ConversationId,
        holder: &str,
        (now, wanted): (Timestamp, i64),
    ) -> Result<Take, StoreError> {
        const MAY: &str = "turn_by IS NULL OR turn_by = ?3 OR turn_until <= ?4 OR turn_until > ?4 + ?6";
        self.sync(Sync::Normal)?;
        let found = self.query_one(
            &format!(
                "UPDATE conversation SET turn_fence = turn_fence + iif(turn_by IS NOT ?3 AND ({MAY}), 1, 0), \
                 turn_until = iif({MAY}, ?4 + ?5, turn_until), turn_by = iif({MAY}, ?3, turn_by) \
                 WHERE user_id = ?1 AND id = ?2 RETURNING turn_by, turn_fence, turn_until, messages"
            ),
            &[
                user.as_str().into(),
                id.to_string().into(),
                holder.into(),
                now.into(),
                lasts(wanted).into(),
                FURTHEST.into(),
            ],
            |row| take(row, holder),
        )?;
        Ok(found.unwrap_or(Take::NotFound))
    }

    fn renew_turn(
        &self,
        user: &UserId,
        id: ConversationId,
        fence: i64,
        (now, wanted): (Timestamp, i64),
    ) -> Result<Option<Timestamp>, StoreError> {
        self.sync(Sync::Normal)?;
        self.query_one(
            "UPDATE conversation SET turn_until = ?4 + ?5 \
             WHERE user_id = ?1 AND id = ?2 AND turn_fence = ?3 AND turn_by IS NOT NULL RETURNING turn_until",
            &[user.as_str().into(), id.to_string().into(), fence.into(), now.into(), lasts(wanted).into()],
            |row| row.instant(),
        )
    }

    fn give_back_turn(&self, user: &UserId, id: ConversationId, fence: i64) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        self.execute(
            "UPDATE conversation SET turn_by = NULL, turn_until = 0 WHERE user_id = ?1 AND id = ?2 AND turn_fence = ?3",
            &[user.as_str().into(), id.to_string().into(), fence.into()],
        )?;
        Ok(())
    }

    fn confirmations(
        &self,
        user: &UserId,
        id: ConversationId,
        from: i64,
        limit: u32,
    ) -> Result<Vec<Confirmation>, StoreError> {
        self.query(
            &format!(
                "SELECT {CONFIRMATION} FROM confirmation AS f WHERE f.user_id = ?1 AND f.conversation_id = ?2 AND f.message >= ?3 \
                 ORDER BY f.id LIMIT ?4"
            ),
            &[user.as_str().into(), id.to_string().into(), from.into(), limit.into()],
            confirmation,
        )
    }

    fn confirmation(
        &self,
        user: &UserId,
        conversation: ConversationId,
        id: ConfirmationId,
    ) -> Result<Option<Confirmation>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {CONFIRMATION} FROM confirmation AS f WHERE f.user_id = ?1 AND f.conversation_id = ?2 AND f.id = ?3"
            ),
            &[user.as_str().into(), conversation.to_string().into(), id.to_string().into()],
            confirmation,
        )
    }

    fn settle_confirmation(
        &self,
        user: &UserId,
        (conversation, id): (ConversationId, ConfirmationId),
        approved: bool,
        now: Timestamp,
    ) -> Result<Settling, StoreError> {
        self.sync(Sync::Full)?;
        let settled = self.query_one(
            &format!(
                "UPDATE confirmation AS f SET state = ?4, settled_at = ?5 WHERE f.user_id = ?1 AND f.conversation_id = ?2 AND f.id = ?3 \
                 AND f.state = 'pending' AND f.expires_at > ?5 RETURNING {}",
                CONFIRMATION.replace("f.", "")
            ),
            &[
                user.as_str().into(),
                conversation.to_string().into(),
                id.to_string().into(),
                if approved { "approved" } else { "refused" }.into(),
                now.into(),
            ],
            confirmation,
        )?;
        if let Some(settled) = settled {
            return Ok(Settling::Settled(settled));
        }
        // Nothing was done: this only says why.
        Ok(match self.confirmation(user, conversation, id)? {
            None => Settling::NotFound,
            Some(found) if found.state == ConfirmationState::Pending => Settling::Expired(found),
            Some(found) => Settling::AlreadySettled(found),
        })
    }
}
