//! The generated bindings, shut in here.
#![expect(unsafe_code, missing_docs, reason = "generated code")]

wit_bindgen::generate!({
    path: "../../wit/deps/perennial-recurrence@1.0.0",
    world: "recurrence",
});

pub(crate) use export;
pub(crate) use exports::perennial::recurrence::engine::{
    Error, Guest, Mistake, Occurrence, Page, Phrase, Series,
};
