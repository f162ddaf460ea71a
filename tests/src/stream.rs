//! A client of `GET /v1/stream`: Server-Sent Events over HTTP/1.1, read as they come.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// An open stream.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    /// The status of its answer.
    pub status: u16,
    /// The head of its answer, in lower case.
    pub head: String,
    /// What has come and is not taken from its chunks.
    raw: Vec<u8>,
    /// What is taken from them, and not read.
    text: Vec<u8>,
    ended: bool,
}

/// Something of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// An event.
    Event {
        /// Where it is.
        id: String,
        /// Its type.
        event: String,
        /// Its data.
        data: Value,
    },
    /// A comment.
    Comment(String),
    /// How long to wait before coming back, in milliseconds.
    Retry(u64),
}

impl Stream {
    /// Asks for a stream at `address` (`host:port`); an error where there is no answer.
    pub fn open(address: &str, token: &str, query: &str, headers: &[(&str, &str)]) -> std::io::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "GET /v1/stream{query} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{headers}\r\n"
        );
        socket.write_all(request.as_bytes())?;
        let (raw, text) = (Vec::new(), Vec::new());
        let mut stream = Self { socket, status: 0, head: String::new(), raw, text, ended: false };
        let deadline = Instant::now() + Duration::from_secs(30);
        let end = loop {
            if let Some(at) = find(&stream.raw, b"\r\n\r\n") {
                break at + 4;
            }
            if !stream.receive(deadline)? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        };
        stream.head = String::from_utf8_lossy(&stream.raw[..end]).to_lowercase();
        stream.raw.drain(..end);
        stream.status = stream.head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        Ok(stream)
    }

    /// The next thing that is told before the deadline. `None` at the end of the stream; an error where the connection breaks, and
    /// [`ErrorKind::TimedOut`] where nothing comes.
    pub fn next(&mut self, deadline: Instant) -> std::io::Result<Option<Told>> {
        loop {
            if let Some(end) = find(&self.text, b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                return Ok(Some(told(&String::from_utf8_lossy(&block))));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.unpack() && !self.receive(deadline)? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The next event, whatever else is told meanwhile.
    ///
    /// # Panics
    /// When none comes within `limit`.
    pub fn event(&mut self, limit: Duration) -> (String, String, Value) {
        let deadline = Instant::now() + limit;
        loop {
            match self.next(deadline).unwrap_or_else(|error| panic!("no event: {error}")) {
                Some(Told::Event { id, event, data }) => return (id, event, data),
                Some(_) => {}
                None => panic!("the stream ended, and no event came"),
            }
        }
    }

    /// Everything that is told from now on until the stream ends or breaks, or nothing comes any more.
    pub fn rest(&mut self, limit: Duration) -> Vec<Told> {
        let deadline = Instant::now() + limit;
        std::iter::from_fn(|| self.next(deadline).ok().flatten()).collect()
    }

    /// Whether it has come to its end, as one that is whole.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Reads what there is; `false` at the end of the connection.
    fn receive(&mut self, deadline: Instant) -> std::io::Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        let mut bytes = [0; 16 * 1024];
        match self.socket.read(&mut bytes) {
            Ok(read) => {
                self.raw.extend_from_slice(&bytes[..read]);
                Ok(read > 0)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(ErrorKind::TimedOut.into()),
            Err(error) => Err(error),
        }
    }

    /// Takes the next chunk (RFC 9112 §7.1), if all of it is there.
    fn unpack(&mut self) -> bool {
        let Some(line) = find(&self.raw, b"\r\n") else { return false };
        let size = std::str::from_utf8(&self.raw[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("no chunk: {size:?}"));
        let (from, to) = (line + 2, line + 2 + size);
        if self.raw.len() < to + 2 {
            return false;
        }
        self.text.extend_from_slice(&self.raw[from..to]);
        self.raw.drain(..to + 2);
        self.ended = size == 0;
        true
    }
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

/// One block of a stream. Ours have one line of data.
fn told(block: &str) -> Told {
    let field = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name} in {block:?}"))
    };
    if let Some(words) = block.strip_prefix(": ") {
        return Told::Comment(words.trim().to_owned());
    }
    if block.starts_with("retry") {
        return Told::Retry(field("retry").parse().unwrap());
    }
    Told::Event {
        id: field("id").to_owned(),
        event: field("event").to_owned(),
        data: serde_json::from_str(field("data")).unwrap(),
    }
}
