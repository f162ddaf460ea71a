//! The schemas of the tools, made from their types. What is told are the kept files in `schemas/`, which a test holds against this: a
//! guest makes none.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::answer::{Context, Failure, MAX_FAILURES};
use crate::shown::Wrote;
use crate::tool::{TOOLS, Verb};
use crate::verbs::{
    AddTasks, Agenda, CompleteTasks, DeleteTasks, Deleted, FindTasks, Found, GetAgenda, GetHistory, GetTasks,
    Got, History, ListProjects, Listed, PreviewSchedule, Previewed, RescheduleTasks, SaveProject, Saved,
    SetReminders, UndoChange, Undone, UpdateTasks,
};

/// Of each tool its name and the schemas of its arguments and of what it tells, as they are kept.
pub fn schemas() -> impl Iterator<Item = (&'static str, String, String)> {
    TOOLS.iter().map(|tool| {
        let (mut input, output) = match tool.verb {
            Verb::GetAgenda => (taken::<GetAgenda>(), told::<Agenda>()),
            Verb::FindTasks => (taken::<FindTasks>(), told::<Found>()),
            Verb::GetTasks => (taken::<GetTasks>(), told::<Got>()),
            Verb::GetHistory => (taken::<GetHistory>(), told::<History>()),
            Verb::PreviewSchedule => (taken::<PreviewSchedule>(), told::<Previewed>()),
            Verb::ListProjects => (taken::<ListProjects>(), told::<Listed>()),
            Verb::AddTasks => (taken::<AddTasks>(), told::<Wrote>()),
            Verb::UpdateTasks => (taken::<UpdateTasks>(), told::<Wrote>()),
            Verb::CompleteTasks => (taken::<CompleteTasks>(), told::<Wrote>()),
            Verb::RescheduleTasks => (taken::<RescheduleTasks>(), told::<Wrote>()),
            Verb::SetReminders => (taken::<SetReminders>(), told::<Wrote>()),
            Verb::SaveProject => (taken::<SaveProject>(), told::<Saved>()),
            Verb::DeleteTasks => (taken::<DeleteTasks>(), told::<Deleted>()),
            Verb::Undo => (taken::<UndoChange>(), told::<Undone>()),
        };
        if tool.verb == Verb::AddTasks {
            // Whoever calls in process may give it beside the arguments.
            input["required"] = json!(["tasks", "idempotency_key"]);
        }
        (tool.name, input.to_string(), output.to_string())
    })
}

fn taken<T: JsonSchema>() -> Value {
    made::<T>(Contract::Deserialize)
}

/// The own members of an answer, and those that every answer has.
fn told<T: JsonSchema>() -> Value {
    let mut schema = made::<T>(Contract::Serialize);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("context".to_owned(), made::<Context>(Contract::Serialize));
        let failure = made::<Failure>(Contract::Serialize);
        let failures = json!({ "type": "array", "maxItems": MAX_FAILURES, "items": failure });
        properties.insert("failures".to_owned(), failures);
    }
    // A call that fails as a whole has nothing else.
    if let Some(members) = schema.as_object_mut() {
        members.insert("required".to_owned(), json!(["context"]));
    }
    without_words(&mut schema);
    schema
}

fn made<T: JsonSchema>(contract: Contract) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.contract = contract;
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let generator: SchemaGenerator = settings.with_transform(RecursiveTransform(terse)).into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    // What the whole is for, its tool says.
    if let Some(members) = schema.as_object_mut() {
        members.remove("description");
    }
    schema
}

/// As few words as say it: context is what assistants have least of.
fn terse(schema: &mut Schema) {
    for needless in ["title", "default", "format"] {
        schema.remove(needless);
    }
    // What an object is for, the member that it is the value of says.
    if schema.get("properties").is_some() {
        schema.remove("description");
    }
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    // What is not there is left out, and `null` in its place is not told of.
    if let Some(Value::Array(kinds)) = schema.get("type") {
        let kinds: Vec<Value> = kinds.iter().filter(|kind| **kind != "null").cloned().collect();
        if let [kind] = kinds.as_slice() {
            schema.insert("type".to_owned(), kind.clone());
        }
    }
    if let Some(Value::Array(names)) = schema.get("enum").cloned() {
        let names: Vec<Value> = names.into_iter().filter(|name| !name.is_null()).collect();
        schema.insert("enum".to_owned(), names.into());
        schema.remove("type");
    }
    if let Some(Value::Array(some)) = schema.get("anyOf").cloned() {
        let some: Vec<Value> = some.into_iter().filter(|one| one["type"] != "null").collect();
        if let [Value::Object(one)] = some.as_slice() {
            schema.remove("anyOf");
            for (name, value) in one {
                schema.insert(name.clone(), value.clone());
            }
        }
    }
    // Of texts, a bound says more than that they are not negative; of numbers we tell, nothing.
    if schema.get("type") == Some(&json!("integer")) && schema.get("maximum").is_none() {
        schema.remove("minimum");
    }
}

/// What is told explains itself by its names.
fn without_words(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("description").is_some_and(Value::is_string) {
                members.remove("description");
            }
            members.values_mut().for_each(without_words);
        }
        Value::Array(items) => items.iter_mut().for_each(without_words),
        _ => {}
    }
}
