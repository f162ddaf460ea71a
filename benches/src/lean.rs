//! An HTTP/1.1 connection that is kept and does no more than it must: client and service share the cores.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that carries one request after the other.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// The answer as far as it was read.
    answer: Vec<u8>,
}

/// What is known of an answer from what was read of it.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// More must be read.
    Unfinished,
    /// It ends at this byte.
    Whole(usize),
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(128 * 1024) })
    }

    /// Sends a whole request and reads the whole answer; gives its status.
    ///
    /// # Errors
    /// When the connection ends before the answer does, or more comes than one answer.
    pub async fn call(&mut self, request: &[u8]) -> Result<u16> {
        self.answer.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Progress::Whole(end) = progress(&self.answer)? {
                if end != self.answer.len() {
                    return Err(Error::other("more than one answer to one request"));
                }
                return status(&self.answer);
            }
        }
    }

    /// The last answer's body, chunks and all.
    pub fn body(&self) -> &[u8] {
        let head = head_end(&self.answer).unwrap_or(self.answer.len());
        &self.answer[head..]
    }
}

fn progress(answer: &[u8]) -> Result<Progress> {
    let Some(body) = head_end(answer) else { return Ok(Progress::Unfinished) };
    let head = std::str::from_utf8(&answer[..body]).map_err(Error::other)?;
    if let Some(length) = header(head, "content-length") {
        let end = body + length.parse::<usize>().map_err(Error::other)?;
        return Ok(if answer.len() < end { Progress::Unfinished } else { Progress::Whole(end) });
    }
    if header(head, "transfer-encoding").is_some() {
        return chunks(answer, body);
    }
    Ok(Progress::Whole(body))
}

/// Follows the chunks of a body (RFC 9112 §7.1) from `at` on. Trailers are not expected.
fn chunks(answer: &[u8], mut at: usize) -> Result<Progress> {
    loop {
        let Some(line) = find(answer.get(at..).unwrap_or_default(), b"\r\n") else {
            return Ok(Progress::Unfinished);
        };
        let size = std::str::from_utf8(&answer[at..at + line]).map_err(Error::other)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(Error::other)?;
        at += line + 2 + size + 2;
        if answer.len() < at {
            return Ok(Progress::Unfinished);
        }
        if size == 0 {
            return Ok(Progress::Whole(at));
        }
    }
}

fn head_end(answer: &[u8]) -> Option<usize> {
    find(answer, b"\r\n\r\n").map(|at| at + 4)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn status(answer: &[u8]) -> Result<u16> {
    let text = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    text.and_then(|digits| digits.parse().ok()).ok_or_else(|| Error::other("no HTTP/1.1 answer"))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every beginning of an answer is unfinished, and the whole is whole.
    fn ends_where_it_ends(answer: &str) {
        for length in 0..answer.len() {
            assert_eq!(progress(&answer.as_bytes()[..length]).unwrap(), Progress::Unfinished, "{length}");
        }
        assert_eq!(progress(answer.as_bytes()).unwrap(), Progress::Whole(answer.len()));
    }

    #[test]
    fn an_answer_of_a_known_length_ends_there() {
        ends_where_it_ends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }

    #[test]
    fn an_answer_in_chunks_ends_with_the_empty_one() {
        ends_where_it_ends(
            "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
        );
    }

    #[test]
    fn an_answer_without_a_body_ends_with_its_head() {
        ends_where_it_ends("HTTP/1.1 204 No Content\r\ndate: today\r\n\r\n");
    }

    #[test]
    fn the_status_is_read() {
        assert_eq!(status(b"HTTP/1.1 401 Unauthorized\r\n\r\n").unwrap(), 401);
        assert!(status(b"HTTP/1.1").is_err());
    }
}
