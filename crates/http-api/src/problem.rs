//! Every error that a client sees: a Problem Details document (RFC 9457) with a stable type.

use http::{HeaderName, HeaderValue, StatusCode, header};
use perennial_domain::{Broken, FieldError, Invalid, broken_rule};
use perennial_store::{RateCount, StoreError};
use serde_json::json;

use crate::auth::not_valid;
use crate::rate::seconds;
use crate::{Kind, RatePolicy, Response};

/// What every `type` starts with.
const TYPE: &str = "urn:perennial:problem:";

/// Most errors that a problem lists.
pub const MAX_ERRORS: usize = 100;

/// Longest detail, in characters. Some quote what was sent.
pub const MAX_DETAIL: usize = 10_000;

/// Streams that a user may have open at once.
pub const MAX_STREAMS: u32 = 20;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Details>);

#[derive(Debug, Clone, PartialEq)]
struct Details {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Milliseconds after which it may be tried again.
    left: Option<i64>,
    request: Option<String>,
    cause: Option<String>,
}

impl Problem {
    fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            left: None,
            request: None,
            cause: None,
        }))
    }

    fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.0.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// The same problem with further headers.
    #[must_use]
    pub fn with_headers(mut self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        self.0.headers.extend(headers);
        self
    }

    /// The request cannot be read at all: not JSON, or a header or query parameter that is unusable.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, detail)
    }

    /// No token, or not a valid one.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unauthenticated, detail).with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// The token does not allow this.
    pub fn forbidden(scope: &str) -> Self {
        Self::new(Kind::Forbidden, format!("this needs a token with the scope {scope}"))
    }

    /// A user may have no more of what was asked for; `detail` says how many, and what helps.
    pub fn quota_exceeded(detail: impl Into<String>) -> Self {
        Self::new(Kind::QuotaExceeded, detail)
    }

    /// The token has been used as often as it may until its window is over, in so many milliseconds.
    pub fn rate_limited(left: i64) -> Self {
        let seconds = seconds(left);
        let detail = format!("this token has been used as often as it may: try again in {seconds} seconds");
        let mut problem =
            Self::new(Kind::RateLimited, detail).with_header(header::RETRY_AFTER, &seconds.to_string());
        problem.0.left = Some(left);
        problem
    }

    /// The same problem, telling the limit that was reached, where it is one of a rate.
    #[must_use]
    pub fn of_policy(self, policy: Option<RatePolicy>) -> Self {
        let (Some(policy), Some(left)) = (policy, self.0.left) else { return self };
        self.with_headers(policy.headers(RateCount { count: policy.limit, left }))
    }

    /// There is no such thing, or it is someone else's: nobody can tell which.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "nothing of yours has this address")
    }

    /// The thing is there, but not for this method.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(Kind::MethodNotAllowed, format!("this address takes {allow}"))
            .with_header(header::ALLOW, allow)
    }

    /// The client takes none of the media types that there are.
    pub fn not_acceptable(media: &str) -> Self {
        Self::new(Kind::NotAcceptable, format!("this address answers with {media}: let Accept allow it"))
    }

    /// The user has so many streams open already; one may end within so many seconds.
    pub fn too_many_streams(seconds: u32) -> Self {
        let detail = format!(
            "you have {MAX_STREAMS} streams open already: end one, or try again in {seconds} seconds"
        );
        Self::new(Kind::TooManyStreams, detail).with_header(header::RETRY_AFTER, &seconds.to_string())
    }

    /// The body did not arrive in time.
    pub fn timeout(seconds: u64) -> Self {
        Self::new(Kind::Timeout, format!("a body must arrive within {seconds} seconds"))
    }

    /// Others changed the same thing at once, again and again.
    pub fn conflict() -> Self {
        Self::new(
            Kind::Conflict,
            "others changed the same thing at the same time; nothing was changed, try again",
        )
    }

    /// Without this user nobody could make users and tokens.
    pub fn last_admin() -> Self {
        Self::new(Kind::LastAdmin, "this is the last admin: nobody could make users and tokens any more")
    }

    /// What was asked for is no longer kept.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(Kind::Gone, detail)
    }

    /// `If-Match` names another version.
    pub fn precondition_failed(current: &str) -> Self {
        Self::new(Kind::PreconditionFailed, format!("the current version is {current}; read it again"))
    }

    /// The body is over the limit.
    pub fn too_large(limit: usize) -> Self {
        Self::new(Kind::TooLarge, format!("a body may have {limit} bytes"))
    }

    /// The body is of a kind that is not read here.
    pub fn unsupported_media_type(detail: &str) -> Self {
        Self::new(Kind::UnsupportedMediaType, detail)
    }

    /// The idempotency key was used for another request, or with another token.
    pub fn idempotency_mismatch() -> Self {
        let detail = "this Idempotency-Key was used for a request with another method, address, If-Match, body or token";
        Self::new(Kind::IdempotencyMismatch, detail)
    }

    /// The service cannot answer now. Where it may have changed anything, the detail says so.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, detail)
    }

    /// A setting of the service is wrong; only its operator can mend it.
    pub fn misconfigured(detail: impl Into<String>) -> Self {
        Self::new(Kind::Misconfigured, detail)
    }

    /// The same problem in a document that holds the one looked at at `pointer`.
    pub fn under(mut self, pointer: &str) -> Self {
        for error in &mut self.0.errors {
            error.pointer.insert_str(0, pointer);
        }
        self
    }

    /// The same problem, naming the request by the id under which the log has it (`instance`, RFC 9457 §3.1.5).
    pub fn of_request(mut self, id: &str) -> Self {
        self.0.request = Some(id.to_owned());
        self
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Why, in words.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields that are wrong; none where the problem is another.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.0.errors
    }

    /// The same problem, with its reason for the log alone.
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// What failed, for the log alone; `None` where the client is who can mend it. A 401 with one is no failure: it says what is
    /// wrong with a JWT, which its bearer is not told.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let mut errors = invalid.errors;
        let more = errors.len().saturating_sub(MAX_ERRORS);
        errors.truncate(MAX_ERRORS);
        let mut said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        if more > 0 {
            said.push(format!("and {more} more"));
        }
        let mut problem = Self::new(Kind::Invalid, said.join("; "));
        problem.0.errors = errors;
        problem
    }
}

