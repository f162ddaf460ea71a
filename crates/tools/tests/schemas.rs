//! The schemas that are kept are those of the code.
#![cfg(feature = "schema")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

/// `INSTA_UPDATE=always` writes them anew, as it does snapshots.
#[test]
fn what_is_told_is_what_the_types_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    for (name, input, output) in perennial_tools::schemas() {
        for (kind, made) in [("input", input), ("output", output)] {
            let path = folder.join(format!("{name}.{kind}.json"));
            if update {
                std::fs::write(&path, format!("{made}\n")).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap();
            assert!(kept == format!("{made}\n"), "{name}.{kind}: INSTA_UPDATE=always writes it anew");
        }
    }
}
