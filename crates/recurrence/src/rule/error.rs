//! Why a rule text was refused.

/// The rule is not one this engine accepts; nothing of it was used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message} (at character {})", part.as_ref().map(|name| format!("{name}: ")).unwrap_or_default(), position.saturating_add(1))]
pub struct RuleError {
    /// Byte offset in the text, from 0; at most the text's length.
    pub position: usize,
    /// The part it is about, in capitals, such as `BYDAY`; `None` if no part could be made out.
    pub part: Option<String>,
    /// What is wrong and what would be right, one sentence without a full stop.
    pub message: String,
}
