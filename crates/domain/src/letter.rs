//! Dead letters: events that a consumer or a broker gave up on, and what an admin makes of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commit::{ExpectLetter, LettersRow};
use crate::{Commit, Context};

/// What is to become of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LetterStatus {
    /// Nobody has seen to it yet.
    Open,
    /// It is to be sent again.
    Replaying,
    /// It was sent again. Where its consumer gives up once more, it is open again.
    Replayed,
    /// It is not needed.
    Discarded,
}

impl LetterStatus {
    /// The names of all of them.
    pub const NAMES: [&str; 4] = ["open", "replaying", "replayed", "discarded"];

    /// Its name in the store and outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replaying => "replaying",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Open, Self::Replaying, Self::Replayed, Self::Discarded]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// Whether another try may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ErrorClass {
    /// It may: what it needed was out of reach, as far as is known.
    Transient,
    /// It cannot, unless something is mended first.
    Permanent,
}

/// What is done with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterAction {
    /// They are sent again, each under its own id.
    Replay,
    /// They are put away.
    Discard,
}

impl LetterAction {
    /// Its name in the audit.
    fn name(self) -> &'static str {
        match self {
            Self::Replay => "dead-letter.replay",
            Self::Discard => "dead-letter.discard",
        }
    }

    /// What the letters are then.
    pub fn makes(self) -> LetterStatus {
        match self {
            Self::Replay => LetterStatus::Replaying,
            Self::Discard => LetterStatus::Discarded,
        }
    }

    /// Whether it makes something else of a letter that is so now.
    pub fn changes(self, status: LetterStatus) -> bool {
        status != self.makes()
    }
}

/// Changes dead letters, as they were read. `subject` is the one, or names them all; `asked` is what was asked for, for the audit.
pub fn change_letters(
    ctx: &mut Context<'_>,
    action: LetterAction,
    letters: Vec<ExpectLetter>,
    subject: &str,
    asked: Value,
) -> Commit {
    let mut commit = ctx.commit(action.name(), subject);
    if !letters.is_empty() {
        commit.audit.after = Some(asked);
        commit.letters = Some(LettersRow { to: action.makes(), of: letters });
    }
    commit
}
