//! A JSON text as a value, whatever is in it: each member once, and no deeper than it may be nested.
//!
//! RFC 8259 §4 leaves open what becomes of a member that is given twice. Two readers that choose differently read two documents in
//! one, so it is refused here, at any depth.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is not JSON (RFC 8259), or has a number that no double can hold.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
    /// A member is given twice: the names and places that lead to it, from the outermost on.
    #[error("gives a member twice")]
    Duplicate(Vec<String>),
    /// It is nested deeper than it may be.
    #[error("is nested too deep")]
    TooDeep,
}

/// Reads a text whose lists and objects are nested `levels` deep at most; the parser itself goes no deeper than 128.
pub fn read(text: &[u8], levels: u32) -> Result<Value, Refused> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let refused = RefCell::new(None);
    let any = Any { left: levels, refused: &refused };
    let value =
        any.deserialize(&mut reader).map_err(|error| refused.take().unwrap_or(Refused::Syntax(error)))?;
    reader.end()?;
    Ok(value)
}

/// Reads any value, and keeps why it is refused though it is JSON.
#[derive(Clone, Copy)]
struct Any<'a> {
    left: u32,
    refused: &'a RefCell<Option<Refused>>,
}

impl Any<'_> {
    /// For what is within this one.
    fn within<E: Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(self.refuse(Refused::TooDeep)),
        }
    }

    fn refuse<E: Error>(self, why: Refused) -> E {
        self.refused.replace(Some(why));
        E::custom("")
    }

    /// What was refused within this one lies at this place of it.
    fn under<E>(self, place: &str, error: E) -> E {
        if let Some(Refused::Duplicate(path)) = self.refused.borrow_mut().as_mut() {
            path.insert(0, place.to_owned());
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
        let within = self.within()?;
        let mut read = Vec::new();
        loop {
            let item = items.next_element_seed(within);
            match item.map_err(|error| self.under(&read.len().to_string(), error))? {
                Some(item) => read.push(item),
                None => return Ok(Value::Array(read)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let within = self.within()?;
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if read.contains_key(&name) {
                return Err(self.refuse(Refused::Duplicate(vec![name])));
            }
            let value = members.next_value_seed(within).map_err(|error| self.under(&name, error))?;
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match read(text.as_bytes(), 3).unwrap_err() {
            Refused::Duplicate(path) => path.join("/"),
            other => other.to_string(),
        }
    }

    #[test]
    fn what_is_json_is_read_as_the_parser_reads_it() {
        for text in [
            "null",
            "true",
            "-7",
            "1.5",
            "\"ä\\u0000\"",
            "[1, [2, [3]]]",
            r#"{"a": {"b": {}}, "c": []}"#,
            " [] ",
        ] {
            assert_eq!(
                read(text.as_bytes(), 3).unwrap(),
                serde_json::from_str::<Value>(text).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_given_twice_or_too_deep_is_refused_wherever_it_is() {
        assert_eq!(refused(r#"{"a": 1, "a": 1}"#), "a");
        assert_eq!(refused(r#"{"x": [0, {"a": 1, "b": 2, "a": 3}]}"#), "x/1/a");
        for deep in ["[[[[]]]]", r#"{"a": {"b": {"c": {}}}}"#, r#"[{"a": [0, {}]}]"#] {
            assert_eq!(refused(deep), "is nested too deep", "{deep}");
        }
        for broken in ["", "[1", "{} {}", "{\"a\"}", "nul", "1e400"] {
            assert!(matches!(read(broken.as_bytes(), 3), Err(Refused::Syntax(_))), "{broken}");
        }
    }
}
