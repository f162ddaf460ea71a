//! What users set for themselves: their zone, the first day of their week, and when they want to be left alone.

use chrono::{Days, NaiveDateTime, NaiveTime};
use perennial_recurrence::Zone;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::commit::SettingsRow;
#[cfg(feature = "schema")]
use crate::pattern::{CLOCK, ZONE};
use crate::{Commit, Context, Invalid, Plain, Timestamp, User};

/// A user's settings, as they are sent and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsInput {
    /// IANA zone name: where whole days and floating times fall due.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), extend("format" = ZONE)))]
    pub tz: String,
    /// The first day of the week.
    #[serde(default = "monday")]
    pub week_start: Plain<Weekday>,
    /// When notifications wait, unless the task is urgent.
    #[serde(default)]
    pub quiet_hours: Option<QuietInput>,
}

/// Quiet hours as sent: local to the user's zone, and over midnight where `to` is before `from`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuietInput {
    /// The first minute, `HH:MM`.
    #[cfg_attr(feature = "schema", schemars(length(min = 5, max = 5), regex(pattern = CLOCK)))]
    pub from: String,
    /// The first minute after them, `HH:MM`.
    #[cfg_attr(feature = "schema", schemars(length(min = 5, max = 5), regex(pattern = CLOCK)))]
    pub to: String,
}

/// The days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "they are the days")]
pub enum Weekday {
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<Weekday> for chrono::Weekday {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// Hours of every day in which notifications wait. They begin and end at different times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: NaiveTime,
    to: NaiveTime,
}

fn monday() -> Plain<Weekday> {
    Plain(Weekday::Monday)
}

impl QuietHours {
    /// Reads quiet hours; what is wrong is told from `/quiet_hours` on.
    pub fn parse(input: &QuietInput) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let from = invalid.keep(clock(&input.from, "/quiet_hours/from"));
        let to = invalid.keep(clock(&input.to, "/quiet_hours/to"));
        let (Some(from), Some(to)) = (from, to) else { return Err(invalid) };
        if from == to {
            let detail = "must not be the time at which they begin: null switches them off";
            return Err(Invalid::at("/quiet_hours/to", detail));
        }
        Ok(Self { from, to })
    }

    /// When the quiet hours that `now` lies in are over; `None` outside of them. Each begins and ends at the instants of its wall
    /// times (RFC 5545 §3.3.5), so that a night in which clocks are set is as long as it is there.
    pub fn end(&self, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let today = zone.local(now.to_utc()).date();
        // Where a day is left out of the calendar, the night before last may last until today.
        (0..=2)
            .filter_map(|back| {
                let day = today.checked_sub_days(Days::new(back))?;
                let last = if self.to < self.from { day.checked_add_days(Days::new(1))? } else { day };
                let instant = |at: NaiveDateTime| Timestamp::from(zone.instant(at));
                let (from, to) = (instant(day.and_time(self.from)), instant(last.and_time(self.to)));
                (from <= now && now < to).then_some(to)
            })
            .max()
    }
}

impl From<&QuietHours> for QuietInput {
    fn from(quiet: &QuietHours) -> Self {
        let text = |at: NaiveTime| at.format("%H:%M").to_string();
        Self { from: text(quiet.from), to: text(quiet.to) }
    }
}

/// A time of the clock. chrono alone would also take `7:5` and signs.
fn clock(text: &str, pointer: &str) -> Result<NaiveTime, Invalid> {
    let is_clock = matches!(text.as_bytes(), [h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()));
    let read = is_clock.then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten();
    read.ok_or_else(|| Invalid::at(pointer, "must be a time of the clock, from 00:00 to 23:59"))
}

impl From<&User> for SettingsInput {
    fn from(user: &User) -> Self {
        Self {
            tz: user.zone.name().to_owned(),
            week_start: Plain(user.week_start),
            quiet_hours: user.quiet_hours.as_ref().map(QuietInput::from),
        }
    }
}

/// Changes a user's settings. Where the zone changes, what is open and floats, or is a whole day, is computed anew by the sweep.
pub fn update_settings(
    ctx: &mut Context<'_>,
    user: &User,
    input: &SettingsInput,
) -> Result<(Commit, User), Invalid> {
    let mut invalid = Invalid::default();
    let zone = invalid.keep(Zone::parse(&input.tz).map_err(|error| Invalid::at("/tz", error.to_string())));
    let quiet = invalid.keep(input.quiet_hours.as_ref().map(QuietHours::parse).transpose());
    let (Some(zone), Some(quiet_hours)) = (zone, quiet) else { return Err(invalid) };
    let version = user.version.saturating_add(1);
    let next = User { zone, week_start: input.week_start.0, quiet_hours, version, ..user.clone() };
    let (before, after) = (SettingsInput::from(user), SettingsInput::from(&next));
    let mut commit = ctx.commit("settings.update", user.id.as_str());
    commit.expect.settings = Some(user.version);
    commit.settings = Some(SettingsRow {
        version,
        tz: after.tz.clone(),
        settings: json!({ "week_start": after.week_start, "quiet_hours": after.quiet_hours }),
    });
    commit.audit.before = Some(json!(before));
    commit.audit.after = Some(json!(after));
    Ok((commit, next))
}

