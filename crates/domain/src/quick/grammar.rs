//! The grammar: what words mean in which order. docs/quick-add.md has it in EBNF.
//!
//! A line is read once, from the left; what begins at a word is the first of these that can be read there, and each
//! looks a few words ahead at most (a recurrence: as far as it goes).

use std::ops::Range;

use chrono::{NaiveDate, Timelike};
use perennial_recurrence::Zone;

use super::meaning::{Day, Meaning, Period};
use super::names::{self, Refusal, clock, short_weekday, weekday};
use super::words::Line;
use super::{around, doubt, duration, hour, ordinal, range, reminder};
use crate::Priority;

/// What may stand before a day or a time, and belongs to it.
pub(super) const LEADS: [&str; 8] = ["on", "by", "due", "at", "from", "for", "starting", "beginning"];
pub(super) const ADVERBS: [&str; 6] = ["hourly", "daily", "weekly", "monthly", "yearly", "annually"];
const PLURALS: [&str; 3] = ["weekdays", "workdays", "weekends"];
/// Their names, the least first: the place of one is its rank.
pub(crate) const PRIORITIES: [(&str, Priority); 5] = [
    ("none", Priority::None),
    ("low", Priority::Low),
    ("medium", Priority::Medium),
    ("high", Priority::High),
    ("urgent", Priority::Urgent),
];

/// Some words and what they mean, and the word after them.
pub(super) type Read = (Meaning, usize);

/// What a line says, in its order, and what is to be said of it.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    pub items: Vec<(Range<usize>, Meaning)>,
    pub notes: Vec<(Range<usize>, String)>,
}

impl Spoken {
    /// What stands right before.
    pub(super) fn last(&self) -> Option<&Meaning> {
        self.items.last().map(|(_, meaning)| meaning)
    }

    pub(super) fn note(&mut self, line: &Line<'_>, words: Range<usize>, note: impl Into<String>) {
        self.notes.push((line.start(words.start)..line.end_before(words.end), note.into()));
    }
}

/// Reads a line.
pub(super) fn read(line: &Line<'_>) -> Spoken {
    let mut spoken = Spoken::default();
    let mut at = 0;
    while let Some(word) = line.words.get(at) {
        let (meaning, next) = match &word.literal {
            Some(says) => (Meaning::Title(says.clone(), true), at.saturating_add(1)),
            None => meaning(line, &mut spoken, at),
        };
        spoken.items.push((line.start(at)..line.end_before(next), meaning));
        at = next;
    }
    for at in &line.unclosed {
        let why = "this quotation mark is not closed, so that it is a part of the title";
        spoken
            .notes
            .push((*at..at.saturating_add(line.raw(line.word_from(*at)).len().max(1)), why.to_owned()));
    }
    spoken
}

fn meaning(line: &Line<'_>, spoken: &mut Spoken, at: usize) -> Read {
    tag(line, at)
        .or_else(|| priority(line, at))
        .or_else(|| reminder::reminder(line, spoken.last(), at))
        .or_else(|| around::rest_of_recurrence(line, spoken, at))
        .or_else(|| around::count_before(line, at))
        .or_else(|| recurrence(line, at))
        .or_else(|| zone(line, spoken.last(), at))
        .or_else(|| when(line, spoken.last(), at))
        .or_else(|| ordinal::after_day(line, spoken.last(), at))
        .or_else(|| doubt::doubt(line, spoken, at))
        .unwrap_or_else(|| title(line, at))
}

/// A word of the title, as it was written.
pub(super) fn title(line: &Line<'_>, at: usize) -> Read {
    let next = at.saturating_add(1);
    let word = line.text.get(line.start(at)..line.end_before(next)).unwrap_or("");
    (Meaning::Title(word.to_owned(), false), next)
}

