//! Letting requests in: by the head first, then with their body.

use http::Method;
use perennial_audit::Key;
use perennial_domain::{Scope, TaskId, Timestamp, TokenId, UserId};
use perennial_http_api::audit::{ANCHOR, EXPORT, LIST, MAX_ANCHORS_BODY, TASK_AT, VERIFY};
use perennial_http_api::{
    Accepted, Caller, Head, KeyServer, MAX_BODY, Parameter, Problem, Query, Request, Response, authenticate,
    check_body,
};
use perennial_store::{AuditStore, StoreError, SystemStore};

use crate::{Limits, anchors, export, list, task_at, verify};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    List,
    Export,
    Verify,
    VerifyAnchors,
    Anchor,
    TaskAt,
}

/// One operation: a method of an address. `{id}` stands for one segment.
struct Operation {
    verb: &'static str,
    path: &'static str,
    name: Name,
    query: &'static [Parameter],
}

/// The operations, as crates/api/src/operation/table.rs describes them.
const TABLE: &[Operation] = &[
    get("/v1/audit", Name::List, LIST),
    get("/v1/audit/export", Name::Export, EXPORT),
    get("/v1/audit/verify", Name::Verify, VERIFY),
    Operation { verb: "POST", ..get("/v1/audit/verify", Name::VerifyAnchors, VERIFY) },
    get("/v1/audit/anchor", Name::Anchor, ANCHOR),
    get("/v1/audit/tasks/{id}", Name::TaskAt, TASK_AT),
];

/// The media types of a body.
const JSON: &[&str] = &["application/json"];

const fn get(path: &'static str, name: Name, query: &'static [Parameter]) -> Operation {
    Operation { verb: "GET", path, name, query }
}

/// What requests are answered from.
pub struct Service<'a, S> {
    /// The store.
    pub store: &'a S,
    /// What anchors are signed with; none are made without.
    pub key: Option<&'a Key>,
    /// How often a token may ask.
    pub limits: Limits<'a>,
    /// The time.
    pub now: Timestamp,
}

/// A request whose head was let in: its body may be read now.
#[derive(Debug)]
pub struct Admitted {
    name: Name,
    query: Query,
    id: String,
    caller: Caller,
    /// Whose audit is asked for.
    user: UserId,
}

/// Looks at the head of a request: 404 and 405, 401 and 403, 413 and 415, 400 need nothing more. The store is opened only for a token
/// that has to be looked up.
pub async fn admit<'s, S: SystemStore + 's>(
    head: &Head,
    accepted: &Accepted<'_, impl KeyServer>,
    store: impl FnOnce() -> Result<&'s S, StoreError>,
    now: Timestamp,
) -> Result<Admitted, Problem> {
    let (operation, id) = resolve(&head.method, head.uri.path())?;
    let caller = authenticate(&head.headers, accepted, store, now).await?;
    caller.needs(Scope::TasksRead)?;
    let (types, limit) = body_of(operation.name);
    check_body(&head.headers, types, limit)?;
    let query = Query::read(&head.uri, operation.query)?;
    let user = query.get("user").map_or_else(|| caller.user.id.clone(), UserId::new);
    if user != caller.user.id {
        caller.needs(Scope::Admin)?;
    }
    Ok(Admitted { name: operation.name, query, id: id.to_owned(), caller, user })
}

/// The form of the address of a request, for the log: no user's words are in it.
pub fn template(head: &Head) -> &'static str {
    resolve(&head.method, head.uri.path()).map_or("", |(operation, _)| operation.path)
}

/// The answer as it goes out: a problem as its document, and nothing but the head to HEAD.
pub fn finish(method: &Method, answered: Result<Response, Problem>) -> Response {
    let mut response = answered.unwrap_or_else(Response::from);
    if method == Method::HEAD {
        response.body_mut().clear();
    }
    response
}

