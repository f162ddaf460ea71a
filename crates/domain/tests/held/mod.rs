//! Texts and what they are read as, held in a file: below each text the lines that answer it. `INSTA_UPDATE=always` writes what
//! is read now.

use std::fmt::Write;
use std::path::Path;

/// Whether a line is an answer.
fn is_answer(line: &str) -> bool {
    ["  = ", "  ? ", "  ! "].iter().any(|mark| line.starts_with(mark))
}

/// Holds every text of a file against what `shown` answers: in Markdown those of the fences of that language, in another file
/// every line that is not empty and no comment. Returns how many there are.
pub fn hold(path: &str, fence: &str, shown: impl Fn(&str) -> String) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path).unwrap();
    let is_markdown = path.extension().is_some_and(|extension| extension == "md");
    let (mut anew, mut count, mut within) = (String::new(), 0, !is_markdown);
    for line in text.lines() {
        if is_markdown && line.starts_with("```") {
            within = line.strip_prefix("```") == Some(fence);
            writeln!(anew, "{line}").unwrap();
        } else if within && !line.is_empty() && !line.starts_with("//") {
            if !is_answer(line) {
                count += 1;
                write!(anew, "{line}\n{}", shown(line)).unwrap();
            }
        } else {
            writeln!(anew, "{line}").unwrap();
        }
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &anew).unwrap();
    }
    for (was, is) in text.lines().zip(anew.lines()) {
        assert_eq!(was, is, "{}", path.display());
    }
    assert_eq!(text.len(), anew.len(), "{}", path.display());
    count
}
