//! The scripts that keep PostgreSQL's log and give it back: what they never do. They are tried without a server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use perennial_postgres::Server;
use tempfile::TempDir;

/// Files of the log, in their order.
const FIRST: &str = "0000000100000000000000FE";
const SECOND: &str = "0000000100000000000000FF";
const THIRD: &str = "000000010000000100000000";

/// What is in an archive as long as it is mounted.
const MOUNTED: &str = "is-mounted";

/// The end of a restore_command after which PostgreSQL goes on, since there is no such file.
const NO_SUCH_FILE: i32 = 1;

/// An archive, and a folder with the log of a server.
struct Folders {
    archive: PathBuf,
    log: PathBuf,
    _temporary: TempDir,
}

impl Folders {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let [archive, log] = ["an archive", "pg_wal"].map(|name| temporary.path().join(name));
        [&archive, &log].iter().for_each(|folder| fs::create_dir(folder).unwrap());
        fs::write(archive.join(MOUNTED), "").unwrap();
        Self { archive, log, _temporary: temporary }
    }

    /// The server has a file of its log archived.
    fn archive(&self, name: &str, text: &str) -> Output {
        fs::write(self.log.join(name), text).unwrap();
        run("archive", &[&self.archive, &self.log.join(name), name.as_ref()])
    }

    /// A server that is being restored asks for a file; what it gets, or how it is refused.
    fn fetch(&self, name: &str, others: &[&Path]) -> Result<String, i32> {
        let to = self.log.join("RECOVERYXLOG");
        let asked: [&Path; 3] = [&self.archive, name.as_ref(), &to];
        let output = run("fetch", &[&asked, others].concat());
        match output.status.code() {
            Some(0) => Ok(fs::read_to_string(to).unwrap()),
            code => Err(code.unwrap()),
        }
    }

    fn kept(&self) -> Vec<String> {
        let names = fs::read_dir(&self.archive).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != MOUNTED).collect();
        names.sort();
        names
    }

    fn kept_as(&self, name: &str) -> PathBuf {
        self.archive.join(format!("{name}.gz"))
    }
}

fn run(name: &str, arguments: &[&Path]) -> Output {
    script(name, arguments).output().unwrap()
}

fn script(name: &str, arguments: &[&Path]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres").join(name);
    let mut command = Command::new("/bin/sh");
    command.arg(script).args(arguments);
    command
}

