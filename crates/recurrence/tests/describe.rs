//! Rules in words, and words as rules.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test may stop anywhere"
)]

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use perennial_recurrence::{Moment, Phrase, Rule, RuleSet, Sentence, Start, Zone};

#[path = "differential/random.rs"]
mod random;

fn new_york(start: &str, rule: &str) -> RuleSet {
    let start = Start::Zoned(start.parse().unwrap(), Zone::parse("America/New_York").unwrap());
    RuleSet::new(start, Some(Rule::parse(rule).unwrap()), vec![], vec![]).unwrap()
}

#[test]
fn rules_read_as_a_person_would_say_them() {
    let table = [
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;UNTIL=20271231T140000Z",
            "every last workday of the month at 09:00, New York time, until 31 December 2027",
        ),
        ("FREQ=DAILY", "every day at 09:00, New York time"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "every workday at 09:00, New York time"),
        ("FREQ=WEEKLY", "every Wednesday at 09:00, New York time"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,MO;COUNT=10",
            "every 2 weeks on Monday and Friday at 09:00, New York time, 10 times",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;WKST=SU",
            "every 2 weeks on every weekend day at 09:00, weeks from Sunday, New York time",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD",
            "every 31st of the month, else the last day at 09:00, New York time",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1", "every 1st and last day of the month at 09:00, New York time"),
        (
            "FREQ=MONTHLY;BYDAY=1MO,3MO",
            "every first Monday and third Monday of the month at 09:00, New York time",
        ),
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "every month on the 13th, only on Friday at 09:00, New York time",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,2TU",
            "every month on every Monday and the second Tuesday at 09:00, New York time",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=3;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
            "every 3 months on the first workday at 09:00, New York time",
        ),
        ("FREQ=YEARLY", "every year on 3 January at 09:00, New York time"),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            "every year on the fourth Thursday of November at 09:00, New York time",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=2",
            "every year in week 20 on Monday at 09:00, New York time, twice",
        ),
        (
            "FREQ=YEARLY;BYYEARDAY=100,-1",
            "every year on day 100 and day 1 from the end of the year at 09:00, New York time",
        ),
        (
            "FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0,30;UNTIL=20240301",
            "every day at 09:00, 09:30, 17:00 and 17:30, New York time, until 1 March 2024",
        ),
        (
            "FREQ=DAILY;BYHOUR=9,10,11,12;BYMINUTE=0,20,40",
            "every day at minutes 0, 20 and 40 of hours 9 to 12, New York time",
        ),
        (
            "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12;BYDAY=MO",
            "every 20 minutes on Monday at hours 9 to 12, New York time",
        ),
        ("FREQ=HOURLY;INTERVAL=6", "every 6 hours, New York time"),
    ];
    for (rule, words) in table {
        assert_eq!(new_york("2024-01-03T09:00:00", rule).describe(), words, "{rule}");
    }
}

#[test]
fn a_series_without_zone_or_rule_has_words_too() {
    let day = NaiveDate::from_ymd_opt(2024, 3, 1).unwrap();
    let dates =
        RuleSet::new(Start::Date(day), Some(Rule::parse("FREQ=YEARLY;BYHOUR=9").unwrap()), vec![], vec![])
            .unwrap();
    assert_eq!(dates.describe(), "every year on 1 March");
    let once = RuleSet::new(Start::Date(day), None, vec![], vec![]).unwrap();
    assert_eq!(once.describe(), "on 1 March 2024");
    let floating = Start::Floating(day.and_hms_opt(7, 5, 0).unwrap());
    let extra = vec![Moment::Local(day.and_hms_opt(8, 0, 0).unwrap())];
    let set = RuleSet::new(floating, Some(Rule::parse("FREQ=DAILY").unwrap()), extra.clone(), extra).unwrap();
    assert_eq!(set.describe(), "every day at 07:05, plus 1 date, except 1 date");
}

