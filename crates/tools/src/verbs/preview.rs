//! The dates of a repetition, before there is a task.

use http::Method;
use perennial_domain::Timestamp;
use perennial_http_api::Problem;
use perennial_recurrence::Zone;
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::answer::{Told, cut};
use crate::arguments::{DueArg, RepeatArg, Text, When, said, wrong};
use crate::door::{Beside, Door, reread};
use crate::moment::{Local, MAX_MOMENT, day, due, local, time};

/// Most dates of an answer, and how many unless told.
const MOST: u32 = 20;
const UNLESS_TOLD: u32 = 5;

/// A repetition.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewSchedule {
    /// where it starts; words may say it
    #[serde(default)]
    due: Option<DueArg>,
    repeat: RepeatArg,
    /// a day or time
    #[serde(default)]
    after: Option<Text<40>>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MOST)))]
    limit: Option<u32>,
}

/// Its dates.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Previewed {
    #[cfg_attr(feature = "schema", schemars(length(max = MOST), inner(length(max = MAX_MOMENT))))]
    dates: Vec<String>,
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_MOMENT)))]
    due: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 4_096)))]
    rrule: String,
    /// In words.
    #[cfg_attr(feature = "schema", schemars(length(max = 4_000)))]
    means: String,
    /// Whether it ends with the last one.
    complete: bool,
}

/// The same, as the API tells it.
#[derive(Deserialize)]
struct PreviewDoc {
    occurrences: Vec<String>,
    description: String,
    complete: bool,
}

pub(super) fn preview<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: &PreviewSchedule,
) -> Result<Told, Problem> {
    let clock = door.clock();
    let limit = asked.limit.unwrap_or(UNLESS_TOLD);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong("/limit", &format!("must be from 1 to {MOST}")));
    }
    let when = When { due: asked.due.as_ref(), words: None, repeat: Some(&asked.repeat), is_due: false };
    let schedule = when.read(&clock)?;
    let start =
        schedule.due.ok_or_else(|| wrong("/due", "must be given, unless words say when it starts"))?;
    let rrule = schedule.repeat.as_ref().and_then(|repeat| repeat.get("rrule")?.as_str()).unwrap_or_default();
    let zone = start.tz.as_deref().map(Zone::parse).transpose();
    let zone = zone.map_err(|error| wrong("/due/tz", &error.to_string()))?;
    let mut body = Map::new();
    body.insert("dtstart".to_owned(), json!(start.local));
    body.insert("tz".to_owned(), json!(start.tz));
    body.insert("rrule".to_owned(), json!(rrule));
    body.insert("limit".to_owned(), json!(limit));
    if let Some(after) = said(asked.after.as_ref()) {
        let read = local(after).map(|read| Timestamp::from(read.instant(&zone.unwrap_or(clock.zone))));
        let at = Timestamp::parse(after).or(read);
        let at = at.ok_or_else(|| wrong("/after", "must be a day or a time such as 2026-12-01T09:00"))?;
        body.insert("after".to_owned(), json!(at.to_string()));
    }
    let beside = Beside { body: Some(body.into()), key: None, if_match: None };
    let done = door.change(&Method::POST, "/v1/recurrence/preview", beside).map_err(|problem| {
        let said = problem.detail().replace("/dtstart: ", "").replace("/rrule: ", "");
        match problem.detail() {
            detail if detail.starts_with("/dtstart") => wrong("/due", &said),
            detail if detail.starts_with("/rrule") => wrong("/repeat/rrule", &said),
            _ => problem,
        }
    })?;
    let told: PreviewDoc = reread(done.body)?;
    let date = |text: &String| match (Timestamp::parse(text), zone, local(text)) {
        (Some(at), Some(zone), _) => format!("{} {}", time(zone.local(at.to_utc())), zone.name()),
        (Some(at), None, _) => clock.instant(at),
        (None, _, Some(Local::Day(date))) => day(date),
        (None, _, Some(Local::Time(at))) => time(at),
        _ => cut(text, MAX_MOMENT),
    };
    let previewed = Previewed {
        dates: told.occurrences.iter().map(date).collect(),
        due: due(&start),
        rrule: rrule.to_owned(),
        means: cut(&told.description, 4_000),
        complete: told.complete,
    };
    Ok(Told::new(&previewed, true))
}
