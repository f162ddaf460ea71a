//! A request that comes in and the answer that goes out.

use futures::StreamExt;
use http::{HeaderName, HeaderValue, Method, Uri};
use perennial_http_api::{Head, Problem, Response};
use spin_sdk::http::{Headers, IncomingRequest, OutgoingResponse, ResponseOutparam};

use crate::within;

/// How long a body may take from its first byte to its last, in seconds.
const BODY: u64 = 15;

/// How many times as much as is kept of a body may come.
const PASSED: usize = 16;

/// Reads what comes before the body. The body waits, so that what the head is enough to refuse costs nothing more.
pub fn read_head(request: &IncomingRequest) -> Result<Head, Problem> {
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.method = request
        .method()
        .to_string()
        .parse::<Method>()
        .map_err(|_| Problem::malformed("the method is not a word"))?;
    let path = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    head.uri = path.parse::<Uri>().map_err(|_| Problem::malformed("the address is not a path"))?;
    for (name, value) in request.headers().entries() {
        let wrong = || Problem::malformed(format!("the header {name:?} cannot be read"));
        if std::str::from_utf8(&value).is_err() {
            return Err(Problem::malformed(format!("the header {name:?} is not UTF-8")));
        }
        let value = HeaderValue::from_bytes(&value).map_err(|_| wrong())?;
        head.headers.append(HeaderName::try_from(name.as_str()).map_err(|_| wrong())?, value);
    }
    Ok(head)
}

/// Reads the body: at most `limit` bytes, and within its time.
pub async fn read_body(request: IncomingRequest, limit: usize) -> Result<Vec<u8>, Problem> {
    within_its_time(async {
        let mut body = Vec::new();
        let mut chunks = Box::pin(request.into_body_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| broke_off())?;
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(Problem::too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    })
    .await
}

/// Reads the beginning of the body, `limit` bytes of it, within the time of a body. The rest goes by, up to [`PASSED`] times as much:
/// who still sends may not hear an answer.
pub(crate) async fn read_beginning(request: IncomingRequest, limit: usize) -> Result<Vec<u8>, Problem> {
    within_its_time(async {
        let (mut body, mut passed) = (Vec::new(), 0_usize);
        let mut chunks = Box::pin(request.into_body_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| broke_off())?;
            let room = limit.saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            passed = passed.saturating_add(chunk.len());
            if passed > limit.saturating_mul(PASSED) {
                break;
            }
        }
        Ok(body)
    })
    .await
}

async fn within_its_time(body: impl Future<Output = Result<Vec<u8>, Problem>>) -> Result<Vec<u8>, Problem> {
    within(BODY.saturating_mul(1_000), body).await.unwrap_or_else(|| Err(Problem::timeout(BODY)))
}

fn broke_off() -> Problem {
    Problem::malformed("the body broke off")
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
