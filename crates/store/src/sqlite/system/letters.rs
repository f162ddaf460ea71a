//! Dead letters of all users (schema/0006_letters.sql).

use perennial_domain::Timestamp;
use serde_json::json;

use crate::rows::letters::{FURTHEST, LARGEST_ANSWER, WALK, keeping};
use crate::rows::{self, Row};
use crate::sqlite::feed::EVENT;
use crate::sqlite::letters::letter;
use crate::sqlite::listed::Parameters;
use crate::sqlite::{Sql, Sqlite, Sync, Value};
use crate::{
    Keeping, KeptLetter, Letter, LetterFilter, LetterStore, Letters, Replay, Replayed, Replays, StoreError,
    Turn,
};

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

/// Whether a build that knows no letters has given up events to publish, as work alone.
pub(super) const GIVEN_UP: &str =
    "EXISTS (SELECT 1 FROM work INDEXED BY work_without_letter WHERE kind = 'event' AND tries = 0)";

/// Makes letters of the first `?1` of these, unless they are. Their ids are UUIDs of version 7 (RFC 9562 §5.7).
const KEEP_GIVEN_UP: &str = "INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, \
     error, error_class, tries, first_at, last_at, instance, status, status_at, event) \
     SELECT lower(printf('%08x-%04x-7', w.at >> 16, w.at & 65535) || substr(hex(randomblob(2)), 2) || '-' \
      || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), \
     w.user_id, coalesce(o.topic, 'task-events'), w.item, w.recurrence_id, w.lane, coalesce(o.sequence, 0), coalesce(o.type, ''), \
     w.task_id, coalesce(w.reason, ''), 'permanent', 1, w.at, w.at, '', 'open', ?2, coalesce(o.data, '') \
     FROM (SELECT user_id, lane, task_id, recurrence_id, item, reason, coalesce(parked_at, 0) AS at \
      FROM work INDEXED BY work_without_letter WHERE kind = 'event' AND tries = 0 ORDER BY parked_at LIMIT ?1) AS w \
     LEFT JOIN outbox AS o ON o.event_id = w.item \
     WHERE NOT EXISTS (SELECT 1 FROM dead_letter WHERE event_id = w.item AND consumer = w.recurrence_id) ON CONFLICT DO NOTHING";

/// Says of them that they are: work that stands for a letter was tried.
const IS_KEPT: &str = "UPDATE work SET tries = 1 WHERE id IN ( \
     SELECT w.id FROM work AS w INDEXED BY work_without_letter WHERE w.kind = 'event' AND w.tries = 0 \
     AND EXISTS (SELECT 1 FROM dead_letter WHERE event_id = w.item AND consumer = w.recurrence_id) \
     ORDER BY w.parked_at LIMIT ?1)";

/// Makes letters of what builds that know none have given up, `limit` at most; they are kept from now on. Cut off between the two, the second is done by the next.
pub(super) fn keep_given_up<S: Sql>(store: &Sqlite<S>, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    store.execute(KEEP_GIVEN_UP, &[limit.into(), now.into()])?;
    store.execute(IS_KEPT, &[limit.into()])?;
    Ok(())
}

/// A letter `e`, of whom and about what its event `o` is, where that was told here: whoever reaches a broker can put anything there under
/// the id of an event, and no letter of another is to stand in the place of its own.
const AS_TOLD: &str = "iif(o.event_id IS NULL, e.value, json_set(e.value, '$.user', o.user_id, '$.sequence', o.sequence, \
     '$.type', o.type, '$.subject', o.subject, '$.consumers', json(coalesce(e.value -> ('$.hearers.\"' || o.type || '\"'), '[]')), '$.stream', iif(e.value ->> 'stream' = o.stream_id || '|' || substr(e.value ->> 'stream', -2), \
     e.value ->> 'stream', o.stream_id)))";

impl<S: Sql> LetterStore for Sqlite<S> {
    fn keep_letters(&self, letters: &[Letter], now: Timestamp) -> Result<Vec<Keeping>, StoreError> {
        if letters.is_empty() {
            return Ok(Vec::new());
        }
        self.sync(Sync::Full)?;
        self.query(
            &format!(
            "INSERT INTO letter_v6 (now, doc) SELECT ?2, {AS_TOLD} \
             FROM json_each(?1) AS e LEFT JOIN outbox AS o ON o.event_id = e.value ->> 'event_id' WHERE true \
             RETURNING CASE \
             WHEN EXISTS (SELECT 1 FROM user WHERE id = doc ->> 'user' AND deleted_at IS NOT NULL) THEN 'deleted' \
             WHEN doc ->> '$.consumers[0]' IS NOT NULL AND doc ->> 'consumer' IS NULL AND NOT EXISTS ( \
              SELECT 1 FROM json_each(doc, '$.consumers') AS c \
              WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE consumer = c.value AND event_id = doc ->> 'event_id')) THEN 'applied' \
             WHEN EXISTS (SELECT 1 FROM dead_letter WHERE event_id = doc ->> 'event_id') THEN 'kept' ELSE 'full' END"
            ),
            &[serde_json::to_string(letters)?.into(), now.into()],
            keeping,
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
        let turns: Vec<_> =
            turns.iter().map(|Turn { stream, pause }| json!([stream, now.plus_millis(*pause)])).collect();
        let document = json!({ "fence": fence, "until": until, "now": now, "letters": rows::letters::replayed(replayed), "turns": turns });
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
                rows::letters::repeated(consumer).into(),
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
