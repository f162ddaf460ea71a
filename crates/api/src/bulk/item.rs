//! A command of many.

use perennial_domain::{Commit, ExpectPlace, Invalid, TaskId};
use perennial_http_api::{IdempotencyKey, Kind, Problem};

use crate::command::Command;

/// A command, and what is known of it before anything is looked up.
pub(super) struct Item {
    /// Its place in the request, as a JSON Pointer.
    pub at: String,
    /// The command, or what is wrong with its body.
    pub command: Result<Command, Problem>,
    /// The task that it changes.
    pub task: Option<TaskId>,
    /// The task beside which it puts that one, and which member says so.
    pub beside: Option<(TaskId, &'static str)>,
    /// The key under which its answer is kept.
    pub key: Option<IdempotencyKey>,
    /// Whether its kind takes a body.
    pub takes_body: bool,
}

impl Item {
    /// A problem of this command as one of the whole request: what is wrong is said where it was sent.
    pub(super) fn placed(&self, problem: Problem) -> Problem {
        let holds = if self.takes_body { "/body" } else { "" };
        problem.under(&format!("{}{holds}", self.at))
    }

    /// The same as fields of the request that are wrong; or the problem itself, where it is none of the request's.
    pub(super) fn wrong(&self, problem: Problem) -> Result<Invalid, Problem> {
        let member = match problem.kind() {
            Kind::Invalid => return Ok(Invalid { errors: self.placed(problem).into_errors() }),
            Kind::NotFound => "id",
            Kind::PreconditionFailed => "if_match",
            _ => return Err(problem),
        };
        Ok(Invalid::at(format!("{}/{member}", self.at), problem.detail()))
    }

    /// Where it says that it depends on a task that an earlier command of the request may change.
    pub(super) fn follows(&self, touched: &[TaskId]) -> Option<String> {
        let is_touched = |id: &TaskId| touched.contains(id);
        if self.task.as_ref().is_some_and(is_touched) {
            return Some(format!("{}/id", self.at));
        }
        let (_, member) = self.beside.as_ref().filter(|(id, _)| is_touched(id))?;
        Some(format!("{}/body/{member}", self.at))
    }

    /// Where it says that its task comes to the place that one of the earlier commits gives to another.
    pub(super) fn meets(&self, commit: &Commit, earlier: &[Commit]) -> Option<String> {
        let gives = |place: &ExpectPlace| {
            let mut given = earlier.iter().flat_map(|commit| &commit.expect.places);
            given.any(|other| other.place == place.place)
        };
        let (_, member) = self.beside.as_ref().filter(|_| commit.expect.places.iter().any(gives))?;
        Some(format!("{}/body/{member}", self.at))
    }
}
