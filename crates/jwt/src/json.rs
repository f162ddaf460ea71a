//! A JSON object whose members are each given once.
//!
//! RFC 7515 §4, RFC 7517 §4 and RFC 7519 §4 leave a choice where a member is given twice: refuse, or take the last. Two readers that choose
//! differently read two tokens in one, so it is refused here, at any depth.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How deep a document may be nested. Claims of well-known issuers go to four levels.
const MAX_DEPTH: u8 = 16;

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
    let mut reader = serde_json::Deserializer::from_slice(text);
    let why = Cell::new(BadJson::Syntax);
    let value = Any { depth: 0, why: &why }.deserialize(&mut reader).map_err(|_| why.get())?;
    reader.end().map_err(|_| BadJson::Syntax)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(BadJson::NotObject),
    }
}

/// Reads any value, and keeps why it is refused though it is JSON.
#[derive(Clone, Copy)]
struct Any<'a> {
    depth: u8,
    why: &'a Cell<BadJson>,
}

impl Any<'_> {
    fn within<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MAX_DEPTH { Err(self.refuse(BadJson::TooDeep)) } else { Ok(Self { depth, ..self }) }
    }

    fn refuse<E: Error>(self, why: BadJson) -> E {
        self.why.set(why);
        E::custom("")
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
        while let Some(item) = items.next_element_seed(within)? {
            read.push(item);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let within = self.within()?;
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if read.contains_key(&name) {
                return Err(self.refuse(BadJson::Duplicate));
            }
            let value = members.next_value_seed(within)?;
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }
}
