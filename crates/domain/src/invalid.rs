//! What is wrong with a command, field by field.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

/// A part of a text, in characters (Unicode code points): from `start` on, before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TextSpan"))]
pub struct Span {
    /// Its first character.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000)))]
    pub start: usize,
    /// What comes after its last.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000)))]
    pub end: usize,
}

/// A name as a part of a JSON Pointer (RFC 6901 §3).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the document that was sent.
    pub pointer: String,
    /// What is wrong and what would be right, for the person who sent it.
    pub detail: String,
    /// Where in a text it is wrong, if it is a text that is read word by word.
    pub span: Option<Span>,
}

/// What is wrong with the document itself has no place to name.
impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.detail),
            pointer => write!(f, "{pointer}: {}", self.detail),
        }
    }
}

/// A command that cannot be carried out as sent. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Error)]
#[error("{}", .errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Invalid {
    /// Everything found wrong, in the order of the fields.
    pub errors: Vec<FieldError>,
}

impl Invalid {
    /// One error at one place.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut invalid = Self::default();
        invalid.add(pointer, detail);
        invalid
    }

    /// The same errors in a document that holds this one at `pointer`.
    pub fn under(mut self, pointer: &str) -> Self {
        for error in &mut self.errors {
            error.pointer.insert_str(0, pointer);
        }
        self
    }

    /// Notes that a field is wrong.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into(), span: None });
    }

    /// Keeps the value of a field, or notes what was wrong with it and goes on to the next.
    pub(crate) fn keep<T>(&mut self, field: Result<T, Self>) -> Option<T> {
        match field {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.errors.extend(wrong.errors);
                None
            }
        }
    }
}
