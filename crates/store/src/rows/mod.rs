//! What both stores do with the rows that their statements give.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod conversations;
pub(crate) mod export;
pub(crate) mod letters;
pub(crate) mod outcome;
pub(crate) mod records;
pub(crate) mod relay;
mod row;
pub(crate) mod seals;
pub(crate) mod shown;
mod value;
pub(crate) mod words;
pub(crate) mod work;

pub(crate) use row::Row;
pub use value::Value;
