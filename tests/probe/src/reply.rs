//! Responses.

use std::time::Duration;

use futures::SinkExt;
use serde_json::Value;
use spin_sdk::http::{Fields, OutgoingResponse, ResponseOutparam};

fn response() -> OutgoingResponse {
    let headers = Fields::new();
    let _ = headers.set("content-type", &[b"application/json".to_vec()]);
    OutgoingResponse::new(headers)
}

/// Sends the whole response: the client has it when this returns.
pub async fn send(out: ResponseOutparam, body: &Value) {
    let _ = out.set_with_body(response(), body.to_string().into_bytes()).await;
}

/// Sends so many mebibytes as fast as they are taken.
pub async fn flood(out: ResponseOutparam, mebibytes: usize) {
    let response = response();
    let mut body = response.take_body();
    out.set(response);
    for _ in 0..mebibytes {
        if body.send(vec![b'x'; 1024 * 1024]).await.is_err() {
            return;
        }
    }
}

/// Sends a line every 20 ms.
pub async fn stream(out: ResponseOutparam, lines: usize) {
    let response = response();
    let mut body = response.take_body();
    out.set(response);
    for n in 0..lines {
        if body.send(format!("{n}\n").into_bytes()).await.is_err() {
            let _ = crate::sql::note("stream", "client left");
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = crate::sql::note("stream", "finished");
}
