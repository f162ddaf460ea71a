//! A command that finds everything as it asks for.

use uuid::Uuid;

use crate::commit::ExpectTask;
use crate::{Commit, Context, SeriesState, TaskId};

/// Writes nothing but that the command was asked, so that its answer can be kept under the request's key. Applied only if the
/// task is still as the answer says.
pub fn leave_unchanged(ctx: &mut Context<'_>, state: &SeriesState) -> Commit {
    ctx.commit_on(&state.task, "task.unchanged")
}

/// Writes nothing but that a request of many commands was made, so that its answer can be kept under the request's key.
pub fn note_bulk(ctx: &mut Context<'_>) -> Commit {
    ctx.commit("bulk", "")
}

/// What is never applied: it expects a version of a task that there is not. A set with it at its end comes to nothing.
pub fn note_never(ctx: &mut Context<'_>) -> Commit {
    let mut commit = ctx.commit("dry-run", "");
    commit.expect.tasks.push(ExpectTask { id: TaskId::new(Uuid::nil()), version: 1 });
    commit
}
