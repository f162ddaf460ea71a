//! Users, tokens and key sets, from their columns.

use perennial_domain::{TokenId, TokenRow, User, UserId};

use super::Row;
use super::records::UserRow;
use crate::{KeySetRecord, StoreError, TokenOwner, UserRecord};

pub(crate) fn user(row: &mut Row) -> Result<User, StoreError> {
    row.json::<UserRow>()?.user()
}

pub(crate) fn user_record(row: &mut Row) -> Result<UserRecord, StoreError> {
    Ok(UserRecord { user: user(row)?, identity: row.json_or_null()? })
}

pub(crate) fn key_set(row: &mut Row) -> Result<KeySetRecord, StoreError> {
    Ok(KeySetRecord {
        document: row.text_or_null()?,
        fetched_at: row.instant_or_null()?,
        tried_at: row.instant()?,
    })
}

pub(crate) fn token_owner(row: &mut Row) -> Result<TokenOwner, StoreError> {
    Ok(TokenOwner {
        token: row.id(TokenId::parse)?,
        scopes: row.json()?,
        last_used_at: row.instant_or_null()?,
        user: user(row)?,
    })
}

pub(crate) fn token(row: &mut Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.id(TokenId::parse)?,
        user_id: UserId::new(row.text()?),
        name: row.text()?,
        hash: row.text()?,
        scopes: row.json()?,
        created_at: row.instant()?,
        expires_at: row.instant_or_null()?,
        revoked_at: row.instant_or_null()?,
        last_used_at: row.instant_or_null()?,
    })
}
