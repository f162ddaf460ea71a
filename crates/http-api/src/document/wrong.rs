//! What is wrong with a document, in the words of the API: serde's reasons without its sentences.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// Why a value is not what is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is something else, or out of range.
    Other { meant: String, sent: String },
    /// It is none of these names.
    Name { known: &'static [&'static str] },
    /// The object has a member that it cannot have.
    Unknown { known: &'static [&'static str] },
    /// The object lacks this member.
    Missing(&'static str),
    /// The object has this member twice.
    Twice(&'static str),
    /// What one of our own readers says.
    Said(String),
}

impl Wrong {
    /// The member that it is about, where that is named by the object around it.
    pub(super) fn member(&self) -> Option<&'static str> {
        match self {
            Self::Missing(member) | Self::Twice(member) => Some(member),
            _ => None,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other { meant, sent } => write!(f, "must be {meant}, not {sent}"),
            Self::Name { known } => write!(f, "must be one of {}", known.join(", ")),
            Self::Unknown { known } => write!(f, "is unknown; known here: {}", known.join(", ")),
            Self::Missing(_) => f.write_str("must be given"),
            Self::Twice(_) => f.write_str("is given twice"),
            Self::Said(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Said(text.to_string())
    }

    fn invalid_type(sent: Unexpected<'_>, meant: &dyn Expected) -> Self {
        Self::Other { meant: meaning(meant), sent: name(sent) }
    }

    fn invalid_value(sent: Unexpected<'_>, meant: &dyn Expected) -> Self {
        Self::invalid_type(sent, meant)
    }

    fn invalid_length(length: usize, meant: &dyn Expected) -> Self {
        Self::Other { meant: meaning(meant), sent: format!("{length} of them") }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::Name { known }
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown { known }
    }

    fn missing_field(member: &'static str) -> Self {
        Self::Missing(member)
    }

    fn duplicate_field(member: &'static str) -> Self {
        Self::Twice(member)
    }
}

/// What is meant. Our readers name their types here, and Rust's.
fn meaning(meant: &dyn Expected) -> String {
    let text = meant.to_string();
    let known = match text.as_str() {
        "a map" => "an object",
        "a sequence" => "an array",
        "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        text if text.starts_with("struct ") => "an object",
        text => text,
    };
    known.to_owned()
}

/// What was sent: of a text, only that it is one.
fn name(sent: Unexpected<'_>) -> String {
    match sent {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Str(_) | Unexpected::Char(_) => "a string".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        _ => "something else".to_owned(),
    }
}
