//! Conversations with an assistant (schema/0006_conversations.sql).

use perennial_domain::{ConfirmationId, ConversationId, Timestamp, UserId};

use super::{Pg, Postgres};
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

impl<S: Pg> ConversationStore for Postgres<S> {
    fn begin_conversation(
        &self,
        user: &UserId,
        new: &NewConversation,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        check(new)?;
        let verdict = self.query_one(
            "SELECT perennial_begin_conversation($1::text, $2::text, $3::text, $4::bigint, $5::bigint)",
            &[
                user.as_str().into(),
                new.id.to_string().into(),
                new.title.as_str().into(),
                self.now(now),
                Conversation::MOST.into(),
            ],
            |row| row.text(),
        )?;
        begun(&verdict.unwrap_or_default())
    }

    fn conversations(&self, user: &UserId, page: &Page) -> Result<Vec<Conversation>, StoreError> {
        let before = page.after.as_deref().unwrap_or(LAST);
        self.query(
            &format!(
                "SELECT {CONVERSATION} FROM conversation AS c WHERE c.user_id = $1::text AND c.id < $2::text ORDER BY c.id DESC LIMIT $3::bigint"
            ),
            &[user.as_str().into(), before.into(), page.limit.into()],
            conversation,
        )
    }

    fn conversation(&self, user: &UserId, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {CONVERSATION} FROM conversation AS c WHERE c.user_id = $1::text AND c.id = $2::text"
            ),
            &[user.as_str().into(), id.to_string().into()],
            conversation,
        )
    }

    /// What it has goes with it (ON DELETE CASCADE).
    fn delete_conversation(&self, user: &UserId, id: ConversationId) -> Result<bool, StoreError> {
        let deleted = self.execute(
            "DELETE FROM conversation WHERE user_id = $1::text AND id = $2::text RETURNING 1::bigint",
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
        self.query(
            &format!(
                "SELECT {MESSAGE} FROM (SELECT m.*, sum(octet_length(m.body)) OVER ( \
                 ORDER BY m.sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ( \
                 SELECT * FROM message WHERE user_id = $1::text AND conversation_id = $2::text AND sequence > $3::bigint \
                 ORDER BY sequence LIMIT $4::bigint) AS m) AS m WHERE coalesce(m.before, 0) < $5::bigint ORDER BY m.sequence"
            ),
            &[user.as_str().into(), id.to_string().into(), after.into(), limit.into(), bytes.into()],
            message,
        )
    }

    fn add_messages(
        &self,
        user: &UserId,
        id: ConversationId,
        new: &Addition<'_>,
        now: Timestamp,
    ) -> Result<Added, StoreError> {
        let (document, bytes) = addition(new)?;
        let verdict = self.query_one(
            "SELECT perennial_add_messages($1::text, $2::text, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint, \
             $8::text::jsonb, ARRAY[$9::bigint, $10::bigint, $11::bigint, $12::bigint])",
            &[
                user.as_str().into(),
                id.to_string().into(),
                new.after.into(),
                new.fence.into(),
                self.now(now),
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
        const MAY: &str = "t.turn_by IS NULL OR t.turn_by = $3::text OR t.turn_until <= c.now OR t.turn_until > c.now + $6::bigint";
        let found = self.query_one(
            &format!(
                "UPDATE conversation AS t SET \
                 turn_fence = t.turn_fence + CASE WHEN t.turn_by IS DISTINCT FROM $3::text AND ({MAY}) THEN 1 ELSE 0 END, \
                 turn_until = CASE WHEN {MAY} THEN c.now + $5::bigint ELSE t.turn_until END, \
                 turn_by = CASE WHEN {MAY} THEN $3::text ELSE t.turn_by END \
                 FROM (SELECT perennial_now($4::bigint) AS now) AS c \
                 WHERE t.user_id = $1::text AND t.id = $2::text RETURNING t.turn_by, t.turn_fence, t.turn_until, t.messages"
            ),
            &[
                user.as_str().into(),
                id.to_string().into(),
                holder.into(),
                self.now(now),
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
        self.query_one(
            "UPDATE conversation SET turn_until = perennial_now($4::bigint) + $5::bigint \
             WHERE user_id = $1::text AND id = $2::text AND turn_fence = $3::bigint AND turn_by IS NOT NULL RETURNING turn_until",
            &[
                user.as_str().into(),
                id.to_string().into(),
                fence.into(),
                self.now(now),
                lasts(wanted).into(),
            ],
            |row| row.instant(),
        )
    }

    fn give_back_turn(&self, user: &UserId, id: ConversationId, fence: i64) -> Result<(), StoreError> {
        self.execute(
            "UPDATE conversation SET turn_by = NULL, turn_until = 0 WHERE user_id = $1::text AND id = $2::text AND turn_fence = $3::bigint",
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
                "SELECT {CONFIRMATION} FROM confirmation AS f WHERE f.user_id = $1::text AND f.conversation_id = $2::text AND f.message >= $3::bigint \
                 ORDER BY f.id LIMIT $4::bigint"
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
                "SELECT {CONFIRMATION} FROM confirmation AS f WHERE f.user_id = $1::text AND f.conversation_id = $2::text AND f.id = $3::text"
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
        let settled = self.query_one(
            &format!(
                "UPDATE confirmation AS f SET state = $4::text, settled_at = c.now FROM (SELECT perennial_now($5::bigint) AS now) AS c WHERE f.user_id = $1::text AND f.conversation_id = $2::text AND f.id = $3::text \
                 AND f.state = 'pending' AND f.expires_at > c.now RETURNING {CONFIRMATION}"
            ),
            &[
                user.as_str().into(),
                conversation.to_string().into(),
                id.to_string().into(),
                if approved { "approved" } else { "refused" }.into(),
                self.now(now),
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
