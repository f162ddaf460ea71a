//! What a channel is told of.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{EventType, Invalid};

/// Most types that a channel takes.
pub const MAX_TYPES: usize = 20;

/// The types of events that a channel takes, each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Subscription(Vec<EventType>);

impl Default for Subscription {
    /// Reminders: all that there was before a channel could say what it takes.
    fn default() -> Self {
        Self(vec![EventType::ReminderFired])
    }
}

impl<'de> Deserialize<'de> for Subscription {
    /// Takes back what was stored. A type that only a later build knows is passed over.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Ok(Self(names.iter().filter_map(|name| named(name)).collect()))
    }
}

impl Subscription {
    /// Reads the types that someone asks for, 1 to 20 different ones.
    ///
    /// # Errors
    /// [`Invalid`] with the place of what is no such type or is there twice.
    pub fn parse(names: &[String]) -> Result<Self, Invalid> {
        if names.is_empty() || names.len() > MAX_TYPES {
            return Err(Invalid::at("/types", format!("must have 1 to {MAX_TYPES} types")));
        }
        let mut types = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let at = format!("/types/{index}");
            let Some(kind) = named(name) else {
                let all = EventType::SUBSCRIBABLE.map(EventType::name).join(", ");
                return Err(Invalid::at(&at, format!("must be one of {all}")));
            };
            if types.contains(&kind) {
                return Err(Invalid::at(&at, "is there twice"));
            }
            types.push(kind);
        }
        Ok(Self(types))
    }

    /// Whether it takes events of this type.
    pub fn takes(&self, kind: EventType) -> bool {
        self.0.contains(&kind)
    }

    /// The names of the types, as they were said.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|kind| kind.name()).collect()
    }
}

/// The type of this name, if a channel can take it.
fn named(name: &str) -> Option<EventType> {
    EventType::SUBSCRIBABLE.into_iter().find(|kind| kind.name() == name)
}
