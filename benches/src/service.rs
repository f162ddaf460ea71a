//! The service as its users have it: the release binary in a process of its own, on a state of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::{Method, StatusCode};
use perennial_domain::UserId;
use perennial_tests::{Client, until};
use serde_json::{Value, json};

use crate::settings::repository;

/// The first start on a machine compiles the components.
const READY: Duration = Duration::from_secs(180);

/// Whether the service's clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// As `make up` runs it: every second.
    Runs,
    /// Only POST /internal/sweep does what is due.
    Stands,
}

/// A running service. It is killed when this is dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    state_dir: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
}

/// A user of the service.
#[derive(Debug, Clone)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their token.
    pub token: String,
}

impl Service {
    /// Starts the service on a state directory and waits until it is ready.
    pub fn start(state_dir: &Path, clock: Clock) -> Self {
        Self::with(state_dir, clock, &[])
    }

    /// The same with variables of its own.
    pub fn with(state_dir: &Path, clock: Clock, variables: &[(&str, String)]) -> Self {
        let output = state_dir.with_extension("output");
        let log = File::create(&output).unwrap();
        let binary = repository().join("target/release/perennial");
        let mut command = Command::new(&binary);
        command.arg("up").arg("-f").arg(repository().join("spin.toml"));
        command.args(["--listen", "127.0.0.1:0", "--quiet"]);
        command.args(["--variable", "webhook_http_origin=http://127.0.0.1:*"]);
        for (name, value) in variables {
            command.args(["--variable", &format!("{name}={value}")]);
        }
        command.arg("--state-dir").arg(state_dir);
        command.arg("--cache-dir").arg(repository().join("target/compiled"));
        if clock == Clock::Stands {
            command.args(["-c", "task-api", "-c", "recurrence-scheduler", "-c", "notifier", "-c", "mcp"]);
            command.args(["--variable", "bus=local"]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `make build` makes it", binary.display()));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut service = Self { child, state_dir: state_dir.to_owned(), address: nowhere };
        service.address = until("the service says where it listens", READY, || {
            let printed = fs::read_to_string(&output).unwrap_or_default();
            if let Some(status) = service.child.try_wait().unwrap() {
                panic!("the service ended with {status}:\n{printed}");
            }
            address(&printed)
        });
        until("the service is ready", READY, || {
            let answer = service.client(None).call(Method::GET, "/readyz").send().ok()?;
            (answer.status == StatusCode::OK).then_some(())
        });
        service
    }

    /// A client with a token or without one.
    pub fn client(&self, token: Option<&str>) -> Client {
        Client::new(format!("http://{}", self.address), token)
    }

    /// A new user.
    pub fn user(&self, name: &str) -> User {
        let token = self.token();
        let owner = self.client(Some(&token));
        let user: Value = owner
            .post("/v1/users")
            .json(&json!({ "name": name, "tz": "UTC" }))
            .answer()
            .ok(StatusCode::CREATED);
        let asked = json!({ "user": user["id"], "name": "benchmark" });
        let token: Value = owner.post("/v1/tokens").json(&asked).answer().ok(StatusCode::CREATED);
        User {
            id: UserId::new(user["id"].as_str().unwrap()),
            token: token["secret"].as_str().unwrap().to_owned(),
        }
    }

    /// The first token, which is the clock's too.
    pub fn token(&self) -> String {
        fs::read_to_string(self.state_dir.join("token")).unwrap().trim().to_owned()
    }

    /// Its SQLite file.
    pub fn database(&self) -> PathBuf {
        self.state_dir.join("sqlite_db.db")
    }

    /// Memory of its process, in MiB: now, and at most so far.
    pub fn memory(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mebibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1_024.0
        };
        (mebibytes("VmRSS:"), mebibytes("VmHWM:"))
    }

    /// Waits until what earlier requests set in motion is done: until it computes for less than a tenth of the time, or
    /// for three seconds.
    pub fn calm(&self) {
        const LOOK: Duration = Duration::from_millis(200);
        for _ in 0..15 {
            let before = self.computed();
            std::thread::sleep(LOOK);
            if self.computed() - before <= 2 {
                return;
            }
        }
    }

    /// Hundredths of a second that its process has computed.
    fn computed(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, after_name) = stat.rsplit_once(") ").unwrap();
        after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let printed = fs::read_to_string(self.state_dir.with_extension("output")).unwrap_or_default();
            eprintln!("--- what the service printed ---\n{printed}");
        }
    }
}

/// The first address on this machine in what was printed, once its line is complete.
fn address(printed: &str) -> Option<SocketAddr> {
    let (line, _) = printed.get(printed.find("127.0.0.1:")?..)?.split_once('\n')?;
    let end = line.find(|sign: char| !sign.is_ascii_digit() && !".:".contains(sign)).unwrap_or(line.len());
    line[..end].parse().ok()
}
