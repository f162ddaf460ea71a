//! Everything of a user, a piece at a time.

use perennial_domain::{ConversationId, Override, Project, TaskId};

use crate::rows::export;
use crate::{ChangeRecord, Confirmation, Conversation, Message, OccurrenceRecord, StoreError, TaskRecord};

/// What of a user is read in pieces: of each kind all that there is, in the order of what never changes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportPart {
    /// Projects, by id.
    Projects,
    /// Tasks, those in the bin too, by id.
    Tasks,
    /// Occurrences, by their task and their name.
    Occurrences,
    /// How single occurrences differ from their series, by their task and their name.
    Overrides,
    /// Changes that the user made, by id.
    Changes,
    /// Conversations, by id.
    Conversations,
    /// Messages, by their conversation and their sequence.
    Messages,
    /// What waits, or has waited, to be confirmed, by its conversation and its id.
    Confirmations,
}

/// A piece of a part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExportPiece {
    /// What is in it.
    pub rows: Vec<ExportedRow>,
    /// The place after which the part goes on; `None`: it ends here.
    pub next: Option<String>,
}

/// One thing of it, as the statement gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedRow {
    /// Its place in its part.
    pub place: String,
    pub(crate) text: String,
}

impl ExportedRow {
    /// It as a project.
    pub fn project(&self) -> Result<Project, StoreError> {
        export::project(&self.text)
    }

    /// It as a task.
    pub fn task(&self) -> Result<TaskRecord<'_>, StoreError> {
        Ok(serde_json::from_str(&self.text)?)
    }

    /// It as an occurrence of a task.
    pub fn occurrence(&self) -> Result<(TaskId, OccurrenceRecord), StoreError> {
        Ok(serde_json::from_str(&self.text)?)
    }

    /// It as a change of one occurrence of a task.
    pub fn change_of_occurrence(&self) -> Result<(TaskId, Override), StoreError> {
        export::change_of_occurrence(&self.text)
    }

    /// It as a conversation.
    pub fn conversation(&self) -> Result<Conversation, StoreError> {
        Ok(serde_json::from_str(&self.text)?)
    }

    /// It as a message of a conversation.
    pub fn message(&self) -> Result<(ConversationId, Message), StoreError> {
        Ok(serde_json::from_str(&self.text)?)
    }

    /// It as what waits, or has waited, to be confirmed.
    pub fn confirmation(&self) -> Result<Confirmation, StoreError> {
        Ok(serde_json::from_str(&self.text)?)
    }

    /// It as a change that the user made.
    pub fn change(&self) -> Result<ChangeRecord, StoreError> {
        Ok(serde_json::from_str(&self.text)?)
    }
}
