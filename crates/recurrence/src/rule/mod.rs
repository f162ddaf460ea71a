//! Recurrence rules (RFC 5545 §3.3.10): the text as given, and its parts.

mod error;
mod parse;
mod parts;
mod print;

pub use error::RuleError;
pub use parts::{End, Frequency, Parts, Skip, Until, WeekdayNum};

/// A parsed rule. It keeps the text it was given and never rewrites it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    text: String,
    parts: Parts,
}

impl Rule {
    /// Parses the value of an RRULE property, without the property's name.
    ///
    /// # Errors
    /// [`RuleError`] with the part and the character, if the text breaks RFC 5545 §3.3.10 or a bound of
    /// [`crate::limits`].
    pub fn parse(text: &str) -> Result<Rule, RuleError> {
        Ok(Rule { parts: parse::parse(text)?, text: text.to_owned() })
    }

    /// Writes parts as a rule and checks them as [`Rule::parse`] does.
    ///
    /// # Errors
    /// [`RuleError`] if the parts may not stand together; its position is that in the text written.
    pub fn from_parts(parts: &Parts) -> Result<Rule, RuleError> {
        Rule::parse(&parts.to_string())
    }

    /// The text as given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parts.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// FREQ.
    pub fn frequency(&self) -> Frequency {
        self.parts.frequency
    }

    /// INTERVAL, 1 if not given.
    pub fn interval(&self) -> u32 {
        self.parts.interval
    }

    /// COUNT, if given.
    pub fn count(&self) -> Option<u32> {
        match self.parts.end {
            End::Count(count) => Some(count),
            _ => None,
        }
    }

    /// UNTIL, if given.
    pub fn until(&self) -> Option<Until> {
        match self.parts.end {
            End::Until(until) => Some(until),
            _ => None,
        }
    }

    /// Whether the rule ends by COUNT or UNTIL.
    pub fn is_finite(&self) -> bool {
        self.parts.end != End::Never
    }

    /// The same rule with another end, for series that count from completion or are split; printed anew.
    pub fn with_end(&self, end: End) -> Rule {
        let parts = Parts { end, ..self.parts.clone() };
        Rule { text: parts.to_string(), parts }
    }

    /// The same rule without COUNT and UNTIL, printed anew.
    pub fn without_end(&self) -> Rule {
        self.with_end(End::Never)
    }

    /// The same rule without COUNT; UNTIL and the text stay if there was none.
    pub fn without_count(&self) -> Rule {
        if self.count().is_some() { self.without_end() } else { self.clone() }
    }
}

impl std::str::FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Rule, RuleError> {
        Rule::parse(text)
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
