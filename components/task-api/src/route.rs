//! Which address takes which method.

use http::Method;
use perennial_domain::{Scope, TaskId, UserId};
use perennial_http_api::{Caller, Problem, Request, Response, authenticate};
use perennial_store::{Store, SystemStore};

use crate::{Api, channels, health, notifications, occurrences, preview, tasks, tokens, users};

/// An answer, and the user in whose stream there is something new.
pub struct Answered {
    /// The answer.
    pub response: Response,
    /// Whose events wait to be published.
    pub wrote: Option<UserId>,
}

/// Answers a request.
pub fn handle<S: Store + SystemStore>(api: &mut Api<'_, S>, request: &Request) -> Answered {
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let open = match (path.as_slice(), request.method()) {
        (["healthz"], &Method::GET) => Some(health::healthz(api.store)),
        (["readyz"], &Method::GET) => Some(health::readyz(api.store)),
        (["healthz" | "readyz"], _) => Some(Err(Problem::method_not_allowed("GET"))),
        _ => None,
    };
    if let Some(answer) = open {
        return Answered { response: answer.unwrap_or_else(Response::from), wrote: None };
    }
    let caller = match authenticate(request.headers(), &api.settings.bootstrap_token, api.store, api.now) {
        Ok(caller) => caller,
        Err(problem) => return Answered { response: problem.into(), wrote: None },
    };
    match dispatch(api, &caller, request, &path) {
        Ok((response, wrote)) => Answered { response, wrote: wrote.then(|| caller.user.id.clone()) },
        Err(problem) => Answered { response: problem.into(), wrote: None },
    }
}

fn dispatch<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    path: &[&str],
) -> Result<(Response, bool), Problem> {
    let method = request.method();
    let reads = *method == Method::GET;
    let read = |response: Result<Response, Problem>| response.map(|response| (response, false));
    let ["v1", resource @ ..] = path else { return Err(Problem::not_found()) };
    let own = if reads { Scope::TasksRead } else { Scope::TasksWrite };
    let scope = match resource {
        ["users" | "tokens", ..] => Scope::Admin,
        ["recurrence", ..] => Scope::TasksRead,
        _ => own,
    };
    caller.needs(scope)?;
    match (resource, method) {
        (["tasks"], &Method::GET) => read(tasks::list(api.store, caller, request)),
        (["tasks"], &Method::POST) => tasks::create(api, caller, request),
        (["tasks"], _) => Err(Problem::method_not_allowed("GET, POST")),
        (["tasks", id], &Method::GET) => read(tasks::get(api.store, caller, task_id(id)?)),
        (["tasks", id], &Method::PATCH) => tasks::update(api, caller, request, task_id(id)?),
        (["tasks", id], &Method::DELETE) => tasks::delete(api, caller, request, task_id(id)?),
        (["tasks", _], _) => Err(Problem::method_not_allowed("GET, PATCH, DELETE")),
        (["tasks", id, "complete"], &Method::POST) => {
            occurrences::complete(api, caller, request, task_id(id)?)
        }
        (["tasks", id, "override"], &Method::POST) => occurrences::change(api, caller, request, task_id(id)?),
        (["tasks", id, "split"], &Method::POST) => occurrences::split(api, caller, request, task_id(id)?),
        (["tasks", _, "complete" | "override" | "split"], _) => Err(Problem::method_not_allowed("POST")),
        (["tasks", id, "occurrences"], &Method::GET) => {
            read(occurrences::list(api.store, caller, request, task_id(id)?))
        }
        (["tasks", _, "occurrences"], _) => Err(Problem::method_not_allowed("GET")),
        (["channels"], &Method::GET) => read(channels::list(api.store, caller)),
        (["channels"], &Method::POST) => channels::create(api, caller, request),
        (["channels"], _) => Err(Problem::method_not_allowed("GET, POST")),
        (["channels", id], &Method::DELETE) => channels::delete(api, caller, request, id),
        (["channels", _], _) => Err(Problem::method_not_allowed("DELETE")),
        (["notifications"], &Method::GET) => read(notifications::list(api.store, caller, request)),
        (["notifications"], _) => Err(Problem::method_not_allowed("GET")),
        (["recurrence", "preview"], &Method::POST) => read(preview::post(caller, request)),
        (["recurrence", "preview"], _) => Err(Problem::method_not_allowed("POST")),
        (["users"], &Method::GET) => read(users::list(api.store, request)),
        (["users"], &Method::POST) => users::create(api, caller, request),
        (["users"], _) => Err(Problem::method_not_allowed("GET, POST")),
        (["tokens"], &Method::GET) => read(tokens::list(api.store, request)),
        (["tokens"], &Method::POST) => tokens::create(api, caller, request),
        (["tokens"], _) => Err(Problem::method_not_allowed("GET, POST")),
        (["tokens", id], &Method::DELETE) => tokens::revoke(api, caller, request, id),
        (["tokens", _], _) => Err(Problem::method_not_allowed("DELETE")),
        _ => Err(Problem::not_found()),
    }
}

/// What is no id is the id of nothing.
fn task_id(text: &str) -> Result<TaskId, Problem> {
    TaskId::parse(text).ok_or_else(Problem::not_found)
}
