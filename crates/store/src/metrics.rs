//! What an operator watches: what waits, since when, and what has happened how often.

use std::collections::BTreeMap;

use perennial_domain::Timestamp;
use serde::Deserialize;

use crate::StoreError;

/// What a look at the store finds. A count stops at [`Metrics::MOST`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Metrics {
    /// The version of the schema.
    pub schema: i64,
    /// When the oldest event was made that is not published: of each shard's ten streams that are tried next, and of the hundred that have
    /// failed most often in a row.
    pub outbox_since: Option<Timestamp>,
    /// Streams with events that wait to be published.
    pub streams: i64,
    /// Work that is due, by its kind.
    pub due: BTreeMap<String, DueMetric>,
    /// Work that was given up, by its kind.
    pub parked: BTreeMap<String, i64>,
    /// Dead letters that nobody has seen to.
    pub letters: i64,
    /// When the oldest audit entry was made that is not sealed: of the hundred chains that are sealed next, and of the hundred that could
    /// not be sealed most often.
    pub unsealed_since: Option<Timestamp>,
    /// What happened how often since the store was made, by the name and the labels of its metric.
    pub tally: BTreeMap<String, i64>,
}

/// Work of a kind that is due and may be taken.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct DueMetric {
    /// How much it is.
    pub count: i64,
    /// Since when the oldest is, among the users or endpoints that have waited longest, ten of each shard.
    pub since: Option<Timestamp>,
}

impl Metrics {
    /// Where a count stops.
    pub const MOST: i64 = 10_000;
}

/// Looks at all users' work, without a name of anyone.
pub trait MetricsStore {
    /// One look, which costs the same however much there is.
    fn metrics(&self, now: Timestamp) -> Result<Metrics, StoreError>;
}
