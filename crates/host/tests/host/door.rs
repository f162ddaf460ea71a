//! Requests that no guest is shown.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::Host;

async fn raw(host: &Host, request: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_understood_is_told_why() {
    let host = Host::probe().await;
    for (what, why) in [
        (&b"host: x\r\nx-bytes: \xff"[..], "the header 'x-bytes' is not valid UTF-8"),
        (b"host: x\r\nhost: y", "more than one 'Host' header"),
        (b"host: x\r\nhost: x", "more than one 'Host' header"),
        (b"x-no: host", "no 'Host' header"),
        (b"host: not a host", "invalid authority"),
    ] {
        let request = [b"GET /headers HTTP/1.1\r\nconnection: close\r\n", what, b"\r\n\r\n"].concat();
        let answer = raw(&host, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("application/problem+json") && answer.contains(why), "{answer}");
    }
    assert_eq!(host.running.counts()["probe"].guests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_are_refused_where_no_guest_answers_too() {
    let host = Host::probe().await;
    for path in ["/.well-known/spin/health", "/.well-known/spin/nothing"] {
        let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\nhost: a\r\nhost: b\r\n\r\n");
        assert!(raw(&host, request.as_bytes()).await.starts_with("HTTP/1.1 400"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_not_ascii_passes() {
    let host = Host::probe().await;
    let answer = raw(
        &host,
        "GET /headers HTTP/1.1\r\nconnection: close\r\nhost: x\r\nx-text: żółw\r\n\r\n".as_bytes(),
    )
    .await;
    assert!(answer.contains("x-text: żółw"), "{answer}");
}
