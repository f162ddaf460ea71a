//! `{{ name }}` in a string.

/// A string with the variables it names.
pub(super) struct Template<'a>(Vec<Part<'a>>);

pub(super) enum Part<'a> {
    Literal(&'a str),
    Variable(&'a str),
}

impl<'a> Template<'a> {
    pub fn parse(mut text: &'a str) -> Result<Self, String> {
        let mut parts = Vec::new();
        while let Some((literal, rest)) = text.split_once("{{") {
            let Some((name, rest)) = rest.split_once("}}") else {
                return Err("unmatched '{{' in template".into());
            };
            parts.push(Part::Literal(literal));
            parts.push(Part::Variable(name.trim()));
            text = rest;
        }
        parts.push(Part::Literal(text));
        Ok(Self(parts))
    }

    pub fn parts(&self) -> impl Iterator<Item = &Part<'a>> {
        self.0.iter()
    }
}
