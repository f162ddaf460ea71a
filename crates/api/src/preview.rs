//! A recurrence before there is a task. Nothing is stored, and with the bootstrap token nothing is even read.

use http::StatusCode;
use perennial_domain::{PreviewInput, preview};
use perennial_http_api::{Problem, Request, Response, answer, json};

pub(crate) fn post(request: &Request) -> Result<Response, Problem> {
    let input: PreviewInput = json(request, &["application/json"])?;
    Ok(answer(StatusCode::OK, &preview(&input)?))
}
