//! Single words: numbers, units, weekdays, times and days in figures, and words that are nearly one of these.

use chrono::{NaiveDate, Weekday};

/// Why a word that looks like something is not that.
pub(super) type Refusal = String;

/// Units of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// `3`, `three`, `a`, `forty-five`; of nine figures at most.
pub(super) fn number(word: &str) -> Option<u32> {
    const WORDS: &str = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
        seventeen eighteen nineteen";
    const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";
    let spelt = |word: &str| WORDS.split(' ').zip(1_u32..).find(|(name, _)| *name == word);
    let tens = |word: &str| TENS.split(' ').zip((20_u32..).step_by(10)).find(|(name, _)| *name == word);
    match word.split_once('-') {
        _ if matches!(word, "a" | "an") => Some(1),
        Some((ten, one)) => {
            let (ten, one) = tens(ten).zip(spelt(one).filter(|(_, one)| *one < 10))?;
            Some(ten.1.saturating_add(one.1))
        }
        None => spelt(word)
            .or_else(|| tens(word))
            .map(|(_, number)| number)
            .or_else(|| (word.len() <= 9 && is_digits(word)).then(|| word.parse().ok())?),
    }
}

pub(super) fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// `minutes`, `h`.
pub(super) fn unit(word: &str) -> Option<Unit> {
    let word = word.trim_end_matches(['\'', '’']);
    match word {
        "m" | "min" | "mins" | "minute" | "minutes" => Some(Unit::Minute),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(Unit::Hour),
        "d" | "day" | "days" => Some(Unit::Day),
        "w" | "wk" | "wks" | "week" | "weeks" => Some(Unit::Week),
        "month" | "months" => Some(Unit::Month),
        "year" | "years" => Some(Unit::Year),
        _ => None,
    }
}

/// `1h`, `1h30m`: numbers and the units that stand right behind them.
pub(super) fn glued(word: &str) -> Option<Vec<(u32, Unit)>> {
    let mut parts = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let (figures, after) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (name, next) = after.split_at_checked(length)?;
        parts.push((number(figures)?, unit(name)?));
        rest = next;
    }
    (!parts.is_empty()).then_some(parts)
}

const WEEKDAYS: [(&str, &[&str], Weekday); 7] = [
    ("monday", &["mon"], Weekday::Mon),
    ("tuesday", &["tue", "tues"], Weekday::Tue),
    ("wednesday", &["wed"], Weekday::Wed),
    ("thursday", &["thu", "thur", "thurs"], Weekday::Thu),
    ("friday", &["fri"], Weekday::Fri),
    ("saturday", &["sat"], Weekday::Sat),
    ("sunday", &["sun"], Weekday::Sun),
];

/// `monday`.
pub(crate) fn weekday(word: &str) -> Option<Weekday> {
    WEEKDAYS.iter().find(|(name, ..)| *name == word).map(|(.., day)| *day)
}

/// `mon`.
pub(crate) fn short_weekday(word: &str) -> Option<Weekday> {
    WEEKDAYS.iter().find(|(_, short, _)| short.contains(&word)).map(|(.., day)| *day)
}

/// The name of a day or a unit that a word is, but for a slip of the pen.
pub(crate) fn nearly(word: &str) -> Option<&'static str> {
    let others = ["tomorrow", "today", "yesterday"];
    let names = WEEKDAYS.iter().map(|(name, ..)| *name).chain(others);
    let slips = |name: &str| if name.len() >= 8 { 2 } else { 1 };
    names.into_iter().find(|name| {
        word.chars().all(char::is_alphabetic)
            && word != *name
            && word.strip_suffix('s') != Some(name)
            && distance(word, name) <= slips(name)
    })
}

