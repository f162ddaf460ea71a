//! The operations of the API, each declared once ([`TABLE`]): by it a request is refused before its body is read, and carried
//! out, and from it the description of the API is made.

mod shape;
mod table;

use http::Method;
use perennial_domain::Scope;
use perennial_http_api::{MAX_BODY, Parameter, Problem};

pub(crate) use shape::{LinesView, PageView, Shape, StreamView, shape};
pub(crate) use table::{Name, TABLE};

/// The methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

/// What operations cost, as they are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Reads,
    Writes,
}

/// One operation: a method of an address.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "schema"), expect(dead_code, reason = "read where the API is described"))]
pub(crate) struct Operation {
    pub verb: Verb,
    /// The address; `{id}` stands for one segment.
    pub path: &'static str,
    pub name: Name,
    /// What the token must allow; `None` = no token is needed.
    pub scope: Option<Scope>,
    /// What it does, in one sentence.
    pub words: &'static str,
    /// The parameters of its query; `None` = the query is not looked at.
    pub query: Option<&'static [Parameter]>,
    /// The body that it takes.
    pub body: Option<Body>,
    /// The status of its answer.
    pub status: u16,
    /// The media type of its answer.
    pub media: &'static str,
    /// The document of its answer; none with 204.
    pub answer: Option<Shape>,
    /// Whether its answer has an `ETag`.
    pub tagged: bool,
    /// Whether it honours `If-Match`.
    pub conditional: bool,
    /// Whether a repeated `Idempotency-Key` has the answer given again.
    pub keyed: bool,
    /// Whether it can find that what was asked for is wrong in itself (422).
    pub checked: bool,
    /// Whether it may add to what its user may have so many of (403 `quota-exceeded`).
    pub adds: bool,
    /// Whether what it is asked for may be kept no longer (410).
    pub forgets: bool,
    /// Whether it can be asked only to show what it would make: then it answers 200 with the same document.
    pub may_only_show: bool,
    /// Whether its answer goes on as things happen, and can be taken up after the event that `Last-Event-ID` names.
    pub streams: bool,
    /// The component that serves it, where that is another: it is described here, and not to be found here.
    pub served_by: Option<&'static str>,
}

/// A body that an operation takes.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "schema"), expect(dead_code, reason = "read where the API is described"))]
pub(crate) struct Body {
    /// The media types taken, the preferred one first.
    pub types: &'static [&'static str],
    pub shape: Shape,
    /// Longest body, in bytes.
    pub limit: usize,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it is a merge patch (RFC 7396) of the document of that shape.
    pub patch: bool,
}

impl Verb {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Operation {
    /// As what it is counted for its token; `None` = it is not. The preview asks neither the store nor who counts, and a stream is
    /// open for long.
    pub(crate) fn class(&self) -> Option<Class> {
        self.scope.filter(|_| self.name != Name::PreviewRecurrence && !self.streams)?;
        Some(if self.verb == Verb::Get { Class::Reads } else { Class::Writes })
    }

    /// Longest body, in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.body.map_or(MAX_BODY, |body| body.limit)
    }

    /// Whether it is a read whose answer the client may have already, by its entity tag.
    pub(crate) fn is_known_by_tag(&self) -> bool {
        self.verb == Verb::Get && self.tagged
    }

    /// The media types of its body; none where it takes no body.
    pub(crate) fn media_types(&self) -> &'static [&'static str] {
        self.body.map_or(&[], |body| body.types)
    }
}

/// The operation that a request asks for, and the segment that stands for `{id}`; empty where there is none. HEAD asks for what
/// GET does. An address of its own is not one with an id.
pub(crate) fn resolve<'p>(method: &Method, path: &'p str) -> Result<(&'static Operation, &'p str), Problem> {
    let asked = if method == Method::HEAD { "GET" } else { method.as_str() };
    let is_own = |row: &Operation| row.path.trim_matches('/') == path.trim_matches('/');
    let served = || TABLE.iter().filter(|row| row.served_by.is_none());
    let own = served().any(is_own);
    let rows = served().filter(|row| !own || is_own(row));
    let mut here = rows.filter_map(|row| Some((row, matched(row.path, path)?))).peekable();
    if here.peek().is_none() {
        return Err(Problem::not_found());
    }
    let mut allow = Vec::new();
    for (row, id) in here {
        if row.verb.as_str() == asked {
            return Ok((row, id));
        }
        allow.push(row.verb.as_str());
        if row.verb == Verb::Get {
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

    fn operation(method: &str, path: &str) -> Result<(Name, String), u16> {
        resolve(&Method::try_from(method).unwrap(), path)
            .map(|(row, id)| (row.name, id.to_owned()))
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn an_address_that_is_none_is_404_and_another_method_is_405() {
        assert_eq!(operation("GET", "/v1/tasks/7"), Ok((Name::GetTask, "7".to_owned())));
        assert_eq!(operation("HEAD", "/v1/tasks/7"), Ok((Name::GetTask, "7".to_owned())));
        assert_eq!(operation("HEAD", "/healthz"), Ok((Name::Health, String::new())));
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
    fn what_another_component_serves_is_not_here() {
        let elsewhere: Vec<_> = TABLE.iter().filter(|row| row.served_by.is_some()).collect();
        assert!(!elsewhere.is_empty());
        for row in elsewhere {
            assert_eq!(operation(row.verb.as_str(), row.path), Err(404), "{}", row.path);
        }
    }

    #[test]
    fn a_method_that_is_not_taken_learns_which_are() {
        for (path, allow) in [
            ("/v1/tasks", "GET, HEAD, POST"),
            ("/v1/tasks/7", "GET, HEAD, PATCH, DELETE"),
            ("/v1/tasks/7/complete", "POST"),
            ("/v1/tasks/quick", "POST"),
            ("/healthz", "GET, HEAD"),
        ] {
            let response: perennial_http_api::Response = resolve(&Method::PUT, path).unwrap_err().into();
            assert_eq!(response.headers()["allow"], allow, "{path}");
        }
    }

    #[test]
    fn nothing_but_health_and_the_description_is_open() {
        for row in TABLE {
            assert_eq!(
                row.scope.is_none(),
                ["/healthz", "/readyz", "/openapi.json", "/docs"].contains(&row.path),
                "{}",
                row.path
            );
        }
    }

    #[test]
    fn no_two_operations_are_one() {
        for (index, row) in TABLE.iter().enumerate() {
            for other in &TABLE[index + 1..] {
                assert_ne!(row.name, other.name);
                assert!(
                    row.verb != other.verb || row.path != other.path,
                    "{} {}",
                    row.verb.as_str(),
                    row.path
                );
            }
        }
    }
}
