//! The parser: strict, ASCII, bounded; an error names the part and points to the character.
//!
//! Names, frequencies, weekdays and other words may be in either case (RFC 5545 §2). Beyond the RFC's grammar
//! it accepts SKIP without RSCALE, and nothing else.

mod check;
mod field;
mod lists;
mod until;

use super::{End, Frequency, Parts, RuleError, Skip};
use field::{Field, Fields};
use lists::{Range, numbers, positive, weekday, weekdays};

pub(super) fn parse(text: &str) -> Result<Parts, RuleError> {
    let fields = Fields::cut(text)?;
    let Some(freq) = fields.get("FREQ") else {
        return Err(field::error(
            text.len(),
            Some("FREQ"),
            "missing; every rule needs one, such as FREQ=DAILY",
        ));
    };
    let mut parts = Parts::new(frequency(freq)?);
    if let Some(field) = fields.get("INTERVAL") {
        parts.interval = positive(field)?;
    }
    if let Some(field) = fields.get("COUNT") {
        parts.end = End::Count(positive(field)?);
    }
    if let Some(field) = fields.get("UNTIL") {
        parts.end = End::Until(until::until(field)?);
    }
    parts.by_second = list(&fields, "BYSECOND", &Range { low: 0, high: 60, signed: false })?;
    // RFC 5545 §3.3.12: without leap seconds, second 60 is second 59.
    parts.by_second.iter_mut().for_each(|second| *second = (*second).min(59));
    parts.by_minute = list(&fields, "BYMINUTE", &Range { low: 0, high: 59, signed: false })?;
    parts.by_hour = list(&fields, "BYHOUR", &Range { low: 0, high: 23, signed: false })?;
    parts.by_month_day = list(&fields, "BYMONTHDAY", &Range { low: 1, high: 31, signed: true })?;
    parts.by_year_day = list(&fields, "BYYEARDAY", &Range { low: 1, high: 366, signed: true })?;
    parts.by_week_no = list(&fields, "BYWEEKNO", &Range { low: 1, high: 53, signed: true })?;
    parts.by_month = list(&fields, "BYMONTH", &Range { low: 1, high: 12, signed: false })?;
    parts.by_set_pos = list(&fields, "BYSETPOS", &Range { low: 1, high: 366, signed: true })?;
    if let Some(field) = fields.get("BYDAY") {
        parts.by_day = weekdays(field)?;
    }
    if let Some(field) = fields.get("WKST") {
        let day = weekday(field.value);
        parts.week_start = Some(day.ok_or_else(|| field.error(0, "must be MO, TU, WE, TH, FR, SA or SU"))?);
    }
    calendar(&fields, &mut parts)?;
    check::check(&fields, &parts)?;
    Ok(parts)
}

fn list<T: TryFrom<i16>>(fields: &Fields<'_>, name: field::Name, range: &Range) -> Result<Vec<T>, RuleError> {
    fields.get(name).map_or(Ok(Vec::new()), |field| numbers(field, range))
}

fn frequency(field: &Field<'_>) -> Result<Frequency, RuleError> {
    use Frequency::{Daily, Hourly, Minutely, Monthly, Secondly, Weekly, Yearly};
    [Secondly, Minutely, Hourly, Daily, Weekly, Monthly, Yearly]
        .into_iter()
        .find(|frequency| frequency.name().eq_ignore_ascii_case(field.value))
        .ok_or_else(|| field.error(0, "must be YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY"))
}

/// RSCALE and SKIP (RFC 7529 §4).
fn calendar(fields: &Fields<'_>, parts: &mut Parts) -> Result<(), RuleError> {
    if let Some(field) = fields.get("RSCALE") {
        if !field.value.eq_ignore_ascii_case("GREGORIAN") {
            return Err(field.error(0, "only the GREGORIAN calendar is computed here"));
        }
        parts.rscale = true;
    }
    if let Some(field) = fields.get("SKIP") {
        let skips = [("OMIT", Skip::Omit), ("BACKWARD", Skip::Backward), ("FORWARD", Skip::Forward)];
        let skip = skips.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(field.value));
        let message = || field.error(0, "must be OMIT, BACKWARD or FORWARD");
        parts.skip = skip.ok_or_else(message)?.1;
    }
    Ok(())
}
