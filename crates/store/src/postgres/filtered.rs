//! Filters, as PostgreSQL says them.

use super::listed::Parameters;
use crate::asked::filtered::Says;

impl Says for Parameters {
    const USER: &str = "$1::text";
    const HAS_TAG: &str = "t.tags::text <> '[]'";
    const HAS_REMINDER: &str = "t.reminders::text <> '[]'";
    /// It is kept with its occurrence. The closed ones are only looked at where none is open.
    const START: &str = "(SELECT start_at FROM ( \
         (SELECT o.start_at FROM occurrence AS o WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.status = 'open' \
          ORDER BY o.ordinal LIMIT 1) \
         UNION ALL (SELECT o.start_at FROM occurrence AS o WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.status <> 'open' \
          ORDER BY o.ordinal DESC LIMIT 1)) AS o LIMIT 1)";

    fn has_tag(tag: &str) -> String {
        format!("t.tags::jsonb ? {tag}")
    }

    fn title_contains(part: &str) -> String {
        format!("strpos(coalesce(t.title_lower, lower(t.title)), {part}) > 0")
    }
}
