//! `perennial migrate`: brings the database of a store on PostgreSQL up to the schema of this build.

use std::io::Write;

use perennial_store::postgres::{Done, Migrated, Patience, Step};

use crate::database::connect;

/// Brings a database up to this build's schema, and tells `out` what is done.
///
/// # Errors
/// When the server cannot be reached, or the database is not to be migrated; what was applied before stays.
pub fn migrate(address: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut client = connect(address, "perennial migrate")?;
    let mut told = Ok(());
    let mut tell = |step: Step<'_>| {
        if told.is_ok() {
            told = write_step(&step, out);
        }
    };
    let migrated = perennial_store::postgres::migrate(&mut client, &Patience::default(), &mut tell)?;
    told?;
    Ok(write_end(&migrated, out)?)
}

fn write_step(step: &Step<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    match step {
        Step::Waits => writeln!(out, "Somebody else migrates this database: waiting for them"),
        Step::Applied(Done { name, took }) => {
            writeln!(out, "Applied {name}.sql in {:.2} s", took.as_secs_f64())
        }
        Step::InTheWay { why, .. } => writeln!(out, "Others are in the way, and it is tried again: {why}"),
        _ => Ok(()),
    }
}

fn write_end(migrated: &Migrated, out: &mut dyn Write) -> std::io::Result<()> {
    let Migrated { before, now, applied } = migrated;
    match (before, applied.is_empty()) {
        (0, _) => writeln!(out, "Schema: version {now} (new)"),
        (_, true) => writeln!(out, "Schema: version {now}, nothing to do"),
        _ => writeln!(out, "Schema: version {now} (before: {before})"),
    }
}
