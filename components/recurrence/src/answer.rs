//! The engine's answers as texts of the interface.

use crate::bindings::{Error, Mistake, Occurrence, Page, Phrase};
use perennial_recurrence::{Exhausted, PhraseError, RuleSet, Start, Unanswerable};

pub(crate) fn occurrence(set: &RuleSet, found: &perennial_recurrence::Occurrence) -> Occurrence {
    let format = if matches!(set.start(), Start::Date(_)) { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S" };
    Occurrence {
        local: found.local.format(format).to_string(),
        instant: found.instant.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
        fold: found.fold,
    }
}

pub(crate) fn page(set: &RuleSet, page: &perennial_recurrence::Page) -> Page {
    let occurrences = page.occurrences.iter().map(|found| occurrence(set, found)).collect();
    Page { occurrences, complete: page.complete }
}

pub(crate) fn phrase(phrase: &perennial_recurrence::Phrase) -> Phrase {
    Phrase {
        rrule: phrase.rule.text().to_owned(),
        time: phrase.time.map(|time| time.format("%H:%M:%S").to_string()),
        zone: phrase.zone.map(|zone| zone.name().to_owned()),
    }
}

pub(crate) fn phrase_error(error: PhraseError) -> Mistake {
    Mistake {
        position: u32::try_from(error.position).unwrap_or(u32::MAX),
        part: None,
        message: error.message,
    }
}

pub(crate) fn exhausted(error: Exhausted) -> Error {
    Error::Exhausted(error.to_string())
}

pub(crate) fn unanswerable(error: Unanswerable) -> Error {
    Error::Exhausted(error.to_string())
}
