//! What tools take.

use std::fmt;

use perennial_domain::{DueInput, Invalid, Piece, QuickInput, ReadAs, Reading, read_quick};
use perennial_http_api::{Problem, typed};
use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::moment::Clock;

/// Longest words for a date or a repetition, in characters.
pub(crate) const MAX_WORDS: usize = 200;

/// A field that is wrong.
pub(crate) fn wrong(at: &str, why: &str) -> Problem {
    Invalid::at(at, why).into()
}

/// The same problem at another place.
pub(crate) fn elsewhere(problem: Problem, at: &str) -> Problem {
    let said: Vec<String> = problem.into_errors().into_iter().map(|error| error.detail).collect();
    wrong(at, &said.join("; "))
}

/// From 1 to `N` items, each read by itself: one that cannot be read fails alone.
pub(crate) struct Each<T, const N: usize>(pub Vec<Result<T, Problem>>);

impl<'de, T: DeserializeOwned, const N: usize> Deserialize<'de> for Each<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Value>::deserialize(deserializer)?;
        if items.is_empty() || items.len() > N {
            let count = items.len();
            return Err(serde::de::Error::custom(format!(
                "must have 1 to {N} items, not {count}: send several calls"
            )));
        }
        Ok(Self(items.into_iter().map(typed).collect()))
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema, const N: usize> schemars::JsonSchema for Each<T, N> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Each{N}{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let items = generator.subschema_for::<T>();
        schemars::json_schema!({ "type": "array", "minItems": 1, "maxItems": N, "items": items })
    }
}

/// A text that is sent on to the operation that knows what it may be; up to so many characters.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Text<const N: usize>(pub String);

impl<'de, const N: usize> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.chars().nth(N) {
            None => Ok(Self(text)),
            Some(_) => Err(serde::de::Error::custom(format!("must have at most {N} characters"))),
        }
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "schema")]
impl<const N: usize> schemars::JsonSchema for Text<N> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Text{N}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": N })
    }
}

/// A text that says something; an empty one is none, as models send it.
pub(crate) fn said<const N: usize>(text: Option<&Text<N>>) -> Option<&str> {
    text.map(|text| text.0.trim()).filter(|text| !text.is_empty())
}

/// An id or a name.
pub(crate) type Id = Text<36>;

/// A date.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct DueArg {
    /// Whole day: 2026-12-01
    #[serde(default)]
    pub date: Option<Text<10>>,
    /// 2026-12-01T09:00
    #[serde(default)]
    pub local: Option<Text<40>>,
    /// IANA zone; unless told, the user's
    #[serde(default)]
    pub tz: Option<Text<100>>,
}

impl DueArg {
    /// The due date, for the API to look at. `at` is where it is said.
    pub(crate) fn input(&self, at: &str) -> Result<DueInput, Problem> {
        let local = match (said(self.date.as_ref()), said(self.local.as_ref())) {
            (Some(date), None) => {
                if date.contains('T') {
                    return Err(wrong(
                        &format!("{at}/date"),
                        "is a day such as 2026-12-01; with a time, give local",
                    ));
                }
                date
            }
            (None, Some(local)) => local,
            _ => return Err(wrong(at, "needs either date (a whole day) or local (a date and time)")),
        };
        Ok(DueInput { local: local.to_owned(), tz: said(self.tz.as_ref()).map(str::to_owned) })
    }
}

/// How a task comes back.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RepeatArg {
    /// FREQ=WEEKLY;BYDAY=MO
    #[serde(default)]
    pub rrule: Option<Text<4096>>,
    /// every last workday of the month
    #[serde(default)]
    pub words: Option<Text<MAX_WORDS>>,
    /// completion: counted from when it was done
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<perennial_recurrence_anchor::Anchor>"))]
    pub anchor: Option<Text<20>>,
}

/// The names that an anchor may have, for the schema.
#[cfg(feature = "schema")]
mod perennial_recurrence_anchor {
    #[derive(schemars::JsonSchema)]
    #[schemars(inline, rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its shape is meant")]
    pub(super) enum Anchor {
        Due,
        Completion,
    }
}

/// When a task is due and how it comes back, as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Schedule {
    pub due: Option<DueInput>,
    /// A recurrence, as the API takes it.
    pub repeat: Option<Value>,
    /// What is to be said of how words were read.
    pub notes: Vec<String>,
}

/// What is said of when: the same in several tools.
pub(crate) struct When<'a> {
    pub due: Option<&'a DueArg>,
    pub words: Option<&'a str>,
    pub repeat: Option<&'a RepeatArg>,
    /// Whether the task is due already: then words for a repetition alone leave that as it is.
    pub is_due: bool,
}

