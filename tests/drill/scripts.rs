//! The scripts of scripts/postgres, as whom a server runs as has them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use perennial_postgres::{Installed, as_servers_do, give};
use perennial_tests::repository;
use tempfile::TempDir;

/// A folder with the scripts, an archive and place for backups, within reach of whom servers run as.
pub struct Scripts {
    folder: TempDir,
    programs: PathBuf,
}

impl Scripts {
    /// Copies them: the repository may be in a folder of its owner's alone.
    pub fn new(installed: &Installed) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scripts = Self { folder, programs: installed.folder().to_owned() };
        fs::set_permissions(scripts.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["archive", "backup", "fetch", "restore"] {
            fs::copy(repository().join("scripts/postgres").join(name), scripts.at(name)).unwrap();
        }
        for name in ["wal", "base"] {
            fs::create_dir(scripts.at(name)).unwrap();
            give(&scripts.at(name));
        }
        fs::write(scripts.at("wal/is-mounted"), "").unwrap();
        scripts
    }

    /// Something in the folder: `wal` is the archive, `base` is for backups.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The archive_command.
    pub fn archive_command(&self) -> String {
        format!("sh {} {} \"%p\" \"%f\"", self.at("archive").display(), self.at("wal").display())
    }

    /// Makes a base backup of the server on a port; what was printed.
    pub fn backup(&self, port: u16, to: &Path) -> String {
        let mut command = self.command("backup");
        command.arg(to).env("PGHOST", "127.0.0.1").env("PGPORT", port.to_string()).env("PGUSER", "postgres");
        succeeds(&mut command)
    }

    /// Makes a data folder of a base backup and the archive, and of the log that a server has left.
    pub fn restore(&self, backup: &Path, data: &Path, left: Option<&Path>) {
        let mut command = self.command("restore");
        succeeds(command.arg(backup).arg(self.at("wal")).arg(data).args(left));
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg(self.at(name)).current_dir("/").env("POSTGRES_BIN", &self.programs);
        as_servers_do(&mut command);
        command
    }
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", told(&output.stdout), told(&output.stderr));
    told(&output.stdout)
}
