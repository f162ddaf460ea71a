//! Audit entries as they are read, and which of them make a page.

use perennial_audit::{Entry, Seal};
use perennial_domain::{Timestamp, UserId};

use super::Row;
use crate::{AuditPlace, Audited, StoreError};

/// Entries that are looked at for one page.
pub(crate) const WALK: u32 = 1_000;

/// What the entries of a page may have before it is cut, in bytes.
const PAGE: i64 = 256 * 1024;

/// Pieces of the log that are looked at to tell how a task was.
const PIECES: u32 = 10;

/// How far the time that an id tells may be from that of its entry, in milliseconds: five minutes. A request is decided within one.
const DRIFT: i64 = 300_000;

/// An entry that was looked at.
pub(crate) struct Looked {
    /// What it is read by.
    pub place: i64,
    pub id: String,
    pub seq: i64,
    at: Timestamp,
    told: bool,
    action: String,
    subject: String,
    size: i64,
}

impl Looked {
    pub fn read(row: &mut Row) -> Result<Self, StoreError> {
        Ok(Self {
            place: row.integer()?,
            id: row.text()?,
            seq: row.integer()?,
            at: row.instant()?,
            told: row.integer()? != 0,
            action: row.text()?,
            subject: row.text()?,
            size: row.integer()?,
        })
    }
}

/// Whether there may be more than was looked at.
fn is_full(looked: &[Looked]) -> bool {
    u32::try_from(looked.len()).is_ok_and(|looked| looked >= WALK)
}

/// Between which ids entries are to be looked at, from the first on and before the second: ids are made in the order of time.
pub(crate) fn ids(asked: &Audited, after: Option<&AuditPlace>) -> (String, String) {
    let from = asked.from.map(|from| first_id(from.plus_millis(DRIFT.saturating_neg()))).unwrap_or_default();
    let until = asked.until.map_or_else(|| "~".to_owned(), |until| first_id(until.plus_millis(DRIFT)));
    (from, after.map_or(until.clone(), |after| after.id.clone().min(until)))
}

/// The first id that could have been made at a time (RFC 9562 §5.7): the others of its millisecond follow.
fn first_id(at: Timestamp) -> String {
    let millis = format!("{:012x}", at.as_millis().max(0));
    let (high, low) = millis.split_at_checked(8).unwrap_or((&millis, ""));
    format!("{high}-{low}-7")
}

/// What was looked at of a task or project, the newest first: what was told of it and what was not.
pub(crate) fn merged(told: Vec<Looked>, untold: Vec<Looked>) -> Vec<Looked> {
    let mut all = told;
    let is_more = is_full(&all);
    all.extend(untold);
    let is_more = is_more || is_full(&all);
    // What was told since the page before is newer than all of it.
    all.sort_by_key(|one| std::cmp::Reverse(one.seq));
    if is_more {
        all.truncate(usize::try_from(WALK).unwrap_or(usize::MAX));
    }
    all
}

/// Of entries that were looked at, the places of those that make a page, and where the next begins.
pub(crate) fn page(
    asked: &Audited,
    after: Option<&AuditPlace>,
    looked: &[Looked],
    limit: usize,
) -> (Vec<i64>, Option<AuditPlace>) {
    let (mut places, mut bytes, mut next) = (Vec::new(), 0_i64, None);
    let mut told = after.map(|after| after.id.clone()).filter(|_| asked.subject.is_some());
    let mut is_cut = is_full(looked);
    for one in looked {
        let is_asked = asked.from.is_none_or(|from| one.at >= from)
            && asked.until.is_none_or(|until| one.at < until)
            && one.seq > 0;
        if is_asked {
            bytes = bytes.saturating_add(one.size);
            if places.len() >= limit || (bytes > PAGE && !places.is_empty()) {
                is_cut = true;
                break;
            }
            places.push(one.place);
        }
        if asked.subject.is_none() || one.told {
            told = Some(one.id.clone());
        }
        next = Some(AuditPlace { id: told.clone().unwrap_or_default(), seq: one.seq });
    }
    (places, next.filter(|_| is_cut))
}

/// The places of the entries by which a task was as it was at a time: the last of the task itself, and the last `limit` of its
/// occurrences; and whether these are all. `look` gives what was told of it before an id, from the last on where that is empty.
pub(crate) fn as_it_was(
    (task, at): (&str, Timestamp),
    limit: usize,
    look: impl Fn(&str) -> Result<Vec<Looked>, StoreError>,
) -> Result<(Vec<i64>, bool), StoreError> {
    let (mut after, mut state, mut occurrences) = (String::new(), None, Vec::new());
    let mut is_whole = false;
    for _ in 0..PIECES {
        let looked = look(&after)?;
        for one in looked.iter().filter(|one| one.at <= at && one.subject == task && one.seq > 0) {
            if one.action.starts_with("occurrence.")
                || ["task.complete", "task.reopen"].contains(&one.action.as_str())
            {
                occurrences.push(one.place);
            } else if state.is_none() {
                state = Some(one.place);
            }
        }
        is_whole = !is_full(&looked);
        match looked.last() {
            Some(last) if !is_whole => after.clone_from(&last.id),
            _ => break,
        }
    }
    let is_cut = occurrences.len() > limit;
    occurrences.truncate(limit);
    Ok((state.into_iter().chain(occurrences).collect(), is_whole && !is_cut))
}

/// An entry, from its columns.
pub(crate) fn entry(row: &mut Row) -> Result<Entry, StoreError> {
    entry_or_none(row)?.ok_or_else(|| StoreError::Corrupt("an entry is missing".to_owned()))
}

/// An entry, or nothing where all its columns are empty.
pub(crate) fn entry_or_none(row: &mut Row) -> Result<Option<Entry>, StoreError> {
    let (user, seq, salt) = (row.text_or_null()?, row.integer_or_null()?, row.text_or_null()?);
    let (told, id, at) = (row.integer_or_null()?, row.text_or_null()?, row.instant_or_null()?);
    let mut text = || Ok::<String, StoreError>(row.text_or_null()?.unwrap_or_default());
    let (actor, action, subject, correlation_id, tzdata) = (text()?, text()?, text()?, text()?, text()?);
    let (before, after, previous) = (row.text_or_null()?, row.text_or_null()?, row.text_or_null()?);
    let (Some(user), Some(id), Some(at)) = (user, id, at) else { return Ok(None) };
    Ok(Some(Entry {
        user: UserId::new(user),
        seq: seq.unwrap_or_default(),
        salt: salt.unwrap_or_default(),
        told: told.unwrap_or_default(),
        id,
        at,
        actor,
        action,
        subject,
        correlation_id,
        tzdata,
        before,
        after,
        previous,
    }))
}

pub(crate) fn seal(row: &mut Row) -> Result<Seal, StoreError> {
    seal_or_none(row)?.ok_or_else(|| StoreError::Corrupt("a seal is missing".to_owned()))
}

pub(crate) fn seal_or_none(row: &mut Row) -> Result<Option<Seal>, StoreError> {
    let (seq, audit_id, at) = (row.integer_or_null()?, row.text_or_null()?, row.instant_or_null()?);
    let (digest, hash) = (row.text_or_null()?, row.text_or_null()?);
    let (Some(seq), Some(audit_id), Some(at)) = (seq, audit_id, at) else { return Ok(None) };
    let (digest, hash) = (digest.unwrap_or_default(), hash.unwrap_or_default());
    Ok(Some(Seal { seq, audit_id, at, digest, hash }))
}
