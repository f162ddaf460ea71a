//! Recurrence rules and time zones: parse, validate, expand, describe.
//!
//! A [`Rule`] is parsed text, a [`RuleSet`] a rule with its start, added and removed dates; it is asked for
//! [`Occurrence`]s. [`Phrase`] reads plain English. How the RFC is read stands in `docs/recurrence.md`, what a question
//! may cost in [`limits`].
//!
//! ```
//! use perennial_recurrence::{chrono, Rule, RuleSet, Start, Zone};
//! let zone = Zone::parse("America/New_York")?;
//! let start = chrono::NaiveDate::from_ymd_opt(2024, 3, 9).and_then(|day| day.and_hms_opt(2, 30, 0)).unwrap_or_default();
//! let set = RuleSet::new(Start::Zoned(start, zone), Some(Rule::parse("FREQ=DAILY;COUNT=2")?), vec![], vec![])?;
//! let page = set.expand(None, 10)?;
//! let instants: Vec<String> = page.occurrences.iter().filter_map(|o| Some(o.instant?.to_rfc3339())).collect();
//! // 02:30 does not exist on 10 March: it takes the offset before the gap (RFC 5545 §3.3.5).
//! assert_eq!(instants, ["2024-03-09T07:30:00+00:00", "2024-03-10T07:30:00+00:00"]);
//! assert!(page.complete);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calendar;
mod describe;
mod engine;
pub mod limits;
mod phrase;
mod rule;
mod set;
mod zone;

pub use chrono;
pub use limits::Exhausted;
pub use phrase::{Found, Phrase, PhraseError, Sentence};
pub use rule::{End, Frequency, Parts, Rule, RuleError, Skip, Until, WeekdayNum};
pub use set::{Moment, Occurrence, Page, Questions, RuleSet, SetError, Start, Unanswerable};
pub use zone::{Zone, ZoneError, tzdata_version, zone_names};
