//! Who is calling.

use http::{HeaderMap, header};
use perennial_domain::{Actor, Scope, Timestamp, TokenId, User, UserId, hash_token};
use perennial_store::{StoreError, SystemStore};
use subtle::ConstantTimeEq;

use crate::Problem;

/// Longest token looked at, in characters.
const MAX_TOKEN: usize = 512;

/// How exactly the last use of a token is known, in milliseconds.
const AN_HOUR: i64 = 3_600_000;

/// A caller whose token is valid.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whom the token speaks for.
    pub user: User,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Its name in the audit.
    pub actor: Actor,
    /// The token, where it is to be noted that it was used: the last time is over an hour ago.
    pub to_note: Option<TokenId>,
}

impl Caller {
    /// Goes on only if the token allows it.
    pub fn needs(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::forbidden(match scope {
            Scope::TasksRead => "tasks:read",
            Scope::TasksWrite => "tasks:write",
            Scope::Admin => "admin",
        }))
    }
}

/// Finds out who is calling. The bootstrap token, where one is set, speaks for the owner `admin`. The store is asked for
/// only where there is a token to look up.
pub fn authenticate<'s, S: SystemStore + 's>(
    headers: &HeaderMap,
    bootstrap_token: &str,
    store: impl FnOnce() -> Result<&'s S, StoreError>,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let token = bearer(headers)?;
    let store = store()?;
    if same_secret(token, bootstrap_token) {
        let user = store.user(&UserId::admin())?.ok_or_else(|| StoreError::Corrupt("no admin".to_owned()))?;
        let scopes = vec![Scope::TasksRead, Scope::TasksWrite, Scope::Admin];
        return Ok(Caller { user, scopes, actor: Actor::token("bootstrap"), to_note: None });
    }
    let owner = store
        .token_owner(&hash_token(token), now)?
        .ok_or_else(|| Problem::unauthenticated("the token is not valid"))?;
    let noted = owner.last_used_at.is_some_and(|at| now < at.plus_millis(AN_HOUR));
    Ok(Caller {
        user: owner.user,
        scopes: owner.scopes,
        actor: Actor::token(&owner.token.to_string()),
        to_note: (!noted).then_some(owner.token),
    })
}

/// Whether a request carries this very token.
pub fn has_token(headers: &HeaderMap, token: &str) -> bool {
    bearer(headers).is_ok_and(|given| same_secret(given, token))
}

pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::unauthenticated("send the header Authorization: Bearer <token>");
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(missing()) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > MAX_TOKEN {
        return Err(missing());
    }
    Ok(token.trim())
}

/// Whether a secret is the one expected, in a time that does not depend on how much of it is right. No secret is expected
/// where the expected one is empty.
pub fn same_secret(given: &str, expected: &str) -> bool {
    !expected.is_empty() && bool::from(given.as_bytes().ct_eq(expected.as_bytes()))
}
