//! Names of numbers, days and months, and how lists are joined.

use chrono::{NaiveDate, Weekday};

/// January to December.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Monday to Sunday.
pub(crate) const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The ordinals written out.
pub(crate) const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

pub(super) fn month(number: u8) -> String {
    let index = usize::from(number).checked_sub(1);
    index.and_then(|index| MONTHS.get(index)).map_or_else(|| number.to_string(), |&name| name.to_owned())
}

pub(super) fn weekday(day: Weekday) -> &'static str {
    let index = usize::try_from(day.num_days_from_monday()).unwrap_or(0);
    WEEKDAYS.get(index).copied().unwrap_or("Monday")
}

/// `1st`, `2nd`, `11th`.
pub(super) fn numeral(number: u32) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `first`, `sixth` as `6th`, `last`, `second last`.
pub(super) fn ordinal(number: i16) -> String {
    let size = number.unsigned_abs();
    let index = usize::from(size).checked_sub(1);
    let word = index.and_then(|index| ORDINALS.get(index)).map(|&word| word.to_owned());
    let word = word.unwrap_or_else(|| numeral(u32::from(size)));
    match (number < 0, size) {
        (true, 1) => "last".to_owned(),
        (true, _) => format!("{word} last"),
        (false, _) => word,
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and(items: &[String]) -> String {
    match items.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Sorted numbers, three and more in a row as `9 to 16`.
pub(super) fn numbers(values: &[u8]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let items: Vec<String> = runs
        .flat_map(|run| match run {
            [first, _, .., last] => vec![format!("{first} to {last}")],
            _ => run.iter().map(u8::to_string).collect(),
        })
        .collect();
    and(&items)
}

/// `31 December 2027`.
pub(super) fn date(date: NaiveDate) -> String {
    date.format("%-d %B %Y").to_string()
}
