//! How the next occurrence follows from the last.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use perennial_recurrence::{Frequency, Moment, Zone};

use super::dates::{Dates, exhausted};
use super::{Anchor, Misfire, Overlap, Series, nominal};
use crate::{Context, Due, Invalid, Occurrence, SeriesState, Timestamp};

/// What the next occurrence is looked for beside.
pub(crate) struct Search<'a> {
    home: &'a Zone,
    now: Timestamp,
    state: &'a SeriesState,
    /// Whether the series itself has changed, so that its open occurrences are replaced.
    replans: bool,
}

impl<'a> Search<'a> {
    /// For what follows in a series that is as it was.
    pub(crate) fn new(ctx: &'a Context<'_>, state: &'a SeriesState) -> Self {
        Self { home: &ctx.zone, now: ctx.now, state, replans: false }
    }

    /// For what is open once a series has changed.
    pub(crate) fn anew(ctx: &'a Context<'_>, state: &'a SeriesState) -> Self {
        Self { replans: true, ..Self::new(ctx, state) }
    }

    /// Whether dates that have passed are treated by the series' policies: not where an open occurrence only moves.
    fn has_policies(&self, last: Option<&Occurrence>) -> bool {
        last.is_some() && (!self.replans || self.state.open.is_empty())
    }
}

impl Series {
    /// The nominal date of what follows `last`, or the first date where there is no last; `None` where the series has none.
    pub(crate) fn successor(
        &self,
        due: &Due,
        last: Option<&Occurrence>,
        search: &Search<'_>,
    ) -> Result<Option<Due>, Invalid> {
        let Some(Line { series, due, after, day }) = self.line(due, last, search)? else { return Ok(None) };
        let dates = Dates::new(series.set(&due)?, &due, search.state, search.replans);
        let mut next = dates.next(after.map(Moment::Local))?;
        // A series that has changed goes on after the day done last, whatever the time of day is now.
        if let (Some(same), Some(day)) = (&next, day)
            && same.wall().date() == day
            && dates.is_alone_on(day)?
        {
            next = dates.next(Some(Moment::Local(same.wall())))?;
        }
        let passed = |due: &Due| due.instant(search.home) <= search.now;
        match next {
            Some(first) if search.has_policies(last) && passed(&first) => {
                let now = due.moment(search.now, search.home);
                match (self.input.overlap, self.input.misfire) {
                    (Overlap::Skip, _) | (_, Misfire::Skip) => dates.next(Some(now)),
                    (_, Misfire::Once) => Ok(dates.latest(now, first.wall())?.or(Some(first))),
                    (_, Misfire::All) => Ok(Some(first)),
                }
            }
            next => Ok(next),
        }
    }

    /// Where the dates after `last` lie; `None` where its COUNT is used up.
    fn line(
        &self,
        due: &Due,
        last: Option<&Occurrence>,
        search: &Search<'_>,
    ) -> Result<Option<Line>, Invalid> {
        let calendar = |after, day| Line { series: self.clone(), due: due.clone(), after, day };
        let Some(last) = last else { return Ok(Some(calendar(None, None))) };
        if let (Anchor::Completion, Some(at)) = (self.input.anchor, last.completed_at) {
            if self.rule.count().is_some_and(|count| last.ordinal >= i64::from(count)) {
                return Ok(None);
            }
            let done = due.zone(search.home).local(at.to_utc());
            let start = due.moved_to(restart(due, done, self.rule.frequency()));
            let series = Self { rule: self.rule.without_count(), ..self.clone() };
            return Ok(Some(Line { series, after: Some(start.wall()), due: start, day: None }));
        }
        let (at, after) = if last.recurrence_id.is_single() {
            // A date from before the task recurred is no place in the series: that starts where it says, only not there.
            let at = last.due.as_ref().map(Due::wall);
            let first = self.set(due)?.first().map_err(exhausted)?.map(|first| first.local);
            (at, at.filter(|_| first == at))
        } else {
            let at = Some(nominal(&last.recurrence_id)?);
            (at, at)
        };
        Ok(Some(calendar(after, at.filter(|_| search.replans).map(|at| at.date()))))
    }
}

/// The dates that may follow an occurrence.
struct Line {
    /// The series, without its COUNT where it starts anew.
    series: Series,
    /// Its start.
    due: Due,
    /// What they lie after; `None` = from the first on.
    after: Option<NaiveDateTime>,
    /// The day done last, where the series has changed since.
    day: Option<NaiveDate>,
}

/// DTSTART of a series that starts anew when its last occurrence was completed: on that day, at the series' own time
/// of day; rules of hours and minutes start at the minute itself.
fn restart(due: &Due, done: NaiveDateTime, frequency: Frequency) -> NaiveDateTime {
    let time = match due {
        Due::Date(_) => NaiveTime::MIN,
        _ if frequency < Frequency::Daily => {
            return done.with_second(0).and_then(|at| at.with_nanosecond(0)).unwrap_or(done);
        }
        _ => due.wall().time(),
    };
    done.date().and_time(time)
}
