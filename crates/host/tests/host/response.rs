//! How long a guest may take to answer, and a client to read.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{PROBE, Setup};

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
    let mut stream = tokio::net::TcpStream::connect(host.running.address).await.unwrap();
    stream.write_all(b"GET /flood?100 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0u8; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
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
