//! What a migration may not do, found in its text; `schema/README.md` says why. `make check` runs this.

use std::collections::BTreeSet;

use super::Plan;
use super::files::{FILES, File};
use super::statements::{Statement, statements};
use crate::postgres::schema::{COMPATIBLE, VERSION};

/// A comment of a statement that takes away what no build uses any more: `-- contract: unused since version 3`.
const CONTRACT: &str = "-- contract: unused since version ";

/// A comment of a statement that puts a function in the place of one that builds before use: why they do not mind.
const AS_BEFORE: &str = "-- as before: ";

/// Statements that end or begin a transaction, or set what the runner sets.
const CONTROL: [&str; 9] =
    ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "SET"];

/// Statements that lock or rewrite a whole table, or hide what they do.
const NEVER: [&str; 6] = ["LOCK", "TRUNCATE", "VACUUM", "CLUSTER", "REINDEX", "DO"];

/// What earlier versions have made, and what this one has: names in capitals, of tables, indexes, functions, triggers and views.
#[derive(Default)]
struct Made {
    before: BTreeSet<String>,
    now: BTreeSet<String>,
    version: i64,
}

/// What is wrong with the files of a plan: `file:line: why`.
fn wrong(plan: &Plan<'_>) -> Vec<String> {
    let mut made = Made::default();
    let mut found = Vec::new();
    for file in plan.files {
        if file.version != made.version {
            made.before.append(&mut made.now);
            made.version = file.version;
        }
        for statement in statements(file.text) {
            let mut tell = |why: &str| found.push(format!("{}.sql:{}: {why}", file.name, statement.line));
            check(file, &statement, plan.compatible, &made, &mut tell);
            made.now.extend(creates(&statement));
        }
    }
    found
}

fn check(file: &File, statement: &Statement<'_>, compatible: i64, made: &Made, tell: &mut dyn FnMut(&str)) {
    let first = statement.words.first().map(String::as_str).unwrap_or_default();
    if CONTROL.contains(&first) {
        tell("a file says nothing about its transaction, nor about settings");
    }
    if NEVER.contains(&first) {
        tell("it locks a whole table, or what it does cannot be told from its text");
    }
    if statement.begins(&["ALTER", "TYPE"])
        || (statement.begins(&["CREATE", "TYPE"]) && statement.has(&["ENUM"]))
    {
        tell("a list of names that must grow: what kinds and states there are is the domain's to say");
    }
    if !file.one_by_one() && statement.has(&["CONCURRENTLY"]) {
        tell("CONCURRENTLY is for files that begin with `-- no transaction`");
    }
    check_index(statement, made, tell);
    check_replaced(statement, made, tell);
    check_rows(file, statement, made, tell);
    if statement.begins(&["ALTER", "TABLE"]) {
        check_alter(file, statement, made, tell);
    }
    if takes_away(statement, made) && !is_contract(statement, compatible) {
        tell(
            "builds of the version before use it: expand, then contract; `-- contract: unused since version N` where none does",
        );
    }
    if file.one_by_one() {
        check_again(statement, tell);
    }
}

/// An index of a table that has rows is made, and goes, beside those who write.
fn check_index(statement: &Statement<'_>, made: &Made, tell: &mut dyn FnMut(&str)) {
    let making = statement.begins(&["CREATE", "INDEX"]) || statement.begins(&["CREATE", "UNIQUE", "INDEX"]);
    let table = statement
        .after(&["ON"])
        .and_then(|rest| name(rest.strip_prefix(["ONLY".to_owned()].as_slice()).unwrap_or(rest)));
    if making && !statement.has(&["CONCURRENTLY"]) && !table.is_some_and(|table| made.now.contains(&table)) {
        tell("an index of a table that is there is made CONCURRENTLY: else nobody writes meanwhile");
    }
    let going = statement.begins(&["DROP", "INDEX"]) && !statement.has(&["CONCURRENTLY"]);
    if going && !names_dropped(statement).iter().all(|index| made.now.contains(index)) {
        tell(
            "an index of a table that is there is dropped CONCURRENTLY: else nobody reads or writes until it has the lock",
        );
    }
}

fn check_replaced(statement: &Statement<'_>, made: &Made, tell: &mut dyn FnMut(&str)) {
    let replaces = statement.begins(&["CREATE", "OR", "REPLACE"]);
    let known =
        creates(statement).is_some_and(|name| made.before.contains(&name) && !made.now.contains(&name));
    if replaces && known && !has_comment(statement, AS_BEFORE) {
        tell(
            "builds of the version before use what is replaced: give it another name, or say in `-- as before: …` why they do not mind",
        );
    }
}

