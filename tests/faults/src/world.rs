//! What time it is. The service and its database live in a night in which clocks are changed, whenever the tests run; each replica's clock
//! can be moved by itself.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use tempfile::TempDir;

/// When clocks are changed: in New York and in Europe, forward and back; the local times in which that is.
const NIGHTS: [(&str, &str); 4] = [
    ("2027-03-14T07:00:00Z", "2027-03-13T02:30:00"),
    ("2027-03-28T01:00:00Z", "2027-03-27T02:30:00"),
    ("2027-10-31T01:00:00Z", "2027-10-30T02:30:00"),
    ("2027-11-07T06:00:00Z", "2027-11-06T01:30:00"),
];

/// The time of the service and its database.
#[derive(Debug)]
pub struct World {
    folder: TempDir,
    library: PathBuf,
    /// How far it is ahead of this machine's, in milliseconds.
    ahead: Arc<AtomicI64>,
    change: DateTime<Utc>,
    due: [String; 2],
}

/// The clock of one program.
#[derive(Debug)]
pub struct Clock {
    path: PathBuf,
    file: File,
    ahead: Arc<AtomicI64>,
    library: PathBuf,
}

impl World {
    /// One in which clocks are changed soon, in a night that is drawn.
    pub fn before_a_change(rng: &mut Rng) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The database runs as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let library = build(folder.path());
        let (change, night) = NIGHTS[rng.usize(..NIGHTS.len())];
        let day = night.get(..10).unwrap_or_default();
        let due = [night.to_owned(), format!("{day}T09:00:00")];
        let world = Self { folder, library, ahead: Arc::default(), change: change.parse().unwrap(), due };
        world.begin(TimeDelta::minutes(10));
        world
    }

    /// Has it be so long before the change. All its clocks must be set after it.
    pub fn begin(&self, by: TimeDelta) {
        let ahead = self.change - by - Utc::now();
        self.ahead.store(ahead.num_milliseconds(), Ordering::Relaxed);
        println!("clocks are changed at {}, in {} s", self.change, by.num_seconds());
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// What time it was then.
    pub fn at(&self, instant: Instant) -> DateTime<Utc> {
        self.now() - TimeDelta::from_std(instant.elapsed()).unwrap()
    }

    /// When series fall due, local to wherever they are: in the hour that is changed, from the night before on, and in the morning.
    pub fn due(&self) -> &[String] {
        &self.due
    }

    /// A clock that goes right for now.
    pub fn clock(&self, name: &str) -> Clock {
        let path = self.folder.path().join(name);
        let file = File::create(&path).unwrap();
        let clock = Clock { path, file, ahead: self.ahead.clone(), library: self.library.clone() };
        clock.set(TimeDelta::zero());
        clock
    }
}

impl Clock {
    /// Moves it: so far from the right time.
    pub fn set(&self, moved: TimeDelta) {
        let millis = self.ahead.load(Ordering::Relaxed) + moved.num_milliseconds();
        self.file.write_all_at(&millis.to_ne_bytes(), 0).unwrap();
    }

    /// What a program must have in its environment to go by it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        vec![("LD_PRELOAD", text(&self.library)), ("MOVED_CLOCK", text(&self.path))]
    }
}

/// Compiles what moves clocks.
fn build(folder: &Path) -> PathBuf {
    let library = folder.join("moved-clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/moved-clock.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
    let built = cc.status().unwrap_or_else(|error| panic!("cc: {error}"));
    assert!(built.success(), "cc ended with {built}");
    library
}
