//! One handler: an application of its own, and the sidecar beside it.

use std::path::PathBuf;
use std::time::Duration;

use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, binary, on_postgres, repository, until};

use crate::{Between, Installed, Manner, Process, ports};

/// How long they may take to start on a busy machine. The first start on a machine compiles the component.
const READY: Duration = Duration::from_secs(180);

/// The secrets that an application and its sidecar read as they start, and that can be rotated.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The secret that speaks for the owner (`bootstrap_token`).
    pub owner: String,
    /// What the applications ask their sidecars' calls for (`app_api_token`).
    pub app: String,
    /// What the sidecars ask the applications' calls for (`dapr_api_token`).
    pub sidecar: String,
    /// What the metrics are read by (`metrics_token`).
    pub metrics: String,
    /// What anchors of the audit are signed with (`audit_key`).
    pub audit: String,
    /// Where the data lies, and by which role (`database_url`), if not in a file.
    pub database: Option<String>,
}

/// What the applications of one set share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub installed: Installed,
    pub folder: PathBuf,
    /// Where the data lies, if not in a database.
    pub state: PathBuf,
    pub kafka: String,
    /// The Redis that is the state store, if there is one.
    pub redis: Option<String>,
    pub scheduler: String,
    /// What the sidecars read.
    pub resources: PathBuf,
    /// What those read that are started now.
    pub secrets: Secrets,
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
    /// Starts both, and does not wait. The label tells it from other replicas of its handler.
    pub(crate) fn spawn(name: &'static str, label: &str, shared: &Shared, manner: Option<Manner>) -> Self {
        let [port, sidecar_port, grpc, internal, before] = ports::free();
        let mut handler = handler(name, label, shared, port, sidecar_port);
        let between =
            manner.map(|manner| Between::start(before, &format!("http://127.0.0.1:{port}"), manner));
        let called = if between.is_some() { before } else { port };
        let mut sidecar = sidecar(name, label, shared, (called, [sidecar_port, grpc, internal]));
        handler.start();
        sidecar.start();
        Self { name, handler, sidecar, between, port, sidecar_port, shared: shared.clone(), was_ready: false }
    }

    /// Waits until both answer, and the sidecar is connected with the Scheduler.
    pub fn wait_until_ready(&mut self) {
        until(&format!("{} answers", self.name), READY, || {
            self.handler.must_run();
            let answer = self.client().call(Method::GET, "/.well-known/spin/health").send().ok()?;
            // It was this one that answered, and nobody else who has its port.
            self.handler.must_run();
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
        self.client().post(path).header("dapr-api-token", &self.shared.secrets.app).answer()
    }

    /// Calls the sidecar; `None` where it does not answer 2xx.
    pub fn call(&self, method: Method, path: &str) -> Option<Answer> {
        let client = Client::new(self.sidecar_address(), None);
        let answer =
            client.call(method, path).header("dapr-api-token", &self.shared.secrets.sidecar).send().ok()?;
        answer.status.is_success().then_some(answer)
    }
}

fn handler(name: &str, label: &str, shared: &Shared, port: u16, sidecar_port: u16) -> Process {
    let secrets = &shared.secrets;
    // A file is for all of them; beside a database, each keeps for itself what it has.
    let state = match secrets.database {
        Some(_) => shared.folder.join(format!("{label}-state")),
        None => shared.state.clone(),
    };
    let store = secrets.database.as_deref().map(on_postgres).unwrap_or_default();
    let process = Process::new(label, binary(), &shared.folder);
    let process = store.into_iter().fold(process, |process, (name, value)| {
        process.env(&format!("SPIN_VARIABLE_{}", name.to_uppercase()), value)
    });
    process
        .args(["up", "--listen", &format!("127.0.0.1:{port}"), "-c", name, "-f"])
        .args([repository().join("spin.toml")])
        .args(["--cache-dir".into(), repository().join("target/compiled")])
        .args(["--state-dir".into(), state])
        .env("SPIN_VARIABLE_BUS", "dapr")
        .env("SPIN_VARIABLE_DAPR_HTTP_PORT", sidecar_port.to_string())
        .env("SPIN_VARIABLE_DAPR_STATE_STORE", shared.redis.as_ref().map_or("", |_| "statestore"))
        .env("SPIN_VARIABLE_DAPR_API_TOKEN", &secrets.sidecar)
        .env("SPIN_VARIABLE_APP_API_TOKEN", &secrets.app)
        .env("SPIN_VARIABLE_BOOTSTRAP_TOKEN", &secrets.owner)
        .env("SPIN_VARIABLE_METRICS_TOKEN", &secrets.metrics)
        .env("SPIN_VARIABLE_AUDIT_KEY", &secrets.audit)
        .env("SPIN_VARIABLE_HOT_USERS", shared.hot_users)
        .env("SPIN_VARIABLE_WEBHOOK_HTTP_ORIGIN", "http://127.0.0.1:*")
}

fn sidecar(name: &str, label: &str, shared: &Shared, (port, ports): (u16, [u16; 3])) -> Process {
    let [http, grpc, internal] = ports;
    Process::new(&format!("{label}-sidecar"), shared.installed.program("daprd"), &shared.folder)
        .args([
            "--app-protocol=http",
            "--dapr-graceful-shutdown-seconds=5",
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
            format!("--resources-path={}", shared.resources.display()),
            format!("--config={}", crate::deployed("dapr/configuration.yaml").display()),
            format!("--config={}", repository().join("tests/cloud/names.yaml").display()),
        ])
        .env("KAFKA_BROKERS", &shared.kafka)
        .env("STATE_REDIS_HOST", shared.redis.as_deref().unwrap_or_default())
        .env("STATE_REDIS_PASSWORD", "")
        .env("PERENNIAL_SECRETS", shared.folder.join("secrets.json").display().to_string())
        .env("PERENNIAL_NAMES", shared.folder.join("names.db").display().to_string())
        .env("DAPR_HOST_IP", "127.0.0.1")
        .env("DAPR_API_TOKEN", &shared.secrets.sidecar)
        .env("APP_API_TOKEN", &shared.secrets.app)
}
