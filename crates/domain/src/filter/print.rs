//! A condition as a filter: what is printed is read as the same condition again, as far as it is within the bounds of filters.

use std::fmt::{self, Display, Formatter};

use super::condition::{Bounds, Condition, Part, Quantity, Test};
use super::field::Field;
use crate::TaskStatus;

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(inner) => match inner.as_ref() {
                Self::Test(test) => test.print(f, true),
                Self::Not(_) => write!(f, "not {inner}"),
                _ => write!(f, "not ({inner})"),
            },
            Self::Test(test) => test.print(f, false),
        }
    }
}

/// Conditions with a word between them; those that are several themselves in parentheses, but for `and` within `or`.
fn joined(f: &mut Formatter<'_>, parts: &[Condition], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        let bare = match part {
            Condition::Or(_) => false,
            Condition::And(_) => word == " or ",
            _ => true,
        };
        if bare { write!(f, "{part}")? } else { write!(f, "({part})")? }
    }
    Ok(())
}

impl Test {
    /// Prints the test, or its opposite.
    fn print(&self, f: &mut Formatter<'_>, opposite: bool) -> fmt::Result {
        let not = if opposite { "not " } else { "" };
        let equal = if opposite { "!=" } else { "=" };
        match self {
            Self::Has(Part::Recurrence) => write!(f, "{not}recurring"),
            Self::Has(part) => {
                write!(f, "{} {} none", part.name(), if opposite { "=" } else { "!=" })
            }
            Self::Within(quantity, bounds) => quantity.print(f, *bounds, opposite),
            Self::Tag(tag) => write!(f, "tag {equal} {}", Quoted(tag)),
            Self::ProjectNamed(name) => write!(f, "project {equal} {}", Quoted(name)),
            Self::Project(id) => write!(f, "project {equal} {}", id.hyphenated()),
            Self::Parent(id) => write!(f, "parent {equal} {id}"),
            Self::Status(TaskStatus::Open) => write!(f, "status {equal} open"),
            Self::Status(TaskStatus::Done) => write!(f, "status {equal} done"),
            Self::TitleIs(title) => write!(f, "title {equal} {}", Quoted(title)),
            Self::TitleContains(part) => write!(f, "{not}title ~ {}", Quoted(part)),
        }
    }
}

impl Quantity {
    /// Prints its bounds. A bound past the greatest value that can be written is said by that value.
    fn print(self, f: &mut Formatter<'_>, bounds: Bounds, opposite: bool) -> fmt::Result {
        let (name, last) = (Field::Of(self).name(), self.limits().1);
        let not = if opposite { "not " } else { "" };
        let equal = if opposite { "!=" } else { "=" };
        match bounds {
            Bounds::From(from) if from > last => write!(f, "{not}{name} > {}", self.written(last)),
            Bounds::From(from) => write!(f, "{not}{name} >= {}", self.written(from)),
            Bounds::Below(to) if to > last => write!(f, "{not}{name} <= {}", self.written(last)),
            Bounds::Below(to) => write!(f, "{not}{name} < {}", self.written(to)),
            Bounds::Between(from, to) => {
                write!(f, "{name} {equal} {}", self.written(from))?;
                match to.saturating_sub(1) {
                    within if within == from => Ok(()),
                    within => write!(f, "..{}", self.written(within)),
                }
            }
        }
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Start => "start",
            Self::Completed => "completed",
            Self::Duration => "duration",
            Self::Tag => "tag",
            Self::Project => "project",
            Self::Parent => "parent",
            Self::Reminder => "reminder",
            Self::Recurrence => "recurring",
        }
    }
}

/// Text in quotation marks.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
