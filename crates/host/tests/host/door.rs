//! Requests that no guest is shown.

use std::time::Duration;

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

/// Sends a head, waits until it is answered or not, and then `bytes` of the body in pieces.
async fn late(host: &Host, bytes: usize) -> (tokio::net::TcpStream, std::io::Result<()>) {
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    let head = format!("POST /seen HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.readable().await.unwrap();
    for _ in 0..bytes.div_ceil(16 * 1024) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if let Err(error) = stream.write_all(&[b' '; 16 * 1024][..bytes.min(16 * 1024)]).await {
            return (stream, Err(error));
        }
    }
    (stream, Ok(()))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_still_sends_when_the_answer_comes_can_read_it() {
    let host = Host::probe().await;
    let (mut stream, sent) = late(&host, 512 * 1024).await;
    sent.unwrap();
    // The connection can be used again.
    stream.write_all(b"GET /seen HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_for_ever_what_nobody_wants() {
    let host = Host::probe().await;
    let (_, sent) = late(&host, 64 * 1024 * 1024).await;
    assert!(sent.is_err(), "64 MiB were taken");
}
