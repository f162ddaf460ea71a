//! A user's audit entries and their chain.

use std::collections::{BTreeMap, BTreeSet};

use perennial_audit::{ChainState, Entry, Link, Seal};
use perennial_domain::{Timestamp, UserId};

use super::projects::previous;
use super::{Sql, Sqlite};
pub(super) use crate::rows::audit::entry;
use crate::rows::audit::{Looked, WALK, as_it_was, entry_or_none, ids, merged, page, seal, seal_or_none};
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
        let (places, next) = page(asked, after, &looked, limit);
        Ok(AuditPage { entries: self.entries(user, &places)?, next })
    }

    fn audited_at(
        &self,
        user: &UserId,
        task: &str,
        at: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), StoreError> {
        let (places, is_whole) = as_it_was((task, at), limit, |after| self.told_of(user, task, after))?;
        let entries = self.entries(user, &places)?;
        Ok((entries.into_iter().map(|(entry, _)| entry).collect(), is_whole))
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
        let (from, until) = ids(asked, after);
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
            Looked::read,
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
        let told = self.told_of(user, subject, after.map_or("", |after| after.id.as_str()))?;
        let untold = self.query(
            &format!(
                "SELECT {LOOKED}, {SIZE} FROM audit_v4 AS a WHERE a.user_id = ?1 AND a.subject = ?2 AND a.told = 0 AND a.place < coalesce( \
                 (SELECT place FROM audit_v4 WHERE user_id = ?1 AND seq = ?3), ?3) ORDER BY a.place DESC LIMIT ?4"
            ),
            &[user.as_str().into(), subject.into(), before.into(), WALK.into()],
            Looked::read,
        )?;
        Ok(merged(told, untold))
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
            Looked::read,
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
