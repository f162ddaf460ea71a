//! Every limit on what users have and send, in one list: docs/api.md tells them in the table "Limits", which a test holds
//! against this.

use perennial_recurrence::limits::{MAX_EXTRA_DATES, MAX_RULE_BYTES};

use crate::channel::{MAX_CHANNELS, MAX_RETIRED, MAX_URL};
use crate::fields::{MAX_DESCRIPTION, MAX_KEY, MAX_METADATA, MAX_NAME, MAX_TAGS, MAX_TITLE, MAX_VALUE};
use crate::filter::{MAX_COMPARISONS, MAX_DEPTH, MAX_TEXT};
use crate::identity::MAX_TOKENS_OF_USER;
use crate::project::MAX_PROJECTS;
use crate::quick::MAX_LINE;
use crate::rule::MAX_PARTS;
use crate::series::{MAX_OVERRIDES, MAX_STACK};
use crate::task::MAX_REMINDERS;

/// What there may be most of, and how many.
pub const LIMITS: &[(&str, usize)] = &[
    ("tokens of a user that are not revoked", of_user(MAX_TOKENS_OF_USER)),
    ("projects of a user, archived ones among them", of_user(MAX_PROJECTS)),
    ("channels of a user", MAX_CHANNELS),
    ("secrets of a channel that sign beside the newest", MAX_RETIRED),
    ("parts of a task", MAX_PARTS),
    ("reminders of a task", MAX_REMINDERS),
    ("tags of a task", MAX_TAGS),
    ("open occurrences of a task", MAX_STACK),
    ("occurrences of a series that differ from it", MAX_OVERRIDES),
    ("dates in `rdate`, and in `exdate`", MAX_EXTRA_DATES),
    ("bytes of a rule", MAX_RULE_BYTES),
    ("characters of a title", MAX_TITLE),
    ("characters of a description", MAX_DESCRIPTION),
    ("characters of a name or tag", MAX_NAME),
    ("values in `metadata`", MAX_METADATA),
    ("characters of a name in `metadata`", MAX_KEY),
    ("characters of a value in `metadata`", MAX_VALUE),
    ("characters of a channel's address", MAX_URL),
    ("characters of a filter", MAX_TEXT),
    ("comparisons in a filter", MAX_COMPARISONS),
    ("levels of parentheses and `not` in a filter", MAX_DEPTH),
    ("characters of a line of quick add", MAX_LINE),
];

const fn of_user(most: i64) -> usize {
    most.unsigned_abs() as usize
}
