//! The description of the API (OpenAPI 3.1), made from the table of operations. What is served is `openapi.json`, which a test
//! holds against this.

#![expect(clippy::indexing_slicing, reason = "indexing the objects made here cannot panic")]

use perennial_domain::pattern::LINE;
use perennial_events::EventPlace;
use perennial_http_api::{CURSOR, Form, IfMatch, Kind, MAX_DETAIL, MAX_ERRORS, Parameter};
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::bulk::MAX_BULK;
use crate::operation::{Body, Name, Operation, TABLE};

/// Where the schemas are.
const SCHEMAS: &str = "/components/schemas";

/// The document.
pub fn document() -> Value {
    let (mut sent, mut answered) = (generator(Contract::Deserialize), generator(Contract::Serialize));
    let mut paths = Map::new();
    for operation in TABLE {
        let described = described(operation, &mut sent, &mut answered);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.verb.as_str().to_ascii_lowercase()] = described;
    }
    let mut schemas = Map::new();
    schemas.extend(definitions(sent, |name| name.to_owned()));
    // What is answered has the name of what it is; what is sent is its input.
    schemas.extend(definitions(answered, shown));
    schemas.insert("Problem".to_owned(), problem());
    let responses: Map<String, Value> =
        Kind::ALL.iter().map(|kind| (kind.name().to_owned(), refusal(*kind))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Perennial",
            "summary": "Tasks that come back.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": {
                "ETag": { "description": "The version of what is answered.", "schema": text(1, 40) },
                "Location": { "description": "Where what was made is.", "schema": text(1, 200) },
                "Change-Id": {
                    "description": "The change that this made, if it changed anything: `POST /v1/changes/{id}/undo` takes it back.",
                    "schema": { "type": "string", "format": "uuid" },
                },
                "Idempotency-Replayed": {
                    "description": "The answer is that of an earlier request with the same key.",
                    "schema": { "const": "true" },
                },
                "RateLimit-Policy": {
                    "description": "The limit that the request was counted against, where there is one: `q` requests in `w` seconds.",
                    "schema": { "type": "string", "maxLength": 100, "pattern": "^\"(reads|writes)\";q=[0-9]+;w=[0-9]+$" },
                },
                "RateLimit": {
                    "description": "What is left of it: `r` requests, until a new window begins in `t` seconds.",
                    "schema": { "type": "string", "maxLength": 100, "pattern": "^\"(reads|writes)\";r=[0-9]+;t=[0-9]+$" },
                },
                "Retry-After": { "description": "Seconds.", "schema": { "type": "integer", "minimum": 1, "maximum": 86_400 } },
            },
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{ "token": [] }],
    })
}

fn generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = SCHEMAS.into();
    settings.contract = contract;
    settings.meta_schema = None;
    settings.with_transform(RecursiveTransform(closed)).into_generator()
}

/// Objects are closed: what is not described is not there.
fn closed(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), json!(false));
        schema.remove("unevaluatedProperties");
    }
    // The formats of Rust's numbers say nothing that the bounds do not.
    let is_number = |kind: &Value| {
        kind == "integer" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("integer")))
    };
    if schema.get("type").is_some_and(is_number) {
        schema.remove("format");
    }
}

/// The name of what is answered: without how the code calls it. A task as it would be sent is not yet a task.
fn shown(name: &str) -> String {
    if name == "TaskInput" {
        return "TaskDraft".to_owned();
    }
    name.replace("View", "").trim_end_matches("Input").to_owned()
}

fn definitions(mut generator: SchemaGenerator, name: impl Fn(&str) -> String) -> Map<String, Value> {
    let definitions = generator.take_definitions(true);
    let renamed = definitions.into_iter().map(|(old, schema)| (name(&old), renamed(schema, &name)));
    renamed.collect()
}

/// A schema whose references bear the names that are given.
fn renamed(mut schema: Value, name: &impl Fn(&str) -> String) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                match member {
                    Value::String(to) if key == "$ref" => {
                        if let Some((path, old)) = to.rsplit_once('/') {
                            *to = format!("{path}/{}", name(old));
                        }
                    }
                    other => *other = renamed(other.take(), name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = renamed(item.take(), name)),
        _ => {}
    }
    schema
}

