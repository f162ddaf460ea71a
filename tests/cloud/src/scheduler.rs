//! The Dapr Scheduler, which keeps the jobs that are the clock.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode};
use perennial_tests::{Client, until};

use crate::{Installed, Process, ports};

/// How long it may take to start on a busy machine.
const READY: Duration = Duration::from_secs(60);

/// A running Scheduler.
#[derive(Debug)]
pub struct Scheduler {
    /// The Scheduler.
    pub process: Process,
    port: u16,
    health: u16,
}

impl Scheduler {
    pub(crate) fn start(installed: &Installed, folder: &Path) -> Self {
        let [port, health, client, peer] = ports::free();
        let data = folder.join("scheduler");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        let mut process = Process::new("scheduler", installed.program("scheduler"), folder)
            .args([
                "--id=dapr-scheduler-server-0",
                "--listen-address=127.0.0.1",
                "--healthz-listen-address=127.0.0.1",
            ])
            .args([
                format!("--port={port}"),
                format!("--override-broadcast-host-port=127.0.0.1:{port}"),
                format!("--healthz-port={health}"),
                format!("--etcd-client-port={client}"),
                format!("--etcd-initial-cluster=dapr-scheduler-server-0=http://127.0.0.1:{peer}"),
                format!("--etcd-data-dir={}", data.display()),
                format!("--identity-directory-write={}", folder.join("identity").display()),
            ])
            .args(["--enable-metrics=false"]);
        process.start();
        let mut scheduler = Self { process, port, health };
        scheduler.wait_until_ready();
        scheduler
    }

    /// Waits until it says that it is well.
    pub fn wait_until_ready(&mut self) {
        let client = Client::new(format!("http://127.0.0.1:{}", self.health), None);
        until("the Dapr Scheduler is well", READY, || {
            self.process.must_run();
            let answer = client.call(Method::GET, "/healthz").send().ok()?;
            (answer.status == StatusCode::OK).then_some(())
        });
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
