//! Texts of the interface as values of the engine.

use crate::bindings::{Error, Mistake, Series};
use perennial_recurrence::chrono::{DateTime, NaiveDate, NaiveDateTime};
use perennial_recurrence::{Moment, Rule, RuleSet, Start, Zone};

pub(crate) fn series(series: &Series) -> Result<RuleSet, Error> {
    let zone = series
        .zone
        .as_deref()
        .map(Zone::parse)
        .transpose()
        .map_err(|error| Error::Zone(error.to_string()))?;
    let start = match (moment(&series.dtstart)?, zone) {
        (Moment::Date(date), None) => Start::Date(date),
        (Moment::Local(local), None) => Start::Floating(local),
        (Moment::Local(local), Some(zone)) => Start::Zoned(local, zone),
        (Moment::Date(_), Some(_)) => {
            return Err(Error::Moment("dtstart is a date, which has no zone".to_owned()));
        }
        (Moment::Instant(_), _) => {
            return Err(Error::Moment("dtstart must be written without Z or offset".to_owned()));
        }
    };
    let rule = series.rrule.as_deref().map(Rule::parse).transpose().map_err(|error| {
        let position = u32::try_from(error.position).unwrap_or(u32::MAX);
        Error::Rule(Mistake { position, part: error.part, message: error.message })
    })?;
    let moments = |texts: &[String]| texts.iter().map(|text| moment(text)).collect::<Result<Vec<_>, _>>();
    RuleSet::new(start, rule, moments(&series.rdate)?, moments(&series.exdate)?)
        .map_err(|error| Error::Series(error.to_string()))
}

/// A date, a wall time or an instant.
pub(crate) fn moment(text: &str) -> Result<Moment, Error> {
    let wall = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok();
    let found = match (text.strip_suffix('Z'), text.contains('T')) {
        (Some(_), _) => DateTime::parse_from_rfc3339(text).ok().map(|at| Moment::Instant(at.to_utc())),
        (None, true) => wall(text).map(Moment::Local),
        (None, false) => text.parse::<NaiveDate>().ok().map(Moment::Date),
    };
    found.ok_or_else(|| {
        Error::Moment(format!("{text:?} is not YYYY-MM-DD, YYYY-MM-DDTHH:MM:SS or that with Z"))
    })
}

pub(crate) fn limit(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