/// A command that finds the settings as it asks for: only its answer is kept.
pub fn leave_settings(ctx: &mut Context<'_>, user: &User) -> Commit {
    let mut commit = ctx.commit("settings.unchanged", user.id.as_str());
    commit.expect.settings = Some(user.version);
    commit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: &str, to: &str) -> Result<QuietHours, String> {
        let input = QuietInput { from: from.to_owned(), to: to.to_owned() };
        QuietHours::parse(&input).map_err(|wrong| wrong.errors[0].pointer.clone())
    }

    #[test]
    fn quiet_hours_are_two_different_times_of_the_clock() {
        for (from, to) in [("22:00", "07:00"), ("00:00", "23:59"), ("13:00", "14:30")] {
            let read = quiet(from, to).unwrap();
            let shown = QuietInput::from(&read);
            assert_eq!((shown.from.as_str(), shown.to.as_str()), (from, to));
        }
        for wrong in ["", "7:00", "24:00", "07:60", "07:00:00", "+7:00", "07.00", " 7:00", "0700"] {
            assert_eq!(quiet(wrong, "07:00"), Err("/quiet_hours/from".to_owned()), "{wrong}");
            assert_eq!(quiet("22:00", wrong), Err("/quiet_hours/to".to_owned()), "{wrong}");
        }
        assert_eq!(quiet("07:00", "07:00"), Err("/quiet_hours/to".to_owned()));
    }

    #[test]
    fn quiet_hours_are_over_at_an_instant_of_the_users_zone() {
        let berlin = "Europe/Berlin";
        for (zone, from, to, now, over) in [
            // Over midnight: before and after it, the first and the last moment, and by day.
            (berlin, "22:00", "07:00", "2026-11-21T21:00:00Z", Some("2026-11-22T06:00:00Z")),
            (berlin, "22:00", "07:00", "2026-11-21T20:59:59Z", None),
            (berlin, "22:00", "07:00", "2026-11-22T02:30:00Z", Some("2026-11-22T06:00:00Z")),
            (berlin, "22:00", "07:00", "2026-11-22T05:59:59Z", Some("2026-11-22T06:00:00Z")),
            (berlin, "22:00", "07:00", "2026-11-22T06:00:00Z", None),
            (berlin, "22:00", "07:00", "2026-11-22T12:00:00Z", None),
            // Within a day, and the whole of it but a minute.
            (berlin, "13:00", "14:30", "2026-11-22T12:30:00Z", Some("2026-11-22T13:30:00Z")),
            (berlin, "13:00", "14:30", "2026-11-22T13:30:00Z", None),
            (berlin, "00:00", "23:59", "2026-11-22T12:00:00Z", Some("2026-11-22T22:59:00Z")),
            (berlin, "12:00", "11:59", "2026-11-22T10:59:30Z", None),
            // In spring 02:00 becomes 03:00: the night is an hour shorter.
            (berlin, "22:00", "07:00", "2026-03-28T23:00:00Z", Some("2026-03-29T05:00:00Z")),
            // 02:30 is not there that night: by the offset before, it is 03:30.
            (berlin, "22:00", "02:30", "2026-03-29T01:15:00Z", Some("2026-03-29T01:30:00Z")),
            (berlin, "22:00", "02:30", "2026-03-29T01:30:00Z", None),
            // In autumn 03:00 becomes 02:00: the night is an hour longer, and 02:30 is over at its first pass.
            (berlin, "22:00", "07:00", "2026-10-24T22:00:00Z", Some("2026-10-25T06:00:00Z")),
            (berlin, "22:00", "02:30", "2026-10-25T00:15:00Z", Some("2026-10-25T00:30:00Z")),
            (berlin, "22:00", "02:30", "2026-10-25T01:15:00Z", None),
            // Samoa left 30 December 2011 out.
            ("Pacific/Apia", "22:00", "07:00", "2011-12-30T09:00:00Z", Some("2011-12-30T17:00:00Z")),
            ("Pacific/Apia", "22:00", "07:00", "2011-12-30T13:00:00Z", Some("2011-12-30T17:00:00Z")),
            // The same instant elsewhere.
            ("America/New_York", "22:00", "07:00", "2026-11-21T21:00:00Z", None),
            ("Asia/Tokyo", "22:00", "07:00", "2026-11-21T21:00:00Z", Some("2026-11-21T22:00:00Z")),
        ] {
            let place = Zone::parse(zone).unwrap();
            let found = quiet(from, to).unwrap().end(Timestamp::parse(now).unwrap(), &place);
            assert_eq!(found, over.and_then(Timestamp::parse), "{zone} {from} to {to} at {now}");
        }
    }
}
