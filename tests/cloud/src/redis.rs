//! The Redis that is the sidecars' state store.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use perennial_tests::{redis_server, until};

use crate::{Process, ports};

/// How long it may take to start on a busy machine.
const READY: Duration = Duration::from_secs(20);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running Redis, without persistence.
#[derive(Debug)]
pub struct Redis {
    /// The server.
    pub process: Process,
    port: u16,
}

impl Redis {
    /// Starts one; `None` where the machine has none.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let server = redis_server()?;
        let [port] = ports::free();
        let mut process = Process::new("redis", server, folder).args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
            &port.to_string(),
        ]);
        process.start();
        let mut redis = Self { process, port };
        redis.wait_until_ready();
        Some(redis)
    }

    /// Waits until it answers.
    pub fn wait_until_ready(&mut self) {
        until("Redis answers", READY, || {
            self.process.must_run();
            (self.ask("PING")? == ["PONG"]).then_some(())
        });
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Says a command, in words with blanks between; gives the lines or items of the answer.
    pub fn ask(&self, command: &str) -> Option<Vec<String>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        answer(&mut BufReader::new(stream))
    }

    /// SIGSTOP: it takes connections and answers nothing any more.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT: it goes on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().unwrap().to_string();
        let told = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(told.success(), "kill {signal} ended with {told}");
    }

    /// How many keys were looked up and found since it was started.
    pub fn hits(&self) -> usize {
        let statistics = self.ask("INFO stats").unwrap_or_default().concat();
        let hits = statistics.lines().find_map(|line| line.strip_prefix("keyspace_hits:"));
        hits.and_then(|hits| hits.trim().parse().ok()).unwrap_or_default()
    }
}

/// An answer in Redis' protocol (RESP 2).
fn answer(from: &mut impl BufRead) -> Option<Vec<String>> {
    let mut line = String::new();
    from.read_line(&mut line).ok()?;
    let (kind, rest) = line.trim_end().split_at_checked(1)?;
    match kind {
        "+" | "-" | ":" => Some(vec![rest.to_owned()]),
        "$" => {
            let mut text = vec![0; rest.parse::<usize>().ok()? + 2];
            from.read_exact(&mut text).ok()?;
            text.truncate(text.len() - 2);
            Some(vec![String::from_utf8(text).ok()?])
        }
        "*" => {
            let items = (0..rest.parse::<usize>().ok()?).map(|_| answer(from)).collect::<Option<Vec<_>>>()?;
            Some(items.concat())
        }
        _ => None,
    }
}
