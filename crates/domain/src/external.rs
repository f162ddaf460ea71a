//! Who a user is to an issuer of tokens (OpenID Connect Core §2).

#[cfg(feature = "schema")]
use crate::pattern::{PRINTED, VISIBLE};
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Longest issuer, in characters.
pub(crate) const MAX_ISSUER: usize = 512;
/// Longest subject, in characters: what OpenID Connect Core §2 allows a `sub`.
pub(crate) const MAX_SUBJECT: usize = 255;

/// Whom an issuer's tokens speak of. A subject is the issuer's word for somebody and never a user id of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `iss` of their tokens, letter by letter: 1 to 512 visible ASCII characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_ISSUER), regex(pattern = VISIBLE)))]
    pub issuer: String,
    /// `sub` of their tokens, letter by letter: 1 to 255 characters, none of them a control.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_SUBJECT), regex(pattern = PRINTED)))]
    pub subject: String,
}

impl Identity {
    /// The same, if a token can say it.
    pub(crate) fn checked(&self, pointer: &str) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let issuer = &self.issuer;
        if issuer.is_empty() || issuer.len() > MAX_ISSUER || !issuer.bytes().all(|b| b.is_ascii_graphic()) {
            let detail = format!("must be 1 to {MAX_ISSUER} visible ASCII characters, without spaces");
            invalid.add(format!("{pointer}/issuer"), detail);
        }
        let long = self.subject.chars().nth(MAX_SUBJECT).is_some();
        if self.subject.is_empty() || long || self.subject.chars().any(char::is_control) {
            let detail = format!("must be 1 to {MAX_SUBJECT} characters, none of them a control character");
            invalid.add(format!("{pointer}/subject"), detail);
        }
        if invalid.errors.is_empty() { Ok(self.clone()) } else { Err(invalid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_token_can_say_is_refused_where_it_is() {
        let wrong = |issuer: &str, subject: &str| {
            let identity = Identity { issuer: issuer.to_owned(), subject: subject.to_owned() };
            let errors = identity.checked("/identity").err().unwrap_or_default().errors;
            errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()
        };
        let (issuer, subject) = ("i".repeat(MAX_ISSUER), "\u{e9}".repeat(MAX_SUBJECT));
        assert!(wrong("https://id.example/", " auth0|5f7c \u{fc}").is_empty());
        assert!(wrong(&issuer, &subject).is_empty());
        for issuer in ["", "two words", "caf\u{e9}", "a\n", &format!("{issuer}i")] {
            assert_eq!(wrong(issuer, "ada"), ["/identity/issuer"], "{issuer:?}");
        }
        for subject in ["", "a\nb", "\u{85}", &format!("{subject}s")] {
            assert_eq!(wrong("i", subject), ["/identity/subject"], "{subject:?}");
        }
        assert_eq!(wrong("", ""), ["/identity/issuer", "/identity/subject"]);
    }
}
