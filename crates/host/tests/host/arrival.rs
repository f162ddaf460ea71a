//! Requests that arrive slowly.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Host, PROBE, Setup, eventually};

/// A request with 4 of the 50 bytes of its body.
async fn slow(host: &Host, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host.running.address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nfour");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The head of the answer, and what has come of its body.
async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = [0u8; 4096];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes)).await;
    let read = read.expect("there is no answer").unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

async fn started(host: &Host, guests: u64) {
    eventually("the guests are started", async || host.running.counts()["probe"].guests == guests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_leave_room_for_others() {
    let mut setup = Setup::new(PROBE);
    setup.options.max_instances = 8;
    let host = setup.start().await;
    let mut slow_ones = Vec::new();
    for _ in 0..20 {
        slow_ones.push(slow(&host, "/length").await);
    }
    started(&host, 4).await;
    for _ in 0..10 {
        assert_eq!(host.get("/seen").await.status, 200);
        let sent = host.send(http::Request::post("/length"), "a body that is there").await;
        assert_eq!(sent.json()["length"], 20);
    }
    // Whoever sends the rest is answered, whether a guest waits for it or the host.
    for mut stream in slow_ones {
        stream.write_all(&[b'x'; 46]).await.unwrap();
        assert!(answer(stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_arrives_whole_once_there_is_a_place() {
    let mut setup = Setup::new(PROBE);
    setup.options.max_instances = 2;
    let host = setup.start().await;
    let mut first = slow(&host, "/length").await;
    started(&host, 1).await;
    let large = host.send(http::Request::post("/length"), vec![b'x'; 1_000_000]);
    let (large, ()) = tokio::join!(large, async {
        first.write_all(&[b'x'; 46]).await.unwrap();
    });
    assert_eq!(large.json()["length"], 1_000_000);
    assert!(answer(first).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_do_not_keep_out_a_large_body() {
    let mut setup = Setup::new(PROBE);
    setup.options.max_instances = 8;
    let host = setup.start().await;
    let mut slow_ones = Vec::new();
    for _ in 0..40 {
        slow_ones.push(slow(&host, "/length").await);
    }
    started(&host, 4).await;
    let sent = host.send(http::Request::post("/length"), vec![b'x'; 1_000_000]);
    let sent = tokio::time::timeout(Duration::from_secs(10), sent).await.expect("it is kept out");
    assert_eq!(sent.json()["length"], 1_000_000);
    drop(slow_ones);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_answers_by_the_head_of_a_slow_request() {
    let host = Host::probe().await;
    assert!(answer(slow(&host, "/headers").await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_has_an_end() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.body = Duration::from_millis(300);
    let host = setup.start().await;
    let mut stream = slow(&host, "/length").await;
    let (mut reader, mut writer) = stream.split();
    let trickle = async {
        // Never a pause of any length, and far from done when the time is over.
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut bytes = [0u8; 4096];
    let read = tokio::select! {
        read = tokio::time::timeout(Duration::from_secs(20), reader.read(&mut bytes)) => read,
        () = trickle => unreachable!(),
    };
    // The probe takes a broken body for none.
    let answer = String::from_utf8_lossy(&bytes[..read.unwrap().unwrap()]).into_owned();
    assert!(answer.contains("{\"length\":0}"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_sender_without_a_guest_is_told_so() {
    let mut setup = Setup::new(PROBE);
    setup.options.max_instances = 2;
    setup.options.limits.body = Duration::from_millis(300);
    let host = setup.start().await;
    let _holds_the_place = slow(&host, "/sleep?60000").await;
    started(&host, 1).await;
    let answer = answer(slow(&host, "/length").await).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_eq!(host.running.counts()["probe"].guests, 1);
}
