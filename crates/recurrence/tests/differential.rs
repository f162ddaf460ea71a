//! Our engine beside one of another family: rrule-temporal, which is built on ECMAScript's Temporal.
//!
//! ```text
//! (cd crates/recurrence/tests/differential && npm ci)
//! cargo test -p perennial-recurrence --test differential -- --ignored --nocapture
//! ```
//! `SEED` and `CASES` choose other rules and more or fewer of them. About ten minutes for the usual number.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop anywhere"
)]

#[path = "differential/classes.rs"]
mod classes;
#[path = "differential/random.rs"]
mod random;

use classes::class_of;
use perennial_recurrence::{Rule, RuleSet, Start, Zone};
use random::{Case, Random};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

const ZONES: [&str; 12] = [
    "America/New_York",
    "Europe/London",
    "Europe/Paris",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Pacific/Apia",
    "Atlantic/Azores",
    "UTC",
];
/// Occurrences compared of each rule.
const LIMIT: usize = 8;
const BATCH: usize = 2_000;

#[test]
#[ignore = "needs Node and the packages of differential/package.json"]
fn agrees_with_rrule_temporal_outside_the_named_classes() {
    let setting =
        |name: &str, usual: usize| std::env::var(name).map_or(usual, |value| value.parse().unwrap());
    let (seed, wanted) = (setting("SEED", 1), setting("CASES", 20_000));
    let mut random = Random(seed as u64);
    let (mut compared, mut given_up, mut unexplained) = (0, 0, Vec::new());
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    while compared < wanted {
        let cases: Vec<(Case, &str)> =
            (0..BATCH).map(|index| (random::case(&mut random), ZONES[index % ZONES.len()])).collect();
        for ((case, zone), theirs) in cases.iter().zip(ask(&cases)) {
            // The other engine gives up on rules without an occurrence within its bounds.
            let Some(theirs) = theirs.at else {
                given_up += 1;
                continue;
            };
            compared += 1;
            let ours = expand(case, zone);
            if ours == theirs {
                continue;
            }
            match class_of(case, zone) {
                Some(class) => *explained.entry(class.name).or_default() += 1,
                None => unexplained.push(format!("{case:?} {zone}\n  ours   {ours:?}\n  theirs {theirs:?}")),
            }
        }
        println!(
            "{compared} compared, {given_up} given up by the other engine, {} unexplained",
            unexplained.len()
        );
    }
    for class in &classes::CLASSES {
        println!(
            "{:5} differ: {}\n      {}",
            explained.get(class.name).unwrap_or(&0),
            class.name,
            class.words
        );
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}

/// Our answer. A refusal for want of steps is compared like an answer that found nothing: it differs, and needs a class.
fn expand(case: &Case, zone: &str) -> Vec<i64> {
    let start = Start::Zoned(case.dtstart, Zone::parse(zone).unwrap());
    let set = RuleSet::new(start, Some(Rule::parse(&case.rrule).unwrap()), vec![], vec![]).unwrap();
    let Ok(page) = set.expand(None, LIMIT) else { return Vec::new() };
    page.occurrences.iter().map(|occurrence| occurrence.instant.unwrap().timestamp()).collect()
}

#[derive(serde::Deserialize)]
struct Answer {
    at: Option<Vec<i64>>,
}

fn ask(cases: &[(Case, &str)]) -> Vec<Answer> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential");
    let mut node = Command::new("node");
    let oracle = node.arg("oracle.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut oracle = oracle.spawn().unwrap();
    let mut input = oracle.stdin.take().unwrap();
    let question = |(case, tz): &(Case, &str)| {
        let dtstart = case.dtstart.format("%Y%m%dT%H%M%S").to_string();
        format!(
            "{}\n",
            serde_json::json!({"dtstart": dtstart, "tz": tz, "rrule": case.rrule, "limit": LIMIT})
        )
    };
    let lines: String = cases.iter().map(question).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = oracle.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Answer> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), cases.len(), "an answer for every case; is `npm ci` done?");
    answers
}
