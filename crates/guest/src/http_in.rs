//! A request that comes in and the answer that goes out.

use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use perennial_http_api::{MAX_BODY, Problem, Request, Response};
use spin_sdk::http::{Headers, IncomingRequest, Method as SpinMethod, OutgoingResponse, ResponseOutparam};

/// Reads a request; stops reading where the body is over the limit.
pub async fn read(request: IncomingRequest) -> Result<Request, Problem> {
    let method = match request.method() {
        SpinMethod::Get => Method::GET,
        SpinMethod::Post => Method::POST,
        SpinMethod::Put => Method::PUT,
        SpinMethod::Delete => Method::DELETE,
        SpinMethod::Patch => Method::PATCH,
        SpinMethod::Head => Method::HEAD,
        SpinMethod::Options => Method::OPTIONS,
        _ => return Err(Problem::method_not_allowed("GET, POST, PATCH, DELETE")),
    };
    let path = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    let uri: Uri = path.parse().map_err(|_| Problem::malformed("the address is not a path"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers().entries() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) {
            headers.append(name, value);
        }
    }
    let announced =
        headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > MAX_BODY as u64) {
        return Err(Problem::too_large(MAX_BODY));
    }
    let mut body = Vec::new();
    let mut chunks = Box::pin(request.into_body_stream());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("the body broke off"))?;
        if body.len().saturating_add(chunk.len()) > MAX_BODY {
            return Err(Problem::too_large(MAX_BODY));
        }
        body.extend_from_slice(&chunk);
    }
    let mut read = Request::new(body);
    *read.method_mut() = method;
    *read.uri_mut() = uri;
    *read.headers_mut() = headers;
    Ok(read)
}

/// Sends the answer, whole: whatever the component does afterwards, the client has it.
pub async fn respond(out: ResponseOutparam, response: Response) {
    let (parts, body) = response.into_parts();
    let headers: Vec<(String, Vec<u8>)> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let Ok(headers) = Headers::from_list(&headers) else { return };
    let answer = OutgoingResponse::new(headers);
    // The status is between 100 and 999 by construction; a host that refuses it anyway answers 200 with the body's word.
    answer.set_status_code(parts.status.as_u16()).ok();
    if out.set_with_body(answer, body).await.is_err() {
        crate::log::warn("an answer was not taken", &"the client left");
    }
}
