//! What is asked for, command by command.

use perennial_domain::{Invalid, MoveInput, TaskId};
use perennial_http_api::{IdempotencyKey, IfMatch, MAX_BODY, Problem, Request, typed};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::item::Item;
use crate::command::{Command, Target};
use crate::occurrences::NamedInput;
#[cfg(feature = "schema")]
use crate::occurrences::SkipInput;
use crate::tasks::merge_patch;

/// Most commands of a request.
pub(crate) const MOST: usize = 100;

/// Many commands.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkInput {
    #[serde(deserialize_with = "perennial_domain::plain_name")]
    pub mode: Mode,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    operations: Vec<OperationInput>,
}

/// What becomes of the others where one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "BulkMode"))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// None is carried out.
    All,
    /// They are carried out.
    Each,
}

/// One command: what would be sent to its own address.
#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "BulkOperationInput"))]
#[serde(deny_unknown_fields)]
struct OperationInput {
    #[serde(deserialize_with = "perennial_domain::plain_name")]
    operation: Verb,
    /// The task, but where one is created.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    id: Option<String>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<OperationBody>"))]
    body: Option<Value>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_000)))]
    if_match: Option<String>,
    /// With `each` alone: as the header of a request of its own.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 255), regex(pattern = "^[!-~]+$")))]
    idempotency_key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "BulkVerb"))]
#[serde(rename_all = "lowercase")]
enum Verb {
    Create,
    Update,
    Delete,
    Complete,
    Reopen,
    Skip,
    Move,
    Restore,
}

/// What commands take.
#[cfg(feature = "schema")]
#[derive(Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its shape is meant")]
enum OperationBody {
    Create(Box<perennial_domain::TaskInput>),
    #[schemars(extend("x-merge-patch" = true))]
    Update(Box<perennial_domain::TaskInput>),
    Named(NamedInput),
    Skip(SkipInput),
    Move(MoveInput),
}

impl BulkInput {
    /// The commands. What is wrong with the request itself is found before any is decided, all of it.
    pub(super) fn items(
        self,
        request: &Request,
        whole: Option<&IdempotencyKey>,
    ) -> Result<Vec<Item>, Problem> {
        let count = self.operations.len();
        if count == 0 || count > MOST {
            let detail = format!("must be 1 to {MOST} operations, not {count}");
            return Err(Invalid::at("/operations", detail).into());
        }
        let mut wrong = Invalid::default();
        let mut items = Vec::with_capacity(count);
        for (index, operation) in self.operations.into_iter().enumerate() {
            let at = format!("/operations/{index}");
            operation.check(self.mode, &at, &mut wrong);
            let key = match (&operation.idempotency_key, whole, self.mode) {
                (_, _, Mode::All) | (None, None, _) => None,
                (Some(own), ..) => Some(own.clone()),
                (None, Some(whole), _) => Some(whole.at(index)),
            };
            let said = OperationInput { idempotency_key: None, ..operation };
            let part = serde_json::to_vec(&said).unwrap_or_default();
            let key = key.map(|key| IdempotencyKey::of_part(request, key, &part)).transpose()?;
            items.push(said.item(at, key));
        }
        if wrong.errors.is_empty() { Ok(items) } else { Err(wrong.into()) }
    }
}

impl OperationInput {
    /// Whether it has what its kind of command takes, and nothing else.
    fn check(&self, mode: Mode, at: &str, wrong: &mut Invalid) {
        let mut must = |holds: bool, member: &str, detail: &str| {
            if !holds {
                wrong.add(format!("{at}/{member}"), detail);
            }
        };
        let verb = self.operation;
        if verb == Verb::Create {
            must(self.id.is_none(), "id", "is not said of a task that is created");
        } else {
            must(self.id.is_some(), "id", "must be given");
        }
        match verb {
            Verb::Delete | Verb::Restore => must(self.body.is_none(), "body", "is not taken here"),
            Verb::Complete | Verb::Reopen => {}
            _ => must(self.body.is_some(), "body", "must be given"),
        }
        let length = self.body.as_ref().map_or(0, |body| body.to_string().len());
        must(length <= MAX_BODY, "body", &format!("may have {MAX_BODY} bytes"));
        if verb == Verb::Create {
            must(self.if_match.is_none(), "if_match", "is not taken here");
        }
        let readable = self.if_match.as_deref().is_none_or(|tags| IfMatch::read([tags]).is_some());
        must(readable, "if_match", IfMatch::WRONG);
        if let Some(key) = &self.idempotency_key {
            must(
                IdempotencyKey::is_key(key),
                "idempotency_key",
                &format!("must be {}", IdempotencyKey::FORM),
            );
            let detail = "is for the mode each: with all, the request's Idempotency-Key covers everything";
            must(mode == Mode::Each, "idempotency_key", detail);
        }
    }

    fn item(self, at: String, key: Option<IdempotencyKey>) -> Item {
        let takes_body = !matches!(self.operation, Verb::Delete | Verb::Restore);
        // What is no id is the id of nothing.
        let task = self.id.as_deref().map(|id| TaskId::parse(id).unwrap_or(TaskId::new(Uuid::nil())));
        let command = self.command(task.unwrap_or(TaskId::new(Uuid::nil())));
        let beside = match &command {
            Ok(Command::Move(_, MoveInput { before: Some(other), .. })) => Some((*other, "before")),
            Ok(Command::Move(_, MoveInput { after: Some(other), .. })) => Some((*other, "after")),
            _ => None,
        };
        Item { at, command, task, beside, key, takes_body }
    }

    fn command(self, id: TaskId) -> Result<Command, Problem> {
        let if_match = self.if_match.as_deref().and_then(|tags| IfMatch::read([tags]));
        let target = Target { id, if_match: if_match.unwrap_or(IfMatch::Absent) };
        let body = self.body;
        let named = |body: Option<Value>| body.map_or_else(|| Ok(NamedInput::default()), typed);
        Ok(match self.operation {
            Verb::Create => Command::Create(Box::new(read(body)?)),
            Verb::Update => Command::Update(target, merge_patch(body.unwrap_or_default(), "a task")?),
            Verb::Delete => Command::Delete(target),
            Verb::Complete => Command::Complete(target, named(body)?),
            Verb::Reopen => Command::Reopen(target, named(body)?),
            Verb::Skip => Command::Skip(target, read(body)?),
            Verb::Move => {
                let input: MoveInput = read(body)?;
                input.check(id)?;
                Command::Move(target, input)
            }
            Verb::Restore => Command::Restore(target),
        })
    }
}

fn read<T: DeserializeOwned>(body: Option<Value>) -> Result<T, Problem> {
    typed(body.unwrap_or_default())
}
