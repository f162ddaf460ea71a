//! The command line. The words of `up` are those of `spin up`.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};

use crate::UpOptions;

/// Perennial's host and its native commands.
#[derive(Debug, Parser)]
#[command(name = "perennial", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the application.
    Up(UpArgs),
    /// Copy the store of a state directory into a new file, while the service runs or not. (On PostgreSQL: scripts/postgres/backup.)
    Backup(BackupArgs),
    /// Put a copy that `perennial backup` has made into a state directory without a store. Readers of its events are told, as by `restored`.
    Restore(RestoreArgs),
    /// Tell a store that it was put back from a copy: readers of its events are told that they go on from another history.
    Restored(RestoredArgs),
    /// Bring the database of a store on PostgreSQL up to the schema of this build, which it must have before this build is started.
    Migrate(MigrateArgs),
}

/// The arguments of `perennial migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The database, as postgres://user:password@host:port/database; `?sslmode=require` or `disable` after it, or `prefer`, which is the default.
    #[arg(long, env = "SPIN_VARIABLE_DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
}

/// The arguments of `perennial backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Where the store lies: the --state-dir of `perennial up`.
    #[arg(long)]
    pub state_dir: PathBuf,
    /// The file to make. One that is there is not touched.
    pub to: PathBuf,
}

/// The arguments of `perennial restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The copy, which stays as it is.
    pub from: PathBuf,
    /// Where the store is to lie: the --state-dir of `perennial up`. A store that is there is not touched.
    #[arg(long)]
    pub state_dir: PathBuf,
}

/// The arguments of `perennial restored`.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct RestoredArgs {
    /// Where the store lies: the --state-dir of `perennial up`.
    #[arg(long)]
    pub state_dir: Option<PathBuf>,
    /// The database, as for `perennial migrate`. Where neither is said, SPIN_VARIABLE_DATABASE_URL says it, which others cannot read as they can a command line.
    #[arg(long)]
    pub database_url: Option<String>,
}

/// Which store was put back.
#[derive(Debug)]
pub enum PutBack {
    /// The one of a state directory.
    StateDir(PathBuf),
    /// The one in a database.
    Database(String),
}

impl RestoredArgs {
    /// The store that they name.
    ///
    /// # Errors
    /// When they name none.
    pub fn store(self) -> anyhow::Result<PutBack> {
        let named = std::env::var("SPIN_VARIABLE_DATABASE_URL").ok().filter(|url| !url.is_empty());
        match (self.state_dir, self.database_url.or(named)) {
            (Some(folder), _) => Ok(PutBack::StateDir(folder)),
            (None, Some(url)) => Ok(PutBack::Database(url)),
            (None, None) => bail!("which store? --state-dir says it, or SPIN_VARIABLE_DATABASE_URL"),
        }
    }
}

/// The arguments of `perennial up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// The manifest, or the folder that holds a spin.toml.
    #[arg(short = 'f', long = "from", alias = "file", default_value = "spin.toml")]
    from: PathBuf,
    /// The IP address and port to listen on.
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000", value_parser = parse_address)]
    listen: SocketAddr,
    /// The runtime configuration file.
    #[arg(long, env = "RUNTIME_CONFIG_FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Where data, logs, the token and compiled code lie [default: .spin beside the manifest].
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Where compiled code lies [default: cache in the state directory].
    #[arg(long)]
    cache_dir: Option<PathBuf>,
    /// Keep this component, with its triggers. May be repeated.
    #[arg(short = 'c', long = "component-id", env = "SPIN_COMPONENTS_TO_RETAIN", value_delimiter = ',')]
    component_id: Vec<String>,
    /// A value of a variable: name=value, name=@file, or @file.toml or @file.json with many. May be repeated.
    #[arg(long = "variable")]
    variable: Vec<String>,
    /// Do not echo what components write to stdout and stderr.
    #[arg(short, long)]
    quiet: bool,
    /// How many HTTP requests may run at once.
    #[arg(long, env = "SPIN_MAX_INSTANCE_COUNT", default_value_t = 1000, hide = true)]
    max_instances: u32,
}

impl UpArgs {
    /// The options these arguments stand for.
    ///
    /// # Errors
    /// When a `--variable` is malformed or its file cannot be read.
    pub fn options(self) -> anyhow::Result<UpOptions> {
        let mut variables = Vec::new();
        for variable in &self.variable {
            variables.extend(parse_variable(variable)?);
        }
        Ok(UpOptions {
            from: self.from,
            listen: self.listen,
            runtime_config_file: self.runtime_config_file,
            state_dir: self.state_dir,
            components: self.component_id,
            variables,
            cache_dir: self.cache_dir,
            quiet: self.quiet,
            max_instances: self.max_instances,
            ..UpOptions::default()
        })
    }
}

fn parse_address(text: &str) -> anyhow::Result<SocketAddr> {
    let addresses: Vec<SocketAddr> = text.to_socket_addrs()?.collect();
    // As in Spin: `localhost` is 127.0.0.1, wherever the system would put ::1 first.
    let local = addresses.iter().find(|address| address.ip() == Ipv4Addr::LOCALHOST);
    local.or(addresses.first()).copied().context("couldn't resolve address")
}

fn parse_variable(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    if let Some(path) = text.strip_prefix('@') {
        let path = Path::new(path);
        let read =
            || std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()));
        let parsed: std::collections::BTreeMap<String, String> =
            match path.extension().and_then(|e| e.to_str()) {
                Some("json") => serde_json::from_str(&read()?).with_context(|| path.display().to_string())?,
                Some("toml") => toml::from_str(&read()?).with_context(|| path.display().to_string())?,
                _ => bail!("variable files must end in .json or .toml"),
            };
        return Ok(parsed.into_iter().collect());
    }
    let Some((name, value)) = text.split_once('=') else {
        bail!("variables must be in the form 'key=value' or '@file'");
    };
    let value = match value.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("failed to read {path}"))?,
        None => value.to_owned(),
    };
    Ok(vec![(name.to_owned(), value)])
}
