//! The parser: what is read, what is refused, and where the finger points.

use perennial_recurrence::{End, Frequency, Rule, Skip, Until, Zone, ZoneError};

#[test]
fn a_refusal_names_the_part_and_points_to_the_character() {
    let table = [
        ("", 0, Some("FREQ"), "FREQ: missing; every rule needs one, such as FREQ=DAILY (at character 1)"),
        (
            "COUNT=3",
            7,
            Some("FREQ"),
            "FREQ: missing; every rule needs one, such as FREQ=DAILY (at character 8)",
        ),
        (
            "FREQ=FORTNIGHTLY",
            5,
            Some("FREQ"),
            "FREQ: must be YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY (at character 6)",
        ),
        (
            "FREQ=DAILY;",
            11,
            None,
            "a part is missing here; parts are separated by one semicolon and none follows the last (at character 12)",
        ),
        ("RRULE:FREQ=DAILY", 0, None, "give the rule without \"RRULE:\" (at character 1)"),
        ("FREQ=DAILY;X-A=1", 11, None, "\"X-A\" is not a part of a recurrence rule (at character 12)"),
        (
            "FREQ=DAILY;BYDAY=MO,\u{20ac}",
            20,
            Some("BYDAY"),
            "BYDAY: only visible ASCII characters may stand in a rule, no spaces or line breaks (at character 21)",
        ),
        (
            "FREQ=DAILY; COUNT=1",
            11,
            None,
            "only visible ASCII characters may stand in a rule, no spaces or line breaks (at character 12)",
        ),
        (
            "FREQ=DAILY;COUNT=1;COUNT=2",
            19,
            Some("COUNT"),
            "COUNT: given twice; a part may stand only once (at character 20)",
        ),
        (
            "FREQ=DAILY;COUNT=",
            17,
            Some("COUNT"),
            "COUNT: a value is missing, write COUNT=\u{2026} (at character 18)",
        ),
        ("FREQ=DAILY;INTERVAL=0", 20, Some("INTERVAL"), "INTERVAL: must be 1 or more (at character 21)"),
        (
            "FREQ=DAILY;INTERVAL=1x",
            21,
            Some("INTERVAL"),
            "INTERVAL: a whole number without sign is needed (at character 22)",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO,XX",
            21,
            Some("BYDAY"),
            "BYDAY: \"XX\" does not end in a weekday: MO, TU, WE, TH, FR, SA or SU (at character 22)",
        ),
        (
            "FREQ=MONTHLY;BYDAY=54MO",
            19,
            Some("BYDAY"),
            "BYDAY: \"54\" is not a number from 1 to 53 or -53 to -1 (at character 20)",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=1,0",
            26,
            Some("BYMONTHDAY"),
            "BYMONTHDAY: \"0\" is not a number from 1 to 31 or -31 to -1 (at character 27)",
        ),
        (
            "FREQ=DAILY;BYHOUR=24",
            18,
            Some("BYHOUR"),
            "BYHOUR: \"24\" is not a number from 0 to 23 (at character 19)",
        ),
        (
            "FREQ=DAILY;UNTIL=20240230",
            17,
            Some("UNTIL"),
            "UNTIL: write the date as YYYYMMDD, a day that exists (at character 18)",
        ),
        (
            "FREQ=DAILY;UNTIL=20240101T99",
            25,
            Some("UNTIL"),
            "UNTIL: write the time as THHMMSS, with Z if it is UTC (at character 26)",
        ),
        (
            "FREQ=DAILY;COUNT=1;UNTIL=20240101",
            19,
            Some("UNTIL"),
            "UNTIL: UNTIL and COUNT must not stand in the same rule (at character 20)",
        ),
        (
            "FREQ=WEEKLY;BYDAY=1MO",
            12,
            Some("BYDAY"),
            "BYDAY: a numbered weekday such as 1MO needs FREQ=MONTHLY or FREQ=YEARLY (at character 13)",
        ),
        (
            "FREQ=YEARLY;BYDAY=1MO;BYWEEKNO=2",
            12,
            Some("BYDAY"),
            "BYDAY: a numbered weekday such as 1MO must not stand beside BYWEEKNO (at character 13)",
        ),
        (
            "FREQ=WEEKLY;BYMONTHDAY=1",
            12,
            Some("BYMONTHDAY"),
            "BYMONTHDAY: must not stand in a WEEKLY rule (at character 13)",
        ),
        (
            "FREQ=MONTHLY;BYYEARDAY=1",
            13,
            Some("BYYEARDAY"),
            "BYYEARDAY: must not stand in a MONTHLY rule (at character 14)",
        ),
        ("FREQ=MONTHLY;BYWEEKNO=1", 13, Some("BYWEEKNO"), "BYWEEKNO: needs FREQ=YEARLY (at character 14)"),
        (
            "FREQ=DAILY;BYSETPOS=1",
            11,
            Some("BYSETPOS"),
            "BYSETPOS: BYSETPOS needs another BY part to choose from (at character 12)",
        ),
        (
            "RSCALE=CHINESE;FREQ=DAILY",
            7,
            Some("RSCALE"),
            "RSCALE: only the GREGORIAN calendar is computed here (at character 8)",
        ),
    ];
    for (text, position, part, shown) in table {
        let refused = Rule::parse(text).unwrap_err();
        assert_eq!((refused.position, refused.part.as_deref()), (position, part), "{text:?}");
        assert_eq!(refused.to_string(), shown, "{text:?}");
    }
}

