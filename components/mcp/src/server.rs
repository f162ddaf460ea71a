//! What the tools, resources and prompts are to those who speak the protocol.

use perennial_http_api::Problem;
use perennial_mcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams,
    GetPromptResponse, Implementation, InputRequiredResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use perennial_mcp::{Asker, Confirmations, ErrorData, Notices, Server};
use perennial_tools::{Called, Confirmation, Refused};
use serde_json::{Map, Value, json};

use crate::{prompts, resources};

/// What a model is told of the whole server, before it sees the tools.
const INSTRUCTIONS: &str = "Tasks that come back: to-dos with due dates, reminders and repetition. Every answer says what day and time \
it is for the user: go by that. Dates and times are the user's own unless a zone is given. Whatever is changed has a change_id, which \
undo takes back. Give a new idempotency_key to each new thing, and the same one when you repeat a call whose answer was lost.";

/// Under what name the user's answer comes back.
const CONFIRM: &str = "confirm";

/// Carries out tools for one caller.
pub trait Carry {
    /// The tools that the caller may call.
    fn tools(&self) -> impl Iterator<Item = &'static perennial_tools::Tool>;

    /// Calls a tool through an agent, by the name that it gives itself.
    ///
    /// # Errors
    /// If there is no such tool, or the caller may not call it.
    fn call(
        &mut self,
        agent: Option<&str>,
        name: &str,
        arguments: &Map<String, Value>,
        confirmation: Confirmation<'_>,
    ) -> Result<Called, Refused>;

    /// Is told of a failure that is none of the caller's, for the log.
    fn failed(&self, problem: &Problem);
}

/// The server of one caller.
pub struct Tasks<C> {
    carry: C,
    confirmations: Option<Confirmations>,
}

impl<C: Carry> Tasks<C> {
    /// The server of who shows this token.
    pub fn new(carry: C, user: &str, token: &str) -> Self {
        Self { carry, confirmations: Confirmations::of(user, token) }
    }

    /// What carried the tools out.
    pub fn into_inner(self) -> C {
        self.carry
    }

    fn carry_out(
        &mut self,
        asker: &Asker,
        name: &str,
        arguments: &Map<String, Value>,
        confirmation: Confirmation<'_>,
    ) -> Result<Called, ErrorData> {
        let called = self
            .carry
            .call(asker.client.as_deref(), name, arguments, confirmation)
            .map_err(|refused| ErrorData::invalid_params(refused.to_string(), None))?;
        called.failed.iter().for_each(|problem| self.carry.failed(problem));
        Ok(called)
    }

    /// What a tool that only reads tells, for a resource; `None` where there is nothing of that name.
    pub(crate) fn read(
        &mut self,
        asker: &Asker,
        tool: &str,
        arguments: Value,
    ) -> Result<Option<Value>, ErrorData> {
        let Value::Object(arguments) = arguments else { return Ok(None) };
        let called = self.carry_out(asker, tool, &arguments, Confirmation::InArguments)?;
        if called.failed.is_some() {
            return Err(ErrorData::internal_error("this cannot be read now: try again", None));
        }
        Ok((!called.is_error).then_some(called.structured))
    }

    /// A call in the middle of which the client can ask its user: what was asked comes back sealed.
    fn call_with_forms(
        &mut self,
        asker: &Asker,
        call: &CallToolRequestParams,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(seal) = &self.confirmations else {
            return Err(ErrorData::internal_error("nothing can be sealed", None));
        };
        let arguments = call.arguments.clone().unwrap_or_default();
        let given = match &call.request_state {
            None => None,
            Some(state) => {
                let wrong = |why: String| ErrorData::invalid_params(why, None);
                let handle = seal.open(call, state).map_err(|error| wrong(error.to_string()))?;
                let handle = String::from_utf8(handle).map_err(|error| wrong(error.to_string()))?;
                match answer(call) {
                    Some(true) => Some(handle),
                    Some(false) => return Ok(declined().into()),
                    None => None,
                }
            }
        };
        let confirmation = given.as_deref().map_or(Confirmation::Asks, Confirmation::Given);
        let called = self.carry_out(asker, &call.name, &arguments, confirmation)?;
        let (Some(question), Some(seal)) = (&called.needs_confirmation, &self.confirmations) else {
            return Ok(result(called).into());
        };
        let state = seal.seal(call, question.handle.as_bytes());
        let form = json!({
            CONFIRM: {
                "method": "elicitation/create",
                "params": {
                    "mode": "form",
                    "message": question.question,
                    "requestedSchema": {
                        "type": "object",
                        "properties": { CONFIRM: { "type": "boolean", "title": "Do it", "default": false } },
                        "required": [CONFIRM],
                    },
                },
            },
        });
        let requests = serde_json::from_value(form)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(InputRequiredResult::new(Some(requests), Some(state)).into())
    }
}

