//! Users, tokens, identities and the keys that verify them.

use perennial_domain::{Timestamp, TokenId, TokenRow, User, UserId};

use crate::postgres::records::USER;
use crate::postgres::{Pg, Postgres, apply, parked, schema};
use crate::rows::accounts::{key_set, token, token_owner, user, user_record};
use crate::rows::{Row, Value};
use crate::{AccountStore, KeySetRecord, Page, ParkedItem, StoreError, TokenOwner, UserRecord};

impl<S: Pg> AccountStore for Postgres<S> {
    fn schema_version(&self) -> Result<(i64, i64), StoreError> {
        let (found, _) = self.found().map_err(apply::classify)?;
        Ok((found, schema::VERSION))
    }

    fn probe(&self) -> Result<(), StoreError> {
        // What is not kept in the row itself, and cannot be compressed: so pages are written.
        self.execute(
            "INSERT INTO probe (one, filler) \
             SELECT 1, string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 1800) \
             ON CONFLICT (one) DO UPDATE SET filler = excluded.filler",
            &[],
        )?;
        Ok(())
    }

    fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.query_one(
            &format!("SELECT {USER}::text FROM account AS u WHERE u.id = $1::text AND u.deleted_at IS NULL"),
            &[id.as_str().into()],
            user,
        )
    }

    fn users(&self, page: &Page) -> Result<Vec<UserRecord>, StoreError> {
        self.query(
            &format!(
                "SELECT {USER}::text, (SELECT json_build_object('issuer', i.issuer, 'subject', i.subject)::text \
                 FROM identity AS i WHERE i.user_id = u.id) FROM account AS u \
                 WHERE u.deleted_at IS NULL AND u.id > $1::text ORDER BY u.id LIMIT $2::bigint"
            ),
            &[after(page), page.limit.into()],
            user_record,
        )
    }

    fn identified(&self, issuer: &str, subject: &str) -> Result<Option<User>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {USER}::text FROM identity AS i JOIN account AS u ON u.id = i.user_id \
                 WHERE i.issuer = $1::text AND i.subject = $2::text AND u.deleted_at IS NULL"
            ),
            &[issuer.into(), subject.into()],
            user,
        )
    }

    fn key_set(&self, url: &str) -> Result<Option<KeySetRecord>, StoreError> {
        self.query_one(
            "SELECT document, fetched_at, tried_at FROM jwks WHERE url = $1::text",
            &[url.into()],
            key_set,
        )
    }

    fn try_key_set(&self, url: &str, before: Option<Timestamp>, now: Timestamp) -> Result<bool, StoreError> {
        let noted = self.execute(
            "INSERT INTO jwks (url, tried_at) VALUES ($1::text, $3::bigint) \
             ON CONFLICT (url) DO UPDATE SET tried_at = excluded.tried_at WHERE jwks.tried_at = $2::bigint RETURNING 1::bigint",
            &[url.into(), before.into(), now.into()],
        )?;
        Ok(!noted.is_empty())
    }

    fn keep_key_set(&self, url: &str, document: &str, now: Timestamp) -> Result<(), StoreError> {
        self.execute(
            "UPDATE jwks SET document = $2::text, fetched_at = $3::bigint WHERE url = $1::text",
            &[url.into(), document.into(), now.into()],
        )?;
        Ok(())
    }

    fn token_owner(&self, hash: &str, now: Timestamp) -> Result<Option<TokenOwner>, StoreError> {
        self.query_one(
            &format!(
                "SELECT t.id, t.scopes::text, t.last_used_at, {USER}::text, c.now FROM token AS t \
                 JOIN account AS u ON u.id = t.user_id AND u.deleted_at IS NULL \
                 CROSS JOIN (SELECT perennial_now($2::bigint) AS now) AS c \
                 WHERE t.hash = $1::text AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > c.now)"
            ),
            &[hash.into(), self.now(now)],
            |row| {
                let owner = token_owner(row)?;
                self.told.set(Some(row.instant()?));
                Ok(owner)
            },
        )
    }

    fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.query_one(&token_query("t.id = $1::text"), &[id.to_string().into()], token)
    }

    fn token_used(&self, user: &UserId, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(
            "UPDATE token SET last_used_at = $3::bigint WHERE id = $2::text AND user_id = $1::text \
             AND (last_used_at IS NULL OR last_used_at <= $3::bigint - 3600000)",
            &[user.as_str().into(), id.to_string().into(), now.into()],
        )?;
        Ok(())
    }

    fn tokens(&self, page: &Page) -> Result<Vec<TokenRow>, StoreError> {
        let query = token_query("t.id > $1::text ORDER BY t.id LIMIT $2::bigint");
        self.query(&query, &[after(page), page.limit.into()], token)
    }

    fn parked_of_all(&self, page: &Page) -> Result<Vec<ParkedItem>, StoreError> {
        self.query(&parked::query("true"), &[parked::place(page), page.limit.into()], Row::json)
    }

    fn parked_count_of_all(&self) -> Result<i64, StoreError> {
        let count = "SELECT count(*) FROM work WHERE parked_at IS NOT NULL";
        Ok(self.query_one(count, &[], |row| row.integer())?.unwrap_or_default())
    }

    fn parked_item_of_all(&self, id: i64) -> Result<Option<ParkedItem>, StoreError> {
        let query = parked::query("w.id = $3::bigint");
        self.query_one(&query, &[0_i64.into(), 1_i64.into(), id.into()], Row::json)
    }
}

fn after(page: &Page) -> Value {
    page.after.clone().unwrap_or_default().into()
}

pub(in crate::postgres) fn token_query(condition: &str) -> String {
    format!(
        "SELECT t.id, t.user_id, t.name, t.hash, t.scopes::text, t.created_at, t.expires_at, t.revoked_at, t.last_used_at \
         FROM token AS t WHERE t.revoked_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = t.user_id AND a.deleted_at IS NOT NULL) AND {condition}"
    )
}
