//! A file that has its name once it is whole and on the disk, and takes it from no other.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};

/// What SQLite puts beside a database while it is open, the first two for what is not in the file itself.
const BESIDE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// How the names of all drafts end.
const END: &str = ".perennial-draft";

/// Tries at a folder that another clears.
const TRIES: u32 = 20;

/// The pause between them.
const PAUSE: Duration = Duration::from_millis(25);

/// The file before it has its name, for its owner only, under a name that no other has. Dropped, it is removed.
pub(crate) struct Draft {
    path: PathBuf,
    to: PathBuf,
    /// Says to others that there are drafts in the folder that somebody works on.
    _in_use: Option<File>,
}

impl Draft {
    /// Begins one, empty, in the folder of what it is to become.
    pub fn of(to: &Path) -> anyhow::Result<Self> {
        if to.symlink_metadata().is_ok() {
            bail!("{} is there already, and stays as it is", to.display());
        }
        let name = to.file_name().with_context(|| format!("{} is no name of a file", to.display()))?;
        let folder = folder_of(to);
        let in_use = clear(folder);
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push("-");
        let made = tempfile::Builder::new().prefix(&hidden).suffix(END).tempfile_in(folder);
        let made = made.with_context(|| format!("cannot make a file in {}", folder.display()))?;
        let (_, path) = made.keep()?;
        Ok(Self { path, to: to.to_owned(), _in_use: in_use })
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
        File::open(folder_of(&self.to))?.sync_all()?;
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

/// The folder that a file is in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes the drafts of a folder that nobody works on any more: of who was killed. The folder is locked by all who work on one, and the kernel
/// lets go of that when they end. `None` where the folder cannot be locked (NFS) or somebody else has locked it (`flock FOLDER perennial backup …`):
/// all drafts stay there.
fn clear(folder: &Path) -> Option<File> {
    let lock = File::open(folder).ok()?;
    if lock.try_lock().is_ok() {
        let drafts = fs::read_dir(folder).ok()?.flatten();
        drafts.filter(|entry| is_draft(&entry.file_name())).for_each(|entry| {
            let _ = fs::remove_file(entry.path());
        });
    }
    for _ in 0..TRIES {
        match lock.try_lock_shared() {
            Ok(()) => return Some(lock),
            // Another clears it at this moment.
            Err(TryLockError::WouldBlock) => sleep(PAUSE),
            Err(TryLockError::Error(_)) => break,
        }
    }
    None
}

/// Whether a file is a draft, or beside one.
fn is_draft(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let name = BESIDE.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    name.starts_with('.') && name.ends_with(END)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// As two containers do, each of which takes its process for the first of all.
    #[test]
    fn two_who_make_a_file_of_one_name_are_not_in_each_others_way() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("copy.db");
        let (first, second) = (Draft::of(&to).unwrap(), Draft::of(&to).unwrap());
        fs::write(first.path(), "first").unwrap();
        fs::write(second.path(), "second").unwrap();
        assert_eq!(second.finish().unwrap(), 6);
        let late = first.finish().unwrap_err();
        assert!(late.to_string().contains("has come meanwhile"), "{late}");
        assert_eq!(fs::read_to_string(&to).unwrap(), "second");
        assert_eq!(names(folder.path()), ["copy.db"]);
    }

    #[test]
    fn what_somebody_left_who_was_killed_goes_with_the_next_and_what_is_worked_on_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for left in [
            ".copy.db-aB3xYz.perennial-draft",
            ".copy.db-aB3xYz.perennial-draft-wal",
            ".other",
            "copy.db-wal",
        ] {
            fs::write(at(left), "left").unwrap();
        }
        let first = Draft::of(&at("one.db")).unwrap();
        fs::write(first.path(), "worked on").unwrap();
        assert_eq!(names(folder.path()).len(), 3, "{:?}", names(folder.path()));
        drop(Draft::of(&at("two.db")).unwrap());
        first.finish().unwrap();
        assert_eq!(names(folder.path()), [".other", "copy.db-wal", "one.db"]);
    }

    #[test]
    fn nobody_waits_for_who_has_locked_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let locked = File::open(folder.path()).unwrap();
        locked.lock().unwrap();
        let draft = Draft::of(&folder.path().join("copy.db")).unwrap();
        draft.finish().unwrap();
        assert_eq!(names(folder.path()), ["copy.db"]);
    }
}
