//! What a stream does and when: it sends, looks for changes, asks whether it still may, and ends.

use std::time::Duration;

use bytes::Bytes;
use rmcp::model::SubscriptionFilter;

use crate::{Change, Next, Server, Stream};

/// How long a listener's stream lasts, in milliseconds: shorter than what hosts and proxies allow. A client listens anew.
pub const LASTS: u64 = 230_000;

/// How long the end of a stream may take.
const LAST_WORDS: u64 = 5_000;

/// How often it is asked whether the token is still valid: so long, and a pause, a revoked one listens on at most.
const ASKS: u64 = 5_000;

/// The shortest pause between two looks that found nothing, and the longest.
const PAUSES: [u64; 2] = [250, 1_000];

/// How long the protocol may take for what is ready.
const READY: Duration = Duration::from_millis(2);

/// What a stream has to do with but the protocol.
#[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
pub trait Outside {
    /// Milliseconds since the stream began, by a clock that only goes forward.
    fn elapsed(&self) -> u64;
    /// Whether the client is there, as far as is known.
    fn is_read(&self) -> bool;
    /// Hands bytes to the client; `false` where it has left, or does not take them within that many milliseconds.
    async fn send(&self, bytes: Bytes, within: u64) -> bool;
    /// Waits.
    async fn pause(&self, millis: u64);
    /// Whether the token still allows to listen.
    async fn may_read(&self) -> bool;
}

/// Where changes come from.
pub trait Feed {
    /// What keeps it from looking.
    type Error;

    /// What has changed since it looked last, of what is listened for, and whether there is more already.
    ///
    /// # Errors
    /// Where nobody can tell: the client listens anew.
    fn look(&mut self, listened_for: &SubscriptionFilter) -> Result<(Vec<Change>, bool), Self::Error>;
}

/// Why a stream has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All of it was sent.
    Over,
    /// The client has left, or takes nothing.
    Left,
}

/// Sends a stream to its end.
///
/// # Errors
/// When the feed cannot be read: the client listens anew.
pub async fn tell<F: Feed>(
    mut stream: Box<Stream>,
    server: &mut impl Server,
    feed: &mut F,
    outside: &impl Outside,
) -> Result<End, F::Error> {
    let [shortest, longest] = PAUSES;
    let (mut asked, mut pause) = (0_u64, shortest);
    loop {
        loop {
            let left = LASTS.saturating_add(LAST_WORDS).saturating_sub(outside.elapsed());
            match stream.next(READY, server).await {
                Next::Frame(bytes) => {
                    if !outside.send(bytes, left).await {
                        return Ok(End::Left);
                    }
                }
                Next::Over => return Ok(End::Over),
                Next::Quiet => break,
            }
        }
        let elapsed = outside.elapsed();
        if !outside.is_read() || elapsed >= LASTS.saturating_add(LAST_WORDS) {
            return Ok(End::Left);
        }
        if elapsed.saturating_sub(asked) >= ASKS {
            if !outside.may_read().await {
                stream.close();
            }
            asked = outside.elapsed();
        }
        if elapsed >= LASTS {
            stream.close();
        }
        // A call tells of its progress and ends by itself; a listener who is being let go has last words.
        let Some(listened_for) = stream.listens_for() else { continue };
        let (changes, more) = feed.look(listened_for)?;
        let is_quiet = changes.is_empty() && !more;
        changes.into_iter().for_each(|change| stream.tell(change));
        if is_quiet {
            outside.pause(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        } else {
            pause = shortest;
        }
    }
}
