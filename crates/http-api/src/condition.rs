//! Conditions: entity tags and `If-Match` (RFC 9110 §13.1.1).

use http::{HeaderMap, header};

use crate::Problem;

/// The strong entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// What `If-Match` asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum IfMatch {
    /// Nothing.
    Absent,
    /// One of these tags; `*` is any.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Reads the header.
    pub fn parse(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| Problem::malformed("If-Match is not ASCII"))?;
            tags.extend(text.split(',').map(|tag| tag.trim().to_owned()));
        }
        Ok(if tags.is_empty() { Self::Absent } else { Self::OneOf(tags) })
    }

    /// Whether the condition holds for a version.
    pub fn check(&self, version: i64) -> Result<(), Problem> {
        let current = etag(version);
        match self {
            Self::OneOf(tags) if !tags.iter().any(|tag| tag == "*" || *tag == current) => {
                Err(Problem::precondition_failed(&current))
            }
            _ => Ok(()),
        }
    }
}
