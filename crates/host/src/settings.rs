//! The settings of this application, checked before anything runs: its guests read them at each request, too late for
//! whoever starts it.

use perennial_guest::settings;

use crate::variables::Variables;

/// Who declares these is this application.
const OURS: [&str; 3] = ["store", "durability", "bus"];

/// Refuses a value that the guests cannot use, by the name of its variable.
pub(crate) fn check(variables: &Variables) -> anyhow::Result<()> {
    if OURS.iter().any(|name| variables.get(name).is_none()) {
        return Ok(());
    }
    let undeclared = || "the application does not declare it".to_owned();
    settings::check(&|name| variables.get(name).map(str::to_owned).ok_or_else(undeclared))?;
    Ok(())
}
