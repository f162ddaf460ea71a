//! Sessions over TLS, and `perennial migrate`: the binary, since the authority to trust is a matter of its process.

use std::path::Path;
use std::process::{Command, Output};

use perennial_postgres::{Server, Setup, number};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::APP;
use crate::cli::Up;

fn with_tls() -> Option<Server> {
    Server::with(Setup { tls: true, ..Setup::default() })
}

/// The address of a database for whoever comes over TLS alone.
fn secret(address: &str) -> String {
    address.replace("postgres@", "secret:secret@")
}

#[test]
fn a_session_over_tls_is_with_whom_the_certificate_names() {
    let Some(server) = with_tls() else { return };
    let (folder, database) = (TempDir::new().unwrap(), server.empty_database());
    let body =
        APP.replace("\"postgres://127.0.0.1:*\"", "\"postgres://127.0.0.1:*\", \"postgres://127.0.0.2:*\"");
    let up = Up::start(Up::command_of(folder.path(), &body).env("SSL_CERT_FILE", server.authority()));
    let ask = |address: &str| -> Value {
        let statements = json!([
            ["query", "SELECT ssl::text AS x FROM pg_stat_ssl WHERE pid = pg_backend_pid()"],
            ["execute", "BEGIN"],
        ]);
        up.post("/pg", &json!({ "address": address, "statements": statements }).to_string())
    };
    let encrypted = |address: &str| ask(address)["results"][0]["rows"][0][0]["str"].clone();
    for mode in ["", "?sslmode=prefer", "?sslmode=require"] {
        assert_eq!(encrypted(&format!("{database}{mode}")), "true", "{mode}");
    }
    assert_eq!(encrypted(&format!("{database}?sslmode=disable")), "false");
    // Who logs in binds it to the certificate.
    assert_eq!(encrypted(&format!("{}?sslmode=require&channel_binding=require", secret(&database))), "true");
    let refused = ask(&format!("{}?sslmode=disable", secret(&database)));
    assert!(refused.to_string().contains("pg_hba.conf rejects connection"), "{refused}");
    // What is read of a session inside of TLS is what the server says there: a transaction that was left open does not stay.
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    let begun = std::time::Instant::now();
    while number(&database, open) > 0 {
        assert!(begun.elapsed().as_secs() < 10, "a transaction is open");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let idle =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'perennial' AND state = 'idle'";
    assert_eq!(number(&database, idle), 5);
}

#[test]
fn nobody_unknown_is_trusted_at_any_mode() {
    let Some(server) = with_tls() else { return };
    let (folder, database) = (TempDir::new().unwrap(), server.empty_database());
    let up = Up::start(&mut Up::command_of(folder.path(), APP));
    for mode in ["prefer", "require"] {
        let reply = up.post("/pg", &json!({ "address": format!("{database}?sslmode={mode}") }).to_string());
        let told = reply["error"]["connection-failed"].as_str().unwrap_or_else(|| panic!("{reply}"));
        assert!(told.contains("TLS") && told.contains("UnknownIssuer"), "{told}");
    }
}

fn migrate(address: &str, authority: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
    command.arg("migrate").env("SPIN_VARIABLE_DATABASE_URL", address);
    if let Some(authority) = authority {
        command.env("SSL_CERT_FILE", authority);
    }
    command.output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn migrate_says_what_it_does_and_does_it_once() {
    let Some(server) = with_tls() else { return };
    let (database, authority) = (server.empty_database(), server.authority());
    let address = format!("{}?sslmode=require&channel_binding=require", secret(&database));
    let first = migrate(&address, Some(&authority));
    assert!(first.status.success(), "{}", told(&first));
    let says = told(&first);
    assert!(says.contains("Applied 0001_tables.sql in "), "{says}");
    let version = says.lines().last().and_then(|line| line.strip_suffix(" (new)"));
    let version = version.unwrap_or_else(|| panic!("{says}"));
    let second = migrate(&address, Some(&authority));
    assert_eq!((second.status.success(), told(&second)), (true, format!("{version}, nothing to do\n")));
    assert!(version.starts_with("Schema: version "), "{says}");

    let untrusted = migrate(&address, None);
    assert!(
        !untrusted.status.success() && told(&untrusted).contains("UnknownIssuer"),
        "{}",
        told(&untrusted)
    );
    let nowhere = migrate("postgres://postgres:hidden@127.0.0.1:1/nowhere", None);
    assert!(
        !nowhere.status.success() && told(&nowhere).contains("refused") && !told(&nowhere).contains("hidden"),
        "{}",
        told(&nowhere)
    );

    perennial_postgres::batch(
        &database,
        "UPDATE schema_migration SET checksum = '' WHERE name = '0001_work'",
    );
    let changed = migrate(&database, Some(&authority));
    assert!(
        !changed.status.success() && told(&changed).contains("0001_work.sql has changed"),
        "{}",
        told(&changed)
    );
}