/// `#home`. `#42` is no tag: that is how issues are numbered.
fn tag(line: &Line<'_>, at: usize) -> Option<Read> {
    let name = line.raw(at).strip_prefix('#')?;
    let is_part =
        |letter: char| !letter.is_ascii() || letter.is_ascii_alphanumeric() || "-_/.&+@".contains(letter);
    let is_tag = !name.is_empty() && name.chars().all(is_part) && !names::is_digits(name);
    is_tag.then(|| (Meaning::Tag(name.to_owned()), at.saturating_add(1)))
}

/// `!high`.
fn priority(line: &Line<'_>, at: usize) -> Option<Read> {
    let name = line.core(at).strip_prefix('!').filter(|name| name.starts_with(char::is_alphanumeric))?;
    let found = PRIORITIES.iter().find(|(word, _)| *word == name).map(|(_, priority)| *priority);
    let meaning = found.map(Meaning::Priority).unwrap_or_else(|| {
        Meaning::Refused("is no priority: write !low, !medium, !high, !urgent or !none".to_owned())
    });
    Some((meaning, at.saturating_add(1)))
}

/// `every last workday at 9am`, `on weekdays`, `daily`.
fn recurrence(line: &Line<'_>, at: usize) -> Option<Read> {
    let from = at.saturating_add(usize::from(line.open(at) == "on"));
    let (head, second) = (line.core(from), from.saturating_add(1));
    let written = line.text.get(line.start(from)..line.end_before(second)).unwrap_or("");
    if head == "every" && written.ends_with('!') {
        let why = "is no recurrence: write \"every\"; counting from completion is set on the task";
        return Some((Meaning::Refused(why.to_owned()), second));
    }
    let by_name = PLURALS.contains(&head) || from == at && ADVERBS.contains(&head);
    if !by_name && !["every", "each"].contains(&line.open(from)) {
        return None;
    }
    match line.sentence.phrase(line.start(from)) {
        Ok(found) => {
            let next = line.word_from(found.end);
            // "Write the weekly report" is about a report; "Write the report weekly" is a recurrence.
            (!by_name || next > second || ends(line, next))
                .then(|| (Meaning::Recurrence(Box::new(found)), next))
        }
        Err(error) => doubt::no_recurrence(line, from, &error),
    }
}

/// Whether no word of a title begins here.
pub(super) fn ends(line: &Line<'_>, at: usize) -> bool {
    let core = line.core(at);
    at >= line.words.len()
        || core.starts_with(['#', '!'])
        || ["remind", "reminder", "from", "starting", "beginning", "until", "till", "ending"].contains(&core)
        || when(line, None, at).is_some()
}

