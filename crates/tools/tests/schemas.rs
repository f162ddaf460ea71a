//! The schemas that are kept are those of the code.
#![cfg(feature = "schema")]

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

/// Most bytes of the list of all tools, as it is told to a client. Measured with gpt-tokenizer 4.0.0, 23,257 of them are 5,939 tokens; at most
/// 6,000 may be.
const MOST_BYTES: usize = 23_300;

#[test]
fn the_list_of_tools_fills_no_context() {
    let scopes = [perennial_domain::Scope::TasksRead, perennial_domain::Scope::TasksWrite];
    let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let tools: Vec<serde_json::Value> = perennial_tools::tools(&scopes)
        .map(|tool| {
            serde_json::json!({
                "name": tool.name,
                "title": tool.title,
                "description": tool.description,
                "inputSchema": json(tool.input_schema),
                "outputSchema": json(tool.output_schema),
                "annotations": {
                    "readOnlyHint": tool.hints.read_only,
                    "destructiveHint": tool.hints.destructive,
                    "idempotentHint": tool.hints.idempotent,
                    "openWorldHint": false,
                },
            })
        })
        .collect();
    assert_eq!(tools.len(), 14);
    let bytes = serde_json::json!({ "tools": tools }).to_string().len();
    assert!(bytes <= MOST_BYTES, "{bytes}");
}