/// What the user said; `None` where that is not to be made out, and they are asked again.
fn answer(call: &CallToolRequestParams) -> Option<bool> {
    let answer = call.input_responses.as_ref()?.get(CONFIRM)?;
    match answer.get("action")?.as_str()? {
        "accept" => answer.get("content")?.get(CONFIRM)?.as_bool(),
        "decline" | "cancel" => Some(false),
        _ => None,
    }
}

fn declined() -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(
        "The user said no: nothing was changed. Do not repeat the call.",
    )])
}

fn result(called: Called) -> CallToolResult {
    if called.is_error {
        return CallToolResult::structured_error(called.structured);
    }
    CallToolResult::structured(called.structured)
}

/// A list that is one page long has no second one.
fn only_page(cursor: Option<&str>) -> Result<(), ErrorData> {
    cursor.map_or(Ok(()), |_| Err(bad_cursor()))
}

pub(crate) fn bad_cursor() -> ErrorData {
    ErrorData::invalid_params("the cursor is none that this list has given: leave it out to begin anew", None)
}

fn tool(tool: &perennial_tools::Tool) -> Result<Tool, ErrorData> {
    let schema = |text: &str| {
        serde_json::from_str::<Map<String, Value>>(text)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    };
    let hints = ToolAnnotations::from_raw(
        None,
        Some(tool.hints.read_only),
        Some(tool.hints.destructive),
        Some(tool.hints.idempotent),
        Some(false),
    );
    Ok(Tool::new(tool.name, tool.description, schema(tool.input_schema)?)
        .with_title(tool.title)
        .with_raw_output_schema(schema(tool.output_schema)?.into())
        .with_annotations(hints))
}

/// A list of this caller's own.
macro_rules! own {
    ($result:expr) => {{
        let mut result = $result;
        result.ttl_ms = Some(0);
        result.cache_scope = Some(perennial_mcp::model::CacheScope::Private);
        result
    }};
}
pub(crate) use own;

impl<C: Carry> Server for Tasks<C> {
    fn config() -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("perennial", env!("CARGO_PKG_VERSION")).with_title("Perennial"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    /// Before 2026-07-28 changes are told on a stream that a session has, and there are no sessions here.
    fn config_of_handshake() -> ServerConfig {
        let mut config = Self::config();
        config.capabilities =
            ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build();
        config
    }

    async fn list_tools(&mut self, _: &Asker, cursor: Option<String>) -> Result<ListToolsResult, ErrorData> {
        only_page(cursor.as_deref())?;
        let tools = self.carry.tools().map(tool).collect::<Result<Vec<_>, _>>()?;
        Ok(own!(ListToolsResult::with_all_items(tools)))
    }

    async fn call_tool(
        &mut self,
        asker: &Asker,
        call: CallToolRequestParams,
        _: &Notices,
    ) -> Result<CallToolResponse, ErrorData> {
        if asker.asks_by_form() {
            return self.call_with_forms(asker, &call);
        }
        let arguments = call.arguments.unwrap_or_default();
        let called = self.carry_out(asker, &call.name, &arguments, Confirmation::InArguments)?;
        Ok(result(called).into())
    }

    async fn list_resources(
        &mut self,
        asker: &Asker,
        cursor: Option<String>,
    ) -> Result<ListResourcesResult, ErrorData> {
        resources::list(self, asker, cursor)
    }

    async fn list_templates(
        &mut self,
        _: &Asker,
        cursor: Option<String>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        only_page(cursor.as_deref())?;
        Ok(own!(ListResourceTemplatesResult::with_all_items(resources::templates())))
    }

    async fn read_resource(
        &mut self,
        asker: &Asker,
        asked: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(self, asker, &asked.uri)
    }

    async fn list_prompts(
        &mut self,
        _: &Asker,
        cursor: Option<String>,
    ) -> Result<ListPromptsResult, ErrorData> {
        only_page(cursor.as_deref())?;
        Ok(own!(ListPromptsResult::with_all_items(prompts::all())))
    }

    async fn get_prompt(
        &mut self,
        _: &Asker,
        asked: GetPromptRequestParams,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&asked)
    }
}