/// A zone, right after what it is the zone of: `New York time`, `UTC`, `Europe/Paris`.
fn zone(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> Option<Read> {
    let after_time = match last? {
        Meaning::Time(..) => true,
        Meaning::Recurrence(found) => found.phrase.time.is_some(),
        Meaning::Day(day) => matches!(day, Day::At(_)),
        Meaning::Later(_) => true,
        Meaning::Zone(_) => false,
        _ => return None,
    };
    // What is said again is not another one.
    let is_new = |zone: &Zone| !matches!(last, Some(Meaning::Zone(said)) if said == zone);
    if let Some((zone, end)) = line.sentence.zone(line.start(at)).filter(|(zone, _)| is_new(zone)) {
        return Some((Meaning::Zone(zone), line.word_from(end)));
    }
    let name = line.raw(at);
    match Zone::parse(name) {
        Ok(zone) if name.contains('/') && is_new(&zone) => Some((Meaning::Zone(zone), at.saturating_add(1))),
        _ if after_time => doubt::no_zone(line, at),
        _ => None,
    }
}

/// A day or a time of day, with what may lead it: `tomorrow`, `by Friday`, `at 9am`.
pub(super) fn when(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> Option<Read> {
    let is_lead = |index: usize| LEADS.contains(&line.open(index));
    let leads = if !is_lead(at) {
        0
    } else if is_lead(at.saturating_add(1)) {
        2
    } else {
        1
    };
    let timed = matches!(last, Some(Meaning::Time(..) | Meaning::Zone(_)));
    // No lead begins a day or a time itself.
    let from = at.saturating_add(leads);
    day(line, from, leads > 0, timed).or_else(|| time(line, last, from, leads > 0))
}

/// A day; one that cannot be honoured is refused. After a time of day a short weekday is one, unless it may be a word of a
/// title.
fn day(line: &Line<'_>, at: usize, led: bool, timed: bool) -> Option<Read> {
    let is_word = || matches!(line.core(at), "sat" | "sun" | "wed") && !is_last(line, at.saturating_add(1));
    plain_day(line, at, led || timed && !is_word())
        .or_else(|| duration::from(line, at))
        .or_else(|| range::counted(line, at))
}

/// Whether the line ends here, or goes on with what is never of a title.
pub(super) fn is_last(line: &Line<'_>, at: usize) -> bool {
    let core = line.core(at);
    at >= line.words.len() || core.starts_with(['#', '!']) || core.starts_with("remind")
}

/// Whether a time of day follows a short weekday: `Mon 9am`, `Mon, 9am`, `Mon at noon`.
fn before_time(line: &Line<'_>, at: usize) -> bool {
    let lead = |index: usize| usize::from(LEADS.contains(&line.open(index)));
    let next = at.saturating_add(1);
    let from = next.saturating_add(lead(next));
    let from = from.saturating_add(lead(from));
    let (word, after) = (line.core(from), from.saturating_add(1));
    let follows = if line.open(from).is_empty() { "" } else { line.core(after) };
    let is_hour = word.len() <= 2
        && names::is_digits(word)
        && line.open(from.saturating_sub(1)) == "at"
        && is_last(line, after);
    line.goes_on(at) && (clock(word, follows).is_some() || matches!(word, "noon" | "midnight") || is_hour)
}

/// A day that is not counted from another one.
pub(super) fn plain_day(line: &Line<'_>, at: usize, led: bool) -> Option<Read> {
    let after = |words: usize| at.saturating_add(words);
    let first = line.core(at);
    let read = |day: Day, words: usize| Some((Meaning::Day(day), after(words)));
    let refuse = |why: &str, words: usize| Some((Meaning::Refused(why.to_owned()), after(words)));
    for (words, length) in
        [(["the", "day", "after", "tomorrow"].as_slice(), 4), (["day", "after", "tomorrow"].as_slice(), 3)]
    {
        if line.run(at, words) {
            return read(Day::Ahead(2), length);
        }
    }
    if let Some(refused) = ordinal::of_period(line, at) {
        return Some(refused);
    }
    match first {
        "today" => return read(Day::Ahead(0), 1),
        "tomorrow" => return read(Day::Ahead(1), 1),
        "yesterday" => return refuse("is in the past", 1),
        "this" | "next" | "last" | "past" if !line.open(at).is_empty() => {
            return named(line.core(after(1)), first).map(|meaning| (meaning, after(2)));
        }
        "in" if !line.open(at).is_empty() => return duration::ahead(line, at),
        _ => {}
    }
    if let Some(refused) = range::days(line, at) {
        return Some(refused);
    }
    if let Some(weekday) = weekday(first) {
        return read(Day::Weekday(weekday), 1);
    }
    if let Some(weekday) = short_weekday(first)
        && (led || before_time(line, at))
    {
        return read(Day::Weekday(weekday), 1);
    }
    if let Some(day) = names::figures(first) {
        return Some((day.map_or_else(Meaning::Refused, |day| Meaning::Day(Day::Of(day))), after(1)));
    }
    if first == "the" {
        let is_number = line.core(after(1)).starts_with(|letter: char| letter.is_ascii_digit());
        return if is_number && !line.open(at).is_empty() { day_of_month(line, after(1)) } else { None };
    }
    moment(line, at).or_else(|| day_of_month(line, at))
}

/// `this Friday`, `next week`, `last Monday`.
fn named(word: &str, which: &str) -> Option<Meaning> {
    let weekday = weekday(word).or_else(|| short_weekday(word));
    let day = match (which, weekday, word) {
        ("this", Some(day), _) => Day::This(day),
        ("next", Some(day), _) => Day::Next(day),
        ("next", _, "week") => Day::First(Period::Week),
        ("next", _, "month") => Day::First(Period::Month),
        ("next", _, "year") => Day::First(Period::Year),
        ("last" | "past", Some(_), _) => return Some(Meaning::Refused("is in the past".to_owned())),
        _ => return None,
    };
    Some(Meaning::Day(day))
}

/// `2026-12-05T09:00`.
fn moment(line: &Line<'_>, at: usize) -> Option<Read> {
    let word = line.raw(at);
    let (date, time) = word.split_once(['T', 't'])?;
    if names::figures(date).is_none() || !time.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let meaning = match crate::due::parse_local(&format!("{date}T{time}")) {
        Ok(crate::due::Local::DateTime(local)) => Meaning::Day(Day::At(local)),
        _ => Meaning::Refused("is no local date and time such as 2026-12-05T09:00".to_owned()),
    };
    Some((meaning, at.saturating_add(1)))
}

/// `5 Dec`, `December 5th, 2026`.
fn day_of_month(line: &Line<'_>, at: usize) -> Option<Read> {
    let ((day, month), end) = line.sentence.day_of_month(line.start(at))?;
    let next = line.word_from(end);
    let month = u32::from(month);
    let refuse = |why: String, next: usize| Some((Meaning::Refused(why), next));
    match names::year(line.core(next)) {
        Some(year) => match NaiveDate::from_ymd_opt(year, month, day) {
            Some(date) => Some((Meaning::Day(Day::Of(date)), next.saturating_add(1))),
            None => refuse("is no day of the calendar".to_owned(), next.saturating_add(1)),
        },
        // In a leap year, so that 29 February is one.
        None if NaiveDate::from_ymd_opt(2028, month, day).is_none() => {
            refuse("is no day of the calendar".to_owned(), next)
        }
        None => Some((Meaning::Day(Day::Yearless(day, month)), next)),
    }
}

/// `9am`, `17:30`, `noon`, `at 9`.
fn time(line: &Line<'_>, last: Option<&Meaning>, at: usize, led: bool) -> Option<Read> {
    let (word, next) = (line.core(at), line.core(at.saturating_add(1)));
    let refuse = |why: Refusal| Some((Meaning::Refused(why), at.saturating_add(1)));
    if word == "midnight" && (led || matches!(last, Some(Meaning::Day(_)))) {
        return refuse("begins one day and ends another: write 00:00 or 23:59 and the day".to_owned());
    }
    if let Some(refused) = hour::unread(line, last, at) {
        return Some(refused);
    }
    let is_bare = led && is_hour_alone(line, last, at);
    let shape = clock(word, if line.open(at).is_empty() { "" } else { next });
    match &shape {
        Some(Err(why)) => return refuse(why.clone()),
        None if word != "noon" && !is_bare => return None,
        _ => {}
    }
    match line.sentence.clock(line.start(at)) {
        Some((time, end)) => {
            let half = shape.is_none() && word != "noon" && (1..=12).contains(&time.hour());
            Some((Meaning::Time(time, half), line.word_from(end)))
        }
        None => refuse("is no time of day".to_owned()),
    }
}

/// Whether a number is an hour: after "at", beside a day or where no word of a title follows.
fn is_hour_alone(line: &Line<'_>, last: Option<&Meaning>, at: usize) -> bool {
    let is_hour = line.core(at).len() <= 2 && names::is_digits(line.core(at));
    let after_at = at.checked_sub(1).is_some_and(|before| line.open(before) == "at");
    let next = at.saturating_add(1);
    is_hour && after_at && is_beside(line, last, next)
}

/// Whether what ends before `next` stands beside a day, or where no word of a title follows.
pub(super) fn is_beside(line: &Line<'_>, last: Option<&Meaning>, next: usize) -> bool {
    let led = LEADS.contains(&line.open(next));
    matches!(last, Some(Meaning::Day(_) | Meaning::Recurrence(_)))
        || is_last(line, next)
        || day(line, next.saturating_add(usize::from(led)), led, true).is_some()
}
