//! Recording how attempts ended. One that was made and is not recorded is made twice: so where the store is out of reach, what became of
//! attempts is kept for a while and recorded once it is back. What another has begun again meanwhile is then refused. What is of users who go
//! on writing is set aside for a while, and keeps nobody else from anything.

use perennial_domain::{Actor, Commit, Context, Ids, Timestamp, record_attempt};
use perennial_store::{Outcome, Settlement, Store, StoreError, Ticket, WorkStore, apply_each};

use crate::Delivered;
use crate::deliver::Ended;

/// For how long it is tried to record the same, in milliseconds, and how often at most, each time after a pause.
const PATIENCE: (i64, u32) = (30_000, 30);

/// For how long what is of users who go on writing is kept, in milliseconds; it is tried again after so many pauses, since to try it is to
/// wait for them.
const ASIDE: (i64, u32) = (10_000, 3);

/// What is to be recorded of an attempt, whose claim it was, since when, and how often it was set aside.
struct Record {
    commit: Commit,
    ticket: Ticket,
    since: Timestamp,
    tries: u32,
}

/// What has ended and is not recorded yet.
#[derive(Default)]
pub(crate) struct Records {
    records: Vec<Record>,
    aside: Vec<Record>,
    pauses: u32,
    settled: Vec<(Ticket, Settlement)>,
    /// Whose attempts are recorded, or given up, and were not asked for since.
    done: Vec<Ticket>,
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
        let commit = record_attempt(&mut ctx, &notification, &outcome, took);
        self.records.push(Record { commit, ticket, since: now, tries: 0 });
    }

    /// Notes what becomes of items without an attempt.
    pub fn settle(&mut self, settled: Vec<(Ticket, Settlement)>) {
        self.settled.extend(settled);
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.aside.is_empty() && self.settled.is_empty()
    }

    /// Whether the store was out of reach at the last try.
    pub fn are_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// Whose attempts are recorded, or given up, since this was asked last.
    pub fn done(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.done)
    }

    /// Some time has passed: what could not be recorded may be tried again.
    pub fn try_again(&mut self) {
        self.waits = false;
        self.pauses = self.pauses.saturating_add(1);
        if self.pauses.is_multiple_of(ASIDE.1) {
            self.records.append(&mut self.aside);
        }
    }

    /// Records all that was noted. One that a later attempt has overtaken says nothing any more; one that cannot be recorded spoils no
    /// other, and is made again after a pause. Where the store is out of reach all is kept for another try; an error gives it up.
    pub fn write<S: Store + WorkStore>(
        &mut self,
        store: &S,
        now: Timestamp,
        delivered: &mut Delivered,
    ) -> Result<(), StoreError> {
        if self.waits || (self.records.is_empty() && self.settled.is_empty()) {
            return Ok(());
        }
        let Err(error) = self.write_now(store, now, delivered) else {
            self.failing = None;
            return Ok(());
        };
        let (longest, most) = PATIENCE;
        let (since, tries) = self.failing.unwrap_or((now, 0));
        if !matches!(error, StoreError::Unavailable(_)) || tries >= most || now > since.plus_millis(longest) {
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
        if !self.records.is_empty() {
            let commits: Vec<Commit> = self.records.iter().map(|record| record.commit.clone()).collect();
            let outcomes = apply_each(store, &commits)?;
            for (mut record, outcome) in self.records.drain(..).zip(outcomes) {
                match outcome {
                    Outcome::Applied(_) | Outcome::Counted(..) => {
                        delivered.attempted = delivered.attempted.saturating_add(1);
                        delivered.relay |= !record.commit.events.is_empty();
                    }
                    Outcome::Answered(_) | Outcome::Refused => {}
                    // The attempt was made: it is recorded in a while. What is recorded already is not recorded twice. Whoever had to wait
                    // for others has been tried twice at least.
                    Outcome::Busy | Outcome::Lost(_)
                        if record.tries > 0 && now > record.since.plus_millis(ASIDE.0) =>
                    {
                        let task = record.ticket.task;
                        delivered.failures.push(format!(
                            "task {task}: an attempt is not recorded, since its user goes on writing"
                        ));
                    }
                    Outcome::Busy | Outcome::Lost(_) => {
                        record.tries = record.tries.saturating_add(1);
                        self.aside.push(record);
                        continue;
                    }
                    Outcome::Failed(reason) => {
                        delivered.failures.push(format!("task {}: {reason}", record.ticket.task));
                        let settlement = Settlement::failed(&record.ticket, reason);
                        self.settled.push((record.ticket.clone(), settlement));
                    }
                }
                self.done.push(record.ticket);
            }
        }
        store.settle(&self.settled, now)?;
        self.settled.clear();
        Ok(())
    }
}
