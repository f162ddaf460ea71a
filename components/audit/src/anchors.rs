//! Anchors: made of the chains that are due, and kept outside the database.

use http::StatusCode;
use perennial_audit::{Anchor, Key, first_hash};
use perennial_domain::{Timestamp, UserId};
use perennial_http_api::{Problem, Response, answer};
use perennial_store::{AuditStore, SealStore, StoreError};
use serde::Serialize;

/// Chains anchored at a time, and how often in one round.
const BATCH: u32 = 500;
const BATCHES: usize = 4;

/// How long after an anchor the next one of a chain that has grown comes, in milliseconds: a day.
const A_DAY: i64 = 86_400_000;

/// How long a chain waits whose anchor could not be kept, in milliseconds: ten minutes.
const PAUSE: i64 = 600_000;

/// Where anchors are kept, out of reach of whoever can write to the database.
pub trait Keeper {
    /// Keeps them all, or says why not.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn keep(&self, anchors: &[Anchor]) -> Result<(), String>;
}

/// What a round came to.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Anchored {
    /// Chains that were anchored.
    pub anchored: usize,
    /// What could not be done now, one line each.
    #[serde(skip)]
    pub failures: Vec<String>,
}

/// Anchors chains that are due. Without a key they are due again in a day; what cannot be kept is tried again in ten minutes.
pub async fn anchor_due<S: SealStore>(
    store: &S,
    key: Option<&Key>,
    keeper: &impl Keeper,
    now: &impl Fn() -> Timestamp,
) -> Result<Anchored, StoreError> {
    let mut done = Anchored::default();
    for _ in 0..BATCHES {
        let due = store.due_anchors(now(), BATCH)?;
        let heads: Vec<(UserId, Timestamp)> =
            due.heads.iter().map(|head| (head.user.clone(), head.due_at)).collect();
        if heads.is_empty() && due.broken.is_empty() {
            break;
        }
        store.put_off_anchors(&due.broken, now().plus_millis(A_DAY))?;
        for (user, _) in &due.broken {
            done.failures.push(format!("the last seal of the chain of {user} is not there"));
        }
        let Some(key) = key else {
            store.put_off_anchors(&heads, now().plus_millis(A_DAY))?;
            continue;
        };
        let at = now();
        let anchors: Vec<Anchor> =
            due.heads.iter().map(|head| Anchor::sign(key, &head.user, (head.seq, &head.hash), at)).collect();
        if let Err(why) = keeper.keep(&anchors).await {
            store.put_off_anchors(&heads, now().plus_millis(PAUSE))?;
            done.failures.push(format!("anchors were not kept: {why}"));
            break;
        }
        store.anchored(&due.heads, now().plus_millis(A_DAY))?;
        done.anchored = done.anchored.saturating_add(anchors.len());
    }
    Ok(done)
}

/// An anchor of a chain as it is now.
pub(crate) fn anchor(
    store: &impl AuditStore,
    user: &UserId,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<Response, Problem> {
    let key = key.ok_or_else(no_key)?;
    let state = store.chain(user)?;
    let hash = if state.sealed == 0 { Some(first_hash(user)) } else { state.hash };
    let hash = hash.ok_or_else(|| {
        Problem::unavailable(
            "the last seal of this chain is not there: GET /v1/audit/verify says what is wrong",
        )
    })?;
    Ok(answer(StatusCode::OK, &Anchor::sign(key, user, (state.sealed, &hash), now)))
}

/// Nothing can be signed, and no signature verified.
pub(crate) fn no_key() -> Problem {
    Problem::unavailable("no anchors are made here: the variable audit_key is not set")
}
