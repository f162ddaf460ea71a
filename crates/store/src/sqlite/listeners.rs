//! Who follows a user's events as they come.

use perennial_domain::{Timestamp, UserId};

use super::{Sql, Sqlite, Sync};
use crate::StoreError;

impl<S: Sql> Sqlite<S> {
    /// Counted in the statement that adds to them. One that ends over a minute later than this one was noted by a clock that was
    /// wrong, and does not count: who comes first may have read the clock last.
    pub(super) fn note_listener(
        &self,
        user: &UserId,
        id: &str,
        (now, until): (Timestamp, Timestamp),
        most: u32,
    ) -> Result<bool, StoreError> {
        self.sync(Sync::Normal)?;
        let noted = self.execute(
            "INSERT INTO listener (id, user_id, until) SELECT ?2, ?1, ?4 WHERE (SELECT count(*) FROM ( \
             SELECT 1 FROM listener WHERE user_id = ?1 AND until > ?3 AND until <= ?4 + 60000 LIMIT ?5)) < ?5 RETURNING 1",
            &[user.as_str().into(), id.into(), now.into(), until.into(), most.into()],
        )?;
        Ok(!noted.is_empty())
    }

    pub(super) fn forget_listener(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        self.execute(
            "DELETE FROM listener WHERE id = ?2 AND user_id = ?1",
            &[user.as_str().into(), id.into()],
        )?;
        Ok(())
    }
}
