//! Our engine beside one of another family, rrule-temporal (see `differential/README.md` for the command).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop anywhere"
)]

#[path = "differential/random.rs"]
mod random;

use perennial_recurrence::{Rule, RuleSet, Start, Zone};
use random::{Case, Random};
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
const LIMIT: usize = 8;

#[test]
#[ignore = "needs Node and the packages of differential/package.json"]
fn agrees_with_rrule_temporal_outside_the_named_classes() {
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let count = std::env::var("CASES").map_or(20_000, |count| count.parse().unwrap());
    let mut random = Random(seed);
    let cases: Vec<(Case, &str)> =
        (0..count).map(|index| (random::case(&mut random), ZONES[index % ZONES.len()])).collect();
    let theirs = ask(&cases);
    let (mut refused, mut wrong, mut exhausted) = (0, 0, 0);
    for ((case, zone), theirs) in cases.iter().zip(theirs) {
        let ours = match expand(case, zone) {
            Some(x) => x,
            None => {
                exhausted += 1;
                println!("EXHAUSTED {} {zone} {}", case.dtstart, case.rrule);
                continue;
            }
        };
        match theirs {
            Answer { at: Some(at), .. } if at == ours => {}
            Answer { at: Some(at), .. } => {
                wrong += 1;
                println!(
                    "DIFF {} {zone} {}\n  ours   {:?}\n  theirs {:?}",
                    case.dtstart,
                    case.rrule,
                    show(&ours),
                    show(&at)
                );
            }
            Answer { error, .. } => {
                refused += 1;
                println!("REFUSED {} {zone} {} {error:?} ours {}", case.dtstart, case.rrule, ours.len());
            }
        }
    }
    println!("{} cases, {wrong} differ, {refused} refused, {exhausted} exhausted", cases.len());
}
fn show(at: &[i64]) -> Vec<String> {
    at.iter()
        .map(|&at| chrono::DateTime::from_timestamp(at, 0).unwrap().format("%Y-%m-%dT%H:%M:%S").to_string())
        .collect()
}

fn expand(case: &Case, zone: &str) -> Option<Vec<i64>> {
    let rule = Rule::parse(&case.rrule).unwrap();
    let set =
        RuleSet::new(Start::Zoned(case.dtstart, Zone::parse(zone).unwrap()), Some(rule), vec![], vec![])
            .unwrap();
    let page = set.expand(None, LIMIT).ok()?;
    Some(page.occurrences.iter().map(|occurrence| occurrence.instant.unwrap().timestamp()).collect())
}

#[derive(serde::Deserialize)]
struct Answer {
    at: Option<Vec<i64>>,
    error: Option<String>,
}

fn ask(cases: &[(Case, &str)]) -> Vec<Answer> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential");
    let mut oracle = Command::new("node")
        .arg("oracle.mjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = oracle.stdin.take().unwrap();
    let lines: String = cases
        .iter()
        .map(|(case, tz)| {
            let dtstart = case.dtstart.format("%Y%m%dT%H%M%S").to_string();
            format!(
                "{}\n",
                serde_json::json!({"dtstart": dtstart, "tz": tz, "rrule": case.rrule, "limit": LIMIT})
            )
        })
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = oracle.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
