//! Changing tasks.

use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::batch::{Step, carry_out};
use crate::answer::Told;
use crate::arguments::{DueArg, Each, Id, MAX_WORDS, PriorityArg, RepeatArg, Tags, Text, When, said, wrong};
use crate::door::Door;
use crate::shown::{TaskDoc, repeat};

/// Most changes of a call.
const MOST: usize = 25;

/// Changes of tasks.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateTasks {
    changes: Each<ChangeArg, MOST>,
    #[serde(default)]
    dry_run: bool,
}

/// A change of a task.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ChangeArg {
    id: Id,
    /// refused if it changed since
    #[serde(default)]
    if_version: Option<u32>,
    #[serde(default)]
    set: Option<SetArg>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 8)))]
    clear: Vec<perennial_domain::Plain<Clear>>,
}

/// What a task has from now on.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct SetArg {
    #[serde(default)]
    title: Option<Text<500>>,
    #[serde(default)]
    notes: Option<Text<16_000>>,
    #[serde(default)]
    due: Option<DueArg>,
    #[serde(default)]
    due_words: Option<Text<MAX_WORDS>>,
    #[serde(default)]
    repeat: Option<RepeatArg>,
    #[serde(default)]
    priority: Option<PriorityArg>,
    /// all of them
    #[serde(default)]
    tags: Option<Tags>,
    #[serde(default)]
    project: Option<Text<100>>,
    #[serde(default)]
    parent: Option<Id>,
}

/// What a task does not have any more.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
enum Clear {
    Notes,
    Due,
    Repeat,
    Priority,
    Tags,
    Project,
    Parent,
    Reminders,
}

impl Clear {
    /// What the API calls it.
    fn member(self) -> &'static str {
        match self {
            Self::Notes => "description",
            Self::Due => "due",
            Self::Repeat => "recurrence",
            Self::Priority => "priority",
            Self::Tags => "tags",
            Self::Project => "project",
            Self::Parent => "parent",
            Self::Reminders => "reminders",
        }
    }
}

pub(super) fn update<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: UpdateTasks,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let key = door.key(None)?;
    carry_out(door, (key.as_deref(), &[]), asked.changes.0, |door, _, change| change.command(door))
}

impl ChangeArg {
    fn command<S: Store + SystemStore>(self, door: &mut Door<'_, '_, S>) -> Result<Step, Problem> {
        let set = self.set.unwrap_or_default();
        let words = said(set.due_words.as_ref());
        let clears = |what: Clear| self.clear.iter().any(|clear| clear.0 == what);
        let moves = set.due.is_some() || words.is_some();
        let replans = moves || set.repeat.is_some() || clears(Clear::Repeat) || clears(Clear::Due);
        let before = if replans { Some(door.task(&self.id.0, "/id")?) } else { None };
        let is_due = before.as_ref().is_some_and(|task| task.due.is_some()) && !clears(Clear::Due);
        let when = When { due: set.due.as_ref(), words, repeat: set.repeat.as_ref(), is_due };
        let schedule = when.read(&door.clock())?;
        let mut notes = schedule.notes.clone();
        if let Some(task @ TaskDoc { recurrence: Some(rule), .. }) = &before {
            let says_rule = schedule.repeat.is_some() || clears(Clear::Repeat);
            if !says_rule {
                let open = task.open().map(|open| format!("; the open one is {open:?}")).unwrap_or_default();
                let why = format!(
                    "is not changed here, since the task repeats: reschedule_tasks moves an occurrence, or with scope this_and_following all from it on{open}"
                );
                return Err(wrong(if words.is_some() { "/set/due_words" } else { "/set/due" }, &why));
            }
            notes.push(format!("its rule was {}", repeat(rule)));
        }
        let mut patch = Map::new();
        for clear in &self.clear {
            patch.insert(clear.0.member().to_owned(), Value::Null);
        }
        let cleared = patch.len();
        let mut put = |name: &str, value: Option<Value>| {
            patch.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("title", set.title.map(|title| title.0.into()));
        put("description", set.notes.map(|notes| notes.0.into()));
        put("priority", set.priority.map(|priority| priority.0));
        put("tags", set.tags.map(|tags| tags.0));
        put("parent", said(set.parent.as_ref()).map(Value::from));
        if let Some(project) = said(set.project.as_ref()) {
            put("project", Some(door.project_id(project, "/set/project")?.into()));
        }
        schedule.put(&mut patch);
        if patch.is_empty() {
            return Err(wrong("", "says nothing to change: give set or clear"));
        }
        if cleared > 0 && self.clear.iter().any(|clear| patch.get(clear.0.member()) != Some(&Value::Null)) {
            return Err(wrong("/clear", "names what is set too: do one of them"));
        }
        // What was decided upon is what is changed.
        let version = self.if_version.map(i64::from).or(before.map(|task| task.version));
        let mut command = json!({ "operation": "update", "id": self.id, "body": patch });
        if let (Some(version), Some(members)) = (version, command.as_object_mut()) {
            members.insert("if_match".to_owned(), format!("\"{version}\"").into());
        }
        Ok(Step::Command(command, notes))
    }
}
