//! The query of a request: read once, here, by the parameters that its operation takes.

use http::Uri;

use crate::Problem;

/// A query parameter that an operation takes.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub form: Form,
    /// What it is for, in words.
    pub words: &'static str,
}

/// What a query parameter may be.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A number in decimal digits, within bounds.
    Number {
        /// The least.
        from: u32,
        /// The most.
        to: u32,
        /// What it is where it is not given.
        default: u32,
    },
    /// An id of one of the caller's things.
    Id,
    /// One line of 1 to so many characters that is not blank: a name.
    Line(usize),
    /// Text of 1 to so many characters, which the operation reads; and what it looks like, as a regular expression.
    Text(usize, &'static str),
}

/// The parameters of one request: those that its operation takes, each of its form and given once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the query of an address. A parameter that is not `taken` is refused, never ignored. Names and values are
    /// decoded as those of a form (`application/x-www-form-urlencoded`), which is what clients of every language send: a `+` is
    /// a blank, and a plus sign is `%2B`.
    pub fn read(address: &Uri, taken: &[Parameter]) -> Result<Self, Problem> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for pair in address.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let Some(parameter) = taken.iter().find(|parameter| parameter.name == name) else {
                let known: Vec<_> = taken.iter().map(|parameter| parameter.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::malformed(format!(
                    "the query parameter {name:?} is unknown; known here: {known}"
                )));
            };
            if found.iter().any(|(other, _)| *other == name) {
                return Err(Problem::malformed(format!("the query parameter {name:?} is given twice")));
            }
            parameter.check(&value)?;
            found.push((parameter.name, value));
        }
        Ok(Self(found))
    }

    /// The value of a parameter, if it was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

impl Parameter {
    fn check(&self, value: &str) -> Result<(), Problem> {
        let name = self.name;
        let wrong = match self.form {
            Form::OneOf(words) if !words.contains(&value) => format!("{name} must be {}", words.join(" or ")),
            Form::Number { from, to, .. }
                if !number(value).is_some_and(|number| (from..=to).contains(&number)) =>
            {
                format!("{name} must be a number from {from} to {to}")
            }
            Form::Id if value.len() != 36 || uuid::Uuid::try_parse(value).is_err() => {
                format!("{name} must be an id")
            }
            Form::Line(max)
                if value.trim().is_empty()
                    || value.chars().any(char::is_control)
                    || value.chars().count() > max =>
            {
                format!("{name} must be a line of text of 1 to {max} characters")
            }
            Form::Text(max, _) if value.is_empty() || value.chars().count() > max => {
                format!("{name} must be text of 1 to {max} characters")
            }
            _ => return Ok(()),
        };
        Err(Problem::malformed(wrong))
    }
}

/// A number in decimal digits alone.
fn number(text: &str) -> Option<u32> {
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
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
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &[Parameter] = &[
        Parameter { name: "from", form: Form::Text(40, ""), words: "" },
        Parameter { name: "to", form: Form::Text(40, ""), words: "" },
        Parameter { name: "status", form: Form::OneOf(&["open", "done"]), words: "" },
        Parameter { name: "limit", form: Form::Number { from: 1, to: 200, default: 50 }, words: "" },
        Parameter { name: "task", form: Form::Id, words: "" },
        Parameter { name: "user", form: Form::Line(3), words: "" },
    ];

    fn read(text: &str) -> Result<Query, u16> {
        let address = format!("/v1/tasks?{text}").parse().unwrap();
        Query::read(&address, TAKEN).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn names_and_values_are_decoded_once_and_wholly() {
        for (text, from) in [
            ("from=2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("from=2026%2D12%2d01T00%3A00%3a00Z", "2026-12-01T00:00:00Z"),
            ("%66rom=x", "x"),
            ("from=a+b%20c", "a b c"),
            ("from=a%2Bb", "a+b"),
            ("from=%253A", "%3A"),
            ("from=%C3%BC", "ü"),
            ("from=a%26to%3Db", "a&to=b"),
        ] {
            assert_eq!(read(text).unwrap().get("from"), Some(from), "{text}");
        }
        assert_eq!(read("user=%C3%97%C3%B8a").unwrap().get("user"), Some("×øa"));
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
            "from",
            "status=all",
            "status=",
            "limit=0",
            "limit=201",
            "limit=+1",
            "limit=",
            "limit=99999999999",
            "task=7",
            "task=%7b0198c5a0-0000-7000-8000-000000000001%7d",
            "user=",
            "user=+%C2%A0",
            "user=a%0A",
            "user=%C3%97%C2%9B",
            "user=abcd",
        ] {
            assert_eq!(read(text), Err(400), "{text}");
        }
    }
}
