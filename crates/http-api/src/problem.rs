//! Every error that a client sees: a Problem Details document (RFC 9457) with a stable type.

use http::{HeaderValue, StatusCode, header};
use perennial_domain::{FieldError, Invalid};
use perennial_store::StoreError;
use serde_json::json;

use crate::Response;

/// What every `type` starts with.
const TYPE: &str = "urn:perennial:problem:";

/// Why a request was not carried out. Each constructor names a type that clients may rely on.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Details>);

#[derive(Debug, Clone, PartialEq)]
struct Details {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    header: Option<(header::HeaderName, &'static str)>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            status,
            kind,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            header: None,
        }))
    }

    fn with_header(mut self, name: header::HeaderName, value: &'static str) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// The request cannot be read at all: not JSON, or a header or query parameter that is unusable.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// No token, or not a valid one.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "A valid token is needed", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// The token does not allow this.
    pub fn forbidden(scope: &str) -> Self {
        let detail = format!("this needs a token with the scope {scope}");
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The token does not allow this", detail)
    }

    /// There is no such thing, or it is someone else's: nobody can tell which.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            "nothing of yours has this address",
        )
    }

    /// The thing is there, but not for this method.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("this address takes {allow}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not with this method", detail)
            .with_header(header::ALLOW, allow)
    }

    /// Others changed the same thing at once, again and again.
    pub fn conflict() -> Self {
        let detail = "others changed the same thing at the same time; nothing was changed, try again";
        Self::new(StatusCode::CONFLICT, "conflict", "Too many changes at once", detail)
    }

    /// `If-Match` names another version.
    pub fn precondition_failed(current: &str) -> Self {
        let detail = format!("the current version is {current}; read it again");
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "It has changed since it was read",
            detail,
        )
    }

    /// The body is over the limit.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("a body may have {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// The body is of a type that is not taken here.
    pub fn unsupported_media_type(expected: &str) -> Self {
        let detail = format!("send {expected}");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Not with this media type",
            detail,
        )
    }

    /// The idempotency key was used for another request.
    pub fn idempotency_mismatch() -> Self {
        let detail = "this Idempotency-Key was used for a request with another method, address or body";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-mismatch", "The key was used before", detail)
    }

    /// The service cannot answer now; nothing was changed.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer now", detail)
    }

    /// A setting of the service is wrong; only its operator can mend it.
    pub fn misconfigured(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "misconfigured",
            "The service is not set up right",
            detail,
        )
    }

    /// The same problem in a document that holds the one looked at at `pointer`.
    pub fn under(mut self, pointer: &str) -> Self {
        for error in &mut self.0.errors {
            error.pointer.insert_str(0, pointer);
        }
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let detail = invalid.to_string();
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "Something in the request is wrong",
            detail,
        );
        problem.0.errors = invalid.errors;
        problem
    }
}

/// What a client learns of a failure of the store: never its text, which goes to the log.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Changed(_) | StoreError::Duplicate(_) => Self::conflict(),
            StoreError::Schema { found, needed } => Self::unavailable(format!(
                "the database has schema version {found}, this build needs {needed}"
            )),
            _ => Self::unavailable("the store did not answer as it should; nothing was changed"),
        }
    }
}

impl From<Problem> for Response {
    fn from(Problem(problem): Problem) -> Self {
        let mut document = json!({
            "type": format!("{TYPE}{}", problem.kind),
            "title": problem.title,
            "status": problem.status.as_u16(),
            "detail": problem.detail,
        });
        if let (false, Some(members)) = (problem.errors.is_empty(), document.as_object_mut()) {
            let errors = problem
                .errors
                .iter()
                .map(|e| json!({ "pointer": e.pointer, "detail": e.detail }))
                .collect::<Vec<_>>();
            members.insert("errors".to_owned(), errors.into());
        }
        let mut response = crate::answer(problem.status, &document);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = problem.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
