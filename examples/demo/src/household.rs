//! The tasks of the household: read from the file, created in the service.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::api::{Api, Task};
use crate::told;

/// Reads the tasks, as the API takes them.
pub fn read(file: &Path) -> anyhow::Result<Vec<Value>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a JSON array of tasks", file.display()))
}

/// Creates those that are not there yet from an earlier run, and gives all of them as they are now.
pub fn create(api: &Api, household: &[Value]) -> anyhow::Result<Vec<Task>> {
    let known: Vec<Task> = api.all("/v1/tasks")?;
    let mut tasks = Vec::with_capacity(household.len());
    let mut created: usize = 0;
    for wanted in household {
        let title = wanted.get("title").and_then(Value::as_str).unwrap_or_default();
        let task = match known.iter().find(|task| task.title == title) {
            Some(task) => task.clone(),
            None => {
                created = created.saturating_add(1);
                api.post("/v1/tasks", wanted).with_context(|| format!("cannot create {title:?}"))?
            }
        };
        println!("{}", told::task('·', &task));
        tasks.push(task);
    }
    let kept = household.len().saturating_sub(created);
    match (created, kept) {
        (_, 0) => println!("   {created} created."),
        (0, _) => println!("   All {kept} were here already, from an earlier run."),
        _ => println!("   {created} created; {kept} were here already."),
    }
    Ok(tasks)
}
