#![expect(deprecated, reason = "the revisions before 2026-07-28 have methods that newer ones have not")]
//! rmcp's handler, which has to be `Send` and to live on its own: it hands each question on, and waits for the answer.

use std::borrow::Cow;

use http::header::USER_AGENT;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, GetPromptRequestParams,
    GetPromptResponse, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ServerConfig, ServerNotification,
    SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestMethod, SubscribeRequestParams,
    SubscriptionFilter, Tool, UnsubscribeRequestMethod, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::sync::{mpsc, oneshot};

use crate::server::{Asker, Notices, Server, client_name};
use crate::stream::Change;

/// The revisions that are spoken. Before 2026-07-28 they begin with a handshake, of which nothing is remembered.
const REVISIONS: &[ProtocolVersion] =
    &[ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];

/// Something that the server is asked, with where its answer goes.
pub(crate) struct Ask<P, R> {
    asker: Asker,
    params: P,
    reply: oneshot::Sender<Result<R, ErrorData>>,
}

/// What a server can be asked.
pub(crate) enum Question {
    ListTools(Ask<Option<String>, ListToolsResult>),
    CallTool(Ask<CallToolRequestParams, CallToolResponse>, Notices),
    ListResources(Ask<Option<String>, ListResourcesResult>),
    ListTemplates(Ask<Option<String>, ListResourceTemplatesResult>),
    ReadResource(Ask<ReadResourceRequestParams, ReadResourceResponse>),
    ListPrompts(Ask<Option<String>, ListPromptsResult>),
    GetPrompt(Ask<GetPromptRequestParams, GetPromptResponse>),
    Complete(Ask<CompleteRequestParams, CompleteResult>),
    /// Somebody listens from now on, until the sender is dropped.
    Listen(SubscriptionFilter, mpsc::UnboundedSender<Change>),
}

impl Question {
    /// Has the server answer. `Some` is a listener, whom the caller looks after.
    pub async fn put_to(
        self,
        server: &mut impl Server,
    ) -> Option<(SubscriptionFilter, mpsc::UnboundedSender<Change>)> {
        // Who asked may have left meanwhile: nobody hears the answer then.
        match self {
            Self::ListTools(ask) => {
                let _ = ask.reply.send(server.list_tools(&ask.asker, ask.params).await);
            }
            Self::CallTool(ask, notices) => {
                let _ = ask.reply.send(server.call_tool(&ask.asker, ask.params, &notices).await);
            }
            Self::ListResources(ask) => {
                let _ = ask.reply.send(server.list_resources(&ask.asker, ask.params).await);
            }
            Self::ListTemplates(ask) => {
                let _ = ask.reply.send(server.list_templates(&ask.asker, ask.params).await);
            }
            Self::ReadResource(ask) => {
                let _ = ask.reply.send(server.read_resource(&ask.asker, ask.params).await);
            }
            Self::ListPrompts(ask) => {
                let _ = ask.reply.send(server.list_prompts(&ask.asker, ask.params).await);
            }
            Self::GetPrompt(ask) => {
                let _ = ask.reply.send(server.get_prompt(&ask.asker, ask.params).await);
            }
            Self::Complete(ask) => {
                let _ = ask.reply.send(server.complete(&ask.asker, ask.params).await);
            }
            Self::Listen(filter, changes) => return Some((filter, changes)),
        }
        None
    }
}

/// The handler.
#[derive(Clone)]
pub(crate) struct Relay {
    questions: mpsc::UnboundedSender<Question>,
    config: fn() -> ServerConfig,
    config_of_handshake: fn() -> ServerConfig,
    tool: fn(&str) -> Option<Tool>,
}

impl Relay {
    /// A handler, and where its questions arrive.
    pub fn to<S: Server>() -> (Self, mpsc::UnboundedReceiver<Question>) {
        let (questions, arriving) = mpsc::unbounded_channel();
        let relay =
            Self { questions, config: S::config, config_of_handshake: S::config_of_handshake, tool: S::tool };
        (relay, arriving)
    }

