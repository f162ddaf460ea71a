//! A user's audit entries and their chain.

use std::collections::{BTreeMap, BTreeSet};

use perennial_audit::{ChainState, Entry, Link, Seal};
use perennial_domain::{Timestamp, UserId};

use super::projects::previous;
use super::row::Row;
use super::{Sql, Sqlite};
use crate::{AuditPage, AuditPlace, AuditStore, Audited, StoreError};

/// The columns of an entry `a`.
pub(super) const ENTRY: &str = "a.user_id, a.seq, a.salt, a.told, a.id, a.at, a.actor, a.action, a.subject, \
     a.correlation_id, a.tzdata, a.before, a.after, a.previous";

/// The bytes of an entry `a`, about, told without reading it.
pub(super) const SIZE: &str =
    "coalesce(octet_length(a.before), 0) + coalesce(octet_length(a.after), 0) + 600";

/// The columns of a seal `l`.
const SEAL: &str = "l.seq, l.audit_id, l.at, l.digest, l.hash";

/// What is looked at of an entry `a` before it is read.
const LOOKED: &str = "a.place, a.id, coalesce(a.seq, 0), a.at, a.told, a.action, a.subject";

/// Entries that are looked at for one page.
const WALK: u32 = 1_000;

/// What the entries of a page may have before it is cut, in bytes.
const PAGE: i64 = 256 * 1024;

/// Pieces of the log that are looked at to tell how a task was.
const PIECES: u32 = 10;

/// How far the time that an id tells may be from that of its entry, in milliseconds: five minutes. A request is decided within one.
const DRIFT: i64 = 300_000;

/// An entry that was looked at.
struct Looked {
    place: i64,
    id: String,
    seq: i64,
    at: Timestamp,
    told: bool,
    action: String,
    subject: String,
    size: i64,
}

