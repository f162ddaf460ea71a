//! A body as a JSON document, whatever is in it: each member once, and no deeper than a document may be nested.

use std::cell::RefCell;
use std::fmt;

use perennial_domain::Invalid;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::escaped;
use crate::Problem;

/// How deep a document may be nested. The parser itself goes no deeper than 128.
const MAX_DEPTH: u32 = 100;

/// Reads a document.
pub(super) fn parse(body: &[u8]) -> Result<Value, Problem> {
    if body.trim_ascii().is_empty() {
        return Err(Problem::malformed("there is no body: send a JSON document"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let refused = RefCell::new(None);
    let any = Any { depth: 0, refused: &refused };
    let read = any.deserialize(&mut reader);
    let value = read.map_err(|error| refused.take().map_or_else(|| not_json(&error), Problem::from))?;
    reader.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Where the text stops being JSON; what the parser says of it is in words of its own.
fn not_json(error: &serde_json::Error) -> Problem {
    Problem::malformed(match error.classify() {
        Category::Eof => "the body is not JSON: it breaks off".to_owned(),
        _ => format!("the body is not JSON from byte {} of line {} on", error.column(), error.line()),
    })
}

/// Reads any value, and keeps why it is refused though it is JSON.
struct Any<'a> {
    depth: u32,
    refused: &'a RefCell<Option<Invalid>>,
}

impl Any<'_> {
    /// For what is within this one.
    fn within<E: Error>(&self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MAX_DEPTH {
            let detail = format!("is nested deeper than {MAX_DEPTH} levels");
            return Err(self.refuse(Invalid::at("", detail)));
        }
        Ok(Self { depth, refused: self.refused })
    }

    fn refuse<E: Error>(&self, why: Invalid) -> E {
        self.refused.replace(Some(why));
        E::custom("")
    }

    /// The place of what was refused within this one; what is nested too deep is the document.
    fn under<E>(&self, place: &str, error: E) -> E {
        if let Some(invalid) = self.refused.borrow_mut().as_mut() {
            for field in invalid.errors.iter_mut().filter(|field| !field.pointer.is_empty()) {
                field.pointer.insert_str(0, &format!("/{}", escaped(place)));
            }
        }
        error
    }
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        loop {
            let item = items.next_element_seed(self.within()?);
            match item.map_err(|error| self.under(&read.len().to_string(), error))? {
                Some(item) => read.push(item),
                None => return Ok(Value::Array(read)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if read.contains_key(&name) {
                return Err(self.refuse(Invalid::at(format!("/{}", escaped(&name)), "is given twice")));
            }
            let value = members.next_value_seed(self.within()?);
            read.insert(name.clone(), value.map_err(|error| self.under(&name, error))?);
        }
        Ok(Value::Object(read))
    }
}
