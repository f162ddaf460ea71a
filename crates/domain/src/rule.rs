//! What a write must not do, whoever asks and however often: the store finds it in the statement that writes, by a name.

use crate::project::MAX_PROJECTS;
use crate::{Invalid, MAX_TESTS};

/// Most parts of a task.
pub const MAX_PARTS: usize = 100;

/// Why the store refused a command by a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// What was sent is wrong.
    Invalid(Invalid),
    /// There are as many as may be: which, how many, and what helps, in words.
    Quota(String),
    /// The token has written as often as it may; the next window begins in so many milliseconds.
    Rate(i64),
}

/// What is wrong with a command that the store refused by a rule. Some names go on, after a colon, with a number.
pub fn broken_rule(name: &str) -> Broken {
    let number = |text: &str| text.parse().unwrap_or_default();
    if let Some(left) = name.strip_prefix("rate:") {
        return Broken::Rate(number(left));
    }
    if let Some(most) = name.strip_prefix("quota:tasks:") {
        let most: i64 = number(most);
        return Broken::Quota(format!(
            "a user may have {most} tasks that are not deleted (quota_tasks): delete some, done ones perhaps, \
             or ask the operator for more"
        ));
    }
    if let Some(most) = name.strip_prefix("quota:tokens:") {
        let most: i64 = number(most);
        return Broken::Quota(format!(
            "a user may have {most} tokens that are not revoked: revoke some, expired ones perhaps"
        ));
    }
    Broken::Invalid(wrong(name))
}

fn wrong(name: &str) -> Invalid {
    let (pointer, detail) = match name {
        "project" => ("/project", "is no project of yours".to_owned()),
        "parent" => ("/parent", "is no other task of yours".to_owned()),
        "depth" => (
            "/parent",
            "parts have no parts: neither may the parent be one, nor this task have any".to_owned(),
        ),
        "parts" => ("/parent", format!("has {MAX_PARTS} parts already")),
        "name" => ("/name", "is the name of another project of yours".to_owned()),
        "projects" => ("", format!("there are {MAX_PROJECTS} projects already")),
        "tests" => ("", format!("{MAX_TESTS} tests of this channel wait already")),
        "identity" => ("/identity", "is another user's".to_owned()),
        "user" => ("", "the user was deleted".to_owned()),
        "last-admin" => ("", "is the last admin, who cannot be deleted".to_owned()),
        "empty" => ("", "tasks are in this project: move or delete them first".to_owned()),
        _ => ("", format!("is against the rule {name:?}")),
    };
    Invalid::at(pointer, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_counts_as_said_here() {
        let write = include_str!("../../store/src/sqlite/schema/0005_write.sql");
        let create = include_str!("../../store/src/sqlite/schema/0005_new.sql");
        for text in [write, create] {
            assert!(text.contains(&format!("AND deleted_at IS NULL) >= {MAX_PARTS})")));
        }
        assert!(write.contains(&format!("AND deleted_at IS NULL) >= {MAX_PROJECTS}\n")));
        assert!(write.contains(&format!("AND type = 'test') >= {MAX_TESTS})")));
        for text in [write, create] {
            for (_, rest) in text.match_indices("'rule:").map(|(at, _)| text.split_at(at + 6)) {
                let name = rest.split('\'').next().unwrap();
                match broken_rule(name) {
                    Broken::Invalid(wrong) => {
                        assert!(!wrong.to_string().contains("against the rule"), "{name}");
                    }
                    Broken::Quota(_) | Broken::Rate(_) => assert!(name.ends_with(':'), "{name}"),
                }
            }
        }
    }
}
