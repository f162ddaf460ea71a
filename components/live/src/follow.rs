//! Where a stream is in its user's events, and what comes next.

use perennial_domain::UserId;
use perennial_events::{CloudEvent, EventPlace};
use perennial_store::{EventPage, Store, StoreError};
use serde_json::json;

use crate::frame;

/// Events that are read at once.
const PAGE: u32 = 100;

/// Who follows a user's events.
pub struct Follower<'s, S> {
    store: &'s S,
    user: UserId,
    place: EventPlace,
}

/// What one look at the events has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What the client is told of it; empty where there is nothing.
    pub text: String,
    /// Whether there is more already.
    pub more: bool,
}

/// Why a place cannot be gone on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// It is of another history of the store: before a restore, or beyond its end.
    Restored,
    /// What came right after it is kept no longer.
    Forgotten,
}

impl<'s, S: Store> Follower<'s, S> {
    /// Begins right after a place, or, without one, at the end: with what is found first.
    pub fn begin(store: &'s S, user: UserId, after: Option<EventPlace>) -> Result<(Self, Look), StoreError> {
        if let Some(place) = after {
            let mut follower = Self { store, user, place };
            let look = follower.look()?;
            return Ok((follower, look));
        }
        let place = end(store.events(&user, i64::MAX, 1)?);
        let data = json!({ "epoch": place.epoch, "after": place.sequence }).to_string();
        // Its id is a place to come back to, also where nothing has happened yet.
        let look = Look { text: frame::event(&place, "ready", &data), more: false };
        Ok((Self { store, user, place }, look))
    }

    /// Looks for what has happened since.
    pub fn look(&mut self) -> Result<Look, StoreError> {
        let page = self.store.events(&self.user, self.place.sequence, PAGE)?;
        if let Some(lost) = lost(&self.place, &page) {
            return Ok(self.reset(lost, page));
        }
        let (last, mut text) = (page.last, String::new());
        let found = !page.events.is_empty();
        for event in page.events {
            self.place.sequence = event.sequence;
            let event = CloudEvent::from(event);
            text.push_str(&frame::event(&self.place, &event.kind, &serde_json::to_string(&event)?));
        }
        // Events that could not be published are taken out: there may be none up to the last.
        Ok(Look { text, more: found && self.place.sequence < last })
    }

    /// Goes on from the end: whoever is told so reads anew what they follow.
    fn reset(&mut self, lost: Lost, page: EventPage) -> Look {
        let reason = match lost {
            Lost::Restored => "restored",
            Lost::Forgotten => "forgotten",
        };
        let data = json!({ "reason": reason, "epoch": page.epoch, "oldest": page.oldest }).to_string();
        self.place = end(page);
        Look { text: frame::event(&self.place, "reset", &data), more: false }
    }
}

/// Right after all that has happened.
fn end(page: EventPage) -> EventPlace {
    EventPlace { epoch: page.epoch, sequence: page.last }
}

fn lost(place: &EventPlace, page: &EventPage) -> Option<Lost> {
    if place.epoch != page.epoch || place.sequence > page.last {
        return Some(Lost::Restored);
    }
    (place.sequence < page.oldest.saturating_sub(1)).then_some(Lost::Forgotten)
}
