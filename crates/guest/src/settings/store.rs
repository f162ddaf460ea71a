//! Where the data lies.

use perennial_store::sqlite::Durability;

use super::place::{place, postgres_port};
use super::{Get, SettingError, Settings, choice, read};

const URL: &str = "database_url";

/// Where the data lies, and how safely.
#[derive(Clone)]
pub struct StoreSettings {
    /// Where it lies.
    pub choice: StoreChoice,
}

/// Where the data lies.
#[derive(Clone)]
pub enum StoreChoice {
    /// In a file of the host's, of which a power cut may take so much.
    Sqlite(Durability),
    /// In a PostgreSQL at this address, with its password.
    Postgres(String),
}

impl Settings for StoreSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let durability =
            choice(get, "durability", &[("full", Durability::Full), ("normal", Durability::Normal)])?;
        let url = read(get, URL)?;
        let wrong = |reason: &str| Err(SettingError::new(URL, reason));
        let choice = match choice(get, "store", &[("sqlite", false), ("postgres", true)])? {
            false if url.is_empty() => StoreChoice::Sqlite(durability),
            false => return wrong("must be empty where store is not postgres: nothing is kept there"),
            true if has_stray_at(&url) => {
                return wrong("has an @ in the user, the password or the database: there it is written %40");
            }
            true if names_a_server(&url) => StoreChoice::Postgres(url),
            true => return wrong("must be postgres://user:password@host:port/database"),
        };
        Ok(Self { choice })
    }
}

/// Whether an @ is anywhere but between the password and the host. Who connects takes the first for that one, whichever it is.
fn has_stray_at(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let before_options = rest.split('?').next().unwrap_or_default();
    before_options
        .split_once('@')
        .is_some_and(|(user, place)| user.contains(['/', '#']) || place.contains('@'))
}

/// Whether an address names one server; a socket's file is out of a guest's reach.
fn names_a_server(url: &str) -> bool {
    place(url, postgres_port).is_some_and(|place| !place.host.contains([',', '%']))
}
