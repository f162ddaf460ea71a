//! Callers who show a JWT: its claims, by way of the table of identities, to one of our users.

use std::fmt::Display;

use perennial_domain::{Actor, Role, Scope, Timestamp};
use perennial_jwt::cache::{Held, Plan};
use perennial_jwt::{Claims, Issuer, KeySource, Keys, Policy, look, verify};
use perennial_store::{StoreError, SystemStore};

use crate::auth::not_valid;
use crate::{Caller, Problem};

/// Fetches key sets: over HTTP, or in a test.
pub trait KeyServer {
    /// The document at an address, or why there is none. Takes five seconds at most.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn fetch(&self, url: &str) -> Result<String, String>;

    /// Is told why a key set was not fetched or not kept, for the log.
    fn failed(&self, why: &str);
}

/// The caller whom a JWT speaks for.
pub(crate) async fn caller<'s, S: SystemStore + 's>(
    token: &str,
    issuer: &Issuer,
    server: &impl KeyServer,
    store: impl FnOnce() -> Result<&'s S, StoreError>,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let policy = &issuer.policy;
    // Nobody asks the store or the issuer for what cannot be right.
    look(token, policy).map_err(refused)?;
    let (claims, store) = match &issuer.keys {
        KeySource::Set(keys) => (verify(token, keys, policy, now).map_err(refused)?, store()?),
        KeySource::Url(url) => {
            let store = store()?;
            (KeySet { url, store, server, now }.verify(token, policy).await?, store)
        }
    };
    // A subject is the issuer's word. What is not in the table is nobody, whatever it looks like.
    let user = store.identified(&claims.issuer, &claims.subject)?;
    let user = user.ok_or_else(|| refused("its issuer and subject are the identity of no user"))?;
    let may = |scope: &Scope| *scope != Scope::Admin || user.role == Role::Admin;
    let scopes = claims.scopes.into_iter().filter(may).collect();
    let (actor, counted_as) =
        (Actor::jwt(&claims.issuer, &claims.subject), format!("user:{}", user.id.as_str()));
    Ok(Caller { scopes, actor, counted_as, user, to_note: None })
}

/// What is said of every JWT that is refused; why is for the log.
fn refused(why: impl Display) -> Problem {
    not_valid().because(format!("a JWT was refused: {why}"))
}

/// The key set of an address, and what is held of it.
struct KeySet<'a, S, K> {
    url: &'a str,
    store: &'a S,
    server: &'a K,
    now: Timestamp,
}

impl<S: SystemStore, K: KeyServer> KeySet<'_, S, K> {
    /// Verifies a token, with keys that are fetched where the ones held are too old or do not have that of the token.
    async fn verify(&self, token: &str, policy: &Policy) -> Result<Claims, Problem> {
        let record = self.store.key_set(self.url)?;
        let document = record.as_ref().and_then(|record| record.document.as_deref());
        let old = document.and_then(|document| Keys::from_jwks(document).ok());
        let held = Held {
            // What cannot be read is not held.
            fetched_at: record.as_ref().filter(|_| old.is_some()).and_then(|record| record.fetched_at),
            tried_at: record.as_ref().map(|record| record.tried_at),
        };
        let plan = held.plan(self.now);
        let keys = match plan {
            Plan::Use => old,
            Plan::Refresh => self.fetch(held).await.or(old),
            Plan::Fetch => self.fetch(held).await,
            Plan::Refuse => None,
        };
        let keys = keys.ok_or_else(|| {
            let detail = "the keys that verify tokens cannot be fetched now; nothing was changed";
            Problem::unavailable(detail).because("no key set of the JWT issuer may be used")
        })?;
        let first = verify(token, &keys, policy, self.now);
        let is_new = first.as_ref().is_err_and(|refusal| refusal.may_be_a_new_key());
        let newer = match plan {
            Plan::Use if is_new && held.fetches_for_new_key(self.now) => self.fetch(held).await,
            _ => None,
        };
        newer.map_or(first, |keys| verify(token, &keys, policy, self.now)).map_err(refused)
    }

    /// Fetches the key set and keeps it. `None` where that fails, or another request is at it.
    async fn fetch(&self, held: Held) -> Option<Keys> {
        // It is noted before, so that a server that hangs is asked no more often than one that answers.
        match self.store.try_key_set(self.url, held.tried_at, self.now) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return self.fail(error),
        }
        let document = match self.server.fetch(self.url).await {
            Ok(document) => document,
            Err(why) => return self.fail(why),
        };
        let keys = match Keys::from_jwks(&document) {
            Ok(keys) => keys,
            Err(error) => return self.fail(format!("the key set {error}")),
        };
        if let Err(error) = self.store.keep_key_set(self.url, &document, self.now) {
            self.server.failed(&error.to_string());
        }
        Some(keys)
    }

    fn fail(&self, why: impl Display) -> Option<Keys> {
        self.server.failed(&why.to_string());
        None
    }
}
