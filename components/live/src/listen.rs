//! Being counted among who follows a user's events, and beginning to follow them.

use perennial_domain::{Timestamp, UserId};
use perennial_events::EventPlace;
use perennial_http_api::{MAX_STREAMS, Problem};
use perennial_store::Store;

use crate::{Follower, Look};

/// How long one counts whose end is not seen, in milliseconds: longer than it can last.
const COUNTS: i64 = 60_000;

/// When who has too many is to try again, in seconds.
const AGAIN: u32 = 10;

/// Begins a stream of that name right after a place, or at the end. One that does not begin does not count.
///
/// # Errors
/// When the user has as many as one may, and when the store fails.
pub fn listen<'s, S: Store>(
    store: &'s S,
    user: &UserId,
    id: &str,
    after: Option<EventPlace>,
    now: Timestamp,
) -> Result<(Follower<'s, S>, Look), Problem> {
    if !store.begin_listening(user, id, (now, now.plus_millis(COUNTS)), MAX_STREAMS)? {
        return Err(Problem::too_many_streams(AGAIN));
    }
    Follower::begin(store, user.clone(), after).map_err(|error| {
        // Where that fails too, it counts for a minute; what is told is why it did not begin.
        let _ = store.end_listening(user, id);
        error.into()
    })
}
