//! Redis commands and HTTP requests told by JSON.

use serde_json::{Value, json};
use spin_sdk::http::{ErrorCode, Method, Request, Response, SendError};
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

/// `{"address": "redis://…", "commands": [["publish", "channel", "text"], ["get", "key"]]}`
pub fn redis(script: &Value) -> Value {
    let connection = match Connection::open(script["address"].as_str().unwrap_or_default()) {
        Ok(connection) => connection,
        Err(error) => return json!({ "error": describe(&error) }),
    };
    let commands = script["commands"].as_array().cloned().unwrap_or_default();
    let results = commands.iter().map(|command| {
        let words: Vec<String> = command
            .as_array()
            .into_iter()
            .flatten()
            .map(|w| w.as_str().unwrap_or_default().to_owned())
            .collect();
        match one(&connection, &words) {
            Ok(value) => value,
            Err(error) => json!({ "error": describe(&error) }),
        }
    });
    json!({ "results": results.collect::<Vec<_>>() })
}

fn one(connection: &Connection, words: &[String]) -> Result<Value, Error> {
    let word = |n: usize| words.get(n).cloned().unwrap_or_default();
    let rest = words.get(2..).unwrap_or_default().to_vec();
    match word(0).as_str() {
        "publish" => connection.publish(&word(1), &word(2).into_bytes()).map(|()| json!("ok")),
        "get" => connection
            .get(&word(1))
            .map(|value| json!(value.map(|v| String::from_utf8_lossy(&v).into_owned()))),
        "set" => connection.set(&word(1), &word(2).into_bytes()).map(|()| json!("ok")),
        "incr" => connection.incr(&word(1)).map(|value| json!(value)),
        "del" => connection.del(words.get(1..).unwrap_or_default()).map(|value| json!(value)),
        "sadd" => connection.sadd(&word(1), &rest).map(|value| json!(value)),
        "smembers" => connection.smembers(&word(1)).map(|value| json!(value)),
        "srem" => connection.srem(&word(1), &rest).map(|value| json!(value)),
        command => {
            let arguments: Vec<RedisParameter> =
                words.iter().skip(1).map(|word| RedisParameter::Binary(word.clone().into_bytes())).collect();
            let results = connection.execute(command, &arguments)?;
            Ok(json!(results.into_iter().map(told).collect::<Vec<_>>()))
        }
    }
}

fn told(result: RedisResult) -> Value {
    match result {
        RedisResult::Nil => Value::Null,
        RedisResult::Status(status) => json!({ "status": status }),
        RedisResult::Int64(integer) => json!(integer),
        RedisResult::Binary(bytes) => json!(String::from_utf8_lossy(&bytes)),
    }
}

fn describe(error: &Error) -> String {
    match error {
        Error::InvalidAddress => "invalid-address".into(),
        Error::TooManyConnections => "too-many-connections".into(),
        Error::TypeError => "type-error".into(),
        Error::Other(text) => format!("other: {text}"),
    }
}

/// `{"url": "…", "method": "POST", "body": "…"}`
pub async fn fetch(script: &Value) -> Value {
    let method = match script["method"].as_str() {
        Some("POST") => Method::Post,
        _ => Method::Get,
    };
    let mut request = Request::builder();
    request.method(method).uri(script["url"].as_str().unwrap_or_default());
    if let Some(body) = script["body"].as_str() {
        request.body(body.to_owned());
    }
    match spin_sdk::http::send::<_, Response>(request.build()).await {
        Ok(response) => json!({
            "status": response.status(),
            "body": String::from_utf8_lossy(response.body()),
            "location": response.header("location").and_then(|value| value.as_str()),
        }),
        Err(SendError::Http(code)) => json!({ "error": name(&code) }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn name(code: &ErrorCode) -> String {
    format!("{code:?}")
}
