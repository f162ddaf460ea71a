//! What has changed for who listens, by the user's own events.

use perennial_domain::UserId;
use perennial_mcp::model::SubscriptionFilter;
use perennial_mcp::{Change, Feed};
use perennial_store::{Store, StoreError};

use crate::resources;

/// Events that are read at once.
const PAGE: u32 = 100;

/// A user's events after a place in their stream, as changes of resources.
pub struct Changes<'s, S> {
    store: &'s S,
    user: UserId,
    epoch: String,
    after: i64,
}

impl<'s, S: Store> Changes<'s, S> {
    /// What happens from now on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn from_now(store: &'s S, user: UserId) -> Result<Self, StoreError> {
        let end = store.events(&user, i64::MAX, 1)?;
        Ok(Self { store, user, epoch: end.epoch, after: end.last })
    }
}

impl<S: Store> Feed for Changes<'_, S> {
    type Error = StoreError;

    fn look(&mut self, listened_for: &SubscriptionFilter) -> Result<(Vec<Change>, bool), StoreError> {
        let page = self.store.events(&self.user, self.after, PAGE)?;
        let watched = listened_for.resource_subscriptions.as_deref().unwrap_or_default();
        // Of what is of another history, or forgotten already, nobody can say what it changed.
        let is_lost =
            page.epoch != self.epoch || self.after > page.last || self.after < page.oldest.saturating_sub(1);
        if is_lost {
            (self.epoch, self.after) = (page.epoch, page.last);
            let all = watched.iter().cloned().map(Change::Resource);
            return Ok((std::iter::once(Change::Resources).chain(all).collect(), false));
        }
        let Some(last) = page.events.last().map(|event| event.sequence) else {
            return Ok((Vec::new(), false));
        };
        self.after = last;
        let changed = |uri: &&String| {
            *uri == resources::AGENDA
                || resources::task_of(uri)
                    .is_some_and(|id| page.events.iter().any(|event| event.subject == id))
        };
        let watched = watched.iter().filter(changed).cloned().map(Change::Resource);
        Ok((std::iter::once(Change::Resources).chain(watched).collect(), last < page.last))
    }
}
