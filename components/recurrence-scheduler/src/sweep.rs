//! The clock's work: what is owed and what is due, found in the store, a bounded number at a time.
//!
//! Users are served in turn, a few items of each, the kinds of work one after the other, until nothing is left or the sweep
//! has done its share. How many are taken at a time follows how fast they are done. Items that were begun before and never finished come one by one, after the others.

use perennial_domain::{Ids, Plan, Timestamp, fire_all, plan_successor, refresh_zone};
use perennial_recurrence::tzdata_version;
use perennial_store::{
    Claim, DueReminder, DueSeries, SealStore, Shard, Store, StoreError, WorkKind, WorkStore,
};
use serde::Serialize;

use crate::batch::{Decided, Done, How, carry_out};
use crate::context;

/// Rounds of one sweep: more than there is time for.
const ROUNDS: u32 = 100;

/// Items of one kind taken in the first round of a sweep.
const FIRST: u32 = 250;

/// Items of one kind taken in one round, at least and at most. In between it is as many as there is time for.
const BATCH: (u32, u32) = (50, 1_000);

/// Users served in one round.
const LANES: u32 = 100;

/// Reminders of one user fired in one commit.
const TOGETHER: usize = 100;

/// Items that were begun before and never finished, tried in one sweep.
const AGAIN: u32 = 25;

/// For how long a sweep begins further rounds, in milliseconds, so that the next one finds it done with.
const SHARE: i64 = 900;

/// For how long one list is worked at in one round, in milliseconds: every list has its round in every sweep, however dear
/// the work of another is. What was claimed and not begun by then is given back.
const TURN: i64 = 200;

/// How long a claim holds, in milliseconds: a sweep takes a small part of it.
const LEASE: i64 = 5_000;

/// Occurrences put up for new zone data in one sweep.
const ZONES: u32 = 500;

/// Rows of each kind forgotten in one sweep.
const FORGOTTEN: u32 = 500;

/// Tasks without words that are given theirs in one sweep.
const WORDS: u32 = 500;

/// Audit entries sealed at a time, and how often in one sweep: for as long as a list has its turn, but once at least.
const SEALED: (u32, u32) = (500, 10);

/// What a sweep came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Successors planned, or series ended.
    pub planned: u32,
    /// Reminders fired.
    pub fired: u32,
    /// What could not be done now, one line each.
    #[serde(skip)]
    pub failures: Vec<String>,
    /// Whether events wait to be published.
    #[serde(skip)]
    pub relay: bool,
    /// Whether dead letters are to be sent again.
    #[serde(skip)]
    pub letters: bool,
    /// Whether chains of audit entries are to be anchored.
    #[serde(skip)]
    pub anchors: bool,
}

/// Does one slice of what is owed and due, and then what was begun before and never finished.
pub fn sweep<S: Store + WorkStore + SealStore>(
    store: &S,
    now: &impl Fn() -> Timestamp,
    ids: &mut dyn Ids,
) -> Result<Swept, StoreError> {
    let (mut swept, unfinished) = sweep_fresh(store, None, now, ids)?;
    unfinished.sweep(store, now, ids, &mut swept)?;
    Ok(swept)
}

/// What was begun before and never finished: it may bring down whoever takes it, and comes when everything else is done,
/// relaying too.
pub struct Unfinished(Vec<Queue>);

impl Unfinished {
    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does a slice of it, another kind first each second.
    pub fn sweep<S: Store + WorkStore>(
        mut self,
        store: &S,
        now: &impl Fn() -> Timestamp,
        ids: &mut dyn Ids,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let second = usize::try_from(now().as_millis() / 1_000).unwrap_or_default();
        if let Some(first) = second.checked_rem(self.0.len()) {
            self.0.rotate_left(first);
        }
        for mut queue in self.0 {
            queue.round_of(store, now, ids, swept)?;
        }
        Ok(())
    }
}

