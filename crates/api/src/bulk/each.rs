//! Each command by itself: together where they do not meet, and the others one after another.

use http::{HeaderValue, StatusCode};
use perennial_domain::{Commit, TaskId};
use perennial_events::OWN_LEASE;
use perennial_http_api::{
    Caller, IdempotencyKey, Problem, RATE_LIMIT, RATE_LIMIT_POLICY, REPLAYED, Request, Response, no_content,
    replay,
};
use perennial_store::{Outcome, RateCount, Store, SystemStore};

use super::item::Item;
use super::told::Told;
use super::{hold, keeper, last, shown};
use crate::Api;
use crate::api::{Answered, Written};

/// What became of a command: what it is answered, and whether that was stored before.
type Became = (Told, bool);

pub(super) fn carry_out<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    (caller, request): (&Caller, &Request),
    items: &[Item],
    key: Option<&IdempotencyKey>,
) -> Result<Answered, Problem> {
    let mut results: Vec<Option<Became>> = items.iter().map(|_| None).collect();
    let mut wrote = Vec::new();
    let mut counted = no_content();
    let count = together(api, (caller, request), items, key, (&mut results, &mut wrote))?;
    api.limits.tell(&mut counted, count);
    let whole = key.map(|key| key.expectation(None));
    for (item, result) in items.iter().zip(&mut results).filter(|(_, result)| result.is_none()) {
        let answered = match &item.command {
            Ok(command) => {
                api.write_under((caller, request), item.key.as_ref(), whole.as_ref(), |store, ctx| {
                    command.decide(store, ctx)
                })
            }
            Err(problem) => api.stored_or(caller, item.key.as_ref(), problem.clone()),
        };
        *result = Some(match answered {
            Ok(Answered { response, wrote: written }) => {
                wrote.extend(written);
                tell_limit(&mut counted, &response);
                done(&response)
            }
            Err(problem) => {
                tell_limit(&mut counted, &problem.clone().of_policy(api.limits.writes).into());
                (Told::refused(item.placed(problem)), false)
            }
        });
    }
    let results: Vec<Became> = results.into_iter().flatten().collect();
    let replayed = results.iter().all(|(_, replayed)| *replayed);
    let mut response = shown(results.into_iter().map(|(told, _)| told).collect());
    tell_limit(&mut response, &counted);
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(Answered { response, wrote: last(wrote).filter(|_| !api.dry_run) })
}

/// Has an answer tell what another tells of the limit on writes, if that tells anything.
fn tell_limit(response: &mut Response, other: &Response) {
    for name in [RATE_LIMIT_POLICY, RATE_LIMIT] {
        if let Some(value) = other.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
}

fn done(response: &Response) -> Became {
    (Told::done(response), response.headers().contains_key(REPLAYED))
}

/// Carries out, in one statement, what can be decided and does not depend on what another command does. What is refused is
/// left: alone it is decided anew, and its reason found. Gives how often the token has written now, where that is counted.
fn together<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    (caller, request): (&Caller, &Request),
    items: &[Item],
    key: Option<&IdempotencyKey>,
    (results, wrote): (&mut [Option<Became>], &mut Vec<Written>),
) -> Result<Option<RateCount>, Problem> {
    let whole = key.map(|key| key.expectation(None));
    let mut commits: Vec<Commit> = Vec::new();
    let mut of: Vec<(usize, bool, Response)> = Vec::new();
    if let Some(key) = key {
        let mut empty = no_content();
        *empty.status_mut() = StatusCode::OK;
        commits.push(keeper(&mut api.context(caller, request, caller.user.zone), key, &empty)?);
    }
    let mut touched: Vec<TaskId> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let apart = item.follows(&touched).is_none();
        touched.extend(item.task);
        let store = api.store;
        let Ok(command) = item.command.as_ref() else { continue };
        if !apart {
            continue;
        }
        let Ok(mut decision) = command.decide(store, &mut api.context(caller, request, caller.user.zone))
        else {
            continue;
        };
        decision.tell(item.key.as_ref())?;
        if decision.changes || item.key.is_some() {
            decision.commit.expect.answer = whole.clone();
            commits.push(decision.commit);
            of.push((index, decision.changes, decision.response));
        } else if let Some(result) = results.get_mut(index) {
            *result = Some(done(&decision.response));
        }
    }
    hold(&api.limits, caller, &mut commits, usize::from(key.is_some()));
    let mut counted = None;
    let outcomes = api.apply_each((caller, request), &commits, OWN_LEASE)?.into_iter().map(|outcome| {
        let (count, outcome) = outcome.counted();
        counted = count.or(counted);
        outcome
    });
    let mut applied = commits.iter().zip(outcomes);
    if let Some(key) = key
        && let Some((_, Outcome::Answered(stored))) = applied.next()
        && !key.is_answered_by(&stored)
    {
        return Err(Problem::idempotency_mismatch());
    }
    for ((commit, outcome), (index, changes, response)) in applied.zip(of) {
        let (Some(item), Some(result)) = (items.get(index), results.get_mut(index)) else { continue };
        match outcome {
            Outcome::Applied(own) => {
                if changes {
                    wrote.push(Written { commit: Box::new(commit.clone()), own });
                }
                *result = Some(done(&response));
            }
            Outcome::Answered(stored) => {
                let key = item.key.as_ref().ok_or_else(Problem::conflict)?;
                *result = Some(match replay(key, stored) {
                    Ok(response) => done(&response),
                    Err(problem) => (Told::refused(item.placed(problem)), false),
                });
            }
            Outcome::Counted(..)
            | Outcome::Refused
            | Outcome::Failed(_)
            | Outcome::Lost(_)
            | Outcome::Busy => {}
        }
    }
    Ok(counted)
}