fn described(operation: &Operation, sent: &mut SchemaGenerator, answered: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    if operation.path.contains("{id}") {
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": text(1, 100) }));
    }
    parameters.extend(operation.query.unwrap_or_default().iter().map(parameter));
    if operation.conditional {
        parameters.push(header(
            "If-Match",
            "Entity tags: the request is carried out only at one of these versions.",
            json!({ "type": "string", "minLength": 1, "maxLength": 1_000, "pattern": IfMatch::PATTERN }),
        ));
    }
    if operation.is_known_by_tag() {
        parameters.push(header(
            "If-None-Match",
            "Entity tags that the client has: 304 where one of them is that of the answer.",
            json!({ "type": "string", "minLength": 1, "maxLength": 1_000, "pattern": IfMatch::PATTERN }),
        ));
    }
    if operation.keyed {
        let key = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
        parameters.push(header(
            "Idempotency-Key",
            "A repetition with the same key has the same answer, for 24 hours.",
            key,
        ));
    }
    if operation.streams {
        let place = json!({ "type": "string", "minLength": 3, "maxLength": EventPlace::MAX, "pattern": EventPlace::PATTERN });
        parameters.push(header(
            "Last-Event-ID",
            "The `id` of the last event that was read: the stream goes on right after it.",
            place,
        ));
    }
    let mut described = json!({
        "operationId": format!("{:?}", operation.name),
        "summary": operation.words,
        "responses": responses(operation, answered),
    });
    if !parameters.is_empty() {
        described["parameters"] = json!(parameters);
    }
    if let Some(body) = operation.body {
        described["requestBody"] = request_body(&body, sent);
    }
    match operation.scope {
        None => described["security"] = json!([]),
        Some(scope) => described["x-scope"] = json!(scope),
    }
    described
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.form {
        Form::OneOf(words) => json!({ "type": "string", "enum": words }),
        Form::Number { from, to, default } => {
            json!({ "type": "integer", "minimum": from, "maximum": to, "default": default })
        }
        Form::Id => json!({ "type": "string", "format": "uuid" }),
        Form::Line(max) => json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": LINE }),
        Form::Text(max, pattern) => {
            json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": pattern })
        }
    };
    json!({ "name": parameter.name, "in": "query", "description": parameter.words, "schema": schema })
}

fn header(name: &str, words: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "description": words, "schema": schema })
}

fn text(min: usize, max: usize) -> Value {
    json!({ "type": "string", "minLength": min, "maxLength": max })
}

fn request_body(body: &Body, sent: &mut SchemaGenerator) -> Value {
    let mut schema = (body.shape.schema)(sent).to_value();
    if body.patch {
        schema = merge_patch(schema, sent);
    }
    let content: Map<String, Value> =
        body.types.iter().map(|media| ((*media).to_owned(), json!({ "schema": schema }))).collect();
    json!({ "required": !body.optional, "content": content })
}

