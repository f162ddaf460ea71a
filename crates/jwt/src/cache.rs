//! When a key set is fetched, and how long it is used: a decision over what a store holds of it. An issuer changes its keys
//! without a word, anybody may name a key that does not exist, and the issuer may be away.

use perennial_domain::Timestamp;

/// How long a set is used without asking again, in milliseconds: a withdrawn key is used no longer than that.
const FRESH: u64 = 10 * 60 * 1_000;
/// How long a set is used while the issuer cannot be asked, in milliseconds.
const USABLE: u64 = 24 * 60 * 60 * 1_000;
/// The time between two tries, in milliseconds, whoever asks for them.
const BETWEEN_TRIES: u64 = 30 * 1_000;

/// What is held of a key set beside the document itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// When the document that is held was fetched; none is held without it.
    pub fetched_at: Option<Timestamp>,
    /// When it was last tried to fetch one, however that went.
    pub tried_at: Option<Timestamp>,
}

/// What to do before a token is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Use the set that is held.
    Use,
    /// Fetch the set; where that fails, use the one that is held.
    Refresh,
    /// Fetch the set; where that fails, no token can be verified.
    Fetch,
    /// No token can be verified: no set may be used, and one was tried just now.
    Refuse,
}

impl Held {
    /// Whether to fetch the set before a token is verified. Fetching is recorded with [`Held::tried`] first, so that requests
    /// beside this one do not fetch as well.
    pub fn plan(self, now: Timestamp) -> Plan {
        let age = self.fetched_at.map(|at| between(at, now));
        match (age, self.may_try(now)) {
            (Some(age), _) if age < FRESH => Plan::Use,
            (Some(age), true) if age < USABLE => Plan::Refresh,
            (Some(age), false) if age < USABLE => Plan::Use,
            (_, true) => Plan::Fetch,
            (_, false) => Plan::Refuse,
        }
    }

    /// Whether to fetch the set because a token names a key that is not in it
    /// ([`crate::Refusal::may_be_a_new_key`]): no more often than every 30 seconds.
    pub fn fetches_for_new_key(self, now: Timestamp) -> bool {
        self.may_try(now)
    }

    /// It is tried now.
    #[must_use]
    pub fn tried(self, now: Timestamp) -> Self {
        Self { tried_at: Some(now), ..self }
    }

    /// A document was fetched, and [`crate::Keys::from_jwks`] could read it.
    #[must_use]
    pub fn fetched(self, now: Timestamp) -> Self {
        Self { fetched_at: Some(now), tried_at: Some(now) }
    }

    fn may_try(self, now: Timestamp) -> bool {
        self.tried_at.is_none_or(|at| between(at, now) >= BETWEEN_TRIES)
    }
}

/// Milliseconds between two instants, whichever is first: a time noted by a clock that was ahead must neither keep a set for
/// ever nor forbid tries until then.
fn between(one: Timestamp, other: Timestamp) -> u64 {
    one.as_millis().abs_diff(other.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;

    /// What is planned, and whether an unknown key is looked for, where these were so long ago.
    fn at(fetched: Option<i64>, tried: Option<i64>) -> (Plan, bool) {
        const NOW: i64 = 1_800_000_000_000;
        let now = Timestamp::from_millis(NOW);
        let ago = |millis: i64| Timestamp::from_millis(NOW.saturating_sub(millis));
        let held = Held { fetched_at: fetched.map(ago), tried_at: tried.map(ago) };
        (held.plan(now), held.fetches_for_new_key(now))
    }

    #[test]
    fn a_set_is_fetched_in_time_and_not_too_often() {
        for (fetched, tried, expected) in [
            (None, None, (Plan::Fetch, true)),
            (None, Some(30 * SECOND), (Plan::Fetch, true)),
            (None, Some(30 * SECOND - 1), (Plan::Refuse, false)),
            (None, Some(0), (Plan::Refuse, false)),
            (Some(0), Some(0), (Plan::Use, false)),
            (Some(30 * SECOND - 1), Some(30 * SECOND - 1), (Plan::Use, false)),
            (Some(30 * SECOND), Some(30 * SECOND), (Plan::Use, true)),
            (Some(9 * MINUTE), Some(SECOND), (Plan::Use, false)),
            (Some(10 * MINUTE - 1), Some(10 * MINUTE - 1), (Plan::Use, true)),
            (Some(10 * MINUTE), Some(10 * MINUTE), (Plan::Refresh, true)),
            (Some(10 * MINUTE), Some(SECOND), (Plan::Use, false)),
            (Some(24 * HOUR - 1), Some(30 * SECOND), (Plan::Refresh, true)),
            (Some(24 * HOUR - 1), Some(29 * SECOND), (Plan::Use, false)),
            (Some(24 * HOUR), Some(30 * SECOND), (Plan::Fetch, true)),
            (Some(24 * HOUR), Some(29 * SECOND), (Plan::Refuse, false)),
            (Some(24 * HOUR), None, (Plan::Fetch, true)),
        ] {
            assert_eq!(at(fetched, tried), expected, "fetched {fetched:?} and tried {tried:?} ms ago");
        }
    }

    /// A clock that was ahead.
    #[test]
    fn times_in_the_future_neither_keep_a_set_for_ever_nor_forbid_a_try() {
        for (fetched, tried, expected) in [
            (Some(-SECOND), Some(-SECOND), (Plan::Use, false)),
            (Some(-HOUR), Some(-HOUR), (Plan::Refresh, true)),
            (Some(-25 * HOUR), Some(-25 * HOUR), (Plan::Fetch, true)),
        ] {
            assert_eq!(at(fetched, tried), expected, "{fetched:?} {tried:?}");
        }
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert_eq!(Held::default().fetched(last).plan(first), Plan::Fetch);
    }

    #[test]
    fn a_try_that_fails_keeps_what_is_held() {
        let start = Timestamp::from_millis(0);
        let held = Held::default().tried(start).fetched(start);
        let later = start.plus_millis(11 * MINUTE);
        assert_eq!(held.plan(later), Plan::Refresh);
        let failed = held.tried(later);
        assert_eq!(failed.plan(later), Plan::Use);
        assert_eq!(failed.plan(later.plus_millis(30 * SECOND)), Plan::Refresh);
        assert_eq!(failed.fetched_at, Some(start));
    }

    /// A thousand requests a second that name unknown keys, for an hour, while the issuer does not answer.
    #[test]
    fn no_crowd_of_unknown_keys_fetches_more_often_than_every_half_minute() {
        let mut held = Held::default().fetched(Timestamp::from_millis(0));
        let mut tries = Vec::new();
        for now in (0..HOUR).map(Timestamp::from_millis) {
            if held.plan(now) == Plan::Refresh || held.fetches_for_new_key(now) {
                held = held.tried(now);
                tries.push(now);
            }
        }
        assert_eq!(tries.len(), 119);
    }
}
