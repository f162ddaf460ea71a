//! A host with the probe in it, and a client for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use perennial_host::{Hooks, Running, UpOptions, start};
use serde_json::Value;
use tempfile::TempDir;

/// The head of every manifest.
const HEAD: &str = r#"
spin_manifest_version = 2
[application]
name = "probe"
version = "1.2.3"
"#;

/// A component that may do what most tests need.
pub const PROBE: &str = r#"
[[trigger.http]]
route = "/..."
component = "probe"
[component.probe]
source = "{probe}"
sqlite_databases = ["default"]
"#;

/// The path of the probe's wasm, built once.
pub fn probe() -> &'static Path {
    static PROBE: OnceLock<PathBuf> = OnceLock::new();
    PROBE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--profile",
                "guest",
                "--target",
                "wasm32-wasip2",
                "-p",
                "perennial-probe",
            ])
            .current_dir(&root)
            .env_remove("RUSTFLAGS")
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the probe does not build");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        std::fs::canonicalize(target.join("wasm32-wasip2/guest/perennial_probe.wasm"))
            .expect("the probe is there")
    })
}

/// A manifest's text: the head, `body`, and the probe's path in the place of `{probe}`.
pub fn manifest(body: &str) -> String {
    format!("{HEAD}{body}").replace("{probe}", probe().to_str().unwrap())
}

/// A host about to be started.
pub struct Setup {
    pub options: UpOptions,
    pub hooks: Hooks,
    pub folder: TempDir,
}

impl Setup {
    pub fn new(body: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("spin.toml"), manifest(body)).unwrap();
        let options = UpOptions {
            from: folder.path().to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
            quiet: true,
            ..UpOptions::default()
        };
        Self { options, hooks: Hooks { manual_cron: true, ..Hooks::default() }, folder }
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.options.variables.push((name.into(), value.into()));
        self
    }

    pub fn runtime_config(mut self, text: &str) -> Self {
        let path = self.folder.path().join("runtime-config.toml");
        std::fs::write(&path, text).unwrap();
        self.options.runtime_config_file = Some(path);
        self
    }

    pub async fn start(self) -> Host {
        let running = start(self.options, self.hooks).await.unwrap_or_else(|error| panic!("{error:#}"));
        Host { running, folder: self.folder }
    }

    /// The error that the start ends with.
    pub async fn refusal(self) -> String {
        match start(self.options, self.hooks).await {
            Ok(_) => panic!("it started"),
            Err(error) => format!("{error:#}"),
        }
    }
}

/// A started host.
pub struct Host {
    pub running: Running,
    pub folder: TempDir,
}

impl Host {
    /// Starts the probe behind one wildcard route.
    pub async fn probe() -> Self {
        Setup::new(PROBE).start().await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(http::Request::get(path), "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let reply = self.send(http::Request::post(path), body.to_string()).await;
        assert_eq!(reply.status, 200, "{path} {body}");
        reply.json()
    }

    /// Runs statements on one connection of one guest.
    pub async fn sql(&self, statements: Value) -> Value {
        self.post("/sql", &serde_json::json!({ "statements": statements })).await
    }

    /// The rows of one statement.
    pub async fn rows(&self, statement: &str) -> Value {
        self.sql(serde_json::json!([[statement]])).await["results"][0]["rows"].clone()
    }

    pub async fn send(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Reply {
        let (mut sender, connection) = self.connect().await;
        let task = tokio::spawn(connection);
        let request = match request.headers_ref().is_some_and(|headers| headers.contains_key("host")) {
            true => request,
            false => request.header("host", self.running.address.to_string()),
        };
        let response = sender.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        task.abort();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub async fn connect(
        &self,
    ) -> (
        hyper::client::conn::http1::SendRequest<Full<Bytes>>,
        hyper::client::conn::http1::Connection<TokioIo<tokio::net::TcpStream>, Full<Bytes>>,
    ) {
        let stream = tokio::net::TcpStream::connect(self.running.address).await.unwrap();
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap()
    }
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }
}

/// Asks until the answer is yes, for at most ten seconds.
pub async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !ask().await {
        assert!(Instant::now() < deadline, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
