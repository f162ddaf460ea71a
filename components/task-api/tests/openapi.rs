//! The description of the API is that of the code.
#![cfg(feature = "schema")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

/// `INSTA_UPDATE=always` writes it anew, as it does snapshots.
#[test]
fn what_is_served_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let described = format!("{:#}\n", task_api::document());
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &described).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == described, "INSTA_UPDATE=always writes it anew");
}
