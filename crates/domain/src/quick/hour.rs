//! Times of day in words or figures that are not read: `at nine`, `half past nine`, `9 o'clock`, `at 0900`, `17h`, `9.30`.

use super::doubt::refused;
use super::grammar::{Read, is_beside, is_last};
use super::meaning::Meaning;
use super::names::is_digits;
use super::words::Line;

const HOURS: &str = "one two three four five six seven eight nine ten eleven twelve";
const UNREAD: &str = "is no time of day that is read here: write it as 9am, 9:30pm or 17:30";

/// `nine`.
fn is_spelt(word: &str) -> bool {
    HOURS.split(' ').any(|name| name == word)
}

/// `9`, `nine`.
fn is_hour(word: &str) -> bool {
    is_spelt(word) || word.len() <= 2 && is_digits(word)
}

/// Whether a day or a recurrence stands right before.
fn is_dated(last: Option<&Meaning>) -> bool {
    matches!(last, Some(Meaning::Day(_) | Meaning::Recurrence(_)))
}

/// A time of day that cannot be taken for a part of a title.
pub(super) fn unread(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> Option<Read> {
    let (word, next) = (line.core(at), at.saturating_add(1));
    let refuse = |words: usize| refused(UNREAD, at.saturating_add(words).min(line.words.len()));
    let is_led = at.checked_sub(1).is_some_and(|before| line.open(before) == "at");
    if !is_hour(word) && !matches!(word, "half" | "quarter") {
        let is_glued =
            word.strip_suffix("o'clock").or_else(|| word.strip_suffix("o’clock")).is_some_and(is_hour);
        let is_alone = is_led && looks(word) && is_dated(last) && is_last(line, next);
        let is_padded = is_led && word.len() == 4 && word.starts_with('0') && looks(word);
        return if is_glued || is_alone || is_padded && is_beside(line, last, next) {
            refuse(1)
        } else {
            None
        };
    }
    if line.open(at).is_empty() {
        let is_spelt = is_spelt(word) && is_led && is_beside(line, last, next);
        return if is_spelt { refuse(1) } else { None };
    }
    let is_part = matches!(word, "half" | "quarter");
    let is_alone = |next: usize| (is_part || is_led) && is_beside(line, last, next);
    let (second, third) = (line.core(next), line.core(next.saturating_add(1)));
    match second {
        "o'clock" | "o’clock" | "oclock" if is_hour(word) => return refuse(2),
        "o" if is_hour(word) && third == "clock" => return refuse(3),
        // "A quarter to 5 people" is no time.
        "past" | "to"
            if is_hour(third) && (is_part && second == "past" || is_alone(at.saturating_add(3))) =>
        {
            return refuse(3);
        }
        "am" | "pm" | "a.m" | "p.m" if is_spelt(word) && (is_led || is_dated(last)) => return refuse(2),
        _ if word == "half" && is_led && is_hour(second) => return refuse(2),
        _ => {}
    }
    // "Tomorrow at one of the shops" is no hour, but "at one tomorrow" is.
    let last = last.filter(|_| word != "one");
    if is_spelt(word) && is_led && is_beside(line, last, next) { refuse(1) } else { None }
}

/// Whether a word may say a time of day in figures: `0900`, `17h30`, `9.30`, `9p`.
fn looks(word: &str) -> bool {
    let split = word.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(word.len());
    let Some((hour, rest)) = word.split_at_checked(split) else { return false };
    let below = |figures: &str, end: u8| figures.parse::<u8>().is_ok_and(|number| number < end);
    let is_minute = |figures: &str| figures.len() == 2 && is_digits(figures) && below(figures, 60);
    if rest.is_empty() {
        let minutes = hour.len().checked_sub(2).and_then(|at| hour.split_at_checked(at));
        let is_four = |(hour, minute): (&str, &str)| below(hour, 24) && is_minute(minute);
        return matches!(hour.len(), 3 | 4) && minutes.is_some_and(is_four);
    }
    let minutes = rest.strip_prefix(['h', '.']);
    hour.len() <= 2
        && below(hour, 24)
        && (matches!(rest, "h" | "p" | "a" | "u" | "uhr") || minutes.is_some_and(is_minute))
}

/// A time of day that may as well be a part of the title: where it stands after "at", or ends the line after a day.
pub(super) fn is_doubtful(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> bool {
    let (word, next) = (line.core(at), at.saturating_add(1));
    let is_led = at.checked_sub(1).is_some_and(|before| line.open(before) == "at");
    let is_bare = word.len() <= 2 && is_digits(word) && word.parse::<u8>().is_ok_and(|hour| hour < 24);
    // "Tomorrow 100" says nothing of an hour.
    let after_day = is_dated(last) && is_last(line, next) && !(word.len() == 3 && is_digits(word));
    looks(word) && (is_led || after_day) || is_bare && after_day
}
