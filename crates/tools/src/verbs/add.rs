//! Adding tasks.

use perennial_http_api::{IdempotencyKey, Problem};
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::batch::{Step, carry_out};
use crate::answer::Told;
use crate::arguments::{
    DueArg, Each, Id, MAX_WORDS, PriorityArg, Reminders, RepeatArg, Tags, Text, When, said, wrong,
};
use crate::door::Door;

/// Most tasks of a call.
const MOST: usize = 25;

/// Tasks to be added.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct AddTasks {
    tasks: Each<NewTask, MOST>,
    /// your own, new for each new set of tasks
    #[serde(default)]
    idempotency_key: Option<Text<{ IdempotencyKey::MAX }>>,
    #[serde(default)]
    dry_run: bool,
}

/// A task to be added.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct NewTask {
    title: Text<500>,
    #[serde(default)]
    notes: Option<Text<16_000>>,
    #[serde(default)]
    due: Option<DueArg>,
    /// tomorrow 9am; Friday; every Monday at 18:00
    #[serde(default)]
    due_words: Option<Text<MAX_WORDS>>,
    #[serde(default)]
    repeat: Option<RepeatArg>,
    #[serde(default)]
    reminders: Option<Reminders>,
    #[serde(default)]
    priority: Option<PriorityArg>,
    #[serde(default)]
    tags: Option<Tags>,
    /// id or name
    #[serde(default)]
    project: Option<Text<100>>,
    #[serde(default)]
    parent: Option<Id>,
}

pub(super) fn add<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: AddTasks,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let key = door.key(said(asked.idempotency_key.as_ref()))?;
    if key.is_none() && !door.api.dry_run {
        let why = "must be given: any text of yours without blanks that is new for each new set of tasks, and the same where you repeat a call";
        return Err(wrong("/idempotency_key", why));
    }
    carry_out(door, (key.as_deref(), &[]), asked.tasks.0, |door, _, task| task.command(door))
}

impl NewTask {
    /// The task as the API takes it.
    fn command<S: Store + SystemStore>(self, door: &mut Door<'_, '_, S>) -> Result<Step, Problem> {
        let when = When {
            due: self.due.as_ref(),
            words: said(self.due_words.as_ref()),
            repeat: self.repeat.as_ref(),
            is_due: false,
        };
        let schedule = when.read(&door.clock())?;
        let mut task = Map::new();
        schedule.put(&mut task);
        let mut put = |name: &str, value: Option<Value>| {
            task.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("title", Some(self.title.0.into()));
        put("description", said(self.notes.as_ref()).map(Value::from));
        put("reminders", self.reminders.map(|reminders| reminders.0));
        put("priority", self.priority.map(|priority| priority.0));
        put("tags", self.tags.map(|tags| tags.0));
        put("parent", said(self.parent.as_ref()).map(Value::from));
        if let Some(project) = said(self.project.as_ref()) {
            put("project", Some(door.project_id(project, "/project")?.into()));
        }
        Ok(Step::Command(json!({ "operation": "create", "body": task }), schedule.notes))
    }
}
