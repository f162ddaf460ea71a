//! The description of the API is that of the code.
#![cfg(feature = "schema")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

/// `INSTA_UPDATE=always` writes it anew, as it does snapshots.
fn is_kept(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, made).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == made, "{file}: INSTA_UPDATE=always writes it anew");
}

#[test]
fn what_is_served_is_what_the_table_says() {
    is_kept("openapi.json", &format!("{:#}\n", perennial_api::document()));
}

#[test]
fn the_page_to_read_is_made_of_the_same() {
    let page = perennial_api::page(&perennial_api::document());
    is_kept("docs.html", &page);
    for from_elsewhere in ["<script", "src=", "http:", "https:", "@import", "url("] {
        assert!(!page.contains(from_elsewhere), "{from_elsewhere}");
    }
}
