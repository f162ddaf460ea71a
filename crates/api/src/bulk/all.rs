//! All commands or none, in one statement.

use perennial_domain::{Commit, Invalid, TaskId};
use perennial_events::OWN_LEASE;
use perennial_http_api::{Caller, IdempotencyKey, Problem, Request, replay};
use perennial_store::{Apply, Mode, Outcome, Refusal, Store, StoreError, SystemStore};

use super::item::Item;
use super::told::Told;
use super::{hold, keeper, last, shown};
use crate::Api;
use crate::api::{Answered, TRIES, Written, give_way};

/// Everything that is wrong is told at once, as fields of the request: nothing was changed, and the pointers say by which
/// command, so that there is one form of success and one of failure.
pub(super) fn carry_out<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    (caller, request): (&Caller, &Request),
    items: &[Item],
    key: Option<&IdempotencyKey>,
) -> Result<Answered, Problem> {
    if let Err(invalid) = are_apart(items) {
        return api.stored_or(caller, key, invalid.into());
    }
    for attempt in 0..TRIES {
        let Decided { told, mut commits, of } = match decide(api, (caller, request), items) {
            Ok(decided) => decided,
            Err(problem) => return api.stored_or(caller, key, problem),
        };
        let mut response = shown(told);
        let mut kept = 0;
        if let Some(key) = key {
            let keeper = keeper(&mut api.context(caller, request, caller.user.zone), key, &response)?;
            let expected = key.expectation(Some(keeper.id));
            commits.iter_mut().for_each(|commit| commit.expect.answer = Some(expected.clone()));
            commits.insert(0, keeper);
            kept = 1;
        }
        hold(&api.limits, caller, &mut commits, kept);
        let Some(first) = commits.first().cloned() else { return Ok(Answered::read(response)) };
        match api.apply((caller, request), &commits, Apply { mode: Mode::All, relay_for: OWN_LEASE }) {
            Ok(outcomes) => {
                if let (Some(key), Some(Outcome::Answered(stored))) = (key, outcomes.first()) {
                    return replay(key, stored.clone()).map(Answered::read);
                }
                let (counts, outcomes): (Vec<_>, Vec<_>) = outcomes.into_iter().map(Outcome::counted).unzip();
                api.limits.tell(&mut response, counts.into_iter().flatten().last());
                let wrote = commits.into_iter().zip(outcomes).skip(kept).map(written).collect();
                return Ok(Answered { response, wrote: last(wrote).filter(|_| !api.dry_run) });
            }
            // The user has moved to another zone since the request was let in.
            Err(StoreError::Changed(refusal)) if refusal.what == "zone" => return Err(Problem::conflict()),
            Err(StoreError::Changed(_) | StoreError::Duplicate(_)) => {}
            Err(StoreError::Forbidden(refusal)) if refusal.what != "user" => {
                let problem = forbidden(refusal, items, &of, kept);
                return api.stored_or(caller, key, problem);
            }
            Err(error) => return Err(error.into()),
        }
        // An equal request may have been faster.
        if let Some(key) = key
            && let Some(stored) = api.store.idempotent_answer(&caller.user.id, &key.key)?
        {
            return replay(key, stored).map(Answered::read);
        }
        give_way(&first, attempt);
    }
    api.stored_or(caller, key, Problem::conflict())
}

/// Each command is decided upon what is there before any is carried out: none may depend on what another does.
fn are_apart(items: &[Item]) -> Result<(), Invalid> {
    let mut touched: Vec<TaskId> = Vec::new();
    let mut wrong = Invalid::default();
    for item in items {
        if let Some(pointer) = item.follows(&touched) {
            wrong.add(
                pointer,
                "an earlier operation of this request is on the same task: send this one by itself",
            );
        }
        touched.extend(item.task);
    }
    if wrong.errors.is_empty() { Ok(()) } else { Err(wrong) }
}

/// What the commands come to, were they carried out now.
struct Decided {
    told: Vec<Told>,
    commits: Vec<Commit>,
    /// Of each commit, which command it is of.
    of: Vec<usize>,
}

fn decide<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    (caller, request): (&Caller, &Request),
    items: &[Item],
) -> Result<Decided, Problem> {
    let mut decided = Decided { told: Vec::new(), commits: Vec::new(), of: Vec::new() };
    let mut wrong = Invalid::default();
    for (index, item) in items.iter().enumerate() {
        let store = api.store;
        let decision = match &item.command {
            Ok(command) => command.decide(store, &mut api.context(caller, request, caller.user.zone)),
            Err(problem) => Err(problem.clone()),
        };
        match decision {
            Ok(mut decision) => {
                decision.tell(None)?;
                decided.told.push(Told::done(&decision.response));
                if let Some(pointer) = item.meets(&decision.commit, &decided.commits) {
                    let detail = "an earlier operation of this request moves a task to the same place: send this one by itself";
                    wrong.add(pointer, detail);
                }
                if decision.changes {
                    decided.commits.push(decision.commit);
                    decided.of.push(index);
                }
            }
            Err(problem) => wrong.errors.extend(item.wrong(problem)?.errors),
        }
    }
    if wrong.errors.is_empty() { Ok(decided) } else { Err(wrong.into()) }
}

fn written((commit, outcome): (Commit, Outcome)) -> Written {
    let own = match outcome {
        Outcome::Applied(own) => own,
        _ => None,
    };
    Written { commit: Box::new(commit), own }
}

/// The rule that a command breaks, at its place. The commit that keeps the key comes before all others.
fn forbidden(refusal: Refusal, items: &[Item], of: &[usize], kept: usize) -> Problem {
    let index = refusal.index;
    let problem = Problem::from(StoreError::Forbidden(refusal));
    let index = index.checked_sub(kept).and_then(|place| of.get(place));
    match index.and_then(|index| items.get(*index)) {
        Some(item) => item.placed(problem),
        None => problem,
    }
}
