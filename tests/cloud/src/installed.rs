//! What `make cloud` has brought.

use std::path::PathBuf;

use perennial_tests::repository;

/// The programs of the test bed.
#[derive(Debug, Clone)]
pub struct Installed(PathBuf);

impl Installed {
    /// Finds them. `None` where they are not there, after saying so; a failure where `CI` is set.
    pub fn find() -> Option<Self> {
        let home = repository().join(".cache/cloud");
        if ["kafka.made", "dapr.made"].iter().all(|made| home.join(made).is_file()) {
            return Some(Self(home));
        }
        assert!(std::env::var_os("CI").is_none(), "Kafka and Dapr are not there: run `make cloud`");
        eprintln!("SKIPPED: neither Kafka nor Dapr here; `make cloud` gets them");
        None
    }

    /// A program in Go.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// What Java finds Kafka's classes by.
    pub(crate) fn kafka_classes(&self) -> String {
        format!("{}/kafka/*", self.0.display())
    }
}
