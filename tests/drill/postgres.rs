//! PostgreSQL: a base backup under load, an archive of the log, and servers restored from these.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use perennial_postgres::number;
use perennial_tests::{Client, Service, Setup, on_postgres, perennial};

use crate::after::Reader;
use crate::cluster::{Cluster, is_left, state, titles};
use crate::load::{lost, under_load};
use crate::{CLIENTS, archive_timeout, writes};

/// How long a file of the log may take to be kept once it is to be archived, on a busy machine.
const ARCHIVED: Duration = Duration::from_secs(10);

/// What may be lost at most where nothing but a base backup and the archive are left.
fn most() -> Duration {
    Duration::from_secs(archive_timeout().try_into().unwrap()) + ARCHIVED
}

/// Starts the service on a database, with a state folder of its own.
fn start(state_dir: PathBuf, database: &str) -> Service {
    let variables = on_postgres(database);
    Service::with(Setup { state_dir: Some(state_dir), variables, ..Setup::default() })
}

/// Gives a restored database a new epoch; what was printed, or the error.
fn restored(database: &str) -> Result<String, String> {
    let output = perennial().arg("restored").env("SPIN_VARIABLE_DATABASE_URL", database).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn a_store_on_postgresql_is_restored_from_a_base_backup_and_an_archive() {
    let Some(mut cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = cluster.server.database();
    let name = database.rsplit('/').next().unwrap().to_owned();
    let mut service = start(folder.path().join("first"), &database);
    let users: Vec<Client> = (0..CLIENTS).map(|number| service.user(&format!("Client {number}"))).collect();

    // The server is ended as if it had crashed, while everybody writes.
    let base = cluster.scripts.at("base/1");
    let (killed, end) = under_load(&users, "killed", |ledger| {
        ledger.wait_for(writes());
        print!("PostgreSQL: under load, {}", cluster.scripts.backup(cluster.server.port(), &base));
        let backed_up = Instant::now();
        ledger.wait_for(writes());
        // For so long that an archive which keeps nothing would be seen to.
        sleep((most() + ARCHIVED / 2).saturating_sub(backed_up.elapsed()));
        cluster.server.stop_immediate();
        Instant::now()
    });

    // Its disk is gone: there is the base backup, and what of the log it has archived.
    {
        let (server, took) = cluster.restore(&base, None);
        let there = titles(&server.address(&name));
        let (count, since) = lost(&killed, &there, end);
        println!(
            "PostgreSQL: killed under load after {} writes; of base backup and archive alone, restored in {:.2} s, {count} writes of the \
             last {:.2} s are lost (archive_timeout {} s)",
            killed.len(),
            took.as_secs_f64(),
            since.as_secs_f64(),
            archive_timeout()
        );
        assert!(since <= most(), "more is lost than what was written in {:?}", most());
    }

    // Its disk can still be read: nothing is lost.
    service.kill();
    let (server, took) = cluster.restore(&base, Some(&cluster.log()));
    let with_log = state(&server.address(&name));
    drop(server);
    cluster.server.start_again();
    assert_eq!(
        state(&database).tables,
        with_log.tables,
        "it holds what the server has that goes on by itself"
    );
    assert_eq!(lost(&killed, &titles(&database), end).0, 0, "nothing that was acknowledged is lost");
    println!(
        "PostgreSQL: with the log of the server that was killed, restored in {:.2} s, none is lost",
        took.as_secs_f64()
    );

    // It goes on, and ends in its own way: its archive is whole.
    let mut service = start(folder.path().join("first"), &database);
    let users: Vec<Client> = users.iter().map(|user| service.anyone().with_token(user.token())).collect();
    let (clean, ()) = under_load(&users, "clean", |ledger| ledger.wait_for(writes()));
    let reader = Reader::new(&service);
    let refused = restored(&database).unwrap_err();
    assert!(refused.contains("a store in use stays as it is"), "{refused}");
    service.kill();
    is_left(&database);
    let armed = format!("SELECT count(*) FROM alarm WHERE task_id = '{}' AND state = 'armed'", reader.task());
    assert_eq!(number(&database, &armed), 1, "nobody was reminded before");
    let before = state(&database);
    cluster.server.stop();

    let (server, took) = cluster.restore(&base, None);
    let database = server.address(&name);
    let after = state(&database);
    assert_eq!(after.tables, before.tables, "it holds the same");
    assert_eq!(after.hash(), before.hash());
    let all = [killed, clean].concat();
    assert_eq!(lost(&all, &titles(&database), Instant::now()).0, 0);
    println!(
        "PostgreSQL: {} writes; state {} of {} rows in {} tables, equal once restored from a clean archive, which took {:.2} s; 0 s of \
         writes are lost",
        all.len(),
        &before.hash()[..16],
        before.rows(),
        before.tables.len(),
        took.as_secs_f64()
    );
    restored(&database).unwrap();
    assert_ne!(state(&database).epoch, before.epoch, "it is another history");
    let service = start(folder.path().join("second"), &database);
    reader.comes_again(&service);
}
