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
    /// Of the hundred streams that have waited longest: when the oldest event was made that is not published.
    pub outbox_since: Option<Timestamp>,
    /// Streams with events that wait to be published.
    pub streams: i64,
    /// Work that is due, by its kind.
    pub due: BTreeMap<String, DueMetric>,
    /// Work that was given up, by its kind.
    pub parked: BTreeMap<String, i64>,
    /// Dead letters that nobody has seen to.
    pub letters: i64,
    /// Of the hundred chains that have waited longest: when the oldest audit entry was made that is not sealed.
    pub unsealed_since: Option<Timestamp>,
    /// What happened how often since the store was made, by the name and the labels of its metric.
    pub tally: BTreeMap<String, i64>,
}

/// Work of a kind that is due and may be taken.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct DueMetric {
    /// How much it is.
    pub count: i64,
    /// Since when the oldest is, among the hundred users or endpoints that have waited longest.
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