impl<S: Sql> AuditStore for Sqlite<S> {
    fn audited(
        &self,
        user: &UserId,
        asked: &Audited,
        after: Option<&AuditPlace>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let looked = match &asked.subject {
            Some(subject) => self.audited_of(user, subject, after)?,
            None => self.audited_by_time(user, asked, after)?,
        };
        let (mut places, mut bytes, mut next) = (Vec::new(), 0_i64, None);
        let mut told = after.map(|after| after.id.clone()).filter(|_| asked.subject.is_some());
        let mut is_cut = is_full(&looked);
        for one in &looked {
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
        Ok(AuditPage { entries: self.entries(user, &places)?, next: next.filter(|_| is_cut) })
    }

    fn audited_at(
        &self,
        user: &UserId,
        task: &str,
        at: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), StoreError> {
        let (mut after, mut state, mut occurrences) = (String::new(), None, Vec::new());
        let mut is_whole = false;
        for _ in 0..PIECES {
            let looked = self.told_of(user, task, &after)?;
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
        let places: Vec<i64> = state.into_iter().chain(occurrences).collect();
        let entries = self.entries(user, &places)?;
        Ok((entries.into_iter().map(|(entry, _)| entry).collect(), is_whole && !is_cut))
    }

    fn chain(&self, user: &UserId) -> Result<ChainState, StoreError> {
        let found = self.query_one(
            "SELECT coalesce(s.audited, 0), coalesce(s.sealed, 0), \
             (SELECT hash FROM seal WHERE user_id = ?1 AND seq = s.sealed), s.seal_at, \
             (SELECT a.seq FROM audit_v4 AS a WHERE a.user_id = ?1 AND a.seq > coalesce(s.sealed, 0) ORDER BY a.seq LIMIT 1), \
             (SELECT a.seq FROM audit_v4 AS a WHERE a.user_id = ?1 AND a.seq > 0 ORDER BY a.seq DESC LIMIT 1), \
             (SELECT seq FROM seal WHERE user_id = ?1 ORDER BY seq DESC LIMIT 1), \
             EXISTS (SELECT 1 FROM user WHERE id = ?1 AND deleted_at IS NOT NULL) \
             FROM (SELECT ?1 AS id) AS u LEFT JOIN stream AS s ON s.id = u.id",
            &[user.as_str().into()],
            |row| {
                Ok(ChainState {
                    audited: row.integer()?,
                    sealed: row.integer()?,
                    hash: row.text_or_null()?,
                    waits_since: row.instant_or_null()?,
                    first_unsealed: row.integer_or_null()?,
                    last_entry: row.integer_or_null()?,
                    last_seal: row.integer_or_null()?,
                    erased: row.integer()? != 0,
                })
            },
        )?;
        Ok(found.unwrap_or_default())
    }

    fn links(&self, user: &UserId, after: i64, limit: u32, bytes: u32) -> Result<Vec<Link>, StoreError> {
        let mut links = self.query(
            &format!(
                "SELECT {SEAL}, {ENTRY} FROM (SELECT seq, audit_id, at, digest, hash, place, \
                 coalesce(sum(size) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes FROM ( \
                 SELECT {SEAL}, a.place, {SIZE} AS size FROM seal AS l LEFT JOIN audit_v4 AS a \
                 ON a.user_id = l.user_id AND a.seq = l.seq \
                 WHERE l.user_id = ?1 AND l.seq > ?2 ORDER BY l.seq LIMIT ?3)) AS l \
                 LEFT JOIN audit_v4 AS a ON a.place = l.place AND a.user_id = ?1 WHERE l.bytes < ?4"
            ),
            &[user.as_str().into(), after.into(), limit.into(), bytes.into()],
            |row| Ok(Link { seal: seal(row)?, entry: entry_or_none(row)? }),
        )?;
        links.sort_by_key(|link| link.seal.seq);
        Ok(links)
    }

    fn hashes(&self, user: &UserId, places: &[i64]) -> Result<BTreeMap<i64, String>, StoreError> {
        let found = self.query(
            "SELECT l.seq, l.hash FROM json_each(?2) AS e CROSS JOIN seal AS l ON l.user_id = ?1 AND l.seq = e.value",
            &[user.as_str().into(), serde_json::to_string(places)?.into()],
            |row| Ok((row.integer()?, row.text()?)),
        )?;
        Ok(found.into_iter().collect())
    }
}

impl<S: Sql> Sqlite<S> {
    /// Entries by their ids, which are made in the order of time: those that were told and those that were not, each by its index.
    fn audited_by_time(
        &self,
        user: &UserId,
        asked: &Audited,
        after: Option<&AuditPlace>,
    ) -> Result<Vec<Looked>, StoreError> {
        let from =
            asked.from.map(|from| first_id(from.plus_millis(DRIFT.saturating_neg()))).unwrap_or_default();
        let until = asked.until.map_or_else(|| "~".to_owned(), |until| first_id(until.plus_millis(DRIFT)));
        let until = after.map_or(until.clone(), |after| after.id.clone().min(until));
        let those = |told: u8| {
            format!(
                "SELECT a.id, a.place FROM audit_v4 AS a WHERE a.user_id = ?1 AND a.told = {told} AND a.id < ?2 AND a.id >= ?3"
            )
        };
        let mut all = self.query(
            &format!(
                "SELECT {LOOKED}, {SIZE} FROM (SELECT id, place FROM ({} UNION ALL {} ORDER BY 1 DESC LIMIT ?4)) AS walked \
                 CROSS JOIN audit_v4 AS a ON a.place = walked.place",
                those(0),
                those(1)
            ),
            &[user.as_str().into(), until.into(), from.into(), WALK.into()],
            looked,
        )?;
        all.sort_by(|one, other| other.id.cmp(&one.id));
        Ok(all)
    }

    /// Entries of a task or project: what was told of it, from one to the one before, and what was not, by its index.
    fn audited_of(
        &self,
        user: &UserId,
        subject: &str,
        after: Option<&AuditPlace>,
    ) -> Result<Vec<Looked>, StoreError> {
        let before = after.map_or(i64::MAX, |after| after.seq);
        let mut all = self.told_of(user, subject, after.map_or("", |after| after.id.as_str()))?;
        let is_more = is_full(&all);
        all.extend(self.query(
            &format!(
                "SELECT {LOOKED}, {SIZE} FROM audit_v4 AS a WHERE a.user_id = ?1 AND a.subject = ?2 AND a.told = 0 AND a.place < coalesce( \
                 (SELECT place FROM audit_v4 WHERE user_id = ?1 AND seq = ?3), ?3) ORDER BY a.place DESC LIMIT ?4"
            ),
            &[user.as_str().into(), subject.into(), before.into(), WALK.into()],
            looked,
        )?);
        let is_more = is_more || is_full(&all);
        // What was told since the page before is newer than all of it.
        all.sort_by_key(|one| std::cmp::Reverse(one.seq));
        if is_more {
            all.truncate(usize::try_from(WALK).unwrap_or(usize::MAX));
        }
        Ok(all)
    }

    /// What was told of a task or project: from the last, or the one before another, backwards.
    fn told_of(&self, user: &UserId, subject: &str, after: &str) -> Result<Vec<Looked>, StoreError> {
        self.query(
            &format!(
                "WITH RECURSIVE told (id, left) AS (SELECT CASE ?2 WHEN '' THEN coalesce( \
                 (SELECT change_id FROM task WHERE id = ?4 AND user_id = ?1), \
                 (SELECT change_id FROM project WHERE id = ?4 AND user_id = ?1), \
                 (SELECT a.id FROM audit_v4 AS a WHERE a.user_id = ?1 AND a.subject = ?4 \
                  AND a.action IN ('task.delete', 'project.delete') ORDER BY a.place DESC LIMIT 1)) \
                 ELSE {} END, ?3 UNION ALL SELECT {}, left - 1 FROM told WHERE told.id IS NOT NULL AND left > 1) \
                 SELECT {LOOKED}, {SIZE} FROM told CROSS JOIN audit_v4 AS a ON a.user_id = ?1 AND a.told = 1 AND a.id = told.id",
                previous("?2"),
                previous("told.id")
            ),
            &[user.as_str().into(), after.into(), WALK.into(), subject.into()],
            looked,
        )
    }

    /// Entries by their rows, with their seals, the newest first.
    fn entries(&self, user: &UserId, places: &[i64]) -> Result<Vec<(Entry, Option<Seal>)>, StoreError> {
        let asked: BTreeSet<i64> = places.iter().copied().collect();
        let mut entries = self.query(
            &format!(
                "SELECT {ENTRY}, {SEAL} FROM json_each(?2) AS e CROSS JOIN audit_v4 AS a ON a.place = e.value AND a.user_id = ?1 \
                 LEFT JOIN seal AS l ON l.user_id = a.user_id AND l.seq = a.seq"
            ),
            &[user.as_str().into(), serde_json::to_string(&asked)?.into()],
            |row| Ok((entry(row)?, seal_or_none(row)?)),
        )?;
        entries.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.seq));
        Ok(entries)
    }
}

