//! The types of problems, which clients may rely on. docs/errors.md says of each when it comes and what to do.

use http::StatusCode;

/// A type of problem: its name, its status and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be read at all.
    Malformed,
    /// No token, or not a valid one.
    Unauthenticated,
    /// The token does not allow this.
    Forbidden,
    /// There is no such thing, or it is someone else's.
    NotFound,
    /// The address takes other methods.
    MethodNotAllowed,
    /// The body did not arrive in time.
    Timeout,
    /// Others changed the same thing at once.
    Conflict,
    /// `If-Match` names another version.
    PreconditionFailed,
    /// The body is over the limit.
    TooLarge,
    /// The body is of a kind that is not read.
    UnsupportedMediaType,
    /// A field is wrong.
    Invalid,
    /// The idempotency key was used for another request.
    IdempotencyMismatch,
    /// A setting of the service is wrong.
    Misconfigured,
    /// The service cannot answer now.
    Unavailable,
}

impl Kind {
    /// All of them, in the order of their statuses.
    pub const ALL: [Self; 14] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::IdempotencyMismatch,
        Self::Misconfigured,
        Self::Unavailable,
    ];

    /// Its name: what follows `urn:perennial:problem:` in `type`.
    pub fn name(self) -> &'static str {
        self.parts().0
    }

    /// Its status.
    pub fn status(self) -> StatusCode {
        self.parts().1
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        self.parts().2
    }

    fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::Malformed => ("malformed", StatusCode::BAD_REQUEST, "The request cannot be read"),
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED, "A valid token is needed"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "The token does not allow this"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "There is no such thing"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "Not with this method")
            }
            Self::Timeout => ("timeout", StatusCode::REQUEST_TIMEOUT, "The body took too long"),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "Too many changes at once"),
            Self::PreconditionFailed => {
                ("precondition-failed", StatusCode::PRECONDITION_FAILED, "It has changed since it was read")
            }
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not with this media type")
            }
            Self::Invalid => {
                ("invalid", StatusCode::UNPROCESSABLE_ENTITY, "Something in the request is wrong")
            }
            Self::IdempotencyMismatch => {
                ("idempotency-mismatch", StatusCode::UNPROCESSABLE_ENTITY, "The key was used before")
            }
            Self::Misconfigured => {
                ("misconfigured", StatusCode::INTERNAL_SERVER_ERROR, "The service is not set up right")
            }
            Self::Unavailable => {
                ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "The service cannot answer now")
            }
        }
    }
}