#[test]
fn people_say_it_in_other_words() {
    let table = [
        ("daily", "FREQ=DAILY", None),
        ("every day at 9", "FREQ=DAILY", Some("09:00:00")),
        ("Every other Friday at 9:30pm", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", Some("21:30:00")),
        ("weekdays at noon", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", Some("12:00:00")),
        ("every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", None),
        ("each mon, wed and fri at 7 am", "FREQ=WEEKLY;BYDAY=MO,WE,FR", Some("07:00:00")),
        ("every second day", "FREQ=DAILY;INTERVAL=2", None),
        ("every second", "FREQ=SECONDLY", None),
        ("every 3rd week on Tuesday", "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU", None),
        ("monthly on the 15th", "FREQ=MONTHLY;BYMONTHDAY=15", None),
        ("every 1st and 15th of the month", "FREQ=MONTHLY;BYMONTHDAY=1,15", None),
        ("every first and third Monday of the month", "FREQ=MONTHLY;BYDAY=1MO,3MO", None),
        (
            "every first and last workday of the month",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1",
            None,
        ),
        ("every second last day of the month", "FREQ=MONTHLY;BYMONTHDAY=-2", None),
        ("every year on March 14", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=14", None),
        ("yearly on the fourth Thursday of November", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", None),
        (
            "every last Friday of June at 17:00 until Dec 31, 2030",
            "FREQ=YEARLY;BYMONTH=6;BYDAY=-1FR;UNTIL=20301231",
            Some("17:00:00"),
        ),
        ("every last workday", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", None),
        ("every last day at 9am", "FREQ=MONTHLY;BYMONTHDAY=-1", Some("09:00:00")),
        ("every 15th", "FREQ=MONTHLY;BYMONTHDAY=15", None),
        ("every first and third Monday", "FREQ=MONTHLY;BYDAY=1MO,3MO", None),
        ("every two weeks for 6 times", "FREQ=WEEKLY;INTERVAL=2;COUNT=6", None),
        ("every day at 8am and 8pm", "FREQ=DAILY;BYHOUR=8,20;BYMINUTE=0;BYSECOND=0", Some("08:00:00")),
    ];
    for (words, rule, time) in table {
        let phrase = Phrase::parse(words).unwrap_or_else(|error| panic!("{words}: {error}"));
        assert_eq!(phrase.rule.text(), rule, "{words}");
        assert_eq!(phrase.time, time.map(|time| time.parse::<NaiveTime>().unwrap()), "{words}");
    }
}

#[test]
fn what_is_not_understood_is_pointed_at() {
    let table = [
        ("every blue moon", 6),
        ("every day at 25:00", 10),
        ("every 3rd Friday", 16),
        ("every second workday", 20),
        ("every 3rd blursday", 10),
        ("every last week", 11),
        ("on Monday", 0),
        ("every Monday at 9 bring cake", 18),
        ("", 0),
        ("every \u{1f600}", 6),
    ];
    for (words, position) in table {
        assert_eq!(Phrase::parse(words).unwrap_err().position, position, "{words}");
    }
}

#[test]
fn a_phrase_is_found_inside_a_sentence() {
    let text = "Pay the rent every last workday of the month at 9:00 from the joint account";
    let (range, phrase) = Phrase::find(text).unwrap();
    assert_eq!(&text[range], "every last workday of the month at 9:00");
    assert_eq!(phrase.rule.text(), "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1");
    assert!(Phrase::find("call everybody on Monday").is_none());
}

#[test]
fn a_sentence_says_what_begins_at_a_word() {
    let text = "Pay every last workday at 9:00, New York time, until 31 December 2027 from 5 March at 9 pm";
    let sentence = Sentence::new(text);
    let found = sentence.phrase(4).unwrap();
    assert_eq!(&text[4..found.head], "every last workday");
    assert_eq!(&text[found.time.unwrap()], "at 9:00");
    assert_eq!(&text[found.zone.unwrap()], ", New York time");
    assert_eq!(&text[4..found.end], "every last workday at 9:00, New York time, until 31 December 2027");
    let (day, end) = sentence.day_of_month(text.find("5 March").unwrap()).unwrap();
    assert_eq!((day, &text[end..]), ((5, 3), " at 9 pm"));
    let clock = sentence.clock(text.find("9 pm").unwrap());
    assert_eq!(clock, NaiveTime::from_hms_opt(21, 0, 0).map(|time| (time, text.len())));
    assert_eq!(sentence.phrase(5).unwrap_err().position, 5, "within a word");
    assert!(sentence.steps() > 0);
}

/// The law: the words of a series say the same series.
#[test]
fn words_read_back_give_the_same_occurrences() {
    let mut random = random::Random(4);
    let zones = [
        "America/New_York",
        "Europe/Paris",
        "UTC",
        "Asia/Kolkata",
        "America/Argentina/Buenos_Aires",
        "CET",
        "US/Eastern",
        "Canada/Eastern",
    ];
    for index in 0..800 {
        let case = random::case(&mut random);
        let zone = Zone::parse(zones[index % zones.len()]).unwrap();
        let set = RuleSet::new(
            Start::Zoned(case.dtstart, zone),
            Some(Rule::parse(&case.rrule).unwrap()),
            vec![],
            vec![],
        )
        .unwrap();
        let words = set.describe();
        let phrase = Phrase::parse(&words).unwrap_or_else(|error| panic!("{}\n{words}\n{error}", case.rrule));
        assert!(phrase.zone.is_some_and(|heard| heard.is_same_as(&zone)), "{words}");
        let again = RuleSet::new(
            Start::Zoned(at(case.dtstart, &phrase), zone),
            Some(phrase.rule.clone()),
            vec![],
            vec![],
        )
        .unwrap();
        assert_eq!(again.describe(), words, "{}\n{}", case.rrule, phrase.rule);
        if let (Ok(expected), Ok(found)) = (set.expand(None, 20), again.expand(None, 20)) {
            // A start later on its day than the time said may add that day; the rule itself is the same.
            let later = |page: &perennial_recurrence::Page| -> Vec<_> {
                page.occurrences
                    .iter()
                    .filter(|one| one.local.date() > case.dtstart.date())
                    .map(|one| one.local)
                    .take(10)
                    .collect()
            };
            if set.rule().unwrap().count().is_none() {
                assert_eq!(later(&expected), later(&found), "{}\n{words}\n{}", case.rrule, phrase.rule);
            }
        }
    }
}

/// The start with the phrase's own time of day.
fn at(start: NaiveDateTime, phrase: &Phrase) -> NaiveDateTime {
    let several = !phrase.rule.parts().by_hour.is_empty();
    phrase.time.filter(|_| !several).map_or(start, |time| start.date().and_time(time))
}
