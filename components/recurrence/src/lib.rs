//! The recurrence engine as a component: `perennial:recurrence/engine@1.0.0`, described in
//! `wit/deps/perennial-recurrence@1.0.0`. Built for `wasm32-wasip2`; elsewhere there is nothing here.
#![cfg(target_arch = "wasm32")]

mod answer;
mod bindings;
mod read;

use bindings::Guest;
use bindings::{Error, Mistake, Occurrence, Page, Phrase, Series};
use perennial_recurrence::RuleSet;

struct Engine;

impl Guest for Engine {
    fn validate(series: Series) -> Result<(), Error> {
        read::series(&series)?.check_answerable().map_err(answer::unanswerable)
    }

    fn describe(series: Series) -> Result<String, Error> {
        Ok(read::series(&series)?.describe())
    }

    fn read(text: String) -> Result<Phrase, Mistake> {
        perennial_recurrence::Phrase::parse(&text)
            .map(|phrase| answer::phrase(&phrase))
            .map_err(answer::phrase_error)
    }

    fn expand(series: Series, after: Option<String>, limit: u32) -> Result<Page, Error> {
        let set = read::series(&series)?;
        let after = after.map(|text| read::moment(&text)).transpose()?;
        let page = set.expand(after.as_ref(), read::limit(limit)).map_err(answer::exhausted)?;
        Ok(answer::page(&set, &page))
    }

    fn between(series: Series, from: String, to: String, limit: u32) -> Result<Page, Error> {
        let set = read::series(&series)?;
        let (from, to) = (read::moment(&from)?, read::moment(&to)?);
        let page = set.between(&from, &to, read::limit(limit)).map_err(answer::exhausted)?;
        Ok(answer::page(&set, &page))
    }

    fn next_after(series: Series, after: String) -> Result<Option<Occurrence>, Error> {
        one(&series, |set| set.next_after(&read::moment(&after)?).map_err(answer::exhausted))
    }

    fn previous(series: Series, before: String) -> Result<Option<Occurrence>, Error> {
        one(&series, |set| set.previous(&read::moment(&before)?).map_err(answer::exhausted))
    }

    fn contains(series: Series, moment: String) -> Result<bool, Error> {
        read::series(&series)?.contains(&read::moment(&moment)?).map_err(answer::exhausted)
    }

    fn count(series: Series) -> Result<Option<u64>, Error> {
        read::series(&series)?.count().map_err(answer::exhausted)
    }

    fn tzdata_version() -> String {
        perennial_recurrence::tzdata_version().to_owned()
    }
}

/// Asks for one occurrence.
fn one(
    series: &Series,
    ask: impl FnOnce(&RuleSet) -> Result<Option<perennial_recurrence::Occurrence>, Error>,
) -> Result<Option<Occurrence>, Error> {
    let set = read::series(series)?;
    Ok(ask(&set)?.map(|found| answer::occurrence(&set, &found)))
}
