//! Carrying out a set of claimed items: decide some together, apply them in one statement, settle what was not done.
//!
//! What is decided together shares one commit. Where that cannot be applied, it is decided anew by halves, so that one item spoils
//! no other.

use std::hash::{DefaultHasher, Hash, Hasher};

use perennial_domain::{Commit, Timestamp};
use perennial_store::{Claimed, Outcome, Settlement, Store, StoreError, Ticket, WorkStore, apply_each};

/// How often an item may be claimed: more often than it may fail, so that one which brings its claimer down is parked too.
const CLAIMS: i64 = 8;

/// How long the items of a user who is writing all the time are left alone, in milliseconds.
const BUSY: i64 = 1_000;

/// Items written in one statement at most: others wait for it to end before they can write.
const WRITTEN: usize = 250;

/// What items come to.
pub(crate) enum Decided {
    /// A commit that does it.
    Write(Box<Commit>),
    /// Nobody needs it any more.
    Drop,
    /// It can never be done, and why.
    Never(String),
}

/// What a set came to.
#[derive(Default)]
pub(crate) struct Done {
    /// Items claimed.
    pub claimed: usize,
    /// Lanes they came from.
    pub lanes: usize,
    /// Items done.
    pub done: u32,
    /// Items for which there was no time.
    pub late: usize,
    /// What was not done, one line each.
    pub failures: Vec<String>,
}

/// How claimed items are carried out.
pub(crate) struct How<'a, L> {
    /// Now.
    pub now: Timestamp,
    /// Whether there is no time to begin more.
    pub late: &'a L,
    /// Items of one user that are decided together at most.
    pub together: usize,
}

/// Items of one user that share a commit.
struct Group<T>(Vec<(Ticket, T)>);

impl<T> Group<T> {
    /// Two of half its size.
    fn halves(mut self) -> [Self; 2] {
        let rest = self.0.split_off(self.0.len() / 2);
        [self, Self(rest)]
    }
}

/// Carries out claimed items.
pub(crate) fn carry_out<S: Store + WorkStore, T>(
    store: &S,
    items: Vec<Claimed<T>>,
    how: &How<'_, impl Fn() -> bool>,
    mut decide: impl FnMut(&[&T]) -> Decided,
) -> Result<Done, StoreError> {
    let mut done = Done { claimed: items.len(), ..Done::default() };
    let mut settled = Vec::new();
    let mut groups = group(items, how.together, &mut done, &mut settled);
    rotate(&mut groups, how.now);
    let mut groups = groups.into_iter().peekable();
    while groups.peek().is_some() {
        let (mut set, mut size) = (Vec::new(), 0_usize);
        while let Some(group) =
            groups.next_if(|group| size == 0 || size.saturating_add(group.0.len()) <= WRITTEN)
        {
            size = size.saturating_add(group.0.len());
            set.push(group);
        }
        let mut late = || (how.late)();
        set = write(store, set, &mut late, &mut decide, &mut done, &mut settled)?;
        // What is wrong with it is found out, however long it takes: it would be the same the next time.
        while !set.is_empty() {
            set = write(store, set, &mut || false, &mut decide, &mut done, &mut settled)?;
        }
    }
    store.settle(&settled, how.now)?;
    Ok(done)
}

/// Begins with another user each time: where there is no time for all of them, it is not always the same ones who wait.
fn rotate<T>(groups: &mut [Group<T>], now: Timestamp) {
    // Clocks tick in round numbers, and sweeps come in even steps: a mere product of them leaves some users out for good.
    let mut spread = DefaultHasher::new();
    now.as_millis().hash(&mut spread);
    let groups_there = u64::try_from(groups.len()).unwrap_or(u64::MAX);
    let first = spread.finish().checked_rem(groups_there).and_then(|first| usize::try_from(first).ok());
    groups.rotate_left(first.unwrap_or_default());
}

