//! Recording how attempts ended. One that was made and is not recorded is made twice: so where the store is out of reach, what became of
//! attempts is kept for a while and recorded once it is back. What another has begun again meanwhile is then refused.

use perennial_domain::{Actor, Commit, Context, Ids, Timestamp, record_attempt};
use perennial_store::{Outcome, Settlement, Store, StoreError, Ticket, WorkStore, apply_each};

use crate::Delivered;
use crate::deliver::Ended;

/// For how long it is tried to record the same, in milliseconds, and how often at most, each time after a pause.
const PATIENCE: (i64, u32) = (30_000, 30);

/// What has ended and is not recorded yet.
#[derive(Default)]
pub(crate) struct Records {
    commits: Vec<Commit>,
    tickets: Vec<Ticket>,
    settled: Vec<(Ticket, Settlement)>,
    /// Since when the store is out of reach, and how often that was found.
    failing: Option<(Timestamp, u32)>,
    waits: bool,
}

impl Records {
    /// Notes how an attempt ended.
    pub fn note(&mut self, ended: Ended, now: Timestamp, ids: &mut dyn Ids) {
        let Ended { took, ticket, user, notification, outcome, .. } = ended;
        let mut ctx = Context {
            user: user.id,
            zone: user.zone,
            now,
            actor: Actor::component("notifier"),
            correlation_id: notification.id.to_string(),
            causation_id: None,
            traceparent: None,
            ids,
        };
        self.commits.push(record_attempt(&mut ctx, &notification, &outcome, took));
        self.tickets.push(ticket);
    }

    /// Notes what becomes of items without an attempt.
    pub fn settle(&mut self, settled: Vec<(Ticket, Settlement)>) {
        self.settled.extend(settled);
    }

    pub fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.settled.is_empty()
    }

    /// Whether the store was out of reach at the last try.
    pub fn are_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// Some time has passed: what could not be recorded may be tried again.
    pub fn try_again(&mut self) {
        self.waits = false;
    }

    /// Records all that was noted. One that a later attempt has overtaken says nothing any more; one that cannot be recorded spoils no
    /// other, and is made again after a pause. Where the store is out of reach all is kept for another try; an error gives it up.
    pub fn write<S: Store + WorkStore>(
        &mut self,
        store: &S,
        now: Timestamp,
        delivered: &mut Delivered,
    ) -> Result<(), StoreError> {
        if self.waits || self.is_empty() {
            return Ok(());
        }
        let Err(error) = self.write_now(store, now, delivered) else {
            self.failing = None;
            return Ok(());
        };
        let (longest, most) = PATIENCE;
        let (since, tries) = self.failing.unwrap_or((now, 0));
        if !matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_))
            || tries >= most
            || now > since.plus_millis(longest)
        {
            return Err(error);
        }
        self.failing = Some((since, tries.saturating_add(1)));
        self.waits = true;
        Ok(())
    }

    fn write_now<S: Store + WorkStore>(
        &mut self,
        store: &S,
        now: Timestamp,
        delivered: &mut Delivered,
    ) -> Result<(), StoreError> {
        let mut busy = Vec::new();
        if !self.commits.is_empty() {
            let outcomes = apply_each(store, &self.commits)?;
            for ((commit, ticket), outcome) in
                self.commits.drain(..).zip(self.tickets.drain(..)).zip(outcomes)
            {
                match outcome {
                    Outcome::Applied(_) | Outcome::Counted(..) => {
                        delivered.attempted = delivered.attempted.saturating_add(1);
                        delivered.relay |= !commit.events.is_empty();
                    }
                    Outcome::Answered(_) | Outcome::Refused => {}
                    Outcome::Busy => busy.push((commit, ticket)),
                    Outcome::Failed(reason) => {
                        delivered.failures.push(format!("task {}: {reason}", ticket.task));
                        let settlement = Settlement::failed(&ticket, reason);
                        self.settled.push((ticket, settlement));
                    }
                }
            }
        }
        (self.commits, self.tickets) = busy.into_iter().unzip();
        store.settle(&self.settled, now)?;
        self.settled.clear();
        match self.commits.is_empty() {
            true => Ok(()),
            false => Err(StoreError::Busy("users who receive something go on writing".to_owned())),
        }
    }
}
