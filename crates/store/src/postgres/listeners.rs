//! Who follows a user's events as they come.

use perennial_domain::{Timestamp, UserId};

use super::{Pg, Postgres};
use crate::StoreError;

impl<S: Pg> Postgres<S> {
    /// Counted in the statement that adds to them. Until when it lasts is told by the clock that others go by.
    pub(super) fn note_listener(
        &self,
        user: &UserId,
        id: &str,
        (now, until): (Timestamp, Timestamp),
        most: u32,
    ) -> Result<bool, StoreError> {
        let lasts = until.as_millis().saturating_sub(now.as_millis());
        let noted = self.query_one(
            "SELECT perennial_listen($1::text, $2::text, $3::bigint, $4::bigint, $5::bigint)::int::bigint",
            &[user.as_str().into(), id.into(), self.now(now), lasts.into(), most.into()],
            |row| row.integer(),
        )?;
        Ok(noted.is_some_and(|noted| noted != 0))
    }

    pub(super) fn forget_listener(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM listener WHERE id = $2::text AND user_id = $1::text",
            &[user.as_str().into(), id.into()],
        )?;
        Ok(())
    }
}
