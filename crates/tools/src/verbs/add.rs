//! Adding tasks.

use perennial_http_api::{IdempotencyKey, Problem};
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answer::{Told, document, failure};
use crate::arguments::{DueArg, Each, Id, MAX_WORDS, RepeatArg, Text, When, said, wrong};
use crate::door::{self, Door, reread};
use crate::shown::{Done, TaskDoc, Wrote};

/// Most tasks of a call.
const MOST: usize = 25;

/// What the members of a task are called here.
pub(super) const NAMES: &[(&str, &str)] = &[
    ("/description", "/notes"),
    ("/recurrence/rrule", "/repeat/rrule"),
    ("/recurrence", "/repeat"),
    ("/recurrence_id", "/occurrence"),
];

/// Tasks to be added.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct AddTasks {
    tasks: Each<NewTask, MOST>,
    /// your own, new for each new set of tasks
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(required))]
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

macro_rules! sent_on {
    ($($(#[$doc:meta])* $name:ident: $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(pub Value);

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    )*};
}

// What the API reads and checks as it is.
sent_on! {
    /// A priority.
    PriorityArg: schemars::json_schema!({ "enum": ["none", "low", "medium", "high", "urgent"] });
    /// Tags.
    Tags: schemars::json_schema!({ "type": "array", "maxItems": 50, "items": { "type": "string", "maxLength": 100 } });
    /// Reminders.
    Reminders: schemars::json_schema!({
        "type": "array",
        "maxItems": 20,
        "items": {
            "type": "object",
            "properties": {
                "trigger": { "type": "string", "maxLength": 40, "description": "-PT30M before due, or an instant with Z" },
                "related": { "enum": ["due", "start"] },
            },
            "required": ["trigger"],
            "additionalProperties": false,
        },
    });
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
    let known = match &key {
        Some(key) => door.answered(key, asked.tasks.0.len())?,
        None => Vec::new(),
    };
    let mut known: Vec<Option<door::Done>> = known;
    known.resize(asked.tasks.0.len(), None);
    let mut told = Wrote { dry_run: door.api.dry_run, done: Vec::new() };
    let mut commands = Vec::new();
    let mut notes = Vec::new();
    for (index, (task, known)) in asked.tasks.0.into_iter().zip(known).enumerate() {
        if let Some(known) = known {
            told.done.push(created(index, known)?);
            continue;
        }
        match task.and_then(|task| task.document(door)) {
            Ok((task, said)) => {
                notes.push((index, said));
                commands.push((index, json!({ "operation": "create", "body": task })));
            }
            Err(problem) => door.failures.push(failure(Some(index), &document(problem), NAMES)),
        }
    }
    for (index, became) in door.each(commands, key.as_deref())? {
        match became {
            door::Told::Done(done) => {
                let said = notes.iter().find(|(of, _)| *of == index).map(|(_, said)| said.clone());
                told.done.push(created(index, done)?.with_notes(said.unwrap_or_default()));
            }
            door::Told::Refused(problem) => door.failures.push(failure(Some(index), &problem, NAMES)),
        }
    }
    told.done.sort_by_key(|done| done.index);
    let any = !told.done.is_empty();
    Ok(Told::new(&told, any))
}

fn created(index: usize, done: door::Done) -> Result<Done, Problem> {
    let task: TaskDoc = reread(done.body)?;
    Ok(Done { change_id: done.change_id, ..Done::of(index, &task) })
}

impl NewTask {
    /// The task as the API takes it, and what is to be said of how words were read.
    fn document<S: Store + SystemStore>(
        self,
        door: &mut Door<'_, '_, S>,
    ) -> Result<(Map<String, Value>, Vec<String>), Problem> {
        let when = When {
            due: self.due.as_ref(),
            words: said(self.due_words.as_ref()),
            repeat: self.repeat.as_ref(),
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
        Ok((task, schedule.notes))
    }
}
