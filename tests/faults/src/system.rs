//! All that is under test: a PostgreSQL, and replicas that share a database of it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use http::Method;
use perennial_postgres::{Server, postgres};
use perennial_tests::{Build, Client, SmallDisk, until};
use tempfile::TempDir;

use crate::replica::Replica;
use crate::world::{Clock, World};

/// Speaks for the owner at each replica.
const TOKEN: &str = "the-owner-of-the-fault-harness";

/// Sessions that the server has, for each replica.
const SESSIONS: usize = 40;

/// How long the database may take to be there again.
const THERE: Duration = Duration::from_secs(90);

/// The system. What is declared first ends first.
#[derive(Debug)]
pub struct System {
    /// Those that serve.
    pub replicas: Vec<Replica>,
    /// The database's server.
    pub server: Server,
    /// What it lies on, where a disk may be made.
    pub disk: Option<SmallDisk>,
    address: String,
    clock: Clock,
    _folder: TempDir,
}

impl System {
    /// Starts all of it as this build has it, with a disk of this size. `None` where the machine has no PostgreSQL, after saying so.
    pub fn start(world: &World, build: &Build, replicas: usize, mebibytes: u32) -> Option<Self> {
        perennial_postgres::Installed::find()?;
        let folder = tempfile::tempdir().unwrap();
        // The database runs as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let disk = SmallDisk::mount(&folder.path().join("disk"), mebibytes);
        let lies = disk.as_ref().map(|disk| disk.folder().join("postgres"));
        lies.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let mut settings = vec![format!("max_connections={}", SESSIONS * replicas)];
        settings.extend(["max_wal_size=160MB", "min_wal_size=80MB"].map(str::to_owned));
        let clock = world.clock("clock-of-the-database");
        let server = Server::with(perennial_postgres::Setup {
            settings,
            folder: lies,
            environment: clock.environment(),
            ..perennial_postgres::Setup::default()
        })?;
        let address = server.empty_database();
        migrate(&address, build);
        let database = address.rsplit('/').next().unwrap();
        let mut started: Vec<Replica> = (0..replicas)
            .map(|number| Replica::new(number, world, build, folder.path(), (server.port(), database), TOKEN))
            .collect();
        // The first compiles what all of them run.
        for replica in &mut started {
            replica.start();
            replica.wait_until_ready();
        }
        Some(Self { replicas: started, server, disk, address, clock, _folder: folder })
    }

    /// Goes by the world's time as it is now.
    ///
    /// # Panics
    /// Where a clock does not: much of this would mean nothing.
    pub fn set_clocks(&self, world: &World) {
        self.clock.set(TimeDelta::zero());
        self.replicas.iter().for_each(|replica| replica.move_clock(TimeDelta::zero()));
        self.goes_by(world);
    }

    /// The owner, at a replica that is there.
    pub fn owner(&self) -> Client {
        Client::new(self.replicas[0].base(), Some(TOKEN))
    }

    /// A new user, at the first replica.
    pub fn user(&self, name: &str) -> Client {
        self.owner().new_user(name, "Europe/Berlin")
    }

    /// A session with the database.
    pub fn session(&self) -> Result<postgres::Client, postgres::Error> {
        let mut config: postgres::Config = self.address.parse().unwrap();
        config.application_name("faults").connect_timeout(Duration::from_secs(5)).connect(postgres::NoTls)
    }

    /// Brings the database up to the schema of a build, as an operator does; what that says.
    pub fn migrate(&self, build: &Build) -> String {
        migrate(&self.address, build)
    }

    /// How many sessions its database has room for.
    pub fn sessions(&self) -> usize {
        SESSIONS * self.replicas.len()
    }

    /// The one number that a query gives.
    pub fn number(&self, query: &str) -> i64 {
        perennial_postgres::number(&self.address, query)
    }

    /// Waits until the database is there again, and starts it where it has ended by itself.
    pub fn revive(&mut self) {
        let begun = std::time::Instant::now();
        while self.session().is_err() {
            if !self.server.runs() {
                if self.server.id().is_some() {
                    self.server.stop_immediate();
                }
                self.server.start_again();
            }
            assert!(begun.elapsed() < THERE, "the database does not come back:\n{}", self.server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn goes_by(&self, world: &World) {
        let told = self.number("SELECT (extract(epoch from clock_timestamp()) * 1000)::bigint");
        let off = told - world.now().timestamp_millis();
        assert!(off.abs() < 5_000, "the database's clock is {off} ms off");
        for replica in &self.replicas {
            let date = || {
                Client::new(replica.base(), None)
                    .call(Method::GET, "/healthz")
                    .answer()
                    .header("date")
                    .to_owned()
            };
            until("the replica's clock goes right", Duration::from_secs(10), || {
                let date = DateTime::parse_from_rfc2822(&date()).ok()?;
                ((date.to_utc() - world.now()).num_seconds().abs() < 5).then_some(())
            });
        }
    }
}

fn migrate(address: &str, build: &Build) -> String {
    let mut command = build.perennial();
    let done =
        command.args(["migrate", "--database-url", &format!("{address}?sslmode=disable")]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