/// Whether there may be more than was looked at.
fn is_full(looked: &[Looked]) -> bool {
    u32::try_from(looked.len()).is_ok_and(|looked| looked >= WALK)
}

/// The first id that could have been made at a time (RFC 9562 §5.7): the others of its millisecond follow.
fn first_id(at: Timestamp) -> String {
    let millis = format!("{:012x}", at.as_millis().max(0));
    let (high, low) = millis.split_at_checked(8).unwrap_or((&millis, ""));
    format!("{high}-{low}-7")
}

/// An entry, from its columns.
pub(super) fn entry(row: &mut Row) -> Result<Entry, StoreError> {
    entry_or_none(row)?.ok_or_else(|| StoreError::Corrupt("an entry is missing".to_owned()))
}

/// An entry, or nothing where all its columns are empty.
fn entry_or_none(row: &mut Row) -> Result<Option<Entry>, StoreError> {
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

fn seal(row: &mut Row) -> Result<Seal, StoreError> {
    seal_or_none(row)?.ok_or_else(|| StoreError::Corrupt("a seal is missing".to_owned()))
}

fn seal_or_none(row: &mut Row) -> Result<Option<Seal>, StoreError> {
    let (seq, audit_id, at) = (row.integer_or_null()?, row.text_or_null()?, row.instant_or_null()?);
    let (digest, hash) = (row.text_or_null()?, row.text_or_null()?);
    let (Some(seq), Some(audit_id), Some(at)) = (seq, audit_id, at) else { return Ok(None) };
    let (digest, hash) = (digest.unwrap_or_default(), hash.unwrap_or_default());
    Ok(Some(Seal { seq, audit_id, at, digest, hash }))
}

fn looked(row: &mut Row) -> Result<Looked, StoreError> {
    Ok(Looked {
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