/// Does one slice of what is owed and due for the first time, or has failed in good order; gives what is left for last. Of one
/// shard only, where one is named; what belongs to no user is seen to with the first.
pub fn sweep_fresh<S: Store + WorkStore + SealStore>(
    store: &S,
    shard: Option<Shard>,
    now: &impl Fn() -> Timestamp,
    ids: &mut dyn Ids,
) -> Result<(Swept, Unfinished), StoreError> {
    let mut swept = Swept::default();
    let last = now().plus_millis(SHARE);
    let mut due = store.due_work_of(shard, now(), tzdata_version())?;
    if due.ahead {
        store.clock_went_back(now())?;
        due = store.due_work_of(shard, now(), tzdata_version())?;
    }
    swept.relay = due.relay;
    let (zones, words, old, seals) = match shard.map(Shard::number) {
        None | Some(0) => {
            (swept.letters, swept.anchors) = (due.letters, due.anchors);
            (due.zones, due.words, due.old, due.seals)
        }
        Some(_) => (false, false, false, false),
    };
    if zones {
        swept.note("zones", store.offer_zones(tzdata_version(), ZONES))?;
    }
    let offered = (zones && !due.kinds.contains(&(WorkKind::Zone, false))).then_some((WorkKind::Zone, false));
    let (again, mut queues): (Vec<Queue>, Vec<Queue>) = offered
        .iter()
        .chain(&due.kinds)
        .filter_map(|(kind, again)| Queue::new(*kind, *again, shard))
        .partition(|queue| queue.again);
    for _ in 0..ROUNDS {
        queues.retain(|queue| queue.left > 0);
        for queue in &mut queues {
            queue.round_of(store, now, ids, &mut swept)?;
        }
        if now() > last {
            break;
        }
    }
    if seals {
        swept.note("audit entries", seal(store, now))?;
    }
    if old {
        swept.note("what is old", store.prune(now(), FORGOTTEN))?;
    }
    if words {
        swept.note("words", store.make_words(WORDS))?;
    }
    Ok((swept, Unfinished(again)))
}

/// Seals the audit entries that wait, as long as there is time. Those that come meanwhile are for the next sweep, or it would seal for as
/// long as anybody writes.
fn seal<S: SealStore>(store: &S, now: &impl Fn() -> Timestamp) -> Result<(), StoreError> {
    let begun = now();
    let last = begun.plus_millis(TURN);
    let (entries, times) = SEALED;
    for _ in 0..times {
        if store.seal(begun, entries)? == 0 || now() > last {
            break;
        }
    }
    Ok(())
}

impl Swept {
    /// What cannot be done is noted, and holds up nothing else; without the store there is nothing to go on with.
    fn note<T>(&mut self, what: &str, done: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match done {
            Err(error @ (StoreError::Unavailable(_) | StoreError::Schema { .. })) => Err(error),
            Err(error) => {
                self.failures.push(format!("{what}: {error}"));
                Ok(None)
            }
            Ok(done) => Ok(Some(done)),
        }
    }

    fn count(&mut self, kind: WorkKind, done: Done) {
        self.relay |= done.done > 0;
        let count = if kind == WorkKind::Reminder { &mut self.fired } else { &mut self.planned };
        if kind != WorkKind::Zone {
            *count = count.saturating_add(done.done);
        }
        self.failures.extend(done.failures);
    }
}

/// One list of work in the course of a sweep.
struct Queue {
    kind: WorkKind,
    again: bool,
    shard: Option<Shard>,
    /// Rounds, or where it is begun again items, still to be taken in this sweep.
    left: u32,
    /// Items taken in the next round.
    batch: u32,
    /// Items of one user among them: few while many wait, many where one is alone.
    per_lane: u32,
}

impl Queue {
    fn new(kind: WorkKind, again: bool, shard: Option<Shard>) -> Option<Self> {
        if matches!(kind, WorkKind::Notification | WorkKind::Event) {
            return None;
        }
        let left = if again { AGAIN } else { ROUNDS };
        Some(Self { kind, again, shard, left, batch: FIRST, per_lane: FIRST / LANES })
    }

    /// Has a round and counts it. A list that cannot be read has its next turn in the next sweep, and holds up no other.
    fn round_of<S: Store + WorkStore>(
        &mut self,
        store: &S,
        now: &impl Fn() -> Timestamp,
        ids: &mut dyn Ids,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        match swept.note(&format!("the list of work {}", self.kind.name()), self.round(store, now, ids))? {
            Some(done) => swept.count(self.kind, done),
            None => self.left = 0,
        }
        Ok(())
    }