#[test]
fn a_long_text_is_refused_by_its_length() {
    let refused = Rule::parse(&"FREQ=DAILY;".repeat(1_000)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the rule is 11000 bytes long, at most 4096 are read (at character 4097)"
    );
}

#[test]
fn parts_come_in_any_order_and_either_case_and_the_text_stays_as_given() {
    let text = "interval=02;wkst=su;Freq=Monthly;ByDay=-1fr,+2MO;count=5;skip=backward;rscale=gregorian";
    let rule = Rule::parse(text).unwrap();
    assert_eq!(rule.text(), text);
    assert_eq!((rule.frequency(), rule.interval(), rule.count()), (Frequency::Monthly, 2, Some(5)));
    assert_eq!(rule.parts().skip, Skip::Backward);
    assert_eq!(
        rule.parts().to_string(),
        "RSCALE=GREGORIAN;FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR,2MO;WKST=SU;SKIP=BACKWARD;COUNT=5"
    );
}

#[test]
fn until_is_read_in_its_three_forms_and_a_leap_second_is_the_second_before() {
    let until = |value: &str| Rule::parse(&format!("FREQ=DAILY;UNTIL={value}")).unwrap().until().unwrap();
    assert_eq!(until("20271231"), Until::Date("2027-12-31".parse().unwrap()));
    assert_eq!(until("20271231T235960"), Until::Local("2027-12-31T23:59:59".parse().unwrap()));
    assert_eq!(until("20271231T120000Z"), Until::Utc("2027-12-31T12:00:00Z".parse().unwrap()));
    assert_eq!(Rule::parse("FREQ=DAILY;BYSECOND=60").unwrap().parts().by_second, [59]);
}

#[test]
fn ends_can_be_taken_off_and_put_on() {
    let rule = Rule::parse("FREQ=DAILY;COUNT=3").unwrap();
    assert_eq!(rule.without_count().text(), "FREQ=DAILY");
    assert_eq!(rule.with_end(End::Count(7)).text(), "FREQ=DAILY;COUNT=7");
    let until = Rule::parse("UNTIL=20240101;FREQ=DAILY").unwrap();
    assert_eq!(until.without_count().text(), "UNTIL=20240101;FREQ=DAILY");
    assert_eq!(until.without_end().text(), "FREQ=DAILY");
}

#[test]
fn an_offset_in_place_of_a_zone_is_refused_with_advice() {
    for given in ["+02:00", "-0500", "UTC+2", "GMT-5", "2"] {
        let refused = Zone::parse(given).unwrap_err();
        assert!(matches!(refused, ZoneError::Offset { .. }), "{given}: {refused}");
        assert!(refused.to_string().contains("Europe/Paris"));
    }
    assert_eq!(
        Zone::parse("europe/paris").unwrap_err().to_string(),
        "\"europe/paris\" is not an IANA time zone; did you mean \"Europe/Paris\"?"
    );
    assert_eq!(
        Zone::parse("New York").unwrap_err().to_string(),
        "\"New York\" is not an IANA time zone; names look like \"Europe/Paris\" or \"UTC\""
    );
    assert_eq!(Zone::parse("US/Eastern").unwrap().name(), "US/Eastern");
    assert_eq!(Zone::parse("Etc/GMT+5").unwrap().name(), "Etc/GMT+5");
}
