//! The programs of a PostgreSQL on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest version that is served.
const OLDEST: u32 = 15;

/// A folder with the programs of a PostgreSQL.
#[derive(Debug, Clone)]
pub struct Installed {
    folder: PathBuf,
    version: u32,
}

impl Installed {
    /// `POSTGRES_BIN`, else the newest of Debian's packages, one on the PATH, or the one that `make postgres` unpacked. `None` where there
    /// is none, after saying so; a failure where `CI` is set.
    pub fn find() -> Option<Self> {
        if let Some(named) = std::env::var_os("POSTGRES_BIN") {
            let found = Self::at(Path::new(&named));
            assert!(
                found.is_some(),
                "POSTGRES_BIN is no folder of a PostgreSQL of version {OLDEST} or later"
            );
            return found;
        }
        let newest =
            packages().into_iter().filter_map(|folder| Self::at(&folder)).max_by_key(|found| found.version);
        let found = newest.or_else(|| others().iter().find_map(|folder| Self::at(folder)));
        if found.is_none() {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: run `make postgres`");
            eprintln!("SKIPPED: no PostgreSQL of version {OLDEST} or later here; `make postgres` gets one");
        }
        found
    }

    /// The one in a folder, if it is there and new enough.
    fn at(folder: &Path) -> Option<Self> {
        let told = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let told = String::from_utf8(told.stdout).ok()?;
        let version = told.strip_prefix("postgres (PostgreSQL) ")?;
        let version = version.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()?;
        (version >= OLDEST && folder.join("initdb").is_file())
            .then(|| Self { folder: folder.to_owned(), version })
    }

    /// Its major version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Where its programs are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The folders of Debian's packages.
fn packages() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin")).collect()
}

fn others() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&path).filter(|folder| folder.as_os_str() != OsStr::new("")).collect();
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/postgres/bin"));
    folders
}
