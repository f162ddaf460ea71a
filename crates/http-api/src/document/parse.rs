//! A body as a JSON document, whatever is in it.

use perennial_domain::{Invalid, escaped};
use perennial_json::{Refused, read};
use serde_json::Value;
use serde_json::error::Category;

use crate::Problem;

/// How deep a document may be nested.
const MAX_DEPTH: u32 = 100;

/// Reads a document.
pub(super) fn parse(body: &[u8]) -> Result<Value, Problem> {
    if body.trim_ascii().is_empty() {
        return Err(Problem::malformed("there is no body: send a JSON document"));
    }
    read(body, MAX_DEPTH).map_err(|refused| match refused {
        Refused::Syntax(error) => not_json(&error),
        Refused::Duplicate(path) => {
            let pointer: String = path.iter().map(|name| format!("/{}", escaped(name))).collect();
            Invalid::at(pointer, "is given twice").into()
        }
        Refused::TooDeep => Invalid::at("", format!("is nested deeper than {MAX_DEPTH} levels")).into(),
    })
}

/// Where the text stops being JSON; what the parser says of it is in words of its own.
fn not_json(error: &serde_json::Error) -> Problem {
    Problem::malformed(match error.classify() {
        Category::Eof => "the body is not JSON: it breaks off".to_owned(),
        _ => format!("the body is not JSON from byte {} of line {} on", error.column(), error.line()),
    })
}
