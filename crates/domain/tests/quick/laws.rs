//! What holds of every line, whatever is in it.

use std::time::{Duration, Instant};

use perennial_domain::{Due, QuickInput, ReadAs, Reading, Timestamp, read_quick};
use perennial_recurrence::chrono::NaiveDateTime;
use perennial_recurrence::{Frequency, Phrase, Rule, RuleSet, Start, Zone, zone_names};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::mutated;

/// Words that mean something, alone or beside each other.
const WORDS: &str = "every each every! other daily weekly weekdays on on weekdays at by due from for in the day after tomorrow today \
    yesterday tonight this next last week month year Monday fri Sun. mondya tomorow 5 31 Dec December 2026 2027 2026-12-05 \
    2026-12-05T09:00 2026-02-30 3/4 25/12/2027 5.12.2026 9am 9 pm 25:00 17:30 9-11am noon midnight 1st 15th third last second \
    workday days hours weeks 2 two a an half hour 1h 1h30m 90m remind me reminder before after when due time until till 10 \
    times except only else UTC PST New York time Europe/Paris Gotham #home #42 # !high !hgih ! !!! \" “ ” \\ \\# , ; . : of them \
    minutes 0 and 30 of hours 9 to 16 p1 eod now completion starting ending few thirteen 2.5 1,5 99999 27 \
    the 13th first Mon sat and Europe/Nowhere but excluding not apart by twice 3x per once fifth \
    5-7 5/6 between to & then plus notify o'clock half past quarter nine 0900 17h 9.30 09:00Z GMT ET Eastern 2026-12-5 25-12-26 \
    25.12. 5. Pay rent \"every Monday\" (today) é 🎂 e\u{301} \u{0} \u{85} \u{2028}";

fn fragment() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = WORDS.split(' ').filter(|word| !word.is_empty()).collect();
    prop_oneof![
        12 => prop::sample::select(words).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[ -~]{0,12}",
        1 => any::<char>().prop_map(String::from),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let gap = prop_oneof![9 => Just(" "), 1 => Just(""), 1 => Just("\n"), 1 => Just(", ")];
    let many = prop_oneof![3 => 0..8_usize, 1 => 0..60_usize];
    let fragments = many.prop_flat_map(move |many| prop::collection::vec((fragment(), gap.clone()), many));
    fragments.prop_map(|parts| {
        let text: String = parts.into_iter().map(|(word, gap)| word + gap).collect();
        text.chars().take(1_000).collect()
    })
}

fn quick(text: &str) -> QuickInput {
    QuickInput { text: text.to_owned(), tz: None, dry_run: false }
}

/// Reads a line and holds the reading against all that must be true of one; whether it was read.
fn check(text: &str, zone: &Zone, now: Timestamp) -> bool {
    let length = text.chars().count();
    let read = read_quick(&quick(text), zone, now);
    assert_eq!(read, read_quick(&quick(text), zone, now), "{text:?} is read in one way");
    let is_read = read.is_ok();
    match read {
        Ok(reading) => covered(text, &reading, zone, now),
        Err(invalid) => {
            assert!(!invalid.errors.is_empty(), "{text:?}");
            for error in invalid.errors {
                assert_eq!(error.pointer, "/text", "{text:?}");
                let within = error.span.is_none_or(|span| span.start < span.end && span.end <= length);
                assert!(within, "{text:?}: {:?}", error.span);
            }
        }
    }
    is_read
}

