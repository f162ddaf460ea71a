//! Why a token is refused.

use std::fmt;

use thiserror::Error;

use crate::{BadJson, Unfit};

/// Why a token is refused: words for a log. None holds a piece of the token, which anybody may have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is too long to be looked at.
    #[error("it is longer than 8 KiB")]
    TooLong,
    /// It is not header, payload and signature: encrypted (five parts), cut, or no JWT.
    #[error("it does not have three parts")]
    NotThreeParts,
    /// A part is not base64url as RFC 7515 §2 writes it.
    #[error("its {0} is not base64url without padding")]
    Encoding(Part),
    /// A part is not a JSON object.
    #[error("its {0} {1}")]
    Json(Part, BadJson),

    /// `crit` asks for extensions; none is known here (RFC 7515 §4.1.11).
    #[error("its header asks for extensions (crit)")]
    Critical,
    /// `b64` changes what is signed (RFC 7797).
    #[error("its header has b64")]
    UnencodedPayload,
    /// `jwk`, `jku`, `x5c` or `x5u`: a key that whoever wrote the token chose.
    #[error("its header brings a key or points to one")]
    KeyInHeader,
    /// Another kind of token (RFC 8725 §3.11).
    #[error("its typ is neither JWT nor at+jwt")]
    Type,
    /// A JWT within a JWT.
    #[error("its cty says that another token is within it")]
    Nested,
    /// There is no `alg`, or one that is not text.
    #[error("its header has no alg")]
    NoAlgorithm,
    /// An algorithm that the policy does not list.
    #[error("its alg is not allowed")]
    AlgorithmRefused,
    /// `kid` is not text of 1 to 255 characters.
    #[error("its kid is not text of 1 to 255 characters")]
    KeyId,

    /// No key has its `kid`: perhaps a new one.
    #[error("its kid is that of no key")]
    UnknownKey,
    /// It has no `kid`, and no key is made for its algorithm.
    #[error("it has no kid, and no key is for its alg")]
    NoKey,
    /// It has no `kid`, and several keys are made for its algorithm.
    #[error("it has no kid, and several keys are for its alg")]
    AmbiguousKey,
    /// The key of its `kid` is for another algorithm.
    #[error("its key is not for its alg")]
    KeyMismatch,
    /// The key of its `kid` can verify nothing.
    #[error("its key cannot be used: it {0}")]
    UnfitKey(Unfit),
    /// The signature is not that of this header and payload with that key.
    #[error("its signature is wrong")]
    BadSignature,

    /// A claim is needed and not there.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// A claim is not of the type that RFC 7519 §4.1 gives it.
    #[error("its {0} is of a wrong type")]
    WrongType(&'static str),
    /// A time is before 1970 or after the year 9999 (in milliseconds, perhaps); a text is empty, too long, or holds controls.
    #[error("its {0} is out of range")]
    OutOfRange(&'static str),
    /// Another issuer's.
    #[error("its issuer is another")]
    Issuer,
    /// For somebody else.
    #[error("its audience is another")]
    Audience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet (nbf)")]
    NotYetValid,
    /// Made in the future.
    #[error("it was issued in the future (iat)")]
    IssuedInFuture,
    /// Made longer ago than the policy allows.
    #[error("it was issued too long ago (iat)")]
    TooOld,
}

impl Refusal {
    /// Whether a newer key set might hold the key. Anybody can write such a token, so [`crate::cache`] says how often the set
    /// is fetched for it.
    pub const fn may_be_a_new_key(self) -> bool {
        matches!(self, Self::UnknownKey | Self::NoKey)
    }
}

/// A part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The JOSE header.
    Header,
    /// The claims.
    Payload,
    /// The signature.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}
