//! Dead letters that are sent again: each under its own id, in the order of their streams, a hundred a second.
//!
//! One relay at a time does it, under a lease with a fence. Cut off between sending and saying so, it is done once more: the
//! consumer knows the event. Streams have turns: a long list of one keeps no other back, and where a letter is not taken its stream
//! waits, and no other. A letter leaves this list whatever happens: it was sent, or it is open again with its reason, at once where
//! it can never be taken, after eight tries where its handler fails or the bus is away.

use perennial_domain::{LetterStatus, Timestamp};
use perennial_store::{LetterStore, Replay, Replayed, StoreError, Turn};

use crate::letter::reason_of;
use crate::relay::pause;
use crate::{Bus, CloudEvent, Fault, Message};

/// Letters sent in one go, and the milliseconds in which it may not be begun again.
const SLICE: u32 = 100;
const TURN: i64 = 1_000;

/// How long the lease holds, in milliseconds: longer than a slice takes.
const LEASE: i64 = 30_000;

/// Milliseconds after which no further letter of a slice is begun.
const SLICE_TIME: i64 = 10_000;

/// How often a letter is not taken before it is open again.
const TRIES: i64 = 8;

/// The pause of all streams where the bus is away, and the longest of a stream whose letter is not taken, in milliseconds.
const PAUSE: i64 = 10_000;
const LONGEST_PAUSE: i64 = 60_000;

/// What sending letters again came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resent {
    /// Letters sent.
    pub sent: u32,
    /// What failed, one line each.
    pub failures: Vec<String>,
}

/// Sends a slice of the letters that are to be sent again.
pub async fn replay_letters(
    store: &impl LetterStore,
    bus: &impl Bus,
    now: &impl Fn() -> Timestamp,
) -> Result<Resent, StoreError> {
    let mut resent = Resent::default();
    let began = now();
    let Some(replays) = store.take_replays(began, LEASE, SLICE)? else { return Ok(resent) };
    let (last, mut until) = (began.plus_millis(SLICE_TIME), began.plus_millis(TURN));
    let mut replayed = Vec::with_capacity(replays.letters.len());
    let mut turns: Vec<Turn> = Vec::new();
    for letter in replays.letters {
        if now() >= last {
            break;
        }
        let turn = match turns.pop() {
            Some(turn) if turn.stream == letter.stream => turn,
            other => {
                turns.extend(other);
                Turn { stream: letter.stream.clone(), pause: 0 }
            }
        };
        // Those behind one that was not taken wait for it.
        if turn.pause > 0 {
            turns.push(turn);
            continue;
        }
        let (place, id, tries) = (letter.place, letter.id.clone(), letter.replay_tries.saturating_add(1));
        let Err((fault, error)) = send(bus, letter).await else {
            resent.sent = resent.sent.saturating_add(1);
            replayed.push(Replayed { place, status: LetterStatus::Replayed, tries: 0, error: None });
            turns.push(turn);
            continue;
        };
        let error = reason_of(&error);
        resent.failures.push(format!("dead letter {id}: {error}"));
        let waits = fault != Fault::Event && tries < TRIES;
        let status = if waits { LetterStatus::Replaying } else { LetterStatus::Open };
        replayed.push(Replayed { place, status, tries, error: Some(error) });
        turns.push(Turn { pause: if waits { pause(tries, LONGEST_PAUSE) } else { 0 }, ..turn });
        if fault == Fault::Bus {
            until = now().plus_millis(PAUSE);
            break;
        }
    }
    store.settle_replays(replays.fence, (&replayed, &turns), until, now())?;
    Ok(resent)
}

/// Sends one: as its stream has it, while that is kept, or else as it was received; in the lane that it was in.
async fn send(bus: &impl Bus, letter: Replay) -> Result<(), (Fault, String)> {
    let received = CloudEvent::parse(letter.event.as_bytes());
    let event = match (letter.waiting, received) {
        (Some(waiting), Ok(received)) => CloudEvent::from(waiting).where_received(&received),
        (Some(waiting), Err(_)) => CloudEvent::from(waiting),
        (None, received) => received.map_err(|error| (Fault::Event, error.to_string()))?,
    };
    if !event.data.is_object() {
        return Err((Fault::Event, "its data cannot be read".to_owned()));
    }
    let message = [Message { topic: letter.topic, event }];
    match bus.publish(&message).await {
        (1.., _) => Ok(()),
        (_, Some(error)) => Err((error.fault, error.to_string())),
        (_, None) => Err((Fault::Bus, "the bus took nothing".to_owned())),
    }
}
