//! The relay: publishes what waits in the outbox, stream by stream, in order.
//!
//! A lease keeps two relays from one stream, and a fence keeps one that was overtaken from marking. An event may be
//! published twice (a cut between publishing and marking), never skipped; one that can never be published, or that is not taken
//! however often it is tried, is kept as a dead letter, and the stream goes on. A stream that fails waits for its next turn and
//! holds up no other.

use std::collections::BTreeSet;

use perennial_domain::{Commit, ErrorClass, StreamId, Timestamp};
use perennial_store::{DeadLetter, Lease, Mark, OutboxStore, OwnLease, Shard, StoreError, WaitingEvent};
use thiserror::Error;

use crate::lanes::Laned;
use crate::letter::{reason_of, text};
use crate::{Bus, BusError, Fault, Message};

/// How long the lease that a commit takes for its own events holds, in milliseconds: short, so that a kill delays little.
pub const OWN_LEASE: i64 = 2_000;

/// How long the lease of a relay holds, in milliseconds: longer than a slice takes, publishing included. After a kill, a stream waits for
/// as long.
const LEASE: i64 = 10_000;

/// Milliseconds after the time of the lease, past which no further batch of a slice is begun. A batch may take as long as the longest patience
/// of a bus: some six seconds.
const SLICE_TIME: i64 = 2_500;

/// Events of one stream published under one lease.
const SLICE: u32 = 100;

/// Slices of one stream in one go, and the milliseconds after which no further one is begun: those who write to it meanwhile leave
/// it to whoever relays.
const SLICES: u32 = 100;
const SLICES_TIME: i64 = 20_000;

/// Rounds in one go, in each of which every stream has a slice; and the milliseconds after which no further one is begun.
const ROUNDS: u32 = 50;
const ROUNDS_TIME: i64 = 500;

/// The longest pause of a stream that fails, in milliseconds.
const LONGEST_PAUSE: i64 = 15_000;

/// How often whoever takes an event fails at it before it is a dead letter: a minute and a half, with the pauses between.
const REFUSALS: i64 = 10;

/// How often a bus fails at an event, while it takes others of its type on its topic, before that is a dead letter: some 25 minutes. A
/// part of a broker may be away for long.
const FAILURES: i64 = 100;

/// How many users who go on writing are waited for in one slice, while what is of them is kept: two and a half seconds each.
const WAITED_FOR: usize = 2;

/// Why a relay stopped early. What waits goes on waiting for the next.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Publishes what a commit has written: under the lease that it took, or with what waited before it, unless somebody relays that
/// already. So what a relay has left when its time was over goes out with the next commit of its stream, clock or not.
pub async fn relay_commit(
    store: &impl OutboxStore,
    bus: &impl Bus,
    commit: &Commit,
    own: Option<&OwnLease>,
    now: &impl Fn() -> Timestamp,
) -> Result<u32, RelayError> {
    match own {
        Some(own) => relay_own(store, bus, commit, own, now).await,
        None => relay_stream(store, bus, &commit.stream, now).await,
    }
}

/// Publishes the events of a commit under the lease that it took, without reading them again; then what others have added.
pub async fn relay_own(
    store: &impl OutboxStore,
    bus: &impl Bus,
    commit: &Commit,
    own: &OwnLease,
    now: &impl Fn() -> Timestamp,
) -> Result<u32, RelayError> {
    let leases = std::slice::from_ref(&own.lease);
    let slice = publish(store, bus, (leases, commit.at), own.events(commit), now).await?;
    let mut published = slice.published;
    if !slice.more.is_empty() {
        published = published.saturating_add(relay_stream(store, bus, &own.lease.stream, now).await?);
    }
    slice.failure.map_or(Ok(published), |error| Err(error.into()))
}

/// Publishes what waits in one stream; gives the number of events published. `now` gives the time anew at each slice.
pub async fn relay_stream(
    store: &impl OutboxStore,
    bus: &impl Bus,
    stream: &StreamId,
    now: &impl Fn() -> Timestamp,
) -> Result<u32, RelayError> {
    let mut published: u32 = 0;
    let end = now().plus_millis(SLICES_TIME);
    for _ in 0..SLICES {
        let at = now();
        let Some(lease) = store.lease_stream(stream, at, LEASE)? else { break };
        let leases = [lease];
        let events = store.waiting_events(&leases, SLICE)?;
        let slice = publish(store, bus, (&leases, at), events, now).await?;
        published = published.saturating_add(slice.published);
        if let Some(error) = slice.failure {
            return Err(error.into());
        }
        if slice.more.is_empty() || now() >= end {
            break;
        }
    }
    Ok(published)
}

