//! The service as its users have it: the release binary in a process of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use http::{Method, StatusCode};
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::database::{Database, Seed};
use crate::wait::until;

/// The first start on a machine compiles the components.
const READY: Duration = Duration::from_secs(180);

/// How a service is to run.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The state directory; a fresh one, removed afterwards, where there is none.
    pub state_dir: Option<PathBuf>,
    /// `--variable`, beside the one that lets webhooks go to this machine.
    pub variables: Vec<(&'static str, String)>,
    /// `-c`: the components to keep; all where it is empty.
    pub components: Vec<&'static str>,
    /// The port to listen on; a free one where it is 0.
    pub port: u16,
    /// Variables of its environment, beside those of the tests.
    pub environment: Vec<(&'static str, String)>,
    /// Which build it is.
    pub build: Build,
}

/// A build of the service: the binary and the components of one state of the repository.
#[derive(Debug, Clone)]
pub struct Build {
    repository: PathBuf,
    binary: PathBuf,
}

impl Default for Build {
    /// The one under test.
    fn default() -> Self {
        Self { repository: repository().to_owned(), binary: binary() }
    }
}

impl Build {
    /// One that was made in another copy of the repository.
    pub fn at(repository: &Path) -> Self {
        Self { repository: repository.to_owned(), binary: repository.join("target/release/perennial") }
    }

    /// Its binary, to be given a command.
    pub fn perennial(&self) -> Command {
        Command::new(&self.binary)
    }
}

/// A running service. It is killed when this is dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    base: String,
    state_dir: PathBuf,
    output: PathBuf,
    _temporary: Option<TempDir>,
}

impl Service {
    /// Starts a service with a state of its own and waits until it is ready.
    pub fn start() -> Self {
        Self::with(Setup::default())
    }

    /// Starts a service and waits until it is ready.
    pub fn with(setup: Setup) -> Self {
        let mut service = Self::spawn(setup);
        service.wait_until_ready();
        service
    }

    /// Starts a service and does not wait.
    pub fn spawn(setup: Setup) -> Self {
        let (state_dir, temporary) = match setup.state_dir {
            Some(folder) => (folder, None),
            None => {
                let folder = tempfile::tempdir().unwrap();
                (folder.path().join("state"), Some(folder))
            }
        };
        let output = state_dir.with_extension("output");
        let log = File::create(&output).unwrap();
        let mut command = setup.build.perennial();
        command.arg("up").arg("-f").arg(setup.build.repository.join("spin.toml"));
        command.args(["--listen", &format!("127.0.0.1:{}", setup.port)]);
        command.args(["--variable", "webhook_http_origin=http://127.0.0.1:*"]);
        command.envs(setup.environment);
        command.arg("--state-dir").arg(&state_dir);
        command.arg("--cache-dir").arg(setup.build.repository.join("target/compiled"));
        for (name, value) in &setup.variables {
            command.args(["--variable", &format!("{name}={value}")]);
        }
        for component in &setup.components {
            command.args(["-c", component]);
        }
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap_or_else(
                |error| panic!("{}: {error}; `make test-e2e` builds it", setup.build.binary.display()),
            );
        Self { child, base: String::new(), state_dir, output, _temporary: temporary }
    }

    /// Waits until the store answers.
    pub fn wait_until_ready(&mut self) {
        self.base = until("the service says where it listens", READY, || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the service ended with {status}:\n{}", self.output());
            }
            address(&self.output())
        });
        let anyone = self.anyone();
        until("the service is ready", READY, || {
            let answer = anyone.call(Method::GET, "/readyz").send().ok()?;
            (answer.status == StatusCode::OK).then_some(())
        });
    }

    /// A client without a token.
    pub fn anyone(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The owner: the client with the token in the state directory.
    pub fn owner(&self) -> Client {
        Client::new(&self.base, Some(&self.token()))
    }

    /// A new user, as the client that speaks for them.
    pub fn user(&self, name: &str) -> Client {
        self.owner().new_user(name, "UTC")
    }

    /// The token in the state directory.
    pub fn token(&self) -> String {
        fs::read_to_string(self.state_dir.join("token")).unwrap().trim().to_owned()
    }

    /// Where its data lies.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let told =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(told.success(), "kill -{name} ended with {told}");
    }

    /// Everything it has printed.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Its database, read only.
    pub fn database(&self) -> Database {
        Database::open(&self.state_dir)
    }

    /// Its database, to be written to past the API.
    pub fn seed(&self) -> Seed {
        Seed::open(&self.state_dir)
    }

    /// Asks for one slice of the clock's work.
    pub fn sweep(&self) -> Answer {
        self.anyone().post("/internal/sweep").header("dapr-api-token", &self.token()).answer()
    }

    /// SIGTERM: it stops in its own way; how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        until("the service ends", Duration::from_secs(20), || self.child.try_wait().unwrap())
    }

    /// SIGKILL: it dies between two instructions.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what the service printed ---\n{}", self.output());
        }
    }
}

/// The variables of a service whose store is this database of a PostgreSQL, `postgres://user@host:port/database`.
pub fn on_postgres(database: &str) -> Vec<(&'static str, String)> {
    let host = database.split(['@', '/']).nth(3).expect("an address with a user");
    vec![
        ("store", "postgres".to_owned()),
        ("database_url", database.to_owned()),
        ("database_host", format!("postgres://{host}")),
    ]
}

/// Tells the store of a state directory, with the binary under test, that it was put back from a copy; whether it took that.
pub fn restored(state_dir: &Path) -> bool {
    perennial().arg("restored").arg("--state-dir").arg(state_dir).status().unwrap().success()
}

/// The binary under test, to be given a command.
pub fn perennial() -> Command {
    Build::default().perennial()
}

/// The repository's folder.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The binary under test: `PERENNIAL`, or the one that `make` builds.
pub fn binary() -> PathBuf {
    std::env::var_os("PERENNIAL").map_or_else(|| repository().join("target/release/perennial"), PathBuf::from)
}

/// The first address on this machine in what was printed, once its line is complete.
fn address(output: &str) -> Option<String> {
    let (line, _) = output.get(output.find("http://127.0.0.1:")?..)?.split_once('\n')?;
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    Some(line[..end].trim_end_matches('/').to_owned())
}
