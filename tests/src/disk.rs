//! A file system of one's own, which can be full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory; gone when this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
    mebibytes: u32,
}

impl SmallDisk {
    /// Puts one of this size at a folder. `None` where one may not be mounted, after saying so; a failure where `CI` is set.
    pub fn mount(at: &Path, mebibytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self { at: at.to_owned(), mebibytes });
        }
        assert!(std::env::var_os("CI").is_none(), "no file system may be mounted here");
        println!("SKIPPED: no file system may be mounted here, so no disk is full");
        None
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.at
    }

    /// Leaves no room on it.
    pub fn fill(&self) {
        // Piece by piece, down to the last page.
        let mut filler = fs::File::create(self.filler()).unwrap();
        for piece in [1024 * 1024, 4096, 1] {
            while std::io::Write::write_all(&mut filler, &vec![b'x'; piece]).is_ok() {}
        }
    }

    /// Makes room again.
    pub fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    /// Leaves no room on it, however large it is: it becomes as small as what is on it.
    pub fn shrink(&self) {
        // What is written meanwhile may have taken what was left.
        let shrunk = (3..20).any(|power| self.resize(&format!("{}k", used(&self.at) + (1 << power))));
        assert!(shrunk, "{} could not be made smaller", self.at.display());
    }

    /// Makes it as large as it was.
    pub fn grow(&self) {
        assert!(
            self.resize(&format!("{}m", self.mebibytes)),
            "{} could not be made larger",
            self.at.display()
        );
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }

    fn resize(&self, size: &str) -> bool {
        let options = format!("remount,size={size}");
        Command::new("mount").args(["-o", &options]).arg(&self.at).output().unwrap().status.success()
    }
}

/// The kibibytes that are taken of a file system.
fn used(folder: &Path) -> u64 {
    let told = Command::new("df").args(["--block-size=1K", "--output=used"]).arg(folder).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let used = told.lines().nth(1).and_then(|line| line.trim().parse().ok());
    used.unwrap_or_else(|| panic!("df says {told:?}"))
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}
