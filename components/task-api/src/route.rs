//! Which address takes which method: one table, by which a request is refused before its body is read, and carried out.

use http::Method;
use perennial_domain::Scope;
use perennial_http_api::Problem;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Health,
    Ready,
    ListTasks,
    CreateTask,
    GetTask,
    UpdateTask,
    DeleteTask,
    CompleteOccurrence,
    ReopenOccurrence,
    OverrideOccurrence,
    SplitSeries,
    ListOccurrences,
    ListChannels,
    CreateChannel,
    DeleteChannel,
    ListNotifications,
    ListParked,
    RetryParked,
    Preview,
    ListUsers,
    CreateUser,
    ListTokens,
    CreateToken,
    RevokeToken,
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Route {
    pub method: Method,
    /// The address; `{id}` stands for one segment.
    pub path: &'static str,
    pub operation: Operation,
    /// What the token must allow; `None` = no token is needed.
    pub scope: Option<Scope>,
    /// The media types of its body; none where it takes no body.
    pub takes: &'static [&'static str],
}

const NOTHING: &[&str] = &[];
const JSON: &[&str] = &["application/json"];
const PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

const OPEN: Option<Scope> = None;
const READ: Option<Scope> = Some(Scope::TasksRead);
const WRITE: Option<Scope> = Some(Scope::TasksWrite);
const ADMIN: Option<Scope> = Some(Scope::Admin);

#[rustfmt::skip]
const TABLE: &[Route] = &[
    row(Method::GET,    "/healthz",                     Operation::Health,             OPEN,  NOTHING),
    row(Method::GET,    "/readyz",                      Operation::Ready,              OPEN,  NOTHING),
    row(Method::GET,    "/v1/tasks",                    Operation::ListTasks,          READ,  NOTHING),
    row(Method::POST,   "/v1/tasks",                    Operation::CreateTask,         WRITE, JSON),
    row(Method::GET,    "/v1/tasks/{id}",               Operation::GetTask,            READ,  NOTHING),
    row(Method::PATCH,  "/v1/tasks/{id}",               Operation::UpdateTask,         WRITE, PATCH),
    row(Method::DELETE, "/v1/tasks/{id}",               Operation::DeleteTask,         WRITE, NOTHING),
    row(Method::POST,   "/v1/tasks/{id}/complete",      Operation::CompleteOccurrence, WRITE, JSON),
    row(Method::POST,   "/v1/tasks/{id}/reopen",        Operation::ReopenOccurrence,   WRITE, JSON),
    row(Method::POST,   "/v1/tasks/{id}/override",      Operation::OverrideOccurrence, WRITE, JSON),
    row(Method::POST,   "/v1/tasks/{id}/split",         Operation::SplitSeries,        WRITE, JSON),
    row(Method::GET,    "/v1/tasks/{id}/occurrences",   Operation::ListOccurrences,    READ,  NOTHING),
    row(Method::GET,    "/v1/channels",                 Operation::ListChannels,       READ,  NOTHING),
    row(Method::POST,   "/v1/channels",                 Operation::CreateChannel,      WRITE, JSON),
    row(Method::DELETE, "/v1/channels/{id}",            Operation::DeleteChannel,      WRITE, NOTHING),
    row(Method::GET,    "/v1/notifications",            Operation::ListNotifications,  READ,  NOTHING),
    row(Method::GET,    "/v1/parked",                   Operation::ListParked,         READ,  NOTHING),
    row(Method::POST,   "/v1/parked/{id}/retry",        Operation::RetryParked,        WRITE, NOTHING),
    row(Method::POST,   "/v1/recurrence/preview",       Operation::Preview,            READ,  JSON),
    row(Method::GET,    "/v1/users",                    Operation::ListUsers,          ADMIN, NOTHING),
    row(Method::POST,   "/v1/users",                    Operation::CreateUser,         ADMIN, JSON),
    row(Method::GET,    "/v1/tokens",                   Operation::ListTokens,         ADMIN, NOTHING),
    row(Method::POST,   "/v1/tokens",                   Operation::CreateToken,        ADMIN, JSON),
    row(Method::DELETE, "/v1/tokens/{id}",              Operation::RevokeToken,        ADMIN, NOTHING),
];

const fn row(
    method: Method,
    path: &'static str,
    operation: Operation,
    scope: Option<Scope>,
    takes: &'static [&'static str],
) -> Route {
    Route { method, path, operation, scope, takes }
}

/// The row for a request, and the segment that stands for `{id}`; empty where there is none. HEAD asks for what GET does.
pub(crate) fn resolve<'p>(method: &Method, path: &'p str) -> Result<(&'static Route, &'p str), Problem> {
    let asked = if method == Method::HEAD { &Method::GET } else { method };
    let mut here = TABLE.iter().filter_map(|row| Some((row, matched(row.path, path)?))).peekable();
    if here.peek().is_none() {
        return Err(Problem::not_found());
    }
    let mut allow = Vec::new();
    for (row, id) in here {
        if row.method == *asked {
            return Ok((row, id));
        }
        allow.push(row.method.as_str());
        if row.method == Method::GET {
            allow.push("HEAD");
        }
    }
    Err(Problem::method_not_allowed(&allow.join(", ")))
}

/// The segment in place of `{id}`, if an address is of this form.
fn matched<'p>(form: &str, path: &'p str) -> Option<&'p str> {
    let mut id = "";
    let mut segments = path.trim_matches('/').split('/');
    for expected in form.trim_matches('/').split('/') {
        let segment = segments.next()?;
        if expected == "{id}" {
            id = segment;
        } else if expected != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &str, path: &str) -> Result<(Operation, String), u16> {
        resolve(&Method::try_from(method).unwrap(), path)
            .map(|(row, id)| (row.operation, id.to_owned()))
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn an_address_that_is_none_is_404_and_another_method_is_405() {
        assert_eq!(operation("GET", "/v1/tasks/7"), Ok((Operation::GetTask, "7".to_owned())));
        assert_eq!(operation("HEAD", "/v1/tasks/7"), Ok((Operation::GetTask, "7".to_owned())));
        assert_eq!(operation("HEAD", "/healthz"), Ok((Operation::Health, String::new())));
        for path in
            ["/", "", "/v1", "/v1/chores", "/v1/tasks/7/nothing", "/v1/tasks/7/complete/x", "/V1/tasks"]
        {
            assert_eq!(operation("GET", path), Err(404), "{path}");
            assert_eq!(operation("BREW", path), Err(404), "{path}");
        }
        for (method, path) in [
            ("PUT", "/v1/tasks"),
            ("HEAD", "/v1/tasks/7/split"),
            ("POST", "/healthz"),
            ("BREW", "/v1/tasks/7"),
        ] {
            assert_eq!(operation(method, path), Err(405), "{method} {path}");
        }
    }

    #[test]
    fn a_method_that_is_not_taken_learns_which_are() {
        for (path, allow) in [
            ("/v1/tasks", "GET, HEAD, POST"),
            ("/v1/tasks/7", "GET, HEAD, PATCH, DELETE"),
            ("/v1/tasks/7/complete", "POST"),
            ("/healthz", "GET, HEAD"),
        ] {
            let response: perennial_http_api::Response = resolve(&Method::PUT, path).unwrap_err().into();
            assert_eq!(response.headers()["allow"], allow, "{path}");
        }
    }

    #[test]
    fn nothing_but_health_is_open() {
        for row in TABLE {
            assert_eq!(row.scope.is_none(), ["/healthz", "/readyz"].contains(&row.path), "{}", row.path);
        }
    }
}