/// Items to be decided, those of one user together; what is there to be read of the others says what becomes of them.
fn group<T>(
    items: Vec<Claimed<T>>,
    together: usize,
    done: &mut Done,
    settled: &mut Vec<(Ticket, Settlement)>,
) -> Vec<Group<T>> {
    let mut groups: Vec<Group<T>> = Vec::new();
    let mut lane = None;
    for Claimed { ticket, what } in items {
        // They come lane by lane.
        let same = lane.as_ref() == Some(&ticket.user);
        if !same {
            done.lanes = done.lanes.saturating_add(1);
            lane = Some(ticket.user.clone());
        }
        let reason = match what {
            _ if ticket.tries > CLAIMS => "it was begun again and again and never finished".to_owned(),
            Ok(Some(what)) => {
                match groups.last_mut() {
                    Some(group) if same && group.0.len() < together => group.0.push((ticket, what)),
                    _ => groups.push(Group(vec![(ticket, what)])),
                }
                continue;
            }
            Ok(None) => {
                settled.push((ticket, Settlement::Drop));
                continue;
            }
            Err(error) => error.to_string(),
        };
        done.failures.push(format!("task {}: {reason}", ticket.task));
        settled.push((ticket, Settlement::Park { reason }));
    }
    groups
}

/// Decides and writes a set; gives what is to be decided anew, by halves.
fn write<S: Store, T>(
    store: &S,
    set: Vec<Group<T>>,
    late: &mut impl FnMut() -> bool,
    decide: &mut impl FnMut(&[&T]) -> Decided,
    done: &mut Done,
    settled: &mut Vec<(Ticket, Settlement)>,
) -> Result<Vec<Group<T>>, StoreError> {
    let (mut again, mut written, mut commits) = (Vec::new(), Vec::new(), Vec::new());
    for group in set {
        if late() {
            done.late = done.late.saturating_add(group.0.len());
            settled.extend(group.0.into_iter().map(|(ticket, _)| (ticket, Settlement::Release { after: 0 })));
            continue;
        }
        let items: Vec<&T> = group.0.iter().map(|(_, what)| what).collect();
        match decide(&items) {
            Decided::Write(commit) => {
                commits.push(*commit);
                written.push(group);
            }
            _ if group.0.len() > 1 => again.extend(group.halves()),
            Decided::Drop => {
                settled.extend(group.0.into_iter().map(|(ticket, _)| (ticket, Settlement::Drop)))
            }
            Decided::Never(reason) => {
                for (ticket, _) in group.0 {
                    done.failures.push(format!("task {}: {reason}", ticket.task));
                    settled.push((ticket, Settlement::Park { reason: reason.clone() }));
                }
            }
        }
    }
    let mut busy: usize = 0;
    for (group, outcome) in written.into_iter().zip(apply_each(store, &commits)?) {
        let reason = match outcome {
            Outcome::Applied(_) | Outcome::Counted(..) | Outcome::Answered(_) => {
                done.done = done.done.saturating_add(u32::try_from(group.0.len()).unwrap_or(u32::MAX));
                continue;
            }
            Outcome::Busy => {
                busy = busy.saturating_add(group.0.len());
                let later = |(ticket, _)| (ticket, Settlement::Release { after: BUSY });
                settled.extend(group.0.into_iter().map(later));
                continue;
            }
            _ if group.0.len() > 1 => {
                again.extend(group.halves());
                continue;
            }
            // Others were at it, mostly; what is refused each time must come to an end too.
            Outcome::Refused => "it was something else each time it was tried".to_owned(),
            Outcome::Failed(reason) | Outcome::Lost(reason) => {
                let tasks = group.0.iter().map(|(ticket, _)| format!("task {}: {reason}", ticket.task));
                done.failures.extend(tasks);
                reason
            }
        };
        let failed = |(ticket, _)| {
            let settlement = Settlement::failed(&ticket, reason.clone());
            (ticket, settlement)
        };
        settled.extend(group.0.into_iter().map(failed));
    }
    if busy > 0 {
        done.late = done.late.saturating_add(busy);
        done.failures.push(format!("{busy} items wait for users who go on writing"));
    }
    Ok(again)
}