/// Rows that are there are changed in pieces.
fn check_rows(file: &File, statement: &Statement<'_>, made: &Made, tell: &mut dyn FnMut(&str)) {
    let first = statement.words.first().map(String::as_str).unwrap_or_default();
    let changes = ["UPDATE", "DELETE", "MERGE", "WITH", "INSERT"].contains(&first);
    let is_there = |table: String| made.before.contains(&table) && !made.now.contains(&table);
    let reads_or_writes = ["UPDATE", "FROM", "JOIN", "MERGE INTO"].iter().any(|word| {
        let words: Vec<&str> = word.split(' ').collect();
        statement
            .after(&words)
            .and_then(|rest| name(rest.strip_prefix(["ONLY".to_owned()].as_slice()).unwrap_or(rest)))
            .is_some_and(is_there)
    });
    if !changes || !reads_or_writes {
        return;
    }
    if !file.one_by_one() {
        tell("rows that are there are changed in a file that begins with `-- no transaction`, in pieces");
    } else if !statement.in_pieces() || !statement.has(&["LIMIT"]) {
        tell("rows that are there are changed in pieces: a LIMIT, and RETURNING 1 at the end");
    }
}

fn check_alter(file: &File, statement: &Statement<'_>, made: &Made, tell: &mut dyn FnMut(&str)) {
    let rest = statement.words.get(2..).unwrap_or_default();
    let rest = rest.strip_prefix(["IF".to_owned(), "EXISTS".to_owned()].as_slice()).unwrap_or(rest);
    let rest = rest.strip_prefix(["ONLY".to_owned()].as_slice()).unwrap_or(rest);
    if name(rest).is_some_and(|table| made.now.contains(&table)) {
        return;
    }
    let actions_begin = if rest.get(1).is_some_and(|word| word == ".") { 3 } else { 1 };
    for action in actions(rest.get(actions_begin..).unwrap_or_default()) {
        let action = Statement { text: "", line: 0, words: action.to_vec() };
        let adds_constraint = ["CONSTRAINT", "CHECK", "FOREIGN", "UNIQUE", "PRIMARY", "EXCLUDE"]
            .iter()
            .any(|kind| action.begins(&["ADD", kind]));
        if adds_constraint {
            check_constraint(&action, tell);
        } else if action.begins(&["ADD"]) {
            check_column(&action, tell);
        }
        if action.begins(&["VALIDATE"]) && !file.one_by_one() {
            tell("VALIDATE reads the whole table: it is for files that begin with `-- no transaction`");
        }
        if action.begins(&["ALTER"]) && action.has(&["TYPE"]) {
            tell("a column of another type is another column: the table would be written anew");
        }
        if action.has(&["SET", "NOT", "NULL"]) {
            tell(
                "NOT NULL reads the whole table under a lock: a CHECK that is NOT VALID, and validated later, says the same",
            );
        }
        if [["SET", "LOGGED"], ["SET", "UNLOGGED"], ["SET", "TABLESPACE"], ["SET", "ACCESS"]]
            .iter()
            .any(|words| action.begins(words))
        {
            tell("the table would be written anew");
        }
    }
}

fn check_constraint(action: &Statement<'_>, tell: &mut dyn FnMut(&str)) {
    let by_index = action.has(&["UNIQUE"]) || action.has(&["PRIMARY", "KEY"]) || action.has(&["EXCLUDE"]);
    if by_index && !action.has(&["USING", "INDEX"]) {
        tell("a key of a table that is there takes an index that was made CONCURRENTLY: USING INDEX");
    }
    if !by_index && !action.has(&["NOT", "VALID"]) {
        tell("a constraint of a table that is there is added NOT VALID, and validated later");
    }
}

fn check_column(action: &Statement<'_>, tell: &mut dyn FnMut(&str)) {
    let default = action.after(&["DEFAULT"]);
    if action.has(&["NOT", "NULL"]) && default.is_none() {
        tell("builds of the version before do not fill it: NOT NULL needs a DEFAULT");
    }
    if default.is_some_and(|words| !is_constant(words)) {
        tell("a DEFAULT that is no constant writes the whole table anew");
    }
    let computed = ["GENERATED", "SERIAL", "BIGSERIAL", "SMALLSERIAL"].iter().any(|word| action.has(&[word]));
    if computed {
        tell("a column that is computed writes the whole table anew");
    }
    if ["UNIQUE", "PRIMARY", "REFERENCES", "CHECK"].iter().any(|word| action.has(&[word])) {
        tell("a constraint of a table that is there is added by itself, NOT VALID or USING INDEX");
    }
}

