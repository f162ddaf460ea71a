//! `perennial`: the application's own host.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use perennial_host::cli::{BackupArgs, Cli, Command, MigrateArgs, PutBack, RestoreArgs, UpArgs};
use perennial_host::repeats::{HostLog, WINDOW};
use perennial_host::{
    Copied, Hooks, Restored, Running, backup, migrate, restore, restored, restored_database, start,
};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Allocates for the host, and for SQLite too: it takes the place of the C library's `malloc`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads for statements of SQLite and for names that are looked up. The latter may take no more than a part of them.
const BLOCKING_THREADS: usize = 1024;

fn main() -> ExitCode {
    keep_errors_cheap();
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,perennial_host=info"));
    let terminal = std::io::stderr().is_terminal();
    let host_log = HostLog::default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(host_log.clone());
    log.with_ansi(terminal).with_target(false).init();
    allow_many_connections();
    match run(Cli::parse(), host_log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Errors carry no backtrace of the host unless `RUST_LIB_BACKTRACE` asks for it: the engine makes one whenever a guest's
/// store is dropped, and where `RUST_BACKTRACE` is set each walked the stack. Panics still tell theirs.
#[expect(unsafe_code, reason = "the environment can be set only while there is one thread")]
fn keep_errors_cheap() {
    if std::env::var_os("RUST_LIB_BACKTRACE").is_none() {
        // SAFETY: called first of all, before any thread is started.
        unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") };
    }
}

/// Takes as many file descriptors as the system gives. What a shell gives by default is fewer than the guests that may
/// run at once.
fn allow_many_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

fn run(cli: Cli, log: HostLog) -> anyhow::Result<()> {
    let arguments = match cli.command {
        Command::Up(arguments) => arguments,
        Command::Backup(BackupArgs { state_dir, to }) => {
            let Copied { bytes, took } = backup(&state_dir, &to)?;
            writeln!(
                std::io::stdout(),
                "Backup: {}, {bytes} bytes in {:.2} s",
                to.display(),
                took.as_secs_f64()
            )?;
            return Ok(());
        }
        Command::Restore(RestoreArgs { from, state_dir }) => return tell(&restore(&from, &state_dir)?),
        Command::Restored(arguments) => {
            return tell(&match arguments.store()? {
                PutBack::StateDir(folder) => restored(&folder)?,
                PutBack::Database(address) => restored_database(&address)?,
            });
        }
        Command::Migrate(MigrateArgs { database_url }) => {
            return migrate(&database_url, &mut std::io::stdout());
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(WINDOW).await;
            log.tell(Instant::now());
        }
    });
    let result = runtime.block_on(up(arguments));
    // Statements that still run on blocking threads are cut with the process.
    runtime.shutdown_background();
    result
}

fn tell(Restored { before, after }: &Restored) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "Epoch: {after} (before: {before})")?)
}

async fn up(arguments: UpArgs) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let running = tokio::select! {
        running = start(arguments.options()?, Hooks::default()) => running?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
        _ = hangup.recv() => return Ok(()),
    };
    greet(&running);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    running.stop().await;
    Ok(())
}

/// Tells where everything is. The token is shown here and nowhere else, as Jupyter does.
fn greet(running: &Running) {
    // Nobody may be reading: that is no reason to stop.
    let _ = write_greeting(running, &mut std::io::stdout().lock());
}

fn write_greeting(running: &Running, out: &mut impl Write) -> std::io::Result<()> {
    let address = format!("http://{}", running.address);
    writeln!(out, "\nServing {address}")?;
    writeln!(out, "Available Routes:")?;
    for (target, route) in &running.routes {
        writeln!(out, "  {target}: {address}{route}")?;
    }
    if let Some(token) = &running.token {
        writeln!(out, "Token:   {token}  (kept in {})", running.state_dir.join("token").display())?;
    }
    writeln!(out, "Data:    {}", running.state_dir.display())?;
    match (&running.sidecar, &running.in_process_bus) {
        (Some(port), _) => writeln!(out, "Bus:     the Dapr sidecar on port {port}")?,
        (None, Some(address)) => {
            writeln!(out, "Bus:     in-process, in place of {address} (give redis_url to use a Redis)")?
        }
        (None, None) => writeln!(out, "Bus:     Redis, as configured")?,
    }
    let how = match running.compiled {
        0 => "compiled code from the cache".to_owned(),
        1 => "1 wasm file compiled".to_owned(),
        n => format!("{n} wasm files compiled"),
    };
    writeln!(out, "Started: in {:.2} s, {how}\n", running.started_in.as_secs_f64())?;
    out.flush()
}
