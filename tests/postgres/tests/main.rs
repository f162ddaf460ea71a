//! The test server itself: what it keeps, what it loses, and that nothing of it stays behind.

mod scripts;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use perennial_postgres::postgres::{Client, NoTls};
use perennial_postgres::{Server, Setup, connect};
use perennial_store::postgres::{Clock, NativePg, Postgres};

/// Says to this program, started anew, that it is to be the one that is killed.
const VICTIM: &str = "PERENNIAL_POSTGRES_VICTIM";

fn number(client: &mut Client, query: &str) -> i64 {
    client.query_one(query, &[]).unwrap().get(0)
}

#[test]
fn each_database_is_fresh_and_has_the_schema() {
    let Some(server) = Server::shared() else { return };
    let (one, other) = (server.database(), server.database());
    assert_ne!(one, other);
    let add = "INSERT INTO tally (name, part, value) VALUES ('test', 0, 1)";
    connect(&one).batch_execute(add).unwrap();
    assert_eq!(number(&mut connect(&one), "SELECT count(*) FROM tally"), 1);
    assert_eq!(number(&mut connect(&other), "SELECT count(*) FROM tally"), 0);
    Postgres::open(NativePg::open(&other).unwrap(), Clock::Database).unwrap().check().unwrap();
    assert!(connect(&server.empty_database()).batch_execute(add).is_err());
}

#[test]
fn what_is_lent_goes_back() {
    let Some(server) = Server::shared() else { return };
    let lent = server.lend();
    let (address, name) = (lent.to_owned(), lent.name().to_owned());
    let held = connect(&lent);
    drop(lent);
    assert!(Client::connect(&address, NoTls).is_err());
    assert!(
        held.is_closed() || {
            let mut held = held;
            held.batch_execute("SELECT 1").is_err()
        }
    );
    let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(number(&mut connect(&server.address("postgres")), &there), 0);
}

/// Where nothing is said, text is compared as people would: a statement that forgets `COLLATE "C"` is seen.
#[test]
fn a_forgotten_collation_shows() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend();
    let mut client = connect(&database);
    let orders = "SELECT array_agg(x ORDER BY x) <> array_agg(x ORDER BY x COLLATE \"C\") FROM unnest('{a,B,c}'::text[]) x";
    assert!(client.query_one(orders, &[]).unwrap().get::<_, bool>(0));
}

#[test]
fn it_is_ended_and_started_again_with_what_it_has_committed() {
    let Some(mut server) = Server::with(Setup { fsync: true, ..Setup::default() }) else { return };
    let address = server.database();
    let mut client = connect(&address);
    client.batch_execute("INSERT INTO tally (name, part, value) VALUES ('kept', 0, 1)").unwrap();
    let mut transaction = client.transaction().unwrap();
    transaction.batch_execute("INSERT INTO tally (name, part, value) VALUES ('lost', 0, 1)").unwrap();
    server.stop_immediate();
    assert!(transaction.batch_execute("SELECT 1").is_err());
    assert!(Client::connect(&address, NoTls).is_err());
    server.start_again();
    assert_eq!(number(&mut connect(&address), "SELECT count(*) FROM tally"), 1);
    server.stop();
    server.start_again();
    assert_eq!(number(&mut connect(&address), "SELECT count(*) FROM tally"), 1);
}

#[test]
fn frozen_it_takes_connections_and_answers_nobody() {
    let Some(server) = Server::start() else { return };
    let address = server.empty_database();
    let mut client = connect(&address);
    server.freeze();
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port())).is_ok());
    let asked = thread::spawn(move || number(&mut client, "SELECT 1::bigint"));
    let connected = thread::spawn(move || number(&mut connect(&address), "SELECT 2::bigint"));
    thread::sleep(Duration::from_millis(300));
    assert!(!asked.is_finished() && !connected.is_finished());
    server.thaw();
    assert_eq!((asked.join().unwrap(), connected.join().unwrap()), (1, 2));
}

#[test]
fn it_ends_with_whoever_started_it_even_frozen_and_leaves_nothing() {
    if std::env::var_os(VICTIM).is_some() {
        return be_killed();
    }
    for frozen in ["", "frozen"] {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "it_ends_with_whoever_started_it_even_frozen_and_leaves_nothing",
                "--nocapture",
            ])
            .env(VICTIM, frozen)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
        let told = lines.filter_map(|line| line.strip_prefix("server ").map(str::to_owned)).next();
        let Some(told) = told else {
            // There is no PostgreSQL.
            victim.wait().unwrap();
            return;
        };
        let (id, folder) = told.split_once(' ').unwrap();
        assert!(runs(id) && Path::new(folder).is_dir());
        victim.kill().unwrap();
        victim.wait().unwrap();
        let begun = Instant::now();
        while runs(id) || Path::new(folder).exists() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the server {id} or {folder} is still there");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Starts a server, tells of it and waits for its end.
fn be_killed() {
    let Some(server) = Server::start() else { return };
    if std::env::var(VICTIM).unwrap() == "frozen" {
        server.freeze();
    }
    println!("\nserver {} {}", server.id().unwrap(), server.folder().display());
    std::io::stdout().flush().unwrap();
    thread::sleep(Duration::from_secs(60));
}

/// Whether a process is there, and no zombie.
fn runs(id: &str) -> bool {
    let told = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    told.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
