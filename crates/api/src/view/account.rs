//! Users and tokens.

use perennial_domain::{Identity, Role, Scope, TokenId, TokenRow, User};
use serde::Serialize;

use super::At;

/// A user.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct UserView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    id: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    name: &'a str,
    role: Role,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    tz: &'a str,
    created_at: At,
    /// Whose tokens of an issuer speak for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Identity>,
}

impl<'a> UserView<'a> {
    pub(crate) fn new(user: &'a User, identity: Option<&'a Identity>) -> Self {
        Self {
            id: user.id.as_str(),
            name: &user.name,
            role: user.role,
            tz: user.zone.name(),
            created_at: At(user.created_at),
            identity,
        }
    }
}

/// Whom a token speaks for, and what it allows.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct MeView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    id: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    name: &'a str,
    role: Role,
    #[cfg_attr(feature = "schema", schemars(length(max = 3)))]
    scopes: &'a [Scope],
}

impl<'a> MeView<'a> {
    pub(crate) fn new(user: &'a User, scopes: &'a [Scope]) -> Self {
        Self { id: user.id.as_str(), name: &user.name, role: user.role, scopes }
    }
}

/// A token; its secret only when it is made.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct TokenView<'a> {
    id: TokenId,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    user: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    name: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 3)))]
    scopes: &'a [Scope],
    created_at: At,
    expires_at: Option<At>,
    /// To the hour.
    last_used_at: Option<At>,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
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
            expires_at: token.expires_at.map(At),
            last_used_at: token.last_used_at.map(At),
            secret: None,
        }
    }

    pub(crate) fn with_secret(token: &'a TokenRow, secret: &'a str) -> Self {
        Self { secret: Some(secret), ..Self::new(token) }
    }
}
