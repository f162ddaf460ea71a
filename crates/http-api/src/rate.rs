//! Rate limits, as answers tell them (draft-ietf-httpapi-ratelimit-headers): a policy and what is left of it.

use http::{HeaderName, HeaderValue};
use perennial_store::RateCount;

/// The header that tells a limit.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The header that tells what is left of it.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Longest window, in seconds: a day.
pub const MAX_WINDOW: i64 = 86_400;

/// How often a token may do something: so many times in each window. Windows are fixed; one begins with the first time after
/// the end of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatePolicy {
    /// What is limited: `reads` or `writes`.
    pub name: &'static str,
    /// How often.
    pub limit: i64,
    /// How long a window is, in seconds: at most [`MAX_WINDOW`].
    pub window: i64,
}

/// What became of being counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is within the limit.
    Within(RateCount),
    /// It would be over the limit and is not counted; the window ends in so many milliseconds.
    Over(i64),
}

/// Counts requests where all instances see it.
pub trait RateServer {
    /// Counts `cost` requests of a token, in one call. `None` where it cannot be known: then everything passes.
    fn count(&self, token: &str, policy: &RatePolicy, cost: i64) -> Option<Counted>;
}

impl RatePolicy {
    /// How long a window is, in milliseconds.
    pub fn window_millis(&self) -> i64 {
        self.window.saturating_mul(1_000)
    }

    /// What an answer tells of the limit: `RateLimit-Policy` and `RateLimit`, with the whole seconds until there is more.
    pub fn headers(&self, count: RateCount) -> [(HeaderName, HeaderValue); 2] {
        let Self { name, limit, window } = self;
        let remaining = limit.saturating_sub(count.count).max(0);
        let policy = format!("\"{name}\";q={limit};w={window}");
        let left = format!("\"{name}\";r={remaining};t={}", seconds(count.left));
        let value = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        [(RATE_LIMIT_POLICY, value(policy)), (RATE_LIMIT, value(left))]
    }
}

/// Whole seconds after which a window is over: one at least.
pub(crate) fn seconds(millis: i64) -> i64 {
    let whole = millis.saturating_add(999).checked_div(1_000).unwrap_or_default();
    whole.clamp(1, MAX_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_structured_fields() {
        let policy = RatePolicy { name: "writes", limit: 100, window: 60 };
        for (count, left, expected) in [
            (60, 11_001, "\"writes\";r=40;t=12"),
            (100, 1, "\"writes\";r=0;t=1"),
            (103, -5, "\"writes\";r=0;t=1"),
            (1, i64::MAX, "\"writes\";r=99;t=86400"),
        ] {
            let [(_, told), (_, remaining)] = policy.headers(RateCount { count, left });
            assert_eq!(told, "\"writes\";q=100;w=60");
            assert_eq!(remaining, expected);
        }
    }
}
