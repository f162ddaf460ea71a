//! Bodies that do not come, and heads that no client library sends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use perennial_tests::Service;

/// Sends these bytes and no more, and reads the answer for as long as it takes.
fn answer_to(service: &Service, request: &[u8]) -> (String, Duration) {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let started = Instant::now();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&answer).contains("\"type\":") {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&answer)),
        }
    }
    (String::from_utf8_lossy(&answer).into_owned(), started.elapsed())
}

/// A request for a task whose body has 4 of its 50 bytes.
fn half(line: &str, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nhost: perennial\r\ncontent-length: 50\r\n{headers}\r\n{{\"ti").into_bytes()
}

#[test]
fn what_the_head_is_enough_to_refuse_is_refused_before_the_body_is_there() {
    let service = Service::start();
    let owner = format!("authorization: Bearer {}\r\n", service.token());
    let json = "content-type: application/json\r\n";
    for (line, headers, status) in [
        ("POST /v1/tasks", json.to_owned(), 401),
        ("POST /v1/tasks", format!("{json}authorization: Bearer wrong\r\n"), 401),
        ("POST /v1/chores", json.to_owned(), 404),
        ("PUT /v1/tasks", json.to_owned(), 405),
        ("POST /v1/tasks", format!("{owner}content-type: text/plain\r\n"), 415),
        ("POST /internal/sweep", json.to_owned(), 401),
        ("POST /internal/nothing", json.to_owned(), 404),
    ] {
        // Had the body been waited for, the answer would be 408.
        let (answer, _) = answer_to(&service, &half(line, &headers));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {headers}: {answer}");
    }
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let service = Service::start();
    let headers = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", service.token());
    let (answer, took) = answer_to(&service, &half("POST /v1/tasks", &headers));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("urn:perennial:problem:timeout"), "{answer}");
    println!("given up after {took:?}");
    assert!(service.owner().all("/v1/tasks").is_empty());
}
