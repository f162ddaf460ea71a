//! The types of problems, which clients may rely on. docs/errors.md says of each when it comes and what to do.

use http::StatusCode;

/// One line a kind, so that none can be missing from the list of all.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $status:ident, $title:literal;)*) => {
        /// A type of problem: its name, its status and its title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them, in the order of their statuses.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its name: what follows `urn:perennial:problem:` in `type`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),* }
            }

            /// Its status.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status),* }
            }

            /// Its title.
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title),* }
            }
        }
    };
}

kinds! {
    /// The request cannot be read at all.
    Malformed, "malformed", BAD_REQUEST, "The request cannot be read";
    /// No token, or not a valid one.
    Unauthenticated, "unauthenticated", UNAUTHORIZED, "A valid token is needed";
    /// The token does not allow this.
    Forbidden, "forbidden", FORBIDDEN, "The token does not allow this";
    /// There are as many as a user may have.
    QuotaExceeded, "quota-exceeded", FORBIDDEN, "There are as many as may be";
    /// There is no such thing, or it is someone else's.
    NotFound, "not-found", NOT_FOUND, "There is no such thing";
    /// The address takes other methods.
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "Not with this method";
    /// The client does not take what there is.
    NotAcceptable, "not-acceptable", NOT_ACCEPTABLE, "Not in this form";
    /// The body did not arrive in time.
    Timeout, "timeout", REQUEST_TIMEOUT, "The body took too long";
    /// Others changed the same thing at once.
    Conflict, "conflict", CONFLICT, "Too many changes at once";
    /// The last admin cannot be deleted.
    LastAdmin, "last-admin", CONFLICT, "Nobody else is an admin";
    /// It was kept for a time, which is over.
    Gone, "gone", GONE, "It is no longer kept";
    /// `If-Match` names another version.
    PreconditionFailed, "precondition-failed", PRECONDITION_FAILED, "It has changed since it was read";
    /// The body is over the limit.
    TooLarge, "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is of a kind that is not read.
    UnsupportedMediaType, "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Not with this media type";
    /// A field is wrong.
    Invalid, "invalid", UNPROCESSABLE_ENTITY, "Something in the request is wrong";
    /// The idempotency key was used for another request.
    IdempotencyMismatch, "idempotency-mismatch", UNPROCESSABLE_ENTITY, "The key was used before";
    /// The token has been used too often.
    RateLimited, "rate-limited", TOO_MANY_REQUESTS, "Too many requests";
    /// The user follows what happens as often as they may.
    TooManyStreams, "too-many-streams", TOO_MANY_REQUESTS, "Too many streams at once";
    /// A setting of the service is wrong.
    Misconfigured, "misconfigured", INTERNAL_SERVER_ERROR, "The service is not set up right";
    /// The service cannot answer now.
    Unavailable, "unavailable", SERVICE_UNAVAILABLE, "The service cannot answer now";
}
