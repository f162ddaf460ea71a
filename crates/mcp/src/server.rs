//! What a server offers to those who speak the protocol.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestMethod, CallToolRequestParams, CallToolResponse, ClientCapabilities,
    CompleteRequestMethod, CompleteRequestParams, CompleteResult, GetPromptRequestMethod,
    GetPromptRequestParams, GetPromptResponse, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
    ListResourcesResult, ListToolsRequestMethod, ListToolsResult, ProgressToken, ReadResourceRequestMethod,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, ServerNotification, Tool,
};
use tokio::sync::mpsc::UnboundedSender;

/// Longest name of a client that is believed, in characters.
const MAX_NAME: usize = 100;

/// A server of the protocol. What it does not offer it does not implement: the protocol's own error says so.
#[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
pub trait Server {
    /// Who it is, and what it can do.
    fn config() -> ServerConfig;

    /// The same for those who speak a revision with a handshake, before 2026-07-28, of which one request knows nothing of another.
    fn config_of_handshake() -> ServerConfig {
        Self::config()
    }

    /// A tool of that name, where headers repeat some of its arguments (`x-mcp-header`): they are compared.
    fn tool(_name: &str) -> Option<Tool> {
        None
    }

    /// `tools/list`: a page of the tools that the asker may use.
    async fn list_tools(&mut self, _: &Asker, _cursor: Option<String>) -> Result<ListToolsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListToolsRequestMethod>())
    }

    /// `tools/call`.
    async fn call_tool(
        &mut self,
        _: &Asker,
        _: CallToolRequestParams,
        _: &Notices,
    ) -> Result<CallToolResponse, ErrorData> {
        Err(ErrorData::method_not_found::<CallToolRequestMethod>())
    }

    /// `resources/list`: a page.
    async fn list_resources(
        &mut self,
        _: &Asker,
        _cursor: Option<String>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    /// `resources/templates/list`: a page.
    async fn list_templates(
        &mut self,
        _: &Asker,
        _cursor: Option<String>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourceTemplatesRequestMethod>())
    }

    /// `resources/read`.
    async fn read_resource(
        &mut self,
        _: &Asker,
        _: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Err(ErrorData::method_not_found::<ReadResourceRequestMethod>())
    }

    /// `prompts/list`: a page.
    async fn list_prompts(
        &mut self,
        _: &Asker,
        _cursor: Option<String>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    /// `prompts/get`.
    async fn get_prompt(
        &mut self,
        _: &Asker,
        _: GetPromptRequestParams,
    ) -> Result<GetPromptResponse, ErrorData> {
        Err(ErrorData::method_not_found::<GetPromptRequestMethod>())
    }

    /// `completion/complete`.
    async fn complete(&mut self, _: &Asker, _: CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }
}

/// Who asks, by their own account.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// The program: its name in `clientInfo`, or before 2026-07-28 the first product of its `User-Agent` (RFC 9110 §10.1.5).
    pub client: Option<String>,
    /// What it can be asked for in the middle of a call (MRTR); nothing before 2026-07-28, where one request knows nothing of another.
    pub can: ClientCapabilities,
    /// What progress of this request is told under.
    pub progress: Option<ProgressToken>,
}

impl Asker {
    /// Whether it can ask its user with a form.
    pub fn asks_by_form(&self) -> bool {
        // An empty capability is that of forms; one that names only addresses is not.
        self.can.elicitation.as_ref().is_some_and(|can| can.form.is_some() || can.url.is_none())
    }
}

/// As much of a client's name as is believed: visible, on one line, and not long.
pub(crate) fn client_name(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Where a tool tells of its progress, before its result.
#[derive(Debug, Clone)]
pub struct Notices(pub(crate) UnboundedSender<ServerNotification>);

impl Notices {
    /// Tells the client something. Who left hears nothing.
    pub fn tell(&self, notice: ServerNotification) {
        let _ = self.0.send(notice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_s_name_is_one_short_line() {
        assert_eq!(client_name("  Claude\u{0}\nDesktop "), Some("ClaudeDesktop".to_owned()));
        assert_eq!(client_name(&"n".repeat(1_000)).map(|name| name.len()), Some(MAX_NAME));
        assert_eq!(client_name("\n \u{7f}"), None);
    }
}