    async fn ask<P, R>(
        &self,
        params: P,
        context: &RequestContext<RoleServer>,
        question: impl FnOnce(Ask<P, R>) -> Question,
    ) -> Result<R, ErrorData> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { asker: asker(context), params, reply };
        // Where nobody takes the question, nobody waits for the answer either.
        let _ = self.questions.send(question(ask));
        answer.await.unwrap_or_else(|_| Err(ErrorData::internal_error("the request was given up", None)))
    }
}

/// Who asks, by what their request says.
fn asker(context: &RequestContext<RoleServer>) -> Asker {
    let info = context.meta.client_info();
    let user_agent = || {
        let headers = &context.extensions.get::<Parts>()?.headers;
        let products = headers.get(USER_AGENT)?.to_str().ok()?;
        products.split([' ', '/', '(']).next()
    };
    Asker {
        client: info.as_ref().map(|info| info.name.as_str()).or_else(user_agent).and_then(client_name),
        can: context.meta.client_capabilities().unwrap_or_default(),
        progress: context.meta.get_progress_token(),
    }
}

fn cursor(page: Option<PaginatedRequestParams>) -> Option<String> {
    page.and_then(|page| page.cursor)
}

impl ServerHandler for Relay {
    fn get_info(&self) -> ServerConfig {
        (self.config)()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(REVISIONS)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let agreed = self.negotiate_initialize(&request)?.protocol_version;
        Ok((self.config_of_handshake)().with_protocol_version(agreed))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (self.tool)(name)
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.ask(cursor(page), &context, Question::ListTools).await
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (notices, mut told) = mpsc::unbounded_channel::<ServerNotification>();
        let answer = self.ask(params, &context, |ask| Question::CallTool(ask, Notices(notices)));
        let mut answer = std::pin::pin!(answer);
        loop {
            tokio::select! {
                biased;
                Some(notice) = told.recv() => {
                    // Who left is not told.
                    let _ = context.peer.send_notification(notice).await;
                }
                answer = &mut answer => return answer,
            }
        }
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.ask(cursor(page), &context, Question::ListResources).await
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.ask(cursor(page), &context, Question::ListTemplates).await
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.ask(params, &context, Question::ReadResource).await
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.ask(cursor(page), &context, Question::ListPrompts).await
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.ask(params, &context, Question::GetPrompt).await
    }

    async fn complete(
        &self,
        params: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.ask(params, &context, Question::Complete).await
    }

    /// A level that is set is remembered by nobody, so whatever a server logs within a request is told.
    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let is_old = context.protocol_version().is_none_or(|at| at < ProtocolVersion::V_2026_07_28);
        let logs = (self.config_of_handshake)().capabilities.logging.is_some();
        (is_old && logs).then_some(()).ok_or_else(ErrorData::method_not_found::<SetLevelRequestMethod>)
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscribes().ok_or_else(ErrorData::method_not_found::<SubscribeRequestMethod>)
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscribes().ok_or_else(ErrorData::method_not_found::<UnsubscribeRequestMethod>)
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        // rmcp takes away what the server's capabilities do not name.
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let (changes, mut told) = mpsc::unbounded_channel();
        let _ = self.questions.send(Question::Listen(context.accepted().clone(), changes));
        let sink = context.sink();
        while let Some(change) = told.recv().await {
            // What the client did not ask for is refused here, and it goes on.
            let _ = match change {
                Change::Tools => sink.notify_tool_list_changed().await,
                Change::Prompts => sink.notify_prompt_list_changed().await,
                Change::Resources => sink.notify_resource_list_changed().await,
                Change::Resource(uri) => sink.notify_resource_updated(uri).await,
            };
        }
        Ok(())
    }
}

impl Relay {
    fn subscribes(&self) -> Option<()> {
        let resources = (self.config_of_handshake)().capabilities.resources?;
        (resources.subscribe == Some(true)).then_some(())
    }
}
