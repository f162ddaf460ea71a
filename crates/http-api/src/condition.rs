//! Conditions: entity tags, `If-Match` (RFC 9110 §13.1.1) and `If-None-Match` (§13.1.2).

use http::{HeaderMap, StatusCode, header};

use crate::{Problem, Response};

/// A strong entity tag (RFC 9110 §8.8.3), as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// With its quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// That of a version.
impl From<i64> for EntityTag {
    fn from(version: i64) -> Self {
        Self(format!("\"{version}\""))
    }
}

/// That of what has no versions: a digest of it, in hex.
impl From<&str> for EntityTag {
    fn from(digest: &str) -> Self {
        Self(format!("\"{digest}\""))
    }
}

/// What `If-Match` asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum IfMatch {
    /// Nothing.
    Absent,
    /// One of these tags; `*` is any.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// What the header looks like, as a regular expression.
    pub const PATTERN: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

    /// Reads the header: `*`, or entity tags.
    pub fn parse(headers: &HeaderMap) -> Result<Self, Problem> {
        Self::read(headers.get_all(header::IF_MATCH).iter().map(|value| value.to_str().unwrap_or_default()))
            .ok_or_else(|| Problem::malformed(Self::WRONG))
    }

    /// What is wrong where it cannot be read.
    pub const WRONG: &str = "If-Match must be *, or entity tags such as \"1\"";

    /// Reads what the header would say.
    pub fn read<'v>(values: impl IntoIterator<Item = &'v str>) -> Option<Self> {
        let mut tags = Vec::new();
        for value in values {
            let mut rest = value.trim();
            loop {
                let (tag, after) = first(rest)?;
                tags.push(tag.to_owned());
                match after.trim_start().strip_prefix(',') {
                    Some(next) => rest = next.trim_start(),
                    None if after.trim_start().is_empty() => break,
                    None => return None,
                }
            }
        }
        if tags.len() > 1 && tags.iter().any(|tag| tag == "*") {
            return None;
        }
        Some(if tags.is_empty() { Self::Absent } else { Self::OneOf(tags) })
    }

    /// Whether the condition holds for what has this tag now.
    pub fn check(&self, current: impl Into<EntityTag>) -> Result<(), Problem> {
        let current = current.into();
        match self {
            Self::OneOf(tags) if !tags.iter().any(|tag| tag == "*" || tag == current.as_str()) => {
                Err(Problem::precondition_failed(current.as_str()))
            }
            _ => Ok(()),
        }
    }
}

/// The answer to a read, or 304 with its entity tag alone where the client has it already (RFC 9110 §15.4.5). Tags are compared
/// weakly.
pub fn unless_known(headers: &HeaderMap, mut response: Response) -> Result<Response, Problem> {
    let values =
        headers.get_all(header::IF_NONE_MATCH).iter().map(|value| value.to_str().unwrap_or_default());
    let known = IfMatch::read(values)
        .ok_or_else(|| Problem::malformed("If-None-Match must be *, or entity tags such as \"1\""))?;
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let current = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(opaque);
    if let (IfMatch::OneOf(tags), Some(current)) = (known, current)
        && tags.iter().any(|tag| tag == "*" || opaque(tag) == current)
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.body_mut().clear();
    }
    Ok(response)
}

/// The first entity tag of a list (RFC 9110 §8.8.3), or `*`, and what follows it.
fn first(list: &str) -> Option<(&str, &str)> {
    let end = match list.strip_prefix('*') {
        Some(_) => 1,
        None => {
            let opaque = list.strip_prefix("W/").unwrap_or(list).strip_prefix('"')?;
            let (tag, after) = opaque.split_once('"')?;
            if !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
                return None;
            }
            list.len().checked_sub(after.len())?
        }
    };
    list.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let answered = |sent: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(header::IF_NONE_MATCH, value.parse().unwrap());
            }
            let mut response = Response::new(b"body".to_vec());
            response.headers_mut().insert(header::ETAG, "\"7\"".parse().unwrap());
            unless_known(&headers, response)
                .map(|response| (response.status().as_u16(), response.body().len(), response.headers().len()))
                .map_err(|problem| problem.status().as_u16())
        };
        for sent in [&["\"7\""][..], &["W/\"7\""], &["*"], &["\"1\", \"7\""], &["\"1\"", "\"7\""]] {
            assert_eq!(answered(sent), Ok((304, 0, 1)), "{sent:?}");
        }
        for sent in [&[][..], &["\"8\""], &["\"77\", W/\"70\""]] {
            assert_eq!(answered(sent), Ok((200, 4, 1)), "{sent:?}");
        }
        for sent in ["7", "\"7", "*, \"7\"", "\"7\" \"8\""] {
            assert_eq!(answered(&[sent]), Err(400), "{sent}");
        }
        let without = unless_known(
            &HeaderMap::from_iter([(header::IF_NONE_MATCH, "*".parse().unwrap())]),
            Response::new(b"x".to_vec()),
        );
        assert_eq!(without.unwrap().status(), StatusCode::OK, "what has no tag is always sent");
    }

    fn parsed(values: &[&str]) -> Result<IfMatch, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        IfMatch::parse(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn what_is_no_list_of_entity_tags_is_refused() {
        for (values, tags) in [
            (&["\"1\""][..], &["\"1\""][..]),
            (&["*"], &["*"]),
            (&["\"1\" ,\t\"a,b\"", "W/\"\""], &["\"1\"", "\"a,b\"", "W/\"\""]),
        ] {
            assert_eq!(
                parsed(values),
                Ok(IfMatch::OneOf(tags.iter().map(|tag| (*tag).to_owned()).collect()))
            );
        }
        assert_eq!(parsed(&[]), Ok(IfMatch::Absent));
        for value in
            ["", "1", "\"1", "\"1\",", ",\"1\"", "\"1\" \"2\"", "\"1\",*", "*, *", "w/\"1\"", "\"a b\""]
        {
            assert_eq!(parsed(&[value]), Err(400), "{value}");
        }
    }
}
