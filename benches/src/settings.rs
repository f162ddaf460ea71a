//! What can be set from outside, and where things are put.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use perennial_tests::setting;
use tempfile::TempDir;

/// The environment's value of `name`, or `otherwise`.
///
/// # Panics
/// When the value is no number of that kind.
pub fn number<T: FromStr<Err: Debug>>(name: &str, otherwise: T) -> T {
    setting(name).unwrap_or(otherwise)
}

/// A folder for one measurement, removed afterwards. It lies on the disk that is built on, never in a memory file system.
pub fn scratch() -> TempDir {
    let parent = repository().join("target/benches");
    fs::create_dir_all(&parent).unwrap();
    TempDir::new_in(parent).unwrap()
}

/// The repository's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