/// Whether a statement that may be executed again can be.
fn check_again(statement: &Statement<'_>, tell: &mut dyn FnMut(&str)) {
    let kind = statement.words.iter().find(|word| !["CREATE", "UNIQUE", "UNLOGGED"].contains(&word.as_str()));
    let replaceable = kind.is_some_and(|kind| {
        ["FUNCTION", "PROCEDURE", "TRIGGER", "VIEW", "AGGREGATE"].contains(&kind.as_str())
    });
    let again = match statement.words.first().map(String::as_str) {
        Some("CREATE") if replaceable => false,
        Some("CREATE") => {
            statement.begins(&["CREATE", "OR", "REPLACE"]) || statement.has(&["IF", "NOT", "EXISTS"])
        }
        Some("DROP") => statement.has(&["IF", "EXISTS"]),
        Some("INSERT") => statement.has(&["ON", "CONFLICT"]) || statement.in_pieces(),
        Some("ALTER") => actions(&statement.words).iter().all(|action| {
            let action = Statement { text: "", line: 0, words: action.to_vec() };
            let adds = action.after(&["ADD"]).is_none_or(|rest| {
                rest.starts_with(&["COLUMN".to_owned(), "IF".to_owned(), "NOT".to_owned()])
            });
            let drops = action.after(&["DROP"]).is_none_or(|rest| {
                rest.iter().take(2).any(|word| word == "IF")
                    || rest.first().is_some_and(|word| word == "NOT" || word == "DEFAULT")
            });
            adds && drops && !action.has(&["RENAME"])
        }),
        _ => true,
    };
    if !again {
        tell(
            "without a transaction each statement must be able to run again: IF (NOT) EXISTS, OR REPLACE, ON CONFLICT",
        );
    }
}

/// Whether it takes away or renames something that an earlier version has made.
fn takes_away(statement: &Statement<'_>, made: &Made) -> bool {
    if statement.begins(&["DROP"]) {
        return !names_dropped(statement).iter().all(|name| made.now.contains(name));
    }
    let table = statement.words.get(2..).and_then(name);
    let new = table.is_some_and(|table| made.now.contains(&table));
    let takes = ["DROP", "RENAME", "DISABLE"].iter().any(|word| statement.has(&[word]))
        || statement.has(&["SET", "SCHEMA"]);
    statement.begins(&["ALTER"]) && takes && !new
}

/// Whether it says that no build uses it that can still work with this schema.
fn is_contract(statement: &Statement<'_>, compatible: i64) -> bool {
    let said = statement.text.lines().find_map(|line| line.trim().strip_prefix(CONTRACT));
    said.and_then(|version| version.trim_end_matches('.').parse::<i64>().ok())
        .is_some_and(|version| version <= compatible)
}

fn has_comment(statement: &Statement<'_>, begin: &str) -> bool {
    statement.text.lines().any(|line| line.trim().starts_with(begin))
}

/// The parts of a list between commas, those in parentheses apart.
fn actions(words: &[String]) -> Vec<&[String]> {
    let mut depth = 0_i32;
    words
        .split(|word| {
            match word.as_str() {
                "(" => depth = depth.saturating_add(1),
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && word == ","
        })
        .collect()
}

fn is_constant(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "-").collect();
    let known = ["''", "TRUE", "FALSE", "NULL"];
    let first = words.first().copied().unwrap_or_default();
    let constant = known.contains(&first) || first.starts_with(|letter: char| letter.is_ascii_digit());
    constant && words.get(1) != Some(&"(")
}

/// The name that words begin with, without its schema.
fn name(words: &[String]) -> Option<String> {
    let first = words.first()?;
    match words.get(1..3) {
        Some([dot, name]) if dot == "." => Some(name.clone()),
        _ => Some(first.clone()),
    }
}

/// What it creates.
fn creates(statement: &Statement<'_>) -> Option<String> {
    let kinds = ["TABLE", "INDEX", "FUNCTION", "PROCEDURE", "TRIGGER", "VIEW", "SEQUENCE", "AGGREGATE"];
    let words = statement.words.strip_prefix(["CREATE".to_owned()].as_slice())?;
    let kind = words.iter().position(|word| kinds.contains(&word.as_str()))?;
    let rest = words.get(kind..)?.get(1..)?;
    let skipped = ["CONCURRENTLY", "IF", "NOT", "EXISTS"];
    let begin = rest.iter().position(|word| !skipped.contains(&word.as_str()))?;
    name(rest.get(begin..)?)
}

