//! A real Redis, where there is one.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::service::repository;
use crate::wait::until;

/// How long it may take to start.
const READY: Duration = Duration::from_secs(20);

/// A Redis of our own on a free port, without persistence. It is killed when this is dropped.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    server: PathBuf,
    port: u16,
    folder: TempDir,
}

impl Redis {
    /// Starts a Redis. `None` where the machine has none, after saying so; a failure where `CI` is set.
    pub fn start() -> Option<Self> {
        let server = redis_server()?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let redis = Self { child: launch(&server, port, &folder), server, port, folder };
        until("Redis answers PING", READY, || redis.ping());
        Some(redis)
    }

    /// Kills it; who comes is refused.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was, empty.
    pub fn start_again(&mut self) {
        self.child = launch(&self.server, self.port, &self.folder);
        until("Redis answers PING again", READY, || self.ping());
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGSTOP: it takes connections and answers nothing any more.
    pub fn hang(&self) {
        let stopped = Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status().unwrap();
        assert!(stopped.success(), "kill -STOP ended with {stopped}");
    }

    /// SIGCONT: it goes on.
    pub fn go_on(&self) {
        let woken = Command::new("kill").args(["-CONT", &self.child.id().to_string()]).status().unwrap();
        assert!(woken.success(), "kill -CONT ended with {woken}");
    }

    fn ping(&self) -> Option<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(b"PING\r\n").ok()?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).ok()?;
        (&answer == b"+PONG").then_some(())
    }
}

fn launch(server: &Path, port: u16, folder: &TempDir) -> Child {
    Command::new(server)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `REDIS_SERVER`, else one on the PATH, else the one that `make redis` unpacked. `None` where there is none, after saying so; a failure
/// where `CI` is set.
pub fn redis_server() -> Option<PathBuf> {
    let named = std::env::var_os("REDIS_SERVER").map(PathBuf::from);
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join("redis-server"));
    let unpacked = repository().join(".cache/redis/redis-server");
    let server = named.into_iter().chain(installed).chain([unpacked]).find(|file| file.is_file());
    if server.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no redis-server: run `make redis`");
        eprintln!("SKIPPED: no redis-server here; `make redis` gets one");
    }
    server
}
