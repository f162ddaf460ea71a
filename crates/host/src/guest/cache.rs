//! Compiled code on disk, so that the next start need not compile.
//!
//! A file is named by the wasm's hash and the compiler's, written aside and renamed into place, readable by its
//! owner only. Loading one runs it as machine code: a folder that others may write to is not used.

use std::fs::OpenOptions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::state_dir;

/// A component, and whether it had to be compiled.
pub(crate) struct Compiled {
    pub component: Component,
    pub fresh: bool,
}

/// The folder of compiled code; `None` if it cannot be trusted.
pub(crate) struct Cache(Option<PathBuf>);

impl Cache {
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let path = state_dir::create(path)?;
        let mode = std::fs::metadata(&path)?.permissions().mode();
        if mode & 0o022 != 0 {
            tracing::warn!(path = %path.display(), "others may write to the code cache: it is not used");
            return Ok(Self(None));
        }
        Ok(Self(Some(path)))
    }

    /// Loads the component from the cache, or compiles and keeps it.
    pub fn load(&self, engine: &Engine, wasm: &[u8]) -> anyhow::Result<Compiled> {
        let Some(folder) = &self.0 else {
            return Ok(Compiled { component: Component::from_binary(engine, wasm)?, fresh: true });
        };
        let path = folder.join(file_name(engine, wasm));
        if let Some(component) = read(engine, &path) {
            return Ok(Compiled { component, fresh: false });
        }
        let code = engine.precompile_component(wasm)?;
        write(&path, &code).with_context(|| format!("cannot write compiled code to {}", path.display()))?;
        let component = read(engine, &path).with_context(|| format!("cannot load {}", path.display()))?;
        Ok(Compiled { component, fresh: true })
    }
}

fn file_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    let digest = Sha256::digest(wasm);
    let name = digest.iter().fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
    format!("{name}-{:016x}.cwasm", compiler.finish())
}

#[expect(
    unsafe_code,
    reason = "the file was written by this program into a folder only its owner may write to"
)]
fn read(engine: &Engine, path: &Path) -> Option<Component> {
    if !path.exists() {
        return None;
    }
    // SAFETY: `Cache::open` checked the folder; the name binds the content to this compiler's version and settings.
    match unsafe { Component::deserialize_file(engine, path) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "compiled code cannot be used: compiling again");
            None
        }
    }
}

fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    // Several hosts may fill one cache at once, in this process and in others.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let aside = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(code)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}
