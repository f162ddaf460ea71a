//! Who sends requests.

use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use ureq::Agent;

/// Somebody with a token.
#[derive(Debug, Clone)]
pub struct User {
    /// Their id.
    pub id: String,
    pub(crate) token: String,
    pub(crate) address: SocketAddr,
    pub(crate) agent: Agent,
}

impl User {
    /// A request under a key; gives status and document (null where there is none).
    pub async fn keyed(&self, method: &str, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let mut request =
            http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in self.headers(key) {
            request = request.header(name, value);
        }
        let request = request.body(text(body)).unwrap();
        let agent = self.agent.clone();
        let (what, key) = (format!("{method} {path}"), key.to_owned());
        tokio::task::spawn_blocking(move || {
            let answer = agent.run(request).and_then(|mut answer| {
                let status = answer.status().as_u16();
                Ok((status, answer.body_mut().read_to_string()?))
            });
            let (status, text) = answer.unwrap_or_else(|error| panic!("{what} ({key}): {error}"));
            (status, serde_json::from_str(&text).unwrap_or_default())
        })
        .await
        .unwrap()
    }

    /// The bytes of such a request, and how many of them are its head.
    pub fn bytes(&self, method: &str, path: &str, key: &str, body: &Value) -> (Vec<u8>, usize) {
        let body = text(body);
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in self.headers(key) {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n", body.len());
        let head = request.len();
        ((request + body.as_str()).into_bytes(), head)
    }

    /// A connection with the service.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// What the user authenticates with: a value of `Authorization`.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn headers(&self, key: &str) -> [(&'static str, String); 4] {
        [
            ("authorization", self.authorization()),
            // The doors of callbacks ask for this one.
            ("dapr-api-token", self.token.clone()),
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", key.to_owned()),
        ]
    }
}

fn text(body: &Value) -> String {
    if body.is_null() { String::new() } else { body.to_string() }
}
