//! What the fuzz targets do with their bytes; shared by `tests/fuzz.rs`.

use perennial_recurrence::chrono::{DateTime, Utc};
use perennial_recurrence::limits::MAX_STEPS;
use perennial_recurrence::{Moment, Phrase, Rule, RuleSet, Start, Zone, zone_names};

/// Parses a text as a rule and as a phrase; what is accepted must print and parse to itself.
pub fn parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Rule::parse(&text) {
        Ok(rule) => {
            assert_eq!(rule.text(), text);
            let again = Rule::from_parts(rule.parts()).unwrap();
            assert_eq!(again.parts(), rule.parts());
        }
        Err(refused) => assert!(refused.position <= text.len(), "{refused}"),
    }
    match Phrase::parse(&text) {
        Ok(phrase) => assert_eq!(Rule::parse(phrase.rule.text()).as_ref(), Ok(&phrase.rule)),
        Err(refused) => assert!(refused.position <= text.len(), "{refused}"),
    }
    if let Some((range, _)) = Phrase::find(&text) {
        assert!(text.get(range).is_some());
    }
}

/// Nineteen bytes choose start (8), moment (8), zone (2) and kind of start (1); the rest is the rule. Every
/// question is asked.
pub fn expand(data: &[u8]) {
    let Some((start, rest)) = data.split_first_chunk() else { return };
    let Some((moment, rest)) = rest.split_first_chunk() else { return };
    let Some((zone, rest)) = rest.split_first_chunk() else { return };
    let Some((kind, text)) = rest.split_first() else { return };
    let Ok(rule) = Rule::parse(&String::from_utf8_lossy(text)) else { return };
    // Seconds since the year 1, up to the year 9999.
    let instant = |bytes: [u8; 8]| -> DateTime<Utc> {
        let seconds = i64::try_from(u64::from_le_bytes(bytes) % 315_537_897_600).unwrap();
        DateTime::from_timestamp(seconds - 62_135_596_800, 0).unwrap()
    };
    let local = instant(*start).naive_utc();
    let name = zone_names().nth(usize::from(u16::from_le_bytes(*zone)) % zone_names().count()).unwrap();
    let zone = Zone::parse(name).unwrap();
    let start = match kind & 3 {
        0 => Start::Date(local.date()),
        1 => Start::Floating(local),
        _ => Start::Zoned(local, zone),
    };
    let Ok(set) = RuleSet::new(start, Some(rule), vec![], vec![]) else { return };
    let moment = Moment::Instant(instant(*moment));
    if let Ok(page) = set.expand(None, 20) {
        assert!(page.steps <= MAX_STEPS);
        assert!(
            page.occurrences
                .is_sorted_by(|a, b| (a.instant, a.local) < (b.instant, b.local) || a.instant < b.instant)
        );
    }
    let _ = (set.next_after(&moment), set.previous(&moment), set.contains(&moment), set.describe());
}
