//! One handler: an application of its own, and the sidecar beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, repository, until};

use crate::{Between, Installed, Manner, Process, ports};

/// How long they may take to start on a busy machine. The first start on a machine compiles the component.
const READY: Duration = Duration::from_secs(180);

/// What the applications of one set share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub installed: Installed,
    pub folder: PathBuf,
    /// Where the data lies.
    pub state: PathBuf,
    pub kafka: String,
    /// The Redis that is the state store, if there is one.
    pub redis: Option<String>,
    pub scheduler: String,
    /// The secret that speaks for the owner.
    pub owner: String,
    /// What the applications ask their sidecars' calls for.
    pub app: String,
    /// What the sidecars ask the applications' calls for.
    pub sidecar: String,
    /// Whose events are published in lanes.
    pub hot_users: &'static str,
}

/// A handler and its sidecar, both running.
#[derive(Debug)]
pub struct App {
    /// The component's id, and the sidecar's name for it.
    pub name: &'static str,
    /// `perennial up -c <name>`.
    pub handler: Process,
    /// Its daprd.
    pub sidecar: Process,
    /// What stands between them, if anything does.
    pub between: Option<Between>,
    port: u16,
    sidecar_port: u16,
    shared: Shared,
    /// Whether its sidecar has been ready: from then on it is kept running. daprd 1.16 ends itself where the Scheduler is killed while it
    /// is told who the Schedulers are.
    was_ready: bool,
}

impl App {
    /// Starts both, and does not wait.
    pub(crate) fn spawn(
        name: &'static str,
        shared: &Shared,
        resources: &Path,
        manner: Option<Manner>,
    ) -> Self {
        let [port, sidecar_port, grpc, internal, before] = ports::free();
        let mut handler = handler(name, shared, port, sidecar_port);
        let between =
            manner.map(|manner| Between::start(before, &format!("http://127.0.0.1:{port}"), manner));
        let called = if between.is_some() { before } else { port };
        let mut sidecar = sidecar(name, shared, resources, (called, [sidecar_port, grpc, internal]));
        handler.start();
        sidecar.start();
        Self { name, handler, sidecar, between, port, sidecar_port, shared: shared.clone(), was_ready: false }
    }

    /// Waits until both answer, and the sidecar is connected with the Scheduler.
    pub fn wait_until_ready(&mut self) {
        until(&format!("{} answers", self.name), READY, || {
            self.handler.must_run();
            let answer = self.client().call(Method::GET, "/.well-known/spin/health").send().ok()?;
            (answer.status == StatusCode::OK).then_some(())
        });
        until(&format!("the sidecar of {} is ready", self.name), READY, || {
            match self.was_ready {
                true => self.sidecar.keep_running(),
                false => self.sidecar.must_run(),
            }
            let answer = self.call(Method::GET, "/v1.0/metadata")?;
            let scheduler = &answer.json()["scheduler"]["connected_addresses"];
            scheduler.as_array().is_some_and(|addresses| !addresses.is_empty()).then_some(())
        });
        self.was_ready = true;
    }

    /// A client of the handler without a token.
    pub fn client(&self) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.port), None)
    }

    /// Where the handler listens.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the sidecar listens.
    pub fn sidecar_address(&self) -> String {
        format!("http://127.0.0.1:{}", self.sidecar_port)
    }

    /// Calls the handler as its sidecar does.
    pub fn call_back(&self, path: &str) -> Answer {
        self.client().post(path).header("dapr-api-token", &self.shared.app).answer()
    }

    /// Calls the sidecar; `None` where it does not answer 2xx.
    pub fn call(&self, method: Method, path: &str) -> Option<Answer> {
        let client = Client::new(self.sidecar_address(), None);
        let answer = client.call(method, path).header("dapr-api-token", &self.shared.sidecar).send().ok()?;
        answer.status.is_success().then_some(answer)
    }
}

fn handler(name: &str, shared: &Shared, port: u16, sidecar_port: u16) -> Process {
    let binary = std::env::var_os("PERENNIAL")
        .map_or_else(|| repository().join("target/release/perennial"), PathBuf::from);
    Process::new(name, binary, &shared.folder)
        .args(["up", "--listen", &format!("127.0.0.1:{port}"), "-c", name, "-f"])
        .args([repository().join("spin.toml")])
        .args(["--cache-dir".into(), repository().join("target/compiled")])
        .args(["--state-dir".into(), shared.state.clone()])
        .env("SPIN_VARIABLE_BUS", "dapr")
        .env("SPIN_VARIABLE_DAPR_HTTP_PORT", sidecar_port.to_string())
        .env("SPIN_VARIABLE_DAPR_STATE_STORE", shared.redis.as_ref().map_or("", |_| "statestore"))
        .env("SPIN_VARIABLE_DAPR_API_TOKEN", &shared.sidecar)
        .env("SPIN_VARIABLE_APP_API_TOKEN", &shared.app)
        .env("SPIN_VARIABLE_BOOTSTRAP_TOKEN", &shared.owner)
        .env("SPIN_VARIABLE_HOT_USERS", shared.hot_users)
        .env("SPIN_VARIABLE_WEBHOOK_HTTP_ORIGIN", "http://127.0.0.1:*")
}

fn sidecar(name: &str, shared: &Shared, resources: &Path, (port, ports): (u16, [u16; 3])) -> Process {
    let [http, grpc, internal] = ports;
    Process::new(&format!("{name}-sidecar"), shared.installed.program("daprd"), &shared.folder)
        .args([
            "--app-protocol=http",
            "--dapr-graceful-shutdown-seconds=2",
            "--dapr-listen-addresses=127.0.0.1",
        ])
        .args(["--dapr-internal-grpc-listen-address=127.0.0.1", "--enable-metrics=false"])
        .args(["--scheduler-job-streams=1"])
        .args([
            format!("--app-id={name}"),
            format!("--app-port={port}"),
            format!("--dapr-http-port={http}"),
            format!("--dapr-grpc-port={grpc}"),
            format!("--dapr-internal-grpc-port={internal}"),
            format!("--scheduler-host-address={}", shared.scheduler),
            format!("--resources-path={}", resources.display()),
            format!("--config={}", crate::deployed("dapr/configuration.yaml").display()),
            format!("--config={}", repository().join("tests/cloud/names.yaml").display()),
        ])
        .env("KAFKA_BROKERS", &shared.kafka)
        .env("STATE_REDIS_HOST", shared.redis.as_deref().unwrap_or_default())
        .env("STATE_REDIS_PASSWORD", "")
        .env("PERENNIAL_SECRETS", shared.folder.join("secrets.json").display().to_string())
        .env("PERENNIAL_NAMES", shared.folder.join("names.db").display().to_string())
        .env("DAPR_HOST_IP", "127.0.0.1")
        .env("DAPR_API_TOKEN", &shared.sidecar)
        .env("APP_API_TOKEN", &shared.app)
}
