//! The folder that holds everything the host keeps: data, logs, the token, compiled code. Only its owner may enter.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The length of a token before encoding.
const TOKEN_BYTES: usize = 32;

/// Creates the folder, and what is missing above it, for its owner only.
pub(crate) fn create(path: &Path) -> anyhow::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))?;
    Ok(std::path::absolute(path)?)
}

/// The token in `STATE_DIR/token`, made if there is none.
pub(crate) fn token(state_dir: &Path) -> anyhow::Result<String> {
    let path = state_dir.join("token");
    let context = || format!("the token file {}", path.display());
    if !path.exists() {
        make(state_dir, &path).with_context(context)?;
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).with_context(context)?;
    let token = std::fs::read_to_string(&path).with_context(context)?;
    match token.trim() {
        "" => bail!("{} is empty: delete it to have a new one made", context()),
        token => Ok(token.to_owned()),
    }
}

/// Makes the token file: whole or not at all, and never over one that is there.
fn make(state_dir: &Path, path: &Path) -> anyhow::Result<()> {
    let draft = state_dir.join(format!(".token-{}", std::process::id()));
    let _ = std::fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(new_token()?.as_bytes())?;
    file.sync_all()?;
    // A hard link fails where the name is taken; a rename would replace it.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn new_token() -> anyhow::Result<String> {
    let mut bytes = [0u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness for the token: {error}"))?;
    Ok(bytes.iter().fold(String::from("prn_"), |token, byte| format!("{token}{byte:02x}")))
}
