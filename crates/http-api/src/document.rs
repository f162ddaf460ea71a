//! Reading the JSON document of a request.

use perennial_domain::Invalid;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::media::check_type;
use crate::objects::Objects;
use crate::{Problem, Request};

/// Longest body, in bytes. The entry points stop reading here.
pub const MAX_BODY: usize = 64 * 1024;

/// Reads the document of a request; the error says where it is wrong. `types` are the media types taken.
pub fn json<T: DeserializeOwned>(request: &Request, types: &[&str]) -> Result<T, Problem> {
    check_type(request.headers(), types)?;
    let mut reader = serde_json::Deserializer::from_slice(request.body());
    let document = serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|error| {
        let pointer = pointer(error.path());
        problem(&pointer, error.inner())
    })?;
    reader.end().map_err(|error| problem("", &error))?;
    Ok(document)
}

/// Reads any JSON document.
pub fn json_value(request: &Request, types: &[&str]) -> Result<Value, Problem> {
    json(request, types)
}

/// Reads a typed document out of one that was merged.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Objects(value)).map_err(|error| {
        let pointer = pointer(error.path());
        problem(&pointer, error.inner())
    })
}

fn problem(pointer: &str, error: &serde_json::Error) -> Problem {
    if error.classify() != Category::Data {
        return Problem::malformed(format!("the body is not JSON: {error}"));
    }
    let detail = in_words(&error.to_string());
    // serde reports a missing or repeated member at its parent; the pointer should lead to the member itself.
    let member = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| detail.strip_prefix(start))
        .and_then(|rest| rest.split('`').next());
    match member {
        Some(member) if !pointer.ends_with(&format!("/{member}")) => {
            Invalid::at(format!("{pointer}/{}", escaped(member)), detail.clone()).into()
        }
        _ => Invalid::at(pointer, detail.clone()).into(),
    }
}

/// What serde says, without the names of our types.
fn in_words(text: &str) -> String {
    const STRUCT: &str = "expected struct ";
    let Some((before, after)) = text.split_once(STRUCT) else { return text.to_owned() };
    let rest = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    format!("{before}expected an object{rest}")
}

/// A path as a JSON Pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escaped(key)),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use perennial_domain::TaskInput;

    fn pointer_of(body: &str) -> String {
        let request = http::Request::builder()
            .header("content-type", "application/json")
            .body(body.as_bytes().to_vec())
            .unwrap();
        let problem = json::<TaskInput>(&request, &["application/json"]).unwrap_err();
        let response: crate::Response = problem.into();
        let document: Value = serde_json::from_slice(response.body()).unwrap();
        document["errors"][0]["pointer"].as_str().unwrap_or("none").to_owned()
    }

    #[test]
    fn a_pointer_leads_to_what_is_wrong() {
        for (body, pointer) in [
            (r#"{"titel": "x"}"#, "/titel"),
            (r#"{}"#, "/title"),
            (r#"{"title": 1}"#, "/title"),
            (r#"{"title": "x", "due": {"local": "2026-01-01", "zone": 1}}"#, "/due/zone"),
            (r#"{"title": "x", "due": {}}"#, "/due/local"),
            (r#"{"title": "x", "reminders": [{"trigger": "PT0S"}, {"at": 1}]}"#, "/reminders/1/at"),
            (r#"{"title": "x", "priority": "huge"}"#, "/priority"),
            (r#"{"title": "x", "title": "y"}"#, "/title"),
            (r#"["hello"]"#, ""),
            (r#"{"title": "x", "due": ["2026-12-01"]}"#, "/due"),
            (r#"{"title": "x", "reminders": [["PT0S"]]}"#, "/reminders/0"),
            (r#"{"title": "x", "reminders": [[null, "PT0S"]]}"#, "/reminders/0"),
            (r#"{"title": "x", "recurrence": ["FREQ=DAILY"]}"#, "/recurrence"),
            (r#"{"title": "x""#, "none"),
            (r#"{"title": "x"} {}"#, "none"),
        ] {
            assert_eq!(pointer_of(body), pointer, "{body}");
        }
    }

    #[test]
    fn a_merged_document_is_read_as_strictly() {
        let merged = serde_json::json!({ "title": "x", "due": ["2026-12-01"] });
        assert_eq!(typed::<TaskInput>(merged).unwrap_err().status().as_u16(), 422);
        let right = serde_json::json!({ "title": "x", "due": { "local": "2026-12-01" }, "tags": ["a"] });
        assert_eq!(typed::<TaskInput>(right).unwrap().tags, ["a"]);
    }
}
