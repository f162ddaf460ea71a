//! When a series ends, and in which zone it runs: "until 31 December 2027", "10 times", "New York time".

use super::names::{month, number};
use super::times::clock;
use super::tokens::Reader;
use crate::describe::zones::hear;
use crate::rule::{End, Until};
use crate::zone::Zone;
use chrono::NaiveDate;

/// `until …`, `10 times`, `twice`.
pub(super) fn end(reader: &mut Reader<'_>) -> Option<End> {
    let mut ahead = *reader;
    ahead.take(&[","]);
    if ahead.take(&["until", "till"]) {
        let date = date(&mut ahead)?;
        *reader = ahead;
        if ahead.take(&["at"])
            && let Some(time) = clock(&mut ahead)
        {
            *reader = ahead;
            return Some(End::Until(Until::Local(date.and_time(time))));
        }
        return Some(End::Until(Until::Date(date)));
    }
    ahead.take(&["for"]);
    let count = match (ahead.peek(0), ahead.peek(1)) {
        ("once", _) => 1,
        ("twice", _) => 2,
        (word, "times" | "time") => {
            ahead.skip(1);
            number(word).filter(|&count| count > 0)?
        }
        _ => return None,
    };
    ahead.skip(1);
    *reader = ahead;
    Some(End::Count(count))
}

/// `31 December 2027`, `December 31, 2027`, `2027-12-31`.
fn date(reader: &mut Reader<'_>) -> Option<NaiveDate> {
    if let Ok(date) = reader.peek(0).parse::<NaiveDate>() {
        reader.skip(1);
        return Some(date);
    }
    let (day, month) = day_of_month(reader)?;
    reader.take(&[","]);
    let year = reader.peek(0).parse::<i32>().ok().filter(|year| (1..=9_999).contains(year))?;
    reader.skip(1);
    NaiveDate::from_ymd_opt(year, month.into(), day)
}

/// `31 December`, `31st of December`, `December 31st`.
pub(super) fn day_of_month(reader: &mut Reader<'_>) -> Option<(u32, u8)> {
    let day = |word: &str| {
        let bare =
            ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
        bare.parse::<u32>().ok().filter(|day| (1..=31).contains(day))
    };
    let mut ahead = *reader;
    let (day, month) = match day(ahead.peek(0)) {
        Some(day) => {
            ahead.skip(1);
            ahead.take(&["of"]);
            (day, month(&mut ahead)?)
        }
        None => {
            let month = month(&mut ahead)?;
            let day = day(ahead.peek(0))?;
            ahead.skip(1);
            (day, month)
        }
    };
    *reader = ahead;
    Some((day, month))
}

/// `New York time`, `Europe/Paris time`, `UTC`.
pub(super) fn zone(reader: &mut Reader<'_>) -> Option<Zone> {
    let mut ahead = *reader;
    ahead.take(&[","]);
    if ahead.take(&["utc"]) {
        ahead.take(&["time"]);
        *reader = ahead;
        return Some(Zone::utc());
    }
    ahead.take(&["in"]);
    let length = (1..=4).find(|&count| ahead.peek(count) == "time")?;
    let wanted = (0..length).map(|index| ahead.peek(index)).collect::<Vec<_>>().join(" ");
    let zone = hear(&wanted)?;
    ahead.skip(length);
    ahead.take(&["time"]);
    *reader = ahead;
    Some(zone)
}