/// How many letters are put in, left out, changed, or swapped with their neighbour between two words of much the same length.
fn distance(word: &str, name: &str) -> usize {
    let (word, name): (Vec<char>, Vec<char>) = (word.chars().collect(), name.chars().collect());
    if word.len().abs_diff(name.len()) > 2 {
        return usize::MAX;
    }
    // Rows of the usual table, the last three of them.
    let (mut before, mut above) = (Vec::new(), (0..=name.len()).collect::<Vec<usize>>());
    for (down, letter) in word.iter().enumerate() {
        let mut row = vec![down.saturating_add(1)];
        for (across, other) in name.iter().enumerate() {
            let cell = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let right = across.saturating_add(1);
            let changed = cell(&above, across).saturating_add(usize::from(letter != other));
            let mut least = changed.min(cell(&above, right).min(cell(&row, across)).saturating_add(1));
            let crossed = across
                .checked_sub(1)
                .zip(down.checked_sub(1))
                .filter(|(left, up)| name.get(*left) == Some(letter) && word.get(*up) == Some(other));
            if let Some((left, _)) = crossed {
                least = least.min(cell(&before, left).saturating_add(1));
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

/// Whether a word is a time of day in figures, the next one being `next`: `9am`, `9 pm`, `17:30`. The error is for one that
/// looks like a time and is not written like one.
pub(super) fn clock(word: &str, next: &str) -> Option<Result<(), Refusal>> {
    let is_half = |text: &str| matches!(text, "am" | "pm" | "a.m" | "p.m");
    let split = word.find(|letter: char| letter != ':' && !letter.is_ascii_digit()).unwrap_or(word.len());
    let (figures, ending) = word.split_at_checked(split)?;
    let is_figure = |letter: char| letter.is_ascii_digit();
    if !figures.starts_with(is_figure) {
        return None;
    }
    let fields: Vec<&str> = figures.split(':').collect();
    let well_formed = matches!(fields.len(), 1..=3)
        && fields.iter().enumerate().all(|(at, field)| field.len() == 2 || at == 0 && field.len() == 1);
    let half = is_half(ending) || ending.is_empty() && is_half(next);
    if well_formed && (half || ending.is_empty() && fields.len() > 1) {
        return Some(Ok(()));
    }
    // "9.30am", "9-11am", "17:30-18:00"; not "3:1", nor "9th".
    let only_of_times = word.chars().all(|letter| letter.is_ascii_digit() || ":.-–apm".contains(letter));
    let minutes = fields.iter().skip(1).any(|field| field.len() == 2) && fields.len() < 4;
    // "09:00Z", "9amZ", "09:00+02:00".
    let zone = ending.trim_start_matches(['a', 'p']).trim_start_matches('m');
    if well_formed
        && (fields.len() > 1 || ending != zone)
        && (zone == "z" || zone.strip_prefix('+').is_some_and(|rest| rest.starts_with(is_figure)))
    {
        return Some(Err("is no time of day: write its zone after it, as in 9am UTC".to_owned()));
    }
    let looks = only_of_times && (word.ends_with("am") || word.ends_with("pm") || minutes);
    looks.then(|| Err("is not one time of day: write it as 9am, 9:30pm or 17:30".to_owned()))
}

/// A day in figures: `2026-12-05`, or one with a year that can be read in one way only.
pub(super) fn figures(word: &str) -> Option<Result<NaiveDate, Refusal>> {
    let mark = ['/', '-', '.'].into_iter().find(|mark| word.contains(*mark))?;
    let fields: Vec<&str> = word.split(mark).collect();
    if !fields.iter().all(|field| is_digits(field) && field.len() <= 4) {
        return None;
    }
    let value = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok()).unwrap_or(0);
    let lengths: Vec<usize> = fields.iter().map(|field| field.len()).collect();
    let (a, b) = (value(0), value(1));
    match (mark, lengths.as_slice()) {
        ('-', [4, 2, 2]) => Some(of_year(a, b, value(2))),
        ('/', [1..=2, 1..=2]) => {
            // In a leap year, so that 29 February is one.
            let said: Vec<String> = readings(2028, a, b).iter().map(|day| say(*day, "%-d %B")).collect();
            (!said.is_empty())
                .then(|| Err(format!("may be {}: write the month as a word", said.join(" or "))))
        }
        (_, [1..=2, 1..=2, 4]) => Some(match readings(value(2), a, b).as_slice() {
            [] => Err("is no day of the calendar".to_owned()),
            [day] => Ok(*day),
            days => {
                let said: Vec<String> = days.iter().map(|day| say(*day, "%-d %B %Y (%Y-%m-%d)")).collect();
                Err(format!("may be {}", said.join(" or ")))
            }
        }),
        ('/', [1..=2, 1..=2, 2]) | ('/' | '-', [4, 1..=2, 1..=2]) | ('.', [4, 2, 2]) => {
            Some(Err("is no day that is read here: write it as 2026-12-05".to_owned()))
        }
        // "25-12-26"; a number of any other kind is none.
        ('-', [2, 2, 2]) if !readings(2028, a, b).is_empty() => {
            Some(Err("is no day that is read here: write it as 2026-12-05".to_owned()))
        }
        _ => None,
    }
}

/// `25.12.`, `5.`, and the like: a day as it is written where days are numbers with a full stop.
pub(super) fn is_dotted(word: &str) -> bool {
    let Some((day, month)) = word.strip_suffix('.').and_then(|word| word.split_once('.')) else {
        return false;
    };
    let fields = [day, month].map(|field| field.parse::<u32>().ok().filter(|_| field.len() <= 2));
    matches!(fields, [Some(day), Some(month)] if of_year(2028, month, day).is_ok())
}

pub(super) fn say(day: NaiveDate, format: &str) -> String {
    day.format(format).to_string()
}

/// Years that a due date may lie in.
pub(super) fn year(word: &str) -> Option<i32> {
    (word.len() == 4 && is_digits(word))
        .then(|| word.parse().ok())?
        .filter(|year| (1970..=9998).contains(year))
}

fn of_year(year: u32, month: u32, day: u32) -> Result<NaiveDate, Refusal> {
    let found = i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    found
        .filter(|_| (1970..=9998).contains(&year))
        .ok_or_else(|| "is no day of the calendar from 1970 to 9998".to_owned())
}

/// The days that two numbers can name, each once.
fn readings(year: u32, a: u32, b: u32) -> Vec<NaiveDate> {
    let mut days: Vec<NaiveDate> =
        [(b, a), (a, b)].into_iter().filter_map(|(month, day)| of_year(year, month, day).ok()).collect();
    days.dedup();
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_told_from_another_word() {
        for (word, meant) in [
            ("tomorow", Some("tomorrow")),
            ("tommorow", Some("tomorrow")),
            ("wendesday", Some("wednesday")),
            ("thrusday", Some("thursday")),
            ("mondya", Some("monday")),
            ("toady", Some("today")),
            ("tomorrow", None),
            ("mondays", None),
            ("tomorrow's", None),
            ("morrow", Some("tomorrow")),
            ("someday", None),
            ("", None),
        ] {
            assert_eq!(nearly(word), meant, "{word}");
        }
    }

    #[test]
    fn what_looks_like_a_time_is_one_or_is_refused() {
        for word in ["9am", "09:00", "9:30pm", "23:59:59", "25:00", "9a.m"] {
            assert_eq!(clock(word, ""), Some(Ok(())), "{word}");
        }
        assert_eq!(clock("9", "pm"), Some(Ok(())));
        for word in ["9.30am", "9-11am", "17:30-18:00", "5pm-6pm", "123:45"] {
            assert!(matches!(clock(word, ""), Some(Err(_))), "{word}");
        }
        for word in ["9", "9th", "3:1", "120b", "am", "", ":30", "1:2:3:4", "12.5"] {
            assert_eq!(clock(word, ""), None, "{word}");
        }
    }

    #[test]
    fn a_day_in_figures_is_read_where_it_can_be_read_in_one_way() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 25).unwrap();
        for word in ["2026-12-25", "25/12/2026", "12/25/2026", "25.12.2026", "25-12-2026"] {
            assert_eq!(figures(word), Some(Ok(day)), "{word}");
        }
        for word in [
            "3/4",
            "24/7",
            "29/2",
            "3/4/2026",
            "5/12/26",
            "2026/12/25",
            "2026-13-01",
            "31/31/2026",
            "0000-01-01",
        ] {
            assert!(matches!(figures(word), Some(Err(_))), "{word}");
        }
        for word in ["50/50", "1.5", "3-4", "1/", "/", "a/b", "1/2/3/4", "12345/1"] {
            assert_eq!(figures(word), None, "{word}");
        }
    }

    #[test]
    fn numbers_stand_right_before_their_units_too() {
        assert_eq!(glued("1h30m"), Some(vec![(1, Unit::Hour), (30, Unit::Minute)]));
        for word in ["h", "1", "1x", "1h30", "1234567890h", "1.5h"] {
            assert_eq!(glued(word), None, "{word}");
        }
        for (word, value) in
            [("an", 1), ("thirteen", 13), ("ninety", 90), ("forty-five", 45), ("999999999", 999_999_999)]
        {
            assert_eq!(number(word), Some(value), "{word}");
        }
        for word in ["", "-", "-1", "1-2", "forty-", "forty-eleven", "five-forty", "1000000000", "1.5"] {
            assert_eq!(number(word), None, "{word}");
        }
    }
}
