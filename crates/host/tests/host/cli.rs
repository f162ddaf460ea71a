//! The binary: what it prints, keeps and returns.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{PROBE, manifest};

const APP: &str = r#"
[variables]
bootstrap_token = { default = "", secret = true }
redis_url = { default = "redis://127.0.0.1:6379" }
plain = { default = "default" }
"#;

/// A running `perennial up`.
pub struct Up {
    process: Child,
    banner: String,
}

impl Up {
    /// The command for the probe.
    pub fn command(folder: &Path) -> Command {
        let body = format!(
            "{APP}{PROBE}variables = {{ plain = \"{{{{ plain }}}}\", token = \"{{{{ bootstrap_token }}}}\" }}\n"
        );
        Self::command_of(folder, &body)
    }

    /// The command for another application.
    pub fn command_of(folder: &Path, body: &str) -> Command {
        std::fs::write(folder.join("spin.toml"), manifest(body)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
        command.args(["up", "--listen", "127.0.0.1:0", "--state-dir", "state"]).current_dir(folder);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it and reads the banner.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("Started:") {
            if lines.read_line(&mut banner).unwrap() == 0 {
                let mut error = String::new();
                process.stderr.take().unwrap().read_to_string(&mut error).unwrap();
                panic!("it did not start: {banner}{error}");
            }
        }
        Self { process, banner }
    }

    fn line(&self, start: &str) -> &str {
        let lines = self.banner.lines().find_map(|line| line.trim_start().strip_prefix(start));
        lines.unwrap_or_else(|| panic!("no {start:?} in {}", self.banner)).trim()
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, "")
    }

