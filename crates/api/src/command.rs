//! Commands on tasks, decided the same way whether one comes alone or many come in one request ([`crate::bulk`]).

use perennial_domain::{Context, MoveInput, SeriesState, TaskId, TaskInput};
use perennial_http_api::{IfMatch, Problem};
use perennial_store::Store;
use serde_json::Value;

use crate::api::Decision;
use crate::occurrences::{NamedInput, SkipInput};
use crate::{bin, occurrences, tasks};

/// A command on a task.
pub(crate) enum Command {
    Create(Box<TaskInput>),
    /// A merge patch, which is an object.
    Update(Target, Value),
    Delete(Target),
    Complete(Target, NamedInput),
    Reopen(Target, NamedInput),
    Skip(Target, SkipInput),
    Move(Target, MoveInput),
    Restore(Target),
}

/// The task that a command is for, and the versions of it that it is for.
pub(crate) struct Target {
    pub id: TaskId,
    pub if_match: IfMatch,
}

impl Command {
    /// Decides it upon what is there now.
    pub(crate) fn decide(&self, store: &impl Store, ctx: &mut Context<'_>) -> Result<Decision, Problem> {
        match self {
            Self::Create(input) => tasks::decide_create(ctx, input),
            Self::Update(target, patch) => tasks::decide_update(store, ctx, target, patch),
            Self::Delete(target) => tasks::decide_delete(store, ctx, target),
            Self::Complete(target, input) => occurrences::decide_complete(store, ctx, target, input),
            Self::Reopen(target, input) => occurrences::decide_reopen(store, ctx, target, input),
            Self::Skip(target, input) => occurrences::decide_skip(store, ctx, target, input),
            Self::Move(target, input) => tasks::decide_move(store, ctx, target, input),
            Self::Restore(target) => bin::decide_restore(store, ctx, target),
        }
    }
}

impl Target {
    /// The task as it is now, if it is the caller's and of a version that is meant.
    pub(crate) fn state(&self, store: &impl Store, ctx: &Context<'_>) -> Result<SeriesState, Problem> {
        let state = store.series(&ctx.user, self.id, None)?.ok_or_else(Problem::not_found)?;
        self.if_match.check(state.task.version)?;
        Ok(state)
    }
}