/// What relaying many streams came to.
#[derive(Debug, Default)]
pub struct Relayed {
    /// Events published.
    pub published: u32,
    /// What failed, one line each; those streams have their next turn after a pause.
    pub failures: Vec<String>,
}

/// Publishes a slice of each of up to `streams` streams, those first that have waited longest, round after round while more waits
/// and half a second has not passed: a stream that fills faster than a slice a second is kept up with too.
pub async fn relay_all(
    store: &impl OutboxStore,
    bus: &impl Bus,
    streams: u32,
    now: &impl Fn() -> Timestamp,
) -> Result<Relayed, StoreError> {
    relay_shard(store, bus, (streams, None), now).await
}

/// The same of the streams of one shard, or of all.
pub async fn relay_shard(
    store: &impl OutboxStore,
    bus: &impl Bus,
    (streams, shard): (u32, Option<Shard>),
    now: &impl Fn() -> Timestamp,
) -> Result<Relayed, StoreError> {
    let mut relayed = Relayed::default();
    let end = now().plus_millis(ROUNDS_TIME);
    for _ in 0..ROUNDS {
        let at = now();
        let leases = store.lease_streams(at, LEASE, streams, shard)?;
        if leases.is_empty() {
            break;
        }
        let events = store.waiting_events(&leases, SLICE)?;
        let slice = publish(store, bus, (&leases, at), events, now).await?;
        relayed.published = relayed.published.saturating_add(slice.published);
        relayed.failures.extend(slice.failures);
        if slice.more.is_empty() || slice.failure.is_some() || now() >= end {
            break;
        }
    }
    Ok(relayed)
}

/// What one slice came to.
#[derive(Default)]
struct Slice {
    published: u32,
    more: Vec<StreamId>,
    failure: Option<BusError>,
    failures: Vec<String>,
}

/// An event that a bus has failed at so often that it may be the event's fault, and the place of its stream's mark.
struct Suspect {
    mark: usize,
    /// Its topic and type.
    sort: (String, String),
    letter: DeadLetter,
}

