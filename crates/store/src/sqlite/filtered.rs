//! Filters, as SQLite says them.

use super::listed::Parameters;
use crate::asked::filtered::Says;

impl Says for Parameters {
    const USER: &str = "?1";
    const HAS_TAG: &str = "t.tags <> '[]'";
    const HAS_REMINDER: &str = "t.reminders <> '[]'";
    /// It is kept with its occurrence.
    const START: &str = "(SELECT o.start_at FROM occurrence AS o WHERE o.task_id = t.id AND o.user_id = t.user_id \
         ORDER BY o.status <> 'open', o.ordinal * iif(o.status = 'open', 1, -1) LIMIT 1)";

    fn has_tag(tag: &str) -> String {
        format!("EXISTS (SELECT 1 FROM json_each(iif(json_valid(t.tags), t.tags, '[]')) WHERE value = {tag})")
    }

    fn title_contains(part: &str) -> String {
        format!("instr(coalesce(t.title_lower, lower(t.title)), {part}) > 0")
    }
}
