//! Reading the JSON document of a request.

mod parse;
mod read;
mod wrong;

use perennial_domain::{Invalid, escaped};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use self::parse::parse;
use self::read::Read;
use self::wrong::Wrong;
use crate::media::check_type;
use crate::{Problem, Request};

/// Longest body, in bytes. The entry points stop reading here.
pub const MAX_BODY: usize = 64 * 1024;

/// Reads the document of a request; the error says where it is wrong. `types` are the media types taken.
pub fn json<T: DeserializeOwned>(request: &Request, types: &[&str]) -> Result<T, Problem> {
    typed(json_value(request, types)?)
}

/// Reads any JSON document.
pub fn json_value(request: &Request, types: &[&str]) -> Result<Value, Problem> {
    check_type(request.headers(), types)?;
    parse(request.body())
}

/// Reads a typed document out of any.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Read(value)).map_err(problem)
}

/// What is wrong with a document that has a member which it cannot have; nothing else that is wrong is looked for.
pub fn unknown_member<T: DeserializeOwned>(value: Value) -> Option<Problem> {
    let read: Result<T, _> = serde_path_to_error::deserialize(Read(value));
    read.err().filter(|error| matches!(error.inner(), Wrong::Unknown { .. })).map(problem)
}

fn problem(error: serde_path_to_error::Error<Wrong>) -> Problem {
    let place = pointer(error.path());
    let wrong = error.into_inner();
    // The object around it names what is missing; the pointer leads to where it would be.
    let member = wrong.member().map(|member| format!("/{}", escaped(member))).unwrap_or_default();
    Invalid::at(format!("{place}{member}"), wrong.to_string()).into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use perennial_domain::TaskInput;

    /// Where and why a body is refused.
    fn refused(body: &str) -> (String, String) {
        let request = http::Request::builder()
            .header("content-type", "application/json")
            .body(body.as_bytes().to_vec())
            .unwrap();
        let problem = json::<TaskInput>(&request, &["application/json"]).unwrap_err();
        let response: crate::Response = problem.into();
        let document: Value = serde_json::from_slice(response.body()).unwrap();
        let why = document["errors"][0]["detail"].as_str().or(document["detail"].as_str());
        let place = document["errors"][0]["pointer"].as_str().unwrap_or("none");
        (place.to_owned(), why.unwrap().to_owned())
    }

    fn pointer_of(body: &str) -> String {
        refused(body).0
    }

    #[test]
    fn a_reason_is_in_the_words_of_the_api() {
        for (body, why) in [
            (r#"{"title": 1}"#, "must be a string, not 1"),
            (r#"{"title": "x", "due": ["2026-12-01"]}"#, "must be an object, not an array"),
            (r#"{"title": "x", "due": "2026-12-01"}"#, "must be an object, not a string"),
            (r#"{"title": "x", "tags": {}}"#, "must be an array, not an object"),
            (r#"{"title": "x", "tags": [null]}"#, "must be a string, not null"),
            (r#"{"title": "x", "priority": "huge"}"#, "must be one of none, low, medium, high, urgent"),
            (r#"{"title": "x", "due": {"zone": "UTC"}}"#, "is unknown; known here: local, tz"),
            ("{}", "must be given"),
            (r#"{"title": "x", "title": "y"}"#, "is given twice"),
            (r#"{"title": "x""#, "the body is not JSON: it breaks off"),
            ("{\n\"title\": x}", "the body is not JSON from byte 10 of line 2 on"),
            (r#"{"title": "x"} {}"#, "the body is not JSON from byte 16 of line 1 on"),
            (" ", "there is no body: send a JSON document"),
        ] {
            assert_eq!(refused(body).1, why, "{body}");
        }
    }

    #[test]
    fn a_member_given_twice_is_found_wherever_it_is() {
        for (body, pointer) in [
            (r#"{"a": [{}, {"b/c": 1, "b/c": 2}]}"#, "/a/1/b~1c"),
            (r#"{"a": 1, "b": {"a": 1}, "a": {}}"#, "/a"),
            (r#"[{"a": 1}, {"a": 1, "a": 1}]"#, "/1/a"),
        ] {
            assert_eq!(pointer_of(body), pointer, "{body}");
        }
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for levels in [101, 200, 20_000] {
            assert_eq!(
                refused(&deep(levels)),
                (String::new(), "is nested deeper than 100 levels".to_owned())
            );
        }
        assert_eq!(refused(&deep(100)).1, "must be an object, not an array");
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
