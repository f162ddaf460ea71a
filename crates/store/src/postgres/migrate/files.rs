//! The migrations, in the order in which they are applied.

/// A migration: one file of statements.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    /// The version of the schema that it is a step to.
    pub version: i64,
    /// By which it is remembered.
    pub name: &'static str,
    /// Its statements.
    pub text: &'static str,
}

macro_rules! files {
    ($($version:literal $name:literal)*) => {
        &[$(File { version: $version, name: $name, text: include_str!(concat!("../schema/", $name, ".sql")) }),*]
    };
}

/// All there are. What is here is never changed once a build with it has been released, and nothing is put before it.
pub(super) const FILES: &[File] = files! {
    1 "0001_tables"
    1 "0001_work"
    1 "0001_system"
    1 "0001_apply"
    1 "0001_read"
    2 "0002_notification"
    2 "0002_outbox"
    2 "0002_task"
    3 "0003_outbox"
    3 "0003_task"
    4 "0004_apply"
    4 "0004_work"
    5 "0005_apply"
    5 "0005_work"
    6 "0006_apply"
    6 "0006_conversations"
};

/// The first line of a file whose statements are executed one by one, each a transaction by itself.
const ONE_BY_ONE: &str = "-- no transaction";

impl File {
    /// Whether its statements are executed one by one. Who is cut off begins with the first again.
    pub fn one_by_one(&self) -> bool {
        self.text.lines().next().is_some_and(|line| line.trim_end() == ONE_BY_ONE)
    }
}
