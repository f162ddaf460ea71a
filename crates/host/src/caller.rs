//! Who asks, as far as a host can tell.
//!
//! One who asks for much at once must not stop the others. Whose a token is only the application knows; that two requests bear the same
//! one, the host sees. So what one caller may have at a time is a share of what there is. It helps against a client that asks without measure;
//! who has many tokens has as many shares, up to what the application lets one user have.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::Semaphore;

/// A caller: whoever authenticates themselves with the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Caller(u64);

impl Caller {
    /// `None`: a request without a token. How a scheme is written makes no other caller (RFC 9110, 11.1).
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        // Nobody can find words that count as another's.
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let text = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
        let (scheme, token) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        Some(Self(KEY.hash_one((scheme.to_ascii_lowercase(), token.trim()))))
    }
}

/// What each caller may have at a time.
pub(crate) struct Shares {
    each: usize,
    shares: Mutex<BTreeMap<Caller, Weak<Semaphore>>>,
}

impl Shares {
    /// So many for each, and one at least.
    pub fn new(each: usize) -> Self {
        Self { each: each.max(1), shares: Mutex::default() }
    }

    /// A caller's share. It is kept for as long as somebody has a part of it or waits for one.
    pub fn share(&self, caller: Caller) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&caller).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(Semaphore::new(self.each));
        shares.insert(caller, Arc::downgrade(&share));
        // Looked through each time that it could have doubled.
        if shares.len().is_power_of_two() {
            shares.retain(|_, share| share.strong_count() > 0);
        }
        share
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn caller(token: &str) -> Option<Caller> {
        Caller::of(&HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(token).unwrap())]))
    }

    #[test]
    fn who_bears_the_same_token_is_the_same() {
        assert_eq!(caller("Bearer one"), caller("Bearer one"));
        assert_eq!(caller("Bearer one"), caller(" bEARER   one "));
        assert_ne!(caller("Bearer one"), caller("Bearer two"));
        assert_eq!(Caller::of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_share_is_one_for_all_who_have_a_part_and_nothing_once_nobody_has() {
        let shares = Shares::new(8);
        let first = shares.share(Caller(1));
        let held = first.clone().try_acquire_many_owned(8).unwrap();
        assert!(shares.share(Caller(1)).try_acquire().is_err());
        assert!(shares.share(Caller(2)).try_acquire().is_ok());
        drop((first, held));
        assert!(shares.share(Caller(1)).try_acquire().is_ok());
        for number in 0..10_000 {
            let _ = shares.share(Caller(number));
        }
        assert!(shares.shares.lock().unwrap().len() < 10);
        assert!(Shares::new(0).share(Caller(1)).try_acquire().is_ok());
    }
}
