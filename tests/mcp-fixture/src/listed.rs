//! What the lists hold.

use serde_json::{Value, json};

/// Tools without arguments, by name.
const TOOLS: &[&str] = &[
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_logging_tool",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

/// `tools/list`
pub fn tools() -> Value {
    let plain = TOOLS.iter().map(|name| {
        json!({ "name": name, "description": format!("Asked for by the suite: {name}"), "inputSchema": { "type": "object" } })
    });
    let tools: Vec<Value> = plain.chain([with_header(), with_schema()]).collect();
    json!({ "tools": tools, "ttlMs": 0, "cacheScope": "public" })
}

/// A tool one of whose arguments a header repeats.
pub fn with_header() -> Value {
    json!({
        "name": "test_header",
        "description": "An argument that a header repeats",
        "inputSchema": {
            "type": "object",
            "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
        },
    })
}

/// A tool whose schema has what JSON Schema 2020-12 has and older drafts have not.
fn with_schema() -> Value {
    json!({
        "name": "json_schema_2020_12_tool",
        "description": "Tool with JSON Schema 2020-12 features",
        "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {
                "address": {
                    "$anchor": "addressDef",
                    "type": "object",
                    "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
                },
            },
            "properties": {
                "name": { "type": "string" },
                "address": { "$ref": "#/$defs/address" },
                "contactMethod": { "type": "string", "enum": ["phone", "email"] },
                "phone": { "type": "string" },
                "email": { "type": "string" },
            },
            "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
            "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
            "then": { "required": ["phone"] },
            "else": { "required": ["email"] },
            "additionalProperties": false,
        },
    })
}

/// `resources/list`
pub fn resources() -> Value {
    json!({
        "resources": [
            { "uri": "test://static-text", "name": "Static text", "description": "A text", "mimeType": "text/plain" },
            { "uri": "test://static-binary", "name": "Static binary", "description": "An image", "mimeType": "image/png" },
            { "uri": "test://watched-resource", "name": "Watched", "description": "A text", "mimeType": "text/plain" },
        ],
        "ttlMs": 0,
        "cacheScope": "public",
    })
}

/// `resources/templates/list`
pub fn templates() -> Value {
    json!({
        "resourceTemplates": [{
            "uriTemplate": "test://template/{id}/data",
            "name": "Template",
            "description": "Data of an id",
            "mimeType": "application/json",
        }],
        "ttlMs": 0,
        "cacheScope": "public",
    })
}

/// `prompts/list`
pub fn prompts() -> Value {
    json!({
        "prompts": [
            { "name": "test_simple_prompt", "description": "A prompt without arguments" },
            {
                "name": "test_prompt_with_arguments",
                "description": "A prompt with arguments",
                "arguments": [
                    { "name": "arg1", "description": "The first", "required": true },
                    { "name": "arg2", "description": "The second", "required": true },
                ],
            },
            {
                "name": "test_prompt_with_embedded_resource",
                "description": "A prompt with a resource in it",
                "arguments": [{ "name": "resourceUri", "description": "Which one", "required": true }],
            },
            { "name": "test_prompt_with_image", "description": "A prompt with an image in it" },
            { "name": "test_input_required_result_prompt", "description": "A prompt that asks first" },
        ],
        "ttlMs": 0,
        "cacheScope": "public",
    })
}
