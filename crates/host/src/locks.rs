//! One host for each component of a state folder. Hosts that keep different components may share the folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};

use crate::state_dir;

/// Held for as long as the host runs. The kernel lets go of them when the process ends, however it does.
pub(crate) struct Locks {
    _files: Vec<File>,
}

impl Locks {
    /// Takes the lock of each component, or of none.
    pub fn take<'a>(state_dir: &Path, components: impl Iterator<Item = &'a String>) -> anyhow::Result<Self> {
        let folder = state_dir::create(&state_dir.join("locks"))?;
        let files = components.map(|id| take(state_dir, &folder, id)).collect::<anyhow::Result<_>>()?;
        Ok(Self { _files: files })
    }

    /// Takes the locks of all components that have run on the folder, or of none.
    pub fn take_all(state_dir: &Path) -> anyhow::Result<Self> {
        let folder = state_dir.join("locks");
        let mut ids = Vec::new();
        if folder.is_dir() {
            for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                ids.push(entry?.file_name().to_string_lossy().into_owned());
            }
        }
        Self::take(state_dir, ids.iter())
    }
}

fn take(state_dir: &Path, folder: &Path, id: &str) -> anyhow::Result<File> {
    let path = folder.join(id);
    let context = || format!("the lock {}", path.display());
    // The file stays when it is let go of: removing it would let two hosts hold two files of one name.
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.with_context(context)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "component {id:?} already runs on the state folder {}: stop the other host, give this one another folder with --state-dir, or keep other components with -c",
            state_dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(context),
    }
}