    pub fn post(&self, path: &str, body: &str) -> Value {
        self.send("POST", path, body)
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Value {
        use std::io::Write;
        let address = self.line("Serving").strip_prefix("http://").unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        write!(stream, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (start, end) = (answer.find('{').unwrap(), answer.rfind('}').unwrap());
        serde_json::from_str(&answer[start..=end]).unwrap()
    }

    /// Sends a signal and waits for the end.
    pub fn stop(&mut self, signal: &str) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let killed = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(killed.success());
        (self.process.wait().unwrap(), began.elapsed())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn it_prints_where_everything_is_and_keeps_it_private() {
    let folder = TempDir::new().unwrap();
    let mut up = Up::start(&mut Up::command(folder.path()));
    let state = folder.path().join("state");
    let token = std::fs::read_to_string(state.join("token")).unwrap();
    assert!(token.starts_with("prn_") && token.len() == 68, "{token}");
    assert!(up.line("Token:").starts_with(&token));
    assert!(up.line("Data:").ends_with("/state"));
    assert!(up.line("Bus:").starts_with("in-process"));
    assert!(up.line("Started:").contains("1 wasm file compiled"));
    assert!(up.banner.contains("probe: http://127.0.0.1:"));
    assert_eq!(up.get("/variable?token")["value"], token);
    assert_eq!((mode(&state), mode(&state.join("token"))), (0o700, 0o600));
    for entry in std::fs::read_dir(state.join("cache")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    let (status, _) = up.stop("-TERM");
    assert!(status.success());

    // The second start finds the token and the compiled code.
    let mut up = Up::start(&mut Up::command(folder.path()));
    assert!(up.line("Token:").starts_with(&token));
    assert!(up.line("Started:").contains("from the cache"), "{}", up.banner);
    assert!(up.stop("-INT").0.success());

    // A damaged file is compiled again.
    for entry in std::fs::read_dir(state.join("cache")).unwrap() {
        std::fs::write(entry.unwrap().path(), b"not code").unwrap();
    }
    let up = Up::start(&mut Up::command(folder.path()));
    assert!(up.line("Started:").contains("1 wasm file compiled"));
    assert_eq!(up.get("/seen")["seen"], 1);
}

#[test]
fn a_token_that_is_given_is_neither_made_nor_shown() {
    let folder = TempDir::new().unwrap();
    let up = Up::start(Up::command(folder.path()).args(["--variable", "bootstrap_token=mine"]));
    assert!(!up.banner.contains("Token") && !up.banner.contains("mine"));
    assert!(!folder.path().join("state/token").exists());
    assert_eq!(up.get("/variable?token")["value"], "mine");
}

#[test]
fn the_environment_gives_variables_and_a_flag_beats_it() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(".env"), "SPIN_VARIABLE_PLAIN=dotenv\n").unwrap();
    let up = Up::start(&mut Up::command(folder.path()));
    assert_eq!(up.get("/variable?plain")["value"], "dotenv");
    drop(up);
    let up = Up::start(Up::command(folder.path()).env("SPIN_VARIABLE_PLAIN", "environment"));
    assert_eq!(up.get("/variable?plain")["value"], "environment");
    drop(up);
    std::fs::write(folder.path().join("plain.txt"), "from a file").unwrap();
    let flags = ["--variable", "plain=@plain.txt"];
    let up = Up::start(Up::command(folder.path()).env("SPIN_VARIABLE_PLAIN", "environment").args(flags));
    assert_eq!(up.get("/variable?plain")["value"], "from a file");
    drop(up);
    // A `redis_url` that somebody gives means a real Redis, even if it is the default's text.
    let up = Up::start(Up::command(folder.path()).env("SPIN_VARIABLE_REDIS_URL", "redis://127.0.0.1:6379"));
    assert!(up.line("Bus:").starts_with("Redis"));
}

#[test]
fn a_signal_ends_it_promptly_even_with_a_guest_at_work() {
    let folder = TempDir::new().unwrap();
    let mut up = Up::start(&mut Up::command(folder.path()));
    let address = up.line("Serving").strip_prefix("http://").unwrap().to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /sleep?60000 HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    up.get("/seen");
    let (status, took) = up.stop("-TERM");
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn what_a_guest_prints_is_kept_and_echoed() {
    let folder = TempDir::new().unwrap();
    let mut up = Up::start(&mut Up::command(folder.path()));
    up.get("/print?hello");
    up.stop("-TERM");
    let mut echoed = String::new();
    up.process.stderr.take().unwrap().read_to_string(&mut echoed).unwrap();
    assert!(
        echoed.contains("[probe] to stdout: hello\n") && echoed.contains("[probe] to stderr: hello\n"),
        "{echoed}"
    );
    let log = |name: &str| std::fs::read_to_string(folder.path().join("state/logs").join(name)).unwrap();
    assert_eq!(log("probe_stdout.txt"), "to stdout: hello\n");
    assert_eq!(log("probe_stderr.txt"), "to stderr: hello\n");
    let mut up = Up::start(Up::command(folder.path()).arg("--quiet"));
    up.get("/print?again");
    up.stop("-TERM");
    let mut echoed = String::new();
    up.process.stderr.take().unwrap().read_to_string(&mut echoed).unwrap();
    assert!(!echoed.contains("again"), "{echoed}");
}

#[test]
fn what_is_wrong_is_told_on_one_line_with_exit_code_1() {
    let folder = TempDir::new().unwrap();
    let output = Up::command(folder.path()).args(["--variable", "nope=1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("Error: --variable nope"), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
    let output = command.args(["up", "--listen", &address]).current_dir(folder.path()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("cannot listen on {address}")), "{error}");
}

#[test]
fn a_database_that_cannot_be_used_is_told_to_the_operator() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("state")).unwrap();
    std::fs::write(folder.path().join("state/sqlite_db.db"), "no database ".repeat(1000)).unwrap();
    let mut up = Up::start(&mut Up::command(folder.path()));
    let reply = up.post("/sql", r#"{"statements": [["SELECT \"secret\" FROM sqlite_schema"]]}"#);
    assert!(reply.to_string().contains("file is not a database"), "{reply}");
    up.stop("-TERM");
    let mut log = String::new();
    up.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("cannot be read or written")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("WARN") && lines[0].contains("probe") && !log.contains("secret"), "{log}");
}

#[test]
fn a_second_host_on_one_state_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let _first = Up::start(&mut Up::command(folder.path()));
    let output = Up::command(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("component \"probe\" already runs on the state folder"), "{error}");
}

#[test]
fn a_store_that_was_put_back_goes_on_as_another_history() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("state");
    let restored = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
        let output = command.arg("restored").arg("--state-dir").arg(&state).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, _, error) = restored();
    assert!(code == Some(1) && error.contains("there is no store at"), "{error}");
    assert!(!state.exists(), "none is made");

    let mut up = Up::start(&mut Up::command(folder.path()));
    up.post("/sql", r#"{"statements": [["CREATE TABLE other (id TEXT)"]]}"#);
    let (code, _, error) = restored();
    assert!(code == Some(1) && error.contains("already runs on the state folder"), "{error}");
    up.stop("-TERM");
    let (code, _, error) = restored();
    assert!(code == Some(1) && error.contains("it has no epoch yet"), "{error}");

    let store = || rusqlite::Connection::open(state.join("sqlite_db.db")).unwrap();
    let table = "CREATE TABLE epoch (only INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT; INSERT INTO epoch VALUES (1, '0123456789abcdef')";
    store().execute_batch(table).unwrap();
    let mut before = "0123456789abcdef".to_owned();
    for _ in 0..2 {
        let (code, told, error) = restored();
        assert_eq!(code, Some(0), "{error}");
        let after: String = store().query_row("SELECT id FROM epoch", [], |row| row.get(0)).unwrap();
        assert_eq!(told, format!("Epoch: {after} (before: {before})\n"));
        assert!(after != before && after.len() == 16, "{after}");
        before = after;
    }
    // Some ways of copying a database change its journal to one under which readers wait for writers.
    let journal: String = store().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(journal, "wal");
}