/// A folder with programs in a shell's words.
fn programs(folders: &Folders, programs: &[(&str, &str)]) -> PathBuf {
    let folder = folders.log.with_file_name("bin");
    fs::create_dir_all(&folder).unwrap();
    for (name, words) in programs {
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\n{words}\n")).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// A pg_basebackup that copies no more than the beginning of its log.
const COPIES: &str = "for said; do to=${said#--pgdata=}; [ \"$to\" = \"$said\" ] || break; done; mkdir -p \"$to\"; \
     echo 'START WAL LOCATION: 0/FF000028 (file 0000000100000000000000FF)' >\"$to/backup_label\"";

#[test]
fn what_is_archived_comes_back_and_is_never_written_again() {
    let folders = Folders::new();
    for text in ["first", "first"] {
        let again = folders.archive(FIRST, text);
        assert!(
            again.status.success(),
            "asked twice, it is kept: {}",
            String::from_utf8_lossy(&again.stderr)
        );
    }
    assert!(!folders.archive(FIRST, "of another server").status.success());
    assert_eq!(folders.kept(), [format!("{FIRST}.gz")], "and nothing else is left there");
    assert_eq!(folders.fetch(FIRST, &[]), Ok("first".to_owned()));
}

#[test]
fn an_archive_that_is_not_mounted_takes_nothing_and_has_not_ended() {
    let folders = Folders::new();
    assert!(folders.archive(FIRST, "first").status.success());
    assert_eq!(folders.fetch(SECOND, &[]), Err(NO_SUCH_FILE));
    // The folder that it was mounted on is there, and empty.
    fs::rename(&folders.archive, folders.archive.with_file_name("elsewhere")).unwrap();
    fs::create_dir(&folders.archive).unwrap();
    for there in [true, false] {
        assert!(!folders.archive(SECOND, "second").status.success());
        for name in [FIRST, SECOND, "00000002.history"] {
            assert!(folders.fetch(name, &[]).unwrap_err() > 125, "{name}");
        }
        assert!(folders.fetch(FIRST, &[&folders.log]).unwrap_err() > 125);
        if there {
            assert_eq!(fs::read_dir(&folders.archive).unwrap().count(), 0);
            fs::remove_dir(&folders.archive).unwrap();
        }
    }
    assert!(!folders.archive.exists());
}

#[test]
fn an_archive_without_the_first_file_of_a_backup_is_not_taken_for_its_end() {
    let folders = Folders::new();
    let (backup, data) = (folders.log.join("base"), folders.log.join("data"));
    fs::create_dir(&backup).unwrap();
    let label = format!("START WAL LOCATION: 0/FF000028 (file {SECOND})\nCHECKPOINT LOCATION: 0/FF000060\n");
    fs::write(backup.join("backup_label"), label).unwrap();
    let programs = programs(&folders, &[("pg_verifybackup", "")]);
    let restore = |others: &[&Path]| {
        let asked: [&Path; 3] = [&backup, &folders.archive, &data];
        let output = script("restore", &[&asked, others].concat()).env("POSTGRES_BIN", &programs).output();
        let output = output.unwrap();
        let restored = data.join("recovery.signal").exists();
        let _ = fs::remove_dir_all(&data);
        assert_eq!(output.status.success(), restored);
        String::from_utf8(if restored { output.stdout } else { output.stderr }).unwrap()
    };
    assert!(folders.archive(THIRD, "third").status.success());
    let refused = restore(&[]);
    assert!(refused.contains(&format!("has no {SECOND}.gz")), "{refused}");
    // The server that has ended still has it.
    fs::write(folders.log.join(SECOND), "second").unwrap();
    assert!(restore(&[&folders.log]).contains("Restored: "));
    assert!(folders.archive(SECOND, "second").status.success());
    assert!(restore(&[]).contains("Restored: "));
    fs::remove_file(folders.archive.join(MOUNTED)).unwrap();
    let refused = restore(&[]);
    assert!(refused.contains("is not mounted"), "{refused}");
}

#[test]
fn a_hole_in_the_archive_is_not_its_end() {
    let folders = Folders::new();
    for (name, text) in [(FIRST, "first"), (SECOND, "second"), (THIRD, "third")] {
        assert!(folders.archive(name, text).status.success());
    }
    assert_eq!(folders.fetch("000000010000000100000001", &[]), Err(NO_SUCH_FILE));
    assert_eq!(folders.fetch("00000002.history", &[]), Err(NO_SUCH_FILE));
    assert_eq!(folders.fetch("000000020000000000000000", &[]), Err(NO_SUCH_FILE), "another time line");
    fs::remove_file(folders.kept_as(SECOND)).unwrap();
    assert_eq!(folders.fetch(FIRST, &[]), Ok("first".to_owned()));
    assert!(folders.fetch(SECOND, &[]).unwrap_err() > 125);
    assert_eq!(
        folders.fetch(SECOND, &[&folders.log]),
        Ok("second".to_owned()),
        "the server that ended still has it"
    );
}

#[test]
fn a_damaged_file_of_the_archive_is_not_its_end() {
    let folders = Folders::new();
    assert!(folders.archive(FIRST, &"first".repeat(100)).status.success());
    let mut bytes = fs::read(folders.kept_as(FIRST)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    fs::remove_file(folders.kept_as(FIRST)).unwrap();
    fs::write(folders.kept_as(FIRST), bytes).unwrap();
    assert!(folders.fetch(FIRST, &[]).unwrap_err() > 125);
}

#[test]
fn a_kept_file_that_has_lost_its_end_is_neither_kept_nor_the_end() {
    let folders = Folders::new();
    assert!(folders.archive(FIRST, "first").status.success());
    // Its digest: what is before it has all of the text.
    let bytes = fs::read(folders.kept_as(FIRST)).unwrap();
    fs::remove_file(folders.kept_as(FIRST)).unwrap();
    fs::write(folders.kept_as(FIRST), &bytes[..bytes.len() - 8]).unwrap();
    let refused = folders.archive(FIRST, "first");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("is damaged"), "{told}");
    assert!(folders.fetch(FIRST, &[]).unwrap_err() > 125);
    fs::remove_file(folders.kept_as(FIRST)).unwrap();
    assert!(folders.archive(FIRST, "first").status.success());
    assert_eq!(folders.fetch(FIRST, &[]), Ok("first".to_owned()));
}

#[test]
fn who_is_ended_while_it_archives_leaves_nothing_and_who_is_killed_nothing_that_stays() {
    let folders = Folders::new();
    fs::write(folders.log.join(FIRST), "first").unwrap();
    let archive = |signal: &str| {
        let path = programs(&folders, &[("gzip", &format!("kill -{signal} $PPID"))]);
        let path = format!("{}:/usr/bin:/bin", path.display());
        let mut script = script("archive", &[&folders.archive, &folders.log.join(FIRST), FIRST.as_ref()]);
        assert!(!script.env("PATH", path).output().unwrap().status.success());
    };
    archive("TERM");
    assert_eq!(folders.kept(), [""; 0]);
    archive("KILL");
    assert_eq!(folders.kept().len(), 1);
    assert!(folders.archive(FIRST, "first").status.success());
    assert_eq!(folders.kept(), [format!("{FIRST}.gz")]);
}

#[test]
fn a_base_backup_begins_where_it_can_be_verified_and_leaves_nothing_where_it_is_not() {
    let folders = Folders::new();
    let to = folders.log.join("base");
    let backup = |path: &str| {
        let mut script = script("backup", &[&to]);
        let output = script.env("POSTGRES_BIN", folders.log.with_file_name("bin")).env("PATH", path).output();
        let output = output.unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
    };
    let bin = programs(&folders, &[("pg_basebackup", ": >\"$0.ran\"")]);
    let refused = backup(bin.to_str().unwrap()).unwrap_err();
    assert!(refused.contains("there is no pg_verifybackup"), "{refused}");
    assert!(!bin.join("pg_basebackup.ran").exists());
    programs(&folders, &[("pg_basebackup", COPIES), ("pg_verifybackup", "exit 1")]);
    assert_eq!(backup("/usr/bin:/bin"), Err(String::new()));
    assert_eq!(fs::read_dir(&folders.log).unwrap().count(), 0);
    programs(&folders, &[("pg_verifybackup", "")]);
    assert_eq!(backup("/usr/bin:/bin"), Ok(()));
    assert!(to.join("backup_label").exists());
}

#[test]
fn the_programs_of_a_server_are_found_where_debian_has_them() {
    let Some(server) = Server::shared() else { return };
    if !server.installed().folder().starts_with("/usr/lib/postgresql") {
        return eprintln!("SKIPPED: this PostgreSQL is not Debian's");
    }
    let folders = Folders::new();
    let (to, data) = (folders.log.join("base"), folders.log.join("data"));
    let run = |command: &mut Command| {
        command.env("PGHOST", "127.0.0.1").env("PGPORT", server.port().to_string());
        command.env("PGUSER", "postgres").env("PATH", "/usr/bin:/bin").env_remove("POSTGRES_BIN");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&mut script("backup", &[&to]));
    run(&mut script("restore", &[&to, &folders.archive, &data, &to.join("pg_wal")]));
    assert!(data.join("recovery.signal").exists());
}

#[test]
fn a_base_backup_is_not_restored_over_anything() {
    let folders = Folders::new();
    let data = folders.log.join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "15").unwrap();
    let refused = run("restore", &[&folders.archive, &folders.archive, &data]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("is not empty"), "{told}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    // Nor is one made over anything: nobody is asked for it.
    let refused = run("backup", &[&data]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("is there already"), "{told}");
}
