//! Tells the story of a task that comes back, through the public API of a running service.

mod api;
mod household;
mod listener;
mod reminder;
mod returns;
mod told;
mod wait;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use api::Api;

/// Creates the tasks of a household, completes some, and receives a reminder.
#[derive(Debug, Parser)]
struct Options {
    /// Where the service listens.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    address: String,
    /// The token; without it, the one in the token file.
    #[arg(long, env = "PERENNIAL_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Where the service keeps its token.
    #[arg(long, default_value = ".perennial/token")]
    token_file: PathBuf,
    /// The tasks: a JSON array of what POST /v1/tasks takes.
    #[arg(long, default_value = "examples/household.json")]
    tasks: PathBuf,
    /// Stand in for the clock, where the service runs without its cron trigger.
    #[arg(long)]
    sweep: bool,
}

fn main() -> ExitCode {
    match tell(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo ends here: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tell(options: &Options) -> anyhow::Result<()> {
    let api = Api::new(&options.address, token(options)?, options.sweep);
    let health = api.health()?;
    println!("Perennial {} at {}", health.version, options.address);

    let household = household::read(&options.tasks)?;
    println!("\n1. {} tasks from {}", household.len(), options.tasks.display());
    let tasks = household::create(&api, &household)?;

    println!("\n2. Done, and when it comes back");
    returns::complete_one_of_each_kind(&api, &tasks)?;

    println!("\n3. A reminder, by a signed webhook");
    reminder::receive(&api)?;

    println!("\nAll of it is in the service now. To look around:");
    let token = match &options.token {
        Some(_) => "$PERENNIAL_TOKEN".to_owned(),
        None => format!("$(cat {})", options.token_file.display()),
    };
    println!("   curl -H \"Authorization: Bearer {token}\" {}/v1/tasks", options.address);
    Ok(())
}

fn token(options: &Options) -> anyhow::Result<String> {
    if let Some(token) = &options.token {
        return Ok(token.clone());
    }
    let file = &options.token_file;
    let token = fs::read_to_string(file).with_context(|| {
        format!("cannot read the token in {}. Run `make up` first, in another terminal", file.display())
    })?;
    Ok(token.trim().to_owned())
}
