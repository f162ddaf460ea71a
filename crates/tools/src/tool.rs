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
    GetAgenda,
    FindTasks,
    GetTasks,
    GetHistory,
    PreviewSchedule,
    ListProjects,
    AddTasks,
    UpdateTasks,
    CompleteTasks,
    RescheduleTasks,
    SetReminders,
    SaveProject,
    DeleteTasks,
    Undo,
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
const DELETES: Hints = Hints { read_only: false, destructive: true, idempotent: true };

pub(crate) static TOOLS: &[Tool] = &[
    tool!(
        GetAgenda,
        "get_agenda",
        "Agenda",
        TasksRead,
        READS,
        "What is due in a span of days, with occurrences of series still to come, and what is overdue."
    ),
    tool!(
        FindTasks,
        "find_tasks",
        "Find tasks",
        TasksRead,
        READS,
        "Finds tasks by words, by a filter such as `due < +7d and priority >= high and not tag = someday`, by project or tag. Open ones unless told."
    ),
    tool!(GetTasks, "get_tasks", "Get tasks", TasksRead, READS, "Gives tasks in full, by id."),
    tool!(
        GetHistory,
        "get_history",
        "History",
        TasksRead,
        READS,
        "What was changed, the newest first, such as what was completed last week. Gives change ids for undo."
    ),
    tool!(
        PreviewSchedule,
        "preview_schedule",
        "Preview a schedule",
        TasksRead,
        READS,
        "Shows the dates of a repetition before there is a task."
    ),
    tool!(
        ListProjects,
        "list_projects",
        "Projects and tags",
        TasksRead,
        READS,
        "Lists projects, and tags if asked."
    ),
    tool!(
        AddTasks,
        "add_tasks",
        "Add tasks",
        TasksWrite,
        WRITES,
        "Adds tasks. Same idempotency_key, same answer: repeat a call whose answer was lost under the key it had."
    ),
    tool!(
        UpdateTasks,
        "update_tasks",
        "Update tasks",
        TasksWrite,
        WRITES,
        "Changes only the fields set or cleared. Not for moving a series: use reschedule_tasks. `set.repeat` changes its rule. Undo by change_id."
    ),
    tool!(
        CompleteTasks,
        "complete_tasks",
        "Complete tasks",
        TasksWrite,
        WRITES,
        "Completes tasks, or with done=false opens them again. A series needs its occurrence."
    ),
    tool!(
        RescheduleTasks,
        "reschedule_tasks",
        "Reschedule tasks",
        TasksWrite,
        WRITES,
        "Moves tasks or occurrences, or skips an occurrence. The rule of a series stays. A date alone keeps the time of day. Undo by change_id."
    ),
    tool!(
        SetReminders,
        "set_reminders",
        "Set reminders",
        TasksWrite,
        WRITES,
        "Replaces the reminders of a task, or snoozes one."
    ),
    tool!(
        SaveProject,
        "save_project",
        "Save a project",
        TasksWrite,
        WRITES,
        "Makes a project, or with id changes one."
    ),
    tool!(
        DeleteTasks,
        "delete_tasks",
        "Delete tasks",
        TasksWrite,
        DELETES,
        "Deletes tasks, series wholly. The first call deletes nothing and gives a handle: ask the user, then repeat it with confirm."
    ),
    tool!(
        Undo,
        "undo",
        "Undo",
        TasksWrite,
        WRITES,
        "Takes back a change by its change_id, or your own last one."
    ),
];
