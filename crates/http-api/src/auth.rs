//! Who is calling.

use http::{HeaderMap, header};
use perennial_domain::{Actor, Scope, Timestamp, TokenId, User, UserId, hash_token};
use perennial_jwt::{Issuer, MAX_TOKEN as MAX_JWT};
use perennial_store::{StoreError, SystemStore};
use subtle::ConstantTimeEq;

use crate::{KeyServer, Problem, jwt};

/// Longest token of our own that is looked at, in characters.
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
    /// Under what its requests are counted: its token, or of a JWT, whose token changes, its user.
    pub counted_as: String,
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

/// What callers may show.
pub struct Accepted<'a, K> {
    /// The bootstrap token, which speaks for the owner `admin`; none where it is empty.
    pub bootstrap_token: &'a str,
    /// The issuer of JWTs; none is accepted where there is none.
    pub issuer: Option<&'a Issuer>,
    /// What fetches its keys.
    pub key_server: K,
}

/// Finds out who is calling. The store is asked for only where there is a token to look up.
pub async fn authenticate<'s, S: SystemStore + 's>(
    headers: &HeaderMap,
    accepted: &Accepted<'_, impl KeyServer>,
    store: impl FnOnce() -> Result<&'s S, StoreError>,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let token = bearer(headers)?;
    if same_secret(token, accepted.bootstrap_token) {
        let user = store()?.user(&UserId::admin())?;
        let user = user.ok_or_else(|| StoreError::Corrupt("no admin".to_owned()))?;
        let scopes = vec![Scope::TasksRead, Scope::TasksWrite, Scope::Admin];
        let (actor, counted_as) = (Actor::token("bootstrap"), "token:bootstrap".to_owned());
        return Ok(Caller { user, scopes, actor, counted_as, to_note: None });
    }
    if let Some(issuer) = accepted.issuer
        && is_like_jwt(token)
    {
        return jwt::caller(token, issuer, &accepted.key_server, store, now).await;
    }
    if token.len() > MAX_TOKEN {
        return Err(not_valid());
    }
    let owner = store()?.token_owner(&hash_token(token), now)?.ok_or_else(not_valid)?;
    let noted = owner.last_used_at.is_some_and(|at| now < at.plus_millis(AN_HOUR));
    Ok(Caller {
        user: owner.user,
        scopes: owner.scopes,
        actor: Actor::token(&owner.token.to_string()),
        counted_as: format!("token:{}", owner.token),
        to_note: (!noted).then_some(owner.token),
    })
}

/// What is told of every token that is not accepted.
pub(crate) fn not_valid() -> Problem {
    Problem::unauthenticated("the token is not valid")
}

/// Whether a request carries this very token.
pub fn has_token(headers: &HeaderMap, token: &str) -> bool {
    bearer(headers).is_ok_and(|given| same_secret(given, token))
}

/// Whether a request carries what may be a JWT: only then need it be known whose are accepted.
pub fn may_be_jwt(headers: &HeaderMap) -> bool {
    bearer(headers).is_ok_and(is_like_jwt)
}

/// Header, payload and signature. No token of our own has a dot.
fn is_like_jwt(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}

pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::unauthenticated("send the header Authorization: Bearer <token>");
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(missing()) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(missing());
    }
    let token = token.trim();
    if token.len() > if is_like_jwt(token) { MAX_JWT } else { MAX_TOKEN } {
        return Err(not_valid());
    }
    Ok(token)
}

/// Whether a secret is the one expected, in a time that does not depend on how much of it is right. No secret is expected
/// where the expected one is empty.
pub fn same_secret(given: &str, expected: &str) -> bool {
    !expected.is_empty() && bool::from(given.as_bytes().ct_eq(expected.as_bytes()))
}
