//! A command that finds everything as it asks for.

use crate::{Commit, Context, SeriesState};

/// Writes nothing but that the command was asked, so that its answer can be kept under the request's key. Applied only if the
/// task is still as the answer says.
pub fn leave_unchanged(ctx: &mut Context<'_>, state: &SeriesState) -> Commit {
    ctx.commit_on(&state.task, "task.unchanged")
}

/// Writes nothing but that a request of many commands was made, so that its answer can be kept under the request's key.
pub fn note_bulk(ctx: &mut Context<'_>) -> Commit {
    ctx.commit("bulk", "")
}