/// What a DROP takes away.
fn names_dropped(statement: &Statement<'_>) -> Vec<String> {
    let words = statement.words.get(2..).unwrap_or_default();
    let skipped = ["CONCURRENTLY", "IF", "EXISTS"];
    let begin = words.iter().position(|word| !skipped.contains(&word.as_str())).unwrap_or_default();
    let lists = actions(words.get(begin..).unwrap_or_default());
    lists.into_iter().filter_map(name).collect()
}

#[test]
fn migrations_keep_the_rules() {
    let found = wrong(&Plan { files: FILES, version: VERSION, compatible: COMPATIBLE });
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn migrations_stand_in_their_order() {
    let places: Vec<(i64, Option<i64>)> = FILES
        .iter()
        .map(|file| (file.version, file.name.split('_').next().and_then(|number| number.parse().ok())))
        .collect();
    assert!(
        places.is_sorted() && places.iter().all(|(version, named)| Some(*version) == *named),
        "{places:?}"
    );
    assert_eq!(places.last().map(|(version, _)| *version), Some(VERSION));
    let names: BTreeSet<&str> = FILES.iter().map(|file| file.name).collect();
    assert_eq!(names.len(), FILES.len(), "a name is there twice");
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE task (id text PRIMARY KEY, title text); CREATE INDEX task_by_title ON task (title);
        INSERT INTO task SELECT generate_series(1, 3)::text; UPDATE task SET title = '';
        ALTER TABLE task ADD COLUMN rank bigint NOT NULL; CREATE OR REPLACE FUNCTION apply() RETURNS text LANGUAGE sql AS 'SELECT 1';
        CREATE TRIGGER written AFTER INSERT ON task FOR EACH STATEMENT EXECUTE FUNCTION apply(); DROP TRIGGER written ON task";

    /// What is wrong with a file that comes after the first version.
    fn told(text: &'static str) -> Vec<String> {
        let first = File { version: 1, name: "0001_first", text: FIRST };
        let second = File { version: 2, name: "0002_second", text };
        wrong(&Plan { files: &[first, second], version: 2, compatible: 1 })
    }

    #[test]
    fn what_is_against_the_rules_is_found() {
        for (text, expected) in [
            ("CREATE INDEX a ON task (title)", "made CONCURRENTLY"),
            ("CREATE UNIQUE INDEX a ON ONLY task (title)", "made CONCURRENTLY"),
            ("CREATE INDEX CONCURRENTLY a ON task (title)", "CONCURRENTLY is for files"),
            ("-- no transaction\nCREATE INDEX CONCURRENTLY a ON task (title)", "run again"),
            ("-- no transaction\nCREATE TABLE a (id text)", "run again"),
            ("-- no transaction\nCREATE FUNCTION a() RETURNS text LANGUAGE sql AS 'SELECT 1'", "run again"),
            ("-- no transaction\nALTER TABLE task ADD COLUMN a text", "run again"),
            (
                "-- no transaction\nALTER TABLE task ADD COLUMN IF NOT EXISTS a text, ADD COLUMN b text",
                "run again",
            ),
            ("-- no transaction\nDROP INDEX CONCURRENTLY task_by_title", "run again"),
            ("-- no transaction\nINSERT INTO task (id) VALUES ('1')", "run again"),
            ("ALTER TABLE task ADD COLUMN a text NOT NULL", "NOT NULL needs a DEFAULT"),
            ("ALTER TABLE IF EXISTS ONLY public.task ADD a text NOT NULL", "NOT NULL needs a DEFAULT"),
            ("ALTER TABLE task ADD COLUMN b text, ADD COLUMN a text NOT NULL", "NOT NULL needs a DEFAULT"),
            ("ALTER TABLE task ADD COLUMN a text DEFAULT gen_random_uuid()", "no constant"),
            ("ALTER TABLE task ADD COLUMN a bigint GENERATED ALWAYS AS (1) STORED", "computed"),
            ("ALTER TABLE task ADD COLUMN a bigserial", "computed"),
            ("ALTER TABLE task ADD COLUMN a text REFERENCES task (id)", "by itself"),
            ("ALTER TABLE task ADD CONSTRAINT a CHECK (title <> '')", "NOT VALID"),
            ("ALTER TABLE task ADD FOREIGN KEY (title) REFERENCES task (id)", "NOT VALID"),
            ("ALTER TABLE task ADD CONSTRAINT a UNIQUE (title)", "USING INDEX"),
            ("ALTER TABLE task VALIDATE CONSTRAINT a", "VALIDATE"),
            ("ALTER TABLE task ALTER COLUMN title TYPE bigint USING 1", "another column"),
            ("ALTER TABLE task ALTER title SET DATA TYPE bigint", "another column"),
            ("ALTER TABLE task ALTER COLUMN title SET NOT NULL", "NOT NULL reads"),
            ("ALTER TABLE task SET UNLOGGED", "written anew"),
            ("ALTER TABLE task DROP COLUMN title", "expand, then contract"),
            ("ALTER TABLE task RENAME COLUMN title TO name", "expand, then contract"),
            ("ALTER TABLE task RENAME TO job", "expand, then contract"),
            ("ALTER INDEX task_by_title RENAME TO a", "expand, then contract"),
            ("DROP TABLE task", "expand, then contract"),
            ("DROP FUNCTION IF EXISTS apply()", "expand, then contract"),
            ("DROP TRIGGER written ON task", "expand, then contract"),
            ("-- contract: unused since version 2\nDROP TABLE task", "expand, then contract"),
            ("DROP INDEX task_by_title", "dropped CONCURRENTLY"),
            ("ALTER TYPE state ADD VALUE 'done'", "list of names"),
            ("CREATE TYPE state AS ENUM ('open')", "list of names"),
            ("UPDATE task SET title = ''", "in pieces"),
            ("DELETE FROM task WHERE title = ''", "in pieces"),
            ("CREATE TABLE a (id text); INSERT INTO a SELECT id FROM task", "in pieces"),
            ("-- no transaction\nUPDATE task SET title = '' WHERE title IS NULL", "a LIMIT"),
            ("-- no transaction\nUPDATE task SET title = '' WHERE title IS NULL RETURNING 1", "a LIMIT"),
            ("CREATE OR REPLACE FUNCTION apply() RETURNS text LANGUAGE sql AS 'SELECT 2'", "another name"),
            ("BEGIN", "transaction"),
            ("CREATE TABLE a (id text); COMMIT", "transaction"),
            ("SET lock_timeout = 0", "settings"),
            ("LOCK TABLE task", "locks a whole table"),
            ("TRUNCATE task", "locks a whole table"),
            ("REINDEX TABLE task", "locks a whole table"),
            ("DO $$ BEGIN DELETE FROM task; END $$", "cannot be told"),
        ] {
            let found = told(text);
            assert!(found.iter().any(|found| found.contains(expected)), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_keeps_them_is_not() {
        for text in [
            "CREATE TABLE a (id text PRIMARY KEY, of text REFERENCES task (id)); CREATE INDEX a_of ON a (of); DROP INDEX a_of; DROP TABLE a",
            "-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a ON task (title)",
            "-- no transaction\n-- contract: unused since version 1\nDROP INDEX CONCURRENTLY IF EXISTS task_by_title",
            "-- contract: unused since version 1\nALTER TABLE task DROP COLUMN title",
            "ALTER TABLE task ADD COLUMN a text, ADD COLUMN b bigint NOT NULL DEFAULT -1, ADD COLUMN c text NOT NULL DEFAULT '', ADD d boolean DEFAULT false",
            "ALTER TABLE task ADD CONSTRAINT a CHECK (title <> '') NOT VALID",
            "ALTER TABLE task ADD CONSTRAINT a UNIQUE USING INDEX task_by_title",
            "-- no transaction\nALTER TABLE task VALIDATE CONSTRAINT a",
            "-- no transaction\nALTER TABLE task ADD COLUMN IF NOT EXISTS a text",
            "-- no transaction\nUPDATE task SET title = '' WHERE id IN (SELECT id FROM task WHERE title IS NULL LIMIT 1000) RETURNING 1",
            "CREATE FUNCTION apply_v2() RETURNS text LANGUAGE plpgsql AS $$ BEGIN DELETE FROM task; RETURN ''; END $$",
            "-- as before: quicker\nCREATE OR REPLACE FUNCTION apply() RETURNS text LANGUAGE sql AS 'SELECT 2'",
            "CREATE TRIGGER added AFTER INSERT ON task FOR EACH STATEMENT EXECUTE FUNCTION apply()",
            "INSERT INTO task (id) VALUES ('1')",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
    }
}
