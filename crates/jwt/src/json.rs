//! A JSON object whose members are each given once: RFC 7515 §4, RFC 7517 §4 and RFC 7519 §4 leave it open what becomes of one that
//! is given twice.

use perennial_json::{Refused, read};
use serde_json::{Map, Value};

/// How deep a document may be nested. Claims of well-known issuers go to four levels.
const MAX_DEPTH: u32 = 16;

/// Why a text is not such an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// It is not JSON (RFC 8259), or has a number that no double can hold.
    #[error("is not JSON")]
    Syntax,
    /// It is JSON, but no object.
    #[error("is not a JSON object")]
    NotObject,
    /// A member is given twice.
    #[error("gives a member twice")]
    Duplicate,
    /// It is nested too deep.
    #[error("is nested deeper than 16 levels")]
    TooDeep,
}

/// Reads an object.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, BadJson> {
    let value = read(text, MAX_DEPTH).map_err(|refused| match refused {
        Refused::Syntax(_) => BadJson::Syntax,
        Refused::Duplicate(_) => BadJson::Duplicate,
        Refused::TooDeep => BadJson::TooDeep,
    })?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(BadJson::NotObject),
    }
}
