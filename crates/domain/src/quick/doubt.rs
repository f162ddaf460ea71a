//! What looks like something and is not: it is refused, or, where it can safely be a part of the title, said in a note.

use perennial_recurrence::PhraseError;

use super::grammar::{Read, Spoken, is_last, title, when};
use super::meaning::Meaning;
use super::names::{self, nearly};
use super::words::Line;
use super::{around, duration, hour, ordinal, reminder};

/// Areas that zones are named by.
const AREAS: &str = "africa america antarctica arctic asia atlantic australia brazil canada chile etc europe indian mexico \
    pacific us";

/// Names of zones that many places share, or that are no names of the zone database.
const LETTERS: &str = "est edt cst cdt mst mdt pst pdt akst hst bst ist cet cest eet eest wet west msk jst kst aest aedt nzst z \
    gmt";
/// Names of zones that may be words of a title, where the line goes on.
const NICKNAMES: &str = "et pt ct mt eastern pacific central mountain atlantic zulu";

/// Why a day that is counted from another, or within a period, is refused.
pub(super) const NOT_COUNTED: &str = "is not counted out here: write the day itself";

pub(super) fn refused(why: impl Into<String>, next: usize) -> Option<Read> {
    Some((Meaning::Refused(why.into()), next))
}

/// `every` and what is no recurrence. Where nothing in it looks like a day or a number it is a part of the title.
pub(super) fn no_recurrence(line: &Line<'_>, at: usize, error: &PhraseError) -> Option<Read> {
    let next = at.saturating_add(1);
    let word = line.core(next);
    let begun = error.position > line.start(next) || word.starts_with(|letter: char| letter.is_ascii_digit());
    let meant = nearly(word);
    if !begun && meant.is_none() {
        return None;
    }
    let wrong = line.word_from(error.position.saturating_add(1)).max(next.saturating_add(1));
    let hint = meant.map(|name| format!("; was {name} meant?")).unwrap_or_default();
    refused(format!("is no recurrence: {}{hint}", error.message), wrong.min(line.words.len()))
}

