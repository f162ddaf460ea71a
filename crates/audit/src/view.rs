//! How the audit looks from outside.

use perennial_domain::UserId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Anchor, Entry, Seal, Wrong};

/// Most anchors that are held against a chain at once.
pub const MAX_ANCHORS: usize = 1_000;

/// An entry of the audit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EntryView<'a> {
    /// The id of the change.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    id: &'a str,
    /// Whose it is.
    user: &'a UserId,
    /// When it was decided.
    #[cfg_attr(feature = "schema", schemars(length(max = 30), extend("format" = "date-time")))]
    at: String,
    /// Who did it: `token:<id>` or `jwt:<issuer>:<subject>`, with ` by <name>` where it was through an agent, or `component:<name>` where
    /// nobody asked for it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    actor: &'a str,
    /// What was done, such as `task.update`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    action: &'a str,
    /// The id of what it was done to.
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    subject: &'a str,
    /// The request that it came in, as in the log and in events.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    request_id: &'a str,
    /// What was there before; `null` where nothing is noted.
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    before: Option<Box<RawValue>>,
    /// What was there after it; `null` where nothing is noted.
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    after: Option<Box<RawValue>>,
    /// What seals it; `null` for the moment until it is sealed.
    seal: Option<SealView<'a>>,
}

/// The seal of an entry.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SealView<'a> {
    /// Its place in its user's chain.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    seq: i64,
    /// What its digest is salted with.
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    salt: &'a str,
    /// The digest of all that the entry says.
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    digest: &'a str,
    /// What binds it to everything before it.
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    hash: &'a str,
}

impl<'a> EntryView<'a> {
    /// An entry, with its seal if it has one.
    pub fn new(entry: &'a Entry, seal: Option<&'a Seal>) -> Self {
        Self {
            id: &entry.id,
            user: &entry.user,
            at: entry.at.to_string(),
            actor: &entry.actor,
            action: &entry.action,
            subject: &entry.subject,
            request_id: &entry.correlation_id,
            before: raw(entry.before.as_deref()),
            after: raw(entry.after.as_deref()),
            seal: seal.map(|seal| SealView {
                seq: seal.seq,
                salt: &entry.salt,
                digest: &seal.digest,
                hash: &seal.hash,
            }),
        }
    }
}

/// A JSON text as it is; what is none, as somebody may have left it, as a string.
fn raw(text: Option<&str>) -> Option<Box<RawValue>> {
    let text = text?;
    RawValue::from_string(text.to_owned()).or_else(|_| serde_json::value::to_raw_value(text)).ok()
}

/// What verifying a chain, or a piece of it, came to.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerifiedView {
    /// Up to where the chain is sealed.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    pub sealed: i64,
    /// Up to where it is verified: `after` of the next call, while it is not `complete`.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    pub verified_to: i64,
    /// The hash there; to be told in the next call, as `hash`.
    #[cfg_attr(feature = "schema", schemars(length(max = 64)))]
    pub hash: String,
    /// Whether the end of the chain was verified too.
    pub complete: bool,
    /// Whether its user was deleted, and the entries with them: the seals are left.
    pub erased: bool,
    /// The first thing that is wrong.
    pub wrong: Option<Wrong>,
}

/// Anchors that a chain is to be held against.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AnchorsInput {
    /// Anchors of this chain.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_ANCHORS)))]
    pub anchors: Vec<Anchor>,
}

/// A task as it was at a time, as far as the audit tells.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskAtView {
    /// The task.
    #[cfg_attr(feature = "schema", schemars(length(min = 36, max = 36)))]
    pub task: String,
    /// The time.
    #[cfg_attr(feature = "schema", schemars(length(max = 30), extend("format" = "date-time")))]
    pub at: String,
    /// The last change of the task itself until then.
    pub change: ChangeAtView,
    /// Whether it was deleted.
    pub deleted: bool,
    /// What it said then; `null` where it was deleted.
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub state: Option<Box<RawValue>>,
    /// What the log tells of its occurrences until then: of each the last, the newest first.
    #[cfg_attr(feature = "schema", schemars(length(max = 1_000)))]
    pub occurrences: Vec<OccurrenceAtView>,
    /// Whether the log was read to its beginning, and told of no more occurrences than are listed.
    pub complete: bool,
}

/// A change that says how something was at a time.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeAtView {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    pub id: String,
    /// When it was decided.
    #[cfg_attr(feature = "schema", schemars(length(max = 30), extend("format" = "date-time")))]
    pub at: String,
    /// Who made it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    pub actor: String,
    /// What was done.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    pub action: String,
}

impl From<&Entry> for ChangeAtView {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.clone(),
            at: entry.at.to_string(),
            actor: entry.actor.clone(),
            action: entry.action.clone(),
        }
    }
}

/// What the log tells of an occurrence.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OccurrenceAtView {
    /// Its name; `null` for that of a task that does not recur.
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    pub recurrence_id: Option<String>,
    /// What was noted: its status, or how it differs from its series.
    pub occurrence: serde_json::Value,
    /// The change that did it.
    pub change: ChangeAtView,
}

/// What an entry notes of a task itself: what it said, or that it was deleted.
#[derive(Debug, Deserialize)]
pub struct TaskNote {
    /// What the task said.
    pub task: Option<serde_json::Value>,
    /// Whether it was deleted.
    #[serde(default)]
    pub deleted: bool,
}

/// What an entry notes of an occurrence.
#[derive(Debug, Deserialize)]
pub struct OccurrenceNote {
    /// Its name.
    pub recurrence_id: String,
    /// What is noted.
    #[serde(default)]
    pub occurrence: serde_json::Value,
}

impl TaskAtView {
    /// The state that an entry notes, as it stands there.
    pub fn state_of(entry: &Entry) -> Option<Box<RawValue>> {
        raw(entry.after.as_deref())
    }
}
