//! The description of the API says all that it should: of every operation, status, object, text and list.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

fn document() -> Value {
    serde_json::from_str(include_str!("../openapi.json")).unwrap()
}

/// Everything in a document, each with its place.
fn walk<'d>(value: &'d Value, place: &str, see: &mut impl FnMut(&'d Value, &str)) {
    see(value, place);
    let within = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| walk(member, &within(name), see)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| walk(item, &within(&index.to_string()), see));
        }
        _ => {}
    }
}

/// What a document lacks.
fn lacks(document: &Value) -> Vec<String> {
    let mut lacking = Vec::new();
    walk(document, "", &mut |value, place| {
        if let Some(to) = value.get("$ref").and_then(Value::as_str)
            && to.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none()
        {
            lacking.push(format!("{place}: {to} is nowhere"));
        }
        let of = |kind: &str| match value.get("type") {
            Some(Value::String(one)) => one == kind,
            Some(Value::Array(some)) => some.contains(&json!(kind)),
            _ => false,
        };
        let has = |names: &[&str]| names.iter().any(|name| value.get(*name).is_some());
        // The one document that is described elsewhere is the description itself.
        let is_description = place.starts_with("/paths/~1openapi.json/get/responses/200/");
        // What is kept by names that are its owner's to choose: so many, and what each may be.
        let is_map =
            has(&["maxProperties"]) && has(&["propertyNames"]) && value["additionalProperties"].is_object();
        let is_closed = value.get("additionalProperties") == Some(&json!(false)) || is_map;
        if of("object") && !is_closed && !is_description {
            lacking.push(format!("{place}: an object that is not closed"));
        }
        let uuid = value.get("format") == Some(&json!("uuid"));
        if of("string") && !has(&["maxLength", "enum", "const"]) && !uuid {
            lacking.push(format!("{place}: a text without bound"));
        }
        if of("array") && !(has(&["maxItems"]) && has(&["items"])) {
            lacking.push(format!("{place}: a list without bound"));
        }
    });
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let at = format!("{method} {path}");
            if operation["summary"].as_str().is_none_or(|words| !words.ends_with('.')) {
                lacking.push(format!("{at}: no summary"));
            }
            if operation["operationId"].as_str().is_none_or(|name| !names.insert(name)) {
                lacking.push(format!("{at}: no name of its own"));
            }
            lacking
                .extend(statuses(document, path, operation).iter().map(|status| format!("{at}: {status}")));
        }
    }
    lacking
}

/// The statuses that an operation lacks, and those without a document.
fn statuses(document: &Value, path: &str, operation: &Value) -> Vec<String> {
    let takes = |name: &str| {
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name))
    };
    let needs_token = operation["security"] != json!([]);
    let expected: [(bool, &[u16]); 6] = [
        (true, &[500, 503]),
        (needs_token, &[400, 401, 403]),
        (path.contains("{id}"), &[404]),
        (operation.get("requestBody").is_some(), &[408, 413, 415, 422]),
        (takes("If-Match"), &[412]),
        (takes("Idempotency-Key"), &[409, 422]),
    ];
    let responses = operation["responses"].as_object().unwrap();
    let mut lacking = Vec::new();
    for status in expected.iter().filter(|(holds, _)| *holds).flat_map(|(_, statuses)| *statuses) {
        if !responses.contains_key(&status.to_string()) {
            lacking.push(format!("{status} is not described"));
        }
    }
    // 200 beside 201: it was asked to show what it would make.
    let done: Vec<_> =
        responses.keys().filter(|status| status.starts_with('2')).map(String::as_str).collect();
    if done.len() != 1 && done != ["200", "201"] {
        lacking.push("one status says that it was carried out".to_owned());
    }
    for (status, response) in responses {
        let response = match response["$ref"].as_str() {
            Some(to) => document.pointer(to.trim_start_matches('#')).unwrap_or(&Value::Null),
            None => response,
        };
        let media = if status.starts_with('2') { "" } else { "application/problem+json" };
        let content = response["content"].as_object();
        let described = content.is_some_and(|content| media.is_empty() || content.contains_key(media));
        if !described && !matches!(status.as_str(), "204" | "304") {
            lacking.push(format!("{status} has no document"));
        }
    }
    lacking
}

#[test]
fn the_description_lacks_nothing() {
    assert_eq!(lacks(&document()), Vec::<String>::new());
}

#[test]
fn whatever_is_left_out_is_noticed() {
    for (place, without) in [
        ("/components/schemas/Task", "additionalProperties"),
        ("/components/schemas/TaskInput/properties/title", "maxLength"),
        ("/components/schemas/TaskInput/properties/tags", "maxItems"),
        ("/components/schemas", "Priority"),
        ("/components/responses/conflict", "content"),
        ("/paths/~1v1~1tasks/post", "summary"),
        ("/paths/~1v1~1tasks/post", "operationId"),
        ("/paths/~1v1~1tasks/post/responses", "201"),
        ("/paths/~1v1~1tasks/post/responses", "401"),
        ("/paths/~1v1~1tasks/post/responses", "409"),
        ("/paths/~1v1~1tasks/post/responses", "415"),
        ("/paths/~1v1~1tasks~1{id}/get/responses", "404"),
        ("/paths/~1v1~1tasks~1{id}/patch/responses", "412"),
        ("/paths/~1healthz/get/responses", "503"),
    ] {
        let mut document = document();
        let members = document.pointer_mut(place).unwrap().as_object_mut().unwrap();
        assert!(members.remove(without).is_some(), "{place}: {without}");
        assert!(!lacks(&document).is_empty(), "{place}: {without}");
    }
}
