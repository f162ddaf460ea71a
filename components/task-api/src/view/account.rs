//! Users and tokens.

use perennial_domain::{Role, Scope, TokenId, TokenRow, User};
use serde::Serialize;

use super::At;

/// A user.
#[derive(Serialize)]
pub(crate) struct UserView<'a> {
    id: &'a str,
    name: &'a str,
    role: Role,
    tz: &'a str,
    created_at: At,
}

impl<'a> UserView<'a> {
    pub(crate) fn new(user: &'a User) -> Self {
        Self {
            id: user.id.as_str(),
            name: &user.name,
            role: user.role,
            tz: user.zone.name(),
            created_at: At(user.created_at),
        }
    }
}

/// A token; its secret only when it is made.
#[derive(Serialize)]
pub(crate) struct TokenView<'a> {
    id: TokenId,
    user: &'a str,
    name: &'a str,
    scopes: &'a [Scope],
    created_at: At,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> TokenView<'a> {
    pub(crate) fn new(token: &'a TokenRow) -> Self {
        Self {
            id: token.id,
            user: token.user_id.as_str(),
            name: &token.name,
            scopes: &token.scopes,
            created_at: At(token.created_at),
            secret: None,
        }
    }

    pub(crate) fn with_secret(token: &'a TokenRow, secret: &'a str) -> Self {
        Self { secret: Some(secret), ..Self::new(token) }
    }
}