/// A text, or its beginning where it is too long.
fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_DETAIL).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// What a client learns of a failure of the store: never its text, which goes to the log.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let mut problem = match &error {
            StoreError::Changed(_) | StoreError::Duplicate(_) => return Self::conflict(),
            StoreError::Forbidden(refusal) => return against(&refusal.what),
            StoreError::Schema { found, needed } => Self::unavailable(format!(
                "the database has schema version {found}, this build needs {needed}"
            )),
            // Also a connection that was lost once the statement was sent.
            StoreError::Unavailable(_) => Self::unavailable(
                "the store is out of reach, or has no place for this now; it is not known whether this was carried out: ask again, under the same Idempotency-Key",
            ),
            StoreError::Busy(_) => Self::unavailable(
                "others write for this user all the time: ask again, under the same Idempotency-Key",
            ),
            _ => Self::unavailable("the store did not answer as it should; nothing was changed"),
        };
        problem.0.cause = Some(error.to_string());
        problem
    }
}

/// What a client learns of a rule that it is against.
fn against(rule: &str) -> Problem {
    match rule {
        // Its token was that of nobody by the time of the write.
        "user" => not_valid(),
        "last-admin" => Problem::last_admin(),
        _ => match broken_rule(rule) {
            Broken::Invalid(invalid) => invalid.into(),
            Broken::Quota(detail) => Problem::quota_exceeded(detail),
            Broken::Rate(left) => Problem::rate_limited(left),
        },
    }
}

impl From<Problem> for Response {
    fn from(Problem(problem): Problem) -> Self {
        let mut document = json!({
            "type": format!("{TYPE}{}", problem.kind.name()),
            "title": problem.kind.title(),
            "status": problem.kind.status().as_u16(),
            "detail": cut(&problem.detail),
        });
        if let Some(members) = document.as_object_mut() {
            if !problem.errors.is_empty() {
                let errors = problem
                    .errors
                    .iter()
                    .map(|e| {
                        let mut error = json!({ "pointer": e.pointer, "detail": cut(&e.detail) });
                        if let (Some(span), Some(members)) = (e.span, error.as_object_mut()) {
                            members.insert("span".to_owned(), json!(span));
                        }
                        error
                    })
                    .collect::<Vec<_>>();
                members.insert("errors".to_owned(), errors.into());
            }
            if let Some(id) = problem.request {
                members.insert("instance".to_owned(), format!("urn:perennial:request:{id}").into());
            }
        }
        let mut response = crate::answer(problem.kind.status(), &document);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(problem.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_write_is_told_only_where_it_is_known() {
        let detail = |error| Problem::from(error).0.detail;
        let lost = detail(StoreError::Unavailable("connection closed".to_owned()));
        assert!(lost.contains("not known") && !lost.contains("nothing was changed"), "{lost}");
        let refused = detail(StoreError::Database("22P02: invalid input".to_owned()));
        assert!(refused.contains("nothing was changed"), "{refused}");
    }

    #[test]
    fn a_problem_is_no_longer_than_it_says_however_much_is_wrong() {
        let mut invalid = Invalid::default();
        for index in 0..1_000 {
            let detail = format!("\u{e9}{} is wrong", "x".repeat(20_000));
            invalid.errors.push(FieldError { pointer: format!("/{index}"), detail, span: None });
        }
        let response: Response = Problem::from(invalid).into();
        let document: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let length = |text: &serde_json::Value| text.as_str().unwrap().chars().count();
        let errors = document["errors"].as_array().unwrap();
        assert_eq!(errors.len(), MAX_ERRORS);
        assert_eq!((length(&document["detail"]), length(&errors[0]["detail"])), (MAX_DETAIL, MAX_DETAIL));

        let one = FieldError { pointer: "/a".to_owned(), detail: "is b".to_owned(), span: None };
        let few = Invalid { errors: vec![one; 102] };
        let detail = Problem::from(few).0.detail;
        assert!(detail.ends_with("/a: is b; and 2 more"), "{detail}");
    }
}