impl When<'_> {
    /// Reads it. Words are read as those of a line of quick add are.
    pub(crate) fn read(&self, clock: &Clock) -> Result<Schedule, Problem> {
        if self.due.is_some() && self.words.is_some() {
            return Err(wrong("/due_words", "and due say the same: give one of them"));
        }
        let mut schedule = Schedule::default();
        if let Some(due) = self.due {
            schedule.due = Some(due.input("/due")?);
        }
        let repeat_words = match self.repeat {
            None => None,
            Some(repeat) => match (said(repeat.rrule.as_ref()), said(repeat.words.as_ref())) {
                (Some(_), None) => None,
                (None, Some(words)) => Some(words),
                _ => return Err(wrong("/repeat", "needs either rrule or words")),
            },
        };
        if let Some(words) = self.words {
            let read = read(words, "/due_words", clock)?;
            if read.input.recurrence.is_some() && self.repeat.is_some() {
                return Err(wrong("/due_words", "says how it comes back, and so does repeat: say it once"));
            }
            schedule.take(&read);
        }
        if let Some(words) = repeat_words {
            let read = read(words, "/repeat/words", clock)?;
            if read.input.recurrence.is_none() {
                return Err(wrong("/repeat/words", "says no repetition: write \"every Monday\" or the like"));
            }
            let timed = |piece: &Piece| matches!(piece.read_as, ReadAs::Date | ReadAs::Time | ReadAs::Zone);
            let is_timed = read.pieces.iter().any(timed);
            if is_timed && schedule.due.is_some() {
                return Err(wrong(
                    "/repeat/words",
                    "say when it is due, and so does due: say it once, in due",
                ));
            }
            let due = schedule.due.take();
            schedule.take(&read);
            if due.is_some() || (self.is_due && !is_timed) {
                schedule.due = due;
            }
        }
        if let Some(repeat) = self.repeat {
            let recurrence = schedule.repeat.get_or_insert_with(|| json!({}));
            if let Some(members) = recurrence.as_object_mut() {
                if let Some(rrule) = said(repeat.rrule.as_ref()) {
                    members.insert("rrule".to_owned(), rrule.into());
                }
                if let Some(anchor) = said(repeat.anchor.as_ref()) {
                    members.insert("anchor".to_owned(), anchor.into());
                }
            }
        }
        Ok(schedule)
    }
}

impl Schedule {
    fn take(&mut self, read: &Reading) {
        self.due.clone_from(&read.input.due);
        if let Some(recurrence) = &read.input.recurrence {
            self.repeat = Some(json!({ "rrule": recurrence.rrule }));
        }
        self.notes.extend(read.description.iter().map(|words| format!("comes back {words}")));
        self.notes.extend(read.notes.iter().map(|note| note.detail.clone()));
    }

    /// Its members of a document that the API takes.
    pub(crate) fn put(&self, document: &mut Map<String, Value>) {
        if let Some(due) = &self.due {
            document.insert("due".to_owned(), json!(due));
        }
        if let Some(repeat) = &self.repeat {
            document.insert("recurrence".to_owned(), repeat.clone());
        }
    }
}

/// What stands for the title of the line that words are read as.
const TITLE: &str = "x";

/// Reads words for a date or a repetition. Every one of them has to be understood.
fn read(words: &str, at: &str, clock: &Clock) -> Result<Reading, Problem> {
    let input = QuickInput { text: format!("\"{TITLE}\" {words}"), tz: None, dry_run: true };
    let reading = read_quick(&input, &clock.zone, clock.now).map_err(|invalid| {
        let said: Vec<String> = invalid.errors.into_iter().map(|error| error.detail).collect();
        wrong(at, &said.join("; "))
    })?;
    if reading.input.title != TITLE {
        let rest = reading.input.title.strip_prefix(TITLE).unwrap_or(&reading.input.title).trim();
        let why = format!(
            "{rest:?} is not understood: write such as \"tomorrow 9am\", \"5 Dec\" or \"every Monday at 9:00\""
        );
        return Err(wrong(at, &why));
    }
    let other = reading
        .pieces
        .iter()
        .find(|piece| matches!(piece.read_as, ReadAs::Tag | ReadAs::Priority | ReadAs::Reminder));
    if let Some(other) = other {
        return Err(wrong(at, &format!("{:?} says no date: give it in its own field", other.text)));
    }
    if reading.input.due.is_none() {
        return Err(wrong(at, "says no date"));
    }
    Ok(reading)
}

macro_rules! sent_on {
    ($($(#[$doc:meta])* $name:ident: $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub Value);

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    )*};
}

// What the API reads and checks as it is.
sent_on! {
    /// A priority.
    PriorityArg: schemars::json_schema!({ "enum": ["none", "low", "medium", "high", "urgent"] });
    /// Tags.
    Tags: schemars::json_schema!({ "type": "array", "maxItems": 50, "items": { "type": "string", "maxLength": 100 } });
    /// Reminders.
    Reminders: schemars::json_schema!({
        "type": "array",
        "maxItems": 20,
        "items": {
            "type": "object",
            "properties": {
                "trigger": { "type": "string", "maxLength": 40, "description": "-PT30M, or an instant with Z" },
                "related": { "enum": ["due", "start"] },
            },
            "required": ["trigger"],
            "additionalProperties": false,
        },
    });
}
