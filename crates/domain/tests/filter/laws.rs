//! What holds of every filter, whatever is in it.

use std::collections::BTreeSet;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use perennial_domain::Timestamp;
use perennial_domain::filter::{self, Clock, Condition};
use perennial_recurrence::chrono::Weekday;
use perennial_recurrence::{Zone, zone_names};
use proptest::prelude::*;

use super::algebra::{depth, found};
use super::trees::{condition, facts};
use super::{berlin, mutated};

/// Tokens, whole and broken.
const TOKENS: &str = "( ) ( ) not and or and or = != < <= > >= ~ .. =< == due start created updated completed priority duration \
    tag project parent status title reminder overdue recurring today tomorrow now yesterday last this next week month year friday \
    mon +7d -2w +3h +1mo +1y +9999y -90min +7 2026-12-01 2026-12-01T09:00 2026-12-01T08:00:00Z 2026-02-30 none low high urgent open \
    done PT1H P2D P9 \"a\" \"\" \"a\\\"b\" \" \\ work 0198c5f0-7a2b-7c3d-8e4f-5a6b7c8d9e0f é 🎂 , ' “ \u{0} \u{3000}";

/// Reads a text and holds what comes of it against all that must be true of it; whether it was read.
fn check(text: &str, clock: &Clock) -> bool {
    let length = text.chars().count();
    let read = filter::parse(text, clock);
    match &read {
        Ok(condition) => {
            assert!(depth(condition) <= 45 && comparisons(condition) <= 100, "{text:?}: {condition:?}");
            let printed = condition.to_string();
            if printed.chars().count() <= filter::MAX_TEXT
                && depth(condition) <= filter::MAX_DEPTH
                && comparisons(condition) <= filter::MAX_COMPARISONS
            {
                let again = filter::parse(&printed, clock);
                assert_eq!(again.as_ref(), Ok(condition), "{text:?}: {printed}");
            }
        }
        Err(invalid) => {
            assert_eq!(invalid.errors.len(), 1, "{text:?}");
            for error in &invalid.errors {
                assert_eq!(error.pointer, "/filter", "{text:?}");
                let within = error.span.is_none_or(|span| span.start < span.end && span.end <= length);
                assert!(within, "{text:?}: {:?}", error.span);
            }
        }
    }
    read.is_ok()
}

fn comparisons(condition: &Condition) -> usize {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().map(comparisons).sum(),
        Condition::Not(inner) => comparisons(inner),
        Condition::Test(_) => 1,
    }
}

fn soup() -> impl Strategy<Value = String> {
    let tokens: Vec<&'static str> = TOKENS.split(' ').filter(|token| !token.is_empty()).collect();
    let piece = prop_oneof![
        20 => prop::sample::select(tokens).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[ -~]{0,8}",
    ];
    let gap = prop_oneof![9 => Just(" "), 1 => Just("")];
    prop::collection::vec((piece, gap), 0..40)
        .prop_map(|parts| parts.into_iter().map(|(piece, gap)| piece + gap).collect())
}

fn any_clock() -> impl Strategy<Value = Clock> {
    let now = prop_oneof![8 => 0_i64..4_102_444_800_000, 1 => any::<i64>(), 1 => 253_330_000_000_000_i64..253_402_300_800_000];
    let zones: Vec<&'static str> = zone_names().collect();
    let days = vec![Weekday::Mon, Weekday::Sat, Weekday::Sun];
    (prop::sample::select(zones), now, prop::sample::select(days)).prop_map(|(zone, now, week_start)| Clock {
        now: Timestamp::from_millis(now),
        zone: Zone::parse(zone).unwrap(),
        week_start,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in any::<String>(), clock in any_clock()) {
        check(&text, &clock);
    }

    #[test]
    fn any_soup_of_tokens_is_answered(text in soup(), clock in any_clock()) {
        check(&text, &clock);
    }

    #[test]
    fn what_is_printed_is_read_as_the_same_condition(condition in condition()) {
        let printed = condition.to_string();
        prop_assume!(printed.chars().count() <= filter::MAX_TEXT);
        prop_assert_eq!(filter::parse(&printed, &berlin()), Ok(condition), "{}", printed);
    }

    #[test]
    fn a_condition_matches_what_the_algebra_of_sets_finds(
        condition in condition(), tasks in prop::collection::vec(facts(), 1..12)
    ) {
        let matching: BTreeSet<usize> = (0..tasks.len()).filter(|index| condition.matches(&tasks[*index])).collect();
        prop_assert_eq!(matching, found(&condition, &tasks), "{}", condition);
    }
}

/// Comparisons with words between them, and now and then a token or bytes in their place.
fn fuzzed(u: &mut Unstructured<'_>) -> Result<String> {
    let tokens: Vec<&str> = TOKENS.split(' ').collect();
    let mut text = String::new();
    for part in 0..u.int_in_range(0..=40_u8)? {
        let joint = ["and", "or", "and not", "or not not"];
        match u.int_in_range(0..=50_u8)? {
            0 => text += u.arbitrary::<&str>()?,
            1 => text += u.choose(&tokens)?,
            _ if part % 2 == 1 => text += u.choose(&joint)?,
            2..=10 => {
                text = format!("{text}({} or {})", u.choose(&COMPARISONS)?, u.choose(&COMPARISONS)?);
            }
            _ => text += u.choose(&COMPARISONS)?,
        }
        text += u.choose(&[" ", " ", " ", "\n"])?;
    }
    Ok(text)
}

/// Comparisons that are read.
const COMPARISONS: [&str; 12] = [
    "due < +7d",
    "due = none",
    "due != monday..friday",
    "created > last week",
    "completed <= -90min",
    "start >= 2026-12-01T09:00",
    "priority >= high",
    "duration < PT1H",
    "tag = \"next \\\"action\\\"\"",
    "not title ~ É",
    "overdue",
    "not (recurring)",
];

/// For as long as it may take: `FILTER_FUZZ_SECONDS`, two unless told otherwise.
#[test]
fn fuzzing_finds_no_text_without_an_answer() {
    let seconds: u64 = std::env::var("FILTER_FUZZ_SECONDS").map_or(2, |text| text.parse().unwrap());
    let (mut texts, mut read) = (0_u64, 0_u64);
    arbtest(|u| {
        read += u64::from(check(&fuzzed(u)?, &berlin()));
        texts += 1;
        Ok(())
    })
    .budget_ms(seconds * 1_000)
    .size_max(4_096)
    .run();
    println!("{texts} texts, {read} of them read as a filter");
    assert!(read > 20 && texts - read > 20, "{read} of {texts}");
}

#[test]
fn fuzzing_finds_no_mutant_without_an_answer() {
    mutated::fuzz(include_str!("filters.txt"), |text| check(text, &berlin()));
}

#[test]
fn a_hostile_text_costs_no_more_than_its_length() {
    for part in [
        "(",
        "not ",
        "\"",
        "\\\"",
        "a..",
        "..",
        "<",
        "due < ",
        "tag = a and ",
        "last ",
        "(tag = a) or ",
        "=",
        "+7d ",
    ] {
        let text: String = part.chars().cycle().take(1_000).collect();
        check(&text, &berlin());
        check(&format!("title = \"{text}"), &berlin());
    }
}
