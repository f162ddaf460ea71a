//! The server.

use perennial_mcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, ServerConfig, ServerNotification, Tool,
};
use perennial_mcp::{Asker, ErrorData, Notices, Server};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{changes, inputs, listed};

/// One red pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/// A header of a WAV file, and no sample.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// What the suite asks.
pub struct Fixture;

/// A defect of the fixture.
pub fn wrong(why: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(why.to_string(), None)
}

/// A result that is whole.
fn result<T: DeserializeOwned>(mut value: Value) -> Result<T, ErrorData> {
    value["resultType"] = json!("complete");
    serde_json::from_value(value).map_err(wrong)
}

/// A text as the result of a tool.
pub fn said(text: &str) -> Result<CallToolResponse, ErrorData> {
    content(json!([text_of(text)]))
}

fn text_of(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

fn resource(uri: &str, media: &str, text: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": media, "text": text } })
}

fn content(content: Value) -> Result<CallToolResponse, ErrorData> {
    result(json!({ "content": content })).map(CallToolResponse::Complete)
}

fn tell(notices: &Notices, method: &str, params: Value) -> Result<(), ErrorData> {
    let notice: ServerNotification =
        serde_json::from_value(json!({ "method": method, "params": params })).map_err(wrong)?;
    notices.tell(notice);
    Ok(())
}

impl Server for Fixture {
    fn config() -> ServerConfig {
        let config = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {
                "completions": {},
                "logging": {},
                "prompts": { "listChanged": true },
                "resources": { "subscribe": true },
                "tools": { "listChanged": true },
            },
            "serverInfo": { "name": "perennial-mcp-fixture", "version": "0.1.0" },
        });
        serde_json::from_value(config).unwrap_or_default()
    }

    fn tool(name: &str) -> Option<Tool> {
        serde_json::from_value(listed::with_header()).ok().filter(|tool: &Tool| tool.name == name)
    }

    async fn list_tools(&mut self, _: &Asker, _: Option<String>) -> Result<ListToolsResult, ErrorData> {
        result(listed::tools())
    }

    async fn call_tool(
        &mut self,
        asker: &Asker,
        call: CallToolRequestParams,
        notices: &Notices,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(answer) = inputs::call(&call, &asker.can) {
            return answer;
        }
        match call.name.as_ref() {
            "test_simple_text" => said("This is a simple text response for testing."),
            "test_image_content" => content(json!([image()])),
            "test_audio_content" => {
                content(json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }]))
            }
            "test_embedded_resource" => content(json!([resource(
                "test://embedded-resource",
                "text/plain",
                "This is an embedded resource content."
            )])),
            "test_multiple_content_types" => content(json!([
                text_of("Multiple content types test:"),
                image(),
                resource(
                    "test://mixed-content-resource",
                    "application/json",
                    r#"{"test":"data","value":123}"#
                ),
            ])),
            "test_error_handling" => {
                let text = text_of("This tool intentionally returns an error for testing");
                result(json!({ "isError": true, "content": [text] })).map(CallToolResponse::Complete)
            }
            "test_tool_with_logging" => {
                for data in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    tell(notices, "notifications/message", json!({ "level": "info", "data": data }))?;
                }
                said("Logged.")
            }
            "test_tool_with_progress" => {
                if let Some(token) = &asker.progress {
                    for progress in [0, 50, 100] {
                        let told = json!({ "progressToken": token, "progress": progress, "total": 100 });
                        tell(notices, "notifications/progress", told)?;
                    }
                }
                said("Done.")
            }
            "test_missing_capability" if asker.can.sampling.is_none() => {
                let needed: ClientCapabilities =
                    serde_json::from_value(json!({ "sampling": {} })).map_err(wrong)?;
                Err(ErrorData::missing_required_client_capability(needed))
            }
            "test_streaming_elicitation" if asker.asks_by_form() => {
                inputs::ask(&["user_name"], None).map(CallToolResponse::from)
            }
            "test_trigger_tool_change" => {
                changes::note("tools");
                said("The tools have changed.")
            }
            "test_trigger_prompt_change" => {
                changes::note("prompts");
                said("The prompts have changed.")
            }
            "test_missing_capability"
            | "test_streaming_elicitation"
            | "test_logging_tool"
            | "test_header" => said("Nothing else."),
            name => Err(ErrorData::invalid_params(format!("there is no tool {name:?}"), None)),
        }
    }

    async fn list_resources(
        &mut self,
        _: &Asker,
        _: Option<String>,
    ) -> Result<ListResourcesResult, ErrorData> {
        result(listed::resources())
    }

    async fn list_templates(
        &mut self,
        _: &Asker,
        _: Option<String>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        result(listed::templates())
    }

    async fn read_resource(
        &mut self,
        _: &Asker,
        asked: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = asked.uri.as_str();
        let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let content = match (uri, id) {
            ("test://static-text" | "test://watched-resource", _) => json!({
                "uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource.",
            }),
            ("test://static-binary", _) => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
            (_, Some(id)) => {
                let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
                json!({ "uri": uri, "mimeType": "application/json", "text": data.to_string() })
            }
            _ => {
                return Err(ErrorData::resource_not_found("Resource not found", Some(json!({ "uri": uri }))));
            }
        };
        let read: ReadResourceResult =
            result(json!({ "contents": [content], "ttlMs": 0, "cacheScope": "public" }))?;
        Ok(read.into())
    }

    async fn list_prompts(&mut self, _: &Asker, _: Option<String>) -> Result<ListPromptsResult, ErrorData> {
        result(listed::prompts())
    }

    async fn get_prompt(
        &mut self,
        _: &Asker,
        asked: GetPromptRequestParams,
    ) -> Result<GetPromptResponse, ErrorData> {
        let argument = |name: &str| {
            let given = asked.arguments.as_ref().and_then(|arguments| arguments.get(name));
            given
                .and_then(|given| serde_json::to_value(given).ok()?.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let content = match asked.name.as_str() {
            "test_simple_prompt" => vec![text_of("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => vec![text_of(&format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                argument("arg1"),
                argument("arg2")
            ))],
            "test_prompt_with_embedded_resource" => vec![
                resource(&argument("resourceUri"), "text/plain", "Embedded resource content for testing."),
                text_of("Please process the embedded resource above."),
            ],
            "test_prompt_with_image" => vec![image(), text_of("Please analyze the image above.")],
            "test_input_required_result_prompt" => match &asked.input_responses {
                None => return inputs::ask(&["user_context"], None).map(GetPromptResponse::from),
                Some(_) => vec![text_of("A prompt with context.")],
            },
            name => return Err(ErrorData::invalid_params(format!("there is no prompt {name:?}"), None)),
        };
        let messages: Vec<Value> =
            content.into_iter().map(|content| json!({ "role": "user", "content": content })).collect();
        let prompt: GetPromptResult = result(json!({ "messages": messages }))?;
        Ok(prompt.into())
    }

    async fn complete(&mut self, _: &Asker, _: CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
        result(json!({ "completion": { "values": [], "total": 0, "hasMore": false } }))
    }
}
