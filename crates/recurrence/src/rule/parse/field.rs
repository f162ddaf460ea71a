//! Cuts a rule text into its parts: known names, each once, none empty. Positions are kept for messages.

use crate::limits::MAX_RULE_BYTES;
use crate::rule::RuleError;

/// A part's name as RFC 5545 writes it.
pub(super) type Name = &'static str;

const NAMES: [Name; 16] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
    "RSCALE",
    "SKIP",
];

/// One `NAME=value`.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: Name,
    pub(super) value: &'a str,
    /// Where the name starts.
    pub(super) name_at: usize,
    /// Where the value starts.
    pub(super) at: usize,
}

impl Field<'_> {
    /// An error about this part, at a byte offset within its value.
    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> RuleError {
        error(self.at.saturating_add(offset), Some(self.name), message)
    }

    /// An error about this part as a whole.
    pub(super) fn refuse(&self, message: impl Into<String>) -> RuleError {
        error(self.name_at, Some(self.name), message)
    }
}

pub(super) fn error(position: usize, part: Option<Name>, message: impl Into<String>) -> RuleError {
    RuleError { position, part: part.map(str::to_owned), message: message.into() }
}

/// The parts of a rule, in the order given.
pub(super) struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: Name) -> Option<&Field<'a>> {
        self.0.iter().find(|field| field.name == name)
    }

    pub(super) fn cut(text: &'a str) -> Result<Fields<'a>, RuleError> {
        if text.len() > MAX_RULE_BYTES {
            let message = format!("the rule is {} bytes long, at most {MAX_RULE_BYTES} are read", text.len());
            return Err(error(MAX_RULE_BYTES, None, message));
        }
        let mut fields = Fields(Vec::with_capacity(4));
        let mut at: usize = 0;
        for part in text.split(';').filter(|_| !text.is_empty()) {
            fields.push(part, at)?;
            at = at.saturating_add(part.len()).saturating_add(1);
        }
        Ok(fields)
    }

    fn push(&mut self, part: &'a str, name_at: usize) -> Result<(), RuleError> {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let known = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        if let Some(offset) = part.bytes().position(|byte| !(b' ' < byte && byte < 0x7f)) {
            let message = "only visible ASCII characters may stand in a rule, no spaces or line breaks";
            return Err(error(name_at.saturating_add(offset), known, message));
        }
        let Some(known) = known else {
            return Err(error(name_at, None, unknown(name)));
        };
        let at = name_at.saturating_add(name.len()).saturating_add(1);
        let field = Field { name: known, value, name_at, at };
        if value.is_empty() {
            let end = name_at.saturating_add(part.len());
            return Err(error(end, Some(known), format!("a value is missing, write {known}=…")));
        }
        if self.get(known).is_some() {
            return Err(field.refuse("given twice; a part may stand only once"));
        }
        self.0.push(field);
        Ok(())
    }
}

fn unknown(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    if name.is_empty() {
        "a part is missing here; parts are separated by one semicolon and none follows the last".to_owned()
    } else if upper.starts_with("RRULE:") {
        "give the rule without \"RRULE:\"".to_owned()
    } else if upper == "BYEASTER" {
        "BYEASTER is not part of RFC 5545".to_owned()
    } else {
        format!("{name:?} is not a part of a recurrence rule")
    }
}
