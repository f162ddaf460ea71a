//! Which dates of a series come: those that its policies do not drop.

use chrono::NaiveDateTime;
use perennial_recurrence::{Questions, Zone};

use super::dates::Dates;
use super::{Misfire, Overlap, Series};
use crate::{Due, Timestamp};

/// Which dates of a series come, as things stand now.
pub(super) struct Coming<'a> {
    due: &'a Due,
    home: &'a Zone,
    /// They are later than this one.
    last: Option<NaiveDateTime>,
    /// And they have not passed, where those that have are dropped when the next one is opened.
    not_passed: Option<Timestamp>,
    /// But for this one.
    makes_up: Option<NaiveDateTime>,
}

impl<'a> Coming<'a> {
    /// Those after `last`: the first that comes is the one that [`Series::successor`] would find now. False if it is not known
    /// whether one comes that has passed.
    pub(super) fn after(
        last: Option<NaiveDateTime>,
        (home, now): (&'a Zone, Timestamp),
        series: &Series,
        dates: &Dates<'a>,
        questions: &mut Questions<'_>,
    ) -> (Self, bool) {
        let due = dates.due();
        let all = Self { due, home, last, not_passed: None, makes_up: None };
        let Some(last) = last else { return (all, true) };
        match (series.input.overlap, series.input.misfire) {
            (Overlap::Skip, _) | (_, Misfire::Skip) => (Self { not_passed: Some(now), ..all }, true),
            (_, Misfire::Once) => {
                let latest =
                    dates.latest_of(due.moment(now, home), last, |before| questions.previous(before));
                let known = latest.is_ok();
                let makes_up = latest.ok().flatten().map(|date| date.wall());
                (Self { not_passed: Some(now), makes_up, ..all }, known)
            }
            (_, Misfire::All) => (all, true),
        }
    }

    /// Whether a nominal date is among them; `at` is its instant.
    pub(super) fn has(&self, nominal: &Due, at: Timestamp) -> bool {
        let wall = nominal.wall();
        self.last.is_none_or(|last| wall > last)
            && (self.not_passed.is_none_or(|now| at > now) || self.makes_up == Some(wall))
    }

    /// None of them is earlier than this.
    pub(super) fn floor(&self) -> Option<Timestamp> {
        let instant = |wall| self.due.moved_to(wall).instant(self.home);
        self.makes_up.map(instant).or(self.not_passed.max(self.last.map(instant)))
    }
}
