//! The generated bindings, shut in here.
#![expect(unsafe_code, reason = "generated code")]

wit_bindgen::generate!({
    path: "../../wit/deps/perennial-recurrence@1.0.0",
    world: "recurrence",
});

pub(crate) use exports::perennial::recurrence::engine::{
    Error, Guest, Mistake, Occurrence, Page, Phrase, Series,
};

export!(Engine with_types_in self);

use super::Engine;
