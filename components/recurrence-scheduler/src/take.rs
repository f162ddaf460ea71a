//! Messages that a bus delivers: each is applied, becomes a dead letter where it never can be, or is to come again.

use perennial_domain::{Commit, Ids, Timestamp};
use perennial_events::{CloudEvent, given_up_by_broker, hearing, unusable};
use perennial_store::{Keeping, Letter, LetterStore, OwnLease, Store, StoreError, SystemStore};

use crate::{CONSUMER, HandleError, Handled, TOPIC, fill_gaps, handle_event};

/// What became of messages.
#[derive(Debug, Default)]
pub struct Taken {
    /// Of each message, in order, whether it is done with. What is not is to come again.
    pub done: Vec<bool>,
    /// Of each message of this consumer's topic, whether its effect was written now, and that it was. What came to nothing, what is
    /// no event and what was given up was not applied.
    pub applied: Vec<bool>,
    /// What was written, and whose events are ours to publish.
    pub written: Vec<(Box<Commit>, Option<OwnLease>)>,
    /// What was given up, one line each.
    pub given_up: Vec<String>,
    /// What is to come again, one line each.
    pub failures: Vec<String>,
}

/// Whether a message is an event that comes to nothing here, so that nobody need open the store for it.
pub fn comes_to_nothing(message: &[u8]) -> bool {
    CloudEvent::parse(message).is_ok_and(|event| hearing(TOPIC, &event.kind).next().is_none())
}

/// Applies messages of this consumer's topic, each by itself. Those that can never be applied become dead letters, in one
/// statement, and are done with.
pub fn take<S: Store + SystemStore>(
    store: &S,
    messages: &[&[u8]],
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Taken {
    let mut taken = Taken::default();
    let (mut letters, mut repeated) = (Vec::new(), Vec::new());
    for (index, message) in messages.iter().enumerate() {
        let mut give_up = |reason: String| {
            letters.push((index, unusable(TOPIC, CONSUMER, message, &reason)));
            true
        };
        let event = match CloudEvent::parse(message) {
            Ok(event) => event,
            Err(error) => {
                taken.done.push(give_up(error.to_string()));
                taken.applied.push(false);
                continue;
            }
        };
        let handled = handle_event(store, &event, now, ids);
        taken.applied.push(matches!(handled, Ok(Handled::Now(..))));
        let done = match handled {
            Ok(Handled::Now(commit, own)) => {
                taken.written.push((commit, own));
                true
            }
            Ok(Handled::Before) => {
                if hearing(TOPIC, &event.kind).next().is_some() {
                    repeated.push(event.id.clone());
                }
                true
            }
            Err(error @ HandleError::Unusable { .. }) => give_up(error.to_string()),
            // Nobody can read what it is about, however often it comes.
            Err(HandleError::Store(error @ StoreError::Corrupt(_))) => give_up(error.to_string()),
            Err(HandleError::Store(error)) => {
                taken.failures.push(error.to_string());
                false
            }
            // The list of work says what becomes of it.
            Err(error @ HandleError::Succession(_)) => {
                taken.given_up.push(error.to_string());
                true
            }
        };
        taken.done.push(done);
        if done {
            fill(store, &event, now, ids, &mut taken);
        }
    }
    // Only a figure hangs on it.
    if let Err(error) = store.count_repeated(CONSUMER, &repeated) {
        taken.failures.push(error.to_string());
    }
    let (places, letters): (Vec<usize>, Vec<Letter>) = letters.into_iter().unzip();
    if let Err(error) = keep(store, &letters, now, &mut taken) {
        taken.failures.push(error.to_string());
        for place in places {
            if let Some(done) = taken.done.get_mut(place) {
                *done = false;
            }
        }
    }
    taken
}

/// Keeps messages of a topic that a broker has given up to deliver, in one statement: all are done with, or none.
pub fn take_given_up<S: LetterStore>(store: &S, topic: &str, messages: &[&[u8]], now: Timestamp) -> Taken {
    let mut taken = Taken::default();
    let letters: Vec<Letter> = messages.iter().map(|message| given_up_by_broker(topic, message)).collect();
    let kept = keep(store, &letters, now, &mut taken);
    taken.failures.extend(kept.as_ref().err().map(ToString::to_string));
    taken.done = vec![kept.is_ok(); messages.len()];
    taken
}

/// Plans what else its user is owed, where events that came before it may be missing.
fn fill<S: Store + SystemStore>(
    store: &S,
    event: &CloudEvent,
    now: Timestamp,
    ids: &mut dyn Ids,
    taken: &mut Taken,
) {
    match fill_gaps(store, event, now, ids) {
        Ok(filled) => taken.written.extend(filled.into_iter().filter_map(|handled| match handled {
            Handled::Now(commit, own) => Some((commit, own)),
            Handled::Before => None,
        })),
        // Its own effect is written; what else is owed waits for the next event or sweep.
        Err(error) => taken.failures.push(error.to_string()),
    }
}

fn keep(
    store: &impl LetterStore,
    letters: &[Letter],
    now: Timestamp,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let kept = store.keep_letters(letters, now)?;
    for (letter, kept) in letters.iter().zip(kept) {
        let became = match kept {
            Keeping::Kept => "",
            // A copy of what is done with.
            Keeping::Applied => continue,
            Keeping::Deleted => " (of a user who was deleted: not kept)",
            Keeping::NoRoom => " (nobody's, of which too many are open: not kept)",
        };
        let Letter { event_id, topic, error, .. } = letter;
        taken.given_up.push(format!("event {event_id} of {topic}: {error}{became}"));
    }
    Ok(())
}
