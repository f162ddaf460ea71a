//! Tasks and the agenda as resources.

use perennial_mcp::model::{
    ListResourcesResult, ReadResourceResponse, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate,
};
use perennial_mcp::{Asker, ErrorData};
use serde_json::{Value, json};

use crate::server::{Carry, Tasks, bad_cursor, own};

/// What is due today.
pub(crate) const AGENDA: &str = "agenda://today";

/// What the address of a task begins with; its id follows.
const TASK: &str = "task://";

const JSON: &str = "application/json";

/// Tasks of a page.
const PAGE: u32 = 50;

/// Longest cursor that is handed on, in characters.
const MAX_CURSOR: usize = 4_000;

/// The id of the task that an address is of.
pub(crate) fn task_of(uri: &str) -> Option<&str> {
    uri.strip_prefix(TASK)
}

/// A page: the agenda, and then the open tasks.
pub(crate) fn list<C: Carry>(
    server: &mut Tasks<C>,
    asker: &Asker,
    cursor: Option<String>,
) -> Result<ListResourcesResult, ErrorData> {
    let first = cursor.is_none();
    let arguments = match cursor {
        Some(cursor) if cursor.len() > MAX_CURSOR => return Err(bad_cursor()),
        Some(cursor) => json!({ "limit": PAGE, "cursor": cursor }),
        None => json!({ "limit": PAGE }),
    };
    let found = server.read(asker, "find_tasks", arguments)?.ok_or_else(bad_cursor)?;
    let agenda = Resource::new(AGENDA, "today")
        .with_title("Today")
        .with_description("What is due today, and what is overdue")
        .with_mime_type(JSON);
    let tasks = found.get("tasks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tasks = tasks.iter().filter_map(|task| {
        let (id, title) = (task.get("id")?.as_str()?, task.get("title")?.as_str()?);
        Some(Resource::new(format!("{TASK}{id}"), id).with_title(title).with_mime_type(JSON))
    });
    let resources = first.then_some(agenda).into_iter().chain(tasks).collect();
    let mut page = own!(ListResourcesResult::with_all_items(resources));
    page.next_cursor = found.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
    Ok(page)
}

/// How the address of any task is made.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{TASK}{{id}}"), "task")
            .with_title("Task")
            .with_description("A task in full, by its id")
            .with_mime_type(JSON),
    ]
}

/// What is at an address.
pub(crate) fn read<C: Carry>(
    server: &mut Tasks<C>,
    asker: &Asker,
    uri: &str,
) -> Result<ReadResourceResponse, ErrorData> {
    let nothing =
        || ErrorData::resource_not_found("there is nothing at this address", Some(json!({ "uri": uri })));
    let (tool, arguments) = match task_of(uri) {
        Some(id) => ("get_tasks", json!({ "ids": [id] })),
        None if uri == AGENDA => ("get_agenda", json!({})),
        None => return Err(nothing()),
    };
    let found = server.read(asker, tool, arguments)?.ok_or_else(nothing)?;
    // Of the tasks that were asked for, one that is not there is told as a failure of its own.
    let missing =
        found.get("failures").and_then(Value::as_array).is_some_and(|failures| !failures.is_empty());
    if missing {
        return Err(nothing());
    }
    let contents = ResourceContents::text(found.to_string(), uri).with_mime_type(JSON);
    Ok(own!(ReadResourceResult::new(vec![contents])).into())
}
