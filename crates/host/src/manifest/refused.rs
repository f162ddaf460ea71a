//! Keys that Spin knows and this host does not implement: refused by name, never silently ignored.
//!
//! An empty value asks for nothing, so it passes.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Refuses any value of `key` that asks for something.
fn refuse<'de, D: Deserializer<'de>>(deserializer: D, key: &'static str) -> Result<(), D::Error> {
    deserializer.deserialize_any(Refused(key))
}

struct Refused(&'static str);

impl Refused {
    fn error<E: Error>(&self) -> E {
        E::custom(format!("`{}` is not supported by the embedded host", self.0))
    }
}

impl<'de> Visitor<'de> for Refused {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no `{}`: it is not supported by the embedded host", self.0)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if value { Err(self.error()) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if seq.next_element::<IgnoredAny>()?.is_some() { Err(self.error()) } else { Ok(()) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if map.next_key::<IgnoredAny>()?.is_some() { Err(self.error()) } else { Ok(()) }
    }
}

macro_rules! refused {
    ($($key:ident)*) => {
        $(pub(crate) fn $key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
            refuse(deserializer, stringify!($key))
        })*
    };
}

refused! {
    ai_models allowed_http_hosts client_tls components dependencies dependencies_inherit_configuration
    files key_value_store key_value_stores llm_compute
}
