//! Users, tokens, identities and the keys that verify them.

use perennial_domain::{Timestamp, TokenId, TokenRow, User, UserId};

use crate::rows::Row;
use crate::rows::accounts::{key_set, token, token_owner, user, user_record};
use crate::sqlite::read::after;
use crate::sqlite::records::USER;
use crate::sqlite::{Sql, Sqlite, Sync, migrate, parked};
use crate::{AccountStore, KeySetRecord, Page, ParkedItem, StoreError, TokenOwner, UserRecord};

impl<S: Sql> AccountStore for Sqlite<S> {
    fn schema_version(&self) -> Result<(i64, i64), StoreError> {
        Ok((migrate::version(self)?.0, migrate::VERSION))
    }

    fn probe(&self) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        // Pages with a new content: what is the same as before would not be written at all, and one page alone may find
        // room in a log that is there already.
        self.execute(
            "INSERT INTO probe (only, filler) VALUES (1, randomblob(65536)) \
             ON CONFLICT (only) DO UPDATE SET filler = excluded.filler",
            &[],
        )?;
        Ok(())
    }

    fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.query_one(
            &format!("SELECT {USER} FROM user AS u WHERE u.id = ?1 AND u.deleted_at IS NULL"),
            &[id.as_str().into()],
            user,
        )
    }

    fn users(&self, page: &Page) -> Result<Vec<UserRecord>, StoreError> {
        self.query(
            &format!(
                "SELECT {USER}, (SELECT json_object('issuer', i.issuer, 'subject', i.subject) FROM identity AS i \
                 WHERE i.user_id = u.id) FROM user AS u INDEXED BY user_there \
                 WHERE u.deleted_at IS NULL AND u.id > ?1 ORDER BY u.id LIMIT ?2"
            ),
            &[after(page), page.limit.into()],
            user_record,
        )
    }

    fn identified(&self, issuer: &str, subject: &str) -> Result<Option<User>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {USER} FROM identity AS i JOIN user AS u ON u.id = i.user_id \
                 WHERE i.issuer = ?1 AND i.subject = ?2 AND u.deleted_at IS NULL"
            ),
            &[issuer.into(), subject.into()],
            user,
        )
    }

    fn key_set(&self, url: &str) -> Result<Option<KeySetRecord>, StoreError> {
        self.query_one(
            "SELECT document, fetched_at, tried_at FROM jwks WHERE url = ?1",
            &[url.into()],
            key_set,
        )
    }

    fn try_key_set(&self, url: &str, before: Option<Timestamp>, now: Timestamp) -> Result<bool, StoreError> {
        self.sync(Sync::Normal)?;
        let noted = self.execute(
            "INSERT INTO jwks (url, tried_at) VALUES (?1, ?3) \
             ON CONFLICT (url) DO UPDATE SET tried_at = excluded.tried_at WHERE jwks.tried_at IS ?2 RETURNING 1",
            &[url.into(), before.into(), now.into()],
        )?;
        Ok(!noted.is_empty())
    }

    fn keep_key_set(&self, url: &str, document: &str, now: Timestamp) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        self.execute(
            "UPDATE jwks SET document = ?2, fetched_at = ?3 WHERE url = ?1",
            &[url.into(), document.into(), now.into()],
        )?;
        Ok(())
    }

    fn token_owner(&self, hash: &str, now: Timestamp) -> Result<Option<TokenOwner>, StoreError> {
        self.query_one(
            &format!(
                "SELECT t.id, t.scopes, t.last_used_at, {USER} FROM token AS t \
                 JOIN user AS u ON u.id = t.user_id AND u.deleted_at IS NULL \
                 WHERE t.hash = ?1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?2)"
            ),
            &[hash.into(), now.into()],
            token_owner,
        )
    }

    fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.query_one(&token_query("id = ?1"), &[id.to_string().into()], token)
    }

    fn token_used(&self, user: &UserId, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        self.execute(
            "UPDATE token SET last_used_at = ?3 WHERE id = ?2 AND user_id = ?1 \
             AND (last_used_at IS NULL OR last_used_at <= ?3 - 3600000)",
            &[user.as_str().into(), id.to_string().into(), now.into()],
        )?;
        Ok(())
    }

    fn tokens(&self, page: &Page) -> Result<Vec<TokenRow>, StoreError> {
        self.query(&token_query("id > ?1 ORDER BY id LIMIT ?2"), &[after(page), page.limit.into()], token)
    }

    fn parked_of_all(&self, page: &Page) -> Result<Vec<ParkedItem>, StoreError> {
        self.query(&parked::query("true"), &[parked::place(page), page.limit.into()], Row::json)
    }

    fn parked_count_of_all(&self) -> Result<i64, StoreError> {
        let count = "SELECT count(*) FROM work WHERE parked_at IS NOT NULL";
        Ok(self.query_one(count, &[], |row| row.integer())?.unwrap_or_default())
    }

    fn parked_item_of_all(&self, id: i64) -> Result<Option<ParkedItem>, StoreError> {
        self.query_one(&parked::query("w.id = ?3"), &[0_i64.into(), 1_i64.into(), id.into()], Row::json)
    }
}

pub(in crate::sqlite) fn token_query(condition: &str) -> String {
    format!(
        "SELECT id, user_id, name, hash, scopes, created_at, expires_at, revoked_at, last_used_at FROM token \
         WHERE revoked_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM user WHERE user.id = token.user_id AND user.deleted_at IS NOT NULL) AND {condition}"
    )
}
