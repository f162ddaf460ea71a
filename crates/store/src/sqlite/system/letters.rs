//! Dead letters of all users (schema/0006_letters.sql).

use perennial_domain::Timestamp;
use serde_json::json;

use crate::sqlite::feed::EVENT;
use crate::sqlite::letters::letter;
use crate::sqlite::listed::Parameters;
use crate::sqlite::row::Row;
use crate::sqlite::{Sql, Sqlite, Sync, Value};
use crate::{
    Keeping, KeptLetter, Letter, LetterFilter, LetterStore, Letters, Replay, Replayed, Replays, StoreError,
    Turn,
};

/// Letters looked at for one page.
const WALK: u32 = 10_000;

/// Bytes of letters that are read at once to be sent again, about.
const LARGEST_ANSWER: u32 = 4 << 20;

/// How far ahead the turn of whoever sends letters again lies at most, in milliseconds: one beyond it was given by a clock that was
/// wrong.
const FURTHEST: i64 = 60_000;

/// Whether letters are to be sent again, and may be at `?1`.
pub(super) const LOOK: &str = "(EXISTS (SELECT 1 FROM replay_stream WHERE turn_at <= ?1) \
     AND EXISTS (SELECT 1 FROM replay WHERE only = 1 AND (until <= ?1 OR until > ?1 + 60000)))";

/// The letters that are to be sent again at `?1`, at most `?3` of them: the oldest of each stream that has its turn, as many of
/// each, stream after stream.
const TO_REPLAY: &str = "SELECT json_group_array(json_object('place', d.place, 'id', d.id, 'topic', d.topic, \
     'stream', d.stream_id, 'replay_tries', d.replay_tries, 'event', d.event, 'waiting', json((SELECT {EVENT} FROM outbox AS o \
     WHERE o.event_id = d.event_id AND o.topic = d.topic AND o.user_id = d.user_id)))) \
     FROM (SELECT place, coalesce(sum(size) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before \
      FROM (SELECT l.place, octet_length(l.event) AS size \
       FROM (SELECT stream_id, turn_at FROM replay_stream WHERE turn_at <= ?1 ORDER BY turn_at, stream_id LIMIT ?3) AS s \
       CROSS JOIN dead_letter AS l ON l.place IN (SELECT place FROM dead_letter INDEXED BY dead_letter_to_replay \
        WHERE status = 'replaying' AND stream_id = s.stream_id ORDER BY sequence, place \
        LIMIT (SELECT 1 + (?3 - 1) / max(count(*), 1) FROM (SELECT 1 FROM replay_stream WHERE turn_at <= ?1 LIMIT ?3))) \
       ORDER BY s.turn_at, s.stream_id, l.sequence, l.place LIMIT ?3)) AS walked \
     CROSS JOIN dead_letter AS d ON d.place = walked.place WHERE walked.before < {LARGEST}";

impl<S: Sql> LetterStore for Sqlite<S> {
    fn keep_letters(&self, letters: &[Letter], now: Timestamp) -> Result<Vec<Keeping>, StoreError> {
        if letters.is_empty() {
            return Ok(Vec::new());
        }
        self.sync(Sync::Full)?;
        self.query(
            "INSERT INTO letter_v6 (now, doc) SELECT ?2, value FROM json_each(?1) WHERE true \
             RETURNING CASE \
             WHEN EXISTS (SELECT 1 FROM user WHERE id = doc ->> 'user' AND deleted_at IS NOT NULL) THEN 'deleted' \
             WHEN doc ->> '$.consumers[0]' IS NOT NULL AND doc ->> 'consumer' IS NULL AND NOT EXISTS ( \
              SELECT 1 FROM json_each(doc, '$.consumers') AS c \
              WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE consumer = c.value AND event_id = doc ->> 'event_id')) THEN 'applied' \
             WHEN EXISTS (SELECT 1 FROM dead_letter WHERE event_id = doc ->> 'event_id') THEN 'kept' ELSE 'full' END",
            &[serde_json::to_string(letters)?.into(), now.into()],
            |row| {
                Ok(match row.text()?.as_str() {
                    "deleted" => Keeping::Deleted,
                    "applied" => Keeping::Applied,
                    "kept" => Keeping::Kept,
                    _ => Keeping::NoRoom,
                })
            },
        )
    }

