//! Work that was given up.

use crate::commit::Retried;
use crate::{Commit, Context, UserId};

/// Has an item of `owner` that was given up tried again, now.
pub fn retry_parked(ctx: &mut Context<'_>, id: i64, owner: &UserId) -> Commit {
    let mut commit = ctx.commit("work.retry", &id.to_string());
    commit.retried.push(Retried { id, user_id: owner.clone() });
    commit
}
