//! The table of tools.

use perennial_domain::Scope;

/// A tool: what it is called, what it is for, and what it takes and tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name, by which it is called.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does, and what to mind.
    pub description: &'static str,
    /// What a token must allow.
    pub scope: Scope,
    /// What a client may count on.
    pub hints: Hints,
    /// The JSON Schema (2020-12) of its arguments, as text.
    pub input_schema: &'static str,
    /// That of what it tells.
    pub output_schema: &'static str,
    pub(crate) verb: Verb,
}

/// What a client may count on. None of the tools reaches beyond this service (`openWorldHint` is false).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// Whether it changes nothing.
    pub read_only: bool,
    /// Whether it takes away what was there. What it only overwrites can be taken back by its change id.
    pub destructive: bool,
    /// Whether a repetition of the same call changes nothing further.
    pub idempotent: bool,
}

/// The tools, for code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    FindTasks,
    AddTasks,
}

/// The tools that a token may call, in an order that does not change: one that only reads has the six that read.
pub fn tools(scopes: &[Scope]) -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter().filter(move |tool| scopes.contains(&tool.scope))
}

macro_rules! tool {
    ($verb:ident, $name:literal, $title:literal, $scope:ident, $hints:expr, $description:literal) => {
        Tool {
            name: $name,
            title: $title,
            description: $description,
            scope: Scope::$scope,
            hints: $hints,
            input_schema: include_str!(concat!("../schemas/", $name, ".input.json")),
            output_schema: include_str!(concat!("../schemas/", $name, ".output.json")),
            verb: Verb::$verb,
        }
    };
}

const READS: Hints = Hints { read_only: true, destructive: false, idempotent: true };
const WRITES: Hints = Hints { read_only: false, destructive: false, idempotent: true };

pub(crate) static TOOLS: &[Tool] = &[
    tool!(
        FindTasks,
        "find_tasks",
        "Find tasks",
        TasksRead,
        READS,
        "Finds tasks by words, by a filter such as `due < +7d and priority >= high and not tag = someday`, by project or tag. Open ones unless told."
    ),
    tool!(
        AddTasks,
        "add_tasks",
        "Add tasks",
        TasksWrite,
        WRITES,
        "Adds tasks. Same idempotency_key, same answer: repeat a call whose answer was lost under the key it had."
    ),
];
