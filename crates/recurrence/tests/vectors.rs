//! The shared vectors: cases on which independent engines agree (see `vectors/README.md`).

#![expect(clippy::unwrap_used, reason = "a test may stop anywhere")]

use chrono::{DateTime, NaiveDateTime, Utc};
use perennial_recurrence::{Moment, Rule, RuleSet, Start, Zone};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    id: String,
    dtstart: NaiveDateTime,
    tz: String,
    rrule: String,
    #[serde(default)]
    exdate: Vec<NaiveDateTime>,
    after: Option<DateTime<Utc>>,
    limit: usize,
    expected_utc: Vec<DateTime<Utc>>,
}

#[test]
fn every_shared_vector_comes_out_as_the_independent_engines_say() {
    let text = include_str!("vectors/recurrence.jsonl");
    let mut wrong = Vec::new();
    for line in text.lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let found = expand(&vector);
        if found != vector.expected_utc {
            wrong.push(format!(
                "{}: {}\n  expected {:?}\n  found    {found:?}",
                vector.id, vector.rrule, vector.expected_utc
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), text.lines().count(), wrong.join("\n"));
}

fn expand(vector: &Vector) -> Vec<DateTime<Utc>> {
    let zone = Zone::parse(&vector.tz).unwrap();
    let rule = Rule::parse(&vector.rrule).unwrap();
    assert_eq!(rule.text(), vector.rrule);
    let exdate = vector.exdate.iter().copied().map(Moment::Local).collect();
    let set = RuleSet::new(Start::Zoned(vector.dtstart, zone), Some(rule), Vec::new(), exdate).unwrap();
    let page = set.expand(vector.after.map(Moment::Instant).as_ref(), vector.limit).unwrap();
    assert_eq!(
        page.complete,
        page.occurrences.len() < vector.limit || ends_there(&set, &page.occurrences),
        "{}",
        vector.id
    );
    page.occurrences.iter().map(|occurrence| occurrence.instant.unwrap()).collect()
}

fn ends_there(set: &RuleSet, found: &[perennial_recurrence::Occurrence]) -> bool {
    found.last().is_none_or(|last| set.next_after(&last.moment()).unwrap().is_none())
}
