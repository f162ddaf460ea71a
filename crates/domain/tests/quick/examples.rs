//! Lines and how they are read: those of docs/quick-add.md, and more of them beside this file. `INSTA_UPDATE=always` writes
//! what is read now.

use std::fmt::Write;
use std::path::Path;

use perennial_domain::{Invalid, Reading};

use super::{read, told};

/// How a line is read, below it.
fn shown(line: &str, read: &Result<Reading, Invalid>) -> String {
    let mut shown = format!("{line}\n");
    match read {
        Ok(reading) => {
            writeln!(shown, "  = {}", told(reading)).unwrap();
            for note in &reading.notes {
                writeln!(shown, "  ? {}", note.detail).unwrap();
            }
        }
        Err(invalid) => {
            for error in &invalid.errors {
                assert_eq!(error.pointer, "/text", "{line}");
                writeln!(shown, "  ! {}", error.detail).unwrap();
            }
        }
    }
    shown
}

/// Holds every line of a text that begins no comment and is not an answer against what it is read as.
fn hold(path: &Path, is_example: impl Fn(&str) -> bool) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut anew = String::new();
    let mut count = 0;
    let mut within = false;
    for line in text.lines() {
        within ^= line.starts_with("```") && (within || line == "```quick-add");
        let is_answer = line.starts_with("  = ") || line.starts_with("  ? ") || line.starts_with("  ! ");
        match is_example(line) || within && !line.starts_with("```") {
            true if is_answer => {}
            true => {
                count += 1;
                anew += &shown(line, &read(line));
            }
            false => writeln!(anew, "{line}").unwrap(),
        }
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, &anew).unwrap();
    }
    assert!(count > 20, "{count} examples");
    for (was, is) in text.lines().zip(anew.lines()) {
        assert_eq!(was, is, "{}", path.display());
    }
    assert_eq!(text.len(), anew.len(), "{}", path.display());
}

#[test]
fn the_examples_of_the_documentation_are_read_as_it_says() {
    hold(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/quick-add.md"), |_| false);
}

#[test]
fn lines_are_read_as_written_down() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quick/lines.txt");
    hold(&path, |line| !line.is_empty() && !line.starts_with("//"));
}
