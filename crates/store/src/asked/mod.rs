//! What both stores ask: what their statements say alike, and what is made of what those give.

pub(crate) mod filtered;
pub(crate) mod order;
pub(crate) mod search;

use crate::rows::Value;

/// What stands for the parameters of a statement.
pub(crate) trait Bind {
    /// Adds a parameter, and gives what stands for it.
    fn bind(&mut self, value: impl Into<Value>) -> String;
}
