//! What guests write to stdout and stderr: to a file per component, and to the host's stderr line by line.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use crate::repeats::{Repeats, kind};

/// A line is cut here, so that a guest cannot fill the host's memory with one.
const LINE_LIMIT: usize = 16 * 1024;

/// How much of a line that is no event tells its kind, in bytes.
const BEGINNING: usize = 40;

/// The two logs of one component.
pub(crate) struct Logs {
    stdout: Arc<Log>,
    stderr: Arc<Log>,
}

struct Log {
    component: String,
    file: File,
    echo: bool,
    /// For what goes wrong again and again; what a guest prints is written as it is.
    repeats: Option<Repeats>,
}

impl Logs {
    pub fn open(directory: &Path, component: &str, echo: bool) -> anyhow::Result<Self> {
        let open = |name: &str, repeats: Option<Repeats>| {
            let path = directory.join(format!("{component}_{name}.txt"));
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
            let file = file.with_context(|| format!("cannot open the log {}", path.display()))?;
            anyhow::Ok(Arc::new(Log { component: component.to_owned(), file, echo, repeats }))
        };
        Ok(Self { stdout: open("stdout", None)?, stderr: open("stderr", Some(Repeats::default()))? })
    }

    /// Tells how many lines were left out, if it is time.
    pub fn tell(&self, now: Instant) {
        for (count, line) in self.stderr.repeats.iter().flat_map(|repeats| repeats.left_out(now)) {
            let told =
                json!({ "level": "warn", "message": "lines like the next were left out", "count": count });
            self.stderr.write(told.to_string().as_bytes());
            self.stderr.write(&line);
        }
    }

    pub fn stdout(&self) -> GuestOutput {
        GuestOutput::new(&self.stdout)
    }

    pub fn stderr(&self) -> GuestOutput {
        GuestOutput::new(&self.stderr)
    }
}

/// One output of one guest. Its streams share one line buffer.
#[derive(Clone)]
pub(crate) struct GuestOutput(Arc<Lines>);

struct Lines {
    log: Arc<Log>,
    partial: Mutex<Vec<u8>>,
}

impl GuestOutput {
    fn new(log: &Arc<Log>) -> Self {
        Self(Arc::new(Lines { log: log.clone(), partial: Mutex::default() }))
    }
}

impl Lines {
    fn write(&self, bytes: &[u8]) {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            partial.extend_from_slice(piece);
            if partial.ends_with(b"\n") || partial.len() >= LINE_LIMIT {
                self.log.line(&partial);
                partial.clear();
            }
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let partial = self.partial.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !partial.is_empty() {
            self.log.line(partial);
        }
    }
}

impl Log {
    /// Writes one line, unless it comes again and again.
    fn line(&self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if self.repeats.as_ref().is_none_or(|repeats| repeats.may_write(kind_of(line), line, Instant::now()))
        {
            self.write(line);
        }
    }

    /// A full disk must not stop the guest: the line is lost then.
    fn write(&self, line: &[u8]) {
        let mut whole = Vec::with_capacity(line.len().saturating_add(1));
        whole.extend_from_slice(line);
        whole.push(b'\n');
        let _ = (&self.file).write_all(&whole);
        if self.echo {
            let mut echoed = format!("[{}] ", self.component).into_bytes();
            echoed.extend_from_slice(&whole);
            let _ = io::stderr().lock().write_all(&echoed);
        }
    }
}

/// Lines of our components are JSON with a fixed message; of others, those that begin alike are one kind.
fn kind_of(line: &[u8]) -> u64 {
    #[derive(Deserialize)]
    struct Event<'a> {
        message: &'a str,
        #[serde(default)]
        route: &'a str,
    }
    match serde_json::from_slice::<Event<'_>>(line) {
        Ok(event) => kind((event.message, event.route)),
        Err(_) => kind(line.get(..BEGINNING).unwrap_or(line)),
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
