//! What became of each command.

use http::{HeaderName, header};
use perennial_http_api::{CHANGE_ID, Problem, Response};
use serde::Serialize;
use serde_json::value::RawValue;

#[cfg(feature = "schema")]
use crate::view::{CompletedView, OverrideView, TaskView};

/// What became of each command, in the order sent.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct BulkView {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    pub results: Vec<Told>,
}

/// What the command would have been answered alone: its status, headers and document.
#[derive(Serialize, Clone)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "BulkResultView"))]
pub(crate) struct Told {
    #[cfg_attr(feature = "schema", schemars(range(min = 200, max = 599)))]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 40)))]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 200)))]
    location: Option<String>,
    /// The change that it made, if it changed anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 36, max = 36)))]
    change_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BulkBody<'_>>"))]
    body: Option<Box<RawValue>>,
    /// Why it was not carried out; its pointers lead into the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "problem"))]
    problem: Option<Box<RawValue>>,
}

impl Told {
    /// Of a command that was carried out.
    pub(crate) fn done(response: &Response) -> Self {
        let header = |name: HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        Self {
            status: response.status().as_u16(),
            etag: header(header::ETAG),
            location: header(header::LOCATION),
            change_id: header(CHANGE_ID),
            body: document(response),
            problem: None,
        }
    }

    /// Of one that was not.
    pub(crate) fn refused(problem: Problem) -> Self {
        let response = Response::from(problem);
        Self {
            status: response.status().as_u16(),
            etag: None,
            location: None,
            change_id: None,
            body: None,
            problem: document(&response),
        }
    }
}

/// The document of an answer, as it is.
fn document(response: &Response) -> Option<Box<RawValue>> {
    serde_json::from_slice(response.body()).ok()
}

/// What commands are answered with.
#[cfg(feature = "schema")]
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(inline)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its shape is meant")]
enum BulkBody<'a> {
    Task(Box<TaskView<'a>>),
    Closed(CompletedView<'a>),
    Changed(OverrideView<'a>),
}

#[cfg(feature = "schema")]
fn problem(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "$ref": "#/components/schemas/Problem" })
}