    fn letters(&self, filter: &LetterFilter, after: i64, limit: u32) -> Result<Letters, StoreError> {
        let Listed { statement, parameters } = listed(filter, after, limit)?;
        let found = self.query_one(&statement, &parameters, |row| {
            Ok(Letters { letters: row.json()?, end: row.integer_or_null()? })
        })?;
        let mut found = found.unwrap_or_default();
        // A full page goes on after its last.
        if found.letters.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            found.end = None;
        }
        Ok(found)
    }

    fn letter(&self, id: &str) -> Result<Option<KeptLetter>, StoreError> {
        self.query_one(
            &format!("SELECT {} FROM dead_letter AS d WHERE d.id = ?1", letter("d.event")),
            &[id.into()],
            Row::json,
        )
    }

    fn take_replays(
        &self,
        now: Timestamp,
        lease_for: i64,
        limit: u32,
    ) -> Result<Option<Replays>, StoreError> {
        self.sync(Sync::Normal)?;
        let letters = TO_REPLAY.replace("{EVENT}", EVENT).replace("{LARGEST}", &LARGEST_ANSWER.to_string());
        self.query_one(
            &format!(
                "UPDATE replay SET until = ?1 + ?2, fence = fence + 1 WHERE only = 1 AND (until <= ?1 OR until > ?1 + {FURTHEST}) \
                 AND EXISTS (SELECT 1 FROM replay_stream WHERE turn_at <= ?1) RETURNING fence, ({letters})"
            ),
            &[now.into(), lease_for.into(), limit.into()],
            |row| Ok(Replays { fence: row.integer()?, letters: row.json::<Vec<Replay>>()? }),
        )
    }

    fn settle_replays(
        &self,
        fence: i64,
        (replayed, turns): (&[Replayed], &[Turn]),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let letters: Vec<_> = replayed
            .iter()
            .map(|Replayed { place, status, tries, error }| json!([place, status, tries, error]))
            .collect();
        let turns: Vec<_> =
            turns.iter().map(|Turn { stream, pause }| json!([stream, now.plus_millis(*pause)])).collect();
        let document =
            json!({ "fence": fence, "until": until, "now": now, "letters": letters, "turns": turns });
        self.sync(Sync::Normal)?;
        self.execute("INSERT INTO replayed_v6 (doc) VALUES (?1)", &[document.to_string().into()])?;
        Ok(())
    }

    fn count_repeated(&self, consumer: &str, events: &[String]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.sync(Sync::Normal)?;
        self.execute(
            "INSERT INTO tally (name, value) SELECT ?3, repeated FROM (SELECT count(*) AS repeated FROM json_each(?1) AS e \
             WHERE EXISTS (SELECT 1 FROM inbox WHERE consumer = ?2 AND event_id = e.value)) WHERE repeated > 0 \
             ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            &[
                serde_json::to_string(events)?.into(),
                consumer.into(),
                format!("duplicate_events_total{{consumer=\"{consumer}\"}}").into(),
            ],
        )?;
        Ok(())
    }
}

/// A page of a list.
struct Listed {
    statement: String,
    parameters: Vec<Value>,
}

/// Those that are meant among the next ones of their owner, of their status or of all, by what there is an index of; and the last
/// of these, where they are as many as are looked at for one page.
fn listed(filter: &LetterFilter, after: i64, limit: u32) -> Result<Listed, StoreError> {
    let LetterFilter { status, topic, consumer, user, kind, ids } = filter;
    let mut parameters = Parameters(vec![after.into(), limit.into()]);
    let mut conditions = Vec::new();
    let mut is = |column: &str, value: Option<&str>| {
        value.map(|value| format!("d.{column} = {}", parameters.bind(value)))
    };
    conditions.extend([
        is("topic", topic.as_deref()),
        is("consumer", consumer.as_deref()),
        is("type", kind.as_deref()),
    ]);
    let (user, status) = (is("user_id", user.as_deref()), is("status", status.map(|status| status.name())));
    let walk = match ids {
        Some(ids) => {
            let ids = parameters.bind(serde_json::to_string(ids)?);
            conditions.extend([user, status]);
            Some(format!(
                "d.place IN (SELECT place FROM dead_letter WHERE id IN (SELECT value FROM json_each({ids})))"
            ))
        }
        None if user.is_some() => {
            conditions.push(status);
            user
        }
        None => status,
    };
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    let walk = format!(
        "SELECT d.place FROM dead_letter AS d WHERE {} AND d.place > ?1 ORDER BY d.place",
        walk.as_deref().unwrap_or("true")
    );
    let all = |none: &str, others: String| if conditions.is_empty() { none.to_owned() } else { others };
    let statement = format!(
        "SELECT (SELECT json_group_array(json(j)) FROM (SELECT {} AS j FROM ({walk} LIMIT {}) AS walked \
         CROSS JOIN dead_letter AS d ON d.place = walked.place WHERE {} LIMIT ?2)), {}",
        letter("NULL"),
        all("?2", WALK.to_string()),
        all("true", conditions.join(" AND ")),
        all("NULL", format!("({walk} LIMIT 1 OFFSET {})", WALK.saturating_sub(1))),
    );
    Ok(Listed { statement, parameters: parameters.0 })
}