/// The media types and the longest body of an operation.
fn body_of(name: Name) -> (&'static [&'static str], usize) {
    match name {
        Name::VerifyAnchors => (JSON, MAX_ANCHORS_BODY),
        _ => (&[], MAX_BODY),
    }
}

/// The operation that a request asks for, and the segment that stands for `{id}`; empty where there is none.
fn resolve<'p>(method: &Method, path: &'p str) -> Result<(&'static Operation, &'p str), Problem> {
    let asked = if method == Method::HEAD { "GET" } else { method.as_str() };
    let mut allow = Vec::new();
    for operation in TABLE {
        let Some(id) = matched(operation.path, path) else { continue };
        if operation.verb == asked {
            return Ok((operation, id));
        }
        allow.push(operation.verb);
        if operation.verb == "GET" {
            allow.push("HEAD");
        }
    }
    if allow.is_empty() {
        Err(Problem::not_found())
    } else {
        Err(Problem::method_not_allowed(&allow.join(", ")))
    }
}

/// The segment in place of `{id}`, if an address is of this form.
fn matched<'p>(form: &str, path: &'p str) -> Option<&'p str> {
    let path = path.trim_matches('/');
    match form.trim_matches('/').strip_suffix("{id}") {
        Some(start) => path.strip_prefix(start).filter(|id| !id.is_empty() && !id.contains('/')),
        None => (path == form.trim_matches('/')).then_some(""),
    }
}

impl Admitted {
    /// Whether there is a body to read.
    pub fn takes_body(&self) -> bool {
        self.name == Name::VerifyAnchors
    }

    /// Longest body that is read, in bytes.
    pub fn limit(&self) -> usize {
        body_of(self.name).1
    }

    /// Whose token it is to be noted that it was used, once the answer has gone out.
    pub fn used(&self) -> Option<(UserId, TokenId)> {
        Some((self.caller.user.id.clone(), self.caller.to_note?))
    }

    /// Carries the request out, if its token has not been used too often.
    pub fn carry_out<S: AuditStore>(
        &self,
        service: &Service<'_, S>,
        request: &Request,
    ) -> Result<Response, Problem> {
        service.limits.counted(&self.caller, || self.answer(service, request))
    }

    fn answer<S: AuditStore>(
        &self,
        service: &Service<'_, S>,
        request: &Request,
    ) -> Result<Response, Problem> {
        let Service { store, key, now, .. } = *service;
        let (user, query) = (&self.user, &self.query);
        match self.name {
            Name::List => list::list(store, user, query),
            Name::Export => export::export(store, user, query),
            Name::Verify => verify::verify(store, user, query, now),
            Name::VerifyAnchors => verify::verify_anchors(store, user, (query, request), key, now),
            Name::Anchor => anchors::anchor(store, user, key, now),
            Name::TaskAt => {
                // What is no id is the id of nothing.
                let task = TaskId::parse(&self.id).ok_or_else(Problem::not_found)?;
                task_at::task_at(store, user, task, query, now)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_404_and_another_method_is_405() {
        let resolved = |method: &Method, path: &'static str| {
            resolve(method, path)
                .map(|(operation, id)| (operation.name, id))
                .map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(resolved(&Method::GET, "/v1/audit/tasks/7"), Ok((Name::TaskAt, "7")));
        assert_eq!(resolved(&Method::HEAD, "/v1/audit/"), Ok((Name::List, "")));
        assert_eq!(resolved(&Method::POST, "/v1/audit/verify"), Ok((Name::VerifyAnchors, "")));
        for path in
            ["/v1/audit/x", "/v1/audit/tasks", "/v1/audit/tasks/", "/v1/audit/tasks/7/8", "/v1/audits", "/"]
        {
            assert_eq!(resolved(&Method::GET, path), Err(404), "{path}");
        }
        assert_eq!(resolved(&Method::POST, "/v1/audit"), Err(405));
        let response = Response::from(resolve(&Method::PUT, "/v1/audit/verify").err().unwrap());
        assert_eq!(response.headers()["allow"], "GET, HEAD, POST");
    }
}
