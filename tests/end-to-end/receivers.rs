//! Receivers that behave in every way they should not. Each attempt ends in time, gives its place back, and tells its owner why.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use perennial_tests::{Receiver, Service, until};
use serde_json::Value;

use crate::path::{channel, due_in};

/// The longest that an attempt may take, and what it takes until it is made and seen.
const LIMIT: Duration = Duration::from_secs(40);

/// How a receiver behaves, what becomes of the first attempt, and its words.
type Behaviour = (&'static str, fn(TcpStream), &'static str, Option<&'static str>);

const BEHAVIOURS: [Behaviour; 9] = [
    ("closes at once", |_| (), "pending", Some("the receiver broke off, or its answer was not HTTP")),
    (
        "closes after the request",
        |mut stream| take(&mut stream),
        "pending",
        Some("the receiver broke off, or its answer was not HTTP"),
    ),
    (
        "hangs",
        |mut stream| {
            take(&mut stream);
            forever()
        },
        "pending",
        Some("did not answer within 15 seconds"),
    ),
    ("drips its head", drip_head, "pending", Some("did not answer within 15 seconds")),
    ("drips its body", drip_body, "delivered", None),
    ("never ends its body", flood, "delivered", None),
    (
        "has a head of a megabyte",
        long_head,
        "pending",
        Some("the receiver broke off, or its answer was not HTTP"),
    ),
    (
        "speaks no HTTP",
        |mut stream| {
            take(&mut stream);
            let _ = stream.write_all(b"SSH-2.0-x\r\n\r\n");
            forever()
        },
        "pending",
        Some("the receiver broke off, or its answer was not HTTP"),
    ),
    (
        "sends elsewhere",
        |mut stream| {
            take(&mut stream);
            let _ = stream
                .write_all(b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n");
        },
        "pending",
        Some("the receiver answered 302"),
    ),
];

#[test]
fn every_attempt_ends_in_time_and_tells_why() {
    let service = Service::start();
    let mut waiting = Vec::new();
    for (name, talk, state, words) in BEHAVIOURS {
        let receiver = Receiver::talking(talk);
        let user = service.user(name);
        channel(&user, &receiver);
        let task = user.create(&due_in(1));
        waiting.push((name, user, task["id"].as_str().unwrap().to_owned(), state, words));
    }
    for (name, user, task, state, words) in waiting {
        let list = format!("/v1/notifications?task={task}");
        let ended: Value = until(&format!("an attempt at one that {name} has ended"), LIMIT, || {
            user.all(&list).into_iter().find(|one| one["attempts"].as_i64() >= Some(1))
        });
        assert_eq!(ended["state"], state, "one that {name}: {ended}");
        let said = ended["last_error"].as_str();
        assert_eq!(said.is_some(), words.is_some(), "one that {name}: {ended}");
        assert!(said.unwrap_or_default().contains(words.unwrap_or_default()), "one that {name}: {ended}");
    }
}

#[test]
fn the_service_stops_quietly_while_a_receiver_hangs() {
    let mut service = Service::start();
    let user = service.user("Ada");
    let receiver = Receiver::hanging();
    channel(&user, &receiver);
    user.create(&due_in(1));
    receiver.wait_for(1, LIMIT);
    let status = service.terminate();
    assert_eq!(status.code(), Some(0), "{}", service.output());
    let output = service.output();
    assert!(!output.contains("ERROR") && !output.contains("failed"), "{output}");
}

/// Reads the request.
fn take(stream: &mut TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
    let _ = stream.read_to_end(&mut Vec::new());
}

fn forever() {
    sleep(Duration::from_secs(600));
}

fn drip_head(mut stream: TcpStream) {
    // Who answers before it was asked breaks off.
    take(&mut stream);
    let head = b"HTTP/1.1 200 OK\r\nserver: one that takes its time with every byte\r\n\r\n";
    for byte in head {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        sleep(Duration::from_secs(2));
    }
}

fn drip_body(mut stream: TcpStream) {
    take(&mut stream);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    while stream.write_all(b"x").is_ok() {
        sleep(Duration::from_secs(2));
    }
}

fn flood(mut stream: TcpStream) {
    take(&mut stream);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    while stream.write_all(chunk.as_bytes()).is_ok() {}
}

fn long_head(mut stream: TcpStream) {
    take(&mut stream);
    let _ =
        stream.write_all(format!("HTTP/1.1 200 OK\r\nlong: {}\r\n\r\n", "x".repeat(1024 * 1024)).as_bytes());
    forever();
}