/// What stands where a zone would, after a time.
pub(super) fn no_zone(line: &Line<'_>, at: usize) -> Option<Read> {
    let (word, raw) = (line.core(at), line.raw(at));
    let next = at.saturating_add(1);
    if is_place(raw) {
        let why =
            "is no zone of the time zone database: write it as Europe/Paris, or put it in quotation marks";
        return refused(why, next);
    }
    let offset = word.strip_prefix("utc").or_else(|| word.strip_prefix("gmt")).unwrap_or(word);
    let is_offset =
        offset.strip_prefix(['+', '-']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let why = "is no zone that is read here: write it as Europe/Paris or \"Paris time\"";
    if is_offset || raw.chars().all(char::is_uppercase) && LETTERS.split(' ').any(|name| name == word) {
        return refused(why, next);
    }
    let is_short = word.len() == 2 && !raw.chars().all(char::is_uppercase);
    if !is_short && NICKNAMES.split(' ').any(|name| name == word) && is_last(line, next) {
        return refused(why, next);
    }
    let named = raw.starts_with(char::is_uppercase) && !line.open(at).is_empty() && line.core(next) == "time";
    if named { refused(why, next.saturating_add(1)) } else { None }
}

/// Whether a word is written as zones are: `Europe/Nowhere`.
fn is_place(raw: &str) -> bool {
    let is_name = |part: &str| {
        // Two capitals are no place: "CI/CD".
        part.starts_with(char::is_uppercase)
            && part.chars().nth(1).is_some_and(char::is_lowercase)
            && part.chars().all(|letter| letter.is_alphanumeric() || "_-+".contains(letter))
    };
    raw.contains('/') && raw.split('/').all(is_name) || is_area(raw)
}

/// Whether a word begins with an area that zones are named by.
fn is_area(raw: &str) -> bool {
    let area = raw.split_once('/').map_or("", |(area, _)| area);
    AREAS.split(' ').any(|name| name.eq_ignore_ascii_case(area))
}

/// A single word that may have been meant otherwise.
pub(super) fn doubt(line: &Line<'_>, spoken: &mut Spoken, at: usize) -> Option<Read> {
    let (word, next) = (line.core(at), at.saturating_add(1));
    if let Some(name) = nearly(word) {
        // Short names have neighbours in the dictionary: a sundae is no Sunday.
        if name.len() >= 7 {
            return refused(format!("is no day: was {name} meant?"), next);
        }
        spoken.note(line, at..next, format!("was not read as {name}"));
    }
    let is_said = matches!(
        spoken.last(),
        Some(Meaning::Day(_) | Meaning::Time(..) | Meaning::Recurrence(_) | Meaning::Zone(_))
    );
    let note = match word {
        "every" | "each" if !line.core(next).is_empty() => {
            Some("begins no recurrence here; write \"every 2 weeks\" or the like")
        }
        "hourly" | "daily" | "weekly" | "monthly" | "yearly" | "annually" | "weekdays" | "workdays"
        | "weekends" => {
            Some("was not read as a recurrence, since the title goes on; write \"every week\" or the like")
        }
        "fortnightly" | "biweekly" | "bi-weekly" | "bimonthly" | "bi-monthly" | "quarterly" | "nightly"
        | "semi-annually" | "biannually" => {
            Some("was not read as a recurrence; write \"every 2 weeks\" or the like")
        }
        _ if day_in_marks(word) => Some("was not read as a day; leave out the marks around it"),
        "p1" | "p2" | "p3" | "p4" => {
            Some("was not read as a priority; write !urgent, !high, !medium or !low")
        }
        "tonight" | "eod" | "eow" | "eom" => Some("is no exact time; write today 20:00 or the like"),
        "morning" | "afternoon" | "evening" | "night" if matches!(spoken.last(), Some(Meaning::Day(_))) => {
            Some("is no exact time; write 9am or the like")
        }
        "reminder" if is_said => Some("does not say when to remind; write \"remind 1h before\""),
        "this" if ["week", "month", "year", "weekend"].contains(&line.core(next)) => Some("names no one day"),
        "end" | "start" | "middle" | "beginning"
            if line.open(next) == "of" && ordinal::period(line, next.saturating_add(1)).is_some() =>
        {
            Some("is no exact day; write its date")
        }
        "within" if duration::length(line, next).is_some() => {
            Some("was not read as a time; write \"in\" instead of it")
        }
        _ if is_area(line.raw(at)) => Some("was not read as a zone; write it right after the time"),
        _ if names::short_weekday(word).is_some() => {
            Some("was not read as a day; write it out, or \"on\" before it")
        }
        _ if word.strip_suffix('s').and_then(names::weekday).is_some() => {
            Some("was not read as a day; write \"every\" before it if it comes back")
        }
        _ if word.starts_with('#') => {
            Some("is no tag: tags are of letters, figures and - _ / . & + @, not of figures alone")
        }
        _ if word.contains(':') && word.chars().all(|letter| letter == ':' || letter.is_ascii_digit()) => {
            Some("was not read as a time; write 09:05")
        }
        _ => None,
    };
    if let Some(note) = note {
        spoken.note(line, at..next, note);
        return Some(title(line, at));
    }
    if let Some(end) = around::count_within(line, at) {
        spoken.note(line, at..end, "was not read as a recurrence; write \"every week\" or the like");
    }
    if hour::is_doubtful(line, spoken.last(), at) {
        spoken.note(line, at..next, "was not read as a time; write 9am or 09:00");
    }
    let spelt = ordinal::spelt_day(line, at);
    if let Some(end) = spelt {
        spoken.note(line, at..end, "was not read as a day; write 5 December or the like");
    }
    // "5. December"
    let is_numbered = names::is_digits(word) && word.len() <= 2 && line.written(at).ends_with('.');
    if is_numbered && ordinal::is_month(line.core(next)) {
        let after = next.saturating_add(1);
        if is_last(line, after) {
            return refused("is no day as it is read here: leave out the full stop", after);
        }
        spoken.note(line, at..after, "was not read as a day; leave out the full stop");
    }
    if names::is_dotted(line.written(at)) {
        spoken.note(line, at..next, "was not read as a day; write the month as a word");
    }
    if ["before", "after", "until", "till", "since", "around", "about", "or"].contains(&line.open(at))
        && let Some((Meaning::Day(_) | Meaning::Time(..), _)) = when(line, None, next)
    {
        spoken.note(line, at..next, "was not read with the day or the time after it");
    }
    if is_said && let Some(end) = reminder::without_verb(line, at) {
        spoken.note(line, at..end, "was not read as a reminder; write \"remind\" before it");
    }
    number_alone(line, spoken, at);
    None
}

/// `(tomorrow)`.
fn day_in_marks(word: &str) -> bool {
    let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    bare != word && (matches!(bare, "today" | "tomorrow") || names::weekday(bare).is_some())
}

/// `at 9 Main Street`, `on the 15th`: numbers that might have been a time or a day.
fn number_alone(line: &Line<'_>, spoken: &mut Spoken, at: usize) {
    let (first, next) = (line.open(at), at.saturating_add(1));
    let second = line.core(next);
    let hour = first == "at" && names::is_digits(second) && second.parse::<u8>().is_ok_and(|hour| hour < 24);
    let day = ordinal::is_ordinal(line.core(next.saturating_add(1)));
    if hour {
        spoken.note(line, at..next.saturating_add(1), "was not read as a time; write 9am or 09:00");
    } else if ["on", "by"].contains(&first) && line.open(next) == "the" && day {
        spoken.note(line, at..next.saturating_add(2), "was not read as a day; name the month");
    }
}
