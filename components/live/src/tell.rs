//! What a stream does and when: it looks, tells, keeps the connection open, asks whether it still may, and ends.

use perennial_store::{Store, StoreError};

use crate::{Follower, Look, frame};

/// How long a stream lasts, in milliseconds. A host may count on guests that end, and a client comes again at once.
pub const LASTS: u64 = 55_000;

/// How long nothing is sent at most.
const BEAT: u64 = 15_000;

/// How often it is asked whether the token is still valid: so long, and a pause, a revoked one reads on at most.
const ASKS: u64 = 5_000;

/// The shortest pause between two looks that found nothing, and the longest.
const PAUSES: [u64; 2] = [250, 1_000];

/// By how much a pause may be longer than the shortest, right after something was found.
const SOON: u64 = 150;

/// How long a client that was cut off waits, and by how much longer it may, so that not all come at once.
const RETRY: [u64; 2] = [1_000, 1_000];

/// What a stream has to do with but the store.
#[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
pub trait Outside {
    /// Milliseconds since the stream began, by a clock that only goes forward.
    fn elapsed(&self) -> u64;
    /// A number below a bound, by chance.
    fn draw(&self, bound: u64) -> u64;
    /// Whether the client is there, as far as is known.
    fn is_read(&self) -> bool;
    /// Hands text to the client; `false` where it has left, or does not take it within that many milliseconds.
    async fn send(&self, text: String, within: u64) -> bool;
    /// Waits.
    async fn pause(&self, millis: u64);
    /// Whether the token still allows to read.
    async fn may_read(&self) -> bool;
}

/// Why a stream has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has lasted as long as any.
    Over,
    /// The client has left, or takes nothing.
    Left,
    /// The token is valid no longer, or nobody can say so.
    Refused,
}

/// Tells the client what was found first, and then what happens, until the stream ends.
///
/// # Errors
/// When the store cannot be read: the client comes again.
pub async fn tell<S: Store>(
    follower: &mut Follower<'_, S>,
    first: Look,
    outside: &impl Outside,
) -> Result<End, StoreError> {
    let [retry, jitter] = RETRY;
    let mut look = first;
    look.text.insert_str(0, &frame::retry(retry.saturating_add(outside.draw(jitter))));
    let (mut told, mut asked, mut longer) = (0_u64, 0_u64, SOON);
    loop {
        let left = LASTS.saturating_sub(outside.elapsed());
        if left == 0 {
            outside.send(frame::comment("the end: connect again"), BEAT).await;
            return Ok(End::Over);
        }
        let is_quiet = look.text.is_empty();
        if is_quiet && outside.elapsed().saturating_sub(told) >= BEAT {
            look.text = frame::comment("nothing new");
        }
        if !look.text.is_empty() {
            if !outside.send(look.text, left).await {
                return Ok(End::Left);
            }
            told = outside.elapsed();
        }
        if !look.more {
            let [shortest, longest] = PAUSES;
            longer =
                if is_quiet { longer.saturating_mul(2).min(longest.saturating_sub(shortest)) } else { SOON };
            outside.pause(shortest.saturating_add(outside.draw(longer))).await;
        }
        if !outside.is_read() {
            return Ok(End::Left);
        }
        if outside.elapsed().saturating_sub(asked) >= ASKS {
            if !outside.may_read().await {
                outside.send(frame::comment("your token could not be confirmed"), BEAT).await;
                return Ok(End::Refused);
            }
            asked = outside.elapsed();
        }
        look = follower.look()?;
    }
}
