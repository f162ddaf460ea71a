//! What was released stays: the description is compared with docs/openapi-released.json, the last one that clients were given. A
//! release copies the one over the other.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Which way a document goes: clients send what they always sent, and are answered what they know.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Sent,
    Answered,
}

/// Two descriptions, and what of the first the second breaks.
struct Comparison<'d> {
    old: &'d Value,
    new: &'d Value,
}

fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let comparison = Comparison { old, new };
    let mut broken = Vec::new();
    for (path, methods) in object(&old["paths"]) {
        for (method, was) in object(methods) {
            let (at, is) = (format!("{method} {path}"), &new["paths"][path][method]);
            if is.is_null() {
                broken.push(format!("{at} is gone"));
                continue;
            }
            comparison.request(was, is, &at, &mut broken);
            comparison.answers(was, is, &at, &mut broken);
        }
    }
    broken
}

impl Comparison<'_> {
    fn request(&self, was: &Value, is: &Value, at: &str, broken: &mut Vec<String>) {
        let named = |parameters: &Value, like: &Value| {
            let same = |one: &&Value| one["name"] == like["name"] && one["in"] == like["in"];
            list(parameters).iter().find(same).cloned()
        };
        for old in list(&was["parameters"]) {
            let at = format!("{at} {}", old["name"]);
            match named(&is["parameters"], old) {
                None => broken.push(format!("{at} is taken no more")),
                Some(new) => self.schema((&old["schema"], &new["schema"]), Way::Sent, &at, broken),
            }
        }
        for new in list(&is["parameters"]).iter().filter(|new| new["required"] == json!(true)) {
            if named(&was["parameters"], new).is_none_or(|old| old["required"] != json!(true)) {
                broken.push(format!("{at} {} is newly needed", new["name"]));
            }
        }
        let needed = |operation: &Value| operation["requestBody"]["required"] == json!(true);
        if needed(is) && !needed(was) {
            broken.push(format!("{at} newly needs a body"));
        }
        if was["security"] == json!([]) && is["security"] != json!([]) {
            broken.push(format!("{at} newly needs a token"));
        }
        if was["x-scope"] != is["x-scope"] {
            broken.push(format!("{at} needs another scope"));
        }
        let bodies = (&was["requestBody"]["content"], &is["requestBody"]["content"]);
        self.contents(bodies, Way::Sent, at, broken);
    }

    fn answers(&self, was: &Value, is: &Value, at: &str, broken: &mut Vec<String>) {
        for (status, old) in object(&was["responses"]) {
            let at = format!("{at} {status}");
            match &is["responses"][status] {
                Value::Null => broken.push(format!("{at} is gone")),
                new => {
                    let (old, new) = (self.resolved(self.old, old), self.resolved(self.new, new));
                    for (name, _) in
                        object(&old["headers"]).filter(|(name, _)| new["headers"][name].is_null())
                    {
                        broken.push(format!("{at} has no {name} any more"));
                    }
                    self.contents((&old["content"], &new["content"]), Way::Answered, &at, broken);
                }
            }
        }
    }

    fn contents(&self, (was, is): (&Value, &Value), way: Way, at: &str, broken: &mut Vec<String>) {
        for (media, old) in object(was) {
            match &is[media] {
                Value::Null => broken.push(format!("{at} {media} is gone")),
                new => self.schema((&old["schema"], &new["schema"]), way, at, broken),
            }
        }
    }

    /// Each of what a schema allows is still allowed; and no answer is of a kind that it was not.
    fn schema(&self, (old, new): (&Value, &Value), way: Way, at: &str, broken: &mut Vec<String>) {
        let (old, new) = (self.alternatives(self.old, old), self.alternatives(self.new, new));
        for was in &old {
            let tried = new.iter().map(|is| self.one((was, is), way, at)).min_by_key(Vec::len);
            broken.extend(tried.unwrap_or_else(|| vec![format!("{at} is gone")]));
        }
        for is in new.iter().filter(|_| way == Way::Answered) {
            if !old.iter().any(|was| was["type"] == is["type"]) {
                broken.push(format!("{at} may newly be {}", is["type"]));
            }
        }
    }

    fn one(&self, (old, new): (&Value, &Value), way: Way, at: &str) -> Vec<String> {
        if old["type"] != new["type"] {
            return vec![format!("{at} is {} no more", old["type"]); 100];
        }
        if old["const"] != new["const"] && !old["const"].is_null() && !new["const"].is_null() {
            return vec![format!("{at} is {} no more", old["const"])];
        }
        let mut broken = Vec::new();
        if way == Way::Sent {
            for (name, most) in [
                ("maxLength", true),
                ("maxItems", true),
                ("maximum", true),
                ("minLength", false),
                ("minItems", false),
                ("minimum", false),
            ] {
                let (was, is) = (old[name].as_f64(), new[name].as_f64());
                if is.is_some_and(|is| was.is_none_or(|was| if most { is < was } else { is > was })) {
                    broken.push(format!("{at} has a tighter {name}"));
                }
            }
            for name in ["pattern", "format", "const"] {
                if !new[name].is_null() && old[name] != new[name] {
                    broken.push(format!("{at} has another {name}"));
                }
            }
        }
        let needed = |schema: &Value, name: &str| list(&schema["required"]).iter().any(|one| one == name);
        for (name, was) in object(&old["properties"]) {
            let at = format!("{at}/{name}");
            match &new["properties"][name] {
                Value::Null => broken.push(format!("{at} is gone")),
                is => self.schema((was, is), way, &at, &mut broken),
            }
            if way == Way::Answered && needed(old, name) && !needed(new, name) {
                broken.push(format!("{at} may be missing"));
            }
        }
        for name in list(&new["required"]).iter().filter_map(Value::as_str) {
            if way == Way::Sent && !needed(old, name) {
                broken.push(format!("{at}/{name} is newly needed"));
            }
        }
        if old.get("items").is_some() {
            self.schema((&old["items"], &new["items"]), way, &format!("{at}/*"), &mut broken);
        }
        broken
    }

    fn resolved<'v>(&self, document: &'v Value, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(to) => self.resolved(document, document.pointer(to.trim_start_matches('#')).unwrap()),
            None => value,
        }
    }

    /// What a schema allows, each of one type.
    fn alternatives(&self, document: &Value, schema: &Value) -> Vec<Value> {
        let schema = self.resolved(document, schema);
        for name in ["anyOf", "oneOf"] {
            if let Some(some) = schema[name].as_array() {
                return some.iter().flat_map(|one| self.alternatives(document, one)).collect();
            }
        }
        let each = |name: &str, becomes: &str| {
            let one = |value: &Value| {
                let mut one = schema.as_object().cloned().unwrap_or_default();
                one.remove(name);
                one.insert(becomes.to_owned(), value.clone());
                self.alternatives(document, &Value::Object(one))
            };
            schema[name].as_array().map(|all| all.iter().flat_map(one).collect())
        };
        each("enum", "const").or_else(|| each("type", "type")).unwrap_or_else(|| vec![schema.clone()])
    }
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn read(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn nothing_that_was_released_breaks() {
    let broken = breaks(&read("../../docs/openapi-released.json"), &read("openapi.json"));
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn what_would_break_clients_is_noticed() {
    let old = read("../../docs/openapi-released.json");
    let schema = |place: &str| format!("/components/schemas/{place}");
    for (place, value, expected) in [
        ("/paths/~1v1~1tasks/get".to_owned(), Value::Null, "get /v1/tasks is gone"),
        ("/paths/~1v1~1tasks/post/responses/201".to_owned(), Value::Null, "post /v1/tasks 201 is gone"),
        (
            "/paths/~1v1~1tasks/post/responses/201/headers/ETag".to_owned(),
            Value::Null,
            "has no ETag any more",
        ),
        (
            "/paths/~1v1~1tasks/get/parameters/0".to_owned(),
            json!({ "name": "state", "in": "query" }),
            "is taken no more",
        ),
        ("/paths/~1v1~1tasks/get/parameters/0/required".to_owned(), json!(true), "is newly needed"),
        (
            "/paths/~1v1~1tasks/get/parameters/0/schema/enum".to_owned(),
            json!(["open"]),
            "is \"done\" no more",
        ),
        ("/paths/~1v1~1tasks/get/parameters/1/schema/maximum".to_owned(), json!(100), "tighter maximum"),
        ("/paths/~1v1~1tasks/get/x-scope".to_owned(), json!("admin"), "another scope"),
        ("/paths/~1healthz/get/security".to_owned(), json!([{ "token": [] }]), "newly needs a token"),
        (
            "/paths/~1v1~1tasks~1{id}~1complete/post/requestBody/required".to_owned(),
            json!(true),
            "newly needs a body",
        ),
        (schema("Task/properties/title"), Value::Null, "/title is gone"),
        (schema("Task/required"), json!([]), "may be missing"),
        (schema("Task/properties/version/type"), json!(["integer", "null"]), "may newly be"),
        (schema("TaskStatus/oneOf"), json!([{ "type": "string", "const": "open" }]), "is \"done\" no more"),
        (schema("Priority/enum"), json!(["none"]), "no more"),
        (schema("TaskInput/properties/tags"), Value::Null, "/tags is gone"),
        (schema("TaskInput/properties/tags/maxItems"), json!(5), "tighter maxItems"),
        (schema("TaskInput/properties/title/pattern"), json!("^a$"), "another pattern"),
        (schema("TaskInput/required"), json!(["title", "due"]), "/due is newly needed"),
    ] {
        let mut new = old.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = new.pointer_mut(parent).unwrap_or_else(|| panic!("{place}"));
        match parent.as_array_mut() {
            Some(items) => items[name.parse::<usize>().unwrap()] = value,
            None => parent[name] = value,
        }
        let broken = breaks(&old, &new);
        assert!(broken.iter().any(|one| one.contains(expected)), "{place}: {broken:#?}");
    }
}
