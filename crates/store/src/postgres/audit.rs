//! A user's audit entries and their chain. An entry is read by its place in the chain.

use std::collections::BTreeMap;

use perennial_audit::{ChainState, Entry, Link, Seal};
use perennial_domain::{Timestamp, UserId};

use super::projects::told;
use super::{Pg, Postgres};
use crate::rows::audit::{
    Looked, WALK, as_it_was, entry, entry_or_none, ids, merged, page, seal, seal_or_none,
};
use crate::{AuditPage, AuditPlace, AuditStore, Audited, StoreError};

/// The columns of an entry `a`.
pub(super) const ENTRY: &str = "a.user_id, a.seq, a.salt, a.told::int::bigint, a.id, a.at, a.actor, a.action, a.subject, \
     a.correlation_id, a.tzdata, a.before::text, a.after::text, a.previous";

/// The bytes of an entry `a`, about.
pub(super) const SIZE: &str =
    "(coalesce(octet_length(a.before::text), 0) + coalesce(octet_length(a.after::text), 0) + 600)::bigint";

/// The columns of a seal `l`.
const SEAL: &str = "l.seq, l.audit_id, l.at, l.digest, l.hash";

/// What is looked at of an entry `a` before it is read.
const LOOKED: &str = "a.seq, a.id, a.seq, a.at, a.told::int::bigint, a.action, a.subject";

impl<S: Pg> AuditStore for Postgres<S> {
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
             (SELECT hash FROM seal WHERE user_id = $1::text AND seq = s.sealed), s.seal_at, \
             (SELECT a.seq FROM audit AS a WHERE a.user_id = $1::text AND a.seq > coalesce(s.sealed, 0) ORDER BY a.seq LIMIT 1), \
             (SELECT a.seq FROM audit AS a WHERE a.user_id = $1::text ORDER BY a.seq DESC LIMIT 1), \
             (SELECT seq FROM seal WHERE user_id = $1::text ORDER BY seq DESC LIMIT 1), \
             EXISTS (SELECT 1 FROM account WHERE id = $1::text AND deleted_at IS NOT NULL)::int::bigint \
             FROM (SELECT $1::text AS id) AS u LEFT JOIN stream AS s ON s.id = u.id",
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
        let size = SIZE;
        let mut links = self.query(
            &format!(
                "SELECT {SEAL}, {ENTRY} FROM (SELECT l.*, \
                  sum(l.size) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ( \
                  SELECT {SEAL}, l.user_id, (SELECT {size} FROM audit AS a WHERE a.user_id = l.user_id AND a.seq = l.seq) AS size \
                  FROM seal AS l WHERE l.user_id = $1::text AND l.seq > $2::bigint ORDER BY l.seq LIMIT $3::bigint) AS l) AS l \
                 LEFT JOIN LATERAL (SELECT * FROM audit AS a WHERE a.user_id = l.user_id AND a.seq = l.seq LIMIT 1) AS a ON true \
                 WHERE coalesce(l.before, 0) < $4::bigint"
            ),
            &[user.as_str().into(), after.into(), limit.into(), bytes.into()],
            |row| Ok(Link { seal: seal(row)?, entry: entry_or_none(row)? }),
        )?;
        links.sort_by_key(|link| link.seal.seq);
        Ok(links)
    }

    fn hashes(&self, user: &UserId, places: &[i64]) -> Result<BTreeMap<i64, String>, StoreError> {
        let found = self.query(
            &format!("SELECT l.seq, l.hash FROM seal AS l WHERE l.user_id = $1::text AND l.seq = {PLACES}"),
            &[user.as_str().into(), serde_json::to_string(places)?.into()],
            |row| Ok((row.integer()?, row.text()?)),
        )?;
        Ok(found.into_iter().collect())
    }
}

/// Any of the places `$2`, a JSON array.
const PLACES: &str =
    "ANY (ARRAY(SELECT e.value::bigint FROM jsonb_array_elements_text($2::text::jsonb) AS e (value)))";

impl<S: Pg> Postgres<S> {
    /// Entries by their ids, which are made in the order of time: those that were told and those that were not, each by its index.
    fn audited_by_time(
        &self,
        user: &UserId,
        asked: &Audited,
        after: Option<&AuditPlace>,
    ) -> Result<Vec<Looked>, StoreError> {
        let (from, until) = ids(asked, after);
        let those = |which: &str| {
            format!(
                "(SELECT * FROM audit AS a WHERE a.user_id = $1::text AND {which} AND a.id < $2::text AND a.id >= $3::text \
                 ORDER BY a.id DESC LIMIT $4::bigint)"
            )
        };
        let (told, untold) = (those("a.told"), those("NOT a.told"));
        let mut all = self.query(
            &format!(
                "SELECT {LOOKED}, {SIZE} FROM ({told} UNION ALL {untold} ORDER BY id DESC LIMIT $4::bigint) AS a"
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
                "SELECT {LOOKED}, {SIZE} FROM audit AS a WHERE a.user_id = $1::text AND a.subject = $2::text AND NOT a.told \
                 AND a.seq < $3::bigint ORDER BY a.seq DESC LIMIT $4::bigint"
            ),
            &[user.as_str().into(), subject.into(), before.into(), WALK.into()],
            Looked::read,
        )?;
        Ok(merged(told, untold))
    }

    /// What was told of a task or project: from the last, or the one before another, backwards.
    fn told_of(&self, user: &UserId, subject: &str, after: &str) -> Result<Vec<Looked>, StoreError> {
        // Of what is forgotten the log has when it was deleted.
        let deleted = "(SELECT a.id FROM audit AS a WHERE a.user_id = $1::text AND a.subject = $4::text \
             AND a.action IN ('task.delete', 'project.delete') ORDER BY a.seq DESC LIMIT 1)";
        self.query(
            &format!(
                "{} SELECT {LOOKED}, {SIZE} FROM told CROSS JOIN LATERAL ( \
                 SELECT * FROM audit AS a WHERE a.user_id = $1::text AND a.told AND a.id = told.id LIMIT 1) AS a ORDER BY told.place",
                told(&format!(", {deleted}"))
            ),
            &[user.as_str().into(), after.into(), WALK.into(), subject.into()],
            Looked::read,
        )
    }

    /// Entries by their places, with their seals, the newest first.
    fn entries(&self, user: &UserId, places: &[i64]) -> Result<Vec<(Entry, Option<Seal>)>, StoreError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = self.query(
            &format!(
                "SELECT {ENTRY}, {SEAL} FROM audit AS a \
                 LEFT JOIN LATERAL (SELECT * FROM seal AS l WHERE l.user_id = a.user_id AND l.seq = a.seq LIMIT 1) AS l ON true \
                 WHERE a.user_id = $1::text AND a.seq = {PLACES}"
            ),
            &[user.as_str().into(), serde_json::to_string(places)?.into()],
            |row| Ok((entry(row)?, seal_or_none(row)?)),
        )?;
        entries.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.seq));
        Ok(entries)
    }
}
