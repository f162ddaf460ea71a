//! Users and their tokens.

#[cfg(feature = "schema")]
use crate::fields::MAX_NAME;
#[cfg(feature = "schema")]
use crate::pattern::{INSTANT, LINE, ZONE};
use perennial_recurrence::Zone;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Commit, Context, DeletedUserRow, Identity, IdentityRow, Invalid, Plain, QuietHours, Timestamp, TokenId,
    TokenRow, UserId, UserRow, Weekday, fields,
};

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The zone in which dates and floating times fall due for them.
    pub zone: Zone,
    /// The first day of their week.
    pub week_start: Weekday,
    /// When their notifications wait.
    pub quiet_hours: Option<QuietHours>,
    /// Counts the changes of their settings; 1 when created.
    pub version: i64,
    /// When they were created.
    pub created_at: Timestamp,
}

/// What a user may be allowed to do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May make users, and tokens for anyone.
    Admin,
    /// Has their own tasks.
    Member,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Scope {
    /// To read the user's own tasks.
    #[serde(rename = "tasks:read")]
    TasksRead,
    /// To change them.
    #[serde(rename = "tasks:write")]
    TasksWrite,
    /// To make users and tokens.
    #[serde(rename = "admin")]
    Admin,
}

/// A user as sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    /// What they are called, 1 to 100 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_NAME), regex(pattern = LINE)))]
    pub name: String,
    /// IANA zone name.
    #[serde(default = "utc")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), extend("format" = ZONE)))]
    pub tz: String,
    /// Whose tokens of an issuer speak for them; nobody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// A token as sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// The user it speaks for.
    pub user: UserId,
    /// What it is for, 1 to 100 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_NAME), regex(pattern = LINE)))]
    pub name: String,
    /// What it allows; at least one.
    #[serde(default = "own_tasks")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 3)))]
    pub scopes: Vec<Plain<Scope>>,
    /// From when on it is no token: an instant to come, ten years ahead at most. Without it, it lasts until it is revoked.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 40), regex(pattern = INSTANT)))]
    pub expires_at: Option<String>,
}

/// Most tokens of a user that are not revoked, expired ones among them.
pub const MAX_TOKENS_OF_USER: i64 = 1_000;

/// How far ahead a token may expire, in milliseconds: ten years.
const LONGEST_LIFE: i64 = 3_653 * 86_400_000;

/// The scopes asked for, each once, in the order given.
fn each_once(asked: &[Plain<Scope>]) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for Plain(scope) in asked {
        if !scopes.contains(scope) {
            scopes.push(*scope);
        }
    }
    scopes
}

fn utc() -> String {
    "UTC".to_owned()
}

fn own_tasks() -> Vec<Plain<Scope>> {
    vec![Plain(Scope::TasksRead), Plain(Scope::TasksWrite)]
}

/// The secret of a token: told once, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

impl TokenSecret {
    /// Wraps a freshly made secret of at least 128 random bits.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret, to be told to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is stored of a token: the SHA-256 of its secret, in hex. The secret is random, so no salt is needed.
pub fn hash_token(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Creates a user. The commit belongs to the admin who asked.
pub fn create_user(ctx: &mut Context<'_>, input: &UserInput) -> Result<(Commit, User), Invalid> {
    let mut invalid = Invalid::default();
    let name = invalid.keep(fields::name(&input.name, "/name"));
    let zone = invalid.keep(Zone::parse(&input.tz).map_err(|error| Invalid::at("/tz", error.to_string())));
    let identity = input.identity.as_ref().map(|identity| identity.checked("/identity"));
    let identity = invalid.keep(identity.transpose());
    let (Some(name), Some(zone), Some(identity)) = (name, zone, identity) else { return Err(invalid) };
    let id = UserId::new(ctx.ids.next().to_string());
    let user = User {
        id,
        name,
        role: Role::Member,
        zone,
        week_start: Weekday::Monday,
        quiet_hours: None,
        version: 1,
        created_at: ctx.now,
    };
    let mut commit = ctx.commit("user.create", user.id.as_str());
    commit.users.push(UserRow {
        id: user.id.clone(),
        name: user.name.clone(),
        role: user.role,
        tz: user.zone.name().to_owned(),
        created_at: user.created_at,
    });
    commit.identities.extend(identity.map(|Identity { issuer, subject }| IdentityRow {
        issuer,
        subject,
        user_id: user.id.clone(),
        created_at: user.created_at,
    }));
    Ok((commit, user))
}

/// Deletes a user: their tokens speak for nobody any more, nothing is sent for them, and whatever is theirs is forgotten. The
/// commit belongs to whoever asked: an admin, or the user.
pub fn delete_user(ctx: &mut Context<'_>, user: &UserId) -> Commit {
    let mut commit = ctx.commit("user.delete", user.as_str());
    commit.deleted_users.push(DeletedUserRow { id: user.clone() });
    commit
}

/// Creates a token for `owner`, who was looked up by the id that was sent. It allows nothing that the token with which it
/// is made, of the scopes `own`, does not allow itself.
pub fn create_token(
    ctx: &mut Context<'_>,
    input: &TokenInput,
    owner: Option<&User>,
    own: &[Scope],
    secret: &TokenSecret,
) -> Result<(Commit, TokenRow), Invalid> {
    let mut invalid = Invalid::default();
    let name = invalid.keep(fields::name(&input.name, "/name"));
    if owner.is_none() {
        invalid.add("/user", "is no user");
    }
    let is_member = owner.is_some_and(|owner| owner.role != Role::Admin);
    for (index, Plain(scope)) in input.scopes.iter().enumerate() {
        if is_member && *scope == Scope::Admin {
            invalid.add(format!("/scopes/{index}"), "only an admin's token can have it");
        }
        if !own.contains(scope) {
            let detail = "the token that makes it does not allow this itself";
            invalid.add(format!("/scopes/{index}"), detail);
        }
    }
    let expires_at = invalid.keep(input.expires_at.as_deref().map(|text| expiry(text, ctx.now)).transpose());
    if input.scopes.is_empty() || input.scopes.len() > 3 {
        invalid.add("/scopes", "must be one to three of tasks:read, tasks:write, admin");
    }
    let (Some(name), Some(expires_at), true) = (name, expires_at, invalid.errors.is_empty()) else {
        return Err(invalid);
    };
    let row = TokenRow {
        id: TokenId::new(ctx.ids.next()),
        user_id: input.user.clone(),
        name,
        hash: hash_token(secret.reveal()),
        scopes: each_once(&input.scopes),
        created_at: ctx.now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let mut commit = ctx.commit("token.create", &row.id.to_string());
    commit.quota.tokens = Some(MAX_TOKENS_OF_USER);
    commit.tokens.push(row.clone());
    Ok((commit, row))
}

/// When a token expires.
fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Invalid> {
    let at = Timestamp::parse(text).ok_or_else(|| {
        Invalid::at("/expires_at", format!("{text:?} is not an instant in UTC (RFC 3339 with Z)"))
    })?;
    if at <= now {
        return Err(Invalid::at("/expires_at", "has passed"));
    }
    if at > now.plus_millis(LONGEST_LIFE) {
        return Err(Invalid::at("/expires_at", "is more than ten years ahead"));
    }
    Ok(at)
}

/// Revokes a token: from now on it is no token.
pub fn revoke_token(ctx: &mut Context<'_>, token: &TokenRow) -> Commit {
    let mut commit = ctx.commit("token.revoke", &token.id.to_string());
    commit.tokens.push(TokenRow { revoked_at: Some(ctx.now), ..token.clone() });
    commit
}
