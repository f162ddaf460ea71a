//! The host's clock and randomness.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use perennial_domain::{Ids, Timestamp};
use uuid::{ContextV7, Uuid};

/// What time it was by the clock that is gone by when it told that.
static TOLD: Mutex<Option<(Timestamp, Instant)>> = Mutex::new(None);

/// The time: by the host's clock, or by that of the database once it has told it.
pub fn now() -> Timestamp {
    let told = *TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((time, at)) = told else { return by_the_host() };
    time.plus_millis(i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX))
}

/// Goes by another clock from now on, which says that it is this time. What one replica sets, the others fire, deliver and forget: where
/// each went by the clock of its own machine, one that is wrong would have a reminder missed, or a delivery wait for hours. How much time
/// has passed since is told by a clock that does not jump: one that is set right while a sweep is under way changes nothing.
pub fn go_by(time: Timestamp) {
    *TOLD.lock().unwrap_or_else(PoisonError::into_inner) = Some((time, Instant::now()));
}

fn by_the_host() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// UUIDs of version 7 whose time goes down to a quarter of a microsecond (RFC 9562, 6.2, method 3), then counted: each request is answered
/// by a guest of its own, and what one after the other made within a millisecond is listed in that order.
#[derive(Debug)]
pub struct FreshIds(ContextV7);

impl Default for FreshIds {
    fn default() -> Self {
        Self(ContextV7::new().with_additional_precision())
    }
}

impl Ids for FreshIds {
    fn next(&mut self) -> Uuid {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(&self.0, since_epoch.as_secs(), since_epoch.subsec_nanos()))
    }
}

/// A number below `bound`, by chance: for jitter, of which nothing but fairness depends. Where the host has no randomness it is 0.
pub fn draw(bound: u64) -> u64 {
    getrandom::u64().unwrap_or_default().checked_rem(bound).unwrap_or_default()
}

/// A secret of 256 random bits behind a prefix that says what it is: `prn_…` in base64url, `whsec_…` in base64 as Standard
/// Webhooks 1.0 wants it.
pub fn random_secret(prefix: &str) -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let text = if prefix == "whsec_" { STANDARD.encode(bytes) } else { URL_SAFE_NO_PAD.encode(bytes) };
    Ok(format!("{prefix}{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_clock_is_gone_by_once_it_has_told_its_time() {
        let before = now();
        go_by(before.plus_millis(-86_400_000));
        let by_another = now();
        go_by(by_the_host());
        assert!((-86_400_000..-86_390_000).contains(&(by_another.as_millis() - before.as_millis())));
        assert!((0..10_000).contains(&(now().as_millis() - before.as_millis())));
    }

    #[test]
    fn what_is_made_later_in_one_millisecond_by_another_guest_comes_after() {
        let drawn: Vec<(Uuid, Uuid)> = (0..1_000)
            .map(|_| {
                let mut guest = FreshIds::default();
                let ids = (guest.next(), guest.next());
                std::thread::sleep(std::time::Duration::from_micros(1));
                ids
            })
            .collect();
        let in_turn: Vec<Uuid> = drawn.iter().flat_map(|(first, second)| [*first, *second]).collect();
        assert!(in_turn.is_sorted_by(|before, after| before < after));
    }

    #[test]
    fn what_is_drawn_is_below_its_bound_and_not_always_the_same() {
        let drawn: Vec<u64> = (0..1_000).map(|_| draw(10)).collect();
        assert!(drawn.iter().all(|number| *number < 10));
        assert!((0..10).all(|number| drawn.contains(&number)));
        assert_eq!([draw(1), draw(0)], [0, 0]);
    }
}
