//! Carrying out a set of claimed items: decide each, apply all in one statement, settle what was not done.

use perennial_domain::Commit;
use perennial_store::{Claimed, Outcome, Settlement, Store, StoreError, WorkStore, apply_each};

/// How often an item may be claimed: more often than it may fail, so that one which brings its claimer down is parked too.
const CLAIMS: i64 = 8;

/// What one item comes to.
pub(crate) enum Decided {
    /// A commit that does it.
    Write(Box<Commit>),
    /// There is no time for it now.
    Later,
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
    /// What was not done, one line each.
    pub failures: Vec<String>,
}

/// Carries out claimed items.
pub(crate) fn carry_out<S: Store + WorkStore, T>(
    store: &S,
    items: Vec<Claimed<T>>,
    (now, late): (perennial_domain::Timestamp, &impl Fn() -> bool),
    mut decide: impl FnMut(T) -> Decided,
) -> Result<Done, StoreError> {
    let mut done = Done { claimed: items.len(), ..Done::default() };
    let (mut tickets, mut commits, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    let mut users: Vec<String> = Vec::new();
    for Claimed { ticket, what } in items {
        if !users.iter().any(|user| user == ticket.user.as_str()) {
            users.push(ticket.user.as_str().to_owned());
        }
        let decided = match what {
            _ if ticket.tries > CLAIMS => {
                Decided::Never("it was begun again and again and never finished".to_owned())
            }
            Ok(Some(_)) if late() => Decided::Later,
            Ok(Some(what)) => decide(what),
            Ok(None) => Decided::Drop,
            Err(error) => Decided::Never(error.to_string()),
        };
        match decided {
            Decided::Write(commit) => {
                commits.push(*commit);
                tickets.push(ticket);
            }
            Decided::Later => settled.push((ticket, Settlement::Release)),
            Decided::Drop => settled.push((ticket, Settlement::Drop)),
            Decided::Never(reason) => {
                done.failures.push(format!("task {}: {reason}", ticket.task));
                settled.push((ticket, Settlement::Park { reason }));
            }
        }
    }
    done.lanes = users.len();
    for (ticket, outcome) in tickets.into_iter().zip(apply_each(store, &commits)?) {
        match outcome {
            Ok(Outcome::Applied(_) | Outcome::Answered(_)) => done.done = done.done.saturating_add(1),
            // Others were at it, mostly; what is refused each time must come to an end too.
            Ok(Outcome::Refused) => {
                let settlement =
                    Settlement::failed(&ticket, "it was something else each time it was tried".to_owned());
                settled.push((ticket, settlement));
            }
            Err(reason) => {
                done.failures.push(format!("task {}: {reason}", ticket.task));
                let settlement = Settlement::failed(&ticket, reason);
                settled.push((ticket, settlement));
            }
        }
    }
    store.settle(&settled, now)?;
    Ok(done)
}
