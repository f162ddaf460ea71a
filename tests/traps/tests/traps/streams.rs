//! Clients are slow, and sessions with a PostgreSQL are few: who waits for a client has none.

use std::io::{Read, Write};
use std::net::TcpStream;

use perennial_traps::{House, User};
use serde_json::{Value, json};

/// More clients than a house has sessions.
const CLIENTS: usize = 8;

/// More than a host holds of an answer that is not read.
const TASKS: usize = 16;

/// So many users with tasks that fill a page, each of whom does something on a connection of their own.
async fn slow(house: &House, act: fn(&User) -> TcpStream) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    let task = json!({ "title": "Long", "description": "x".repeat(16_000) });
    for number in 0..CLIENTS {
        let user = house.user(&format!("slow {number}")).await;
        for task_number in 0..TASKS {
            let (status, told) =
                user.keyed("POST", "/v1/tasks", &format!("{number}-{task_number}"), &task).await;
            assert_eq!(status, 201, "{told}");
        }
        streams.push(tokio::task::spawn_blocking(move || act(&user)).await.unwrap());
    }
    streams
}

/// Others read and write as if nobody else were there.
async fn others_are_answered(house: &House) {
    for _ in 0..CLIENTS {
        let (status, told) = house.call("GET", "/v1/tasks", &Value::Null).await;
        assert_eq!(status, 200, "{told}");
    }
    let (status, told) = house.call("POST", "/v1/tasks", &json!({ "title": "Meanwhile" })).await;
    assert_eq!(status, 201, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_only_wait_leave_the_sessions_to_requests() {
    let Some(house) = House::on_postgres().await else { return };
    let streams = slow(&house, |user| {
        let mut stream = user.connect();
        stream.write_all(&user.bytes("GET", "/v1/stream", "stream", &Value::Null).0).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        stream
    });
    let streams = streams.await;
    others_are_answered(&house).await;
    drop(streams);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_do_not_come_leave_the_sessions_to_others() {
    for path in ["/v1/tasks", "/v1/audit/verify"] {
        let Some(house) = House::on_postgres().await else { return };
        let act: fn(&User) -> TcpStream = match path {
            "/v1/tasks" => |user| half(user, "/v1/tasks"),
            _ => |user| half(user, "/v1/audit/verify"),
        };
        let streams = slow(&house, act).await;
        others_are_answered(&house).await;
        drop(streams);
        house.stop().await;
    }
}

/// Sends the head of a request and a part of its body. The head is read by a guest before this ends: its `Expect` is answered.
fn half(user: &User, path: &str) -> TcpStream {
    let (bytes, head) = user.bytes("POST", path, "half", &json!({ "title": "Half" }));
    let mut stream = user.connect();
    let (head, body) = bytes.split_at(head - 2);
    stream.write_all(&[head, b"expect: 100-continue\r\n\r\n"].concat()).unwrap();
    let mut told = [0; 12];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100");
    stream.write_all(&body[2..7]).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_read_leave_the_sessions_to_others() {
    let Some(house) = House::on_postgres().await else { return };
    let streams = slow(&house, unread).await;
    others_are_answered(&house).await;
    drop(streams);
    house.stop().await;
}

/// Asks over HTTP/2 (RFC 9113) for a list, and for none of its bytes: the window for them is 0. Ends when the head is there.
fn unread(user: &User) -> TcpStream {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    // Names by their place in the table of RFC 7541, values as they are.
    let text = |value: &str| [&[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    let authority = user.connect().peer_addr().unwrap().to_string();
    let headers = [
        vec![0x82, 0x86, 0x04],
        text("/v1/tasks"),
        vec![0x01],
        text(&authority),
        vec![0x0f, 0x08],
        text(&user.authorization()),
    ];
    let mut stream = user.connect();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(4, 0, 0, &[0, 4, 0, 0, 0, 0])).unwrap();
    stream.write_all(&frame(1, 5, 1, &headers.concat())).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).unwrap();
        match head[3] {
            1 => return stream,
            4 | 6 | 8 => {}
            kind => panic!("a frame of the kind {kind}: {payload:?}"),
        }
    }
}
