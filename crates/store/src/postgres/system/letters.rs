//! Dead letters of all users (schema/0001_system.sql).

use perennial_domain::{Timestamp, UserId};
use serde_json::json;

use super::outbox::MAY_BE_LOST;
use crate::postgres::feed::EVENT;
use crate::postgres::{Pg, Postgres};
use crate::rows::letters::{FURTHEST, LARGEST_ANSWER, WALK, keeping};
use crate::rows::{self, Row, Value};
use crate::{
    Keeping, KeptLetter, Letter, LetterFilter, LetterStore, Letters, Replayed, Replays, StoreError, Turn,
};

/// Whether letters are to be sent again, and may be at `c.now`.
pub(super) const LOOK: &str = "(coalesce((SELECT r.turn_at FROM replay_stream AS r ORDER BY r.turn_at, r.stream_id LIMIT 1) <= c.now, false) \
     AND EXISTS (SELECT 1 FROM replay AS r WHERE r.one = 1 AND (r.until <= c.now OR r.until > c.now + 60000)))";

/// A dead letter `d` as a JSON object; `event` is what it tells of the event.
fn letter(event: &str) -> String {
    format!(
        "json_build_object('place', d.place, 'id', d.id, 'user_id', d.user_id, 'topic', d.topic, 'event_id', d.event_id, \
         'consumer', d.consumer, 'type', d.type, 'error', d.error, 'error_class', d.error_class, 'tries', d.tries, \
         'first_at', d.first_at, 'last_at', d.last_at, 'instance', d.instance, 'status', d.status, 'status_at', d.status_at, \
         'replays', d.replays, 'event', {event})::text"
    )
}

/// The letters that are to be sent again, at most `$2` of them: the oldest of each stream that has its turn at `$1`, as many of each, stream
/// after stream.
fn to_replay() -> String {
    format!(
        "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now), \
         s AS MATERIALIZED (SELECT r.stream_id, r.turn_at FROM replay_stream AS r CROSS JOIN c WHERE r.turn_at <= c.now \
          ORDER BY r.turn_at, r.stream_id LIMIT $2::bigint), \
         w AS MATERIALIZED (SELECT place, nth, sum(size) OVER turn - size AS before FROM ( \
          SELECT l.place, l.size, row_number() OVER (ORDER BY s.turn_at, s.stream_id, l.sequence, l.place) AS nth \
          FROM s CROSS JOIN LATERAL (SELECT d.place, d.sequence, octet_length(d.event) AS size FROM dead_letter AS d \
           WHERE d.status = 'replaying' AND d.stream_id = s.stream_id ORDER BY d.sequence, d.place \
           LIMIT 1 + ($2::bigint - 1) / greatest((SELECT count(*) FROM s), 1)) AS l ORDER BY nth LIMIT $2::bigint) AS walked \
          WINDOW turn AS (ORDER BY nth ROWS UNBOUNDED PRECEDING)) \
         SELECT json_build_object('place', d.place, 'id', d.id, 'topic', d.topic, 'stream', d.stream_id, \
          'replay_tries', d.replay_tries, 'event', d.event, 'waiting', (SELECT {EVENT} FROM outbox AS o \
          WHERE o.event_id = d.event_id AND o.topic = d.topic AND o.user_id = d.user_id))::text \
         FROM w CROSS JOIN LATERAL (SELECT * FROM dead_letter AS l WHERE l.place = w.place LIMIT 1) AS d WHERE w.before < {LARGEST_ANSWER} ORDER BY w.nth"
    )
}

/// A document of what came from elsewhere, as the database can keep it: it has no text with the character U+0000.
pub(super) fn sound(document: String) -> Result<String, StoreError> {
    if !document.contains("\\u0000") {
        return Ok(document);
    }
    fn mend(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
            serde_json::Value::Array(values) => values.iter_mut().for_each(mend),
            serde_json::Value::Object(members) => members.values_mut().for_each(mend),
            _ => (),
        }
    }
    let mut value = serde_json::from_str(&document)?;
    mend(&mut value);
    Ok(value.to_string())
}

impl<S: Pg> LetterStore for Postgres<S> {
    fn keep_letters(&self, letters: &[Letter], now: Timestamp) -> Result<Vec<Keeping>, StoreError> {
        if letters.is_empty() {
            return Ok(Vec::new());
        }
        self.query(
            "SELECT k FROM perennial_keep_letters($1::text::jsonb, perennial_now($2::bigint)) AS k",
            &[sound(serde_json::to_string(letters)?)?.into(), self.now(now)],
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
            &format!("SELECT {} FROM dead_letter AS d WHERE d.id = $1::text", letter("d.event")),
            &[id.into()],
            Row::json,
        )
    }

    // Taken first, read then: what the last to have them has said is seen.
    fn take_replays(
        &self,
        now: Timestamp,
        lease_for: i64,
        limit: u32,
    ) -> Result<Option<Replays>, StoreError> {
        let fence = self.query_one(
            &format!(
                "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now), \
                 l AS MATERIALIZED (SELECT r.one FROM replay AS r WHERE r.one = 1 FOR NO KEY UPDATE SKIP LOCKED) \
                 UPDATE replay AS r SET until = c.now + $2::bigint, fence = r.fence + 1 FROM l CROSS JOIN c \
                 WHERE r.one = l.one AND (r.until <= c.now OR r.until > c.now + {FURTHEST}) \
                 AND (SELECT s.turn_at FROM replay_stream AS s ORDER BY s.turn_at, s.stream_id LIMIT 1) <= c.now RETURNING r.fence"
            ),
            &[self.now(now), lease_for.into()],
            Row::integer,
        )?;
        let Some(fence) = fence else { return Ok(None) };
        let letters = self.query(&to_replay(), &[self.now(now), limit.into()], Row::json)?;
        Ok(Some(Replays { fence, letters }))
    }

