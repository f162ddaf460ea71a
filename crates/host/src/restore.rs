//! `perennial restore`: puts a copy of a store on SQLite into a state folder that has none.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::{Context, bail};

use crate::backup::check;
use crate::draft::{Draft, rest_of};
use crate::locks::Locks;
use crate::restored::{Restored, rename};
use crate::sqlite::DEFAULT_FILE;
use crate::state_dir;

/// Makes a copy the store of a state folder, under a new `epoch`: nobody ever sees it under that of the copy.
///
/// # Errors
/// When a host runs on the folder or a store is in it, or the copy is damaged or none of a store. Then nothing is changed.
pub fn restore(from: &Path, state_dir: &Path) -> anyhow::Result<Restored> {
    let copy = File::open(from).with_context(|| format!("the backup {}", from.display()))?;
    if let Some(rest) = rest_of(from) {
        bail!("{} belongs to the backup: the file is not whole by itself, or is in use", rest.display());
    }
    state_dir::create(state_dir)?;
    let _nobody_else = Locks::take_all(state_dir).context("a store in use stays as it is")?;
    let store = state_dir.join(DEFAULT_FILE);
    let draft = Draft::of(&store)?;
    if let Some(rest) = rest_of(&store) {
        bail!("{} is there, of another store, and would spoil this one: remove it", rest.display());
    }
    fill(&draft, copy)?;
    let restored = check(draft.path()).and_then(|()| rename(draft.path()));
    let restored = restored.with_context(|| format!("the backup {}", from.display()))?;
    draft.finish()?;
    Ok(restored)
}

fn fill(draft: &Draft, mut copy: File) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).open(draft.path())?;
    std::io::copy(&mut copy, &mut file).context("copying the backup")?;
    Ok(())
}
