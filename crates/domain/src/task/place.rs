//! Where a task stands: in which project, under which task, and between which others.
//!
//! Places are text of hyphens, the digits `0` to `9` and the letters `a` to `z`, in that order. A task that was never moved
//! stands at its id: where it was made. Between any two places there is another.

use serde::Deserialize;

use super::{Task, TaskInput};
use crate::{Commit, Context, EventType, Invalid, ProjectId, SeriesState, TaskId};

/// Longest place, in characters. Each move between the same two neighbours takes about a fifth of a character.
pub const MAX_PLACE: usize = 500;

const DIGITS: &[u8; 37] = b"-0123456789abcdefghijklmnopqrstuvwxyz";

/// Where a task is to be moved, as sent. What is not said stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveInput {
    /// Into this project; `null`: into none.
    #[serde(default, deserialize_with = "said")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<ProjectId>"))]
    pub project: Option<Option<ProjectId>>,
    /// Under this task; `null`: under none.
    #[serde(default, deserialize_with = "said")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<TaskId>"))]
    pub parent: Option<Option<TaskId>>,
    /// To the place right before this task.
    #[serde(default)]
    pub before: Option<TaskId>,
    /// To the place right after this task.
    #[serde(default)]
    pub after: Option<TaskId>,
}

/// The places that a task is moved between; `None`: to the very beginning, or end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Between {
    /// The place that it comes after.
    pub lower: Option<String>,
    /// The place that it comes before.
    pub upper: Option<String>,
}

impl Between {
    /// A place there, as short as can be; `None` where there is no room.
    pub(crate) fn place(&self) -> Option<String> {
        let place = midway(self.lower.as_deref().unwrap_or_default(), self.upper.as_deref());
        place.filter(|place| place.len() <= MAX_PLACE)
    }
}

/// What is there, also where it is `null`.
fn said<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    value: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(value).map(Some)
}

impl MoveInput {
    /// Whether it says where to, and not twice.
    ///
    /// # Errors
    /// [`Invalid`] if it says nothing, or both `before` and `after`.
    pub fn check(&self, task: TaskId) -> Result<(), Invalid> {
        let Self { project, parent, before, after } = self;
        if before.is_some() && after.is_some() {
            return Err(Invalid::at("/after", "cannot be said together with `before`"));
        }
        if project.is_none() && parent.is_none() && before.is_none() && after.is_none() {
            return Err(Invalid::at("", "say where to: `project`, `parent`, `before` or `after`"));
        }
        for (pointer, other) in [("/before", before), ("/after", after)] {
            if *other == Some(task) {
                return Err(Invalid::at(pointer, "is the task that is to be moved"));
            }
        }
        Ok(())
    }
}

/// Moves a task. `between` is what it is moved between, where the move says so.
///
/// # Errors
/// [`Invalid`] if there is no room between the two.
pub fn move_task(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    input: &MoveInput,
    between: Option<&Between>,
) -> Result<(Commit, Task), Invalid> {
    let task = &state.task;
    let mut next = task.next(ctx.now);
    next.spec.project = input.project.unwrap_or(task.spec.project);
    next.spec.parent = input.parent.unwrap_or(task.spec.parent);
    if let Some(between) = between {
        let pointer = if input.before.is_some() { "/before" } else { "/after" };
        let full = || Invalid::at(pointer, "has no room left beside it: move it first");
        next.position = Some(between.place().ok_or_else(full)?);
    }
    let mut commit = ctx.commit_on(task, "task.move");
    commit.expect.place(&next, task);
    commit.expect.under(&next, Some(&task.spec));
    commit.tasks.push((&next).into());
    (commit.audit.before, commit.audit.after) = (Some(task.noted()), Some(next.noted()));
    let recurrence_id = state.open.first().map(|open| &open.recurrence_id);
    let data = serde_json::json!({ "task": TaskInput::from(&next.spec), "recurrence_id": recurrence_id });
    commit.events.push(ctx.event(EventType::TaskUpdated, &task.id.to_string(), data));
    Ok((commit, next))
}

/// A place after `lower` and before `upper`, as short as can be; `None` where there is none.
fn midway(lower: &str, upper: Option<&str>) -> Option<String> {
    let digit = |text: &str, at: usize| {
        text.as_bytes().get(at).and_then(|byte| DIGITS.iter().position(|digit| digit == byte))
    };
    let mut place = String::new();
    // The upper bound holds as long as all digits so far are its own.
    let mut upper = upper;
    for at in 0..=MAX_PLACE {
        let low = digit(lower, at).unwrap_or(0);
        let high = match upper {
            Some(upper) => digit(upper, at).unwrap_or(0),
            None => DIGITS.len(),
        };
        let middle = low.midpoint(high);
        if middle > low {
            place.push(char::from(*DIGITS.get(middle)?));
            return Some(place);
        }
        if high > low {
            upper = None;
        }
        if high < low || (upper.is_some_and(|upper| upper.len() <= at) && lower.len() <= at) {
            return None;
        }
        place.push(char::from(*DIGITS.get(low)?));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_place_between_any_two() {
        for (lower, upper) in [
            ("", None),
            ("", Some("1")),
            ("", Some("01")),
            ("a", Some("b")),
            ("a", Some("a1")),
            ("az", Some("b")),
            ("azzz", Some("b")),
            ("0198c0de", Some("0198c0df")),
            ("0198c0de-0000-7000-8000-00000000000f", Some("0198c0de-0000-7000-8000-000000000010")),
            ("zzzz", None),
        ] {
            let place = midway(lower, upper).unwrap_or_else(|| panic!("{lower:?} {upper:?}"));
            assert!(place.as_str() > lower, "{lower:?} < {place:?}");
            assert!(upper.is_none_or(|upper| place.as_str() < upper), "{place:?} < {upper:?}");
        }
        for (lower, upper) in [("b", "a"), ("a", "a"), ("a", "a-"), ("", "-"), ("", "")] {
            assert_eq!(midway(lower, Some(upper)), None, "{lower:?} {upper:?}");
        }
    }

    #[test]
    fn two_thousand_moves_to_one_spot_have_room() {
        for to_the_end in [false, true] {
            let (mut lower, mut upper) = ("0198a".to_owned(), "0198b".to_owned());
            for _ in 0..2_000 {
                let place = midway(&lower, Some(&upper)).unwrap();
                assert!(lower < place && place < upper);
                if to_the_end { lower = place } else { upper = place }
            }
            assert!(lower.len().max(upper.len()) <= MAX_PLACE);
        }
    }
}
