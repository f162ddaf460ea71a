//! Quick add: a task in one line of English, such as `Pay rent every last workday at 9am #home !high remind 1h before`.
//!
//! A line is cut into words, the words are read by the grammar, what they say is gathered, and only then it is asked when
//! "tomorrow" is. What is not understood is a part of the title and shown as such; what looks like something and cannot be
//! honoured is refused. docs/quick-add.md has the grammar.

mod around;
mod doubt;
mod duration;
mod grammar;
mod hour;
mod meaning;
mod names;
mod ordinal;
mod range;
mod reading;
mod reminder;
mod resolve;
mod said;
mod words;

use perennial_recurrence::Zone;
use serde::{Deserialize, Serialize};

pub(crate) use grammar::PRIORITIES;
pub(crate) use names::{nearly, short_weekday, weekday};
pub(crate) use reading::about;
pub use reading::{Piece, QuickNote, ReadAs, Reading};

use self::reading::{Places, pieces};
use self::said::Said;
use crate::{
    Commit, Context, DueInput, Invalid, Occurrence, RecurrenceInput, ReminderInput, Task, TaskInput,
    Timestamp,
};

/// Longest line, in characters.
pub const MAX_LINE: usize = 1_000;

/// Where errors of the line point.
const TEXT: &str = "/text";

/// A line as sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuickInput {
    /// One line of English, 1 to 1,000 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_LINE), regex(pattern = crate::pattern::LINE)))]
    pub text: String,
    /// IANA name of the zone in which days and times are read, unless the line says another; the user's own if left out.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 100), extend("format" = crate::pattern::ZONE)))]
    pub tz: Option<String>,
    /// Whether only to show what would be made.
    #[serde(default)]
    pub dry_run: bool,
}

/// Reads a line as a task, for a user whose zone is `home`.
pub fn read_quick(input: &QuickInput, home: &Zone, now: Timestamp) -> Result<Reading, Invalid> {
    let zone = match &input.tz {
        Some(name) => Zone::parse(name).map_err(|error| Invalid::at("/tz", error.to_string()))?,
        None => *home,
    };
    let text = input.text.as_str();
    let length = text.chars().count();
    if length > MAX_LINE {
        return Err(Invalid::at(TEXT, format!("has {length} characters; at most {MAX_LINE} are read")));
    }
    let places = Places::of(text);
    let mut wrong = controls(text);
    let line = words::Line::cut(text, resolve::next_year(zone, now));
    let spoken = grammar::read(&line);
    let said = Said::gather(&spoken.items, &mut wrong);
    let when = match resolve::resolve(&said, zone, now) {
        Ok(when) => when,
        Err(error) => {
            wrong.push(error);
            resolve::When::default()
        }
    };
    if !wrong.is_empty() {
        return Err(places.invalid(wrong));
    }
    let pieces = pieces(&places, &spoken.items, &when);
    let titles: Vec<&str> = pieces
        .iter()
        .filter(|piece| piece.read_as == ReadAs::Title)
        .map(|piece| piece.value.as_str())
        .collect();
    let title = titles.join(" ").trim().to_owned();
    if title.is_empty() {
        return Err(Invalid::at(TEXT, "has no words for a title"));
    }
    let recurrence = said.recurrence.as_ref().map(|(_, found)| RecurrenceInput {
        rrule: found.phrase.rule.text().to_owned(),
        rdate: Vec::new(),
        exdate: Vec::new(),
        anchor: crate::Anchor::default(),
        misfire: crate::Misfire::default(),
        overlap: crate::Overlap::default(),
    });
    let description = when.due.as_ref().zip(said.recurrence.as_ref()).and_then(|(due, (_, found))| {
        let rule = Some(found.phrase.rule.clone());
        perennial_recurrence::RuleSet::new(due.start(), rule, Vec::new(), Vec::new())
            .ok()
            .map(|set| set.describe())
    });
    let input = TaskInput {
        title,
        description: String::new(),
        priority: said.priority.as_ref().map(|(_, priority)| *priority).unwrap_or_default(),
        tags: each_once(said.tags.iter().map(|(_, tag)| *tag)),
        due: when.due.as_ref().map(DueInput::from),
        recurrence,
        reminders: said
            .reminders
            .iter()
            .map(|(_, trigger)| ReminderInput {
                id: None,
                trigger: (*trigger).to_owned(),
                related: crate::Related::default(),
            })
            .collect(),
        ..TaskInput::default()
    };
    let notes = places.notes(&spoken, &said, when.notes, when.due.as_ref());
    let members = places.members(&said, &spoken.items);
    Ok(Reading { input, pieces, notes, description, steps: line.steps(), members })
}

/// Reads a line and creates the task that it says. A dry run leaves the commit alone.
pub fn quick_task(
    ctx: &mut Context<'_>,
    input: &QuickInput,
) -> Result<(Reading, Commit, Task, Occurrence), Invalid> {
    let zone = ctx.zone;
    let reading = read_quick(input, &zone, ctx.now)?;
    match crate::create_task(ctx, &reading.input) {
        Ok((commit, task, first)) => Ok((reading, commit, task, first)),
        Err(invalid) => Err(reading.refused(invalid, &input.text)),
    }
}

/// Tags, each once, in the order said.
fn each_once<'a>(said: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in said {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// What no title can hold.
fn controls(text: &str) -> Vec<said::Wrong> {
    let bad = text.char_indices().filter(|(_, letter)| letter.is_control() && !letter.is_whitespace());
    let wrong = bad
        .map(|(at, letter)| (at..at.saturating_add(letter.len_utf8()), "is a control character".to_owned()));
    wrong.collect()
}