/// The merge patches of a document (RFC 7396): any of its members, and `null` for those that can be without.
fn merge_patch(reference: Value, sent: &mut SchemaGenerator) -> Value {
    let name =
        reference["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
    let mut schema = sent.definitions().get(&name).cloned().unwrap_or_default();
    let required = schema["required"].take();
    if let Some(members) = schema["properties"].as_object_mut() {
        for (member, schema) in members.iter_mut() {
            let needed = required.as_array().is_some_and(|names| names.iter().any(|name| name == member));
            if !needed {
                let mut values = schema.take();
                // What is kept by name is taken away by name.
                if let Some(kept) = values.get_mut("additionalProperties").filter(|kept| kept.is_object()) {
                    *kept = json!({ "anyOf": [kept.take(), { "type": "null" }] });
                }
                *schema = json!({ "anyOf": [values, { "type": "null" }] });
            }
        }
    }
    if let Some(members) = schema.as_object_mut() {
        members.remove("required");
    }
    schema
}

fn responses(operation: &Operation, answered: &mut SchemaGenerator) -> Value {
    let mut answer = json!({ "description": operation.words });
    if let Some(shape) = operation.answer {
        let schema = renamed((shape.schema)(answered).to_value(), &shown);
        answer["content"] = json!({ operation.media: { "schema": schema } });
    }
    let mut responses = Map::new();
    if operation.may_only_show {
        responses.insert("200".to_owned(), answer.clone());
    }
    let mut headers = Map::new();
    let mut has = |name: &str| {
        headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    };
    if operation.tagged {
        has("ETag");
    }
    if operation.status == 201 && operation.tagged {
        has("Location");
    }
    if operation.keyed {
        // Of many commands each result has its own.
        if operation.name != Name::Bulk {
            has("Change-Id");
        }
        has("Idempotency-Replayed");
    }
    if operation.class().is_some() {
        has("RateLimit-Policy");
        has("RateLimit");
    }
    if !headers.is_empty() {
        answer["headers"] = Value::Object(headers);
    }
    let links = links(operation);
    if !links.is_empty() {
        answer["links"] = Value::Object(links);
    }
    responses.insert(operation.status.to_string(), answer);
    if operation.is_known_by_tag() {
        let known = json!({ "description": "The client has it already.", "headers": { "ETag": { "$ref": "#/components/headers/ETag" } } });
        responses.insert("304".to_owned(), known);
    }
    for kind in refusals(operation) {
        responses.insert(
            kind.status().as_str().to_owned(),
            json!({ "$ref": format!("#/components/responses/{}", kind.name()) }),
        );
    }
    if operation.adds {
        // Of this status there are two kinds.
        let mut either = refusal(Kind::Forbidden);
        let words = [Kind::Forbidden, Kind::QuotaExceeded].map(Kind::title).join(", or: ");
        either["description"] = json!(words);
        responses.insert(Kind::Forbidden.status().as_str().to_owned(), either);
    }
    Value::Object(responses)
}

/// What can be done with what an operation answers: with the thing that was made, or with the first of a list, whatever takes
/// its id; and, of a list, the next page.
fn links(operation: &Operation) -> Map<String, Value> {
    let mut links = Map::new();
    let lists =
        operation.query.is_some_and(|taken| taken.iter().any(|parameter| parameter.name == CURSOR.name));
    let id = match operation.status {
        201 => "$response.body#/id",
        _ if lists => "$response.body#/items/0/id",
        _ => return links,
    };
    let collection: String = operation.path.split('/').take(3).collect::<Vec<_>>().join("/");
    for other in TABLE.iter().filter(|_| operation.path == collection || operation.status == 201) {
        if other.path.strip_prefix(&collection).is_some_and(|rest| rest.starts_with("/{id}")) {
            let name = format!("{:?}", other.name);
            links.insert(name.clone(), json!({ "operationId": name, "parameters": { "id": id } }));
        }
    }
    if lists {
        let own = format!("{:?}", operation.name);
        let mut parameters = json!({ "cursor": "$response.body#/next_cursor" });
        if operation.path.contains("{id}") {
            parameters["id"] = json!("$request.path.id");
        }
        links.insert("Next".to_owned(), json!({ "operationId": own, "parameters": parameters }));
    }
    links
}

/// How an operation may be refused; of two kinds with one status, the first.
fn refusals(operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![Kind::Unavailable, Kind::Misconfigured];
    let mut may = |holds: bool, refused: &[Kind]| kinds.extend(refused.iter().copied().filter(|_| holds));
    may(operation.scope.is_some(), &[Kind::Malformed, Kind::Unauthenticated, Kind::Forbidden]);
    may(operation.path.contains("{id}"), &[Kind::NotFound]);
    may(operation.body.is_some(), &[Kind::Timeout, Kind::TooLarge, Kind::UnsupportedMediaType]);
    may(operation.keyed, &[Kind::Conflict]);
    may(operation.forgets, &[Kind::Gone]);
    may(operation.streams, &[Kind::NotAcceptable, Kind::TooManyStreams]);
    may(operation.conditional, &[Kind::PreconditionFailed]);
    may(operation.checked || operation.keyed, &[Kind::Invalid]);
    may(operation.class().is_some(), &[Kind::RateLimited]);
    kinds
}

fn refusal(kind: Kind) -> Value {
    let mut refusal = json!({
        "description": kind.title(),
        "content": { "application/problem+json": { "schema": { "$ref": format!("#{SCHEMAS}/Problem") } } },
    });
    let told: &[&str] = match kind {
        Kind::Unavailable | Kind::TooManyStreams => &["Retry-After"],
        Kind::RateLimited => &["Retry-After", "RateLimit-Policy", "RateLimit"],
        _ => &[],
    };
    for name in told {
        refusal["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
    }
    refusal
}

/// Some characters of a text.
fn span() -> Value {
    let place = json!({ "type": "integer", "minimum": 0, "maximum": 1_000 });
    json!({
        "type": "object",
        "description": "The characters (Unicode code points) of the text that are wrong, from `start` on and before `end`.",
        "properties": { "start": place, "end": place },
        "required": ["start", "end"],
        "additionalProperties": false,
    })
}

/// Problem Details (RFC 9457).
fn problem() -> Value {
    let types: Vec<String> = Kind::ALL
        .iter()
        .map(|kind| format!("urn:perennial:problem:{}", kind.name()))
        .chain(["about:blank".to_owned()])
        .collect();
    json!({
        "type": "object",
        "description": "Why a request was not carried out (RFC 9457).",
        "properties": {
            "type": { "type": "string", "enum": types },
            "title": text(1, 100),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text(0, MAX_DETAIL),
            "instance": text(1, 200),
            "errors": {
                "type": "array",
                "maxItems": MAX_ERRORS,
                "items": {
                    "type": "object",
                    "properties": { "pointer": text(0, 2 * MAX_BULK + 1), "detail": text(1, MAX_DETAIL), "span": span() },
                    "required": ["pointer", "detail"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": false,
    })
}
