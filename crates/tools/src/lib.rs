//! The tools of an assistant: fourteen of them, over the operations of the API.
//!
//! [`tools`] says which there are, [`call`] carries one out. A tool is a translation: it reads its arguments, asks the operations of
//! `perennial-api` as the caller would by HTTP, and tells what came of it. So what it changes is the same commit, event, audit entry and
//! undo, held to the same limits, and another user's id is the id of nothing. docs/tools.md has them in a table.

mod answer;
mod arguments;
mod call;
mod door;
mod handle;
mod moment;
mod names;
#[cfg(feature = "schema")]
mod schema;
mod shown;
mod tool;
mod verbs;

pub use call::{Call, Called, Confirmation, Question, Refused, call};
#[cfg(feature = "schema")]
pub use schema::schemas;
pub use tool::{Hints, Tool, tools};