    fn settle_replays(
        &self,
        fence: i64,
        (replayed, turns): (&[Replayed], &[Turn]),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let turns: Vec<_> = turns.iter().map(|Turn { stream, pause }| json!([stream, pause])).collect();
        let until = until.as_millis().saturating_sub(now.as_millis());
        let letters = rows::letters::replayed(replayed);
        let document = json!({ "fence": fence, "until": until, "letters": letters, "turns": turns });
        self.execute(
            &format!("SELECT 1::bigint FROM perennial_settle_replays($1::text::jsonb, perennial_now($2::bigint)) WHERE {MAY_BE_LOST}"),
            &[sound(document.to_string())?.into(), self.now(now)],
        )?;
        Ok(())
    }

    fn count_repeated(&self, consumer: &str, events: &[String]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.execute(
            &format!(
                "INSERT INTO tally AS t (name, part, value) SELECT $3::text, pg_backend_pid() % 16, r.repeated FROM ( \
                 SELECT count(*) AS repeated FROM json_array_elements_text($1::text::json) AS e \
                 WHERE EXISTS (SELECT 1 FROM inbox AS i WHERE i.consumer = $2::text AND i.event_id = e)) AS r \
                 WHERE r.repeated > 0 AND {MAY_BE_LOST} \
                 ON CONFLICT (name, part) DO UPDATE SET value = t.value + excluded.value"
            ),
            &[
                sound(serde_json::to_string(events)?)?.into(),
                consumer.into(),
                rows::letters::repeated(consumer).into(),
            ],
        )?;
        Ok(())
    }
}

impl<S: Pg> Postgres<S> {
    /// The open one of a user's event that a consumer gave up. Found by the event: a user may have very many.
    pub(in crate::postgres) fn letter_of_event(
        &self,
        user: &UserId,
        event_id: &str,
        consumer: &str,
    ) -> Result<Option<KeptLetter>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {} FROM (SELECT * FROM dead_letter AS l WHERE l.event_id = $2::text AND l.consumer = $3::text OFFSET 0) AS d \
                 WHERE d.user_id = $1::text AND d.status = 'open' LIMIT 1",
                letter("NULL")
            ),
            &[user.as_str().into(), event_id.into(), consumer.into()],
            Row::json,
        )
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
    let mut parameters: Vec<Value> = vec![after.into(), limit.into()];
    let mut bind = |text: &str| {
        parameters.push(text.into());
        format!("${}::text", parameters.len())
    };
    let mut is = |column: &'static str, value: Option<&str>| value.map(|value| (column, bind(value)));
    let mut conditions =
        vec![is("topic", topic.as_deref()), is("consumer", consumer.as_deref()), is("type", kind.as_deref())];
    let (user, status) = (is("user_id", user.as_deref()), is("status", status.map(|status| status.name())));
    // What they are walked by, in the order of an index: in that of all one would walk past those of others.
    let (mut from, mut key) = ("dead_letter".to_owned(), None);
    if let Some(ids) = ids {
        // Looked for by the ids, however few of the others come first.
        let ids = bind(&serde_json::to_string(ids)?);
        from = format!(
            "(SELECT * FROM dead_letter AS l WHERE l.id = ANY (ARRAY(SELECT json_array_elements_text({ids}::json))) OFFSET 0)"
        );
        conditions.extend([user, status]);
    } else if user.is_some() {
        key = user;
        conditions.push(status);
    } else {
        key = status;
    }
    let (key, those) = match key {
        Some((column, value)) => (
            format!("d.{column}"),
            format!("(d.{column}, d.place) > ({value}, $1::bigint) AND d.{column} <= {value}"),
        ),
        None => ("1".to_owned(), "d.place > $1::bigint".to_owned()),
    };
    let order = if key == "1" { "place" } else { "key, place" };
    let conditions: Vec<String> =
        conditions.into_iter().flatten().map(|(column, value)| format!("d.{column} = {value}")).collect();
    let (looked_at, shown) = match conditions.as_slice() {
        [] => ("$2::bigint".to_owned(), "true".to_owned()),
        all => (WALK.to_string(), all.join(" AND ")),
    };
    let walked = |what: &str| {
        format!(
            "SELECT d.place, {key} AS key, {what} AS is_meant FROM {from} AS d WHERE {those} ORDER BY {order} LIMIT"
        )
    };
    let end = match conditions.as_slice() {
        [] => "NULL::bigint".to_owned(),
        _ => format!(
            "(SELECT last.place FROM ({} 1 OFFSET {}) AS last)",
            walked("true"),
            WALK.saturating_sub(1)
        ),
    };
    // Whether one is meant is told where it is looked at, and looking ends with the last that is shown.
    let statement = format!(
        "SELECT (SELECT coalesce('[' || string_agg(j, ',' ORDER BY place) || ']', '[]') FROM (SELECT w.key, w.place, {} AS j FROM ( \
         {} {looked_at}) AS w CROSS JOIN LATERAL (SELECT * FROM dead_letter AS l WHERE l.place = w.place LIMIT 1) AS d \
         WHERE w.is_meant ORDER BY {order} LIMIT $2::bigint) AS found), {end}",
        letter("NULL"),
        walked(&shown),
    );
    Ok(Listed { statement, parameters })
}
