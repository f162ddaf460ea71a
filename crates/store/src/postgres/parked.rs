//! Work that was given up.

use crate::Page;
use crate::rows::Value;

/// A page of it, in the order of its making: `$1` is the place it starts after, `$2` its length.
pub(super) fn query(whose: &str) -> String {
    format!(
        "SELECT json_build_object('id', w.id, 'kind', w.kind, 'user_id', w.user_id, 'task_id', w.task_id, \
         'recurrence_id', w.recurrence_id, 'item', w.item, 'reason', w.reason, 'tries', w.tries, \
         'parked_at', w.parked_at)::text FROM work AS w \
         WHERE {whose} AND w.parked_at IS NOT NULL AND w.id > $1::bigint ORDER BY w.id LIMIT $2::bigint"
    )
}

/// Where a page starts.
pub(super) fn place(page: &Page) -> Value {
    page.after.as_ref().and_then(|after| after.parse::<i64>().ok()).unwrap_or_default().into()
}