    /// Takes and does a few items of each of the users that have waited longest.
    fn round<S: Store + WorkStore>(
        &mut self,
        store: &S,
        now: &impl Fn() -> Timestamp,
        ids: &mut dyn Ids,
    ) -> Result<Done, StoreError> {
        let last = now().plus_millis(TURN);
        let mut total = Done::default();
        // What may bring us down is taken one at a time: it can take nothing else with it.
        let turns = if self.again { self.left } else { 1 };
        for _ in 0..turns {
            if now() > last {
                break;
            }
            let done = self.take(store, now, last, ids)?;
            self.left = self.left.saturating_sub(1);
            total.done = total.done.saturating_add(done.done);
            self.follow(&done);
            total.failures.extend(done.failures);
            if done.claimed == 0 {
                self.left = 0;
                break;
            }
        }
        Ok(total)
    }

    /// Takes more in the next round where there was time for all of this one, and less where there was not.
    fn follow(&mut self, done: &Done) {
        let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        self.batch = match done.late {
            0 => self.batch.saturating_mul(2),
            late => count(done.claimed.saturating_sub(late)),
        };
        self.batch = self.batch.clamp(BATCH.0, BATCH.1);
        let lanes = count(done.lanes).clamp(1, LANES);
        self.per_lane = self.batch.checked_div(lanes).unwrap_or_default().max(1);
    }

    fn take<S: Store + WorkStore>(
        &self,
        store: &S,
        clock: &impl Fn() -> Timestamp,
        last: Timestamp,
        ids: &mut dyn Ids,
    ) -> Result<Done, StoreError> {
        let now = clock();
        let late = || clock() > last;
        let (lanes, per_lane) = if self.again { (1, 1) } else { (LANES, self.per_lane) };
        let claim = Claim {
            id: ids.next().to_string(),
            again: self.again,
            now,
            lease_for: LEASE,
            hold_for: 0,
            lanes,
            per_lane,
            shard: self.shard,
        };
        let together = if self.kind == WorkKind::Reminder { TOGETHER } else { 1 };
        let how = How { now, late: &late, together };
        match self.kind {
            WorkKind::Reminder => {
                let items = store.claim_reminders(&claim)?;
                carry_out(store, items, &how, |due| remind(due, now, ids))
            }
            WorkKind::Successor => {
                let items = store.claim_successors(&claim)?;
                carry_out(store, items, &how, |due| each(due, |due| succeed(due, now, ids)))
            }
            WorkKind::Zone => {
                let items = store.claim_zones(&claim)?;
                carry_out(store, items, &how, |due| each(due, |due| refresh(due, now, ids)))
            }
            WorkKind::Notification | WorkKind::Event => Ok(Done::default()),
        }
    }
}

/// Decides for one item.
fn each<T>(due: &[&T], decide: impl FnOnce(&T) -> Decided) -> Decided {
    due.first().map_or(Decided::Drop, |due| decide(due))
}

/// Fires reminders of one user.
fn remind(due: &[&DueReminder], now: Timestamp, ids: &mut dyn Ids) -> Decided {
    each(due, |first| {
        let alarms: Vec<_> = due.iter().map(|due| &due.alarm).collect();
        let mut ctx = context(&first.user, now, ids, None, None);
        Decided::Write(Box::new(fire_all(&mut ctx, &alarms, &first.channels)))
    })
}

fn succeed(due: &DueSeries, now: Timestamp, ids: &mut dyn Ids) -> Decided {
    match plan_successor(&mut context(&due.user, now, ids, None, None), &due.state) {
        Ok(Plan::Opens(commit, _) | Plan::Ends(commit) | Plan::WaitsForRoom(commit)) => {
            Decided::Write(commit)
        }
        Ok(Plan::NotOwed) => Decided::Drop,
        Err(error) => Decided::Never(error.to_string()),
    }
}

fn refresh(due: &DueSeries, now: Timestamp, ids: &mut dyn Ids) -> Decided {
    let mut ctx = context(&due.user, now, ids, None, None);
    refresh_zone(&mut ctx, &due.state).map_or(Decided::Drop, |commit| Decided::Write(Box::new(commit)))
}
