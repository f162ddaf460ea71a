//! How long a guest may take to answer, and a client to read.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Host, PROBE, Setup, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_until_the_response_counts_to_its_head() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.until_response = Duration::from_millis(200);
    let host = setup.start().await;
    // Thirty lines, one every 20 ms.
    let reply = host.get("/stream?30").await;
    assert!(reply.body.ends_with(b"\n29\n"), "{:?}", reply.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_no_guest() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.unread = Duration::from_millis(200);
    let host = setup.start().await;
    let stream = unread(&host).await;
    tokio::time::timeout(Duration::from_secs(20), host.running.idle()).await.expect("the guest is cut");
    drop(stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_gets_all() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.unread = Duration::from_secs(5);
    let host = setup.start().await;
    assert_eq!(host.get("/flood?20").await.body.len(), 20 * 1024 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_nothing_more_is_answered() {
    let host = Host::probe().await;
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    stream.write_all(b"GET /sleep?300 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("{}"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_of_a_client_that_does_not_read_is_closed() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.unread = Duration::from_millis(300);
    let host = setup.start().await;
    let mut stream = unread(&host).await;
    // What the kernel holds can be read; then comes the end, long before the hundred mebibytes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest))
        .await
        .expect("it is closed");
    assert!(rest.len() < 90 * 1024 * 1024, "{}", rest.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_hold_no_more_than_they_may() {
    let mut setup = Setup::new(PROBE);
    // Far away, so that only the bound on what is held can end them; each of their guests has a megabyte and more.
    setup.options.limits.unread = Duration::from_secs(3_600);
    setup.options.limits.unread_memory = 16 * 1024 * 1024;
    let host = setup.start().await;
    let mut clients = Vec::new();
    for _ in 0..40 {
        clients.push(unread(&host).await);
    }
    let reader = host.get("/flood?20");
    assert_eq!(reader.await.body.len(), 20 * 1024 * 1024, "one that reads is not concerned");
    eventually("the bound holds", async || {
        let held = host.running.unread();
        held.connections > 0 && held.bytes <= 16 * 1024 * 1024
    })
    .await;
    assert!(host.running.unread().connections < 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_a_client_keeps_back_hold_no_more_than_they_may() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.unread = Duration::from_secs(3_600);
    setup.options.limits.unread_memory = 8 * 1024 * 1024;
    let host = setup.start().await;
    // With a window of no byte the connection takes all that is sent, the streams take nothing.
    let sent = http2("/flood?100", 40, &[0, 4, 0, 0, 0, 0]);
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    stream.write_all(&sent).await.unwrap();
    let mut all = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await;
    assert!(closed.is_ok(), "it is left");
    tokio::time::timeout(Duration::from_secs(20), host.running.idle()).await.expect("its guests are cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_come_slowly_are_not_kept_back() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.unread = Duration::from_secs(3_600);
    setup.options.limits.unread_memory = 8 * 1024 * 1024;
    let host = setup.start().await;
    // Twenty guests, of some megabytes each, who have little to say for five seconds; their client takes all of it.
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    stream.write_all(&http2("/stream?250", 20, &[])).await.unwrap();
    let (mut got, mut ended) = (Vec::new(), 0);
    while ended < 20 {
        let mut bytes = [0u8; 16 * 1024];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes)).await;
        let read = read.expect("it goes on").unwrap_or_default();
        assert!(read > 0, "its connection is closed, and {ended} answers are whole");
        got.extend_from_slice(&bytes[..read]);
        ended = frames(&got).filter(|(kind, flags)| (*kind, flags & 1) == (0, 1)).count();
    }
}

/// A connection that asks for the same so often, with the server's settings.
fn http2(path: &str, times: u32, settings: &[u8]) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    };
    let literal = |name: &str, value: &str| {
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        [vec![0], text(name), text(value)].concat()
    };
    let head = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", path)];
    let head = head.map(|(name, value)| literal(name, value)).concat();
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(4, 0, 0, settings));
    for stream in 0..times {
        sent.extend(frame(1, 5, 2 * stream + 1, &head));
    }
    sent
}

/// The kinds and flags of the whole frames of a connection.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (u8, u8)> {
    std::iter::from_fn(move || {
        let head = bytes.get(..9)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let frame = (head[3], head[4]);
        bytes = bytes.get(9 + length..)?;
        Some(frame)
    })
}

/// A client that has the beginning of a hundred mebibytes and reads no more.
async fn unread(host: &Host) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    stream.write_all(b"GET /flood?100 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0u8; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}
