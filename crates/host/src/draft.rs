//! A file that has its name once it is whole and on the disk, and takes it from no other.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// What SQLite puts beside a database while it is open, the first two for what is not in the file itself.
const BESIDE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// The file before it has its name, for its owner only. Dropped, it is removed.
pub(crate) struct Draft {
    path: PathBuf,
    to: PathBuf,
}

impl Draft {
    /// Begins one, empty, in the folder of what it is to become.
    pub fn of(to: &Path) -> anyhow::Result<Self> {
        if to.symlink_metadata().is_ok() {
            bail!("{} is there already, and stays as it is", to.display());
        }
        let name = to.file_name().with_context(|| format!("{} is no name of a file", to.display()))?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!("-{}", std::process::id()));
        let draft = Self { path: to.with_file_name(hidden), to: to.to_owned() };
        draft.remove();
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.path);
        made.with_context(|| format!("cannot make the file {}", draft.path.display()))?;
        Ok(draft)
    }

    /// Where it is meanwhile.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name; how many bytes it has. No database may be open in it.
    pub fn finish(self) -> anyhow::Result<u64> {
        if let Some(rest) = rest_of(&self.path) {
            bail!("SQLite has not written {} back", rest.display());
        }
        let file = File::open(&self.path)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        // A hard link fails where the name is taken; a rename would replace what has it.
        match fs::hard_link(&self.path, &self.to) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} has come meanwhile, and stays as it is", self.to.display());
            }
            linked => linked.with_context(|| {
                format!(
                    "cannot make {}: its folder must be on a file system with hard links",
                    self.to.display()
                )
            })?,
        }
        self.remove();
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(bytes)
    }

    fn remove(&self) {
        let _ = fs::remove_file(&self.path);
        for end in BESIDE {
            let _ = fs::remove_file(beside(&self.path, end));
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The file beside a database with what is not in that itself: it is open, or was cut off, or this is of another.
pub(crate) fn rest_of(path: &Path) -> Option<PathBuf> {
    let mut files = BESIDE.iter().take(2).map(|end| beside(path, end));
    files.find(|file| file.metadata().is_ok_and(|file| file.len() > 0))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
