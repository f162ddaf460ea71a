//! Who asked, passed through: W3C Trace Context and the correlation id.

use http::HeaderMap;

/// The `traceparent` of a request, if it is one (W3C Trace Context §3.2).
pub fn traceparent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let fields: Vec<&str> = value.split('-').collect();
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match fields.as_slice() {
        [version, trace, parent, flags]
            if is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2) =>
        {
            Some(value.to_owned())
        }
        _ => None,
    }
}

/// What ties together everything that a request sets in motion: its trace id, or a fresh id.
pub fn correlation_id(traceparent: Option<&str>, fresh: impl FnOnce() -> String) -> String {
    traceparent.and_then(|value| value.split('-').nth(1)).map_or_else(fresh, str::to_owned)
}
