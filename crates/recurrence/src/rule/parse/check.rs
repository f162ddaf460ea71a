//! Which parts may stand together (RFC 5545 §3.3.10).

use super::field::Fields;
use crate::rule::{Frequency, Parts, RuleError};

pub(super) fn check(fields: &Fields<'_>, parts: &Parts) -> Result<(), RuleError> {
    if fields.get("COUNT").is_some()
        && let Some(until) = fields.get("UNTIL")
    {
        return Err(until.refuse("UNTIL and COUNT must not stand in the same rule"));
    }
    frequency(fields, parts)?;
    let has_ordinal = parts.by_day.iter().any(|day| day.ordinal.is_some());
    if has_ordinal && let Some(field) = fields.get("BYDAY") {
        if parts.frequency < Frequency::Monthly {
            return Err(field.refuse("a numbered weekday such as 1MO needs FREQ=MONTHLY or FREQ=YEARLY"));
        }
        if !parts.by_week_no.is_empty() {
            return Err(field.refuse("a numbered weekday such as 1MO must not stand beside BYWEEKNO"));
        }
    }
    if let Some(field) = fields.get("BYSETPOS")
        && !BY_PARTS.iter().any(|name| fields.get(name).is_some())
    {
        return Err(field.refuse("BYSETPOS needs another BY part to choose from"));
    }
    Ok(())
}

const BY_PARTS: [&str; 8] =
    ["BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH"];

fn frequency(fields: &Fields<'_>, parts: &Parts) -> Result<(), RuleError> {
    use Frequency::{Daily, Monthly, Weekly, Yearly};
    let refused = match parts.frequency {
        Yearly => None,
        Monthly => fields.get("BYYEARDAY").map(|field| (field, "must not stand in a MONTHLY rule")),
        Weekly => fields
            .get("BYMONTHDAY")
            .or_else(|| fields.get("BYYEARDAY"))
            .map(|field| (field, "must not stand in a WEEKLY rule")),
        Daily => fields.get("BYYEARDAY").map(|field| (field, "must not stand in a DAILY rule")),
        _ => None,
    };
    if let Some((field, message)) = refused {
        return Err(field.refuse(message));
    }
    match fields.get("BYWEEKNO") {
        Some(field) if parts.frequency != Yearly => Err(field.refuse("needs FREQ=YEARLY")),
        _ => Ok(()),
    }
}
