//! The query of a request: read once, here.

use crate::{Problem, Request};

/// The query parameters of a request that are taken here; any other is refused, never ignored. Names and values are
/// percent-decoded (RFC 3986 §2.1); a `+` is a plus sign, as in no form.
pub fn query(request: &Request, taken: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        if !taken.contains(&name.as_str()) {
            let known = if taken.is_empty() { "none".to_owned() } else { taken.join(", ") };
            return Err(Problem::malformed(format!(
                "the query parameter {name:?} is unknown; known here: {known}"
            )));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(Problem::malformed(format!("the query parameter {name:?} is given twice")));
        }
        found.push((name, value));
    }
    Ok(found)
}

fn decoded(text: &str) -> Result<String, Problem> {
    let wrong = || {
        Problem::malformed(format!(
            "in the query, {text:?} is not UTF-8 with every % followed by two hexadecimal digits"
        ))
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = digit(rest.next()).zip(digit(rest.next())).ok_or_else(wrong)?;
                u8::try_from(high << 4 | low).map_err(|_| wrong())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, u16> {
        let request = http::Request::builder().uri(format!("/v1/tasks?{text}")).body(Vec::new()).unwrap();
        query(&request, &["from", "to"]).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn names_and_values_are_decoded_once_and_wholly() {
        for (text, from) in [
            ("from=2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("from=2026%2D12%2d01T00%3A00%3a00Z", "2026-12-01T00:00:00Z"),
            ("%66rom=x", "x"),
            ("from=a+b", "a+b"),
            ("from=a%2Bb", "a+b"),
            ("from=%253A", "%3A"),
            ("from=%C3%BC", "ü"),
            ("from=a%26to%3Db", "a&to=b"),
            ("from", ""),
        ] {
            assert_eq!(read(text), Ok(vec![("from".to_owned(), from.to_owned())]), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_or_is_unknown_or_repeated_is_refused() {
        for text in [
            "from=%",
            "from=%4",
            "from=%zz",
            "from=%+1",
            "from=%ff",
            "from=%C3",
            "%zz=1",
            "at=1",
            "from=1&%66rom=1",
        ] {
            assert_eq!(read(text), Err(400), "{text}");
        }
    }
}
