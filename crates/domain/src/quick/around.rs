//! What stands around a recurrence as if it belonged to it, and is not understood: its end, its exceptions, how often it
//! comes within a period, its place in a month. Each would change when the task comes back, so it is refused.

use perennial_recurrence::{Found, Frequency};

use super::doubt::refused;
use super::grammar::{ADVERBS, Read, Spoken, ends, is_last, plain_day};
use super::meaning::{Day, Meaning};
use super::names::{is_digits, number, unit, weekday};
use super::ordinal::{self, is_ordinal, is_spelt};
use super::words::Line;

/// Words that may stand between "except" and the day that it names.
const SMALL: [&str; 10] = ["on", "not", "for", "from", "the", "in", "every", "each", "any", "if"];
/// Days without a name of their own that an exception may name.
const KINDS: [&str; 9] =
    ["weekends", "weekend", "weekdays", "weekday", "workdays", "workday", "holidays", "holiday", "birthdays"];

const APART: &str = "is apart from the recurrence that it would end: write it right after that one";

/// What ends a recurrence by its last day or by how often it comes, in words that are read.
fn no_part(line: &Line<'_>) -> String {
    let year = line.next_year;
    format!(
        "does not belong to a recurrence as it is read here: write \"until 31 December {year}\" or \"10 times\""
    )
}

/// What follows a recurrence as if it belonged to it, and was not understood.
pub(super) fn rest_of_recurrence(line: &Line<'_>, spoken: &Spoken, at: usize) -> Option<Read> {
    let apart = || exception(line, spoken, at).or_else(|| deadline(line, spoken, at));
    let Some(Meaning::Recurrence(found)) = spoken.last() else {
        return end_apart(line, spoken, at).or_else(apart).or_else(|| count_apart(line, spoken, at));
    };
    let next = at.saturating_add(1);
    let words = (line.core(next), line.core(next.saturating_add(1)));
    let goes_on = match line.core(at) {
        "until" | "till" | "except" | "plus" | "only" | "else" => true,
        "for" => number(words.0).is_some() && (unit(words.1).is_some() || words.1.starts_with("time")),
        "to" => plain_day(line, next, true).is_some(),
        "ending" | "ends" | "end" | "finishing" | "stopping" | "through" | "thru" | "til" | "up"
        | "before" => {
            let led = usize::from(["on", "by", "at", "in", "after", "to"].contains(&words.0));
            let from = next.saturating_add(led);
            plain_day(line, from, true).is_some()
                || ordinal::period(line, from).is_some()
                || line.core(from).starts_with(|letter: char| letter.is_ascii_digit())
        }
        "after" | "from" => words.0 == "completion",
        word if number(word).is_some() => words.0.starts_with("time"),
        _ => false,
    };
    let led = usize::from(["on", "by", "to"].contains(&line.open(next)));
    let from = next.saturating_add(led);
    let end =
        plain_day(line, from, true).map_or(from.saturating_add(1).min(line.words.len()), |(_, end)| end);
    if goes_on {
        return refused(no_part(line), end);
    }
    apart().or_else(|| count_apart(line, spoken, at)).or_else(|| place_in_month(line, found, at))
}

/// The recurrence that was said before, be it right before or apart.
fn recurrence(spoken: &Spoken) -> Option<&Found> {
    spoken.items.iter().find_map(|(_, meaning)| match meaning {
        Meaning::Recurrence(found) => Some(found.as_ref()),
        _ => None,
    })
}

/// The end of a recurrence that was said before, apart from it.
fn end_apart(line: &Line<'_>, spoken: &Spoken, at: usize) -> Option<Read> {
    const ENDS: [&str; 8] = ["until", "till", "til", "ending", "ends", "through", "thru", "before"];
    if !ENDS.contains(&line.core(at)) {
        return None;
    }
    let next = at.saturating_add(1);
    let led = usize::from(["on", "by"].contains(&line.open(next)));
    let (_, end) =
        plain_day(line, next.saturating_add(led), true).filter(|_| recurrence(spoken).is_some())?;
    refused(APART, end)
}

/// `by 5 Dec` after a recurrence: the day on which it ends, or one of those by which a thing is due? It is the latter where it
/// says what the recurrence leaves open: "every week by Friday", "every year by 5 Dec".
fn deadline(line: &Line<'_>, spoken: &Spoken, at: usize) -> Option<Read> {
    if line.open(at) != "by" {
        return None;
    }
    let parts = recurrence(spoken)?.phrase.rule.parts();
    let (Meaning::Day(day), end) = plain_day(line, at.saturating_add(1), true)? else { return None };
    let is_open = parts.by_day.is_empty() && parts.by_month.is_empty() && parts.by_month_day.is_empty();
    let says_which = match day {
        Day::Weekday(_) | Day::This(_) | Day::Next(_) => parts.frequency == Frequency::Weekly,
        Day::Yearless(..) | Day::Of(_) => parts.frequency == Frequency::Yearly,
        _ => false,
    };
    if is_open && says_which { None } else { refused(no_part(line), end) }
}

