//! Everything that commands on series are decided upon, in one statement for any number of them.

use perennial_domain::{RecurrenceId, TaskId, UserId};

use super::records::{OCCURRENCE, OVERRIDE, TASK, USER};
use super::{Sql, Sqlite};
use crate::StoreError;
use crate::rows::records::StateRow;

/// For each key (user, task, asked) its index and the state, as JSON. The names that a successor might meet begin with the
/// earliest of those it may follow: the occurrence asked for or the last one closed, or the day before it was done. What a
/// subquery gives is text, so each is told to be JSON outside of it.
fn statement(bin: Bin) -> String {
    let deleted = match bin {
        Bin::Outside => "t.deleted_at IS NULL",
        Bin::Inside => "t.deleted_at IS NOT NULL AND t.forgotten IS NULL",
    };
    let closed = "status <> 'open' AND (status = 'done' OR succession <> 'none')";
    format!(
        "SELECT k.key, json_object('user', {USER}, 'task', {TASK}, \
         'asked', json((SELECT {OCCURRENCE} FROM occurrence AS o \
          WHERE o.task_id = t.id AND o.recurrence_id = k.value ->> 2 AND o.user_id = t.user_id)), \
         'open', json((SELECT json_group_array(json(j)) FROM (SELECT {OCCURRENCE} AS j FROM occurrence AS o \
          WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.status = 'open' ORDER BY o.ordinal LIMIT 101))), \
         'closed', json((SELECT {OCCURRENCE} FROM occurrence AS o \
          WHERE o.task_id = t.id AND o.user_id = t.user_id AND {closed} ORDER BY o.ordinal DESC LIMIT 1)), \
         'overrides', json((SELECT json_group_array(json(j)) FROM (SELECT {OVERRIDE} AS j FROM override AS v \
          WHERE v.task_id = t.id AND v.user_id = t.user_id ORDER BY v.recurrence_id LIMIT 500))), \
         'named', json((SELECT json_group_array(json_array(id, given_up)) FROM ( \
          SELECT o.recurrence_id AS id, (o.status = 'cancelled' AND o.succession = 'none') AS given_up \
          FROM occurrence AS o WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.recurrence_id = '' \
          UNION ALL SELECT * FROM (SELECT o.recurrence_id, (o.status = 'cancelled' AND o.succession = 'none') \
          FROM occurrence AS o WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.recurrence_id > coalesce( \
           (SELECT min(at) FROM (SELECT min(p.recurrence_id, coalesce( \
             strftime('%Y-%m-%d', p.completed_at / 1000 - 86400, 'unixepoch'), p.recurrence_id)) AS at \
            FROM occurrence AS p WHERE p.task_id = t.id AND p.recurrence_id <> '' AND p.recurrence_id IN (k.value ->> 2, \
            (SELECT recurrence_id FROM occurrence WHERE task_id = t.id AND {closed} ORDER BY ordinal DESC LIMIT 1)))), \
           '') ORDER BY o.recurrence_id LIMIT 1000)))), \
         'alarms', json((SELECT json_group_array(json_array(a.recurrence_id, a.reminder_id, a.fire_at, a.state, a.snoozed_from)) \
          FROM alarm AS a WHERE a.task_id = t.id AND a.user_id = t.user_id AND a.recurrence_id IN ( \
          SELECT recurrence_id FROM occurrence WHERE task_id = t.id AND status = 'open' UNION ALL SELECT k.value ->> 2)))) \
         FROM json_each(?1) AS k CROSS JOIN task AS t ON t.id = k.value ->> 1 AND t.user_id = k.value ->> 0 \
         CROSS JOIN user AS u ON u.id = t.user_id AND u.deleted_at IS NULL WHERE {deleted}"
    )
}

/// Whether tasks lie in the bin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bin {
    Inside,
    Outside,
}

/// The states of the series that there are, each with the index of its key.
pub(super) type States = Vec<(usize, Result<StateRow, StoreError>)>;

/// Whose series, which, and the occurrence in question.
pub(super) type Key<'a> = (&'a UserId, TaskId, Option<&'a RecurrenceId>);

impl<S: Sql> Sqlite<S> {
    /// The states of the series that there are, each with the index of its key. One that cannot be read spoils no other.
    pub(super) fn series_of(&self, keys: &[Key<'_>]) -> Result<States, StoreError> {
        self.series_in(Bin::Outside, keys)
    }

    /// The same of tasks that lie in the bin.
    pub(super) fn series_in(&self, bin: Bin, keys: &[Key<'_>]) -> Result<States, StoreError> {
        let keys = serde_json::to_string(keys)?;
        self.query(&statement(bin), &[keys.into()], |row| {
            let index = usize::try_from(row.integer()?).unwrap_or(usize::MAX);
            Ok((index, row.json()))
        })
    }
}