/// Publishes the events that wait in streams that were leased at a time, and gives all leases back in one statement. Where that time is
/// long past, as behind a lock of the store, they are given back at once.
async fn publish(
    store: &impl OutboxStore,
    bus: &impl Bus,
    (leases, leased_at): (&[Lease], Timestamp),
    events: Vec<WaitingEvent>,
    now: &impl Fn() -> Timestamp,
) -> Result<Slice, StoreError> {
    let mut slice = Slice::default();
    let mut laned = Laned::of(store, leases)?;
    let (mut marks, mut letters) = (Vec::with_capacity(leases.len()), Vec::new());
    let (mut suspects, mut taken_sorts) = (Vec::<Suspect>::new(), BTreeSet::new());
    let last = leased_at.plus_millis(SLICE_TIME);
    let mut events = events.into_iter().peekable();
    let mut bus_is_down = false;
    for lease in leases {
        let mut sequences = Vec::new();
        let mut batch = Vec::new();
        while let Some(event) = events.next_if(|event| event.stream == lease.stream) {
            sequences.push(event.sequence);
            batch.push(Message { topic: event.topic.clone(), event: event.into() });
        }
        laned.split(&lease.stream, &sequences, &mut batch);
        let mut mark = Mark { lease: lease.clone(), up_to: lease.published, pause: None, refused: false };
        // How often the event that comes next has failed.
        let (mut tries, mut refusals) = (lease.tries, lease.refusals);
        let mut begin: usize = 0;
        while begin < batch.len() && !bus_is_down && now() < last {
            let fit = batch.get(begin..).unwrap_or_default();
            let readable = fit.iter().take_while(|message| message.event.data.is_object()).count();
            let (taken, failure) = match fit.get(..readable) {
                Some(fit) if readable > 0 => bus.publish(fit).await,
                _ => (0, Some(unreadable())),
            };
            slice.published = slice.published.saturating_add(u32::try_from(taken).unwrap_or(u32::MAX));
            taken_sorts.extend(fit.iter().take(taken).map(sort));
            begin = begin.saturating_add(taken);
            if let Some(sequence) = begin.checked_sub(1).and_then(|last| sequences.get(last)) {
                mark.up_to = mark.up_to.max(*sequence);
            }
            if taken > 0 {
                (tries, refusals) = (0, 0);
            }
            let Some(error) = failure else {
                if taken == 0 {
                    break;
                }
                continue;
            };
            slice.failures.push(format!("stream {}: {error}", lease.stream));
            let (Some(message), Some(sequence)) = (batch.get(begin), sequences.get(begin)) else { break };
            let letter = |class| DeadLetter {
                stream: lease.stream.clone(),
                fence: lease.fence,
                sequence: *sequence,
                published_in: message.event.stream.clone(),
                event: serde_json::to_vec(&message.event).map(|event| text(&event)).unwrap_or_default(),
                reason: reason_of(&error.reason),
                class,
            };
            match error.fault {
                Fault::Event => letters.push(letter(ErrorClass::Permanent)),
                Fault::Stream if refusals.saturating_add(1) >= REFUSALS => {
                    letters.push(letter(ErrorClass::Transient));
                }
                fault => {
                    let suspected = fault == Fault::Bus && tries >= FAILURES;
                    // One more is asked whether it is the bus.
                    bus_is_down = fault == Fault::Bus && !(suspected && suspects.is_empty());
                    if suspected {
                        let letter = letter(ErrorClass::Transient);
                        suspects.push(Suspect { mark: marks.len(), sort: sort(message), letter });
                    }
                    mark.refused = fault == Fault::Stream;
                    mark.pause = Some(pause(tries, LONGEST_PAUSE));
                    slice.failure = Some(error);
                    break;
                }
            }
            mark.up_to = *sequence;
            (tries, refusals) = (0, 0);
            begin = begin.saturating_add(1);
        }
        marks.push(mark);
    }
    // The bus takes what is like it of other streams: it is the event.
    for Suspect { mark, letter, .. } in
        suspects.into_iter().filter(|suspect| taken_sorts.contains(&suspect.sort))
    {
        if let Some(mark) = marks.get_mut(mark) {
            (mark.up_to, mark.pause) = (letter.sequence, None);
            letters.push(letter);
        }
    }
    // What could not be kept now must not be marked: its stream has another turn once its lease has ended.
    letters.sort_by(|a, b| a.stream.as_str().cmp(b.stream.as_str()));
    let left = keep_each(&letters, |letter| &letter.stream, |letters| store.bury(letters, now()))?;
    marks.retain(|mark| !left.contains(&mark.lease.stream));
    let left = keep_each(&laned.ends(&marks), |end| &end.stream, |ends| store.note_lanes(ends))?;
    marks.retain(|mark| !left.contains(&mark.lease.stream));
    // Gives the leases back even where nothing was published. What was written meanwhile is found by the next round.
    slice.more = store.mark_published(&marks, now())?;
    Ok(slice)
}

/// Keeps what is of each stream by itself: none is locked while another, whose user goes on writing, is waited for. What is of one stream comes
/// together. Gives the streams of which it could not be kept; once there are [`WAITED_FOR`] the rest is left too.
fn keep_each<T>(
    items: &[T],
    stream: impl Fn(&T) -> &StreamId,
    mut keep: impl FnMut(&[T]) -> Result<(), StoreError>,
) -> Result<Vec<StreamId>, StoreError> {
    let (mut left, mut waited_for) = (Vec::new(), 0);
    for of_one in items.chunk_by(|a, b| stream(a) == stream(b)) {
        let kept = if waited_for < WAITED_FOR { keep(of_one) } else { Err(StoreError::Busy(String::new())) };
        match kept {
            Err(StoreError::Busy(_)) => {
                waited_for = waited_for.saturating_add(1);
                left.extend(of_one.first().map(|item| stream(item).clone()));
            }
            kept => kept?,
        }
    }
    Ok(left)
}

/// What says whether events are taken alike: topic and type.
fn sort(message: &Message) -> (String, String) {
    (message.topic.clone(), message.event.kind.clone())
}

/// What becomes of an event that the store cannot read.
fn unreadable() -> BusError {
    BusError { bus: "outbox", reason: "its data cannot be read".to_owned(), fault: Fault::Event }
}

/// Milliseconds until the next turn of a stream that failed so often before: a second, doubled each time up to the longest.
pub(crate) fn pause(tries: i64, longest: i64) -> i64 {
    let doublings = u32::try_from(tries.clamp(0, 10)).unwrap_or(10);
    1_000_i64.saturating_mul(1_i64.checked_shl(doublings).unwrap_or(i64::MAX)).min(longest)
}