fn covered(text: &str, reading: &Reading, zone: &Zone, now: Timestamp) {
    let letters: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut title = Vec::new();
    for piece in &reading.pieces {
        assert!(
            at <= piece.span.start && piece.span.start < piece.span.end,
            "{text:?}: {:?}",
            reading.pieces
        );
        assert!(letters[at..piece.span.start].iter().all(|letter| letter.is_whitespace()), "{text:?}");
        assert_eq!(piece.text, String::from_iter(&letters[piece.span.start..piece.span.end]));
        at = piece.span.end;
        if piece.read_as == ReadAs::Title {
            title.push(piece.value.clone());
        }
    }
    assert!(letters[at..].iter().all(|letter| letter.is_whitespace()), "{text:?}: {:?}", reading.pieces);
    assert_eq!(reading.input.title, title.join(" ").trim(), "{text:?}");
    assert!(
        reading.notes.iter().all(|note| note.span.start < note.span.end && note.span.end <= letters.len())
    );
    let words =
        u32::try_from(text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').count()).unwrap();
    assert!(reading.steps <= 200 + 100 * words, "{text:?}: {} steps for {words} words", reading.steps);
    // Nothing is due in the past unless its year was written.
    let years = letters.windows(4).any(|four| four.iter().all(char::is_ascii_digit));
    if let (Some(due), false) = (&reading.input.due, years) {
        let due = Due::from_stored(&due.local, due.tz.as_deref()).unwrap();
        let today = zone.local(now.to_utc()).date();
        match &due {
            Due::Date(date) => assert!(*date >= today, "{text:?}: {date}"),
            other => {
                assert!(other.instant(zone) > Timestamp::from_millis(now.as_millis() - 1_000), "{text:?}")
            }
        }
    }
}

fn place() -> impl Strategy<Value = (Zone, Timestamp)> {
    let zones: Vec<&'static str> = zone_names().collect();
    // From 1970 to 2100, and near the end of the calendar.
    let now = prop_oneof![9 => 0_i64..4_102_444_800_000, 1 => 253_370_000_000_000_i64..253_402_300_799_999];
    (prop::sample::select(zones), now)
        .prop_map(|(zone, now)| (Zone::parse(zone).unwrap(), Timestamp::from_millis(now)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_word_of_any_line_is_answered_for(text in line(), (zone, now) in place()) {
        check(&text, &zone, now);
    }

    #[test]
    fn so_is_every_word_of_any_text(text in any::<Vec<u8>>(), (zone, now) in place()) {
        check(&String::from_utf8_lossy(&text), &zone, now);
    }
}

/// The same, for as long as it may take: `QUICK_FUZZ_SECONDS`, three unless told otherwise.
#[test]
fn fuzzing_finds_no_line_without_an_answer() {
    let seconds = std::env::var("QUICK_FUZZ_SECONDS").map_or(3, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runner = TestRunner::default();
    let (mut lines, mut read) = (0_u64, 0_u64);
    while Instant::now() < end {
        let (text, (zone, now)) = (line(), place()).new_tree(&mut runner).unwrap().current();
        read += u64::from(check(&text, &zone, now));
        lines += 1;
    }
    println!("{lines} lines, {read} of them read as a task");
    assert!(read > 20 && lines - read > 20, "{read} of {lines}");
}

#[test]
fn fuzzing_finds_no_mutant_without_an_answer() {
    let now = Timestamp::parse("2026-11-21T11:00:00Z").unwrap();
    mutated::fuzz(include_str!("lines.txt"), |text| check(text, &Zone::utc(), now));
}

#[test]
fn a_hostile_line_costs_no_more_than_its_length() {
    let now = Timestamp::parse("2026-11-21T11:00:00Z").unwrap();
    for part in [
        "every ",
        "every 1st, ",
        "every other ",
        "1 day from ",
        "at 9 ",
        "at at ",
        "remind 1h ",
        "in 1 day ",
        "\"",
        "“",
        "time ",
        "daily at 8am and 8:30pm, ",
        "next ",
        "on the ",
        "a a ",
        "1h",
        "tomorow ",
        ",",
        "#",
        "every day time ",
        "5 Dec 5 ",
        "5 Dec 27 ",
        "remind 1h before and ",
        "in 1,",
        "in a few business ",
        "mon at ",
        "the first ",
        "Monday the ",
        "every day ending ",
        "every day until ",
        "every day but not on the ",
        "every day by ",
        "every day at 9 3x ",
        "3 times every ",
        "5 to the ",
        "5,6 ",
        "the day before ",
        "Friday after ",
        "at half past ",
        "at nine ",
        "at one on ",
        "in 1 hour, ",
        "notify me 1h ",
        "first of every ",
        "the 1st monthly ",
        "fifth of ",
    ] {
        let text: String = part.chars().cycle().take(1_000).collect();
        check(&text, &Zone::utc(), now);
        // The steps are told of what was read; a title keeps it from being refused for want of one.
        let words = u32::try_from(text.split([' ', ',']).count()).unwrap();
        if let Ok(reading) = read_quick(&quick(&text), &Zone::utc(), now) {
            assert!(reading.steps <= 200 + 100 * words, "{part}: {}", reading.steps);
        }
    }
    let long = "x".repeat(1_001);
    let refused = read_quick(&quick(&long), &Zone::utc(), now).unwrap_err();
    assert_eq!(refused.errors[0].detail, "has 1001 characters; at most 1000 are read");
}

/// What the engine says of a rule is read back as that rule, between other words.
#[test]
fn the_words_of_every_rule_are_read_back_within_a_line() {
    let vectors = include_str!("../../../recurrence/tests/vectors/recurrence.jsonl");
    let mut read_back = 0;
    for vector in vectors.lines() {
        let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
        let text = |member: &str| vector[member].as_str().unwrap();
        let (start, zone) =
            (text("dtstart").parse::<NaiveDateTime>().unwrap(), Zone::parse(text("tz")).unwrap());
        let rule = Rule::parse(text("rrule")).unwrap();
        let words = RuleSet::new(Start::Zoned(start, zone), Some(rule), vec![], vec![]).unwrap().describe();
        let Ok(phrase) = Phrase::parse(&words) else { continue };
        // A day before it starts, so that it has not ended.
        let now = Timestamp::from_millis(start.and_utc().timestamp_millis() - 86_400_000);
        let line = format!("Water the plants {words} #home");
        let read = read_quick(&quick(&line), &Zone::utc(), now);
        let reading = read.unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(reading.input.title, "Water the plants", "{line}");
        assert_eq!(reading.input.tags, ["home"], "{line}");
        assert_eq!(reading.input.recurrence.unwrap().rrule, phrase.rule.text(), "{line}");
        if phrase.rule.frequency() >= Frequency::Daily {
            let due = reading.input.due.unwrap();
            let heard = Zone::parse(due.tz.as_deref().unwrap()).unwrap();
            assert!(heard.is_same_as(&zone), "{line}");
            assert!(
                phrase.time.is_none_or(|time| due.local.ends_with(&time.to_string()))
                    || phrase.rule.parts().by_hour.len() > 1,
                "{line}: {}",
                due.local
            );
        }
        read_back += 1;
    }
    println!("{read_back} rules");
    assert!(read_back > 100, "{read_back}");
}
