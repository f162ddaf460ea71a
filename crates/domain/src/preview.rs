//! What a recurrence would come to, before there is a task.

#[cfg(feature = "schema")]
use perennial_recurrence::limits::{MAX_EXTRA_DATES, MAX_RULE_BYTES};
use perennial_recurrence::{Moment, Rule, RuleSet, tzdata_version};
use serde::{Deserialize, Serialize};

use crate::due::{Local, parse_local};
#[cfg(feature = "schema")]
use crate::pattern::{DUE, INSTANT, LOCAL, RECUR, ZONE};
use crate::{Due, DueInput, Invalid, Timestamp};

/// Occurrences shown unless told otherwise.
const DEFAULT_LIMIT: usize = 100;

/// Most occurrences shown.
const MAX_LIMIT: usize = 1_000;

/// A recurrence as sent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PreviewInput {
    /// DTSTART: a local date or date-time.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 40), regex(pattern = DUE)))]
    pub dtstart: String,
    /// IANA zone name; `null` with a date-time means floating.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 100), extend("format" = ZONE)))]
    pub tz: Option<String>,
    /// RECUR value (RFC 5545 §3.3.10).
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_RULE_BYTES), extend("format" = RECUR)))]
    pub rrule: String,
    /// Local dates or date-times added.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_EXTRA_DATES), inner(length(min = 1, max = 40), regex(pattern = LOCAL))))]
    pub rdate: Vec<String>,
    /// Local dates or date-times taken away.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_EXTRA_DATES), inner(length(min = 1, max = 40), regex(pattern = LOCAL))))]
    pub exdate: Vec<String>,
    /// Only what is later than this instant in UTC.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 40), regex(pattern = INSTANT)))]
    pub after: Option<String>,
    /// At most so many, 1 to 1000; 100 unless told otherwise.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_LIMIT)))]
    pub limit: Option<u64>,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// Instants in UTC; local times or dates where there is no zone.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_LIMIT), inner(length(max = 40))))]
    pub occurrences: Vec<String>,
    /// The recurrence in plain English.
    #[cfg_attr(feature = "schema", schemars(length(max = 100_000)))]
    pub description: String,
    /// Whether the recurrence ends with the last one shown.
    pub complete: bool,
    /// Version of the zone data.
    #[cfg_attr(feature = "schema", schemars(length(max = 20)))]
    pub tzdata: &'static str,
}

/// Expands a recurrence.
pub fn preview(input: &PreviewInput) -> Result<Preview, Invalid> {
    let limit = input.limit.map_or(DEFAULT_LIMIT, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Invalid::at("/limit", format!("must be from 1 to {MAX_LIMIT}")));
    }
    let start = start(input)?;
    let rule = Rule::parse(&input.rrule).map_err(|error| Invalid::at("/rrule", error.to_string()))?;
    let after = input.after.as_deref().map(instant).transpose()?;
    let set = rule_set(&start, rule, &input.rdate, &input.exdate, "")?;
    let page = set
        .expand(after.as_ref(), limit)
        .map_err(|exhausted| Invalid::at("/rrule", exhausted.to_string()))?;
    let occurrences = page
        .occurrences
        .iter()
        .map(|occurrence| match occurrence.instant {
            Some(at) => Timestamp::from(at).to_string(),
            None => start.moved_to(occurrence.local).local(),
        })
        .collect();
    Ok(Preview {
        occurrences,
        description: set.describe(),
        complete: page.complete,
        tzdata: tzdata_version(),
    })
}

/// A recurrence set out of its parts; errors point into the document that holds them at `at`.
pub(crate) fn rule_set(
    start: &Due,
    rule: Rule,
    rdate: &[String],
    exdate: &[String],
    at: &str,
) -> Result<RuleSet, Invalid> {
    let rdate = moments(rdate, &format!("{at}/rdate"))?;
    let exdate = moments(exdate, &format!("{at}/exdate"))?;
    RuleSet::new(start.start(), Some(rule), rdate, exdate).map_err(|error| {
        let text = error.to_string();
        let part = match text.split(' ').find(|word| ["RDATE", "EXDATE"].contains(word)) {
            Some(property) => property.to_lowercase(),
            None => "rrule".to_owned(),
        };
        Invalid::at(format!("{at}/{part}"), text)
    })
}

fn start(input: &PreviewInput) -> Result<Due, Invalid> {
    let due = DueInput { local: input.dtstart.clone(), tz: input.tz.clone() };
    Due::parse(&due, "").map_err(|mut wrong| {
        for error in &mut wrong.errors {
            if error.pointer == "/local" {
                error.pointer = "/dtstart".to_owned();
            }
        }
        wrong
    })
}

fn instant(text: &str) -> Result<Moment, Invalid> {
    Timestamp::parse(text).map(|at| Moment::Instant(at.to_utc())).ok_or_else(|| {
        Invalid::at("/after", format!("{text:?} is not an instant in UTC such as 2026-03-06T08:00:00Z"))
    })
}

fn moments(texts: &[String], at: &str) -> Result<Vec<Moment>, Invalid> {
    let mut invalid = Invalid::default();
    let mut moments = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match parse_local(text) {
            Ok(Local::Date(date)) => moments.push(Moment::Date(date)),
            Ok(Local::DateTime(local)) => moments.push(Moment::Local(local)),
            Err(why) => invalid.add(format!("{at}/{index}"), why),
        }
    }
    if invalid.errors.is_empty() { Ok(moments) } else { Err(invalid) }
}
