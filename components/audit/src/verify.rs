//! Verifying a chain, a bounded piece at a time, and holding anchors against it.

use http::StatusCode;
use perennial_audit::view::{AnchorsInput, MAX_ANCHORS, VerifiedView};
use perennial_audit::{ChainState, Key, Verifier, What, Wrong, check_anchor};
use perennial_domain::{Invalid, Timestamp, UserId};
use perennial_http_api::{Problem, Query, Request, Response, answer, json};
use perennial_store::{AuditStore, StoreError};

use crate::anchors::no_key;
use crate::export::place;

/// Pieces that one request verifies.
const PIECES: usize = 4;

/// Links of a piece.
const LINKS: u32 = 500;

/// Bytes of entries of a piece, about.
const BYTES: u32 = 1 << 20;

pub(crate) fn verify(
    store: &impl AuditStore,
    user: &UserId,
    query: &Query,
    now: Timestamp,
) -> Result<Response, Problem> {
    let (after, hash) = (place(query)?, hash(query)?);
    let state = store.chain(user)?;
    Ok(answer(StatusCode::OK, &piece(store, user, &state, (after, hash), now)?))
}

pub(crate) fn verify_anchors(
    store: &impl AuditStore,
    user: &UserId,
    (query, request): (&Query, &Request),
    key: Option<&Key>,
    now: Timestamp,
) -> Result<Response, Problem> {
    let (after, hash) = (place(query)?, hash(query)?);
    let AnchorsInput { anchors } = json(request, &["application/json"])?;
    if anchors.len() > MAX_ANCHORS {
        return Err(Invalid::at("/anchors", format!("must have at most {MAX_ANCHORS} items")).into());
    }
    if let Some(index) = anchors.iter().position(|anchor| anchor.user != *user) {
        return Err(
            Invalid::at(format!("/anchors/{index}/user"), "is not the user whose chain is verified").into()
        );
    }
    let unlike = anchors.iter().enumerate().find_map(|(index, anchor)| Some((index, anchor.unlike()?)));
    if let Some((index, (member, why))) = unlike {
        return Err(Invalid::at(format!("/anchors/{index}/{member}"), why).into());
    }
    let key = key.ok_or_else(no_key)?;
    let state = store.chain(user)?;
    let places: Vec<i64> = anchors.iter().map(|anchor| anchor.seq).collect();
    let hashes = store.hashes(user, &places)?;
    let held = anchors
        .iter()
        .try_for_each(|anchor| check_anchor(anchor, key, hashes.get(&anchor.seq).map(String::as_str)));
    let mut verified = piece(store, user, &state, (after, hash), now)?;
    if let Err(wrong) = held {
        verified.wrong.get_or_insert(wrong);
    }
    Ok(answer(StatusCode::OK, &verified))
}

/// Verifies the next piece; where an entry is gone because its user was deleted meanwhile, once more.
fn piece(
    store: &impl AuditStore,
    user: &UserId,
    state: &ChainState,
    (after, hash): (i64, Option<&str>),
    now: Timestamp,
) -> Result<VerifiedView, StoreError> {
    let verified = run(store, user, state, (after, hash), now)?;
    let is_missing = verified.wrong.as_ref().is_some_and(|wrong| wrong.what == What::EntryMissing);
    if is_missing && !state.erased {
        let state = store.chain(user)?;
        if state.erased {
            return run(store, user, &state, (after, hash), now);
        }
    }
    Ok(verified)
}

fn run(
    store: &impl AuditStore,
    user: &UserId,
    state: &ChainState,
    (after, hash): (i64, Option<&str>),
    now: Timestamp,
) -> Result<VerifiedView, StoreError> {
    let (mut verifier, mut wrong) = match begin(store, user, state, after, hash)? {
        Ok(verifier) => (verifier, None),
        Err(wrong) => (Verifier::new(user, state.erased), Some(wrong)),
    };
    // What is sealed from now on is left for the next call.
    let end = state.last_seal.unwrap_or_default().max(state.sealed);
    let mut complete = false;
    for _ in 0..PIECES {
        if wrong.is_some() || complete {
            break;
        }
        let links = store.links(user, verifier.seq(), LINKS, BYTES)?;
        let mut links = links.iter().filter(|link| link.seal.seq <= end).peekable();
        complete = links.peek().is_none();
        wrong = links.try_for_each(|link| verifier.check(link)).err();
        complete = complete || verifier.seq() >= end;
    }
    if wrong.is_none() && complete {
        wrong = verifier.end(state, now).err();
    }
    Ok(VerifiedView {
        sealed: state.sealed,
        verified_to: verifier.seq(),
        hash: verifier.hash().to_owned(),
        complete: complete && wrong.is_none(),
        erased: state.erased,
        wrong,
    })
}

/// Begins after a place, whose hash must be as it was when it was verified.
fn begin(
    store: &impl AuditStore,
    user: &UserId,
    state: &ChainState,
    after: i64,
    hash: Option<&str>,
) -> Result<Result<Verifier, Wrong>, StoreError> {
    if after == 0 {
        return Ok(Ok(Verifier::new(user, state.erased)));
    }
    let stored = store.hashes(user, &[after])?.remove(&after);
    let wrong = |what, detail: &str| Wrong { what, seq: after, detail: detail.to_owned() };
    Ok(match stored {
        None => Err(wrong(What::SealMissing, "the seal is not there")),
        Some(stored) if hash.is_some_and(|hash| hash != stored) => {
            Err(wrong(What::SealChanged, "the hash is not the one that was verified"))
        }
        Some(stored) => Ok(Verifier::after(user, state.erased, after, stored)),
    })
}

/// The hash at the place to go on after.
fn hash(query: &Query) -> Result<Option<&str>, Problem> {
    let Some(text) = query.get("hash") else { return Ok(None) };
    let is_one = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_one.then_some(Some(text)).ok_or_else(|| Problem::malformed("hash must be one that was told"))
}
