//! Streams are long, and sessions with a PostgreSQL are few.

use std::io::{Read, Write};

use perennial_traps::House;
use serde_json::Value;

/// More streams than a house has sessions.
const STREAMS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_only_wait_leave_the_sessions_to_requests() {
    let Some(house) = House::on_postgres().await else { return };
    let mut streams = Vec::new();
    for number in 0..STREAMS {
        let user = house.user(&format!("follower {number}")).await;
        let mut stream = user.connect();
        let (bytes, _) = user.bytes("GET", "/v1/stream", "stream", &Value::Null);
        stream.write_all(&bytes).unwrap();
        let mut head = [0; 12];
        stream = tokio::task::spawn_blocking(move || {
            stream.read_exact(&mut head).unwrap();
            assert_eq!(&head, b"HTTP/1.1 200");
            stream
        })
        .await
        .unwrap();
        streams.push(stream);
    }
    for _ in 0..STREAMS {
        let (status, told) = house.call("GET", "/v1/tasks", &Value::Null).await;
        assert_eq!(status, 200, "{told}");
    }
    drop(streams);
    house.stop().await;
}