/// `but not on Sunday`, `excluding weekends`, `apart from 8 Dec`; without a recurrence what says clearly that a day is not meant.
fn exception(line: &Line<'_>, spoken: &Spoken, at: usize) -> Option<Read> {
    let word = line.open(at);
    let is_clear = match word {
        "not" | "except" | "excluding" | "unless" => true,
        "apart" | "aside" | "other" if ["from", "than"].contains(&line.open(at.saturating_add(1))) => true,
        "but" | "without" | "skip" | "skipping" | "minus" | "besides" | "save" => false,
        _ => return None,
    };
    let recurs = recurrence(spoken).is_some();
    if !is_clear && !recurs {
        return None;
    }
    let first = at.saturating_add(1);
    let mut from = first.saturating_add(usize::from(line.open(first) == "than"));
    while from < at.saturating_add(5) && SMALL.contains(&line.open(from)) {
        from = from.saturating_add(1);
    }
    let name = line.core(from);
    let after = from.saturating_add(1);
    // A day without sun is no Sunday.
    let day = plain_day(line, from, word != "without").map(|(_, end)| end);
    let is_named = KINDS.contains(&name)
        || name.strip_suffix('s').and_then(weekday).is_some()
        || is_ordinal(name) && is_last(line, after);
    let named = || is_named.then_some(after).or_else(|| ordinal::period(line, from));
    let end = day.or_else(|| named().filter(|_| recurs))?;
    refused("is an exception, and none is read here: name the days that are meant", end)
}

/// `3 times`, `3x`, `x3`, `twice`: the word after it.
fn count(line: &Line<'_>, at: usize) -> Option<usize> {
    let (word, next) = (line.core(at), at.saturating_add(1));
    let figures = word.strip_suffix(['x', '×']).or_else(|| word.strip_prefix(['x', '×']));
    if matches!(word, "twice" | "thrice") || figures.is_some_and(is_digits) {
        return Some(next);
    }
    let times = number(line.open(at)).is_some() && matches!(line.core(next), "times" | "time");
    times.then(|| next.saturating_add(1))
}

/// How often a recurrence comes in all, where it does not stand right after it: `from 1 Dec for 3 times`, `max 3 times`, `3x`.
fn count_apart(line: &Line<'_>, spoken: &Spoken, at: usize) -> Option<Read> {
    let first = line.open(at);
    let led = match first {
        "for" | "max" | "maximum" | "only" | "just" => 1,
        "at" | "up" if matches!(line.open(at.saturating_add(1)), "most" | "to") => 2,
        _ => 0,
    };
    let end = count(line, at.saturating_add(led))?;
    let why = match spoken.last()? {
        Meaning::Title(..) => return None,
        Meaning::Recurrence(_) => no_part(line),
        _ => APART.to_owned(),
    };
    // "Every Monday 3x squats" is about squats.
    recurrence(spoken).filter(|_| led > 0 || ends(line, end))?;
    refused(why, end)
}

/// How often it would come within each period, before a recurrence: `twice daily`, `3 times every day`.
pub(super) fn count_before(line: &Line<'_>, at: usize) -> Option<Read> {
    let next = count(line, at).filter(|next| line.goes_on(next.saturating_sub(1)))?;
    let after = next.saturating_add(1);
    let recurs = ADVERBS.contains(&line.core(next)) && ends(line, after)
        || ["every", "each"].contains(&line.open(next)) && line.sentence.phrase(line.start(next)).is_ok();
    let why =
        "is not counted out here: write the times of day or the days, as in \"every day at 9am and 9pm\"";
    if recurs { refused(why, next) } else { None }
}

/// `once a month`, `3 times per week`: the word after it.
pub(super) fn count_within(line: &Line<'_>, at: usize) -> Option<usize> {
    let once = at.saturating_add(1);
    let next = count(line, at).or_else(|| (line.core(at) == "once").then_some(once))?;
    let after = next.saturating_add(1);
    (["a", "an", "per"].contains(&line.open(next)) && unit(line.core(after)).is_some())
        .then(|| after.saturating_add(1))
}

/// `the 15th` after "every month", where the phrase does not say it as it is read.
fn place_in_month(line: &Line<'_>, found: &Found, at: usize) -> Option<Read> {
    let parts = found.phrase.rule.parts();
    if parts.frequency != Frequency::Monthly || !parts.by_month_day.is_empty() || !parts.by_day.is_empty() {
        return None;
    }
    let led = usize::from(["on", "by"].contains(&line.open(at)));
    let from = at.saturating_add(led);
    let article = usize::from(line.open(from) == "the");
    let number = from.saturating_add(article);
    let (word, next) = (line.core(number), number.saturating_add(1));
    let is_place =
        is_ordinal(word) || led > 0 && is_digits(word) && word.len() <= 2 || article > 0 && is_spelt(word);
    if is_place && ends(line, next) { refused(ordinal::IN_EACH_MONTH, next) } else { None }
}
