//! What a request's head says of its body, how long it is and what it is made of; and of the answer that it takes.

use http::{HeaderMap, HeaderName, header};

use crate::Problem;

/// Refuses, by the head alone, a body that is too long or of a kind that is not read here. `takes` are the media types
/// taken; where it is empty, a body is not looked at. One that is not there is not refused.
pub fn check_body(headers: &HeaderMap, takes: &[&str], limit: usize) -> Result<(), Problem> {
    let announced = one(headers, header::CONTENT_LENGTH)?;
    let length = match announced {
        None => None,
        Some(text) => {
            Some(text.parse::<u64>().map_err(|_| Problem::malformed("Content-Length is no number"))?)
        }
    };
    if length.is_some_and(|length| length > limit as u64) {
        return Err(Problem::too_large(limit));
    }
    if takes.is_empty() || length == Some(0) {
        return Ok(());
    }
    match headers.contains_key(header::CONTENT_TYPE) {
        true => check_type(headers, takes),
        false => check_coding(headers),
    }
}

/// Refuses a body that is none of the media types `takes`, not in UTF-8, or compressed.
pub(crate) fn check_type(headers: &HeaderMap, takes: &[&str]) -> Result<(), Problem> {
    check_coding(headers)?;
    let refused = || Problem::unsupported_media_type(&format!("send {}", takes.join(" or ")));
    let sent = one(headers, header::CONTENT_TYPE)?.ok_or_else(refused)?;
    let mut parts = sent.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !takes.iter().any(|taken| essence.eq_ignore_ascii_case(taken)) {
        return Err(refused());
    }
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim().eq_ignore_ascii_case("charset")
            && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        {
            return Err(Problem::unsupported_media_type("send it in UTF-8: no other charset is read"));
        }
    }
    Ok(())
}

/// Refuses a request whose `Accept` does not allow the media type of the answer (RFC 9110 §12.5.1). Without one it does.
pub fn check_accept(headers: &HeaderMap, media: &str) -> Result<(), Problem> {
    let refused = || Problem::not_acceptable(media);
    let mut ranges = Vec::new();
    for value in headers.get_all(header::ACCEPT) {
        let value = value.to_str().map_err(|_| refused())?;
        ranges.extend(value.split(',').filter(|range| !range.trim().is_empty()));
    }
    let kind = media.split('/').next().unwrap_or_default();
    // The more it says, the more it counts.
    let said = [media.to_owned(), format!("{kind}/*"), "*/*".to_owned()].iter().find_map(|wanted| {
        ranges.iter().find_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            parts.next().filter(|essence| essence.eq_ignore_ascii_case(wanted))?;
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some(weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)))
        })
    });
    if ranges.is_empty() || said == Some(true) { Ok(()) } else { Err(refused()) }
}

fn check_coding(headers: &HeaderMap) -> Result<(), Problem> {
    for value in headers.get_all(header::CONTENT_ENCODING) {
        if !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity") {
            return Err(Problem::unsupported_media_type("send it as it is: no Content-Encoding is read"));
        }
    }
    Ok(())
}

/// The one value of a header that may be there once, in visible ASCII.
fn one(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(&name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(Problem::malformed(format!("{name} is given twice")));
    }
    value.to_str().map(Some).map_err(|_| Problem::malformed(format!("{name} is not ASCII")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: [&str; 1] = ["application/json"];

    fn status(pairs: &[(&str, &str)], takes: &[&str]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        check_body(&headers, takes, 64).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_client_is_answered_in_a_form_that_it_takes() {
        for (accept, taken) in [
            (vec![], true),
            (vec![""], true),
            (vec!["text/event-stream"], true),
            (vec!["Text/Event-Stream;q=0.5"], true),
            (vec!["text/*"], true),
            (vec!["application/json", "*/*;q=0.1"], true),
            (vec!["application/json, text/event-stream"], true),
            (vec!["text/event-stream, */*;q=0"], true),
            (vec!["application/json"], false),
            (vec!["text/html, image/*"], false),
            (vec!["text/event-stream;q=0, */*"], false),
            (vec!["text/*;q=0.0"], false),
            (vec!["text/event-stream;q=high"], false),
            (vec!["text"], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in &accept {
                headers.append(header::ACCEPT, value.parse().unwrap());
            }
            let refused =
                check_accept(&headers, "text/event-stream").map_err(|problem| problem.status().as_u16());
            assert_eq!(refused, if taken { Ok(()) } else { Err(406) }, "{accept:?}");
        }
    }

    #[test]
    fn the_head_is_enough_to_refuse_a_body_that_is_not_read() {
        let json = ("content-type", "application/json");
        for (pairs, expected) in [
            (vec![json, ("content-length", "64")], 200),
            (vec![json, ("content-length", "65")], 413),
            (vec![json, ("content-length", "-1")], 400),
            (vec![("content-type", "Application/JSON; charset=\"UTF-8\"")], 200),
            (vec![("content-type", "application/json;charset=utf-8; q=1")], 200),
            (vec![("content-type", "application/json; charset=latin1")], 415),
            (vec![("content-type", "application/json; Charset=utf-16")], 415),
            (vec![("content-type", "text/plain")], 415),
            (vec![json, ("content-type", "text/plain")], 400),
            (vec![json, ("content-encoding", "identity")], 200),
            (vec![json, ("content-encoding", "gzip")], 415),
            (vec![json, ("content-encoding", "identity"), ("content-encoding", "br")], 415),
            (vec![("content-encoding", "gzip")], 415),
            (vec![("content-type", "text/plain"), ("content-length", "0")], 200),
            (vec![], 200),
        ] {
            assert_eq!(status(&pairs, &JSON), expected, "{pairs:?}");
        }
        assert_eq!(status(&[("content-type", "text/plain"), ("content-length", "9")], &[]), 200);
        assert_eq!(status(&[("content-length", "65")], &[]), 413, "also where no body is looked at");
    }
}
