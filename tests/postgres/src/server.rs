//! A PostgreSQL of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use crate::database::{self, Database};
use crate::keeper::{Keeper, run_as};
use crate::user::{give, without_rights};
use crate::{Installed, aside, certificates, port, until};

/// How long it may take to start or to end on a busy machine, the repair after a crash included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often another port is tried where somebody else took the first.
const PORTS: usize = 5;

/// How a server is to run.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Whether what is committed is on the disk, as where nobody may lose anything.
    pub fsync: bool,
    /// Whether it takes sessions over TLS, too, and knows `secret`, who comes over TLS alone and with the password `secret`.
    pub tls: bool,
    /// Further settings (`name=value`), which have the last word.
    pub settings: Vec<String>,
    /// Where the cluster is to lie: a folder that is there. What is in it goes with the server.
    pub folder: Option<PathBuf>,
    /// Variables of its environment, beside those of the tests.
    pub environment: Vec<(&'static str, String)>,
}

/// A PostgreSQL with a cluster in a temporary folder, on a free port of this machine's loopback, where whoever comes as `postgres`
/// needs no password. It compares text by the rules of English where nothing else is said: a missing `COLLATE "C"` shows.
#[derive(Debug)]
pub struct Server {
    installed: Installed,
    setup: Setup,
    folder: PathBuf,
    port: u16,
    keeper: Option<Keeper>,
    template: Once,
    databases: AtomicU32,
}

impl Server {
    /// Starts one that loses what it likes in a power cut. `None` where the machine has none, after saying so; a failure where `CI` is set.
    pub fn start() -> Option<Self> {
        Self::with(Setup::default())
    }

    /// Starts one.
    pub fn with(setup: Setup) -> Option<Self> {
        let mut server = Self::new(setup)?;
        server.make_cluster();
        if server.setup.tls {
            server.make_certificates();
        }
        server.find_port();
        if server.setup.tls {
            database::batch(
                &server.address("postgres"),
                "CREATE ROLE secret SUPERUSER LOGIN PASSWORD 'secret'",
            );
        }
        Some(server)
    }

    /// Starts one on what `make` puts into the data folder, which is not there yet.
    pub fn on(setup: Setup, make: impl FnOnce(&Path)) -> Option<Self> {
        let mut server = Self::new(setup)?;
        make(&server.folder.join("data"));
        server.find_port();
        Some(server)
    }

    fn new(setup: Setup) -> Option<Self> {
        let installed = Installed::find()?;
        let temporary = || tempfile::Builder::new().prefix("perennial-postgres-").tempdir().unwrap().keep();
        let folder = setup.folder.clone().unwrap_or_else(temporary);
        give(&folder);
        Some(Self {
            installed,
            setup,
            folder,
            port: 0,
            keeper: None,
            template: Once::new(),
            databases: AtomicU32::new(0),
        })
    }

    /// The one that all tests of this process share.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// The address of a fresh database with the schema of this build. It is there for as long as the server is.
    pub fn database(&self) -> String {
        self.template.call_once(|| database::make_template(self));
        let name = self.next_name();
        database::create(self, &name, Some(database::TEMPLATE));
        self.address(&name)
    }

    /// The address of a fresh database without anything in it.
    pub fn empty_database(&self) -> String {
        let name = self.next_name();
        database::create(self, &name, None);
        self.address(&name)
    }

    /// A fresh database with the schema of this build, for a time: it goes when this is dropped.
    pub fn lend(&self) -> Database<'_> {
        Database::new(self, self.database())
    }

    /// The same without anything in it.
    pub fn lend_empty(&self) -> Database<'_> {
        Database::new(self, self.empty_database())
    }

    /// The address of a database by name; `postgres` is there from the beginning.
    pub fn address(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it is made of.
    pub fn installed(&self) -> &Installed {
        &self.installed
    }

    /// Ends it in its own way: whoever is connected is told.
    pub fn stop(&mut self) {
        self.running().end_gently();
    }

    /// Ends it as if it had crashed: nothing is finished, nobody is told.
    pub fn stop_immediate(&mut self) {
        self.running().end();
    }

    /// Whether it runs: one that found no room for what it must write has ended by itself.
    pub fn runs(&self) -> bool {
        self.keeper.as_ref().is_some_and(Keeper::runs)
    }

    /// Starts it again where it was, with what it has kept.
    pub fn start_again(&mut self) {
        assert!(self.keeper.is_none(), "it runs already");
        assert!(self.launch(), "the port {} was taken meanwhile:\n{}", self.port, self.log());
    }

    /// Stops it, with all its sessions, where they are: it takes connections and answers nothing any more.
    pub fn freeze(&self) {
        self.keeper.as_ref().unwrap().freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.keeper.as_ref().unwrap().thaw();
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.keeper.as_ref().map(Keeper::id)
    }

    /// Where its data lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate of the authority that vouches for it.
    pub fn authority(&self) -> PathBuf {
        certificates::authority(&self.folder.join("data"))
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn running(&mut self) -> Keeper {
        self.keeper.take().unwrap_or_else(|| panic!("it does not run"))
    }

    fn next_name(&self) -> String {
        format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed))
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn make_cluster(&self) {
        let mut initdb = Command::new(self.installed.program("initdb"));
        initdb.arg("--pgdata").arg(self.folder.join("data"));
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        initdb.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        initdb.current_dir("/").stdin(Stdio::null());
        run_as(&mut initdb, without_rights());
        let made = initdb.output().unwrap_or_else(|error| panic!("initdb: {error}"));
        let told = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb ended with {}:\n{told}", made.status);
    }

    fn make_certificates(&self) {
        let data = self.folder.join("data");
        certificates::make(&data);
        let file = data.join("pg_hba.conf");
        let others = fs::read_to_string(&file).unwrap();
        fs::write(
            file,
            format!("hostnossl all secret all reject\nhostssl all secret all scram-sha-256\n{others}"),
        )
        .unwrap();
    }

    fn find_port(&mut self) {
        for _ in 0..PORTS {
            self.port = port::free();
            if self.launch() {
                return;
            }
        }
        panic!("no port of {PORTS} is free:\n{}", self.log());
    }

    /// Starts it and waits until it answers; whether its port was free.
    fn launch(&mut self) -> bool {
        let before = self.log().len();
        let keeper = Keeper::start(
            &self.folder,
            &self.log_file(),
            without_rights(),
            &self.setup.environment,
            &self.installed.program("postgres"),
            &self.arguments(),
        );
        let address = self.address("postgres");
        let answers = until("PostgreSQL answers", PATIENCE, || {
            if keeper.runs() {
                return aside(|| postgres::Client::connect(&address, postgres::NoTls).is_ok())
                    .then_some(true);
            }
            let log = self.log().split_off(before);
            assert!(log.contains("Address already in use"), "PostgreSQL has ended:\n{log}");
            Some(false)
        });
        match answers {
            true => self.keeper = Some(keeper),
            false => keeper.end(),
        }
        answers
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["-D".to_owned(), self.folder.join("data").display().to_string()];
        let mut set = |setting: &str| arguments.extend(["-c".to_owned(), setting.to_owned()]);
        set(&format!("port={}", self.port));
        set("listen_addresses=127.0.0.1");
        set("unix_socket_directories=");
        set("max_connections=250");
        set("lc_messages=C");
        if !self.setup.fsync {
            set("fsync=off");
            set("full_page_writes=off");
        }
        if self.setup.tls {
            set("ssl=on");
        }
        self.setup.settings.iter().for_each(|setting| set(setting));
        arguments
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.keeper.take().is_none() {
            // It was stopped, and its folder kept.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
