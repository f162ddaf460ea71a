//! The schemas of the tools, made from their types. What is told are the kept files in `schemas/`, which a test holds against this: a
//! guest makes none.
#![expect(clippy::indexing_slicing, reason = "indexing the objects made here cannot panic")]

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

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
            Verb::GetAgenda => (taken::<GetAgenda>(), told::<Agenda>(false)),
            Verb::FindTasks => (taken::<FindTasks>(), told::<Found>(false)),
            Verb::GetTasks => (taken::<GetTasks>(), told::<Got>(true)),
            Verb::GetHistory => (taken::<GetHistory>(), told::<History>(false)),
            Verb::PreviewSchedule => (taken::<PreviewSchedule>(), told::<Previewed>(false)),
            Verb::ListProjects => (taken::<ListProjects>(), told::<Listed>(false)),
            Verb::AddTasks => (taken::<AddTasks>(), told::<Wrote>(true)),
            Verb::UpdateTasks => (taken::<UpdateTasks>(), told::<Wrote>(true)),
            Verb::CompleteTasks => (taken::<CompleteTasks>(), told::<Wrote>(true)),
            Verb::RescheduleTasks => (taken::<RescheduleTasks>(), told::<Wrote>(true)),
            Verb::SetReminders => (taken::<SetReminders>(), told::<Wrote>(false)),
            Verb::SaveProject => (taken::<SaveProject>(), told::<Saved>(false)),
            Verb::DeleteTasks => (taken::<DeleteTasks>(), told::<Deleted>(true)),
            Verb::Undo => (taken::<UndoChange>(), told::<Undone>(false)),
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
fn told<T: JsonSchema>(items: bool) -> Value {
    let mut schema = made::<T>(Contract::Serialize);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("context".to_owned(), made::<Context>(Contract::Serialize));
        let failure = made::<Failure>(Contract::Serialize);
        let mut failure = failure;
        // Only of items it is said which.
        if !items && let Some(said) = failure.get_mut("properties").and_then(Value::as_object_mut) {
            said.remove("index");
        }
        let failures = json!({ "type": "array", "maxItems": MAX_FAILURES, "items": failure });
        properties.insert("failures".to_owned(), failures);
    }
    without_words(&mut schema);
    // A call that fails as a whole has nothing else.
    if let Some(members) = schema.as_object_mut() {
        members.insert("required".to_owned(), json!(["context"]));
    }
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

/// What is told explains itself by its names; and what of an object is text, a number, or true or false, is told of once, by all of their names, with
/// the bound of the longest.
fn without_words(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.remove("required");
            if members.get("description").is_some_and(Value::is_string) {
                members.remove("description");
            }
            members.values_mut().for_each(without_words);
            let (mut patterns, mut left) = (Map::new(), Map::new());
            let Some(Value::Object(properties)) = members.remove("properties") else { return };
            let (mut texts, mut longest) = (Vec::new(), 0);
            let (mut switches, mut numbers) = (Vec::new(), Vec::new());
            for (name, property) in properties {
                match (property["type"].as_str(), property["maxLength"].as_u64()) {
                    (Some("string"), Some(bound)) => {
                        texts.push(name);
                        longest = longest.max(bound);
                    }
                    (Some("boolean"), _) => switches.push(name),
                    (Some("integer"), _) => numbers.push(name),
                    _ => drop(left.insert(name, property)),
                }
            }
            let mut group = |names: Vec<String>, schema: Value| match names.as_slice() {
                [] => {}
                [one] => drop(left.insert(one.clone(), schema)),
                some => drop(patterns.insert(format!("^({})$", some.join("|")), schema)),
            };
            group(texts, json!({ "type": "string", "maxLength": longest }));
            group(switches, json!({ "type": "boolean" }));
            group(numbers, json!({ "type": "integer" }));
            for (name, group) in [("properties", left), ("patternProperties", patterns)] {
                if !group.is_empty() {
                    members.insert(name.to_owned(), Value::Object(group));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_words),
        _ => {}
    }
}
